"""The rules for other providers, member by member, and the kinds that the records and the code know."""

from __future__ import annotations

from typing import Any

import pytest
from valet.frozen import replace
from valet.models.providers import Provider
from valet.outbound.providers import MODULES
from valet.registration.discovery import KINDS, PRESETS, Unusable, discovery_url, drift, pinned, pinned_github
from valet.registration.providers import overlaps, refusal_of_secret, wrong_with_provider

from tests.support.providers import TENANT, FakeProvider, p8


def good(of: str = "oidc", **changes: Any) -> Provider:
    return replace(FakeProvider(of).provider, **{"secret": b"sealed", **changes})


def wrong(provider: Provider, *, is_local: bool = False) -> list[str]:
    return [each.member for each in wrong_with_provider(provider, is_local=is_local)]


def test_each_kind_of_record_has_its_module_and_its_preset() -> None:
    assert set(KINDS) == set(MODULES) == {each.kind for each in PRESETS.values()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_record_breaks_no_rule(kind: str) -> None:
    assert wrong(good(kind)) == []


@pytest.mark.parametrize(
    ("kind", "changes", "members"),
    [
        ("oidc", {"provider_id": "-x"}, ["provider_id"]),
        ("oidc", {"provider_id": "x" * 33}, ["provider_id"]),
        ("oidc", {"provider_id": "a/b"}, ["provider_id"]),
        ("oidc", {"provider_id": "local"}, ["provider_id"]),
        ("oidc", {"name": ""}, ["name"]),
        ("oidc", {"kind": "saml"}, ["kind"]),
        ("oidc", {"issuer": "https://idp.example.com/?x"}, ["issuer"]),
        ("oidc", {"issuer": "http://idp.example.com"}, ["issuer"]),
        ("google", {"issuer": "https://accounts.google.com.evil.example"}, ["issuer"]),
        ("apple", {"issuer": "https://appleid.apple.com/"}, ["issuer"]),
        ("entra", {"issuer": "https://login.microsoftonline.com/common/v2.0"}, ["issuer", "tenants"]),
        ("entra", {"issuer": f"https://login.evil.example/{TENANT}/v2.0"}, ["issuer", "tenants"]),
        ("entra", {"issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0"}, ["tenants"]),
        ("entra", {"tenants": frozenset()}, ["tenants"]),
        ("entra", {"tenants": frozenset({"acme.onmicrosoft.com"})}, ["tenants"]),
        ("google", {"tenants": frozenset({"ACME"})}, ["tenants"]),
        ("oidc", {"tenants": frozenset({TENANT})}, ["tenants"]),
        ("github", {"issuer": "https://github.com"}, ["issuer"]),
        ("github", {"jwks_uri": "https://github.com/keys"}, ["jwks_uri"]),
        ("github", {"userinfo_endpoint": ""}, ["userinfo_endpoint"]),
        ("github", {"roles_claim": "groups"}, ["roles_claim"]),
        ("oidc", {"authorization_endpoint": ""}, ["authorization_endpoint"]),
        ("oidc", {"token_endpoint": "http://127.0.0.1:9001/2018-06-01/runtime"}, ["token_endpoint"]),
        ("oidc", {"jwks_uri": "https://169.254.169.254/keys"}, ["jwks_uri"]),
        ("oidc", {"userinfo_endpoint": "https://idp/userinfo"}, ["userinfo_endpoint"]),
        ("oidc", {"client_id": ""}, ["client_id"]),
        ("oidc", {"client_id": "a b"}, ["client_id"]),
        ("oidc", {"secret": b""}, ["secret"]),
        ("oidc", {"token_endpoint_auth_method": "none"}, ["token_endpoint_auth_method"]),
        ("apple", {"key_id": ""}, ["key_id"]),
        ("apple", {"team_id": "short"}, ["team_id"]),
        ("oidc", {"team_id": "TEAM123456"}, ["team_id"]),
        ("oidc", {"scope": ("email",)}, ["scope"]),
        ("oidc", {"scope": ("openid", 'a"b')}, ["scope"]),
        ("oidc", {"algs": ()}, ["algs"]),
        ("oidc", {"algs": ("RS256", "HS256")}, ["algs"]),
        ("oidc", {"algs": ("none",)}, ["algs"]),
        ("oidc", {"domains": frozenset({"localhost"})}, ["domains"]),
        ("oidc", {"links": "all"}, ["links"]),
        ("oidc", {"links": "verified"}, ["links"]),
        ("oidc", {"roles": frozenset({"a=b"})}, ["roles"]),
        ("oidc", {"roles_claim": "g", "roles": frozenset({"=b"})}, ["roles"]),
        ("oidc", {"roles_claim": "g", "roles": frozenset({"a=two words"})}, ["roles"]),
        ("oidc", {"roles_claim": "a b"}, ["roles_claim"]),
        ("oidc", {"acr_values": frozenset({"mfa=phr"})}, ["acr_values"]),
        ("oidc", {"translations": frozenset({"name#de=A\u202eB"})}, ["translations"]),
    ],
    ids=str,
)
def test_each_rule_names_its_member(kind: str, changes: dict[str, Any], members: list[str]) -> None:
    assert wrong(good(kind, **changes)) == members


def test_in_the_local_stack_a_provider_may_be_on_this_machine() -> None:
    here = {
        name: f"http://127.0.0.1:4000/{name}"
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")
    }
    assert wrong(good(**here), is_local=True) == []
    assert set(wrong(good(**here))) == set(here)
    assert wrong(good(token_endpoint="http://127.0.0.2:4000/token"), is_local=True) == ["token_endpoint"]


def test_a_secret_is_what_the_kind_has() -> None:
    assert refusal_of_secret(good(), b"GOCSPX-~._secret") is None
    assert refusal_of_secret(good("apple"), p8()) is None
    public = p8().replace(b"PRIVATE", b"PUBLIC")
    for kind, secret in (("oidc", b""), ("oidc", b"a\nb"), ("apple", b"secret"), ("apple", public), ("oidc", p8())):
        assert refusal_of_secret(good(kind), secret)


def test_where_the_description_is() -> None:
    known = "/.well-known/openid-configuration"
    assert discovery_url(good(issuer="https://a.example/")) == f"https://a.example{known}"
    assert discovery_url(good(issuer="https://a.example/realms/x")) == f"https://a.example/realms/x{known}"
    assert discovery_url(good("entra")) == f"https://login.microsoftonline.com/organizations/v2.0{known}"
    assert discovery_url(good("github")) == ""


def test_a_description_of_another_issuer_is_none_of_this_provider() -> None:
    with pytest.raises(Unusable, match="another issuer"):
        pinned(good(issuer="https://a.example"), {"issuer": "https://a.example/"}, has_userinfo=True)


def test_drift_names_what_differs_and_nothing_that_an_operator_chose() -> None:
    before = pinned_github(good("github"))
    assert drift(before, before) == []
    now = replace(before, token_endpoint="https://b.example/token", sends_iss=True, algs=("ES256",), name="x")
    assert drift(before, now) == ["token_endpoint", "sends_iss"]


def test_a_domain_of_two_enabled_providers_is_an_overlap() -> None:
    one, two = good(domains=frozenset({"a.example", "b.example"})), good(domains=frozenset({"b.example"}))
    assert list(overlaps((one, two))) == [("b.example", [one, two])]
    assert list(overlaps((one, replace(two, is_disabled=True)))) == []
