"""Signing in with another provider: what each kind is asked, and what it has told when a code is redeemed."""

from __future__ import annotations

from typing import Any

import pytest
from valet.errors import TemporarilyUnavailable, UpstreamRefused
from valet.fetch import FetchFailed
from valet.frozen import replace
from valet.models.providers import Identity
from valet.outbound.asking import Answer
from valet.outbound.providers import MODULES, check_iss

from tests.support.providers import OTHER_TENANT, TENANT, FakeProvider, parameters_of
from tests.support.trips import VERIFIER, challenge_of, code_of, redeemed, redirect_uri_of, url_of


def refusal(idp: FakeProvider, code: str = "", **changes: Any) -> str:
    with pytest.raises(UpstreamRefused) as refused:
        redeemed(idp, code, **changes)
    return refused.value.detail


# -- what the browser is sent to ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(MODULES))
def test_every_request_is_bound_by_state_and_pkce_to_a_redirect_uri_of_this_provider(kind: str) -> None:
    idp = FakeProvider(kind)
    asked = parameters_of(url_of(idp))
    assert asked["redirect_uri"] == redirect_uri_of(idp)
    assert (asked["client_id"], asked["state"]) == (idp.provider.client_id, "state")
    assert (asked["code_challenge"], asked["code_challenge_method"]) == (challenge_of(VERIFIER), "S256")
    assert asked["scope"] == " ".join(idp.provider.scope)
    assert ("nonce" in asked) == (kind != "github")  # it has no ID token
    assert asked.get("response_mode") == ("form_post" if kind == "apple" else None)
    assert "code_verifier" not in asked


def test_a_query_of_the_authorization_endpoint_is_kept() -> None:
    idp = FakeProvider(authorization_endpoint="https://idp.example.com/authorize?tenant=a%20b")
    assert url_of(idp).startswith("https://idp.example.com/authorize?tenant=a%20b&client_id=")


@pytest.mark.parametrize(
    ("kind", "prompt", "hint"),
    [
        ("oidc", "login", "login_hint"),
        ("entra", "login", "login_hint"),
        ("google", "select_account", "login_hint"),
        ("github", "select_account", "login"),
    ],
)
def test_a_fresh_sign_in_is_asked_for_as_the_provider_knows_it(kind: str, prompt: str, hint: str) -> None:
    more = {"login_hint": "ann@example.com", "prompt_login": True, "max_age": 0, "ui_locales": "de"}
    asked = parameters_of(url_of(FakeProvider(kind), **more))
    assert (asked["prompt"], asked[hint]) == (prompt, "ann@example.com")
    if kind != "github":
        assert (asked["max_age"], asked["ui_locales"]) == ("0", "de")


def test_a_disabled_provider_or_one_of_an_unknown_kind_is_asked_nothing() -> None:
    idp = FakeProvider()
    code = code_of(idp)
    for record, reason in (
        (replace(idp.provider, is_disabled=True), "the provider is disabled"),
        (replace(idp.provider, kind="saml"), "a kind of provider that this release does not know"),
    ):
        idp.provider = record
        assert refusal(idp, code) == reason
        with pytest.raises(UpstreamRefused):
            url_of(idp)
    assert idp.asked == []


# -- whose response it is: mix-up --------------------------------------------------------------------------------------


def test_mix_up_a_response_that_names_another_issuer_is_refused() -> None:
    idp, other = FakeProvider(sends_iss=True), FakeProvider(sends_iss=True)
    check_iss(idp.provider, idp.provider.issuer)
    for iss in (other.provider.issuer, "", f"{idp.provider.issuer}/", idp.provider.issuer.upper()):
        with pytest.raises(UpstreamRefused, match="did not say"):
            check_iss(idp.provider, iss)


def test_mix_up_a_response_without_iss_is_refused_where_the_provider_always_sends_it() -> None:
    with pytest.raises(UpstreamRefused):
        check_iss(FakeProvider(sends_iss=True).provider, None)
    check_iss(FakeProvider().provider, None)


