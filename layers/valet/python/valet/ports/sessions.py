"""Browser sessions."""

from typing import Protocol

from valet.models.sessions import Session


class Sessions(Protocol):
    def open(self, session: Session) -> None:
        """Open the session, once: if the same write arrives late, it does not reopen a session that has ended since. A
        pointer to it is stored first, so that its end-user can find it.
        """

    def find_session(self, digest: bytes) -> Session | None: ...
    def sessions_of(self, sub: str, now: float) -> tuple[Session, ...]:
        """The end-user's sessions that have not ended, the latest sign-in first. One that the release before opened is
        not among them. Strongly consistent.
        """

    def prolong(self, digest: bytes, idle_expires_at: int) -> None:
        """Prolong the session unless it has ended; never move its end back in time."""

    def end(self, digest: bytes, attempt: bytes, now: float) -> Session | None:
        """End the session and delete its pointer; this is final. Returns the session, also if it had ended before, so
        that the caller can end grants that an earlier invocation left. Its `ending` says which attempt ended it. None
        if there is no such session.
        """


class HasSessions(Protocol):
    @property
    def sessions(self) -> Sessions: ...
