"""Login throttles in DynamoDB."""

from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen


class DynamoThrottles(Frozen):
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
            # The condition keeps a count that has ended and was deleted from starting again below zero. If an answer
            # was lost, two attempts may be taken off. That allows one more guess, and no attacker can cause it.
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


def _browser(digest: bytes) -> str:
    return f"throttle#browser#{digest.hex()}"
