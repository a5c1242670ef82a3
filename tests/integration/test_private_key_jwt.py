"""Client authentication by an assertion (RFC 7523 §3, OpenID Connect Core §9), at every endpoint that asks for it.

Each refusal asserts that nothing was spent: neither the grant, nor the assertion's jti.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from valet.aws.dynamodb.client_keys import DynamoPublishedKeys
from valet.client_authentication import assertion
from valet.jose.signed import Header
from valet.models.client_keys import GOOD_FOR, ClientKeys

from tests.integration.bound_tokens import bound_to
from tests.integration.conftest import Issued, Lines, Redeemed
from tests.support.application import Application, basic
from tests.support.deployment import Deployment
from tests.support.dpop_client import key_for
from tests.support.key_client import ASSERTION_TYPE, KeyApplication, key_application, signed
from tests.support.key_holder import KeyHolder
from tests.support.wire import Answer, encoded, post_form, refused

JWKS_URI = "https://webapp.example.com/jwks.json"
THREADS = 50


def register(deployment: Deployment, application: KeyApplication, **changes: Any) -> None:
    registration = {
        "token_endpoint_auth_method": "private_key_jwt",
        "secret_digests": (),
        "jwks": application.jwks,
        **changes,
    }
    deployment.change_client(application.client_id, **registration)


@pytest.fixture
def key_app(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> KeyApplication:
    """The web app, with a key instead of its secret. It has john's tokens already."""
    application = key_application(web_app, deployment.clock)
    register(deployment, application)
    return application


def unauthenticated(answer: Answer) -> str:
    """One answer for whatever is wrong; its wording."""
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    return str(answer.json()["error_description"])


def once_items(deployment: Deployment) -> list[Any]:
    return [item for item in deployment.everything() if item["pk"]["S"].startswith("once#")]


# -- what is accepted --------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA", "Ed25519", "RS256"])
def test_an_assertion_by_each_algorithm_is_accepted(deployment: Deployment, service: Application, alg: str) -> None:
    application = key_application(service, deployment.clock, alg="Ed25519" if alg == "EdDSA" else alg)
    register(deployment, application)
    assertion = signed(
        {"alg": alg, "kid": "first"},
        {
            "iss": application.client_id,
            "sub": application.client_id,
            "aud": deployment.issuer,
            "jti": "1",
            "exp": deployment.clock.now + 60,
        },
        application.key,
    )
    assert application.client_credentials(client_assertion=assertion).status == 200
    (spent,) = once_items(deployment)
    assert int(spent["expires_at"]["N"]) == deployment.clock.now + 60 + 90


def test_a_remembered_header_is_only_that_of_a_good_assertion_and_verifies_nothing(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers: dict[str, Header] = {}
    monkeypatch.setattr(assertion, "_headers", headers)
    by_stranger = key_app.assertion(key=key_for("ES256"))
    refusals = [by_stranger, key_app.assertion(exp=deployment.clock.now - 1), key_app.assertion(aud="another")]
    for made in refusals:
        with deployment.nothing_spent():
            unauthenticated(key_app.refresh(redeemed.refresh_token, client_assertion=made))
    assert headers == {}
    assert key_app.refresh(redeemed.refresh_token).status == 200
    assert list(headers) == [by_stranger.partition(".")[0]]
    # The stranger's assertion has the very header that is remembered now.
    for made in refusals:
        with deployment.nothing_spent():
            unauthenticated(key_app.refresh(redeemed.refresh_token, client_assertion=made))


def test_no_more_than_64_headers_are_remembered(
    key_app: KeyApplication, redeemed: Redeemed, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {f"header-{number}": Header("ES256", None, {}) for number in range(63)}
    monkeypatch.setattr(assertion, "_headers", headers)
    for number in range(3):
        made = key_app.assertion({"mine": number})
        assert key_app.refresh(redeemed.refresh_token, client_assertion=made).status == 200
    assert len(headers) == assertion._MOST_HEADERS == 64


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "client-authentication+jwt", "application/jwt"])
def test_the_types_of_an_assertion(key_app: KeyApplication, redeemed: Redeemed, typ: str | None) -> None:
    assertion = key_app.assertion({"typ": typ})
    assert key_app.refresh(redeemed.refresh_token, client_assertion=assertion).status == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 3600, "iat": 30, "nbf": 30},
        {"exp": 3660},
        {"exp": 0.5},
        {"iat": None},
        {"jti": "ü" * 256},
        {"iat": -100_000},
    ],
)
def test_the_borders_of_what_is_accepted(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed, claims: dict[str, Any]
) -> None:
    moved: dict[str, Any] = {
        name: value + deployment.clock.now if isinstance(value, int | float) else value
        for name, value in claims.items()
    }
    assert key_app.refresh(redeemed.refresh_token, client_assertion=key_app.assertion(**moved)).status == 200


