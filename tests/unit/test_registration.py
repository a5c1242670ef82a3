"""What a client, a scope and a protected API may be registered as, member by member (RFC 7591 §2)."""

from dataclasses import fields, replace
from typing import Any

import pytest
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.models.keys import SigningKey
from valet.protocol.supported import GRANT_TYPES, REGISTERED_AUTH_METHODS
from valet.registration.addresses import refusal_of_origin, refusal_of_uri, risk_of_uri
from valet.registration.apis import wrong_with_api
from valet.registration.rules import (
    NO_SUCH_API,
    NOT_REGISTERED,
    Wrong,
    with_defaults,
    wrong_with_client,
)
from valet.registration.scopes import wrong_with_scope
from valet.registration.signing_algs import refusals_of_alg, registered_for_others

ISSUER = "https://id.example.com"
SHOP = "https://shop.example.com"
KNOWN = Scopes(
    {name: Scope(name, name) for name in ("openid", "offline_access", "roles", "buy", "pay")},
    {
        SHOP: ProtectedApi(SHOP, "Shop", frozenset({"buy"})),
        "urn:bank": ProtectedApi("urn:bank", "B", frozenset({"pay"})),
    },
)
WEB = Client(
    "web",
    "Web",
    grant_types=frozenset({"authorization_code", "refresh_token"}),
    redirect_uris=("https://app.example.com/in",),
    scope=frozenset({"openid", "buy", "pay"}),
)
NATIVE = replace(WEB, application_type="native", token_endpoint_auth_method="none")
TOLD = replace(WEB, scope=frozenset({"openid", "roles"}), id_token_claims=frozenset({"roles"}))
LOGS_OUT = replace(WEB, backchannel_logout_uri="https://app.example.com/out")
SERVICE = Client("job", "Job", grant_types=frozenset({"client_credentials"}), scope=frozenset({"buy"}))


@pytest.mark.parametrize("client", [WEB, NATIVE, SERVICE], ids=lambda client: client.application_type)
def test_a_good_registration_has_nothing_wrong(client: Client) -> None:
    assert wrong_with_client(client, KNOWN) == []


