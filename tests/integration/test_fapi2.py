"""A client with the profile fapi2: what works for it, and that no setting and no parameter gets round a rule (promise
S9). Each refusal asserts that nothing was spent.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from valet.keys.ring import RETIRED, SIGNING
from valet.models.keys import SigningKey

from tests.integration.bound_tokens import SignedIn, bound_to, not_counted
from tests.integration.conftest import Lines, Redeemed
from tests.integration.test_private_key_jwt import register
from tests.integration.test_signing_algs import assert_signed, put_key, register_api, set_state
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.dpop_client import key_for
from tests.support.key_client import KeyApplication, key_application
from tests.support.key_holder import KeyHolder
from tests.support.wire import Answer

HTTPS = "https://webapp.example.com/callback"
FAPI2: dict[str, Any] = {
    "profile": "fapi2",
    "redirect_uris": (HTTPS,),
    "dpop_bound_access_tokens": True,
    "require_pushed_authorization_requests": True,
    "refresh_token_rotation": False,
    "id_token_on_refresh": True,
}
# What somebody with access to the table may write into the item, and the rule that this breaks.
EDITED: list[tuple[dict[str, Any], str]] = [
    ({"dpop_bound_access_tokens": False}, "bound to a key"),
    ({"require_pushed_authorization_requests": False}, "push its authorization requests"),
    ({"refresh_token_rotation": True}, "must not rotate"),
    ({"pkce": "optional"}, "PKCE must be required"),
    ({"redirect_uris": (HTTPS, "http://webapp.example.com/callback")}, "https://"),
    ({"redirect_uris": (HTTPS, "http://127.0.0.1/callback")}, "https://"),
    ({"redirect_uris": (HTTPS, "com.example.app:/callback")}, "https://"),
    ({"id_token_signed_response_alg": "RS256"}, "ID tokens"),
    ({"application_type": "native"}, "confidential"),
    ({"profile": "FAPI2", "pkce": "optional"}, "PKCE must be required"),
    ({"profile": "", "pkce": "optional"}, "PKCE must be required"),
]


@pytest.fixture
def ps256(deployment: Deployment) -> SigningKey:
    """The second lane's key; the first lane signs with RS256."""
    return deployment.prepared("two lanes", lambda: put_key(deployment, "PS256", SIGNING))


@pytest.fixture
def app(deployment: Deployment, ps256: SigningKey, web_app: Application) -> KeyApplication:
    """The web app, with the profile fapi2."""
    application = key_application(web_app, deployment.clock)
    register(deployment, application, **FAPI2)
    return application


def edit(deployment: Deployment, **changes: Any) -> None:
    """As nobody but the table's owner can: the rules of registration would refuse it."""
    deployment.change_client("web_app_123", **changes)


def sign_in(browser: Browser, app: KeyApplication, owner: KeyHolder) -> dict[str, Any]:
    """John's tokens, by a pushed request and a code that are bound to the owner's key."""
    answer, asked = owner.of(app, "/par").push()
    assert answer.status == 201, answer
    code, verifier = SignedIn(browser).allow(asked)
    return bound_to(owner.of(app).redeem(code, verifier), owner)


def code_of(browser: Browser, app: KeyApplication, owner: KeyHolder) -> tuple[str, str]:
    answer, asked = owner.of(app, "/par").push()
    assert answer.status == 201, answer
    return SignedIn(browser).allow(asked)


def breaks(answer: Answer, rule: str) -> None:
    assert (answer.status, answer.error) == (400, "unauthorized_client"), answer
    assert rule in answer.json()["error_description"]


# -- the whole way -----------------------------------------------------------------------------------------------------


