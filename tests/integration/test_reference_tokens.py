"""Reference tokens, from /token to the API that introspects them at each call (promise M11)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.bound_tokens import SignedIn
from tests.integration.reference_api import BANK, SCOPE, Bank, introspector, register
from tests.integration.two_apis import claims_of
from tests.support.application import Application
from tests.support.deployment import Deployment
from tests.support.key_holder import KeyHolder

INACTIVE = '{"active":false}'


@pytest.fixture
def bank(deployment: Deployment) -> Bank:
    register(deployment)
    return Bank(deployment)


@pytest.fixture
def tokens(bank: Bank, john: SignedIn, web_app: Application) -> dict[str, Any]:
    """The web app's, for john; the API takes the access token."""
    found: dict[str, Any] = web_app.redeem(*john.code(web_app, scope=SCOPE)).json()
    assert bank.call(found["access_token"]).status == 200
    return found


@pytest.fixture
def token(tokens: dict[str, Any]) -> str:
    return str(tokens["access_token"])


def test_it_tells_its_bearer_nothing_and_the_api_what_a_jwt_would(
    deployment: Deployment, bank: Bank, web_app: Application, tokens: dict[str, Any], token: str
) -> None:
    assert re.fullmatch(r"vat_[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", token)
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    answer = introspector(web_app).introspect(token)
    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "iss": deployment.issuer,
        "sub": "demo-john",
        "aud": [BANK, deployment.issuer],
        "client_id": "web_app_123",
        "iat": deployment.clock.now,
        "exp": deployment.clock.now + 900,
        "jti": token.removeprefix("vat_").partition(".")[0],
        "scope": "offline_access openid pay",
        "roles": ["user"],
        "auth_time": deployment.clock.now,
        "acr": "urn:valet:acr:password",
        "amr": ["pwd"],
    }
    assert bank.call(token, path="/v1/items/1").status == 403, "john is no admin"
    assert web_app.userinfo(token).json()["sub"] == "demo-john"
    assert claims_of(tokens["id_token"])["at_hash"]


def test_nothing_that_is_kept_is_the_token_and_it_goes_a_day_after_it_has_expired(
    deployment: Deployment, token: str
) -> None:
    kept = [item for item in deployment.everything() if item["pk"]["S"].startswith("reference#")]
    assert len(kept) == 1
    assert token.partition(".")[2] not in json.dumps(kept, default=str)
    assert int(kept[0]["expires_at"]["N"]) == deployment.clock.now + 900 + 86_400


def test_only_tokens_for_that_api_are_references(bank: Bank, john: SignedIn, web_app: Application) -> None:
    for scope in ("openid buy", "openid"):
        issued = web_app.redeem(*john.code(web_app, scope=scope)).json()
        assert claims_of(issued["access_token"])["scope"] == " ".join(sorted(scope.split()))


def test_a_service_gets_one_for_itself(bank: Bank, service: Application) -> None:
    token = service.client_credentials(scope="pay").json()["access_token"]
    told = introspector(service).introspect(token).json()
    assert (told["sub"], told["client_id"], told["aud"]) == ("api_service_789", "api_service_789", BANK)
    assert bank.call(token).status == 200
    assert service.revoke(token).status == 200
    assert bank.call(token).status == 401


# -- M11: refused at the first call after it is over, without a moment in between --------------------------------------


def revoke_token(deployment: Deployment, app: Application, tokens: dict[str, Any]) -> None:
    assert app.revoke(tokens["access_token"]).status == 200


def revoke_grant(deployment: Deployment, app: Application, tokens: dict[str, Any]) -> None:
    assert app.revoke(tokens["refresh_token"]).status == 200


def disable_person(deployment: Deployment, app: Application, tokens: dict[str, Any]) -> None:
    """The account alone: no grant has ended yet, and no bit is set."""
    deployment.table("Users").update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})


def sign_out_everywhere(deployment: Deployment, app: Application, tokens: dict[str, Any]) -> None:
    deployment.raise_epoch("demo-john")


def let_it_expire(deployment: Deployment, app: Application, tokens: dict[str, Any]) -> None:
    deployment.clock.advance(900)


def disable_client(deployment: Deployment, app: Application, tokens: dict[str, Any]) -> None:
    """Functions know it after ten seconds at most."""
    deployment.change_client("web_app_123", is_disabled=True)


@pytest.mark.parametrize(
    "end", [revoke_token, revoke_grant, disable_person, sign_out_everywhere, let_it_expire, disable_client]
)
def test_it_is_refused_at_the_next_call(
    deployment: Deployment,
    bank: Bank,
    web_app: Application,
    tokens: dict[str, Any],
    end: Callable[[Deployment, Application, dict[str, Any]], None],
) -> None:
    end(deployment, web_app, tokens)
    refused = bank.call(tokens["access_token"])
    assert (refused.status, refused.error) == (401, "invalid_token")
    assert bank.reason.startswith("not active")
    assert introspector(web_app).introspect(tokens["access_token"]).body == INACTIVE
    assert web_app.userinfo(tokens["access_token"]).status == 401


