"""Passwords that are set by a mail, in the Users table.

The release before keeps a password with its username, in an item that this writes nowhere: the function that resets
passwords may see no hash. The account names the password in force, so that release refuses the former one too.
"""

from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.own_account import shut_out
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account, Password

# The epoch spends the mail, and every other mail of the account: each is good in the epoch alone that it was sent in.
_STANDS = "(attribute_not_exists(#epoch) OR #epoch = :read_epoch) AND attribute_not_exists(#deleted_at)"
_HAS_ADDRESS = "#email = :email AND #email_verified = :true"  # so there is an account
_HAS_PASSWORD = "attribute_not_exists(#has_no_password)"


class DynamoRecovery(Frozen):
    """The port Recovery."""

    table: Table

    def keep_password(self, password: Password) -> None:
        DynamoUsers(self.table).put_password(password)

    def drop_password(self, sub: str, password_id: str) -> None:
        DynamoUsers(self.table).drop_password(sub, password_id)

    def reset_password(self, account: Account, password_id: str, now: float, *, is_short: bool = False) -> bool:
        written = {**shut_out(account, now), "password_id": password_id}
        if is_short:
            written["has_short_password"] = True
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in written)
        if not is_short:
            change += " REMOVE #has_short_password"
        values = {
            **{f":{name}": value for name, value in written.items()},
            ":read_epoch": account.epoch,
            ":email": account.email,
            ":true": True,
        }
        condition = f"{_STANDS} AND {_HAS_ADDRESS} AND {_HAS_PASSWORD}"
        try:
            self.table.update(f"account#{account.sub}", "account", change, values, condition)
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return (failed.found or {}).get("password_id") == password_id
        return True
