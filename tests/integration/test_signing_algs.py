"""Two lanes of the key ring: which algorithm signs what, and that no lane stands in for another (promise S10)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import boto3
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.jose.public import jwk_from_public_key
from valet.keys.ring import ANNOUNCED, RETIRED, SIGNING, signing_key
from valet.models.keys import SigningKey

from local.aws.aws import emulated
from tests.integration.conftest import Issued, Lines, Redeemed
from tests.integration.test_dropped_keys import steal
from tests.parts.authorizer.issuer import Stand, encoded, private_key
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.deployment import ISSUER, Deployment
from tests.support.wire import Answer

METADATA = "/.well-known/openid-configuration"


def put_key(deployment: Deployment, alg: str, state: str) -> SigningKey:
    """A key of this algorithm, behind those that sign already."""
    kms, now = boto3.client("kms"), int(deployment.clock())
    made = kms.create_key(KeySpec="ECC_NIST_P256" if alg == "ES256" else "RSA_2048", KeyUsage="SIGN_VERIFY")
    arn = made["KeyMetadata"]["Arn"]
    jwk = jwk_from_public_key(kms.get_public_key(KeyId=arn)["PublicKey"], alg)
    key = SigningKey(jwk["kid"], alg, state, jwk, key_id=arn, created_at=now, signing_since=now)
    records = DynamoKeyRecords(deployment.table("Registry"), os.urandom)
    ring = records.key_ring()
    assert records.change_ring(ring, (*ring.keys, key))
    return key


def set_state(deployment: Deployment, alg: str, state: str) -> None:
    records = DynamoKeyRecords(deployment.table("Registry"), os.urandom)
    ring = records.key_ring()
    keys = tuple(replace(key, state=state) if key.alg == alg else key for key in ring.keys)
    assert records.change_ring(ring, keys)
    deployment.restart()


@pytest.fixture
def ps256(deployment: Deployment) -> SigningKey:
    """The second lane's key, which signs."""
    return deployment.prepared("two lanes", lambda: put_key(deployment, "PS256", SIGNING))


def register_api(deployment: Deployment, alg: str) -> None:
    api = deployment.server.registry.scopes().apis[f"{ISSUER}/api"]
    deployment.registrar.put_api(replace(api, access_token_signing_alg=alg))
    deployment.clock.advance(11)


def header_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


def assert_signed(deployment: Deployment, token: str, alg: str) -> None:
    """By the key of this algorithm that the JWK Set has; PyJWT says so, from nothing but the published key."""
    header, keys = header_of(token), deployment.send("GET", f"{deployment.issuer}/.well-known/jwks.json").json()["keys"]
    (jwk,) = (key for key in keys if key["kid"] == header["kid"])
    assert header["alg"] == jwk["alg"] == alg
    options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
    assert jwt.decode(token, jwt.PyJWK(jwk), algorithms=[alg], options=options)["iss"] == deployment.issuer  # type: ignore[arg-type]


def sign_in(browser: Browser, app: Application) -> dict[str, Any]:
    asked = app.ask()
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    tokens: dict[str, Any] = app.redeem(code, asked.code_verifier).json()
    return tokens


@pytest.mark.parametrize(
    ("id_token_alg", "access_token_alg", "expected"),
    [
        ("", "", ("RS256", "RS256")),
        ("PS256", "", ("PS256", "RS256")),
        ("", "PS256", ("RS256", "PS256")),
        ("PS256", "PS256", ("PS256", "PS256")),
        ("RS256", "PS256", ("RS256", "PS256")),
    ],
)
def test_id_tokens_are_signed_as_the_client_asks_and_access_tokens_as_their_api_does(
    deployment: Deployment,
    browser: Browser,
    web_app: Application,
    ps256: SigningKey,
    id_token_alg: str,
    access_token_alg: str,
    expected: tuple[str, str],
) -> None:
    deployment.change_client("web_app_123", id_token_signed_response_alg=id_token_alg, id_token_on_refresh=True)
    register_api(deployment, access_token_alg)
    tokens = sign_in(browser, web_app)
    for answer in (tokens, web_app.refresh(tokens["refresh_token"]).json()):
        assert_signed(deployment, answer["id_token"], expected[0])
        assert_signed(deployment, answer["access_token"], expected[1])
        assert web_app.userinfo(answer["access_token"]).status == 200


def test_a_clients_own_token_is_signed_as_its_api_asks(
    deployment: Deployment, service: Application, ps256: SigningKey
) -> None:
    assert_signed(deployment, service.client_credentials().json()["access_token"], "RS256")
    register_api(deployment, "PS256")
    token = service.client_credentials().json()["access_token"]
    assert_signed(deployment, token, "PS256")
    assert service.introspect(token).json()["active"] is True


def test_status_lists_are_signed_by_the_first_lane(
    deployment: Deployment, service: Application, ps256: SigningKey
) -> None:
    register_api(deployment, "PS256")
    token = service.client_credentials().json()["access_token"]
    uri = jwt.decode(token, options={"verify_signature": False})["status"]["status_list"]["uri"]
    assert_signed(deployment, deployment.send("GET", uri).body, "RS256")


def test_the_metadata_names_the_lanes_that_sign_the_first_one_first(deployment: Deployment, ps256: SigningKey) -> None:
    def algs() -> list[str]:
        found: list[str] = deployment.send("GET", f"{deployment.issuer}{METADATA}").json()[
            "id_token_signing_alg_values_supported"
        ]
        return found

    put_key(deployment, "ES256", ANNOUNCED)
    assert algs() == ["RS256", "PS256"]
    set_state(deployment, "PS256", RETIRED)
    assert algs() == ["RS256"]


