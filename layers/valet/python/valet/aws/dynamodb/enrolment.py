"""What an end-user changes of the passkeys of their own account: in the Users table, and once in the Registry."""

from contextlib import suppress

from valet.aws.dynamodb.own_account import shut_out
from valet.aws.dynamodb.passkeys import DynamoPasskeys
from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.passkeys import Passkey
from valet.ports.enrolment import MOST

RP_ID = ("passkeys", "rp_id")  # the key of the item with the RP ID that all passkeys belong to

_STANDS = (
    "(attribute_not_exists(#epoch) OR #epoch = :epoch) AND attribute_exists(#pk) AND attribute_not_exists(#deleted_at)"
)


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
        values = {":digest": {digest}, ":handle": user_handle, ":most": MOST}
        is_room = "(attribute_not_exists(#passkeys) OR size(#passkeys) < :most)"
        is_handle = "(attribute_not_exists(#user_handle) OR #user_handle = :handle)"
        try:
            self._write(
                account, "SET #user_handle = :handle ADD #passkeys :digest", values, f"{is_room} AND {is_handle}"
            )
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return digest in (failed.found or {}).get("passkeys", ())
        return True

    def drop_passkey(self, account: Account, digest: str, now: float, *, is_lost: bool) -> bool:
        marks = shut_out(account, now) if is_lost else {}
        change = "DELETE #passkeys :digest"
        if marks:
            change = f"SET {', '.join(f'#{name} = :new_{name}' for name in marks)} {change}"
        values = {":digest": {digest}, ":one": 1, **{f":new_{name}": value for name, value in marks.items()}}
        # The last means stays. Each account has a password, unless it says that it has none.
        is_not_last = "(attribute_not_exists(#has_no_password) OR size(#passkeys) > :one)"
        try:
            self._write(account, change, values, is_not_last)
        except ConditionFailed as failed:
            found = failed.found or {}
            is_gone = bool(found) and digest not in found.get("passkeys", ())
            return is_gone and all(found.get(name) == value for name, value in marks.items())
        return True

    def rename_passkey(self, account: Account, digest: str, name: str) -> None:
        with suppress(ConditionFailed):  # it was removed meanwhile
            values = {":name": name, ":sub": account.sub}
            self.users.update(f"passkey#{digest}", "passkey", "SET #name = :name", values, "#sub = :sub")

    def keep_rp_id(self, rp_id: str) -> bool:
        try:
            self.registry.update(
                *RP_ID, "SET #rp_id = :rp_id", {":rp_id": rp_id}, "attribute_not_exists(#rp_id) OR #rp_id = :rp_id"
            )
        except ConditionFailed:
            return False
        return True

    def _write(self, account: Account, change: str, values: dict[str, object], condition: str) -> None:
        values = {**values, ":epoch": account.epoch}
        self.users.update(f"account#{account.sub}", "account", change, values, f"{_STANDS} AND {condition}")
