"""Libraries that nobody here wrote, against the local stack over HTTP: Authlib's client, PyJWT's key client."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.table import Table
from valet.server import SERVER

from local.stack import LocalStack
from tests.support.browser import Browser
from tests.support.wire import over_http

SCOPE = "openid profile email items offline_access"
CALLBACK = "http://127.0.0.1:9876/callback"


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "true")  # the local stack is plain http on a loopback address


Connect = Callable[..., OAuth2Session]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes Authlib's client, and closes its connections afterwards."""
    sessions: list[OAuth2Session] = []

    def made(*registration: str | None, **settings: Any) -> OAuth2Session:
        sessions.append(OAuth2Session(*registration, **settings))
        return sessions[-1]

    yield made
    for session in sessions:
        session.close()


@pytest.fixture
def discovery(fresh_stack: LocalStack) -> dict[str, Any]:
    url = get_well_known_url(fresh_stack.issuer, external=True)
    document: dict[str, Any] = requests.get(url, timeout=10).json()
    return document


def sign_in(discovery: dict[str, Any], session: OAuth2Session, verifier: str, **more: str) -> str:
    """What the application gets back from a browser in which john allowed everything: the address with the code."""
    url, state = session.create_authorization_url(
        discovery["authorization_endpoint"], code_verifier=verifier, nonce="the-nonce", **more
    )
    browser = Browser(over_http, discovery["issuer"])
    answer = browser.decide(browser.sign_in(browser.open(url)))
    assert answer.answered["state"] == state
    return answer.location


@pytest.mark.parametrize(
    ("client_id", "secret", "method"),
    [
        ("web_app_123", "web_secret_456", "client_secret_basic"),
        ("web_app_123", "web_secret_456", "client_secret_post"),
        ("legacy_app_321", "legacy_secret_654", "client_secret_post"),
        ("mobile_app", None, "none"),
    ],
)
def test_authlibs_client_walks_the_code_flow_with_pkce_refreshes_and_revokes(
    connect: Connect, discovery: dict[str, Any], client_id: str, secret: str | None, method: str
) -> None:
    callback = CALLBACK if secret else "http://127.0.0.1:51004/callback"
    session = connect(
        client_id,
        secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=SCOPE,
        redirect_uri=callback,
        code_challenge_method="S256",
    )
    verifier = "verifier-" * 6
    location = sign_in(discovery, session, verifier)
    tokens = session.fetch_token(discovery["token_endpoint"], authorization_response=location, code_verifier=verifier)
    assert tokens["token_type"] == "Bearer"
    assert set(tokens["scope"].split()) == set(SCOPE.split())
    assert session.get(discovery["userinfo_endpoint"]).json()["preferred_username"] == "john"

    first = tokens["refresh_token"]
    refreshed = session.refresh_token(discovery["token_endpoint"], refresh_token=first)
    assert refreshed["refresh_token"] != first
    assert session.get(discovery["userinfo_endpoint"]).status_code == 200

    answer = session.revoke_token(discovery["revocation_endpoint"], token=refreshed["refresh_token"])
    assert answer.status_code == 200
    assert session.get(discovery["userinfo_endpoint"]).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(discovery["token_endpoint"], refresh_token=refreshed["refresh_token"])


def test_authlib_verifies_the_id_token_with_its_nonce_and_at_hash(connect: Connect, discovery: dict[str, Any]) -> None:
    session = connect("web_app_123", "web_secret_456", scope=SCOPE, redirect_uri=CALLBACK, code_challenge_method="S256")
    verifier = "verifier-" * 6
    location = sign_in(discovery, session, verifier)
    tokens = session.fetch_token(discovery["token_endpoint"], authorization_response=location, code_verifier=verifier)
    keys = KeySet.import_key_set(requests.get(discovery["jwks_uri"], timeout=10).json())
    claims = CodeIDToken(
        joserfc_jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims,
        {},
        options={"iss": {"value": discovery["issuer"]}, "aud": {"value": "web_app_123"}},
        params={"nonce": "the-nonce", "access_token": tokens["access_token"]},
    )
    claims.header = jwt.get_unverified_header(tokens["id_token"])
    claims.validate()
    assert claims["sub"] == "demo-john"


def test_authlibs_client_gets_a_token_for_itself(connect: Connect, discovery: dict[str, Any]) -> None:
    session = connect("api_service_789", "api_secret_abc", scope="admin")
    tokens = session.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")
    assert tokens["scope"] == "admin api_access"
    told = session.introspect_token(discovery["introspection_endpoint"], token=tokens["access_token"]).json()
    assert told["active"] is True


