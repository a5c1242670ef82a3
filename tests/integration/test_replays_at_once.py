"""A captured request, sent by fifty threads at once: it is answered once at most, and the victim's grant lives (S3)."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.facts import at_once
from tests.integration.bound_tokens import bound_to, grant_of
from tests.integration.conftest import Issued
from tests.support.application import Application
from tests.support.deployment import BEGINNING, Deployment
from tests.support.key_holder import KeyHolder
from tests.support.wire import Answer

pytestmark = pytest.mark.slow

THREADS = 50


def outcomes(send: Callable[[], Answer]) -> Counter[str]:
    answers = at_once(lambda _: send(), THREADS)
    return Counter("answered" if answer.status == 200 else answer.error for answer in answers)


@pytest.mark.parametrize("age", [-30, 0, 60])
def test_a_captured_refresh(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder, bound: dict[str, Any], age: int
) -> None:
    """From the first second in which its proof is accepted to the last, and the second after."""
    token, iat = bound["refresh_token"], int(BEGINNING) - age
    captured = owner.of(mobile_app, iat=iat)
    assert outcomes(lambda: captured.refresh(token)) == {"answered": 1, "invalid_dpop_proof": THREADS - 1}
    successor = bound_to(owner.of(mobile_app).refresh(token), owner)["refresh_token"]
    newest = bound_to(owner.of(mobile_app).refresh(successor), owner)["refresh_token"]
    for now in sorted({BEGINNING, iat + 60.0, iat + 61.0}):
        deployment.clock.now = now
        with deployment.nothing_spent():
            assert outcomes(lambda: captured.refresh(token)) == {"invalid_dpop_proof": THREADS}
    assert not grant_of(deployment, newest).revoked_at
    bound_to(owner.of(mobile_app).refresh(newest), owner)


def test_a_captured_refresh_that_is_too_old(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder, bound: dict[str, Any]
) -> None:
    captured = owner.of(mobile_app, iat=int(BEGINNING) - 61)
    with deployment.nothing_spent():
        assert outcomes(lambda: captured.refresh(bound["refresh_token"])) == {"invalid_dpop_proof": THREADS}
    bound_to(owner.of(mobile_app).refresh(bound["refresh_token"]), owner)


def test_a_captured_redemption(deployment: Deployment, web_app: Application, owner: KeyHolder, issued: Issued) -> None:
    captured = owner.of(web_app)
    told = outcomes(lambda: captured.redeem(issued.code, issued.asked.code_verifier))
    assert told["answered"] == 1
    assert told.keys() <= {"answered", "invalid_dpop_proof", "invalid_grant"}
    for seconds in (11, 49):  # a second use would end the grant; the proof's last second
        deployment.clock.advance(seconds)
        with deployment.nothing_spent():
            told = outcomes(lambda: captured.redeem(issued.code, issued.asked.code_verifier))
        assert told == {"invalid_dpop_proof": THREADS}
    assert not grant_of(deployment, issued.code).revoked_at
