"""The account page: one file a section, with `show` for its page and `act` for its forms. None knows the others."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from valet.errors import NotFound

if TYPE_CHECKING:
    from valet.account.visit import Visit
    from valet.http import Parameters, Response

_OWN = frozenset({"overview", "profile", "sessions", "apps", "download", "delete"})
# How people sign in: the function credentials serves these, and alone may change it.
_CREDENTIALS = frozenset({"password", "email", "passkeys", "second", "recovery", "providers"})


class SectionModule(Protocol):
    """What each file has."""

    def show(self, visit: "Visit") -> "Response":
        """The section's page. It changes nothing."""

    def act(self, visit: "Visit", form: "Parameters") -> "Response":
        """Do what one of the page's forms asks for, and redirect to the page. Raises PageOutOfDate."""


def find_section(name: str) -> SectionModule:
    """The section's file, imported when it is asked for. Raises NotFound."""
    if name not in _OWN:
        raise NotFound("Your account has no such page.")
    return cast(SectionModule, import_module(f"valet.account.{name}"))


class CredentialsModule(Protocol):
    """What the files have whose sections change how a person signs in: they use more ports than the others."""

    def show(self, ports: Any, visit: "Visit") -> "Response": ...
    def act(self, ports: Any, visit: "Visit", form: "Parameters") -> "Response": ...


def find_credentials_section(name: str) -> CredentialsModule:
    """The section's file, imported when it is asked for. Raises NotFound."""
    if name not in _CREDENTIALS:
        raise NotFound("Your account has no such page.")
    return cast(CredentialsModule, import_module(f"valet.account.{name}"))
