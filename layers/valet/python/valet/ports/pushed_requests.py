"""The store of authorization requests that clients have pushed."""

from typing import Protocol

from valet.models.pushed_requests import PushedRequest


class PushedRequests(Protocol):
    def push(self, request: PushedRequest) -> None: ...
    def find_pushed(self, digest: bytes) -> PushedRequest | None:
        """Strongly consistent: the browser may come at once."""


class HasPushedRequests(Protocol):
    @property
    def pushed_requests(self) -> PushedRequests: ...