def test_the_client_id_may_be_repeated_in_the_form(key_app: KeyApplication, redeemed: Redeemed) -> None:
    assert key_app.refresh(redeemed.refresh_token, client_id=key_app.client_id).status == 200


def test_without_a_kid_every_key_of_the_algorithm_is_tried(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed
) -> None:
    others = [{**key_for("ES256").as_dict(private=False), "kid": f"other{number}"} for number in range(4)]
    register(deployment, key_app, jwks=json.dumps({"keys": [*others[:3], key_app.public_jwk]}))
    nameless = key_app.assertion({"kid": None})
    assert key_app.refresh(redeemed.refresh_token, client_assertion=nameless).status == 200
    register(deployment, key_app, jwks=json.dumps({"keys": [*others, key_app.public_jwk]}))
    unauthenticated(key_app.introspect(redeemed.access_token, client_assertion=key_app.assertion({"kid": None})))


def test_all_endpoints_that_authenticate_clients_accept_it(key_app: KeyApplication, redeemed: Redeemed) -> None:
    assert key_app.introspect(redeemed.access_token).json()["active"]
    assert key_app.revoke(redeemed.access_token).status == 200
    assert not key_app.introspect(redeemed.access_token).json()["active"]
    assert key_app.refresh(redeemed.refresh_token).status == 200


# -- what is refused ---------------------------------------------------------------------------------------------------

ANOTHER = key_for("ES256")


def _wrong(name: str, key_app: KeyApplication, now: float) -> dict[str, str | None]:
    """The parameters of a request in which one thing is wrong."""
    own, issuer = key_app.client_id, key_app.issuer
    made = key_app.assertion
    good = made()
    header, payload, signature = good.split(".")
    forms: dict[str, Callable[[], dict[str, str | None] | str]] = {
        "another client_assertion_type": lambda: {"client_assertion_type": ASSERTION_TYPE.replace("jwt", "saml2")},
        "no client_assertion_type": lambda: {"client_assertion_type": None},
        "no client_assertion": lambda: {"client_assertion": None},
        "two parts": lambda: f"{header}.{payload}",
        "not a JWS": lambda: "x",
        "longer than 8 KB": lambda: made(more="x" * 8192),
        "the type of an access token": lambda: made({"typ": "at+jwt"}),
        "the type of a proof": lambda: made({"typ": "dpop+jwt"}),
        "the type of a request object": lambda: made({"typ": "oauth-authz-req+jwt"}),
        "crit": lambda: f"{_segment(crit=['exp'])}.{payload}.{signature}",
        "b64": lambda: made({"b64": True}),
        "its own key in the header": lambda: signed(
            {"alg": "ES256", "jwk": ANOTHER.as_dict(private=False)}, _claims(key_app, now), ANOTHER
        ),
        "a key by address": lambda: signed(
            {"alg": "ES256", "kid": "x", "jku": "https://evil.example/jwks"}, _claims(key_app, now), ANOTHER
        ),
        "the alg none": lambda: _unsigned(key_app, now),
        "an alg that is not supported": lambda: signed({"alg": "PS384"}, _claims(key_app, now), key_for("PS256")),
        "no iss": lambda: made(iss=None),
        "no sub": lambda: made(sub=None),
        "iss is not sub": lambda: made(iss="api_service_789"),
        "iss is no text": lambda: made(iss=7, sub=7),
        "an unknown client": lambda: made(iss="nobody", sub="nobody"),
        "a client with a secret": lambda: made(iss="api_service_789", sub="api_service_789"),
        "a public client": lambda: made(iss="mobile_app", sub="mobile_app"),
        "another client_id in the form": lambda: {"client_id": "api_service_789"},
        "aud is the token endpoint": lambda: made(aud=f"{issuer}/token"),
        "aud is an array": lambda: made(aud=[issuer]),
        "aud is an array with another": lambda: made(aud=[issuer, "https://evil.example"]),
        "aud is another server": lambda: made(aud="https://evil.example"),
        "aud with a slash": lambda: made(aud=f"{issuer}/"),
        "no aud": lambda: made(aud=None),
        "no exp": lambda: made(exp=None),
        "expired": lambda: made(exp=now),
        "exp in a year": lambda: made(exp=now + 31_536_000),
        "exp an hour and a minute ahead": lambda: made(exp=now + 3661),
        "exp is text": lambda: made(exp=str(now + 60)),
        "iat 31 s ahead": lambda: made(iat=now + 31),
        "nbf 31 s ahead": lambda: made(nbf=now + 31),
        "no jti": lambda: made(jti=None),
        "an empty jti": lambda: made(jti=""),
        "a jti of 257 characters": lambda: made(jti="x" * 257),
        "a jti that is a number": lambda: made(jti=1),
        "a jti that is half a character": lambda: made(jti="\ud800"),
        "another kid": lambda: made({"kid": "second"}),
        "another key by the same kid": lambda: made(key=ANOTHER),
        "another payload": lambda: f"{header}.{made(jti='other').split('.')[1]}.{signature}",
        "an empty signature": lambda: f"{header}.{payload}.",
    }
    assert own == "web_app_123"
    form = forms[name]()
    return form if isinstance(form, dict) else {"client_assertion": form}


