"""A confidential client that is registered with PKCE as optional (RFC 9700 §2.1.1, RFC 7636 §4.4.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from valet.grant_types.authorization_code import Presented, decide
from valet.grant_types.redemption import Decision
from valet.handles import parse_code

from tests.integration.test_authorization_code import claims_of
from tests.support.application import Application, Asked, challenge_of
from tests.support.browser import Browser
from tests.support.deployment import Deployment

WITHOUT = {"code_challenge": None, "code_challenge_method": None}
VERIFIER = "v" * 43


@pytest.fixture
def lax_app(deployment: Deployment, web_app: Application) -> Application:
    """The web app, whose library cannot send a challenge."""
    deployment.change_client("web_app_123", pkce="optional")
    return web_app


@dataclass(frozen=True)
class Codes:
    """John's browser, which has allowed the web app everything, so that each request is a code."""

    browser: Browser
    app: Application

    def code(self, **changes: str | None) -> tuple[str, Asked]:
        asked = self.app.ask(**changes)
        answer = self.browser.open(asked.url)
        if answer.status == 200:
            answer = self.browser.decide(self.browser.sign_in(answer))
        return answer.answered["code"], asked


@pytest.fixture
def codes(browser: Browser, lax_app: Application) -> Codes:
    return Codes(browser, lax_app)


def test_oauth2_proxy_and_grafana_sign_people_in_by_their_defaults(codes: Codes, lax_app: Application) -> None:
    """They send no challenge. Their nonce comes back in the ID token, for them to compare."""
    code, asked = codes.code(**WITHOUT)
    answer = lax_app.redeem(code, "", code_verifier=None)
    assert answer.status == 200
    assert claims_of(answer.json()["id_token"])["nonce"] == asked.parameters["nonce"]


def test_the_unmodified_conformance_plan_signs_people_in_without_a_challenge_and_without_a_nonce(
    codes: Codes, lax_app: Application
) -> None:
    """OpenID Connect Core §3.1.2.1: nonce is optional in the code flow."""
    code, _ = codes.code(**WITHOUT, nonce=None)
    answer = lax_app.redeem(code, "", code_verifier=None)
    assert answer.status == 200
    assert "nonce" not in claims_of(answer.json()["id_token"])


def test_my_client_that_sends_a_challenge_is_held_to_it(
    deployment: Deployment, codes: Codes, lax_app: Application
) -> None:
    code, asked = codes.code()
    with deployment.nothing_spent():
        for verifier in (None, "", VERIFIER, asked.parameters["code_challenge"]):
            assert lax_app.redeem(code, "", code_verifier=verifier).error == "invalid_grant"
        assert lax_app.redeem(code, "short").error == "invalid_request"
    assert lax_app.redeem(code, asked.code_verifier).status == 200


def test_a_verifier_for_a_code_whose_challenge_was_taken_out_is_refused(
    deployment: Deployment, codes: Codes, lax_app: Application
) -> None:
    """The downgrade attack: an attacker takes the challenge out of a client's request, and injects the code into the
    client's own flow."""
    code, _ = codes.code(**WITHOUT)
    with deployment.nothing_spent():
        for verifier in (VERIFIER, challenge_of(VERIFIER)):
            assert lax_app.redeem(code, verifier).error == "invalid_grant"
        assert lax_app.redeem(code, "short").error == "invalid_request"
    assert lax_app.redeem(code, "", code_verifier=None).status == 200


def test_an_attackers_code_cannot_be_injected_into_the_flow_of_a_client_that_sends_a_challenge(
    deployment: Deployment, codes: Codes, lax_app: Application
) -> None:
    """Both ways: a code that was stolen from a flow with a challenge into one without, and the other way round."""
    bound, asked = codes.code()
    unbound, _ = codes.code(**WITHOUT)
    with deployment.nothing_spent():
        assert lax_app.redeem(bound, "", code_verifier=None).error == "invalid_grant"
        assert lax_app.redeem(unbound, asked.code_verifier).error == "invalid_grant"
    assert lax_app.redeem(bound, asked.code_verifier).status == 200
    assert lax_app.redeem(unbound, "", code_verifier=None).status == 200


def test_a_code_without_a_challenge_is_bound_to_its_redirect_uri(
    deployment: Deployment, codes: Codes, lax_app: Application
) -> None:
    """RFC 6749 §4.1.3: no verifier binds it."""
    code, _ = codes.code(**WITHOUT)
    with deployment.nothing_spent():
        for uri in (None, "", "http://127.0.0.1:9876/callback", "https://webapp.example.com/callback/"):
            assert lax_app.redeem(code, "", code_verifier=None, redirect_uri=uri).error == "invalid_grant"
    assert lax_app.redeem(code, "", code_verifier=None).status == 200


def test_a_client_with_one_redirect_uri_may_leave_it_out(
    deployment: Deployment, codes: Codes, lax_app: Application
) -> None:
    deployment.change_client("web_app_123", redirect_uris=(lax_app.redirect_uri,))
    code, _ = codes.code(**WITHOUT, redirect_uri=None)
    assert lax_app.redeem(code, "", code_verifier=None, redirect_uri=None).status == 200