def test_mix_up_entra_names_one_of_its_tenants() -> None:
    idp = FakeProvider("entra")
    check_iss(idp.provider, f"https://login.microsoftonline.com/{TENANT}/v2.0")
    for iss in (f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0", idp.provider.issuer):
        with pytest.raises(UpstreamRefused):
            check_iss(idp.provider, iss)


def test_mix_up_a_code_of_another_provider_is_worth_nothing() -> None:
    """The attacker's provider brings the victim's code to Valet: Valet redeems it where the trip began, and there it is
    unknown."""
    honest, attackers = FakeProvider(), FakeProvider()
    stolen = code_of(honest)
    assert refusal(attackers, stolen) == "the token endpoint: status 400, invalid_grant"
    assert redeemed(honest, stolen).subject == honest.claims["sub"]  # nothing was spent


# -- code injection ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(MODULES))
def test_a_code_of_another_browser_is_refused_by_pkce(kind: str) -> None:
    idp = FakeProvider(kind)
    code = code_of(idp)
    error = "status 200, bad_verification_code" if kind == "github" else "status 400, invalid_grant"
    assert refusal(idp, code, code_verifier="w" * 43) == f"the token endpoint: {error}"


@pytest.mark.parametrize("kind", sorted(set(MODULES) - {"github"}))
def test_an_id_token_of_another_trip_is_refused_by_its_nonce(kind: str) -> None:
    assert refusal(FakeProvider(kind), nonce="a nonce of another trip") == "ID token: another nonce"


# -- what each provider proves -----------------------------------------------------------------------------------------


def test_an_openid_provider_tells_who_the_person_is() -> None:
    idp = FakeProvider(domains=frozenset({"example.com"}))
    auth_time = int(idp.now()) - 10
    told = {"given_name": "Ann", "family_name": "Ro\u00df", "locale": "de-CH", "auth_time": auth_time}
    idp.claims |= {**told, "amr": ["pwd", "otp", "mfa", "something-private", 7], "email": "Ann@Example.com"}
    identity = redeemed(idp)
    expected = Identity(
        idp.host, idp.claims["sub"], "Ann@Example.com", True, f"Person {idp.number}", "Ann", "Ro\u00df", "de-CH",
        acr="urn:valet:acr:upstream", amr=("pwd", "otp", "mfa"), auth_time=auth_time,
    )  # fmt: skip
    assert vars(identity) == vars(expected)
    assert "Ann" not in repr(identity)
    assert idp.asked == ["/token", "/keys"]


def test_the_secret_goes_by_basic_where_it_is_registered_so() -> None:
    """In its own encoding (RFC 6749 §2.3.1): the fake's secret has characters that need it."""
    assert redeemed(FakeProvider(token_endpoint_auth_method="client_secret_basic")).subject


def test_a_wrong_secret_is_told_to_the_log_alone() -> None:
    idp = FakeProvider()
    idp.secret = b"old"
    assert refusal(idp) == "the token endpoint: status 401, invalid_client"


@pytest.mark.parametrize("email_verified", [None, False, "true", 1, "false", []])
def test_an_address_that_is_not_proven_upstream_counts_as_not_told(email_verified: object) -> None:
    idp = FakeProvider(domains=frozenset({"example.com"}))
    idp.lies = {"email_verified": email_verified}
    identity = redeemed(idp)
    assert (identity.email, identity.is_authoritative) == ("", False)
    assert identity.subject == idp.claims["sub"]


@pytest.mark.parametrize(
    "email",
    [
        7, "", "ann", "ann@", "@example.com", "ann@example", "ann@example.com\n", "ann@exa mple.com", "a@b@example.com",
        f"{'a' * 65}@example.com", f"ann@{'a.' * 126}com", "ann@example.com,eve@example.com", "Ann <ann@example.com>",
        "\uff41nn@example.com",  # compared as ann@example.com, and another mailbox
    ],
)  # fmt: skip
def test_what_is_no_plain_address_counts_as_not_told(email: object) -> None:
    idp = FakeProvider()
    idp.lies = {"email": email}
    assert redeemed(idp).email == ""


def test_names_that_would_turn_a_page_around_are_not_told() -> None:
    idp = FakeProvider()
    idp.lies = {"name": "Ann\u202eevil", "given_name": "x" * 101, "family_name": ["Ann"], "locale": "<script>"}
    identity = redeemed(idp)
    assert (identity.name, identity.given_name, identity.family_name, identity.locale) == ("", "", "", "")


@pytest.mark.parametrize("auth_time", [None, "now", True, 0, -5])
def test_without_an_auth_time_no_sign_in_is_fresh(auth_time: object) -> None:
    idp = FakeProvider()
    idp.lies = {"auth_time": auth_time}
    assert redeemed(idp).auth_time is None


def test_an_auth_time_is_never_in_the_future() -> None:
    idp = FakeProvider()
    idp.lies = {"auth_time": idp.now() + 30}
    assert redeemed(idp).auth_time == idp.now()
    idp.lies = {"auth_time": idp.now() + 10**300}
    assert refusal(idp) == "ID token: auth_time is ahead"


def test_roles_and_levels_follow_the_operators_rules_alone() -> None:
    idp = FakeProvider(
        roles_claim="groups",
        roles=frozenset({"cn=staff,dc=example=employee", "ops=admin"}),
        acr_values=frozenset({"https://refeds.org/profile/mfa=urn:valet:acr:multi-factor"}),
    )
    idp.lies = {"groups": ["cn=staff,dc=example", "admin", 7], "acr": "https://refeds.org/profile/mfa", "amr": "mfa"}
    identity = redeemed(idp)
    assert identity.roles == {"employee"}
    assert (identity.acr, identity.amr) == ("urn:valet:acr:multi-factor", ())
    idp.lies = {"groups": "ops", "acr": ["https://refeds.org/profile/mfa"], "roles": ["ops"]}
    identity = redeemed(idp)
    assert (set(identity.roles), identity.acr) == ({"admin"}, "urn:valet:acr:upstream")


def test_a_method_can_stand_for_a_level() -> None:
    idp = FakeProvider(acr_values=frozenset({"mfa=urn:valet:acr:multi-factor"}))
    idp.lies = {"amr": ["pwd", "mfa"]}
    assert redeemed(idp).acr == "urn:valet:acr:multi-factor"


# -- UserInfo ----------------------------------------------------------------------------------------------------------


def test_an_address_that_only_userinfo_tells_counts_with_its_own_proof() -> None:
    idp = FakeProvider(roles_claim="groups", roles=frozenset({"ops=admin"}))
    idp.lies = {"email": None}  # and email_verified: true, of no address
    idp.userinfo = {"email": "ann@example.com", "email_verified": False, "acr": "phr", "amr": ["hwk"], "iss": "x"}
    assert redeemed(idp).email == ""
    idp.userinfo |= {"email_verified": True, "groups": ["ops"]}
    identity = redeemed(idp)
    assert (identity.email, set(identity.roles)) == ("ann@example.com", {"admin"})
    assert (identity.issuer, identity.acr, identity.amr) == (idp.host, "urn:valet:acr:upstream", ())


def test_an_address_and_its_proof_are_of_one_source() -> None:
    """FusionAuth #2542: the address of one document was linked by the proof of another."""
    idp = FakeProvider()
    idp.lies = {"email_verified": None}  # Okta: the address without its proof
    idp.userinfo = {"email_verified": True}
    assert redeemed(idp).email == ""
    idp.userinfo = {"email": "other@example.com", "email_verified": True}
    assert redeemed(idp).email == "other@example.com"
    idp.userinfo = {"email": idp.claims["email"], "email_verified": False}
    assert redeemed(idp).email == ""


def test_userinfo_does_not_replace_what_the_id_token_says() -> None:
    idp = FakeProvider(roles_claim="groups")
    idp.userinfo = {"email": "eve@example.com", "email_verified": True, "name": "Eve"}
    identity = redeemed(idp)
    assert (identity.email, identity.name) == (idp.claims["email"], idp.claims["name"])


def test_userinfo_of_another_person_is_refused() -> None:
    idp = FakeProvider()
    idp.lies, idp.userinfo = {"email": None}, {"sub": "somebody-else", "email": "eve@example.com"}
    assert refusal(idp) == "the UserInfo endpoint: another sub"


def test_a_userinfo_endpoint_that_refuses_is_not_left_out() -> None:
    idp = FakeProvider()
    idp.lies = {"email": None}
    idp.fails("userinfo_endpoint", Answer(403, b""))
    assert refusal(idp) == "the UserInfo endpoint: status 403"


# -- Google, Apple, GitHub ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "is_authoritative"),
    [
        ({"hd": "example.com", "email": "ann@example.com"}, True),
        ({"hd": None, "email": "ann@example.com"}, False),
        ({"hd": None, "email": "ann@GMAIL.com"}, True),
        ({"hd": "example.com", "email": "ann@example.com", "email_verified": False}, False),
    ],
)
def test_google_is_authoritative_for_an_organizations_addresses_and_its_own(
    claims: dict[str, object], is_authoritative: bool
) -> None:
    idp = FakeProvider("google")
    idp.lies = claims
    assert redeemed(idp).is_authoritative is is_authoritative