def _claims(key_app: KeyApplication, now: float) -> dict[str, Any]:
    own = key_app.client_id
    return {"iss": own, "sub": own, "aud": key_app.issuer, "jti": "1", "exp": now + 60}


def _segment(**header: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps({"alg": "ES256", **header}).encode()).rstrip(b"=").decode()


def _unsigned(key_app: KeyApplication, now: float) -> str:
    signed_by_key = signed({"alg": "ES256"}, _claims(key_app, now), ANOTHER)
    return f"eyJhbGciOiJub25lIn0.{signed_by_key.split('.')[1]}."


# Each row with its reason for the log.
REASONS = {
    "another client_assertion_type": "client_assertion_type is not the one of a JWT",
    "no client_assertion_type": "client_assertion_type is not the one of a JWT",
    "no client_assertion": "not three parts",
    "two parts": "not three parts",
    "not a JWS": "not three parts",
    "longer than 8 KB": "longer than 8 KB",
    "the type of an access token": "typ is not an expected one",
    "the type of a proof": "typ is not an expected one",
    "the type of a request object": "typ is not an expected one",
    "crit": "crit or b64: an extension that this server does not have",
    "b64": "crit or b64: an extension that this server does not have",
    "its own key in the header": "signature",
    "a key by address": "no key has this alg and kid",
    "the alg none": "alg is not allowed",
    "an alg that is not supported": "alg is not allowed",
    "no iss": "iss and sub are not one client_id",
    "no sub": "iss and sub are not one client_id",
    "iss is not sub": "iss and sub are not one client_id",
    "iss is no text": "iss and sub are not one client_id",
    "an unknown client": "unknown or disabled client",
    "a client with a secret": "the client is registered for client_secret",
    "a public client": "the client is registered for none",
    "another client_id in the form": "the form has another client_id",
    "aud is the token endpoint": "aud is not the issuer as text",
    "aud is an array": "aud is not the issuer as text",
    "aud is an array with another": "aud is not the issuer as text",
    "aud is another server": "aud is not the issuer as text",
    "aud with a slash": "aud is not the issuer as text",
    "no aud": "aud is not the issuer as text",
    "no exp": "exp is missing",
    "expired": "expired",
    "exp in a year": "exp is more than an hour ahead",
    "exp an hour and a minute ahead": "exp is more than an hour ahead",
    "exp is text": "exp, iat or nbf is not a number",
    "iat 31 s ahead": "iat is more than 30 s ahead",
    "nbf 31 s ahead": "nbf is more than 30 s ahead",
    "no jti": "jti is not 1 to 256 characters",
    "an empty jti": "jti is not 1 to 256 characters",
    "a jti of 257 characters": "jti is not 1 to 256 characters",
    "a jti that is a number": "jti is not 1 to 256 characters",
    "a jti that is half a character": "half a surrogate pair",
    "another kid": "no key has this alg and kid",
    "another key by the same kid": "signature",
    "another payload": "signature",
    "an empty signature": "not base64url",
}