@pytest.mark.parametrize(
    ("client", "changes", "member", "value"),
    [
        (WEB, {"client_id": "a b"}, "client_id", "a b"),
        (WEB, {"client_name": "Eve\u202e"}, "client_name", "Eve\u202e"),
        (WEB, {"client_name": ""}, "client_name", None),
        (WEB, {"owner": " x"}, "owner", " x"),
        (NATIVE, {"application_type": "robot"}, "application_type", "robot"),
        (WEB, {"token_endpoint_auth_method": "tls_client_auth"}, "token_endpoint_auth_method", "tls_client_auth"),
        (WEB, {"token_endpoint_auth_method": "none"}, "token_endpoint_auth_method", "none"),
        (
            NATIVE,
            {"token_endpoint_auth_method": "client_secret_post"},
            "token_endpoint_auth_method",
            "client_secret_post",
        ),
        (WEB, {"pkce": "plain"}, "pkce", "plain"),
        (NATIVE, {"pkce": "optional"}, "pkce", "optional"),
        (replace(NATIVE, application_type="browser"), {"pkce": "optional"}, "pkce", "optional"),
        (NATIVE, {"refresh_token_rotation": False}, "refresh_token_rotation", None),
        (
            replace(NATIVE, application_type="browser"),
            {"refresh_token_rotation": False},
            "refresh_token_rotation",
            None,
        ),
        (
            SERVICE,
            {"require_pushed_authorization_requests": True},
            "require_pushed_authorization_requests",
            None,
        ),
        (NATIVE, {"introspects": frozenset({SHOP})}, "introspects", None),
        (WEB, {"introspects": frozenset({"urn:x"})}, "introspects", "urn:x"),
        (WEB, {"grant_types": WEB.grant_types | {"password"}}, "grant_types", "password"),
        (SERVICE, {"grant_types": SERVICE.grant_types | {"refresh_token"}}, "grant_types", "refresh_token"),
        (NATIVE, {"grant_types": NATIVE.grant_types | {"client_credentials"}}, "grant_types", "client_credentials"),
        (SERVICE, {"grant_types": frozenset()}, "grant_types", None),
        (WEB, {"redirect_uris": ()}, "redirect_uris", None),
        (WEB, {"redirect_uris": WEB.redirect_uris * 2}, "redirect_uris", None),
        (WEB, {"redirect_uris": ("https://*.example.com/",)}, "redirect_uris", "https://*.example.com/"),
        (SERVICE, {"redirect_uris": WEB.redirect_uris}, "redirect_uris", None),
        (WEB, {"post_logout_redirect_uris": ("x:y",)}, "post_logout_redirect_uris", "x:y"),
        (
            WEB,
            {"backchannel_logout_uri": "http://127.0.0.1:8000/out"},
            "backchannel_logout_uri",
            "http://127.0.0.1:8000/out",
        ),
        (WEB, {"backchannel_logout_uri": "https://10.0.0.1/out"}, "backchannel_logout_uri", "https://10.0.0.1/out"),
        (WEB, {"backchannel_logout_session_required": True}, "backchannel_logout_session_required", None),
        (WEB, {"client_uri": "http://app.example.com/"}, "client_uri", "http://app.example.com/"),
        (WEB, {"client_uri": "javascript:alert(1)"}, "client_uri", "javascript:alert(1)"),
        (NATIVE, {"client_uri": "data:text/html,x"}, "client_uri", "data:text/html,x"),
        (NATIVE, {"client_uri": "//app.example.com/"}, "client_uri", "//app.example.com/"),
        (SERVICE, {"client_uri": "app.example.com"}, "client_uri", "app.example.com"),
        (WEB, {"origins": frozenset({"https://a.example.com/"})}, "origins", "https://a.example.com/"),
        (WEB, {"scope": WEB.scope | {"nonsense"}}, "scope", "nonsense"),
        (SERVICE, {"scope": frozenset({"openid"})}, "scope", "openid"),
        (SERVICE, {"scope": frozenset({"offline_access"})}, "scope", "offline_access"),
        (WEB, {"default_scope": frozenset({"offline_access"})}, "default_scope", "offline_access"),
        (WEB, {"default_scope": frozenset({"buy", "pay"})}, "default_scope", None),
        (WEB, {"refresh_idle_lifetime": 0}, "refresh_absolute_lifetime", None),
        (WEB, {"retry_window": 5}, "retry_window", None),
        (WEB, {"device_network": "near"}, "device_network", "near"),
        (WEB, {"id_token_signed_response_alg": "HS256"}, "id_token_signed_response_alg", "HS256"),
        (WEB, {"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg", "none"),
        (WEB, {"id_token_claims": frozenset({"openid"})}, "id_token_claims", "openid"),
        (WEB, {"id_token_claims": frozenset({"roles"})}, "id_token_claims", "roles"),  # it may not ask for it
        (WEB, {"roles": frozenset({"admin"})}, "roles", None),
        (TOLD, {"roles": frozenset({"two words"})}, "roles", "two words"),
        (TOLD, {"roles_claim": ""}, "roles_claim", ""),
        (TOLD, {"roles_claim": "a b"}, "roles_claim", "a b"),
        (TOLD, {"roles_claim": 'groups"'}, "roles_claim", 'groups"'),
        (TOLD, {"roles_claim": "_claim_names"}, "roles_claim", "_claim_names"),
        (TOLD, {"roles_claim": "g" * 101}, "roles_claim", "g" * 101),
    ],
)
def test_what_is_wrong_is_told_of_its_member_and_of_no_other(
    client: Client, changes: dict[str, Any], member: str, value: str | None
) -> None:
    wrong = wrong_with_client(replace(client, **changes), KNOWN)
    assert [(each.member, each.value) for each in wrong] == [(member, value)]
    assert member in {field.name for field in fields(Client)}


@pytest.mark.parametrize(
    "claim",
    ["sub", "Sub", "iss", "aud", "exp", "email", "email_verified", "nonce", "scope", "cnf", "azp", "updated_at"],
)
def test_the_roles_cannot_take_the_place_of_a_claim_that_has_a_meaning(claim: str) -> None:
    wrong = wrong_with_client(replace(TOLD, roles_claim=claim), KNOWN)
    assert [(each.member, each.value) for each in wrong] == [("roles_claim", claim)]


@pytest.mark.parametrize(
    "claim", ["roles", "groups", "realm_access.roles", "https://example.com/roles", "cognito:groups"]
)
def test_the_roles_may_be_told_in_the_claim_that_an_application_reads(claim: str) -> None:
    assert wrong_with_client(replace(TOLD, roles_claim=claim, roles=frozenset({"admin"})), KNOWN) == []


@pytest.mark.parametrize("client", [WEB, NATIVE, SERVICE], ids=lambda client: client.client_id)
@pytest.mark.parametrize(
    "client_uri", ["", "https://app.example.com/home?from=valet", "http://127.0.0.1:5173/", "com.example.app:/home"]
)
def test_a_client_of_any_kind_may_have_a_home_page_on_the_web_or_in_an_app(client: Client, client_uri: str) -> None:
    assert wrong_with_client(replace(client, client_uri=client_uri), KNOWN) == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example.com/out",
        "https://app.example.com",
        "https://app.example.com:8443/out",
        "https://user@app.example.com/out",
        "https://app.example.com/out#x",
        "https://App.example.com/out",
        "https://localhost/out",
        "https://[::1]/out",
        "https://2130706433/out",
        "ftp://app.example.com/out",
        "out",
        "https://app.example.com/" + "x" * 500,
    ],
)
def test_a_logout_token_goes_to_no_address_but_https_with_a_public_name(uri: str) -> None:
    for is_local in (False, True):
        wrong = wrong_with_client(replace(LOGS_OUT, backchannel_logout_uri=uri), KNOWN, is_local=is_local)
        assert [each.member for each in wrong] == ["backchannel_logout_uri"]


