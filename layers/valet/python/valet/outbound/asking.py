"""One question to another server and its answer, whatever brings it there."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from valet.frozen import NO_ENTRIES

KEPT_HEADERS = ("cache-control", "content-encoding", "content-type")


class Answer(NamedTuple):
    """The status and body of an answer, whatever the status."""

    status: int
    body: bytes
    headers: Mapping[str, str] = NO_ENTRIES  # those of KEPT_HEADERS that it has, by their names in small letters


class Ask(Protocol):
    """POSTs the form to an address, or GETs it where there is no form. No redirect is followed.

    Raises FetchFailed if there is no whole answer of at most `limit` bytes within `timeout` seconds.
    """

    def __call__(
        self, url: str, *, form: Mapping[str, str] | None, headers: Mapping[str, str], limit: int, timeout: float
    ) -> Answer: ...