def test_pushed_bound_and_signed_from_the_request_to_userinfo(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder
) -> None:
    answer, asked = owner.of(app, "/par").push()
    assert answer.status == 201
    assert answer.json()["expires_in"] < 600
    back = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert (back.status, back.answered["iss"]) == (303, deployment.issuer)
    assert back.location.startswith(f"{HTTPS}?")
    tokens = bound_to(owner.of(app).redeem(back.answered["code"], asked.code_verifier), owner)
    deployment.clock.advance(60)
    for answered in (tokens, bound_to(owner.of(app).refresh(tokens["refresh_token"]), owner)):
        assert_signed(deployment, answered["access_token"], "PS256")
        assert_signed(deployment, answered["id_token"], "PS256")
        assert owner.userinfo(app, answered["access_token"]).json()["preferred_username"] == "john"
        assert app.introspect(answered["access_token"]).json()["cnf"] == {"jkt": owner.jkt}
        assert answered.get("refresh_token", tokens["refresh_token"]) == tokens["refresh_token"]
    assert app.revoke(tokens["refresh_token"]).status == 200


def test_a_nonce_of_64_characters_and_a_state_of_1000_come_back(
    browser: Browser, app: KeyApplication, owner: KeyHolder
) -> None:
    nonce, state = "n" * 64, "s" * 1000
    answer, asked = owner.of(app, "/par").push(nonce=nonce, state=state)
    assert answer.status == 201
    back = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert back.answered["state"] == state
    tokens = owner.of(app).redeem(back.answered["code"], asked.code_verifier).json()
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["nonce"] == nonce


def test_pages_are_for_https_alone(browser: Browser, app: KeyApplication, owner: KeyHolder) -> None:
    _, asked = owner.of(app, "/par").push()
    assert browser.open(asked.url).headers["strict-transport-security"] == "max-age=31536000"


def test_two_keys_of_one_kid_are_told_apart_by_their_algorithm(
    deployment: Deployment, app: KeyApplication, owner: KeyHolder
) -> None:
    other = {**key_for("PS256").as_dict(private=False), "kid": app.kid}
    for both in ([other, app.public_jwk], [app.public_jwk, other]):
        register(deployment, app, **FAPI2, jwks=json.dumps({"keys": both}))
        assert owner.of(app, "/par").push()[0].status == 201


def test_the_refresh_token_stays_good_at_every_use(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder
) -> None:
    kept = sign_in(browser, app, owner)["refresh_token"]
    for _ in range(3):
        deployment.clock.advance(400)  # longer than any retry window
        bound_to(owner.of(app).refresh(kept), owner)


@pytest.mark.parametrize("alg", ["PS256", "ES256", "Ed25519"])
def test_assertions_and_proofs_by_each_algorithm_of_the_profile(
    deployment: Deployment, browser: Browser, web_app: Application, ps256: SigningKey, alg: str
) -> None:
    application = key_application(web_app, deployment.clock, alg=alg)
    register(deployment, application, **FAPI2)
    sign_in(browser, application, KeyHolder(deployment, alg))


def test_a_machine_client_needs_no_authorization_requests(
    deployment: Deployment, ps256: SigningKey, service: Application, owner: KeyHolder
) -> None:
    application = key_application(service, deployment.clock)
    register(deployment, application, profile="fapi2", dpop_bound_access_tokens=True)
    tokens = bound_to(owner.of(application).client_credentials(), owner)
    assert_signed(deployment, tokens["access_token"], "PS256")
    with deployment.nothing_spent():
        assert application.client_credentials().error == "invalid_dpop_proof"


# -- what a request cannot do ------------------------------------------------------------------------------------------


def test_a_token_request_without_a_proof_gets_nothing_and_its_code_stays_good(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder
) -> None:
    code, verifier = code_of(browser, app, owner)
    with not_counted(deployment, code):
        assert app.redeem(code, verifier).error == "invalid_dpop_proof"
    tokens = bound_to(owner.of(app).redeem(code, verifier), owner)
    with not_counted(deployment, tokens["refresh_token"]):
        assert app.refresh(tokens["refresh_token"]).error == "invalid_dpop_proof"


def test_a_bound_token_is_no_bearer_token_at_userinfo(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder
) -> None:
    token = sign_in(browser, app, owner)["access_token"]
    with deployment.nothing_spent():
        answer = app.userinfo(token)
    assert (answer.status, answer.error) == (401, "invalid_token")