def test_a_client_with_id_tokens_may_be_told_of_logouts_and_in_the_local_stack_on_this_machine() -> None:
    for uri in ("https://app.example.com/out", "https://app.example.com/out?of=valet"):
        client = replace(LOGS_OUT, backchannel_logout_uri=uri, backchannel_logout_session_required=True)
        assert wrong_with_client(client, KNOWN) == []
    here = replace(LOGS_OUT, backchannel_logout_uri="http://127.0.0.1:8000/out")
    assert wrong_with_client(here, KNOWN, is_local=True) == []
    elsewhere = replace(LOGS_OUT, backchannel_logout_uri="http://127.0.0.1@evil.example/out")
    assert wrong_with_client(elsewhere, KNOWN, is_local=True)


@pytest.mark.parametrize("client", [NATIVE, SERVICE], ids=lambda client: client.client_id)
def test_a_client_without_a_server_or_without_end_users_is_told_of_no_logout(client: Client) -> None:
    wrong = wrong_with_client(replace(client, backchannel_logout_uri="https://app.example.com/out"), KNOWN)
    assert [each.member for each in wrong] == ["backchannel_logout_uri"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = wrong_with_client(replace(WEB, client_id="", owner="\n", retry_window=-1), KNOWN)
    assert [each.member for each in wrong] == ["client_id", "owner", "retry_window"]


@pytest.mark.parametrize("grant_type", GRANT_TYPES)
def test_a_client_may_be_registered_for_each_grant_type_that_is_supported(grant_type: str) -> None:
    """Nothing is wrong with the name; a refresh token alone lacks the grant type that gives it."""
    wrong = wrong_with_client(replace(WEB, grant_types=frozenset({grant_type})), KNOWN)
    assert not any(each.reason.startswith("one of") for each in wrong)


@pytest.mark.parametrize("method", REGISTERED_AUTH_METHODS)
def test_a_client_may_be_registered_for_each_method_that_is_supported(method: str) -> None:
    client = replace(NATIVE if method == "none" else WEB, token_endpoint_auth_method=method)
    if method == "private_key_jwt":
        client = replace(client, jwks_uri="https://app.example.com/jwks.json")
    assert wrong_with_client(client, KNOWN) == []


def test_any_client_of_people_may_have_to_push_its_requests() -> None:
    for client in (WEB, NATIVE):
        assert wrong_with_client(replace(client, require_pushed_authorization_requests=True), KNOWN) == []


def test_a_confidential_client_may_be_registered_with_optional_pkce() -> None:
    assert wrong_with_client(replace(WEB, pkce="optional"), KNOWN) == []


def test_a_confidential_client_may_keep_its_refresh_tokens() -> None:
    assert wrong_with_client(replace(WEB, refresh_token_rotation=False), KNOWN) == []


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1",
        "http://127.0.0.1/",
        "http://127.0.0.1:8085",
        "http://127.0.0.1:8085/cb",
        "http://[::1]",
        "http://[::1]:8085/cb",
        "http://localhost",
        "http://localhost:8085/cb",
        "com.example.app:/cb",
        "com.example.app://cb",
        "com.example.my-app:/cb",
    ],
)
def test_a_native_app_may_register_its_loopback_address_or_private_scheme(uri: str) -> None:
    native = replace(NATIVE, redirect_uris=(uri,), post_logout_redirect_uris=(uri,))
    assert wrong_with_client(native, KNOWN) == []


@pytest.mark.parametrize("application_type", ["web", "browser"])
def test_localhost_is_for_native_apps_only(application_type: str) -> None:
    reason = refusal_of_uri("http://localhost:3000/cb", application_type)
    assert reason is not None
    assert "write 127.0.0.1" in reason


