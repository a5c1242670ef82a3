"""What an end-user changes of the passkeys of their own account: in the Users table, and once in the Registry."""

from contextlib import suppress

from valet.aws.dynamodb.means import Means
from valet.aws.dynamodb.passkeys import DynamoPasskeys
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.passkeys import Passkey
from valet.ports.enrolment import MOST

RP_ID = ("passkeys", "rp_id")  # the key of the item with the RP ID that all passkeys belong to


class DynamoEnrolment(Frozen):
    """The port Enrolment."""

    users: Table
    registry: Table

    @property
    def _passkeys(self) -> DynamoPasskeys:
        return DynamoPasskeys(self.users)

    def find_passkey(self, digest: str) -> Passkey | None:
        return self._passkeys.find_passkey(digest)

    def add_passkey(self, digest: str, passkey: Passkey) -> bool:
        return self._passkeys.add_passkey(digest, passkey)

    def delete_passkey(self, digest: str) -> None:
        self._passkeys.delete_passkey(digest)

    def name_passkey(self, account: Account, digest: str, user_handle: bytes) -> bool:
        return Means(self.users).name(account, "passkeys", digest, MOST, {"user_handle": user_handle})

    def drop_passkey(self, account: Account, digest: str, now: float, *, is_lost: bool) -> bool:
        return Means(self.users).drop(account, "passkeys", digest, now, is_lost=is_lost)

    def rename_passkey(self, account: Account, digest: str, name: str) -> None:
        with suppress(ConditionFailed):  # it was removed meanwhile
            values = {":name": name, ":sub": account.sub}
            self.users.update(f"passkey#{digest}", "passkey", "SET #name = :name", values, "#sub = :sub")

    def confirm_passkeys(self, account: Account) -> None:
        with suppress(ConditionFailed):  # the account was taken back once more: what was looked at is not what is there
            values = {":since": account.recovered_at, ":epoch": account.epoch}
            condition = "#recovered_at = :since AND #epoch = :epoch"
            self.users.update(f"account#{account.sub}", "account", "REMOVE #recovered_at", values, condition)

    def keep_rp_id(self, rp_id: str) -> bool:
        try:
            self.registry.update(
                *RP_ID, "SET #rp_id = :rp_id", {":rp_id": rp_id}, "attribute_not_exists(#rp_id) OR #rp_id = :rp_id"
            )
        except ConditionFailed:
            return False
        return True