def test_a_revoked_token_leaves_its_grant_alive_and_the_next_one_good(
    bank: Bank, web_app: Application, tokens: dict[str, Any]
) -> None:
    web_app.revoke(tokens["access_token"])
    following = web_app.refresh(tokens["refresh_token"]).json()["access_token"]
    assert following != tokens["access_token"]
    assert bank.call(following).status == 200
    assert bank.call(tokens["access_token"]).status == 401


def test_a_cached_answer_serves_for_as_long_as_the_operator_said_and_never_beyond_its_exp(
    deployment: Deployment, bank: Bank, web_app: Application, tokens: dict[str, Any]
) -> None:
    cached, token = Bank(deployment, INTROSPECTION_CACHE="30"), tokens["access_token"]
    assert [cached.call(token).status for _ in range(3)] == [200] * 3
    assert cached.asked == 1
    revoke_token(deployment, web_app, tokens)
    deployment.clock.advance(29)
    assert cached.call(token).status == 200
    deployment.clock.advance(1)
    assert cached.call(token).status == 401
    other = web_app.refresh(tokens["refresh_token"]).json()["access_token"]
    deployment.clock.advance(890)
    assert cached.call(other).status == 200
    deployment.clock.advance(10)
    asked = cached.asked
    assert (cached.call(other).status, cached.asked) == (401, asked)


# -- forged ones, and those of others ----------------------------------------------------------------------------------


def altered(token: str, at: int) -> str:
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


