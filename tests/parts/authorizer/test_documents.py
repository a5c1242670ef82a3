"""docs/authorizer.md says what the code does: every variable, time and event is in it."""

from pathlib import Path

import pytest
from valet.binding import proof
from valet.resource_server import identifiers, keys, proofs_seen, status, status_list, verify

TEXT = (Path(__file__).parents[3] / "docs" / "authorizer.md").read_text()
SOURCES = sorted(Path(verify.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize(
    "name",
    [
        *("ISSUER", "AUDIENCE", "ROUTES", "MATCH", "BASE_PATH", "RESPONSE", "WEBSOCKET_TOKEN"),
        *("STATUS_MAX_STALE", "STATUS_OPTIONAL", "RESOURCE_METADATA"),
        *("PUBLIC_URL", "DPOP_MAX_AGE", "SENDER_CONSTRAINT"),
    ],
)
def test_every_variable_is_described(name: str) -> None:
    assert f"| `{name}` |" in TEXT
    assert f'"{name}"' in (Path(verify.__file__).parent / "api_gateway" / "configuration.py").read_text()


def test_every_time_is_stated() -> None:
    assert keys.KEYS_REFRESHED == 300
    assert "keys are asked for again after | 300 s at most" in TEXT
    assert keys.UNKNOWN_KID_PAUSE == 60
    assert "once in 60 s at most" in TEXT
    assert (keys.FLIGHT, status.FETCH_TIMEOUT) == (2.0, 1.0)
    assert (keys.FIRST_FLIGHT, status.FIRST_FETCH_TIMEOUT) == (3.0, 2.0)
    assert "1 s at most for a list, 2 s for discovery and keys together; the very first 2 s and 3 s" in TEXT
    assert (status_list.LONGEST_INTERVAL, status_list.SHORTEST_INTERVAL, status.RETRY_PAUSE) == (5.0, 1.0, 1.0)
    assert "its `ttl`, at most 5 s, at least 1 s" in TEXT
    assert verify.CLOCK_SKEW == status_list.CLOCK_SKEW == 60
    assert "`iat` have 60 s" in TEXT
    # The longest way through: keys, an unknown kid, a list, and one more look at it.
    assert keys.FIRST_FLIGHT + keys.FLIGHT + status.FIRST_FETCH_TIMEOUT + status.FETCH_TIMEOUT < 9
    assert status.ISSUER_CLOCK_SKEW == 5
    assert "at most 5 s older, as clocks differ. Otherwise the authorizer refuses it, and asks again after 1 s" in TEXT
    assert (keys._SPREAD, status._SPREAD) == (0.2, 0.15)
    assert "up to 15 % (lists) or 20 % (keys) early" in TEXT
    assert f"({verify._MOST_REMEMBERED:,} of them)" in TEXT


def test_the_bound_of_a_replay_is_printed_with_every_number_in_it() -> None:
    assert (proof.MAX_AGE, proof.AHEAD, proofs_seen.MOST) == (60, 30, 50_000)
    assert (identifiers.SHORTEST_PROOF_AGE, identifiers.DEFAULT_PROOF_AGE, identifiers.LONGEST_PROOF_AGE) == (
        10,
        60,
        300,
    )
    assert "**the same method, the same address and the same access token**" in TEXT
    assert "**from 30 s before the proof's `iat` until 60 s after it**" in TEXT
    assert "more than 50,000 proofs in a period of `DPOP_MAX_AGE` + 40 s" in TEXT
    assert proof.AHEAD + proofs_seen._MARGIN == 40
    assert f"the last {proof._MOST_KEYS} clients" in TEXT


@pytest.mark.parametrize(
    "event", ["token.refused", "route.denied", "issuer.unavailable", "policy.inexact", "proofs.forgotten"]
)
def test_every_event_of_the_log_is_described(event: str) -> None:
    assert f"`{event}`" in TEXT
    assert any(f'"{event}"' in path.read_text() for path in SOURCES)
