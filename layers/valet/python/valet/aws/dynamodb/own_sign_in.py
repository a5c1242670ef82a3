"""What an end-user changes of their own sign-in, in the Users table."""

from collections.abc import Mapping
from contextlib import suppress

from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.own_account import shut_out
from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model
from valet.frozen import NO_ENTRIES, Frozen
from valet.models.accounts import Account, Identifier, Password
from valet.people.identifiers import EMAIL, TAKEN_AGAIN_AFTER, normal_address

_ADDRESS = ("email", "email_verified", "former_email", "former_until", "updated_at")
_STANDS = (
    "(attribute_not_exists(#epoch) OR #epoch = :epoch) AND attribute_exists(#pk) AND attribute_not_exists(#deleted_at)"
)


class DynamoOwnSignIn(Frozen):
    """The port OwnSignIn."""

    table: Table

    def put_password(self, password: Password) -> None:
        DynamoUsers(self.table).put_password(password)

    def name_password(self, account: Account, password_id: str, now: float, *, is_short: bool = False) -> bool:
        # The first password of an account has no id. Of another one than was read, somebody else has just decided.
        known = "#password_id = :known" if account.password_id else "attribute_not_exists(#password_id)"
        values: dict[str, object] = {":known": account.password_id} if account.password_id else {}
        return self._put_in_force(account, password_id, now, values, known, is_short)

    def reset_password(self, account: Account, password_id: str, now: float, *, is_short: bool = False) -> bool:
        # The release before keeps passwords with usernames as well, in an item that this leaves as it is: who resets a
        # password by mail may see no hash. The account names the one in force, so that release takes no former one.
        values: dict[str, object] = {":email": account.email, ":true": True}
        known = "#email = :email AND #email_verified = :true AND attribute_not_exists(#has_no_password)"
        also = {"recovered_at": int(now)}
        return self._put_in_force(account, password_id, now, values, known, is_short, also)

    def drop_password(self, sub: str, password_id: str) -> None:
        DynamoUsers(self.table).drop_password(sub, password_id)

    def reserve_name(self, name: str, sub: str, now: float) -> bool:
        released_at = int(now)
        identifier = Identifier(sub, EMAIL, released_at, released_at, released_at + TAKEN_AGAIN_AFTER)
        try:
            self.table.put(
                item_from_model(identifier, *_key(name)),
                # A late copy of this write must not mark an address that the account has got since.
                "attribute_not_exists(#pk) OR #sub = :sub AND attribute_exists(#released_at) OR #released_at < :before",
                {":sub": sub, ":before": released_at - TAKEN_AGAIN_AFTER},
            )
        except ConditionFailed as failed:
            return (failed.found or {}).get("sub") == sub
        return True

    def free_name(self, name: str, sub: str, now: float) -> None:
        with suppress(ConditionFailed):  # it has no mark
            change, values = "SET #verified_at = :now REMOVE #released_at, #expires_at", {":sub": sub, ":now": int(now)}
            self.table.update(*_key(name), change, values, "#sub = :sub AND attribute_exists(#released_at)")

    def release_name(self, name: str, sub: str, now: float) -> None:
        DynamoUsers(self.table).release_identifier(name, sub, now)

    def change_address(self, account: Account, changed: Account, now: float) -> bool:
        marks: dict[str, object] = {name: getattr(changed, name) for name in _ADDRESS if getattr(changed, name)}
        known = "#email = :known" if account.email else "attribute_not_exists(#email)"
        values: dict[str, object] = {":known": account.email} if account.email else {}
        if normal_address(changed.email) != normal_address(account.email):
            # Not a second change, by which a thief would outrun the first one's undoing.
            known += " AND (attribute_not_exists(#former_until) OR #former_until <= :now)"
            values[":now"] = int(now)
        values |= {f":{name}_set": value for name, value in marks.items()}
        return self._write(
            account, f"SET {', '.join(f'#{name} = :{name}_set' for name in marks)}", values, known, marks
        )

    def undo_change(self, account: Account, after: Account, now: float) -> bool:
        marks: dict[str, object] = {**shut_out(account, now), "recovered_at": int(now)}
        removed: tuple[str, ...] = ()
        values: dict[str, object] = {}
        if after.password_id != account.password_id:
            marks["password_id"] = after.password_id
        # A change of address does not raise the epoch, so the addresses are compared as well.
        if account.email:
            values[":email"] = account.email
        known = "#email = :email" if account.email else "attribute_not_exists(#email)"
        if after.former_until != account.former_until:
            marks |= {"email": after.email, "email_verified": True, "updated_at": after.updated_at}
            removed = ("former_email", "former_until")
            values |= {":former": account.former_email, ":until": account.former_until}
            known += " AND #former_email = :former AND #former_until = :until"
        values |= {f":{name}_set": value for name, value in marks.items()}
        change = f"SET {', '.join(f'#{name} = :{name}_set' for name in marks)}"
        if removed:
            change += f" REMOVE {', '.join(f'#{name}' for name in removed)}"
        return self._write(account, change, values, known, marks)

    def _put_in_force(
        self,
        account: Account,
        password_id: str,
        now: float,
        values: dict[str, object],
        known: str,
        is_short: bool,
        also: Mapping[str, object] = NO_ENTRIES,
    ) -> bool:
        marks: dict[str, object] = {"password_id": password_id, **shut_out(account, now), **also}
        removed = ["has_no_password"]
        if is_short:
            marks["has_short_password"] = True
        else:
            removed.append("has_short_password")
        values = {**values, **{f":{name}_set": value for name, value in marks.items()}}
        change = f"SET {', '.join(f'#{name} = :{name}_set' for name in marks)}"
        return self._write(
            account, f"{change} REMOVE {', '.join(f'#{name}' for name in removed)}", values, known, marks
        )

    def _write(
        self, account: Account, change: str, values: dict[str, object], condition: str, marks: Mapping[str, object]
    ) -> bool:
        values = {**values, ":epoch": account.epoch}
        try:
            self.table.update(f"account#{account.sub}", "account", change, values, f"{_STANDS} AND {condition}")
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return all((failed.found or {}).get(name) == value for name, value in marks.items())
        return True


def _key(name: str) -> tuple[str, str]:
    return f"identifier#{name}", "identifier"