def test_a_lane_that_does_not_sign_spends_nothing_and_no_other_lane_signs_for_it(
    deployment: Deployment, web_app: Application, issued: Issued, refusals: Lines
) -> None:
    put_key(deployment, "PS256", ANNOUNCED)
    unasserted = DemoApplications(lambda *request: deployment.invoke(deployment.event(*request)), deployment.issuer)

    def assert_refused(ask: Callable[[], Answer]) -> None:
        with deployment.nothing_spent(), emulated().recorded() as calls:
            answer = ask()
        assert (answer.status, answer.error) == (503, "temporarily_unavailable")
        assert "Sign" not in [call.action for call in calls]
        line = refusals()[-1]
        assert (line["event"], line["detail"][:42]) == ("signing.failed", "no key signs with PS256, only with RS256: ")

    # Its access token has the first algorithm, and is not signed in vain.
    deployment.change_client("web_app_123", id_token_signed_response_alg="PS256")
    assert_refused(lambda: unasserted.web_app.redeem(issued.code, issued.asked.code_verifier))
    register_api(deployment, "PS256")
    assert_refused(unasserted.service.client_credentials)
    set_state(deployment, "PS256", SIGNING)
    tokens = web_app.redeem(issued.code, issued.asked.code_verifier).json()
    assert_signed(deployment, tokens["id_token"], "PS256")
    assert_signed(deployment, tokens["access_token"], "PS256")


def test_a_refresh_whose_lane_ended_keeps_its_refresh_token(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    register_api(deployment, "PS256")
    unasserted = DemoApplications(lambda *request: deployment.invoke(deployment.event(*request)), deployment.issuer)
    with deployment.nothing_spent():
        answer = unasserted.web_app.refresh(redeemed.refresh_token)
    assert (answer.status, answer.error) == (503, "temporarily_unavailable")
    register_api(deployment, "")
    assert_signed(deployment, web_app.refresh(redeemed.refresh_token).json()["access_token"], "RS256")


def test_a_second_algorithm_costs_no_call_but_its_signature(
    deployment: Deployment, browser: Browser, web_app: Application, ps256: SigningKey
) -> None:
    tokens = sign_in(browser, web_app)

    def calls(alg: str) -> list[str]:
        deployment.change_client("web_app_123", id_token_signed_response_alg=alg, id_token_on_refresh=True)
        for _ in range(2):  # the first one reads what has changed
            with emulated().recorded() as made:
                tokens.update(web_app.refresh(tokens["refresh_token"]).json())
        assert_signed(deployment, tokens["id_token"], alg or "RS256")
        return [call.action for call in made]

    before = calls("")
    assert calls("PS256") == before
    assert before.count("Sign") == 2


# -- one algorithm, one key --------------------------------------------------------------------------------------------


def with_ps256(claims: dict[str, Any], key: rsa.RSAPrivateKey, kid: str) -> str:
    return jwt.encode(claims, key, "PS256", {"kid": kid, "typ": "at+jwt"})


def test_ps256_by_the_key_of_rs256_is_no_signature_for_our_endpoints(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    """The private key is the right one, and its signature is good: only its algorithm is not the key's."""
    owner = steal(deployment, RETIRED)
    good = owner.user_token(redeemed)
    assert web_app.userinfo(good).status == 200
    claims = jwt.decode(good, options={"verify_signature": False})
    with deployment.nothing_spent():
        answer = web_app.userinfo(with_ps256(claims, owner.private_key, owner.kid))
    assert (answer.status, answer.error) == (401, "invalid_token")


def test_nor_for_the_authorizer() -> None:
    stand, key = Stand("RS256"), private_key("RS256")
    assert isinstance(key, rsa.RSAPrivateKey)
    assert stand.ask(stand.issuer.sign(stand.issuer.claims()))
    with pytest.raises(Exception, match="Unauthorized"):
        stand.ask(with_ps256(stand.issuer.claims(), key, "key-1"))
    assert stand.lines.reasons() == ["alg is not the key's"]


def test_a_forger_who_relabels_the_header_fares_no_better() -> None:
    """A signature by PS256 under a header that says RS256: the key's own algorithm verifies it, and it is not good."""
    stand, key = Stand("RS256"), private_key("RS256")
    assert isinstance(key, rsa.RSAPrivateKey)
    header, payload = {"alg": "RS256", "kid": "key-1", "typ": "at+jwt"}, stand.issuer.claims()
    signing_input = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(payload).encode())}"
    signature = encoded(jwt.get_algorithm_by_name("PS256").sign(signing_input.encode(), key))
    with pytest.raises(Exception, match="Unauthorized"):
        stand.ask(f"{signing_input}.{signature}")
    assert stand.lines.reasons() == ["signature"]


def test_the_first_lane_signs_where_nothing_is_registered_whichever_key_is_older(
    deployment: Deployment, service: Application, ps256: SigningKey
) -> None:
    records = DynamoKeyRecords(deployment.table("Registry"), os.urandom)
    ring = records.key_ring()
    assert signing_key(ring.keys).alg == "RS256"
    assert records.change_ring(ring, tuple(reversed(ring.keys)))
    deployment.restart()
    assert_signed(deployment, service.client_credentials().json()["access_token"], "PS256")
