"""What an end-user changes of their own sign-in, in the Users table."""

from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.own_account import shut_out
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account, Password

_STANDS = (
    "(attribute_not_exists(#epoch) OR #epoch = :epoch) AND attribute_exists(#pk) AND attribute_not_exists(#deleted_at)"
)


class DynamoOwnSignIn(Frozen):
    """The port OwnSignIn."""

    table: Table

    def put_password(self, password: Password) -> None:
        DynamoUsers(self.table).put_password(password)

    def name_password(self, account: Account, password_id: str, now: float) -> bool:
        marks = {"password_id": password_id, **shut_out(account, now)}
        change = f"SET {', '.join(f'#{name} = :{name}_set' for name in marks)} REMOVE #has_no_password"
        values: dict[str, object] = {f":{name}_set": value for name, value in marks.items()}
        # The first password of an account has no id. Of another one than was read, somebody else has just decided.
        known = "#password_id = :known" if account.password_id else "attribute_not_exists(#password_id)"
        if account.password_id:
            values[":known"] = account.password_id
        return self._write(account, change, values, known, marks)

    def drop_password(self, sub: str, password_id: str) -> None:
        DynamoUsers(self.table).drop_password(sub, password_id)

    def _write(
        self, account: Account, change: str, values: dict[str, object], condition: str, marks: dict[str, object]
    ) -> bool:
        values = {**values, ":epoch": account.epoch}
        try:
            self.table.update(f"account#{account.sub}", "account", change, values, f"{_STANDS} AND {condition}")
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return all((failed.found or {}).get(name) == value for name, value in marks.items())
        return True
