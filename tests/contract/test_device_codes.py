"""The contract of DeviceCodes: a user code is one device's, and of many polls at once one is let look (RFC 8628)."""

import pytest
from valet.frozen import replace
from valet.models.device_codes import DeviceCode
from valet.ports.device_codes import DeviceCodes, NotPolled, Poll
from valet.ports.grants import Done, Refused, Revocation

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once, issue, new_grant

DEVICE = DeviceCode(
    device_id="d" * 22,
    client_id="tv_demo",
    scope=("items", "openid"),
    secret_digest=b"s" * 32,
    created_at_ms=int(NOW * 1000),
    code_expires_at=int(NOW) + 600,
    expires_at=int(NOW) + 600 + 86_400,
    resource=("https://api.example.com",),
    source_ip="203.0.113.7",
    agent="Firefox, Linux",
)


def poll(at: float = NOW, attempt: bytes = b"a" * 16, **changes: object) -> Poll:
    at_ms = int(at * 1000)
    made = Poll(DEVICE.device_id, DEVICE.client_id, DEVICE.secret_digest, attempt, at_ms, at_ms - 5000)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def device_codes(stores: Stores) -> DeviceCodes:
    assert stores.device_codes.keep(DEVICE, NOW)
    return stores.device_codes


def test_it_is_found_as_it_was_kept(device_codes: DeviceCodes) -> None:
    assert device_codes.find_device_code(DEVICE.device_id) == DEVICE
    assert device_codes.find_device_code("e" * 22) is None


def test_a_user_code_that_waits_is_no_second_devices_until_a_day_after_its_end(device_codes: DeviceCodes) -> None:
    other = replace(DEVICE, secret_digest=b"o" * 32, client_id="another")
    for now in (NOW, DEVICE.code_expires_at + 1, DEVICE.expires_at):
        assert not device_codes.keep(other, now)
    assert device_codes.find_device_code(DEVICE.device_id) == DEVICE
    assert device_codes.keep(DEVICE, NOW), "our own first try"
    assert device_codes.keep(other, DEVICE.expires_at + 1)
    assert device_codes.find_device_code(DEVICE.device_id) == other


def test_of_many_devices_at_once_one_has_the_user_code(stores: Stores) -> None:
    rivals = [replace(DEVICE, secret_digest=bytes([number]) * 32) for number in range(THREADS)]
    kept = at_once(lambda number: stores.device_codes.keep(rivals[number], NOW))
    (won,) = [rival for rival, is_kept in zip(rivals, kept, strict=True) if is_kept]
    assert stores.device_codes.find_device_code(DEVICE.device_id) == won


@pytest.mark.parametrize("is_first", [True, False])
def test_of_sixty_four_polls_at_once_one_is_let_look(device_codes: DeviceCodes, is_first: bool) -> None:
    """Two in one millisecond, too: what tells them apart is the attempt's mark."""
    if not is_first:
        assert device_codes.poll(poll(NOW - 5)) is None
    attempts = [bytes([number]) * 16 for number in range(THREADS)]
    outcomes = at_once(lambda number: device_codes.poll(poll(NOW, attempts[number])))
    found = device_codes.find_device_code(DEVICE.device_id)
    assert found is not None
    passed = [attempt for attempt, refused in zip(attempts, outcomes, strict=True) if refused is None]
    # One whose answer was lost was sent again, and finds its own mark.
    passed += [
        attempt
        for attempt, refused in zip(attempts, outcomes, strict=True)
        if refused is not None and refused.found is not None and refused.found.poll == attempt
    ]
    assert passed == [found.poll]


@pytest.mark.parametrize(
    ("sent", "is_counted"),
    [
        (poll(NOW + 4.999), False),
        (poll(NOW + 5), True),
        (poll(NOW + 6, client_id="another"), False),
        (poll(NOW + 6, secret_digest=b"x" * 32), False),
        (poll(DEVICE.code_expires_at), False),
        (poll(DEVICE.code_expires_at - 1), True),
    ],
)
def test_a_poll_counts_or_is_told_what_is_there(device_codes: DeviceCodes, sent: Poll, is_counted: bool) -> None:
    assert device_codes.poll(poll(NOW, b"first")) is None
    before = device_codes.find_device_code(DEVICE.device_id)
    refused = device_codes.poll(sent)
    if is_counted:
        assert refused is None
        after = device_codes.find_device_code(DEVICE.device_id)
        assert after == replace(DEVICE, polled_at_ms=sent.at_ms, poll=sent.attempt)
    else:
        assert refused == NotPolled(before)
        assert device_codes.find_device_code(DEVICE.device_id) == before


def test_a_poll_of_no_device_makes_none(stores: Stores) -> None:
    assert stores.device_codes.poll(poll()) == NotPolled(None)
    assert stores.device_codes.find_device_code(DEVICE.device_id) is None


def test_a_no_keeps_a_grant_from_being_issued_and_a_grant_a_no_from_being_said(stores: Stores) -> None:
    revocation = Revocation(b"mark" * 4, int(NOW), "denied")
    denied, granted = new_grant(grant_id="N" * 22), new_grant(grant_id="Y" * 22)
    assert stores.grants.deny(denied.grant_id, "demo-john", revocation) == Done()
    refused = issue(stores.grants, denied)
    assert isinstance(refused, Refused)
    assert refused.found is not None
    assert (refused.found.sub, refused.found.revocation) == ("demo-john", b"mark" * 4)
    assert not refused.found.client_id
    issue(stores.grants, granted)
    assert stores.grants.deny(granted.grant_id, "demo-john", revocation) == Refused(stores.grants.find("Y" * 22))
    assert stores.grants.outline(denied.grant_id) is None
