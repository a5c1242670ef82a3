"""Saved requests, browser sessions and login throttles in DynamoDB."""

from dataclasses import dataclass

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.models import AuthorizationRequest, SavedRequest, Session
from valet.settings import LONGEST_ACCESS_TOKEN


@dataclass(frozen=True, slots=True)
class DynamoSavedRequests:
    """The port SavedRequests."""

    table: Table

    def save(self, request: SavedRequest) -> None:
        item = item_from_model(request, f"request#{request.digest.hex()}", "request")
        members = item_from_model(request.request, "", "")
        del members["pk"], members["sk"]
        self.table.put({**item, "request": members})

    def find_saved(self, digest: bytes) -> SavedRequest | None:
        item = self.table.get(f"request#{digest.hex()}", "request")
        if item is None:
            return None
        request = model_from_item(AuthorizationRequest, item["request"])
        return model_from_item(SavedRequest, {**item, "request": request})


@dataclass(frozen=True, slots=True)
class DynamoSessions:
    """The port Sessions."""

    table: Table

    def open(self, session: Session) -> None:
        item = item_from_model(session, _session(session.digest), "session")
        # As long as an access token of it may live: whoever signs out after the session's own end still ends those.
        expires_at = session.absolute_expires_at + LONGEST_ACCESS_TOKEN
        try:
            # On a condition, so that a write which comes late cannot open again what has ended since.
            self.table.put({**item, "expires_at": expires_at}, "attribute_not_exists(#pk)")
        except ConditionFailed:
            return  # nobody else can have drawn this digest: it was our own first try

    def find_session(self, digest: bytes) -> Session | None:
        item = self.table.get(_session(digest), "session")
        return model_from_item(Session, item) if item else None

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
        return model_from_item(Session, item)


@dataclass(frozen=True, slots=True)
class DynamoThrottles:
    """The port Throttles."""

    table: Table

    def count(self, what: str, expires_at: int) -> int:
        counter = self.table.update(
            f"throttle#{what}",
            "throttle",
            "ADD #attempts :one SET #expires_at = :end",
            {":one": 1, ":end": expires_at},
            returned="UPDATED_NEW",
        )
        attempts: int = counter["attempts"]
        return attempts

    def count_share(self, what: str, share: str, most_of_share: int, most: int, expires_at: int) -> bool:
        of_share = f"#of_{share}"
        try:
            self.table.update(
                f"throttle#{what}",
                "throttle",
                f"ADD #attempts :one, {of_share} :one SET #expires_at = :end",
                {":one": 1, ":end": expires_at, ":most": most, ":most_of_share": most_of_share},
                f"attribute_not_exists(#attempts) OR #attempts < :most AND attribute_not_exists({of_share}) OR "
                f"#attempts < :most AND {of_share} < :most_of_share",
            )
        except ConditionFailed:
            return False
        return True

    def forget_share(self, what: str, share: str) -> None:
        try:
            self.table.update(
                f"throttle#{what}",
                "throttle",
                f"ADD #attempts :less REMOVE #of_{share}",
                {":less": -1, ":none": 0},
                "#attempts > :none",
            )
        except ConditionFailed:
            return

    def take_back(self, what: str) -> None:
        try:
            # On a condition, so that a count which has ended, and is deleted, does not begin again below nothing. Where
            # an answer was lost it may take two off: one more guess, at nobody's bidding.
            self.table.update(
                f"throttle#{what}",
                "throttle",
                "ADD #attempts :less",
                {":less": -1, ":none": 0},
                "#attempts > :none",
            )
        except ConditionFailed:
            return

    def forget(self, what: str) -> None:
        self.table.delete(f"throttle#{what}", "throttle")

    def remember_browser(self, browser_digest: bytes, account: str, expires_at: int) -> None:
        self.table.put({"pk": _browser(browser_digest), "sk": account, "expires_at": expires_at})

    def knows_browser(self, browser_digest: bytes, account: str, now: float) -> bool:
        item = self.table.get(_browser(browser_digest), account)
        return item is not None and bool(item["expires_at"] > now)


def _session(digest: bytes) -> str:
    return f"session#{digest.hex()}"


def _browser(digest: bytes) -> str:
    return f"throttle#browser#{digest.hex()}"
