"""Browser sessions in DynamoDB."""

from contextlib import suppress

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.errors import TemporarilyUnavailable
from valet.frozen import Frozen
from valet.models.sessions import Session
from valet.people.sessions import is_over
from valet.settings import LONGEST_ACCESS_TOKEN


class DynamoSessions(Frozen):
    """The port Sessions."""

    table: Table

    def open(self, session: Session) -> None:
        # Without its session, a pointer is harmless; without a pointer, the end-user could not find the session.
        pointer = {"pk": _pointers(session.sub), "sk": session.digest.hex(), "expires_at": session.absolute_expires_at}
        self.table.put(pointer)
        item = item_from_model(session, _session(session.digest), "session")
        # Keep the item as long as an access token of the session may live, so that a sign-out after the session's end
        # still ends those tokens.
        expires_at = session.absolute_expires_at + LONGEST_ACCESS_TOKEN
        try:
            # The condition keeps a late write from reopening a session that has ended since.
            self.table.put({**item, "expires_at": expires_at}, "attribute_not_exists(#pk)")
        except ConditionFailed:
            return  # no other invocation can have drawn this digest: it was our own first try

    def find_session(self, digest: bytes) -> Session | None:
        item = self.table.get(_session(digest), "session")
        return model_from_item(Session, item) if item else None

    def sessions_of(self, sub: str, now: float) -> tuple[Session, ...]:
        found = [self.find_session(bytes.fromhex(pointer["sk"])) for pointer in self.table.query(_pointers(sub))]
        living = [session for session in found if session is not None and not is_over(session, now)]
        return tuple(sorted(living, key=lambda session: session.auth_time_ms, reverse=True))

    def prolong(self, digest: bytes, idle_expires_at: int) -> None:
        try:
            self.table.update(
                _session(digest),
                "session",
                "SET #idle_expires_at = :idle",
                {":idle": idle_expires_at},
                "#idle_expires_at < :idle AND attribute_not_exists(#ended_at)",
            )
        except ConditionFailed:
            return

    def end(self, digest: bytes, attempt: bytes, now: float) -> Session | None:
        try:
            item = self.table.update(
                _session(digest),
                "session",
                "SET #ended_at = if_not_exists(#ended_at, :now), #ending = if_not_exists(#ending, :attempt)",
                {":now": int(now), ":attempt": attempt},
                "attribute_exists(#pk)",
                "ALL_NEW",
            )
        except ConditionFailed:
            return None
        session = model_from_item(Session, item)
        with suppress(TemporarilyUnavailable):  # a pointer to a session that has ended is harmless
            self.table.delete(_pointers(session.sub), digest.hex())
        return session


def _session(digest: bytes) -> str:
    return f"session#{digest.hex()}"


def _pointers(sub: str) -> str:
    """The partition of the pointers. It is not sub#…, which the release before reads as pointers to grants alone."""
    return f"sessions#{sub}"