FORGERIES: dict[str, Callable[[str], str]] = {
    "another secret": lambda token: token[:27] + "A" * 43,
    "one character of the secret": lambda token: altered(token, 40),
    "a spare bit of the secret": lambda token: token[:-1] + chr(ord(token[-1]) + 1),
    "one character of the id": lambda token: altered(token, 10),
    "without its end": lambda token: token[:-1],
    "the id alone": lambda token: token.partition(".")[0],
    "without the prefix": lambda token: token.removeprefix("vat_"),
    "with more": lambda token: f"{token}A",
    "twice": lambda token: f"{token}.{token}",
    "an empty secret": lambda token: token[:27],
    "the prefix in capitals": lambda token: token.replace("vat_", "VAT_"),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_one_is_refused_and_changes_nothing(
    deployment: Deployment, bank: Bank, web_app: Application, token: str, forge: Callable[[str], str]
) -> None:
    forged = forge(token)
    assert forged != token
    with deployment.nothing_spent():
        assert bank.call(forged).status == 401
        assert introspector(web_app).introspect(forged).body == INACTIVE
        assert web_app.userinfo(forged).status == 401
        assert web_app.revoke(forged).status == 200
    assert bank.call(token).status == 200


def test_what_is_not_of_the_form_is_not_even_asked_about(bank: Bank, token: str) -> None:
    asked = bank.asked
    for forged in (token[:-1], f"{token}A", "vat_", "vat_x.y", f"vat_{'A' * 22}.{'A' * 42}!", f"{token}&x=y"):
        assert bank.call(forged).status == 401
    assert bank.asked == asked


def test_a_token_of_another_deployment_is_refused(
    deployment: Deployment, bank: Bank, web_app: Application, token: str
) -> None:
    """Also where both share a table, after one of them was moved to another address."""
    pk = f"reference#{token[4:26]}"
    item = deployment.table("Grants").get(pk, "reference")
    assert item is not None
    claims = item["claims"].replace(deployment.issuer, "https://other.example")
    deployment.table("Grants").put({**item, "claims": claims})
    with deployment.nothing_spent():
        assert bank.call(token).status == 401
        assert introspector(web_app).introspect(token).body == INACTIVE
        assert web_app.userinfo(token).status == 401
        assert web_app.revoke(token).status == 200
    deployment.table("Grants").delete(pk, "reference")
    assert bank.call(token).status == 401


def test_a_client_of_another_api_is_told_nothing_and_may_revoke_nothing(
    deployment: Deployment, bank: Bank, web_app: Application, service: Application, token: str
) -> None:
    with deployment.nothing_spent():
        for app in (introspector(web_app, "shop_authorizer"), service):
            assert app.introspect(token).body == INACTIVE
        assert introspector(web_app).revoke(token).status == 200, "it may introspect it, and it is not its own"
    assert bank.call(token).status == 200
    assert web_app.introspect(token).json()["active"] is True, "its own"


def test_an_authorizer_for_another_audience_refuses_it(deployment: Deployment, bank: Bank, token: str) -> None:
    """Even if its client may introspect the token."""
    shop = Bank(deployment, AUDIENCE="https://shop.example")
    assert shop.call(token).status == 401
    assert shop.reason == "aud is another API's"


def test_an_authorizer_that_is_not_configured_refuses_it_and_takes_jwts(
    deployment: Deployment, bank: Bank, token: str
) -> None:
    plain = Bank(deployment, INTROSPECTION_CLIENT="", INTROSPECTION_SECRET="")
    assert plain.call(token).status == 401
    assert plain.reason == "a reference token, and INTROSPECTION_CLIENT is not set"


def test_a_reference_token_and_a_refresh_token_are_never_taken_for_each_other(
    bank: Bank, web_app: Application, tokens: dict[str, Any]
) -> None:
    assert web_app.refresh(tokens["access_token"]).error == "invalid_grant"
    assert bank.call(tokens["refresh_token"]).status == 401
    assert web_app.userinfo(tokens["refresh_token"]).status == 401


# -- the issuer is down ------------------------------------------------------------------------------------------------


def test_if_the_issuer_is_down_the_answer_is_an_error_and_never_a_refusal(bank: Bank, token: str) -> None:
    bank.is_down = True
    answer = bank.call(token)
    assert answer.status == 500
    assert bank.lines[-1]["event"] == "issuer.unavailable"
    assert bank.reason == "no introspection: no answer within 3.0 s"
    bank.is_down = False
    assert bank.call(token).status == 200


def test_a_wrong_secret_is_an_error_that_says_so(deployment: Deployment, bank: Bank, token: str) -> None:
    wrong = Bank(deployment, INTROSPECTION_SECRET="another")
    assert wrong.call(token).status == 500
    assert wrong.reason == "no introspection: status 401: the introspecting client or its secret is wrong"


# -- bound to a key, and step-up ---------------------------------------------------------------------------------------


def test_a_bound_one_needs_its_key_at_the_api_and_at_userinfo(
    deployment: Deployment, bank: Bank, john: SignedIn, mobile_app: Application, owner: KeyHolder, thief: KeyHolder
) -> None:
    issued = owner.of(mobile_app).redeem(*john.code(mobile_app, scope=SCOPE)).json()
    token, url = issued["access_token"], "https://api.bank.example/v1/items"
    assert issued["token_type"] == "DPoP"
    told = introspector(mobile_app).introspect(token).json()
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": owner.jkt})
    assert bank.call(token).status == 401, "as a bearer token"
    now = int(deployment.clock.now)
    for holder, status in ((thief, 401), (owner, 200)):
        proof = holder.proof("GET", url, token=token, iat=now)
        assert bank.call(token, authorization=f"DPoP {token}", dpop=proof).status == status
    assert bank.call(token, authorization=f"DPoP {token}", dpop=proof).status == 401, "the same proof again"
    other = owner.proof("GET", url, token=token[:-1] + ("A" if token[-1] != "A" else "E"), iat=now)
    assert bank.call(token, authorization=f"DPoP {token}", dpop=other).status == 401, "a proof for another token"
    assert mobile_app.userinfo(token).status == 401
    assert owner.userinfo(mobile_app, token).status == 200


def test_a_route_that_asks_for_a_stronger_sign_in_refuses_it_with_a_challenge(
    deployment: Deployment, bank: Bank, token: str
) -> None:
    refused = bank.call(token, "DELETE", "/v1/items/1")
    assert refused.status == 403
    assert 'error="insufficient_user_authentication"' in refused.headers["www-authenticate"]
    pk = f"reference#{token[4:26]}"
    item = deployment.table("Grants").get(pk, "reference")
    assert item is not None
    stronger = json.dumps({**json.loads(item["claims"]), "acr": "urn:valet:acr:multi-factor"})
    deployment.table("Grants").put({**item, "claims": stronger})
    assert bank.call(token, "DELETE", "/v1/items/1").status == 200
    deployment.clock.advance(301)
    refused = bank.call(token, "DELETE", "/v1/items/1")
    assert (refused.status, 'max_age="300"' in refused.headers["www-authenticate"]) == (403, True)


# -- who decides -------------------------------------------------------------------------------------------------------


def test_an_operator_switches_an_api_over_and_back_and_each_token_stays_what_it_is(
    deployment: Deployment, bank: Bank, web_app: Application, tokens: dict[str, Any]
) -> None:
    api = deployment.server.registry.scopes().apis[BANK]
    deployment.registrar.put_api(replace(api, access_token_format="jwt"))
    deployment.clock.advance(11)
    refreshed = web_app.refresh(tokens["refresh_token"]).json()["access_token"]
    assert claims_of(refreshed)["aud"] == [BANK, deployment.issuer]
    assert [bank.call(each).status for each in (refreshed, tokens["access_token"])] == [200, 200]


def test_a_form_that_this_release_does_not_know_gives_no_jwt(
    deployment: Deployment, bank: Bank, web_app: Application, tokens: dict[str, Any]
) -> None:
    api = deployment.server.registry.scopes().apis[BANK]
    deployment.registrar.put_api(replace(api, access_token_format="of a later release"))
    deployment.clock.advance(11)
    assert web_app.refresh(tokens["refresh_token"]).json()["access_token"].startswith("vat_")