def test_localhost_comes_with_a_warning_that_says_why_the_address_is_better() -> None:
    risk = risk_of_uri("http://localhost:8085/cb", "native")
    assert risk is not None
    assert "another interface" in risk
    assert "register http://127.0.0.1:8085/cb" in risk
    assert risk_of_uri("http://127.0.0.1:8085/cb", "native") is None


@pytest.mark.parametrize(
    ("uri", "wrong", "instead"),
    [
        ("com.Example.App:/cb", "capital letters in its scheme", "register com.example.app:/cb,"),
        ("COM.example.app:/Cb", "capital letters in its scheme", "register com.example.app:/Cb,"),
        ("HTTPS://app.example.com/cb", "capital letters in its scheme", "register https://app.example.com/cb,"),
        ("HTTP://127.0.0.1/cb", "capital letters in its scheme", "register http://127.0.0.1/cb,"),
        ("com.example.my_app:/cb", "letters, digits, + - . only", "register com.example.my-app:/cb,"),
        ("com.Example.My_App:/cb", "letters, digits, + - . only", "register com.example.my-app:/cb,"),
        ("my_app:/cb", "letters, digits, + - . only", "register my-app:/cb,"),
        ("1com.example:/cb", "begins with a letter", ""),
        ("myapp:/cb", "without a dot", "such as com.example.app:/callback"),
        ("javascript:alert(1)", "without a dot", ""),
        ("JavaScript:alert(1)", "capital letters", ""),
        ("data:text/html,x", "without a dot", ""),
        ("vbscript:x", "without a dot", ""),
        ("file:///etc/passwd", "without a dot", ""),
        ("blob:https://app.example.com/x", "without a dot", ""),
        ("about:blank", "without a dot", ""),
        ("intent://scan/", "without a dot", ""),
        ("/cb", "no absolute URI", ""),
        ("cb", "no absolute URI", ""),
        ("?a:b", "no absolute URI", ""),
        (":cb", "no absolute URI", ""),
        ("http://[::1/cb", "no absolute URI", ""),
    ],
)
def test_my_scheme_is_refused_and_i_am_told_what_is_wrong_and_what_to_register(
    uri: str, wrong: str, instead: str
) -> None:
    """A scheme has no case and no underscore (RFC 3986 §3.1). The same holds for the URI after logout."""
    reason = refusal_of_uri(uri, "native")
    assert reason is not None
    assert wrong in reason
    assert instead in reason
    for member in ("redirect_uris", "post_logout_redirect_uris"):
        told = wrong_with_client(replace(NATIVE, **{member: (uri,)}), KNOWN)  # type: ignore[arg-type]
        assert [(each.member, each.value) for each in told] == [(member, uri)]


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://app.example.com:8443",
        "http://127.0.0.1:5173",
        "http://[::1]:5173",
        "http://localhost:5173",
        "http://localhost",
        "http://tauri.localhost",
        "https://tauri.localhost",
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "app://obsidian.md",
        "vscode-file://vscode-app",
        "chrome-extension://gighmmpiobklfepjocnamgkkbiglidom",
        "moz-extension://0cc1e4a1-8e7b-4a3c-9f2e-6d2b9a1c3d4e",
        "safari-web-extension://E8F2B6C1-1F0A-4B7B-9C3E-7D1D3B1A2C3D",
    ],
)
def test_the_origin_of_my_app_that_is_no_web_site_may_be_registered(origin: str) -> None:
    assert refusal_of_origin(origin) is None


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("null", "names no app"),
        ("*", "no origin"),
        ("https://*.example.com", "no origin"),
        ("capacitor://*", "no origin"),
        ("capacitor://", "no origin"),
        ("capacitor:localhost", "no origin"),
        ("capacitor", "no origin"),
        ("capacitor://localhost/", "write capacitor://localhost"),
        ("capacitor://localhost/index.html", "write capacitor://localhost"),
        ("capacitor://localhost?x", "write capacitor://localhost"),
        ("capacitor://me@localhost", "no origin"),
        ("capacitor://local host", "no origin"),
        ("capacitor://localhost\n", "write capacitor://localhost"),
        ("capacitor://löcalhost", "no origin"),
        ("Capacitor://localhost", "no origin"),
        ("file://", "no origin"),
        ("file://localhost", "have the origin null"),
        ("data://x", "have the origin null"),
        ("javascript://x", "have the origin null"),
        ("blob://x", "have the origin null"),
        ("http://app.example.com", "plain http"),
        ("http://localhost.evil.test", "plain http"),
        ("https://app.example.com/", "write https://app.example.com"),
        ("https://APP.example.com", "write https://app.example.com"),
    ],
)
def test_what_no_browser_sends_for_one_app_alone_is_no_origin(origin: str, reason: str) -> None:
    refusal = refusal_of_origin(origin)
    assert refusal is not None
    assert reason in refusal


