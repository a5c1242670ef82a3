"""What a key signed that an emergency has dropped is nothing, at every endpoint that is given a token of ours."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.jose.public import jwk_from_public_key
from valet.keys.ring import DROPPED, RETIRED
from valet.models.keys import SigningKey

from tests.integration.conftest import Redeemed
from tests.integration.signing_out import is_signed_in, logout
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer


@dataclass(frozen=True)
class Thief:
    """Who has the private key of one of our records, and forges what it could sign."""

    deployment: Deployment
    private_key: rsa.RSAPrivateKey
    kid: str

    def forged(self, typ: str, **claims: Any) -> str:
        now = int(self.deployment.clock())
        known = {"iss": self.deployment.issuer, "iat": now, "exp": now + 900, "jti": "x"}
        return jwt.encode({**known, **claims}, self.private_key, "RS256", {"kid": self.kid, "typ": typ})

    def access_token(self, sub: str, client_id: str, audience: str, scope: str, **claims: str) -> str:
        status = {"status_list": {"idx": 5, "uri": f"{self.deployment.issuer}/status-lists/aost"}}
        return self.forged("at+jwt", sub=sub, client_id=client_id, aud=audience, scope=scope, status=status, **claims)

    def user_token(self, redeemed: Redeemed) -> str:
        """An access token of John's grant, for userinfo."""
        grant_id = redeemed.refresh_token.partition(".")[0]
        return self.access_token("demo-john", "web_app_123", self.deployment.issuer, "openid email", grant_id=grant_id)

    def hint(self, redeemed: Redeemed) -> str:
        genuine = jwt.decode(redeemed.id_token, options={"verify_signature": False})
        return self.forged("JWT", sub=genuine["sub"], aud="web_app_123", sid=genuine["sid"])


def steal(deployment: Deployment, state: str) -> Thief:
    """A key of ours in that state, whose private half somebody else has."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    der = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    jwk = jwk_from_public_key(der, "RS256")
    records, now = DynamoKeyRecords(deployment.table("Registry"), os.urandom), int(deployment.clock())
    ring = records.key_ring()
    key = SigningKey(jwk["kid"], "RS256", state, jwk, created_at=now - 9000, signing_since=now - 8000)
    assert records.change_ring(ring, (*ring.keys, key))
    deployment.restart()
    return Thief(deployment, private_key, jwk["kid"])


@pytest.fixture
def thief(deployment: Deployment, redeemed: Redeemed) -> Thief:
    return steal(deployment, DROPPED)


def test_this_test_forges_well(
    deployment: Deployment, redeemed: Redeemed, web_app: Application, service: Application
) -> None:
    """The same from a key that is merely retired is good: else the tests below would prove nothing."""
    owner = steal(deployment, RETIRED)
    assert web_app.userinfo(owner.user_token(redeemed)).json()["email"] == "john@example.com"
    admin = owner.access_token("api_service_789", "api_service_789", f"{deployment.issuer}/api", "admin api_access")
    assert service.introspect(admin).json()["active"] is True


def test_it_is_not_in_the_jwk_set(deployment: Deployment, thief: Thief) -> None:
    keys = deployment.send("GET", f"{deployment.issuer}/.well-known/jwks.json").json()["keys"]
    assert thief.kid not in [key["kid"] for key in keys]


def test_userinfo_refuses_it(deployment: Deployment, web_app: Application, redeemed: Redeemed, thief: Thief) -> None:
    with deployment.nothing_spent():
        answer = web_app.userinfo(thief.user_token(redeemed))
    assert (answer.status, answer.error) == (401, "invalid_token")


def test_introspection_calls_it_inactive(deployment: Deployment, service: Application, thief: Thief) -> None:
    audience = f"{deployment.issuer}/api"
    token = thief.access_token("api_service_789", "api_service_789", audience, "admin api_access")
    with deployment.nothing_spent():
        assert service.introspect(token).json() == {"active": False}


def test_it_revokes_nothing(deployment: Deployment, web_app: Application, thief: Thief) -> None:
    token = thief.access_token("demo-john", "web_app_123", deployment.issuer, "openid")
    with deployment.nothing_spent():
        assert web_app.revoke(token).status == 200


def test_as_a_hint_it_signs_nobody_out(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, thief: Thief
) -> None:
    with deployment.nothing_spent():
        assert "decision" in form_of(logout(browser, id_token_hint=thief.hint(redeemed))).names
    assert is_signed_in(browser, web_app)


def test_as_a_hint_it_says_nothing_at_authorize(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, thief: Thief
) -> None:
    with deployment.nothing_spent():
        answer: Answer = browser.get(web_app.ask(prompt="none", id_token_hint=thief.hint(redeemed)).url)
    assert answer.answered["error"] == "login_required"


def test_genuine_tokens_are_as_good_as_before(
    web_app: Application, browser: Browser, redeemed: Redeemed, thief: Thief
) -> None:
    assert web_app.userinfo(redeemed.access_token).status == 200
    assert "decision" in form_of(logout(browser)).names
