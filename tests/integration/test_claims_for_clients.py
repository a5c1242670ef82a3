"""Claims for client applications, in the words of those that found none: kube-apiserver, Auth.js, Grafana, Argo CD,
oauth2-proxy (OpenID Connect Core §5.1, §5.4)."""

from __future__ import annotations

import pytest
from valet.models.clients import ProtectedApi, Scope

from tests.integration.claims import ADDRESS, SET, WEB_APP, asking, fill, sign_in
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment

ABOUT_THE_TOKEN = {"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "sid", "at_hash", "nonce"}
EVERY = "openid profile email address phone roles offline_access"


def let(deployment: Deployment, scope: str = EVERY, client_id: str = WEB_APP, **registered: object) -> None:
    """As an operator registers the client."""
    deployment.change_client(client_id, scope=frozenset(scope.split()), **registered)


def test_the_id_token_of_a_client_that_reads_userinfo_stays_as_small_as_it_was(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    fill(deployment)
    let(deployment)
    assert sign_in(web_app, browser, scope=EVERY).id_token.keys() == ABOUT_THE_TOKEN


def test_kube_apiserver_finds_email_and_groups_in_the_id_token_and_in_each_refreshed_one(
    deployment: Deployment, browser: Browser, mobile_app: Application
) -> None:
    """--oidc-username-claim=email, --oidc-groups-claim=groups; kubectl's plugin refreshes and never asks /userinfo."""
    let(
        deployment,
        client_id="mobile_app",
        id_token_claims=frozenset({"email", "roles"}),
        id_token_on_refresh=True,
        roles=frozenset({"user", "cluster-admin"}),
        roles_claim="groups",
    )
    told = sign_in(mobile_app, browser, scope="openid email roles offline_access")
    expected = {"email": "john@example.com", "email_verified": True, "groups": ["user"]}
    assert {name: told.id_token[name] for name in told.id_token.keys() - ABOUT_THE_TOKEN} == expected
    again = told.refreshed().id_token
    assert {name: again[name] for name in again.keys() - ABOUT_THE_TOKEN} == expected
    assert "nonce" not in again


def test_auth_js_shows_a_user_with_name_email_and_picture(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """Auth.js makes the user of the ID token's claims."""
    fill(deployment)
    let(deployment, id_token_claims=frozenset({"profile", "email"}))
    claims = sign_in(web_app, browser, scope="openid profile email").id_token
    assert (claims["name"], claims["email"], claims["picture"]) == ("John Doe", "john@example.com", SET["picture"])
    assert not {"address", "phone_number", "roles"} & claims.keys()


def test_claims_of_a_scope_that_was_not_granted_are_not_in_the_id_token(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    let(deployment, id_token_claims=frozenset({"profile", "email"}), id_token_on_refresh=True)
    told = sign_in(web_app, browser, scope="openid email offline_access")
    assert told.id_token.keys() == ABOUT_THE_TOKEN | {"email", "email_verified"}
    # A refresh for less has less.
    assert told.refreshed(scope="openid").id_token.keys() == ABOUT_THE_TOKEN - {"nonce"}


@pytest.mark.parametrize("where", ["id_token", "userinfo"])
def test_grafana_maps_roles_from_the_id_token_and_from_userinfo(
    deployment: Deployment, browser: Browser, web_app: Application, where: str
) -> None:
    """role_attribute_path: contains(roles[*], 'admin') && 'Admin' || 'Viewer'"""
    let(deployment, id_token_claims=frozenset({"roles"}), roles=frozenset({"admin", "viewer"}))
    told = sign_in(web_app, browser, "jane", scope="openid roles")
    assert getattr(told, where)["roles"] == ["admin"]
    assert "See your roles" in told.page


def test_argo_cd_asks_for_the_essential_claim_groups_and_gets_it_in_the_id_token(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """requestedIDTokenClaims: {"groups": {"essential": true}}; the scope roles is not asked for."""
    let(deployment, roles=frozenset({"admin"}), roles_claim="groups")
    asked = asking(id_token={"groups": {"essential": True}})
    told = sign_in(web_app, browser, "jane", scope="openid profile email", claims=asked)
    assert told.id_token["groups"] == ["admin"]
    assert told.tokens["scope"] == "email openid profile"
    assert "See your roles" in told.page
    assert "groups" not in told.userinfo


def test_oauth2_proxy_gets_email_and_groups_without_a_second_request(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    let(
        deployment,
        id_token_claims=frozenset({"email", "profile", "roles"}),
        roles=frozenset({"user"}),
        roles_claim="groups",
    )
    claims = sign_in(web_app, browser, scope="openid email profile roles").id_token
    assert (claims["email"], claims["preferred_username"], claims["groups"]) == ("john@example.com", "john", ["user"])


# -- which roles a client is told --------------------------------------------------------------------------------------


def test_no_role_is_told_that_is_neither_the_clients_nor_of_an_api_that_it_may_call(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    let(deployment, id_token_claims=frozenset({"roles"}))
    told = sign_in(web_app, browser, "jane", scope="openid roles")
    assert "roles" not in told.userinfo  # an empty claim is left out
    assert "roles" not in told.id_token


def test_the_roles_of_an_api_that_the_client_may_call_are_told(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    let(deployment, scope=f"{EVERY} items")
    told = sign_in(web_app, browser, "jane", scope="openid roles")
    assert told.userinfo == {"sub": "demo-jane", "roles": ["admin", "user"]}
    # An operator who takes the scope away takes the roles with it, from the token that is out as well.
    let(deployment)
    assert told.userinfo == {"sub": "demo-jane"}


def test_an_api_that_names_a_scope_of_the_issuer_tells_no_client_its_roles_by_that(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    api = next(iter(deployment.server.registry.scopes().apis.values()))
    assert "profile" in api.scopes
    let(deployment, scope="openid profile roles")
    assert "roles" not in sign_in(web_app, browser, "jane", scope="openid profile roles").userinfo


def test_roles_that_the_person_does_not_have_are_never_told(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    let(deployment, roles=frozenset({"admin", "user"}))
    told = sign_in(web_app, browser, "john", scope="openid roles")
    assert told.userinfo["roles"] == ["user"]
    deployment.table("Users").update("account#demo-john", "account", "SET #roles = :none", {":none": ["viewer"]})
    assert "roles" not in told.userinfo


def test_an_access_token_for_an_api_has_its_roles_as_before_whatever_the_clients_claim_is_called(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    import jwt

    let(deployment, scope=f"{EVERY} items", roles=frozenset({"secret"}), roles_claim="groups")
    tokens = sign_in(web_app, browser, "jane", scope="openid items roles").tokens
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["roles"] == ["admin", "user"]
    assert "groups" not in claims


def test_a_second_api_with_a_scope_that_the_client_may_not_have_adds_nothing(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.registrar.put_scope(Scope("payroll", "Read the payroll"))
    other = ProtectedApi("https://payroll.example", "Payroll", frozenset({"payroll"}), frozenset({"admin"}))
    deployment.registrar.put_api(other)
    let(deployment)
    assert "roles" not in sign_in(web_app, browser, "jane", scope="openid roles").userinfo


# -- every claim of §5.1 -----------------------------------------------------------------------------------------------


def test_userinfo_answers_the_whole_of_core_5_1_by_scope(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    fill(deployment)
    let(deployment)
    address = {"street_address": "1 Main Street\nFlat 2", "locality": "London", "country": "UK"}
    phone = {name: value for name, value in SET.items() if name.startswith("phone")}
    profile = {name: value for name, value in SET.items() if name not in phone}
    assert sign_in(web_app, browser, scope="openid profile").userinfo == {
        "sub": "demo-john",
        "name": "John Doe",
        "preferred_username": "john",
        **profile,
    }
    assert sign_in(web_app, browser, scope="openid address").userinfo == {"sub": "demo-john", "address": address}
    assert sign_in(web_app, browser, scope="openid phone").userinfo == {"sub": "demo-john", **phone}
    assert ADDRESS.region == ""  # and an empty member is left out


def test_what_nobody_has_set_is_left_out_and_false_is_not(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    let(deployment)
    users = deployment.table("Users")
    users.update("account#demo-john", "account", "SET #email_verified = :no", {":no": False})
    told = sign_in(web_app, browser, scope=EVERY)
    assert told.userinfo == {
        "sub": "demo-john",
        "name": "John Doe",
        "preferred_username": "john",
        "email": "john@example.com",
        "email_verified": False,
    }
    # A mark without what it is about says nothing.
    users.update("account#demo-john", "account", "SET #email_verified = :yes REMOVE #email", {":yes": True})
    assert not {"email", "email_verified"} & told.userinfo.keys()


def test_the_consent_page_has_a_sentence_for_each_scope_of_claims(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    let(deployment)
    page = sign_in(web_app, browser, scope=EVERY).page
    for sentence in ("postal address", "phone number", "roles", "your profile", "email address"):
        assert sentence in page


def test_no_claim_of_a_person_replaces_what_the_token_says_of_itself(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """Registration refuses such a name; if one is registered all the same, the token's own claim wins."""
    let(deployment, id_token_claims=frozenset({"roles"}), roles=frozenset({"user"}), roles_claim="sub")
    told = sign_in(web_app, browser, scope="openid roles")
    assert (told.id_token["sub"], told.userinfo["sub"]) == ("demo-john", "demo-john")
