"""A DPoP proof with a pushed request: only the key that signed it redeems the code (RFC 9449 §10.1)."""

from __future__ import annotations

import pytest

from tests.support.application import Application, Asked
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.key_holder import KeyHolder, with_proof
from tests.support.wire import Answer


def code_of(browser: Browser, asked: Asked) -> str:
    return browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]


def test_only_the_key_of_the_proof_redeems_the_code(
    browser: Browser, mobile_app: Application, owner: KeyHolder, thief: KeyHolder
) -> None:
    answer, asked = owner.of(mobile_app, "/par").push()
    assert answer.status == 201
    code = code_of(browser, asked)
    assert mobile_app.redeem(code, asked.code_verifier).error == "invalid_grant"
    assert thief.of(mobile_app).redeem(code, asked.code_verifier).error == "invalid_grant"
    redeemed = owner.of(mobile_app).redeem(code, asked.code_verifier)
    assert (redeemed.status, redeemed.json()["token_type"]) == (200, "DPoP")


def test_a_dpop_jkt_that_names_the_key_of_the_proof_is_taken(mobile_app: Application, owner: KeyHolder) -> None:
    answer, _ = owner.of(mobile_app, "/par").push(dpop_jkt=owner.jkt)
    assert answer.status == 201


def test_without_a_proof_a_dpop_jkt_binds_the_code(
    browser: Browser, mobile_app: Application, owner: KeyHolder, thief: KeyHolder
) -> None:
    answer, asked = mobile_app.push(dpop_jkt=owner.jkt)
    assert answer.status == 201
    code = code_of(browser, asked)
    assert thief.of(mobile_app).redeem(code, asked.code_verifier).error == "invalid_grant"
    assert owner.of(mobile_app).redeem(code, asked.code_verifier).status == 200


def refused(deployment: Deployment, app: Application, error: str, **changes: str) -> Answer:
    """The refusal, which kept no request and spent no proof."""
    with deployment.nothing_spent():
        answer, _ = app.push(**changes)
    assert (answer.status, answer.error) == (400, error)
    return answer


def test_a_dpop_jkt_of_another_key_is_refused_and_the_proof_stays_good(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder, thief: KeyHolder
) -> None:
    proven = owner.of(mobile_app, "/par")
    refused(deployment, proven, "invalid_dpop_proof", dpop_jkt=thief.jkt)
    assert proven.push()[0].status == 201


def test_a_request_that_is_refused_leaves_its_proof_good(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder
) -> None:
    proven = owner.of(mobile_app, "/par")
    refused(deployment, proven, "invalid_scope", scope="unknown")
    assert proven.push()[0].status == 201


@pytest.mark.parametrize("path", ["/token", "/authorize", "/par/"])
def test_a_proof_for_another_address_is_refused(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder, path: str
) -> None:
    refused(deployment, owner.of(mobile_app, path), "invalid_dpop_proof")


def test_a_proof_that_comes_again_pushes_nothing(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder
) -> None:
    proven = with_proof(mobile_app, owner.proof_for("/par"))
    assert proven.push()[0].status == 201
    refused(deployment, proven, "invalid_dpop_proof")


def test_where_a_nonce_is_required_it_is_asked_for_and_the_proof_with_it_is_taken(
    deployment: Deployment, mobile_app: Application, web_app: Application, owner: KeyHolder, nonce_key: str
) -> None:
    deployment.restart(dpop_nonces="public", nonce_key=nonce_key)
    challenged = refused(deployment, owner.of(mobile_app, "/par"), "use_dpop_nonce")
    nonce = challenged.headers["dpop-nonce"]
    assert owner.of(mobile_app, "/par", nonce=nonce).push()[0].status == 201
    # A confidential client is not asked for one, and learns it.
    answer, _ = owner.of(web_app, "/par").push()
    assert (answer.status, answer.headers["dpop-nonce"]) == (201, nonce)
