"""People as operators keep them (DynamoDB, the Users table)."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from valet.aws.dynamodb.table import ConditionFailed, item_from_model, model_from_item
from valet.aws.dynamodb.users import DynamoUsers
from valet.models import Account, Credential
from valet.users import normal_username

from admin.endings import Refused
from admin.scans import ScannedTable


@dataclass(frozen=True, slots=True)
class People:
    """Accounts, found by username, and the hashes of their passwords."""

    table: ScannedTable

    def find(self, username: str) -> Account | None:
        users = DynamoUsers(self.table)
        credential = users.find_credential(normal_username(username))
        return users.find_account(credential.sub) if credential else None

    def account(self, username: str) -> Account:
        found = self.find(username)
        if found is None:
            raise Refused(f"There is no user {username}.")
        return found

    def accounts(self) -> Iterator[Account]:
        return (model_from_item(Account, item) for item in self.table.scan("account#"))

    def add(self, account: Account, password_hash: str) -> bool:
        """False if the username is taken."""
        return DynamoUsers(self.table).add_user(account, Credential(account.username, account.sub, password_hash))

    def change(self, before: Account, after: Account) -> None:
        pk = f"account#{before.sub}"
        if not self.table.change(item_from_model(before, pk, "account"), item_from_model(after, pk, "account")):
            raise Refused(f"The user {before.username} was changed by somebody else at this moment: look again.")

    def end_sessions(self, account: Account, before_ms: int) -> None:
        """Whoever signed in to the account before that time has to sign in again; never back in time."""
        mark = "#sessions_not_before_ms"
        condition = f"attribute_exists(#pk) AND (attribute_not_exists({mark}) OR {mark} < :before)"
        with suppress(ConditionFailed):  # deleted, or ended up to a later time: there is nothing left to do
            pk, values = f"account#{account.sub}", {":before": before_ms}
            self.table.update(pk, "account", f"SET {mark} = :before", values, condition)

    def set_password(self, account: Account, password_hash: str) -> None:
        before = DynamoUsers(self.table).find_credential(account.username)
        if before is None or before.sub != account.sub:
            raise Refused(f"{account.username} has no password to replace.")
        pk = f"credential#{before.username}"
        after = replace(before, password_hash=password_hash)
        if not self.table.change(item_from_model(before, pk, "credential"), item_from_model(after, pk, "credential")):
            raise Refused(f"The password of {account.username} was changed by somebody else at this moment.")
