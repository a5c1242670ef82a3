"""A proof is used once in one process, for as long as it is accepted (RFC 9449 §11.1, docs/authorizer.md)."""

import threading
import time
from collections import Counter
from typing import Any

import pytest
from valet.binding import proof
from valet.clock import Moment
from valet.jose import signed
from valet.resource_server.api_gateway.sender import Senders
from valet.resource_server.proofs_seen import MOST, ProofsSeen

from tests.parts.authorizer.bound import CALLS, BoundStand
from tests.parts.authorizer.issuer import NOW
from tests.support.dpop_client import DpopClient


def at(seconds: float) -> Moment:
    return Moment(NOW + seconds, 1000 + seconds)


@pytest.mark.parametrize("shape", CALLS)
def test_a_replay_in_one_process_is_refused(shape: str) -> None:
    stand = BoundStand(shape)
    value = stand.proof()
    stand.call(value)
    assert stand.refusal(value) == "the proof was used before"
    # The same jti is the same use, whatever else the client signs with it.
    again = stand.proof(jti="mine")
    stand.call(again)
    assert stand.refusal(stand.proof(jti="mine", iat=NOW + 1)) == "the proof was used before"
    stand.call(stand.proof())


@pytest.mark.parametrize("max_age", [10, 60, 300])
def test_a_proof_is_remembered_for_every_second_that_it_is_accepted(max_age: int) -> None:
    for first in (-30, -29, 0, max_age - 1, max_age):
        stand = BoundStand(DPOP_MAX_AGE=str(max_age))
        stand.call(stand.proof(iat=NOW - 1))  # the sets begin to turn at another moment than the proof's first use
        value = stand.proof(iat=NOW + 35)
        stand.clock.advance(35 + first)
        stand.call(value)
        stand.clock.advance(max_age - first)
        stand.call(stand.proof())
        assert stand.refusal(value) == "the proof was used before"
        stand.clock.advance(0.5)
        assert stand.refusal(value) == f"proof: iat is more than {max_age} s ago"


def test_another_process_does_not_know_it_which_is_the_printed_bound() -> None:
    first = BoundStand()
    value = first.proof()
    first.call(value)
    second = BoundStand(client=first.client)
    second.issuer.keys, second.issuer.jwks = first.issuer.keys, first.issuer.jwks
    assert second.call(value, token=first.token)["principalId"] == "john"
    # Until the second when the proof is too old.
    second.clock.advance(61)
    assert second.refusal(value, token=first.token) == "proof: iat is more than 60 s ago"


def test_two_clients_may_use_one_jti() -> None:
    seen = ProofsSeen(60, pytest.fail)
    assert seen.add("key-1", "jti", at(0))
    assert seen.add("key-2", "jti", at(0))
    assert not seen.add("key-1", "jti", at(0))


def test_the_sets_turn_after_the_longest_acceptance_and_forget_after_two_turns() -> None:
    seen = ProofsSeen(60, pytest.fail)
    assert seen.add("key", "old", at(0))
    assert not seen.add("key", "old", at(99.9))
    seen.add("key", "first turn", at(100))
    assert not seen.add("key", "old", at(199.9))
    seen.add("key", "second turn", at(200))
    assert seen.add("key", "old", at(200))
    assert not seen.add("key", "first turn", at(299))
    seen.add("key", "before a pause", at(299))
    assert seen.add("key", "before a pause", at(1000))


def test_a_full_set_turns_early_and_tells_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 50_000
    most = 1000
    monkeypatch.setattr("valet.resource_server.proofs_seen.MOST", most)
    told: list[str] = []
    seen = ProofsSeen(60, lambda: told.append("full"))
    assert all(seen.add("key", f"jti-{number}", at(0)) for number in range(most))
    assert not seen.add("key", "jti-0", at(0))
    assert told == []  # a replay turns nothing
    assert seen.add("key", "one more", at(0))
    assert told == ["full"]
    # Each proof outlives the next as many, and the two sets never hold more than twice as many.
    assert all(seen.add("key", f"more-{number}", at(0)) for number in range(most - 1))
    assert not seen.add("key", "jti-0", at(0))
    assert not seen.add("key", f"jti-{most - 1}", at(0))
    assert len(seen._newer) + len(seen._older) == 2 * most
    assert seen.add("key", "and one more", at(0))
    assert seen.add("key", "jti-0", at(0))
    assert told == ["full"]


def test_the_authorizer_logs_a_full_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valet.resource_server.proofs_seen.MOST", 2)
    stand = BoundStand()
    for _ in range(6):
        stand.call(stand.proof())
    assert stand.lines.events() == ["proofs.forgotten"]
    assert stand.lines[0]["level"] == "WARNING"


class SlowSet(set[bytes]):
    """Lets other threads run between the question whether a proof is there and its addition."""

    def __contains__(self, item: object) -> bool:
        found = super().__contains__(item)
        time.sleep(0.002)
        return found


def outcomes_of(stand: BoundStand, value: str, many: int) -> Counter[str]:
    """How `many` requests with one proof end that come at the same time."""
    found, together = Counter[str](), threading.Barrier(many)

    def call() -> None:
        together.wait(10)
        try:
            stand.call(value)
        except Exception as refused:
            found[str(refused)] += 1
        else:
            found["accepted"] += 1

    threads = [threading.Thread(target=call) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return found


def test_one_proof_by_fifty_threads_is_accepted_once() -> None:
    stand = BoundStand()
    stand.call(stand.proof())
    assert stand.authorizer._senders is not None
    stand.authorizer._senders._proofs._seen._newer = SlowSet()
    assert outcomes_of(stand, stand.proof(), 50) == {"accepted": 1, "Unauthorized": 49}


def test_the_very_first_bound_requests_share_one_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    build = Senders.__init__

    def slowly(self: Senders, *given: Any) -> None:
        time.sleep(0.01)
        build(self, *given)

    monkeypatch.setattr(Senders, "__init__", slowly)
    stand = BoundStand()
    assert outcomes_of(stand, stand.proof(), 20) == {"accepted": 1, "Unauthorized": 19}


def test_a_header_is_read_once_and_the_oldest_of_512_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    stand = BoundStand()
    stand.call(stand.proof())
    assert stand.remembered_keys() == 1
    built: list[object] = []
    build = signed.key_in_header

    def counted(unverified: signed.Unverified) -> object:
        built.append(unverified)
        return build(unverified)

    assert proof._MOST_KEYS == 512
    monkeypatch.setattr(proof, "_MOST_KEYS", 8)
    monkeypatch.setattr(signed, "key_in_header", counted)
    stand.call(stand.proof())
    assert built == []
    # The remembered header verifies no signature by itself.
    first, second = stand.proof(), stand.proof()
    assert stand.refusal(f"{first.rpartition('.')[0]}.{second.rpartition('.')[2]}") == "proof: signature"
    for number in range(12):
        other = DpopClient("Ed25519")
        token = stand.issuer.token(cnf={"jkt": other.jkt}, jti=f"jti-{number}")
        made = other.proof(stand.htm, stand.htu, token=token)
        assert stand.call(made, token=token)
    assert len(built) == 12
    assert stand.remembered_keys() == 8


def test_a_remembered_header_serves_no_token_of_another_key() -> None:
    stand = BoundStand()
    stand.call(stand.proof())
    token = stand.bound_token(cnf={"jkt": DpopClient().jkt})
    assert stand.refusal(stand.proof(token=token), token=token) == "the proof is by another key than the token's"