def test_a_secret_is_refused(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder, web_app: Application
) -> None:
    code, verifier = code_of(browser, app, owner)
    in_body = replace(web_app, in_body=True)
    with not_counted(deployment, code):
        for application in (web_app, in_body, replace(web_app, secret=None)):
            assert owner.of(application, "/par").push()[0].error == "invalid_client"
            assert owner.of(application).redeem(code, verifier).error == "invalid_client"
    assert owner.of(app).redeem(code, verifier).status == 200


def test_an_assertion_by_rs256_is_refused(
    deployment: Deployment, browser: Browser, web_app: Application, ps256: SigningKey, owner: KeyHolder
) -> None:
    """The key is registered, and may sign by PS256: only the algorithm is wrong."""
    app = key_application(web_app, deployment.clock, alg="PS256")
    register(deployment, app, **FAPI2)
    code, verifier = code_of(browser, app, owner)
    by_rs256 = replace(app, alg="RS256")
    with not_counted(deployment, code):
        assert owner.of(by_rs256, "/par").push()[0].error == "invalid_client"
        assert owner.of(app).redeem(code, verifier, client_assertion=by_rs256.assertion()).error == "invalid_client"
    edit(deployment, token_endpoint_auth_signing_alg="RS256")
    with not_counted(deployment, code):
        assert owner.of(app).redeem(code, verifier, client_assertion=by_rs256.assertion()).error == "invalid_client"
        assert owner.of(app).redeem(code, verifier).error == "invalid_client"
    edit(deployment, profile="plain", token_endpoint_auth_signing_alg="")
    assert owner.of(app).redeem(code, verifier, client_assertion=by_rs256.assertion()).status == 200


def test_an_authorization_request_that_was_not_pushed_is_refused(
    deployment: Deployment, browser: Browser, app: KeyApplication
) -> None:
    with deployment.nothing_spent():
        back = browser.get(app.ask().url)
    assert back.answered["error"] == "invalid_request"
    assert "push" in back.answered["error_description"]


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": None},
        {"redirect_uri": "http://webapp.example.com/callback"},
        {"redirect_uri": "http://127.0.0.1:9876/callback"},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"response_type": "code id_token"},
        {"response_type": "token"},
    ],
)
def test_a_pushed_request_that_is_not_of_the_profile_is_refused(
    deployment: Deployment, app: KeyApplication, owner: KeyHolder, changes: dict[str, str | None]
) -> None:
    with deployment.nothing_spent():
        answer, _ = owner.of(app, "/par").push(**changes)
    assert answer.status == 400
    assert answer.error in ("invalid_request", "unsupported_response_type")


def test_a_pushed_request_without_client_authentication_is_refused(
    deployment: Deployment, app: KeyApplication, web_app: Application, owner: KeyHolder
) -> None:
    with deployment.nothing_spent():
        answer, _ = owner.of(replace(web_app, secret=None), "/par").push()
    assert (answer.status, answer.error) == (401, "invalid_client")


def test_a_request_that_was_begun_before_the_profile_and_not_pushed_gets_no_code(
    deployment: Deployment, browser: Browser, web_app: Application, ps256: SigningKey
) -> None:
    consent = browser.sign_in(browser.open(web_app.ask().url))
    register(deployment, key_application(web_app, deployment.clock), **FAPI2)
    with deployment.nothing_spent():
        page = browser.decide(consent)
    assert (page.status, page.is_page) == (400, True)
    assert "push" in page.body


# -- what an edited item cannot do -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("edited", "rule"), EDITED, ids=lambda value: str(value)[:60])
def test_an_edited_item_gets_no_request_through(
    deployment: Deployment,
    browser: Browser,
    app: KeyApplication,
    owner: KeyHolder,
    refusals: Lines,
    edited: dict[str, Any],
    rule: str,
) -> None:
    tokens = sign_in(browser, app, owner)
    code, verifier = code_of(browser, app, owner)
    _, asked = owner.of(app, "/par").push()
    edit(deployment, **edited)
    with not_counted(deployment, code), not_counted(deployment, tokens["refresh_token"]):
        breaks(owner.of(app, "/par").push()[0], rule)
        breaks(owner.of(app).redeem(code, verifier), rule)
        breaks(owner.of(app).refresh(tokens["refresh_token"]), rule)
        breaks(app.redeem(code, verifier), rule)
        breaks(app.introspect(tokens["access_token"]), rule)
        breaks(app.revoke(tokens["access_token"]), rule)
        for url in (asked.url, app.ask().url):  # a page: a redirect URI may be what is wrong
            page = browser.get(url)
            assert (page.status, page.is_page) == (400, True)
            assert "location" not in page.headers
    assert refusals()[0]["detail"].startswith("its record breaks its profile: ")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret", "none"])
