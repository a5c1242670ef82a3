"""The store of authorization requests that wait for a login or a consent."""

from typing import Protocol

from valet.models.saved_requests import SavedRequest


class SavedRequests(Protocol):
    def save(self, request: SavedRequest) -> None: ...
    def find_saved(self, digest: bytes) -> SavedRequest | None: ...


class HasSavedRequests(Protocol):
    @property
    def saved_requests(self) -> SavedRequests: ...
