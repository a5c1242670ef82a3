"""New accounts in the Users table. Whatever lies in another item than the account's name is put before it."""

from contextlib import suppress

from valet.aws.dynamodb.accounts import DynamoUsers, item_of_account
from valet.aws.dynamodb.enrolment import DynamoEnrolment
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account, Identifier, Password
from valet.models.passkeys import Passkey

_IS_NEW = "attribute_not_exists(#pk)"


class DynamoJoining(Frozen):
    """The port Joining."""

    users: Table
    registry: Table

    def find_identifier(self, name: str) -> Identifier | None:
        return DynamoUsers(self.users).find_identifier(name)

    def keep_password(self, password: Password) -> None:
        DynamoUsers(self.users).put_password(password)

    def keep_passkey(self, digest: str, passkey: Passkey) -> bool:
        return self._enrolment.add_passkey(digest, passkey)

    def keep_account(self, account: Account) -> None:
        # Its sub was drawn for it, so that only our own first try can have put one. A copy of that try may arrive when
        # the account has been in use for long, and must not bring the first state back.
        with suppress(ConditionFailed):
            self.users.put(item_of_account(account), _IS_NEW)

    def take_name(self, name: str, identifier: Identifier, released_before: int) -> bool:
        return DynamoUsers(self.users).take_identifier(name, identifier, released_before)

    def drop(self, account: Account) -> None:
        self.users.delete(f"account#{account.sub}", "account")
        if account.password_id:
            DynamoUsers(self.users).drop_password(account.sub, account.password_id)
        for digest in account.passkeys:
            self._enrolment.delete_passkey(digest)

    def keep_rp_id(self, rp_id: str) -> bool:
        return self._enrolment.keep_rp_id(rp_id)

    @property
    def _enrolment(self) -> DynamoEnrolment:
        return DynamoEnrolment(self.users, self.registry)