@pytest.mark.parametrize("name", REASONS)
def test_whatever_is_wrong_the_answer_is_the_same_and_nothing_is_spent(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed, refusals: Lines, name: str
) -> None:
    with deployment.nothing_spent():
        answer = key_app.refresh(redeemed.refresh_token, **_wrong(name, key_app, deployment.clock.now))
    described = unauthenticated(answer)
    assert described.startswith("The client could not be authenticated by its client_assertion. ")
    assert [line["detail"] for line in refusals()] == [f"client assertion: {REASONS[name]}"]
    assert once_items(deployment) == []
    assert key_app.refresh(redeemed.refresh_token).status == 200


def test_one_wording_for_an_unknown_client_and_a_wrong_signature(key_app: KeyApplication, redeemed: Redeemed) -> None:
    unknown = key_app.introspect(redeemed.access_token, client_assertion=key_app.assertion(iss="no", sub="no"))
    wrong = key_app.introspect(redeemed.access_token, client_assertion=key_app.assertion(key=ANOTHER))
    assert unauthenticated(unknown) == unauthenticated(wrong)


def test_a_disabled_client_is_refused(deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed) -> None:
    register(deployment, key_app, is_disabled=True)
    with deployment.nothing_spent():
        unauthenticated(key_app.refresh(redeemed.refresh_token))
    register(deployment, key_app, is_disabled=False)
    assert key_app.refresh(redeemed.refresh_token).status == 200


def test_another_algorithm_than_the_registered_one_is_refused(
    deployment: Deployment, service: Application, refusals: Lines
) -> None:
    application = key_application(service, deployment.clock, alg="PS256")
    register(deployment, application, token_endpoint_auth_signing_alg="PS256")
    assert application.client_credentials().status == 200
    by_rs256 = application.assertion({"alg": "RS256"})
    with deployment.nothing_spent():
        unauthenticated(application.client_credentials(client_assertion=by_rs256))
    assert refusals()[-1]["detail"] == "client assertion: the client may not sign by RS256"


def test_the_key_of_another_client_with_the_same_kid_is_refused(
    deployment: Deployment, key_app: KeyApplication, service: Application, redeemed: Redeemed
) -> None:
    other = key_application(service, deployment.clock)
    register(deployment, other)
    with deployment.nothing_spent():
        stolen = key_app.assertion(key=other.key)
        unauthenticated(key_app.refresh(redeemed.refresh_token, client_assertion=stolen))
    assert key_app.refresh(redeemed.refresh_token).status == 200