@pytest.mark.parametrize("hd", [None, "other.example", ["example.com"], ""])
def test_google_may_be_held_to_organizations(hd: object) -> None:
    idp = FakeProvider("google", tenants=frozenset({"example.com"}))
    idp.lies = {"hd": "example.com"}
    assert redeemed(idp).subject
    idp.lies = {"hd": hd}
    assert refusal(idp) == "hd: an account of no organization that may sign in"


@pytest.mark.parametrize(
    ("email_verified", "is_proven"), [("true", True), (True, True), ("false", False), (False, False), (None, False)]
)
def test_apple_tells_in_words_whether_an_address_is_proven(email_verified: object, is_proven: bool) -> None:
    idp = FakeProvider("apple")
    idp.lies = {"email": "x7@privaterelay.appleid.com", "email_verified": email_verified}
    identity = redeemed(idp)
    assert identity.email == ("x7@privaterelay.appleid.com" if is_proven else "")
    assert identity.issuer == "https://appleid.apple.com"


def test_apples_client_secret_is_signed_for_one_exchange() -> None:
    idp = FakeProvider("apple")
    idp.secret = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
    assert refusal(idp) == "the private key is not a .p8 file"
    idp = FakeProvider("apple", now=lambda: 1_900_000_000)  # the fake holds it to its times
    assert redeemed(idp).subject


