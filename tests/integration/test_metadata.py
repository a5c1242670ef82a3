"""The discovery documents and the JWK Set (OpenID Connect Discovery §3, RFC 8414 §2, RFC 7517 §5)."""

import os
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.keys.ring import ANNOUNCED, RETIRED, SIGNING
from valet.protocol.supported import CLAIMS_OF_SCOPE, GRANT_TYPES

from tests.endpoints import ENDPOINTS
from tests.integration.claims import fill, sign_in
from tests.integration.conftest import Issued
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.key_client import key_application

OPENID = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


@pytest.fixture
def document(deployment: Deployment) -> dict[str, Any]:
    members: dict[str, Any] = deployment.send("GET", f"{deployment.issuer}{OPENID}").json()
    return members


def test_both_addresses_give_the_same_document(deployment: Deployment, document: dict[str, Any]) -> None:
    answer = deployment.send("GET", f"{deployment.issuer}{OAUTH}")
    assert answer.json() == document
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_it_has_what_openid_connect_discovery_and_rfc_8414_require(
    deployment: Deployment, document: dict[str, Any]
) -> None:
    assert document["issuer"] == deployment.issuer
    required = {
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    }
    assert required <= document.keys()
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert document["response_types_supported"] == ["code"]
    assert document["response_modes_supported"] == ["query", "form_post"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    # What is left out has a default that would announce more than there is (Discovery §3, RFC 8414 §2).
    for name in ("grant_types_supported", "token_endpoint_auth_methods_supported", "response_modes_supported"):
        assert name in document
    assert document["request_uri_parameter_supported"] is False
    assert None not in document.values()
    assert [] not in document.values()


def test_every_address_is_of_the_issuers_origin_and_answers(deployment: Deployment, document: dict[str, Any]) -> None:
    addresses = {name: value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))}
    announced = {
        each.announced_as: f"{deployment.issuer}{each.path}"
        for each in ENDPOINTS
        if each.announced_as and not each.is_optional
    }
    assert addresses == announced
    for address in addresses.values():
        assert address.startswith(f"{deployment.issuer}/")
        assert urlsplit(address).query == ""
        answer = deployment.send("OPTIONS", address)
        assert answer.status == 204
        allowed = answer.headers["allow"].split(", ")
        assert deployment.send(allowed[0], address).status != 405


def test_nothing_is_announced_that_no_function_answers(deployment: Deployment, document: dict[str, Any]) -> None:
    for absent in (
        "registration_endpoint",
        "backchannel_authentication_endpoint",
        "check_session_iframe",
        "request_object_signing_alg_values_supported",
        "tls_client_certificate_bound_access_tokens",
    ):
        assert absent not in document


def test_the_grant_types_announced_are_those_of_the_token_endpoint(
    deployment: Deployment, document: dict[str, Any], mobile_app: Application
) -> None:
    assert document["grant_types_supported"] == list(GRANT_TYPES)
    for grant_type in document["grant_types_supported"]:
        with deployment.nothing_spent():
            # The client is not registered for this grant type, or sends nothing else that it needs.
            assert mobile_app.token(grant_type=grant_type).error in ("unauthorized_client", "invalid_request")
    refusal = mobile_app.token(grant_type="password").json()
    assert refusal["error"] == "unsupported_grant_type"
    supported = ", ".join(GRANT_TYPES)
    assert refusal["error_description"] == f"The grant_type password is not supported. Supported: {supported}."


def test_the_scopes_announced_are_those_registered(deployment: Deployment, document: dict[str, Any]) -> None:
    assert set(document["scopes_supported"]) == set(deployment.server.registry.scopes().scopes)


def test_the_prompts_announced_are_those_accepted(
    deployment: Deployment, web_app: Application, document: dict[str, Any]
) -> None:
    for prompt in document["prompt_values_supported"]:
        answer = deployment.send("GET", web_app.ask(prompt=prompt).url)
        assert "error=invalid_request" not in answer.location