def test_authlib_refuses_a_code_that_another_verifier_was_meant_for(
    connect: Connect, discovery: dict[str, Any]
) -> None:
    session = connect("web_app_123", "web_secret_456", scope=SCOPE, redirect_uri=CALLBACK, code_challenge_method="S256")
    location = sign_in(discovery, session, "verifier-" * 6)
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.fetch_token(discovery["token_endpoint"], authorization_response=location, code_verifier="another--" * 6)


def test_an_access_token_verifies_with_a_library_that_never_saw_the_key(
    connect: Connect, fresh_stack: LocalStack, discovery: dict[str, Any]
) -> None:
    session = connect("api_service_789", "api_secret_abc", scope="admin")
    token = session.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")["access_token"]
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=fresh_stack.audience,
        issuer=discovery["issuer"],
        options={"require": ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]},  # RFC 9068 §2.2
    )
    assert claims["client_id"] == "api_service_789"
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token[:-8] + "AAAAAAAA", key, algorithms=["RS256"], audience=fresh_stack.audience)


def test_the_discovery_document_is_valid_by_authlibs_reading_of_the_specification(
    discovery: dict[str, Any],
) -> None:
    metadata = OpenIDProviderMetadata(discovery)
    # Authlib asks for https everywhere, which the local stack alone has not: its addresses, as they would be deployed.
    deployed = {
        name: value.replace("http://127.0.0.1", "https://127.0.0.1") if isinstance(value, str) else value
        for name, value in metadata.items()
    }
    OpenIDProviderMetadata(deployed).validate()


def test_every_key_is_named_by_its_thumbprint(discovery: dict[str, Any]) -> None:
    keys = KeySet.import_key_set(requests.get(discovery["jwks_uri"], timeout=10).json())
    assert len(keys.keys) >= 2  # the one that signs, and its announced standby
    assert all(key.thumbprint() == key.kid for key in keys.keys)


# -- a key instead of a secret -----------------------------------------------------------------------------------------


def with_a_key(alg: str) -> ECKey | RSAKey:
    """The private key of the service, which has lost its secret for it."""
    key = RSAKey.generate_key(2048) if alg in ("RS256", "PS256") else ECKey.generate_key("P-256")
    jwk = {**key.as_dict(private=False), "kid": "of-the-service"}
    table = Table(AwsCalls("dynamodb", os.environ), SERVER.settings.registry_table)
    before = DynamoRegistry(table, SERVER.clock).find_client("api_service_789")
    assert before is not None
    changes = {"token_endpoint_auth_method": "private_key_jwt", "secret_digests": ()}
    Registrar(table).put_client(replace(before, **changes, jwks=json.dumps({"keys": [jwk]})))  # type: ignore[arg-type]
    return key


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256"])
def test_authlibs_client_authenticates_by_a_key_if_it_is_told_the_issuer_as_aud(
    connect: Connect, discovery: dict[str, Any], alg: str
) -> None:
    key = with_a_key(alg)
    session = connect("api_service_789", key, scope="admin", token_endpoint_auth_method="private_key_jwt")
    # Authlib's `token_endpoint` is the audience. Its `claims` would be one dictionary for all assertions, jti included.
    session.register_client_auth_method(PrivateKeyJWT(discovery["issuer"], alg=alg, headers={"kid": "of-the-service"}))
    for _ in range(2):
        tokens = session.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")
        assert tokens["scope"] == "admin api_access"
    told = session.introspect_token(
        discovery["introspection_endpoint"], token=tokens["access_token"], auth=session.client_auth("private_key_jwt")
    ).json()
    assert told["active"] is True


def test_authlibs_default_of_aud_is_refused(connect: Connect, discovery: dict[str, Any]) -> None:
    key = with_a_key("ES256")
    session = connect("api_service_789", key, scope="admin", token_endpoint_auth_method="private_key_jwt")
    session.register_client_auth_method(PrivateKeyJWT(alg="ES256"))  # the token endpoint
    with pytest.raises(OAuthError, match="invalid_client"):
        session.fetch_token(discovery["token_endpoint"], grant_type="client_credentials")


def test_an_assertion_by_pyjwt(discovery: dict[str, Any]) -> None:
    key = with_a_key("ES256")
    now = int(time.time())
    claims = {
        "iss": "api_service_789",
        "sub": "api_service_789",
        "aud": discovery["issuer"],
        "jti": "1",
        "exp": now + 60,
    }
    form = {
        "grant_type": "client_credentials",
        "scope": "admin",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key.as_pem(private=True), "ES256", {"kid": "of-the-service"}),
    }
    assert requests.post(discovery["token_endpoint"], form, timeout=10).status_code == 200
    replayed = requests.post(discovery["token_endpoint"], form, timeout=10)
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_client")
