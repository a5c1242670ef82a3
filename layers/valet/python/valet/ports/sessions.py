"""Browser sessions."""

from typing import Protocol

from valet.models.sessions import Session


class Sessions(Protocol):
    def open(self, session: Session) -> None:
        """Once: what has ended since is not opened again by the same write coming late."""

    def find_session(self, digest: bytes) -> Session | None: ...
    def prolong(self, digest: bytes, idle_expires_at: int) -> None:
        """Unless it has ended; never back in time."""

    def end(self, digest: bytes, attempt: bytes, now: float) -> Session | None:
        """Final. The session, also when it had ended before: whoever ends it again can finish what an earlier one left
        undone. Its `ending` says which attempt ended it. None if there is none."""


class HasSessions(Protocol):
    @property
    def sessions(self) -> Sessions: ...