def test_github_is_known_by_its_number_and_not_by_a_name_that_another_may_take() -> None:
    idp = FakeProvider("github")
    identity = redeemed(idp)
    assert (identity.issuer, identity.subject) == ("https://github.com/login/oauth", str(1000 + idp.number))
    assert (identity.email, identity.auth_time) == (f"person{idp.number}@example.com", None)
    for number in (None, "7", True):
        idp.claims = {"id": number, "login": "ann"}
        assert refusal(idp) == "the user's data: id is missing"


def test_github_tells_a_primary_address_only_if_it_is_proven() -> None:
    idp = FakeProvider("github")
    for addresses in (
        [{"email": "ann@example.com", "primary": True, "verified": False}],
        [{"email": "ann@example.com", "primary": False, "verified": True}],
        [{"email": "ann@example.com", "primary": True, "verified": "true"}],
        ["ann@example.com"],
        [],
    ):
        idp.addresses = addresses
        assert redeemed(idp).email == ""
    idp.fails("userinfo_endpoint", Answer(401, b""))
    assert refusal(idp) == "the user's data: status 401"


def test_a_person_may_keep_their_addresses_from_github_apps() -> None:
    idp = FakeProvider("github")
    idp.answers["/user/emails"] = Answer(403, b"")
    assert redeemed(idp).email == ""
    idp = FakeProvider("github", scope=("read:user",))
    assert redeemed(idp).email == ""
    assert "/user/emails" not in idp.asked


# -- Entra: nOAuth -----------------------------------------------------------------------------------------------------


def entra(**record: Any) -> FakeProvider:
    return FakeProvider("entra", **record)


