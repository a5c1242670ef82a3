"""The account page: one file a section, with `show` for its page and `act` for its forms. None knows the others.

Sections that other functions serve have a row in protocol/account_visit.py, and no file here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from valet.errors import NotFound

if TYPE_CHECKING:
    from valet.account.visit import Visit
    from valet.http import Parameters, Response

_OWN = frozenset({"overview", "profile", "sessions", "apps", "download", "delete"})


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
