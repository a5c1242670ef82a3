"""Tokens that the authorization server bound to a key, at the demo API behind the authorizer (RFC 9449 §7)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from local.stack import LocalStack
from tests.integration.bound_tokens import SignedIn, bound_to
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.dpop_client import DpopClient
from tests.support.wire import Answer, over_http

PROFILE, ITEMS = "/api/profile", "/api/items"


@dataclass
class Owner:
    """A public client on the local stack, with John's tokens, which are bound to its key."""

    stack: LocalStack
    key: DpopClient
    tokens: dict[str, Any]

    @property
    def token(self) -> str:
        return str(self.tokens["access_token"])

    def proof(self, method: str = "GET", path: str = PROFILE, key: DpopClient | None = None, **claims: Any) -> str:
        made: dict[str, Any] = {"token": self.token, "iat": int(time.time()), **claims}
        return (key or self.key).proof(method, f"{self.stack.issuer}{path}", **made)

    def call(self, proof: str | None, scheme: str = "DPoP", method: str = "GET", path: str = PROFILE) -> Answer:
        headers = {"authorization": f"{scheme} {self.token}", **({"dpop": proof} if proof else {})}
        return over_http(method, f"{self.stack.issuer}{path}", headers)

    def is_let_in(self) -> bool:
        return self.call(self.proof()).status == 200


def with_proof(app: Application, key: DpopClient) -> Application:
    proof = key.proof("POST", f"{app.issuer}/token", iat=int(time.time()))
    return replace(app, headers={"dpop": proof})


def signed_in(stack: LocalStack, key: DpopClient) -> Owner:
    app = replace(DemoApplications(over_http, stack.issuer).mobile_app, redirect_uri="http://127.0.0.1:51004/callback")
    code, verifier = SignedIn(Browser(over_http, stack.issuer)).code(app)
    return Owner(stack, key, bound_to(with_proof(app, key).redeem(code, verifier), key))


@pytest.fixture
def owner(fresh_stack: LocalStack) -> Owner:
    return signed_in(fresh_stack, DpopClient())


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_the_owner_of_the_key_is_let_in(fresh_stack: LocalStack, alg: str) -> None:
    owner = signed_in(fresh_stack, DpopClient(alg))
    answer = owner.call(owner.proof())
    assert answer.status == 200, answer
    assert answer.json()["sub"] == "demo-john"
    assert owner.call(owner.proof(path=ITEMS), path=ITEMS).status == 200


def test_a_bound_token_has_the_scopes_and_roles_that_it_has_and_no_others(owner: Owner) -> None:
    assert owner.call(owner.proof(path="/api/admin"), path="/api/admin").status == 403
    path = "/api/items/1"
    assert owner.call(owner.proof("DELETE", path), method="DELETE", path=path).status == 403  # john is no admin


@pytest.mark.parametrize(
    "theft",
    [
        pytest.param({"scheme": "Bearer"}, id="as a bearer token, without a proof"),
        pytest.param({"scheme": "Bearer", "made": {}}, id="as a bearer token, with a right proof"),
        pytest.param({}, id="without a proof"),
        pytest.param({"made": {"key": DpopClient()}}, id="with another key"),
        pytest.param({"made": {"method": "DELETE"}}, id="with a proof for another method"),
        pytest.param({"made": {"path": ITEMS}}, id="with a proof for another path"),
        pytest.param({"made": {"path": "/token", "method": "POST", "token": None}}, id="with a proof for /token"),
        pytest.param({"made": {"path": "/userinfo"}}, id="with a proof for userinfo"),
        pytest.param({"made": {"token": "another.access.token"}}, id="with a proof for another token"),
        pytest.param({"made": {"token": None}}, id="with a proof for no token"),
        pytest.param({"made": {"iat": int(time.time()) - 3600}}, id="with a proof of an hour ago"),
    ],
)
def test_a_stolen_token_is_refused_and_its_owner_is_not(owner: Owner, theft: Mapping[str, Any]) -> None:
    proof = owner.proof(**theft["made"]) if "made" in theft else None
    answer = owner.call(proof, theft.get("scheme", "DPoP"))
    assert (answer.status, answer.json()) == (401, {"message": "Unauthorized"})
    assert owner.is_let_in()


def test_a_proof_is_good_once_and_only_where_it_belongs(owner: Owner) -> None:
    proof = owner.proof()
    assert owner.call(proof, path=ITEMS).status == 401  # this refusal does not use the proof up
    assert owner.call(proof, "Bearer").status == 401
    assert owner.call(proof).status == 200
    assert owner.call(proof).status == 401
    assert owner.is_let_in()


def test_a_bearer_token_stays_one_at_the_api(fresh_stack: LocalStack) -> None:
    service, key = DemoApplications(over_http, fresh_stack.issuer).service, DpopClient()
    bearer = service.client_credentials().json()
    bound = bound_to(with_proof(service, key).client_credentials(), key)
    for tokens, scheme, status in ((bearer, "Bearer", 200), (bearer, "DPoP", 401), (bound, "DPoP", 200)):
        owner = Owner(fresh_stack, key, tokens)
        assert owner.call(owner.proof(path="/api/admin"), scheme, path="/api/admin").status == status, (tokens, scheme)


def test_a_rest_api_beside_takes_the_same_tokens_at_its_own_address(fresh_stack: LocalStack) -> None:
    service, key, path = DemoApplications(over_http, fresh_stack.issuer).service, DpopClient(), "/v1/reports"
    owner = Owner(fresh_stack, key, bound_to(with_proof(service, key).client_credentials(), key))
    proof = owner.proof(path=path)
    assert owner.call(proof, "Bearer", path=path).status == 401
    for wrong in (owner.proof(path="/reports"), owner.proof("POST", path), owner.proof(path=path, key=DpopClient())):
        assert owner.call(wrong, path=path).status == 401
    assert [owner.call(proof, path=path).status for _ in range(2)] == [200, 401]


def test_the_end_of_a_grant_ends_its_bound_token_at_the_api(owner: Owner) -> None:
    app = DemoApplications(over_http, owner.stack.issuer).mobile_app
    assert owner.is_let_in()
    assert app.revoke(owner.tokens["refresh_token"]).status == 200
    owner.stack.authorizers.forget()
    for _ in range(100):  # a status list is cached for a few seconds
        if not owner.is_let_in():
            break
        time.sleep(0.1)
    assert not owner.is_let_in()
