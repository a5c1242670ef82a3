"""Design faults of devices, put into the running code on purpose: the model has to say what each breaks."""

from typing import Any

import pytest
from valet.aws.dynamodb.device_codes import DynamoDeviceCodes
from valet.aws.dynamodb.grants import DynamoGrants
from valet.front_channel import device
from valet.front_channel.device import Answer
from valet.frozen import replace
from valet.grant_types import device_code
from valet.grant_types.device_code import Polled
from valet.models.device_codes import DeviceCode
from valet.models.grants import Grant
from valet.ports.grants import Done, Revocation

from tests.promises.model.faults import Fault
from tests.promises.model.patches import session_is_read_once, weakened, without
from tests.promises.model.repeat_seeded import a_new_code_replaces_the_first

_REPLACED = "a device's first answer is replaced"


def _a_no_has_no_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(self: DynamoGrants, grant_id: str, sub: str, revocation: Revocation) -> Any:
        item = {"pk": f"grant#{grant_id}", "sk": "grant", "sub": sub, "revoked_at": revocation.revoked_at}
        self.table.put(item)
        return Done()

    monkeypatch.setattr(DynamoGrants, "deny", deny)


def _any_yes_is_told_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    original = device.answered_before

    def answered_before(found: Grant, sub: str, *, is_yes: bool) -> Answer:
        return Answer.APPROVED if is_yes else original(found, sub, is_yes=is_yes)

    monkeypatch.setattr(device, "answered_before", answered_before)


def _polls(pk: str, sk: str, expression: str) -> bool:
    return sk == "device_code"


def _a_poll_forgets_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    original = device_code.polled

    def polled(found: DeviceCode | None, *arguments: Any) -> Polled:
        return original(replace(found, poll=b"another's") if found else None, *arguments)

    monkeypatch.setattr(device_code, "polled", polled)


def _the_page_does_not_look_at_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoDeviceCodes.find_device_code

    def find(self: DynamoDeviceCodes, device_id: str) -> DeviceCode | None:
        found = original(self, device_id)
        return replace(found, code_expires_at=found.code_expires_at + 3600) if found else None

    monkeypatch.setattr(DynamoDeviceCodes, "find_device_code", find)


def _an_expired_code_looks_for_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoGrants.find

    def find(self: DynamoGrants, grant_id: str) -> Any:
        found = original(self, grant_id)
        is_over = found is not None and found.is_device and _now(self) >= found.code_expires_at - 60
        return None if is_over and found is not None and not found.redeemed_at_ms else found

    monkeypatch.setattr(DynamoGrants, "find", find)


def _now(grants: DynamoGrants) -> float:
    table: Any = grants.table
    now: float = table.wire.__self__.now  # `wire` is the world's
    return now


DEVICE_FAULTS = (
    Fault("a yes has no condition", "device-no", _REPLACED, a_new_code_replaces_the_first),
    Fault("a no has no condition", "device-answers", "a grant's own facts changed", _a_no_has_no_condition),
    Fault(
        "every person who says yes is told that the device is connected",
        "device-answers",
        "a person is told that a device is connected, which they did not say first",
        _any_yes_is_told_as_the_first,
    ),
    Fault(
        "a poll does not look at the one before",
        "device-polls",
        "a device polls faster than it was told",
        weakened(_polls, " AND (attribute_not_exists(#polled_at_ms) OR #polled_at_ms <= :since)"),
    ),
    Fault(
        "the second try of a poll is not recognised",
        "device-faults",
        "a poll that took effect is told to slow down",
        _a_poll_forgets_itself,
    ),
    Fault(
        "a device is redeemed twice",
        "device-polls",
        "one code, redeemed twice",
        without("attribute_not_exists(#redeemed_at_ms) AND ", " AND #code_expires_at > :now", step="redeem"),
    ),
    Fault(
        "the page does not look at the time",
        "device-expires",
        "a device was answered after its code had expired",
        _the_page_does_not_look_at_the_time,
    ),
    Fault(
        "a device whose code has expired is told so whatever was answered",
        "device-expires",
        "a device is told that nobody has answered, and somebody has",
        _an_expired_code_looks_for_no_answer,
    ),
    Fault(
        "a yes does not look at the session again",
        "device-logout",
        "logged out, and a grant that lives by the session lives on",
        session_is_read_once,
    ),
)