@pytest.mark.parametrize("name", ["legacy_app", "mobile_app"])
def test_a_code_without_a_challenge_is_of_no_use_to_another_client(
    deployment: Deployment, codes: Codes, lax_app: Application, name: str, request: pytest.FixtureRequest
) -> None:
    thief: Application = request.getfixturevalue(name)
    deployment.change_client(thief.client_id, pkce="optional")
    code, _ = codes.code(**WITHOUT)
    with deployment.nothing_spent():
        for redirect_uri in (lax_app.redirect_uri, thief.redirect_uri):
            answer = thief.redeem(code, "", code_verifier=None, redirect_uri=redirect_uri)
            assert answer.error in ("invalid_grant", "invalid_request")
    assert lax_app.redeem(code, "", code_verifier=None).status == 200


def test_who_has_the_code_but_not_the_secret_gets_nothing(
    deployment: Deployment, codes: Codes, lax_app: Application
) -> None:
    code, _ = codes.code(**WITHOUT)
    with deployment.nothing_spent():
        for secret in (None, "wrong"):
            assert replace(lax_app, secret=secret).redeem(code, "", code_verifier=None).status == 401
    assert lax_app.redeem(code, "", code_verifier=None).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": "v" * 43, "code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge": "short"},
    ],
)
def test_a_challenge_that_is_plain_or_half_there_is_refused_though_none_is_needed(
    deployment: Deployment, lax_app: Application, changes: dict[str, str | None]
) -> None:
    with deployment.nothing_spent():
        answer = deployment.send("GET", lax_app.ask(**changes).url)
    assert answer.answered["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["mobile_app", "spa"])
def test_a_public_client_must_send_a_challenge_whatever_is_registered(
    deployment: Deployment, name: str, request: pytest.FixtureRequest
) -> None:
    """No command registers it so; an item that says so has no effect."""
    app: Application = request.getfixturevalue(name)
    deployment.change_client(app.client_id, pkce="optional")
    with deployment.nothing_spent():
        answer = deployment.send("GET", app.ask(**WITHOUT).url)
    assert answer.answered["error"] == "invalid_request"
    assert "PKCE is required" in answer.answered["error_description"]


@pytest.mark.parametrize(
    "changes",
    [
        {"pkce": "required"},
        {"pkce": "nonsense"},
        {"application_type": "native", "token_endpoint_auth_method": "none"},
        {"application_type": "browser", "token_endpoint_auth_method": "none"},
    ],
)
def test_a_client_that_has_become_public_or_strict_cannot_redeem_a_code_without_a_challenge(
    deployment: Deployment, codes: Codes, lax_app: Application, changes: dict[str, str]
) -> None:
    code, _ = codes.code(**WITHOUT)
    deployment.change_client("web_app_123", **changes)
    app = replace(lax_app, secret=None) if "token_endpoint_auth_method" in changes else lax_app
    with deployment.nothing_spent():
        assert app.redeem(code, "", code_verifier=None).error == "invalid_request"
        assert app.redeem(code, VERIFIER).error == "invalid_grant"


@pytest.mark.parametrize("pkce", ["optional", "required", "nonsense"])
def test_the_decision_about_a_code_without_a_challenge_asks_the_client_of_now(
    deployment: Deployment, codes: Codes, lax_app: Application, pkce: str
) -> None:
    """The decision stands alone: it does not rely on the checks that the endpoint makes before it."""
    parsed = parse_code(codes.code(**WITHOUT)[0])
    assert parsed is not None
    grant, account = (
        deployment.server.grants.find(parsed.grant_id),
        deployment.server.accounts.find_account("demo-john"),
    )
    client, now = replace(deployment.client("web_app_123"), pkce=pkce), deployment.clock()
    decision = decide(grant, account, client, Presented(parsed, lax_app.redirect_uri, None, b""), now)
    assert decision is (Decision.REDEEM if pkce == "optional" else Decision.UNPROVEN)
    public = replace(client, token_endpoint_auth_method="none")
    assert decide(grant, account, public, Presented(parsed, lax_app.redirect_uri, None, b""), now) is Decision.UNPROVEN


def test_a_second_use_of_a_code_without_a_challenge_revokes_the_grant_as_any_other(
    deployment: Deployment, codes: Codes, lax_app: Application
) -> None:
    code, _ = codes.code(**WITHOUT)
    tokens = lax_app.redeem(code, "", code_verifier=None).json()
    deployment.clock.advance(11)
    assert lax_app.redeem(code, "", code_verifier=None).error == "invalid_grant"
    assert lax_app.refresh(tokens["refresh_token"]).error == "invalid_grant"


def test_the_metadata_announces_s256_alone(deployment: Deployment, lax_app: Application) -> None:
    document = deployment.send("GET", f"{deployment.issuer}/.well-known/openid-configuration").json()
    assert document["code_challenge_methods_supported"] == ["S256"]
