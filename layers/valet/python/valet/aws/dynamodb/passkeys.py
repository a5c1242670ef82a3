"""Passkeys in the Users table."""

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.passkeys import Passkey, Use


class DynamoPasskeys(Frozen):
    """The port Passkeys, and what enrolment writes."""

    table: Table

    def find_passkey(self, digest: str) -> Passkey | None:
        item = self.table.get(_pk(digest), "passkey")
        return model_from_item(Passkey, item) if item else None

    def use_passkey(
        self, digest: str, *, challenge_ms: int, sign_count: int, backed_up: bool, attempt: bytes, now: float
    ) -> Use:
        values = {
            ":issued": challenge_ms,
            ":count": sign_count,
            ":backed_up": backed_up,
            ":now": int(now),
            ":attempt": attempt,
        }
        counter = "#sign_count < :count" if sign_count else "#sign_count = :count"
        try:
            self.table.update(
                _pk(digest),
                "passkey",
                "SET #challenge_ms = :issued, #sign_count = :count, #backed_up = :backed_up, #last_used_at = :now, "
                "#attempt = :attempt",
                values,
                f"#challenge_ms < :issued AND {counter}",
            )
        except ConditionFailed as failed:
            found = failed.found or {}
            if found.get("attempt") == attempt:
                return Use.USED  # by our own first try, whose answer was lost
            return Use.STALE if found.get("challenge_ms", challenge_ms) >= challenge_ms else Use.COUNTER
        return Use.USED

    def add_passkey(self, digest: str, passkey: Passkey) -> bool:
        """Keep a passkey that no account names yet. False: there is one with this credential id."""
        item = item_from_model(passkey, _pk(digest), "passkey")
        try:
            self.table.put(item, "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            # Equal: it was put by our own first try.
            return failed.found is not None and model_from_item(Passkey, failed.found) == passkey
        return True

    def delete_passkey(self, digest: str) -> None:
        self.table.delete(_pk(digest), "passkey")


def _pk(digest: str) -> str:
    return f"passkey#{digest}"
