"""Revocation: a status list is believed exactly as far as it is signed, young and long enough."""

import threading
import time
import zlib
from typing import Any

import pytest
from valet.fetch import Fetched, FetchFailed
from valet.resource_server import status, status_list

from tests.parts.authorizer.issuer import ISSUER, LIST, FakeIssuer, Stand, encoded, private_key
from tests.parts.authorizer.test_keys import outcome

PATH = LIST.removeprefix(ISSUER)
MB = 1024 * 1024


@pytest.fixture
def stand() -> Stand:
    return Stand()


def token_at(stand: Stand, idx: int, uri: str = LIST) -> str:
    return stand.issuer.token(status={"status_list": {"idx": idx, "uri": uri}}, jti=f"at-{idx}")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_any_value_but_0_refuses(bits: int) -> None:
    stand = Stand()
    stand.issuer.bits = bits
    for idx, value in ((0, 1), (9, 1), (1000, (1 << bits) - 1), (1003, 1 << (bits - 1))):
        stand.issuer.revoke(idx, value)
    for idx, expected in ((0, "refused"), (9, "refused"), (1000, "refused"), (1003, "refused")):
        assert outcome(stand, token_at(stand, idx)) == expected
        assert outcome(stand, token_at(stand, idx + 1)) == "allowed"
    assert stand.lines.reasons() == ["revoked"] * 4


def test_the_example_of_the_draft() -> None:
    # draft-ietf-oauth-status-list §4.1: 1 bit, bytes b9 a3; §4.2: 2 bits, bytes c9 44 f9.
    one = status_list.StatusList(1, bytes.fromhex("b9a3"), 0, None, 5.0)
    assert [one.status(idx) for idx in range(17)] == [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1, None]
    two = status_list.StatusList(2, bytes.fromhex("c944f9"), 0, None, 5.0)
    assert [two.status(idx) for idx in range(13)] == [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3, None]


def test_a_revoked_token_is_refused_within_the_lists_ttl(stand: Stand) -> None:
    token = token_at(stand, 7)
    assert outcome(stand, token) == "allowed"
    stand.issuer.revoke(7)
    stand.clock.advance(1.9)
    assert outcome(stand, token) == "allowed"
    stand.clock.advance(0.1)
    assert outcome(stand, token) == "refused"


def test_no_fetch_while_the_list_is_young(stand: Stand) -> None:
    for idx in range(100):
        assert outcome(stand, token_at(stand, idx)) == "allowed"
    assert stand.issuer.fetches[PATH] == 1


