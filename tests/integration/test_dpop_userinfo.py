"""Bound access tokens at userinfo, and what introspection tells of them (RFC 9449 §6.2, §7)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.bound_tokens import bound_to, claims_of
from tests.integration.conftest import Issued, Redeemed
from tests.support.application import Application
from tests.support.deployment import Deployment
from tests.support.key_holder import KeyHolder, ask_userinfo
from tests.support.wire import Answer, post_form

NOW = 1_800_000_000


@pytest.fixture
def token(deployment: Deployment, web_app: Application, issued: Issued, owner: KeyHolder) -> str:
    """John's access token for the web app, bound to the owner's key."""

    def prepare() -> tuple[str, KeyHolder]:
        tokens = bound_to(owner.of(web_app).redeem(issued.code, issued.asked.code_verifier), owner)
        return str(tokens["access_token"]), owner

    found: str = prepare()[0]
    return found


def challenged(answer: Answer, scheme: str, error: str) -> None:
    """401, and the one challenge is of this scheme; it names the algorithms of proofs where a proof is asked for."""
    assert (answer.status, answer.error) == (401, error), answer
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith(f'{scheme} realm="valet"')
    assert f'error="{error}"' in challenge
    assert 'DPoP realm="valet", algs="PS256 ES256 EdDSA"' in challenge
    assert answer.headers["cache-control"] == "no-store"
    assert "sub" not in answer.json()


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_a_bound_token_is_good_with_a_proof_by_its_key(
    web_app: Application, owner: KeyHolder, token: str, scheme: str
) -> None:
    proof = owner.proof_for("/userinfo", "GET", token=token)
    answer = ask_userinfo(web_app, {"authorization": f"{scheme} {token}", "dpop": proof})
    assert (answer.status, answer.json()["sub"]) == (200, "demo-john")
    proof = owner.proof_for("/userinfo", "POST", token=token)
    assert ask_userinfo(web_app, {"authorization": f"{scheme} {token}", "dpop": proof}, "POST").status == 200


def test_a_bound_token_is_no_bearer_token(
    deployment: Deployment, web_app: Application, owner: KeyHolder, token: str
) -> None:
    proof = owner.proof_for("/userinfo", "GET", token=token)
    with deployment.nothing_spent():
        for more in ({}, {"dpop": proof}):
            answer = ask_userinfo(web_app, {"authorization": f"Bearer {token}", **more})
            challenged(answer, "Bearer", "invalid_token")
        form = {"access_token": token}
        challenged(post_form(deployment.send, f"{deployment.issuer}/userinfo", form), "Bearer", "invalid_token")
    assert ask_userinfo(web_app, {"authorization": f"DPoP {token}", "dpop": proof}).status == 200


def test_a_bearer_token_is_no_bound_token(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, owner: KeyHolder
) -> None:
    with deployment.nothing_spent():
        challenged(owner.userinfo(web_app, redeemed.access_token), "DPoP", "invalid_token")
        answer = ask_userinfo(web_app, {"authorization": f"DPoP {redeemed.access_token}"})
        challenged(answer, "DPoP", "invalid_token")
    assert web_app.userinfo(redeemed.access_token).status == 200


def _of_another_token(holder: KeyHolder, token: str) -> str:
    return holder.proof_for("/userinfo", "GET", token=f"{token}x")


def _of_no_token(holder: KeyHolder, token: str) -> str:
    return holder.proof_for("/userinfo", "GET")


def _by_another_key(holder: KeyHolder, token: str) -> str:
    """The header names the holder's key, and another key signed."""
    thief = KeyHolder(holder.deployed)
    return thief.proof("GET", "https://id.example.com/userinfo", token=token, iat=NOW, header={"jwk": holder.jwk})


BAD: dict[str, tuple[Callable[[KeyHolder, str], str], str]] = {
    "another token's": (_of_another_token, "invalid_token"),
    "no token's": (_of_no_token, "invalid_token"),
    "a signature by another key": (_by_another_key, "invalid_dpop_proof"),
    "another method": (lambda holder, token: holder.proof_for("/userinfo", "POST", token=token), "invalid_dpop_proof"),
    "another endpoint": (lambda holder, token: holder.proof_for("/token", "GET", token=token), "invalid_dpop_proof"),
    "too old": (
        lambda holder, token: holder.proof_for("/userinfo", "GET", token=token, iat=NOW - 61),
        "invalid_dpop_proof",
    ),
    "too far ahead": (
        lambda holder, token: holder.proof_for("/userinfo", "GET", token=token, iat=NOW + 31),
        "invalid_dpop_proof",
    ),
    "no proof": (lambda holder, token: token, "invalid_dpop_proof"),
}


