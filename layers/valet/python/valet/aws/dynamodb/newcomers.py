"""New accounts in the Users table, of people who make them themselves."""

from contextlib import suppress

from valet.aws.dynamodb.accounts import DynamoUsers, item_of_account
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account, Identifier


class DynamoNewcomers(Frozen):
    """The port Newcomers."""

    table: Table

    def find_identifier(self, name: str) -> Identifier | None:
        return DynamoUsers(self.table).find_identifier(name)

    def keep_account(self, account: Account) -> None:
        # Only our own first try can have put one. A copy of it may arrive when the account has been in use for long,
        # and must not bring the first state back.
        with suppress(ConditionFailed):
            self.table.put(item_of_account(account), "attribute_not_exists(#pk)")

    def drop_account(self, sub: str) -> None:
        self.table.delete(f"account#{sub}", "account")

    def take_identifier(self, name: str, identifier: Identifier, released_before: int) -> bool:
        return DynamoUsers(self.table).take_identifier(name, identifier, released_before)

    def forget_address(self, account: Account) -> None:
        with suppress(ConditionFailed):
            self.table.update(
                f"account#{account.sub}",
                "account",
                "REMOVE #email, #email_verified",
                {":email": account.email},
                "#email = :email",
            )