def test_a_list_is_fetched_only_for_a_token_that_passed_everything_else(stand: Stand) -> None:
    now = int(stand.clock.wall)
    for changed in ({"exp": now - 1}, {"aud": "other"}, {"jti": None}, {"nbf": now + 100}):
        outcome(stand, stand.issuer.token(**changed))
    spoiled = FakeIssuer(stand.clock)
    spoiled.keys["key-1"] = private_key("RS256", 1)
    outcome(stand, spoiled.token())
    assert stand.issuer.fetches[PATH] == 0


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/status-lists/1",
        "http://issuer.example/status-lists/1",
        "https://issuer.example.evil.example/status-lists/1",
        "https://issuer.example@evil.example/status-lists/1",
        "https://issuer.example:443/status-lists/1",
        f"{ISSUER}/status-lists",
        f"{ISSUER}/status-lists/",
        f"{ISSUER}/status-lists/../token",
        f"{ISSUER}/status-lists/./1",
        f"{ISSUER}/status-lists/1/../2",
        f"{ISSUER}/status-lists/%2e%2e/token",
        f"{ISSUER}/status-lists/1?time=0",
        f"{ISSUER}/status-lists/1#x",
        f"{ISSUER}/status-lists//1",
        f"{ISSUER}/status-lists/1\r\nHost: evil.example",
        f"{ISSUER}/status-lists/1\n",
        f"{ISSUER}/status-lists/" + "1" * 600,
        f"{ISSUER}/token",
        "file:///etc/passwd",
        "",
    ],
)
def test_a_token_cannot_make_it_fetch_anything_else(stand: Stand, uri: str) -> None:
    assert outcome(stand, token_at(stand, 1, uri)) == "refused"
    assert stand.lines.reasons() == ["status list of another issuer"]
    assert set(stand.issuer.fetches) == {"/.well-known/openid-configuration", "/.well-known/jwks.json"}


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"sub": f"{ISSUER}/status-lists/2"}, {}),
        ({"sub": None}, {}),
        ({"iss": "https://evil.example"}, {}),
        ({"iat": None}, {}),
        ({"iat": "now"}, {}),
        ({"iat": 2_000_000_000}, {}),
        ({"exp": 1_700_000_000}, {}),
        ({"exp": "soon"}, {}),
        ({"ttl": 0}, {}),
        ({"ttl": -1}, {}),
        ({"ttl": "2"}, {}),
        ({"ttl": True}, {}),
        ({"status_list": None}, {}),
        ({"status_list": []}, {}),
        ({"status_list": {"bits": 3, "lst": "eNpjAAAAAQAB"}}, {}),
        ({"status_list": {"bits": True, "lst": "eNpjAAAAAQAB"}}, {}),
        ({"status_list": {"bits": 1}}, {}),
        ({"status_list": {"bits": 1, "lst": "not compressed"}}, {}),
        ({"status_list": {"bits": 1, "lst": "AAAA"}}, {}),
        ({"status_list": {"bits": 1, "lst": encoded(zlib.compress(bytes(9))[:-3])}}, {}),
        ({"status_list": {"bits": 1, "lst": encoded(zlib.compress(bytes(9)) + b"more")}}, {}),
        ({}, {"typ": "at+jwt"}),
        ({}, {"typ": "JWT"}),
        ({}, {"typ": None}),
        ({}, {"alg": "none"}),
        ({}, {"alg": "ES256"}),
        ({}, {"kid": "unknown"}),
        ({}, {"jwk": {}}),
        ({}, {"crit": ["exp"]}),
    ],
)
def test_a_list_that_is_not_right_is_not_believed(stand: Stand, claims: dict[str, Any], header: dict[str, Any]) -> None:
    stand.issuer.list_claims, stand.issuer.list_header = claims, header
    assert outcome(stand, token_at(stand, 1)) == "outage"


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"iss": None}, {}),
        ({"exp": None}, {}),
        ({"ttl": None}, {}),
        ({"ttl": 43200}, {}),
        ({}, {"typ": "application/statuslist+jwt"}),
    ],
)
def test_what_the_draft_leaves_open_is_accepted(stand: Stand, claims: dict[str, Any], header: dict[str, Any]) -> None:
    stand.issuer.list_claims, stand.issuer.list_header = claims, header
    assert outcome(stand, token_at(stand, 1)) == "allowed"


def test_an_access_token_is_no_status_list_and_a_list_no_access_token(stand: Stand) -> None:
    stand.issuer.faults[PATH] = lambda: Fetched(200, stand.issuer.token().encode(), None)
    assert outcome(stand, token_at(stand, 1)) == "outage"
    assert outcome(stand, stand.issuer.status_list()) == "refused"


@pytest.mark.parametrize(("ttl", "age"), [(2, 2.0), (0.01, 1.0), (1, 1.0), (3600, 5.0), (None, 5.0)])
def test_a_list_is_asked_for_again_after_its_ttl_at_most_5_s_and_at_least_1(
    stand: Stand, ttl: float | None, age: float
) -> None:
    stand.issuer.list_claims = {"ttl": ttl}
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    stand.clock.advance(age - 0.05)
    assert outcome(stand, token_at(stand, 2)) == "allowed"
    assert stand.issuer.fetches[PATH] == 1
    stand.clock.advance(0.05)
    assert outcome(stand, token_at(stand, 3)) == "allowed"
    assert stand.issuer.fetches[PATH] == 2