def one_tenant(**record: Any) -> FakeProvider:
    return entra(issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0", tenants=frozenset(), **record)


def test_entra_each_tenant_is_an_issuer_of_its_own() -> None:
    idp = entra(tenants=frozenset({TENANT, OTHER_TENANT}))
    assert redeemed(idp).issuer == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    idp.claims["tid"] = OTHER_TENANT
    assert redeemed(idp).issuer == f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"


@pytest.mark.parametrize("tid", [OTHER_TENANT, None, "", "{tenantid}", [TENANT], f"{TENANT}/v2.0/../x"])
def test_entra_a_tenant_that_is_not_on_the_list_is_refused(tid: object) -> None:
    idp = entra()
    idp.claims["tid"] = tid
    assert refusal(idp) == "tid: a tenant whose people may not sign in"


def test_entra_a_tenant_that_names_another_one_is_refused() -> None:
    """A token of the attacker's tenant that claims the tid of the victim's."""
    idp = entra()
    idp.lies = {"iss": f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"}
    assert refusal(idp) == "ID token: another iss"


@pytest.mark.parametrize(
    "lies", [{"xms_edov": None}, {"xms_edov": False}, {"xms_edov": "0"}, {"xms_edov": None, "email_verified": True}]
)
def test_noauth_an_address_that_any_administrator_may_write_proves_nothing(lies: dict[str, object]) -> None:
    idp = entra(domains=frozenset({"example.com"}))
    idp.lies = lies
    identity = redeemed(idp)
    assert (identity.email, identity.is_authoritative) == ("", False)


@pytest.mark.parametrize("xms_edov", [True, "true", "1", 1])
def test_entra_a_verified_domain_proves_the_address(xms_edov: object) -> None:
    idp = entra()
    idp.lies = {"xms_edov": xms_edov}
    identity = redeemed(idp)
    assert (identity.email, identity.is_authoritative) == (idp.claims["email"], False)


def test_entra_one_tenant_proves_the_addresses_of_its_domains_by_the_operators_word() -> None:
    idp = one_tenant(domains=frozenset({"example.com"}))
    idp.lies = {"xms_edov": None}
    identity = redeemed(idp)
    assert (identity.email, identity.is_authoritative) == (idp.claims["email"], True)
    idp.lies = {"xms_edov": None, "email": "guest@elsewhere.example"}
    assert redeemed(idp).email == ""
    idp.lies = {"xms_edov": False}  # the tenant says itself that the domain is not its own
    assert redeemed(idp).email == ""


# -- outages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        FetchFailed("no answer within 2.0 s"),
        FetchFailed("more than 65536 bytes"),
        FetchFailed("10.0.0.1 is not a public address"),
        Answer(500, b""),
        Answer(503, b"{}"),
        Answer(429, b""),
    ],
    ids=str,
)
@pytest.mark.parametrize("address", ["token_endpoint", "jwks_uri"])
def test_an_outage_refuses_nobody(address: str, answer: Answer | FetchFailed) -> None:
    idp = FakeProvider()
    idp.fails(address, answer)
    with pytest.raises(TemporarilyUnavailable) as unavailable:
        redeemed(idp)
    what = "the token endpoint" if address == "token_endpoint" else "the key set"
    assert unavailable.value.detail.startswith(f"{what}: ")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(302, b""), "status 302, no error code"),
        (Answer(400, b'{"error": ["x"]}'), "status 400, no error code"),
        (Answer(400, b"<html>person@example.com"), "status 400, no error code"),
        (Answer(200, b"<html>"), "not JSON"),
        (Answer(200, b'{"id_token": "a", "id_token": "b"}'), "a JSON member is repeated"),
        (Answer(200, b"[]"), "not one JSON object"),
        (Answer(200, b"{}"), "id_token is missing"),
        (Answer(200, b'{"id_token": 7}'), "id_token is missing"),
    ],
)
def test_an_answer_that_is_no_token_response_is_refused(answer: Answer, reason: str) -> None:
    idp = FakeProvider()
    idp.fails("token_endpoint", answer)
    assert refusal(idp) == f"the token endpoint: {reason}"


def test_an_error_code_is_quoted_for_the_log_and_its_description_is_not() -> None:
    idp = FakeProvider()
    body = b'{"error": "invalid_grant\\n\\"x", "error_description": "ann@example.com"}'
    idp.fails("token_endpoint", Answer(400, body))
    assert refusal(idp) == "the token endpoint: status 400, invalid_grant??x"
