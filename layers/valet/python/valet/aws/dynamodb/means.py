"""What an account signs in with: its password, its passkeys and its links to other providers. The last means stays."""

from valet.aws.dynamodb.own_account import shut_out
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account

_SETS = ("passkeys", "links")  # attributes of the account; an empty set is no attribute
_STANDS = (
    "(attribute_not_exists(#epoch) OR #epoch = :epoch) AND attribute_exists(#pk) AND attribute_not_exists(#deleted_at)"
)


class Means(Frozen):
    """Writes on accounts. `account` is the account as it was read: each is refused if its epoch is another by now."""

    users: Table

    def name(
        self, account: Account, attribute: str, name: str, most: int, also: dict[str, bytes] | None = None
    ) -> bool:
        """Add a name to one of the sets. False: the account has `most` by now, or another value for an attribute of
        `also`, which is set with it; or it was changed meanwhile.
        """
        also = also or {}
        is_room = f"(attribute_not_exists(#{attribute}) OR size(#{attribute}) < :most)"
        are_same = [f"(attribute_not_exists(#{other}) OR #{other} = :{other})" for other in also]
        change = f"ADD #{attribute} :name"
        if also:
            change = f"SET {', '.join(f'#{other} = :{other}' for other in also)} {change}"
        values = {":name": {name}, ":most": most, **{f":{other}": value for other, value in also.items()}}
        try:
            self.write(account, change, values, " AND ".join((is_room, *are_same)))
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return name in (failed.found or {}).get(attribute, ())
        return True

    def drop(self, account: Account, attribute: str, name: str, now: float, *, is_lost: bool) -> bool:
        """Take a name off one of the sets, unless it is the last means. If it is lost, raise the epoch as well. False:
        it is the last, or the account was changed meanwhile.
        """
        marks = shut_out(account, now) if is_lost else {}
        change = f"DELETE #{attribute} :name"
        if marks:
            change = f"SET {', '.join(f'#{mark} = :new_{mark}' for mark in marks)} {change}"
        values = {":name": {name}, ":one": 1, **{f":new_{mark}": value for mark, value in marks.items()}}
        # Each account has a password, unless it says that it has none.
        others = " OR ".join(f"attribute_exists(#{each})" for each in _SETS if each != attribute)
        is_not_last = f"(attribute_not_exists(#has_no_password) OR {others} OR size(#{attribute}) > :one)"
        try:
            self.write(account, change, values, is_not_last)
        except ConditionFailed as failed:
            found = failed.found or {}
            is_gone = bool(found) and name not in found.get(attribute, ())
            return is_gone and all(found.get(mark) == value for mark, value in marks.items())
        return True

    def write(self, account: Account, change: str, values: dict[str, object], condition: str) -> None:
        values = {**values, ":epoch": account.epoch}
        self.users.update(f"account#{account.sub}", "account", change, values, f"{_STANDS} AND {condition}")