def test_age_counts_from_when_the_fetch_was_sent(stand: Stand) -> None:
    def slow() -> Fetched:
        signed = stand.issuer.status_list()
        stand.clock.advance(0.9)
        return Fetched(200, signed.encode(), None)

    stand.issuer.faults[PATH] = slow
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    stand.clock.advance(1.1)
    assert outcome(stand, token_at(stand, 2)) == "allowed"
    assert stand.issuer.fetches[PATH] == 2


def test_a_304_renews_the_lists_age_and_not_its_exp(stand: Stand) -> None:
    etags: list[str | None] = []
    original = stand.issuer.fetch

    def watched(url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        etags.append(etag) if url == LIST else None
        return original(url, etag=etag, limit=limit, timeout=timeout)

    stand.authorizer._lists._fetch = watched
    for _ in range(200):
        token = token_at(stand, 1)
        assert outcome(stand, token) == "allowed"
        stand.clock.advance(3)
    assert etags[0] is None
    assert etags[1] is not None
    assert 1 <= etags[1:].count(None) <= 4, "whole again in the second half of its life, before it expires"


def test_a_304_without_anything_held_is_a_failure(stand: Stand) -> None:
    stand.issuer.faults[PATH] = lambda: Fetched(304, b"", None)
    assert outcome(stand, token_at(stand, 1)) == "outage"


def test_a_held_list_serves_for_status_max_stale_and_then_everything_is_an_outage(stand: Stand) -> None:
    token = token_at(stand, 7)
    assert outcome(stand, token) == "allowed"
    stand.issuer.is_down = True
    stand.clock.advance(299.9)
    assert outcome(stand, token) == "allowed"
    stand.clock.advance(0.2)
    assert outcome(stand, token) == "outage"
    stand.issuer.is_down = False
    stand.clock.advance(1.3)
    assert outcome(stand, token) == "allowed", "recovery without restart"


def test_with_max_stale_0_an_old_list_serves_nobody() -> None:
    stand = Stand(STATUS_MAX_STALE="0")
    token = token_at(stand, 7)
    assert outcome(stand, token) == "allowed"
    stand.issuer.is_down = True
    stand.clock.advance(1.9)
    assert outcome(stand, token) == "allowed"
    stand.clock.advance(0.1)
    assert outcome(stand, token) == "outage"


def test_a_held_list_is_never_used_past_its_exp(stand: Stand) -> None:
    stand.issuer.list_life = 60
    token = token_at(stand, 7)
    assert outcome(stand, token) == "allowed"
    stand.issuer.is_down = True
    stand.clock.advance(59)
    assert outcome(stand, token) == "allowed"
    stand.clock.advance(1)
    assert outcome(stand, token) == "outage"


def test_after_a_failed_fetch_the_next_is_a_second_later(stand: Stand) -> None:
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    stand.issuer.is_down = True
    stand.clock.advance(2)
    for _ in range(10):
        assert outcome(stand, token_at(stand, 1)) == "allowed"
        stand.clock.advance(0.099)
    assert stand.issuer.fetches[PATH] == 2
    stand.clock.advance(0.011)
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    assert stand.issuer.fetches[PATH] == 3


def test_an_index_beyond_the_list_is_refused_after_one_refetch(stand: Stand) -> None:
    beyond = 8 * len(stand.issuer.statuses)
    assert outcome(stand, token_at(stand, beyond - 1)) == "allowed"
    for _ in range(5):
        assert outcome(stand, token_at(stand, beyond)) == "refused"
    assert stand.issuer.fetches[PATH] == 2
    assert outcome(stand, token_at(stand, 1 << 60)) == "refused"


def test_an_index_beyond_the_list_is_good_once_the_list_has_grown(stand: Stand) -> None:
    beyond = 8 * len(stand.issuer.statuses)
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    stand.issuer.statuses += bytearray(len(stand.issuer.statuses))
    stand.clock.advance(0.5)
    stand.issuer.revoke(beyond + 1)
    assert outcome(stand, token_at(stand, beyond)) == "allowed"
    assert outcome(stand, token_at(stand, beyond + 1)) == "refused"


def test_an_index_beyond_the_list_during_an_outage_is_an_outage(stand: Stand) -> None:
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    stand.issuer.is_down = True
    assert outcome(stand, token_at(stand, 8 * len(stand.issuer.statuses))) == "outage"


def test_a_bomb_is_not_inflated(stand: Stand) -> None:
    import resource

    packer = zlib.compressobj(9)
    first, next_one = (packer.compress(bytes(MB)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = first + next_one * 1023
    assert len(bomb) < 2 * MB
    stand.issuer.list_claims = {"status_list": {"bits": 1, "lst": encoded(bomb)}}
    signed = stand.issuer.status_list().encode()
    stand.issuer.faults[PATH] = lambda: Fetched(200, signed, None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert outcome(stand, token_at(stand, 1)) == "outage"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024, f"{grown} KB for a list of 1 GB"
    assert "inflates to more than" in str(stand.lines[-1]["reason"])


def test_the_lists_in_memory_are_bounded(stand: Stand) -> None:
    for number in range(status._MOST_LISTS + 10):
        stand.clock.advance(0.01)
        assert outcome(stand, token_at(stand, 1, f"{ISSUER}/status-lists/{number}")) == "allowed"
    assert len(stand.authorizer._lists._lines) == status._MOST_LISTS
    stand.issuer.statuses = bytearray(10 * MB)
    stand.clock.advance(10)
    for number in range(8):
        stand.clock.advance(0.01)
        assert outcome(stand, token_at(stand, 1, f"{ISSUER}/status-lists/{number}")) == "allowed"
    held = [line.held for line in stand.authorizer._lists._lines.values()]
    assert sum(len(each.list.data) for each in held if each) <= status._MOST_BYTES


def test_one_request_fetches_while_the_others_wait_for_it() -> None:
    stand = Stand()
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    original = stand.issuer.fetch

    def slow(url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        time.sleep(0.1)
        return original(url, etag=etag, limit=limit, timeout=timeout)

    stand.authorizer._lists._fetch = slow
    stand.issuer.revoke(7)
    stand.clock.advance(400)
    stand.issuer.fetches.clear()
    assert at_once(stand, 30) == {"refused"}
    assert stand.issuer.fetches[PATH] == 1
    stand.authorizer._lists._fetch = failing
    stand.clock.advance(400)
    assert at_once(stand, 30) == {"outage"}


def test_a_crowd_behind_a_slow_fetch_does_not_fetch_one_after_the_other(stand: Stand) -> None:
    stand.issuer.ttl = 1
    original = stand.issuer.fetch

    def slow(url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        time.sleep(0.1)
        stand.clock.advance(1.5)  # older than its ttl before it is here
        return original(url, etag=etag, limit=limit, timeout=timeout)

    assert outcome(stand, stand.issuer.token(status={"other": 1})) == "refused"
    assert outcome(stand, token_at(stand, 1, f"{ISSUER}/status-lists/2")) == "allowed"
    stand.authorizer._lists._fetch = slow
    assert at_once(stand, 30) == {"allowed"}
    assert stand.issuer.fetches[PATH] <= 2


def at_once(stand: Stand, many: int) -> set[str]:
    token = token_at(stand, 7)
    outcomes: list[str] = []
    threads = [threading.Thread(target=lambda: outcomes.append(outcome(stand, token))) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == many
    return set(outcomes)


def failing(url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
    raise FetchFailed("down")


def test_a_list_signed_by_a_key_that_is_new_is_believed(stand: Stand) -> None:
    assert outcome(stand, token_at(stand, 1)) == "allowed"
    stand.issuer.add_key("key-2", "ES256")
    stand.clock.advance(2)
    original, stand.issuer.kid = stand.issuer.kid, "key-2"
    stand.issuer.revoke(2)
    signed = stand.issuer.status_list().encode()
    stand.issuer.kid = original
    stand.issuer.faults[PATH] = lambda: Fetched(200, signed, None)
    assert outcome(stand, token_at(stand, 2)) == "refused"
