"""Resource indicators: comparison, what a request may name, and what a token request picks (RFC 8707 §2)."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.errors import InvalidScope, InvalidTarget
from valet.http import parse_parameters
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.protocol.resource import (
    compared,
    for_one,
    is_resource,
    named,
    not_picked,
    picked,
    requested,
    still_named,
)
from valet.protocol.scope import audience
from valet.registration.apis import refusal_of_audience

from tests.contract.facts import new_grant

ISSUER, SHOP, BANK = "https://id.example.com", "https://shop.example.com", "https://bank.example.com/api"
APIS = (
    ProtectedApi(SHOP, "Shop", frozenset({"profile", "buy", "sell"})),
    ProtectedApi(BANK, "Bank", frozenset({"pay", "pay.all"})),
    ProtectedApi("orders", "Orders", frozenset({"order"})),
    ProtectedApi("urn:example:bare", "Bare"),
    ProtectedApi("https://other.example", "Other", frozenset({"other"})),
)
INCLUDES = {"sell": {"buy"}, "all": {"buy", "pay"}}
NAMES = ("openid", "profile", "offline_access", "buy", "sell", "pay", "pay.all", "order", "other", "lone", "all")
KNOWN = Scopes(
    {name: Scope(name, name, frozenset(INCLUDES.get(name, ()))) for name in NAMES}, {api.audience: api for api in APIS}
)
CLIENT = Client("app", "App", scope=frozenset(NAMES) - {"other", "pay.all", "all"})


def ask(scope: str, *resources: str, client: Client = CLIENT) -> tuple[str, tuple[str, ...]]:
    query = "&".join((f"scope={scope}", *(f"resource={resource}" for resource in resources)))
    found, audiences = requested(parse_parameters(query), client, KNOWN)
    return " ".join(found), audiences


@pytest.mark.parametrize(
    "value",
    [SHOP, f"{SHOP}/", "HTTPS://Shop.Example.com", "urn:example:a", "https://a.example/b?c=%20", "a:b", "x+y:/"],
)
def test_a_resource_is_an_absolute_uri(value: str) -> None:
    assert is_resource(value)


NO_RESOURCES = (
    *("", "orders", "/api", "//shop.example.com", "shop.example.com/api", "https:", "1a:b", ":b", f" {SHOP}"),
    *(f"{SHOP}{rest}" for rest in ("#a", "#", "/a b", "/ä", "/%", "/%0g", "\n", "/<", "\\")),
)


@pytest.mark.parametrize("value", NO_RESOURCES)
def test_no_other_value_is_one(value: str) -> None:
    assert not is_resource(value)
    assert named(value, [value, SHOP]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SHOP, f"{SHOP}/"),
        (SHOP, "HTTPS://SHOP.example.COM"),
        (f"{BANK}", "https://BANK.example.com/api"),
        ("https://a.example:8443", "https://A.example:8443/"),
        ("URN:Example:a", "urn:Example:a"),
    ],
)
def test_the_case_of_scheme_and_host_and_a_slash_after_an_origin_do_not_count(one: str, other: str) -> None:
    assert compared(one) == compared(other)
    assert named(one, [other]) == other
    assert named(other, [one]) == one


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (BANK, f"{BANK}/"),
        (BANK, "https://bank.example.com/API"),
        (SHOP, f"{SHOP}//"),
        (SHOP, f"{SHOP}:443"),
        (SHOP, f"{SHOP}/."),
        (SHOP, f"{SHOP}?"),
        (SHOP, f"{SHOP}/?a=1"),
        (SHOP, "http://shop.example.com"),
        (SHOP, f"{SHOP}.evil.example"),
        (SHOP, f"{SHOP}@evil.example"),
        ("https://a.example/%41", "https://a.example/A"),
        ("urn:example:a", "urn:Example:a"),
        ("urn:example:a", "urn:example:a/"),
    ],
)
def test_everything_else_counts(one: str, other: str) -> None:
    assert compared(one) != compared(other)
    assert named(one, [other]) is None
    assert named(other, [one]) is None


def test_of_audiences_that_an_earlier_release_registered_twice_each_is_named_to_the_letter() -> None:
    twice = [SHOP, f"{SHOP}/"]
    assert [named(each, twice) for each in twice] == twice
    assert named("https://SHOP.example.com", twice) is None


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=4))
def test_whatever_is_sent_names_a_registered_audience_or_none(resource: str, audiences: list[str]) -> None:
    found = named(resource, audiences)
    assert found is None or (found in audiences and compared(found) == compared(resource))


def test_without_resource_a_request_is_answered_as_before() -> None:
    assert ask("openid buy") == ("buy openid", ())
    assert ask("lone") == ("lone", ())
    with pytest.raises(InvalidScope, match=r"The scopes buy, pay are .* name each API by the parameter resource"):
        ask("buy pay")


@pytest.mark.parametrize(
    ("scope", "resources", "granted", "audiences"),
    [
        ("buy", [SHOP], "buy", [SHOP]),
        ("buy", [f"{SHOP}/"], "buy", [SHOP]),
        ("openid buy offline_access", [SHOP], "buy offline_access openid", [SHOP]),
        ("sell", [SHOP], "buy sell", [SHOP]),
        ("openid profile", [SHOP], "openid profile", [SHOP]),  # a scope of the issuer that the API names
        ("buy pay", [SHOP, BANK], "buy pay", [SHOP, BANK]),
        ("pay buy openid", [BANK, f"{SHOP}/", SHOP], "buy openid pay", [BANK, SHOP]),
        ("openid buy unheard_of", [SHOP], "buy openid", [SHOP]),
    ],
)
def test_a_request_names_its_apis_and_their_scopes(
    scope: str, resources: list[str], granted: str, audiences: list[str]
) -> None:
    assert ask(scope, *resources) == (granted, tuple(audiences))


@pytest.mark.parametrize(
    "resource",
    ["orders", "urn:example:bare", "https://other.example", "https://nobody.example", ISSUER, f"{SHOP}#a", f"{BANK}/"],
)
@pytest.mark.parametrize("also", [[], [SHOP]])
def test_a_resource_of_which_the_client_may_ask_no_scope_is_an_invalid_target(resource: str, also: list[str]) -> None:
    with pytest.raises(InvalidTarget) as refused:
        ask("buy", *also, resource.replace("#", "%23"))
    assert refused.value.resource == resource
    assert resource.partition("#")[0] in refused.value.description


@pytest.mark.parametrize(
    ("scope", "resources", "names"),
    [
        ("buy pay", [SHOP], "pay"),  # of an API that is not named
        ("buy lone", [SHOP], "lone"),  # of no API
        ("openid", [SHOP], "openid"),  # none of the API's
        ("buy", [SHOP, BANK], "buy"),
        ("pay.all", [BANK], "pay.all"),  # registered, and not for this client
        ("unheard_of", [SHOP], "unheard_of"),
    ],
)
def test_a_scope_of_another_api_or_none_of_an_api_that_is_named_is_refused_by_name(
    scope: str, resources: list[str], names: str
) -> None:
    with pytest.raises(InvalidScope) as refused:
        ask(scope, *resources)
    assert refused.value.scope == names


def test_a_scope_that_includes_another_apis_asks_for_both() -> None:
    client = Client("app", "App", scope=frozenset({"all", "buy", "pay"}))
    with pytest.raises(InvalidScope):
        ask("all buy", SHOP, client=client)


@pytest.mark.parametrize(
    ("default", "resources", "granted"),
    [
        ("openid buy pay", [SHOP], "buy openid"),
        ("openid buy pay", [SHOP, BANK], "buy openid pay"),
        ("openid pay", [SHOP], "buy openid profile sell"),  # all of the client's that are the API's
        ("", [BANK], "pay"),
        ("buy", [BANK], "pay"),
    ],
)
def test_a_request_without_a_scope_gets_the_default_of_the_apis_that_it_names(
    default: str, resources: list[str], granted: str
) -> None:
    client = Client("app", "App", scope=CLIENT.scope, default_scope=frozenset(default.split()))
    assert ask("", *resources, client=client)[0] == granted


names = st.sets(st.sampled_from(NAMES), min_size=1).map(lambda found: " ".join(sorted(found)))
resources = st.lists(st.sampled_from([api.audience for api in APIS] + [f"{SHOP}/"]), max_size=3)


@given(names, resources)
def test_every_token_of_whatever_is_granted_is_for_one_named_api_and_its_scopes(scope: str, asked: list[str]) -> None:
    try:
        granted, audiences = ask(scope, *asked)
    except (InvalidScope, InvalidTarget):
        return
    parts: list[str] = []
    for each in audiences:
        part, known = for_one(each, granted.split(), KNOWN)
        assert audience(part, known, ISSUER) == ((each, ISSUER) if "openid" in part else (each,))
        foreign = {name for api in APIS if api.audience != each for name in api.scopes} - {"profile"}
        assert not foreign & set(part)
        parts += part
    assert set(parts) == (set(granted.split()) if audiences else set())


def test_what_is_left_after_a_change_of_the_registrations_is_never_more() -> None:
    both = (SHOP, BANK)
    assert still_named(both, ("buy", "openid", "pay"), KNOWN) == (("buy", "openid", "pay"), both)
    assert still_named(both, ("buy", "openid"), KNOWN) == (("buy", "openid"), (SHOP,))
    moved = Scopes(KNOWN.scopes, {SHOP: APIS[0], BANK: ProtectedApi(BANK, "Bank")})
    assert still_named(both, ("buy", "pay"), moved) == (("buy",), (SHOP,))
    with pytest.raises(InvalidScope):
        still_named((BANK,), ("openid", "pay"), moved)
    with pytest.raises(InvalidScope):
        for_one(BANK, ("openid", "pay"), moved)
    with pytest.raises(InvalidScope):
        for_one("https://nobody.example", ("openid", "pay"), KNOWN)


ONE, BOTH, NONE = new_grant(aud=(SHOP,)), new_grant(aud=(), resources=(SHOP, BANK)), new_grant(aud=())


@pytest.mark.parametrize("resource", [(SHOP,), (f"{SHOP}/",), (SHOP, f"{SHOP}/")])
def test_a_token_request_picks_one_api_of_the_grant(resource: tuple[str, ...]) -> None:
    assert picked(resource, BOTH) == picked(resource, ONE) == SHOP


def test_a_token_request_may_leave_the_resource_out_where_the_grant_has_one_api() -> None:
    assert picked((), ONE) == SHOP
    assert picked((), BOTH) is None
    assert picked((), NONE) is None


@pytest.mark.parametrize("grant", [ONE, BOTH, NONE])
@pytest.mark.parametrize(
    "resource", [("https://other.example",), ("orders",), (SHOP, BANK), (SHOP, "https://other.example"), (ISSUER,)]
)
def test_a_token_request_picks_none_by_another_resource_or_by_two(grant: object, resource: tuple[str, ...]) -> None:
    assert picked(resource, grant) is None  # type: ignore[arg-type]
    assert not_picked(resource, grant).resource == ", ".join(resource)  # type: ignore[arg-type]


def test_the_refusal_says_which_apis_were_granted() -> None:
    assert f"{SHOP}, {BANK}" in not_picked((), BOTH).description
    assert f"is not granted. Granted: {SHOP}" in not_picked((BANK,), ONE).description
    assert "leave resource out" in not_picked((BANK,), NONE).description


@pytest.mark.parametrize(
    "audience", ["https://new.example.com", "urn:new", f"{SHOP}/v2", "https://shop.example.com:8443"]
)
def test_a_new_api_may_have_any_audience_that_a_request_can_name(audience: str) -> None:
    assert refusal_of_audience(audience, (*KNOWN.apis, ISSUER)) is None


@pytest.mark.parametrize(
    ("audience", "reason"),
    [
        ("inventory", "no absolute URI"),
        (f"{SHOP}#v2", "no absolute URI"),
        (f"{SHOP}/", f"cannot tell it from {SHOP}"),
        ("https://SHOP.example.com", f"cannot tell it from {SHOP}"),
        (f"{ISSUER}/", f"cannot tell it from {ISSUER}"),
    ],
)
def test_a_new_api_has_no_audience_that_no_request_can_name(audience: str, reason: str) -> None:
    refusal = refusal_of_audience(audience, (*KNOWN.apis, ISSUER))
    assert refusal is not None
    assert reason in refusal


def test_tokens_of_a_code_and_of_a_refresh_are_issued_without_the_module_where_no_resource_is_named() -> None:
    code = (
        "import sys, valet.grant_types.authorization_code, valet.grant_types.refresh_token;"
        "sys.exit('valet.protocol.resource' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode
        == 0
    )