def test_every_way_of_client_authentication_announced_works(
    deployment: Deployment,
    document: dict[str, Any],
    web_app: Application,
    legacy_app: Application,
    mobile_app: Application,
) -> None:
    key_app = key_application(web_app, deployment.clock, client_id="key_app")
    registered = replace(deployment.client("web_app_123"), client_id="key_app", secret_digests=(), jwks=key_app.jwks)
    deployment.registrar.put_client(replace(registered, token_endpoint_auth_method="private_key_jwt"))
    apps = {
        "client_secret_basic": web_app,
        "client_secret_post": legacy_app,
        "private_key_jwt": key_app,
        "none": mobile_app,
    }
    assert set(document["token_endpoint_auth_methods_supported"]) == set(apps)
    for app in apps.values():
        assert app.refresh("x").error == "invalid_grant"  # known, and only the token is not good
    for method in document["revocation_endpoint_auth_methods_supported"]:
        assert apps[method].revoke("x").status == 200
    for method in document["introspection_endpoint_auth_methods_supported"]:
        assert apps[method].introspect("x").json() == {"active": False}


def test_every_algorithm_of_assertions_that_is_announced_is_accepted_at_each_endpoint(
    deployment: Deployment, document: dict[str, Any], service: Application
) -> None:
    algs = document["token_endpoint_auth_signing_alg_values_supported"]
    assert algs == document["revocation_endpoint_auth_signing_alg_values_supported"]
    assert algs == document["introspection_endpoint_auth_signing_alg_values_supported"]
    assert set(algs) == {"PS256", "ES256", "EdDSA", "RS256"}
    for alg in algs:
        app = key_application(service, deployment.clock, alg="Ed25519" if alg == "EdDSA" else alg)
        registered = {"token_endpoint_auth_method": "private_key_jwt", "secret_digests": (), "jwks": app.jwks}
        deployment.change_client(app.client_id, **registered)
        assert app.client_credentials().status == 200
        assert app.introspect("x").json() == {"active": False}
        assert app.revoke("x").status == 200


def test_the_claims_announced_are_told(
    deployment: Deployment, document: dict[str, Any], browser: Browser, web_app: Application
) -> None:
    fill(deployment)
    every = frozenset(document["scopes_supported"]) & {"openid", *CLAIMS_OF_SCOPE}
    deployment.change_client("web_app_123", scope=every, roles=frozenset({"user"}))
    told = sign_in(web_app, browser, scope=" ".join(every))
    assert set(document["claims_supported"]) == {*told.id_token, *told.userinfo}
    assert told.id_token["acr"] in document["acr_values_supported"]
    assert document["claims_parameter_supported"] is True


def test_the_standard_scopes_are_announced(document: dict[str, Any]) -> None:
    assert {"openid", "profile", "email", "address", "phone", "roles", "offline_access"} <= {
        *document["scopes_supported"]
    }


def test_while_the_algorithm_changes_it_names_those_that_sign_the_default_first(deployment: Deployment) -> None:
    """A new algorithm signs, and is named here, for hours before it becomes the default: a client that holds us to the
    document refuses neither (tests/parts/keys/test_lanes.py)."""
    records = DynamoKeyRecords(deployment.table("Registry"), os.urandom)
    ring = records.key_ring()
    another = replace(ring.keys[0], kid="another", alg="ES256", state=ANNOUNCED)
    retired = replace(ring.keys[0], kid="retired", alg="PS256", state=RETIRED)
    for state, named in ((ANNOUNCED, ["RS256"]), (SIGNING, ["RS256", "ES256"])):
        assert records.change_ring(records.key_ring(), (*ring.keys, replace(another, state=state), retired))
        deployment.restart(signing_algs=("ES256",))
        found = deployment.send("GET", f"{deployment.issuer}/.well-known/openid-configuration").json()
        assert found["id_token_signing_alg_values_supported"] == named


def test_the_jwk_set_has_public_keys_only(deployment: Deployment, document: dict[str, Any]) -> None:
    answer = deployment.send("GET", document["jwks_uri"])
    assert answer.headers["content-type"] in ("application/json", "application/jwk-set+json")
    assert "max-age=" in answer.headers["cache-control"]
    keys = answer.json()["keys"]
    assert keys
    for key in keys:
        assert key.keys() <= {"kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"}
        assert key["use"] == "sig"
        assert key["alg"] in document["id_token_signing_alg_values_supported"]


def test_the_issuer_of_every_answer_is_the_documents(
    browser: Browser, web_app: Application, document: dict[str, Any], issued: Issued
) -> None:
    assert browser.get(web_app.ask(prompt="none").url).answered["iss"] == document["issuer"]
