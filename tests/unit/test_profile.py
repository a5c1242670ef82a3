"""The rules of the profile fapi2, one by one (FAPI 2.0 Security Profile §5.3.2, §5.4.1)."""

from dataclasses import replace
from typing import Any

import pytest
from valet.errors import UnauthorizedClient
from valet.models.clients import Client, Scope, Scopes
from valet.models.keys import SigningKey
from valet.protocol.profile import RULES, broken_by, check_record, values_to_set
from valet.registration.rules import Wrong, wrong_with_client, wrong_with_profile
from valet.registration.signing_algs import refusals_of_profile

KNOWN = Scopes({"openid": Scope("openid", "openid"), "buy": Scope("buy", "buy")})
SHOP = Client(
    "shop",
    "Shop",
    token_endpoint_auth_method="private_key_jwt",
    jwks_uri="https://shop.example.com/jwks.json",
    grant_types=frozenset({"authorization_code", "refresh_token"}),
    redirect_uris=("https://shop.example.com/in",),
    scope=frozenset({"openid"}),
    dpop_bound_access_tokens=True,
    require_pushed_authorization_requests=True,
    refresh_token_rotation=False,
    profile="fapi2",
)
JOB = replace(
    SHOP,
    grant_types=frozenset({"client_credentials"}),
    redirect_uris=(),
    scope=frozenset({"buy"}),
    require_pushed_authorization_requests=False,
    refresh_token_rotation=True,
)
SIGNS = {alg: SigningKey(alg, alg, "signing", {}) for alg in ("RS256", "PS256", "ES256")}


@pytest.mark.parametrize(
    "client",
    [
        SHOP,
        JOB,
        replace(SHOP, token_endpoint_auth_signing_alg="EdDSA"),
        replace(SHOP, id_token_signed_response_alg="ES256"),
        replace(SHOP, post_logout_redirect_uris=("http://127.0.0.1/out",)),
    ],
)
def test_a_client_that_keeps_every_rule_is_registered(client: Client) -> None:
    assert list(broken_by(client)) == []
    assert wrong_with_client(client, KNOWN) == []


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"token_endpoint_auth_method": "client_secret"}, {"private_key_jwt"}),
        ({"token_endpoint_auth_method": "client_secret_basic"}, {"private_key_jwt"}),
        ({"token_endpoint_auth_method": "none"}, {"private_key_jwt", "confidential"}),
        ({"application_type": "native"}, {"confidential"}),
        ({"dpop_bound_access_tokens": False}, {"sender-constrained tokens"}),
        ({"refresh_token_rotation": True}, {"no rotation"}),
        ({"require_pushed_authorization_requests": False}, {"pushed requests"}),
        ({"pkce": "optional"}, {"PKCE"}),
        ({"redirect_uris": ("http://127.0.0.1/in",)}, {"https"}),
        ({"redirect_uris": ("https://shop.example.com/in", "http://shop.example.com/in")}, {"https"}),
        ({"redirect_uris": ("com.example.shop:/in",)}, {"https"}),
        ({"token_endpoint_auth_signing_alg": "RS256"}, {"algorithm of assertions"}),
        ({"id_token_signed_response_alg": "RS256"}, {"algorithm of ID tokens"}),
    ],
)
def test_each_rule_is_broken_by_what_it_forbids_and_registration_refuses_that(
    changes: dict[str, Any], rules: set[str]
) -> None:
    client = replace(SHOP, **changes)
    assert {rule.name for rule in broken_by(client)} == rules
    wrong = {each.member: each.reason for each in wrong_with_profile(client)}
    assert wrong.keys() == {rule.member for rule in RULES if rule.name in rules}
    assert all("FAPI 2.0 Security Profile section 5." in reason for reason in wrong.values())
    assert set(wrong_with_profile(client)) <= set(wrong_with_client(client, KNOWN))
    # Without the profile, none of this is said.
    assert list(wrong_with_profile(replace(client, profile="plain"))) == []


def test_a_value_that_is_no_profile_is_refused_and_loosens_nothing() -> None:
    lax = replace(SHOP, profile="fapi3", pkce="optional")
    assert [each.member for each in wrong_with_profile(lax)] == ["profile", "pkce"]
    assert lax.is_fapi2


def test_what_has_one_possible_value_is_set_and_keeps_its_rule() -> None:
    plain = Client("shop", "Shop", grant_types=SHOP.grant_types, redirect_uris=SHOP.redirect_uris, pkce="optional")
    values = values_to_set(plain)
    assert values == {
        "token_endpoint_auth_method": "private_key_jwt",
        "dpop_bound_access_tokens": True,
        "refresh_token_rotation": False,
        "require_pushed_authorization_requests": True,
        "pkce": "required",
    }
    assert list(broken_by(replace(plain, **values))) == []  # type: ignore[arg-type]
    assert "require_pushed_authorization_requests" not in values_to_set(Client("job", "Job"))


@pytest.mark.parametrize("lanes", [("PS256",), ("ES256",), ("RS256", "PS256"), ("RS256", "ES256")])
def test_the_profile_needs_a_key_that_signs_with_another_algorithm_than_rs256(lanes: tuple[str, ...]) -> None:
    keys = [SIGNS[lane] for lane in lanes]
    assert list(refusals_of_profile(SHOP, None, keys)) == []


@pytest.mark.parametrize("keys", [(), (SIGNS["RS256"],), (SIGNS["RS256"], replace(SIGNS["PS256"], state="announced"))])
def test_without_one_registration_says_which_parameter_to_set(keys: tuple[SigningKey, ...]) -> None:
    for before in (None, replace(SHOP, profile="plain")):
        (wrong,) = refusals_of_profile(SHOP, before, keys)
        assert isinstance(wrong, Wrong)
        assert wrong.member == "profile"
        assert "SigningAlgorithm PS256, ES256, RS256+PS256 or RS256+ES256" in wrong.reason
    # Another member of a client that has the profile already can change.
    assert list(refusals_of_profile(SHOP, SHOP, keys)) == []
    assert list(refusals_of_profile(replace(SHOP, profile="plain"), None, keys)) == []


def test_a_record_that_was_good_is_judged_again_when_it_was_read_again() -> None:
    check_record(SHOP)
    with pytest.raises(UnauthorizedClient, match="bound to a key"):
        check_record(replace(SHOP, dpop_bound_access_tokens=False))
    check_record(SHOP)