@pytest.mark.parametrize("credentials", [{"client_secret": "web_secret_456"}, {}])
def test_a_client_with_a_key_cannot_authenticate_by_its_former_secret_or_by_none(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed, credentials: dict[str, str]
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": redeemed.refresh_token, "client_id": key_app.client_id}
    with deployment.nothing_spent():
        unauthenticated(post_form(deployment.send, f"{deployment.issuer}/token", {**form, **credentials}))
    assert key_app.refresh(redeemed.refresh_token).status == 200


def test_two_methods_at_once_are_refused(deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed) -> None:
    form = {**key_app.credentials, "grant_type": "refresh_token", "refresh_token": redeemed.refresh_token}
    url = f"{deployment.issuer}/token"
    with deployment.nothing_spent():
        refused(post_form(deployment.send, url, {**form, "client_secret": "x"}), 400, "invalid_request")
        with_basic = {"authorization": basic(key_app.client_id, "x")}
        refused(post_form(deployment.send, url, form, with_basic), 400, "invalid_request")
    # Neither was spent: the very same assertion is still good.
    assert post_form(deployment.send, url, form).status == 200


def test_an_assertion_in_the_query_is_refused_by_name(deployment: Deployment, key_app: KeyApplication) -> None:
    url = f"{deployment.issuer}/token?{encoded(key_app.credentials)}"
    answer = post_form(deployment.send, url, {"grant_type": "client_credentials"})
    refused(answer, 400, "invalid_request")
    assert "client_assertion" in answer.json()["error_description"]


# -- one use -----------------------------------------------------------------------------------------------------------


def test_a_refusal_leaves_the_assertion_good(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed
) -> None:
    credentials = key_app.credentials
    with deployment.nothing_spent():
        assert key_app.refresh("vr1.not.a.token", **credentials).error == "invalid_grant"
        assert key_app.token(grant_type="password", **credentials).error == "unsupported_grant_type"
    assert key_app.refresh(redeemed.refresh_token, **credentials).status == 200


@pytest.mark.parametrize("seconds", [0, 601], ids=["no nonce", "an old nonce"])
def test_a_refusal_for_the_nonce_leaves_the_assertion_and_the_refresh_token_good(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed, owner: KeyHolder, nonce_key: str, seconds: int
) -> None:
    deployment.restart(dpop_nonces="all", nonce_key=nonce_key)
    nonce = None
    if seconds:
        nonce = owner.of(key_app).refresh(redeemed.refresh_token).headers["dpop-nonce"]
        deployment.clock.advance(seconds)
    credentials = key_app.credentials
    with deployment.nothing_spent():
        challenge = owner.of(key_app, nonce=nonce).refresh(redeemed.refresh_token, **credentials)
        refused(challenge, 400, "use_dpop_nonce")
    assert once_items(deployment) == []
    proven = owner.of(key_app, nonce=challenge.headers["dpop-nonce"])
    bound_to(proven.refresh(redeemed.refresh_token, **credentials), owner)
    with deployment.nothing_spent():
        unauthenticated(proven.refresh(redeemed.refresh_token, **credentials))


@pytest.mark.parametrize("seconds", [0, 30, 3600])
def test_a_captured_refresh_changes_nothing_within_and_after_the_retry_window(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed, refusals: Lines, seconds: int
) -> None:
    """After the window the refresh token is one of a thief's: but the request is refused before that counts (S3)."""
    captured = {"client_assertion": key_app.assertion(exp=deployment.clock.now + 3660)}
    rotated = key_app.refresh(redeemed.refresh_token, **captured)
    assert rotated.status == 200
    deployment.clock.advance(seconds)
    with deployment.nothing_spent():
        answer = key_app.refresh(redeemed.refresh_token, **captured)
    assert "was used before" in unauthenticated(answer)
    assert refusals()[-1]["detail"] == "replayed assertion"
    assert key_app.refresh(rotated.json()["refresh_token"]).status == 200


def test_a_captured_redemption_revokes_nothing(deployment: Deployment, web_app: Application, issued: Issued) -> None:
    application = key_application(web_app, deployment.clock)
    register(deployment, application)
    captured = {**issued.exchange, **application.credentials}
    tokens = application.token(**captured)
    assert tokens.status == 200, tokens
    deployment.clock.advance(5)  # within ten seconds a code may come twice: refused by itself, and nothing else
    with deployment.nothing_spent():
        assert application.token(**captured).error == "invalid_grant"
    deployment.clock.advance(30)
    with deployment.nothing_spent():
        unauthenticated(application.token(**captured))
    assert application.refresh(tokens.json()["refresh_token"]).status == 200


def test_the_same_refresh_token_with_a_new_assertion_gets_the_same_successor(
    key_app: KeyApplication, redeemed: Redeemed
) -> None:
    """A lost answer is still not a lost login (S5)."""
    first, again = (key_app.refresh(redeemed.refresh_token).json() for _ in range(2))
    assert again["refresh_token"] == first["refresh_token"]


def test_a_captured_revocation_and_introspection_answer_nothing(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed
) -> None:
    asked = key_app.credentials
    assert key_app.introspect(redeemed.access_token, **asked).json()["active"]
    with deployment.nothing_spent():
        unauthenticated(key_app.introspect(redeemed.access_token, **asked))
        unauthenticated(key_app.introspect("no token", **asked))
        unauthenticated(key_app.revoke(redeemed.refresh_token, **asked))
        unauthenticated(key_app.revoke(redeemed.access_token, **asked))
        unauthenticated(key_app.revoke("no token", **asked))
    assert key_app.introspect(redeemed.access_token).json()["active"]


def test_an_inactive_answer_and_an_empty_revocation_spend_it_too(
    deployment: Deployment, key_app: KeyApplication
) -> None:
    for path in ("/introspect", "/revoke"):
        credentials = key_app.credentials
        assert key_app.post(path, token="no token", **credentials).status == 200
        unauthenticated(key_app.post(path, token="no token", **credentials))
    assert len(once_items(deployment)) == 2


def test_of_many_that_replay_one_assertion_at_once_one_is_answered(
    deployment: Deployment, key_app: KeyApplication, redeemed: Redeemed
) -> None:
    credentials = key_app.credentials

    def refresh(_: int) -> Answer:
        return key_app.refresh(redeemed.refresh_token, **credentials)

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(refresh, range(THREADS)))
    (won,) = [answer for answer in answers if answer.status == 200]
    for answer in answers:
        if answer is not won:
            unauthenticated(answer)
    assert key_app.refresh(won.json()["refresh_token"]).status == 200