def test_a_scope_and_an_api_are_told_of_by_their_members() -> None:
    circle = Scopes({**KNOWN.scopes, "buy": Scope("buy", "Buy", frozenset({"pay"}))})
    assert wrong_with_scope(Scope("new", "New"), KNOWN) == []
    assert wrong_with_scope(Scope("a b", "", frozenset({"nonsense"})), KNOWN) == [
        Wrong("name", "1 to 100 visible ASCII characters, save quote and backslash", "a b"),
        Wrong("description", "a sentence of at most 200 characters, for the consent page"),
        Wrong("includes", NOT_REGISTERED, "nonsense"),
    ]
    assert [each.reason for each in wrong_with_scope(Scope("pay", "Pay", frozenset({"buy"})), circle)] == [
        "in a circle, pay → buy → pay"
    ]
    assert wrong_with_api(ProtectedApi("urn:new", "New"), KNOWN, ISSUER) == []
    bad = ProtectedApi(ISSUER, "", frozenset({"buy", "nonsense"}), frozenset(), 5, "ES384", "opaque")
    wrong = wrong_with_api(bad, KNOWN, ISSUER)
    assert [(each.member, each.value) for each in wrong] == [
        ("audience", ISSUER),
        ("name", None),
        ("scopes", "nonsense"),
        ("scopes", "buy"),
        ("access_token_lifetime", None),
        ("access_token_signing_alg", "ES384"),
        ("access_token_format", "opaque"),
    ]


def test_two_apis_cannot_both_name_scopes_of_the_issuer() -> None:
    known = Scopes(KNOWN.scopes, {SHOP: ProtectedApi(SHOP, "Shop", frozenset({"openid"}))})
    wrong = wrong_with_api(ProtectedApi("urn:new", "New", frozenset({"offline_access"})), known, ISSUER)
    assert [(each.member, each.value) for each in wrong] == [("scopes", "offline_access")]


RING = (
    SigningKey("1", "RS256", "signing", {}),
    SigningKey("2", "ES256", "announced", {}),
    SigningKey("3", "PS256", "retired", {}),
)


def test_no_registration_changes_to_an_algorithm_that_no_key_signs_with() -> None:
    for alg, reason in (("ES256", "its keys are announced"), ("PS256", "deploy with a SigningAlgorithm that names it")):
        client, api = (
            replace(WEB, id_token_signed_response_alg=alg),
            ProtectedApi("u", "U", access_token_signing_alg=alg),
        )
        for before, after in ((None, client), (WEB, client), (None, api), (ProtectedApi("u", "U"), api)):
            (wrong,) = refusals_of_alg(after, before, RING)
            assert wrong.value == alg
            assert "only with RS256" in wrong.reason
            assert reason in wrong.reason
        # Another member may change while the lane is away.
        assert not [*refusals_of_alg(client, replace(client, owner="Them"), RING)]
        others = registered_for_others([WEB, client], [api, ProtectedApi("v", "V")], ("RS256",))
        assert [*others] == [client, api]
        assert not [*registered_for_others([WEB, client], [api], ("RS256", alg))]
    assert not [*refusals_of_alg(replace(WEB, id_token_signed_response_alg="RS256"), WEB, RING)]
    assert not [*refusals_of_alg(WEB, replace(WEB, id_token_signed_response_alg="PS256"), RING)]


def test_the_rules_do_not_speak_of_the_command_line() -> None:
    """Other callers answer an application, which has no `valet`."""
    bad = replace(WEB, scope=frozenset({"x"}), introspects=frozenset({"urn:x"}), grant_types=frozenset({"x"}))
    wrong = wrong_with_client(bad, KNOWN)
    assert not any("`" in each.reason or "--" in each.reason for each in wrong)
    assert {NOT_REGISTERED, NO_SUCH_API} <= {each.reason for each in wrong}


def test_a_browser_application_has_the_origins_of_its_redirect_uris() -> None:
    browser = replace(NATIVE, application_type="browser")
    assert with_defaults(browser).origins == {"https://app.example.com"}
    assert with_defaults(replace(browser, origins=frozenset({SHOP}))).origins == {SHOP}
    assert with_defaults(WEB).origins == frozenset()