@pytest.mark.parametrize(("bad", "error"), BAD.values(), ids=BAD)
def test_a_bad_proof_is_refused(
    deployment: Deployment,
    web_app: Application,
    owner: KeyHolder,
    token: str,
    bad: Callable[[KeyHolder, str], str],
    error: str,
) -> None:
    with deployment.nothing_spent():
        answer = ask_userinfo(web_app, {"authorization": f"DPoP {token}", "dpop": bad(owner, token)})
        challenged(answer, "DPoP", error)
    assert owner.userinfo(web_app, token).status == 200


def test_a_stolen_token_is_worth_nothing_without_its_key(
    deployment: Deployment, web_app: Application, owner: KeyHolder, thief: KeyHolder, token: str
) -> None:
    with deployment.nothing_spent():
        challenged(ask_userinfo(web_app, {"authorization": f"DPoP {token}"}), "DPoP", "invalid_token")
        challenged(thief.userinfo(web_app, token), "DPoP", "invalid_token")
    assert owner.userinfo(web_app, token).status == 200


def test_a_captured_request_is_good_once(
    deployment: Deployment, web_app: Application, owner: KeyHolder, token: str
) -> None:
    sent = {"authorization": f"DPoP {token}", "dpop": owner.proof_for("/userinfo", "GET", token=token)}
    assert ask_userinfo(web_app, sent).status == 200
    for seconds in (0, 60, 1):
        deployment.clock.advance(seconds)
        with deployment.nothing_spent():
            challenged(ask_userinfo(web_app, sent), "DPoP", "invalid_dpop_proof")


def test_a_refusal_spends_no_proof(
    deployment: Deployment, web_app: Application, owner: KeyHolder, issued: Issued
) -> None:
    tokens = bound_to(owner.of(web_app).redeem(issued.code, issued.asked.code_verifier), owner)
    narrow = bound_to(owner.of(web_app).refresh(tokens["refresh_token"], scope="items"), owner)["access_token"]
    sent = {"authorization": f"DPoP {narrow}", "dpop": owner.proof_for("/userinfo", "GET", token=narrow)}
    with deployment.nothing_spent():
        answer = ask_userinfo(web_app, sent)
    assert (answer.status, answer.error) == (403, "insufficient_scope")
    assert answer.headers["www-authenticate"].startswith('DPoP realm="valet"')
    assert "Bearer" not in answer.headers["www-authenticate"]


def test_userinfo_asks_for_no_nonce(
    deployment: Deployment, web_app: Application, owner: KeyHolder, token: str, nonce_key: str
) -> None:
    deployment.restart(dpop_nonces="all", nonce_key=nonce_key)
    answer = owner.userinfo(web_app, token)
    assert answer.status == 200
    assert "dpop-nonce" not in answer.headers
    assert owner.userinfo(web_app, token, nonce="of-another-server").status == 200


# -- introspection -----------------------------------------------------------------------------------------------------


def test_introspection_tells_the_key_of_a_bound_token(
    web_app: Application, service: Application, redeemed: Redeemed, owner: KeyHolder
) -> None:
    bearer = service.introspect(redeemed.access_token).json()
    assert (bearer["token_type"], "cnf" in bearer) == ("Bearer", False)
    tokens = bound_to(owner.of(web_app).refresh(redeemed.refresh_token), owner)
    told = service.introspect(tokens["access_token"]).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": owner.jkt})
    assert (told["acr"], told["auth_time"]) == (bearer["acr"], bearer["auth_time"])  # RFC 9470 §6.2
    assert "cnf" not in web_app.introspect(tokens["refresh_token"]).json()  # the client's authentication binds it


def test_introspection_tells_the_key_of_a_refresh_token(
    deployment: Deployment, web_app: Application, owner: KeyHolder, issued: Issued
) -> None:
    """A public client may not introspect: only one that has got a secret since."""
    secret = deployment.client("web_app_123")
    deployment.change_client("web_app_123", token_endpoint_auth_method="none", secret_digests=())
    public = replace(web_app, secret=None)
    tokens: dict[str, Any] = bound_to(owner.of(public).redeem(issued.code, issued.asked.code_verifier), owner)
    deployment.change_client(
        "web_app_123",
        token_endpoint_auth_method=secret.token_endpoint_auth_method,
        secret_digests=secret.secret_digests,
    )
    told = web_app.introspect(tokens["refresh_token"]).json()
    assert (told["active"], told["cnf"]) == (True, {"jkt": owner.jkt})
    assert claims_of(tokens)["cnf"] == told["cnf"]