# -- keys that the client publishes ------------------------------------------------------------------------------------


def publish(deployment: Deployment, application: KeyApplication, **changes: Any) -> None:
    """The keys, as fetch_client_keys keeps them."""
    kept = {
        "client_id": application.client_id,
        "jwks_uri": JWKS_URI,
        "jwks": application.jwks,
        "fetched_at": int(deployment.clock.now),
        **changes,
    }
    assert DynamoPublishedKeys(deployment.table("Registry")).save(ClientKeys(**kept))


def test_published_keys_authenticate_until_they_were_not_fetched_for_a_day(
    deployment: Deployment, service: Application, refusals: Lines
) -> None:
    application = key_application(service, deployment.clock)
    register(deployment, application, jwks="", jwks_uri=JWKS_URI)
    unauthenticated(application.client_credentials())
    assert refusals()[-1]["detail"] == "client assertion: no keys were fetched from the jwks_uri yet"
    publish(deployment, application)
    assert application.client_credentials().status == 200
    deployment.clock.advance(GOOD_FOR)
    assert application.client_credentials().status == 200
    deployment.clock.advance(1)
    with deployment.nothing_spent():
        unauthenticated(application.client_credentials())
    assert refusals()[-1]["detail"] == "client assertion: the keys were last fetched more than a day ago"


def test_keys_of_a_former_address_authenticate_nobody(deployment: Deployment, service: Application) -> None:
    application = key_application(service, deployment.clock)
    register(deployment, application, jwks="", jwks_uri=JWKS_URI)
    publish(deployment, application, jwks_uri="https://old.example.com/jwks.json")
    with deployment.nothing_spent():
        unauthenticated(application.client_credentials())


def test_a_withdrawn_key_is_refused_and_a_set_without_keys_too(deployment: Deployment, service: Application) -> None:
    application = key_application(service, deployment.clock)
    register(deployment, application, jwks="", jwks_uri=JWKS_URI)
    publish(deployment, application)
    assert application.client_credentials().status == 200
    deployment.clock.advance(300)
    publish(deployment, application, jwks='{"keys":[]}')
    with deployment.nothing_spent():
        unauthenticated(application.client_credentials())


def test_a_good_answer_is_read_once_in_ten_seconds(deployment: Deployment, service: Application) -> None:
    application = key_application(service, deployment.clock)
    register(deployment, application, jwks="", jwks_uri=JWKS_URI)
    publish(deployment, application)
    application.client_credentials()
    with deployment.aws.recorded() as calls:
        application.client_credentials()
        application.client_credentials(client_assertion=application.assertion({"kid": "unknown"}))
        assert [call for call in calls if call.action == "GetItem"] == []
        deployment.clock.advance(11)
        application.client_credentials()
        assert [call.partition_prefix for call in calls if call.action == "GetItem"] == ["client#", "client_keys#"]
