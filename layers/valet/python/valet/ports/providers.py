"""The other providers that people may sign in with, as operators registered them."""

from typing import Protocol

from valet.models.providers import Provider


class Providers(Protocol):
    """Answers may be up to ten seconds old. Where Federation is off there are none, and nothing is read."""

    def find_provider(self, provider_id: str) -> Provider | None:
        """The provider, also one that is disabled."""

    def providers(self) -> tuple[Provider, ...]:
        """All of them, in the order of their names; `is_disabled` tells of one that nobody may sign in with."""


class HasProviders(Protocol):
    @property
    def providers(self) -> Providers: ...
