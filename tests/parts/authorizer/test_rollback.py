"""What an older list may replace: nothing is taken back, and no newer list is kept out because of its stamp."""

import pytest
from valet.fetch import Fetched
from valet.resource_server import status_list

from tests.parts.authorizer.issuer import Stand
from tests.parts.authorizer.test_keys import outcome
from tests.parts.authorizer.test_status import PATH, token_at


@pytest.fixture
def stand() -> Stand:
    return Stand()


def served(stand: Stand, signed: str) -> None:
    stand.issuer.faults[PATH] = lambda: Fetched(200, signed.encode(), None)


def test_a_list_that_takes_a_revocation_back_and_is_older_than_clocks_differ_is_refused(stand: Stand) -> None:
    old = stand.issuer.status_list()
    stand.clock.advance(6)
    stand.issuer.revoke(7)
    assert outcome(stand, token_at(stand, 7)) == "refused"
    served(stand, old)
    for _ in range(10):
        stand.clock.advance(2)
        assert outcome(stand, token_at(stand, 7)) == "refused"


@pytest.mark.parametrize("seconds", [0, 1, 5])
def test_within_what_clocks_differ_a_list_adds_to_what_is_held_and_takes_nothing_from_it(
    stand: Stand, seconds: int
) -> None:
    """Out of a cache on the way it may come for as long as it does not expire: what was refused stays refused."""
    stand.issuer.revoke(9)
    old = stand.issuer.status_list()
    stand.issuer.statuses[9 >> 3] = 0
    stand.clock.advance(seconds)
    stand.issuer.revoke(7)
    assert outcome(stand, token_at(stand, 7)) == "refused"
    assert outcome(stand, token_at(stand, 9)) == "allowed"
    served(stand, old)
    for _ in range(10):
        stand.clock.advance(2)
        assert outcome(stand, token_at(stand, 7)) == "refused"
        assert outcome(stand, token_at(stand, 9)) == "refused"
    stand.issuer.faults.clear()
    stand.clock.advance(2)
    assert outcome(stand, token_at(stand, 9)) == "allowed", "the newest list says it, and is believed"


def test_a_list_of_more_bits_may_say_either_within_what_clocks_differ() -> None:
    """SUSPENDED can be taken back, and an issuer's machines may stamp that out of order (§7.1)."""
    stand, lists = Stand(), []
    stand.issuer.bits = 2
    for number in range(3):
        stand.issuer.revoke(number)
        lists.append(stand.issuer.status_list())
        stand.clock.advance(4)
    for number, expected in ((2, "refused"), (1, "allowed"), (0, "allowed")):
        served(stand, lists[number])
        stand.clock.advance(2)
        assert outcome(stand, token_at(stand, 2)) == expected
    assert outcome(stand, token_at(stand, 1)) == "refused", "4 s older than the one before, 8 s than the newest"


def test_a_list_that_takes_nothing_back_is_believed_however_old_its_stamp(stand: Stand) -> None:
    stand.issuer.revoke(9)
    assert outcome(stand, token_at(stand, 7)) == "allowed"
    stand.issuer.revoke(7)
    stand.issuer.list_claims = {"iat": int(stand.clock.wall) - 200}
    stand.clock.advance(2)
    assert outcome(stand, token_at(stand, 7)) == "refused"
    assert outcome(stand, token_at(stand, 9)) == "refused"
    assert stand.lines.reasons() == ["revoked"] * 2


@pytest.mark.parametrize(
    ("bits", "data", "is_kept"),
    [
        (1, "0200", True),
        (1, "0300", True),
        (1, "0280", True),
        (1, "020000", True),
        (1, "02", False),
        (1, "0100", False),
        (1, "0002", False),
        (2, "0200", False),
    ],
)
def test_a_list_keeps_all_of_another_if_no_bit_and_no_place_is_gone(bits: int, data: str, is_kept: bool) -> None:
    held = status_list.StatusList(1, bytes.fromhex("0200"), 100, None, 5.0)
    found = status_list.StatusList(bits, bytes.fromhex(data), 50, None, 5.0)
    assert found.keeps_all_of(held) is is_kept


def test_after_a_refused_list_the_next_fetch_is_a_second_later_and_not_by_chance_more(stand: Stand) -> None:
    stand.jitter = 0.99
    old = stand.issuer.status_list()
    stand.clock.advance(6)
    stand.issuer.revoke(9)
    assert outcome(stand, token_at(stand, 7)) == "allowed"
    served(stand, old)
    stand.clock.advance(2)
    assert outcome(stand, token_at(stand, 7)) == "allowed"
    stand.issuer.faults.clear()
    stand.issuer.revoke(7)
    stand.clock.advance(1)
    assert outcome(stand, token_at(stand, 7)) == "refused"
