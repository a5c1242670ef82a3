"""Second factors and recovery codes in the Users table, and remembered browsers in the Grants table."""

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.factors import Device, RecoveryCodes, Totp
from valet.ports.factors import MOST_FAILURES

_STANDS = (
    "(attribute_not_exists(#epoch) OR #epoch = :epoch) AND attribute_exists(#pk) AND attribute_not_exists(#deleted_at)"
)


class DynamoFactors(Frozen):
    """The ports Factors and OwnFactors."""

    table: Table

    def try_totp(self, sub: str, totp_id: str) -> Totp | None:
        try:
            # If the answer is lost, the attempt may count twice: a guess less for an attacker.
            item = self.table.update(
                _factor(sub),
                totp_id,
                "ADD #failures :one",
                {":one": 1, ":hundred": MOST_FAILURES},
                "attribute_exists(#pk) AND (attribute_not_exists(#failures) OR #failures < :hundred)",
                "ALL_NEW",
            )
        except ConditionFailed:
            return None
        return model_from_item(Totp, item)

    def accept_totp(self, sub: str, totp_id: str, step: int, attempt: bytes) -> bool:
        try:
            self.table.update(
                _factor(sub),
                totp_id,
                "SET #last_step = :step, #failures = :none, #attempt = :attempt",
                {":step": step, ":none": 0, ":attempt": attempt},
                "#last_step < :step",
            )
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return (failed.found or {}).get("attempt") == attempt
        return True

    def find_totp(self, sub: str, totp_id: str) -> Totp | None:
        item = self.table.get(_factor(sub), totp_id) if totp_id else None
        return model_from_item(Totp, item) if item else None

    def find_recovery_codes(self, sub: str, recovery_id: str) -> RecoveryCodes | None:
        item = self.table.get(_factor(sub), recovery_id) if recovery_id else None
        return model_from_item(RecoveryCodes, item) if item else None

    def spend_recovery_code(self, sub: str, recovery_id: str, number: int, attempt: bytes) -> bool:
        try:
            self.table.update(
                _factor(sub),
                recovery_id,
                "SET #attempt = :attempt ADD #spent :numbers",
                {":numbers": {number}, ":number": number, ":attempt": attempt},
                "attribute_exists(#pk) AND NOT contains(#spent, :number)",
            )
        except ConditionFailed as failed:
            return (failed.found or {}).get("attempt") == attempt
        return True

    def put_totp(self, sub: str, totp_id: str, totp: Totp) -> None:
        self.table.put(item_from_model(totp, _factor(sub), totp_id))

    def put_recovery_codes(self, sub: str, recovery_id: str, codes: RecoveryCodes) -> None:
        self.table.put(item_from_model(codes, _factor(sub), recovery_id))

    def name_totp(self, account: Account, totp_id: str) -> bool:
        return self._name(account, "totp_id", account.totp_id, totp_id)

    def name_recovery_codes(self, account: Account, recovery_id: str) -> bool:
        return self._name(account, "recovery_id", account.recovery_id, recovery_id)

    def drop_totp(self, account: Account) -> bool:
        try:
            self._write(account, "REMOVE #totp_id", {":known": account.totp_id}, "#totp_id = :known")
        except ConditionFailed as failed:
            found = failed.found
            return found is not None and "totp_id" not in found and found.get("epoch", 0) == account.epoch
        return True

    def delete_factor(self, sub: str, factor_id: str) -> None:
        self.table.delete(_factor(sub), factor_id)

    def forget_factors(self, sub: str) -> None:
        """Delete every factor and all codes of an account."""
        for item in self.table.query(_factor(sub)):
            self.table.delete(item["pk"], item["sk"])

    def _name(self, account: Account, member: str, known: str, named: str) -> bool:
        condition, values = f"attribute_not_exists(#{member})", {":named": named}
        if known:
            condition, values = f"#{member} = :known", {":named": named, ":known": known}
        try:
            self._write(account, f"SET #{member} = :named", values, condition)
        except ConditionFailed as failed:  # perhaps by our own first try: nobody else draws this id
            return (failed.found or {}).get(member) == named
        return True

    def _write(self, account: Account, change: str, values: dict[str, str], condition: str) -> None:
        self.table.update(
            f"account#{account.sub}",
            "account",
            change,
            {**values, ":epoch": account.epoch},
            f"{_STANDS} AND {condition}",
        )


class DynamoDevices(Frozen):
    """The port Devices."""

    table: Table

    def put_device(self, place: bytes, device: Device) -> None:
        self.table.put(item_from_model(device, _device(place), device.sub))

    def find_device(self, place: bytes, sub: str) -> Device | None:
        item = self.table.get(_device(place), sub)
        return model_from_item(Device, item) if item else None


def _factor(sub: str) -> str:
    return f"factor#{sub}"


def _device(place: bytes) -> str:
    return f"device#{place.hex()}"
