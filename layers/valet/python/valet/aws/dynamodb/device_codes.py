"""Device codes in DynamoDB: one item each; a poll is one conditional update of it."""

from valet.aws.dynamodb.table import ConditionFailed, Item, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.device_codes import DeviceCode
from valet.ports.device_codes import NotPolled, Poll


class DynamoDeviceCodes(Frozen):
    """The port DeviceCodes."""

    table: Table

    def keep(self, device: DeviceCode, now: float) -> bool:
        item = item_from_model(device, _pk(device.device_id), "device_code")
        del item["device_id"]  # the key has it
        try:
            self.table.put(item, "attribute_not_exists(#pk) OR #expires_at < :now", {":now": int(now)})
        except ConditionFailed as failed:
            # No other invocation can have drawn this secret: if the item has its digest, our own first try put it.
            return (failed.found or {}).get("secret_digest") == device.secret_digest
        return True

    def find_device_code(self, device_id: str, /) -> DeviceCode | None:
        return _device_code(device_id, self.table.get(_pk(device_id), "device_code"))

    def poll(self, poll: Poll) -> NotPolled | None:
        try:
            self.table.update(
                _pk(poll.device_id),
                "device_code",
                "SET #polled_at_ms = :at, #poll = :attempt",
                {
                    ":at": poll.at_ms,
                    ":attempt": poll.attempt,
                    ":d": poll.secret_digest,
                    ":c": poll.client_id,
                    ":now": poll.at_ms // 1000,
                    ":since": poll.not_since_ms,
                },
                "#secret_digest = :d AND #client_id = :c AND #code_expires_at > :now"
                " AND (attribute_not_exists(#polled_at_ms) OR #polled_at_ms <= :since)",
            )
        except ConditionFailed as failed:
            return NotPolled(_device_code(poll.device_id, failed.found))
        return None


def _device_code(device_id: str, item: Item | None) -> DeviceCode | None:
    return model_from_item(DeviceCode, {**item, "device_id": device_id}) if item else None


def _pk(device_id: str) -> str:
    return f"device_code#{device_id}"