def test_an_item_edited_to_another_method_gets_no_request_through(
    deployment: Deployment,
    browser: Browser,
    app: KeyApplication,
    web_app: Application,
    owner: KeyHolder,
    method: str,
) -> None:
    code, verifier = code_of(browser, app, owner)
    secret_digests = deployment.client("legacy_app_321").secret_digests if method != "none" else ()
    edit(deployment, token_endpoint_auth_method=method, secret_digests=secret_digests)
    sent = None if method == "none" else "legacy_secret_654"
    other = owner.of(replace(web_app, secret=sent, in_body=method.endswith("post")))
    with not_counted(deployment, code):
        breaks(other.redeem(code, verifier), "private_key_jwt")


def test_a_redirect_uri_that_became_http_gets_no_code_of_a_request_in_progress(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder
) -> None:
    _, asked = owner.of(app, "/par").push()
    consent = browser.sign_in(browser.open(asked.url))
    edit(deployment, redirect_uris=("http://webapp.example.com/callback", HTTPS))
    with deployment.nothing_spent():
        page = browser.decide(consent)
    assert (page.status, page.is_page) == (400, True)


def test_a_bearer_token_from_before_the_profile_is_refused_and_its_grant_goes_on_bound(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, owner: KeyHolder
) -> None:
    put_key(deployment, "PS256", SIGNING)
    app = key_application(web_app, deployment.clock)
    register(deployment, app)
    assert app.userinfo(redeemed.access_token).status == 200
    register(deployment, app, **FAPI2)
    with deployment.nothing_spent():
        answer = app.userinfo(redeemed.access_token)
    assert (answer.status, answer.error) == (401, "invalid_token")
    with not_counted(deployment, redeemed.refresh_token):
        assert app.refresh(redeemed.refresh_token).error == "invalid_dpop_proof"
    bound_to(owner.of(app).refresh(redeemed.refresh_token), owner)


# -- what signs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of_api", ["", "RS256", "PS256"])
@pytest.mark.parametrize("of_client", ["", "PS256"])
def test_no_token_is_signed_with_rs256_whatever_is_registered(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder, of_api: str, of_client: str
) -> None:
    register_api(deployment, of_api)
    deployment.change_client("web_app_123", id_token_signed_response_alg=of_client)
    tokens = sign_in(browser, app, owner)
    for answer in (tokens, owner.of(app).refresh(tokens["refresh_token"]).json()):
        assert_signed(deployment, answer["access_token"], "PS256")
        assert_signed(deployment, answer["id_token"], "PS256")


def test_other_clients_keep_the_first_lane(
    deployment: Deployment, app: KeyApplication, service: Application, owner: KeyHolder
) -> None:
    token = service.client_credentials().json()["access_token"]
    assert jwt.get_unverified_header(token)["alg"] == "RS256"


def test_without_a_lane_of_the_profile_nothing_is_signed_or_spent(
    deployment: Deployment, browser: Browser, app: KeyApplication, owner: KeyHolder, refusals: Lines
) -> None:
    code, verifier = code_of(browser, app, owner)
    set_state(deployment, "PS256", RETIRED)
    unasserted = DemoApplications(lambda *request: deployment.invoke(deployment.event(*request)), deployment.issuer)
    patient = replace(owner.of(app), send=unasserted.send)
    with not_counted(deployment, code):
        answer = patient.redeem(code, verifier)
    assert (answer.status, answer.error) == (503, "temporarily_unavailable")
    assert "SigningAlgorithm PS256" in refusals()[-1]["detail"]
    set_state(deployment, "PS256", SIGNING)
    bound_to(owner.of(app).redeem(code, verifier), owner)
