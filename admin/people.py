"""People as operators keep them (DynamoDB, the Users table)."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from valet.aws.dynamodb.table import ConditionFailed, item_from_model, model_from_item
from valet.aws.dynamodb.users import DynamoUsers
from valet.models import Account, Credential
from valet.users import normal_username

from admin import changes
from admin.audit import Audit
from admin.endings import Refused
from admin.scans import ScannedTable


@dataclass(frozen=True, slots=True)
class People:
    """Accounts, found by username, and the hashes of their passwords. Every change is told once it is made."""

    table: ScannedTable
    audit: Audit

    def find(self, username: str) -> Account | None:
        users = DynamoUsers(self.table)
        credential = users.find_credential(normal_username(username))
        return users.find_account(credential.sub) if credential else None

    def account(self, username: str) -> Account:
        found = self.find(username)
        if found is None:
            raise Refused(f"There is no user {username}.")
        return found

    def remains(self, username: str) -> Account:
        """The account, or what is left to delete of one whose deletion was cut short."""
        users = DynamoUsers(self.table)
        credential = users.find_credential(normal_username(username))
        if credential is None:
            raise Refused(f"There is no user {username}.")
        left = Account(credential.sub, credential.username, is_disabled=True)
        return users.find_account(credential.sub) or left

    def accounts(self) -> Iterator[Account]:
        return (model_from_item(Account, item) for item in self.table.scan("account#"))

    def add(self, account: Account, password_hash: str, deed: changes.Deed = "added") -> bool:
        """False if the username is taken."""
        credential = Credential(account.username, account.sub, password_hash)
        is_added = DynamoUsers(self.table).add_user(account, credential)
        if is_added:
            self.audit.record("user.changed", **changes.of_account(None, account, deed))
        return is_added

    def change(self, before: Account, after: Account) -> None:
        if after == before:
            return
        pk = f"account#{before.sub}"
        if not self.table.change(item_from_model(before, pk, "account"), item_from_model(after, pk, "account")):
            raise Refused(f"The user {before.username} was changed by somebody else at this moment: look again.")
        self.audit.record("user.changed", **changes.of_account(before, after))

    def delete(self, account: Account) -> None:
        """Account, consents and credential. The credential at the end: killed in between, we leave a username that
        nobody can sign in with, and by which it is done again."""
        for consent in self.table.query(f"consent#{account.sub}"):
            self.table.delete(consent["pk"], consent["sk"])
        self.table.delete(f"account#{account.sub}", "account")
        # Unless somebody has deleted it meanwhile, and given the username to another.
        with suppress(ConditionFailed):
            is_ours = "attribute_not_exists(#pk) OR #sub = :sub"
            self.table.delete(f"credential#{account.username}", "credential", is_ours, {":sub": account.sub})
        self.audit.record("user.changed", **changes.of_account(account, None))

    def end_sessions(self, account: Account, before_ms: int) -> None:
        """Whoever signed in to the account before that time has to sign in again; never back in time."""
        if account.sessions_not_before_ms >= before_ms:
            return
        if self.table.mark(f"account#{account.sub}", "account", "sessions_not_before_ms", before_ms):
            ended = replace(account, sessions_not_before_ms=before_ms)
            self.audit.record("user.changed", **changes.of_account(account, ended))

    def set_password(self, account: Account, password_hash: str) -> None:
        before = DynamoUsers(self.table).find_credential(account.username)
        if before is None or before.sub != account.sub:
            raise Refused(f"{account.username} has no password to replace.")
        pk = f"credential#{before.username}"
        after = replace(before, password_hash=password_hash)
        if not self.table.change(item_from_model(before, pk, "credential"), item_from_model(after, pk, "credential")):
            raise Refused(f"The password of {account.username} was changed by somebody else at this moment.")
        self.audit.record("user.changed", **changes.of_account(account, account, "password.set"))
