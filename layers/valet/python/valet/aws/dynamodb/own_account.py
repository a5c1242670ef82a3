"""What an end-user changes of their own account, in the Users table."""

from collections.abc import Mapping

from valet.aws.dynamodb.table import ConditionFailed, Table
from valet.frozen import Frozen
from valet.models.accounts import Account

_EPOCH = "(attribute_not_exists(#epoch) OR #epoch = :read_epoch)"
_IS_THERE = "attribute_exists(#pk) AND attribute_not_exists(#deleted_at)"
# What stays of a deleted account: that it is deleted, and what leads to the items that are still to be removed. So do
# its roles and its level: in IAM, who may remove an attribute may write it, and the account page may write neither.
_STAYS = frozenset(
    {"sub", "username", "email", "email_verified", "former_email", "former_until", "roles", "required_acr"}
    | {"passkeys", "links", "totp_id", "recovery_id", "has_no_password", "is_disabled", "deleted_at"}
    | {"has_short_password", "created_at", "recovered_at"}
    | {"epoch", "epoch_raised_at_ms", "sessions_not_before_ms"}
)
REMOVED = tuple(name for name in Account.FIELDS if name not in _STAYS)


class DynamoOwnAccount(Frozen):
    """The port OwnAccount."""

    table: Table

    def change_claims(self, account: Account, claims: Mapping[str, str | bool], updated_at: int) -> bool:
        written = {**{name: value for name, value in claims.items() if value}, "updated_at": updated_at}
        removed = [name for name, value in claims.items() if not value]
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in written)
        if removed:
            change += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        values = {**{f":{name}": value for name, value in written.items()}, ":read": account.updated_at}
        condition = f"{_EPOCH} AND {_IS_THERE} AND (attribute_not_exists(#updated_at) OR #updated_at = :read)"
        return self._write(account, change, values, condition, written)

    def end_everything(self, account: Account, now: float) -> bool:
        marks = shut_out(account, now)
        return self._write(account, _set(marks), _named(marks), f"{_EPOCH} AND {_IS_THERE}", marks)

    def delete(self, account: Account, now: float) -> bool:
        marks = {**shut_out(account, now), "deleted_at": int(now), "is_disabled": True}
        change = f"{_set(marks)} REMOVE {', '.join(f'#{name}' for name in REMOVED)}"
        return self._write(account, change, _named(marks), f"{_EPOCH} AND {_IS_THERE}", marks)

    def _write(
        self, account: Account, change: str, values: Mapping[str, object], condition: str, marks: Mapping[str, object]
    ) -> bool:
        try:
            self.table.update(
                f"account#{account.sub}", "account", change, {**values, ":read_epoch": account.epoch}, condition
            )
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return all((failed.found or {}).get(name) == value for name, value in marks.items())
        return True


def shut_out(account: Account, now: float) -> dict[str, int | bool]:
    """The marks that end every session and grant; the times are for operators and the release before."""
    at_ms = int(now * 1000)
    return {"epoch": account.epoch + 1, "epoch_raised_at_ms": at_ms, "sessions_not_before_ms": at_ms}


def _set(values: Mapping[str, object]) -> str:
    return "SET " + ", ".join(f"#{name} = :{name}" for name in values)


def _named(values: Mapping[str, object]) -> dict[str, object]:
    return {f":{name}": value for name, value in values.items()}
