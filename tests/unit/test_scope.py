"""Scopes: syntax, closure, audience (RFC 6749 §3.3, RFC 9068 §3)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.errors import InvalidScope
from valet.http import Parameters
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.protocol.scope import audience, closure, narrowed_scope, parse_scope, requested_scope

ISSUER = "https://id.example.com"
SHOP, BANK = "https://shop.example.com", "https://bank.example.com"


def scopes(**includes: str) -> Scopes:
    """Each scope by its name, with the scopes that it includes."""
    found = {name: Scope(name, name, frozenset(included.split())) for name, included in includes.items()}
    apis = {
        SHOP: ProtectedApi(SHOP, "Shop", frozenset({"profile", "buy", "sell", "owner"})),
        BANK: ProtectedApi(BANK, "Bank", frozenset({"pay"})),
    }
    return Scopes(found, apis)


KNOWN = scopes(openid="", profile="", offline_access="", buy="", sell="buy", owner="sell profile", pay="")
CLIENT = Client("app", "App", scope=frozenset({"openid", "profile", "owner", "pay"}))


def ask(scope: str | None, client: Client = CLIENT) -> tuple[str, ...]:
    return requested_scope(Parameters({"scope": scope} if scope is not None else {}), client, KNOWN)


def test_each_scope_is_taken_once_in_its_order() -> None:
    assert parse_scope("b a b c a") == ("b", "a", "c")


@pytest.mark.parametrize("value", ["a\tb", "a\nb", 'a"b', "a\\b", "ä", "a\u00a0b", "a\x7f"])
def test_what_the_grammar_does_not_know_is_refused(value: str) -> None:
    with pytest.raises(InvalidScope):
        parse_scope(value)


def test_the_closure_has_all_that_is_included_however_deep() -> None:
    assert closure(["owner"], KNOWN) == ("buy", "owner", "profile", "sell")
    assert closure(["sell", "openid"], KNOWN) == ("buy", "openid", "sell")
    assert closure([], KNOWN) == ()


def test_the_closure_ends_where_scopes_include_each_other() -> None:
    assert closure(["a"], scopes(a="b", b="c", c="a")) == ("a", "b", "c")


def test_the_closure_leaves_out_what_is_no_longer_registered() -> None:
    assert closure(["a", "gone"], scopes(a="gone b", b="")) == ("a", "b")


names = st.sets(st.sampled_from(sorted(KNOWN.scopes)))


@given(first=names, second=names)
def test_the_closure_is_monotone_and_closed(first: set[str], second: set[str]) -> None:
    closed = closure(first, KNOWN)
    assert first <= set(closed)
    assert closure(closed, KNOWN) == closed
    assert set(closed) <= set(closure(first | second, KNOWN))


def test_what_is_asked_for_is_closed() -> None:
    assert ask("owner") == ("buy", "owner", "profile", "sell")


def test_what_a_registered_scope_includes_may_be_asked_for_alone() -> None:
    assert ask("buy") == ("buy",)


@pytest.mark.parametrize(
    ("value", "names"), [("", ()), ("  ", ()), (" a", ("a",)), ("a ", ("a",)), ("a  b ", ("a", "b"))]
)
def test_my_library_joins_scopes_with_a_space_too_many_and_is_understood(value: str, names: tuple[str, ...]) -> None:
    assert parse_scope(value) == names


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("openid unheard_of", ("openid",)),
        ("openid profile address phone roles", ("openid", "profile")),
        ("openid offline_access", ("openid",)),  # registered, but not for this client
        ("openid offline_access buy unheard_of", ("buy", "openid")),
    ],
)
def test_my_library_asks_every_provider_for_the_same_scopes_and_gets_those_that_are_here(
    scope: str, asked: tuple[str, ...]
) -> None:
    """OpenID Connect Core §3.1.2.1 and §11."""
    assert ask(scope) == asked


def test_a_library_adds_offline_access_to_what_an_api_asks_for_and_gets_the_rest() -> None:
    """OpenID Connect Core §11. MCP's libraries do so wherever the metadata of the server has it."""
    assert ask("buy offline_access") == ("buy",)
    allowed = replace(CLIENT, scope=CLIENT.scope | {"offline_access"})
    parameters = Parameters({"scope": "buy offline_access"})
    assert requested_scope(parameters, allowed, KNOWN) == ("buy", "offline_access")


@pytest.mark.parametrize(
    ("scope", "description", "names"),
    [
        ("unheard_of", "The scope unheard_of is not registered at this server.", "unheard_of"),
        ("OPENID", "The scope OPENID is not registered at this server. Names are case-sensitive", "OPENID"),
        ("openid,profile", "The scope openid,profile is not registered at this server.", "openid,profile"),
        ("offline_access", "The scope offline_access is not registered for this client.", "offline_access"),
        ("openid refund", "The scope refund is not registered for this client.", "refund"),
        ("refund nope buy gone", "The scope refund is not registered for this client. The scopes nope, gone", "refund"),
    ],
)
def test_a_refusal_names_the_scope_that_is_at_fault_and_no_other(scope: str, description: str, names: str) -> None:
    known = Scopes({**KNOWN.scopes, "refund": Scope("refund", "refund")}, KNOWN.apis)
    with pytest.raises(InvalidScope) as refused:
        requested_scope(Parameters({"scope": scope}), CLIENT, known)
    assert refused.value.description.startswith(description)
    assert refused.value.scope.startswith(names)
    assert "buy" not in refused.value.scope


def test_a_refusal_names_a_few_short_scopes_whatever_was_sent() -> None:
    with pytest.raises(InvalidScope) as refused:
        ask(" ".join(f"{number}{'x' * 1000}" for number in range(1000)))
    assert len(refused.value.description) < 600
    assert refused.value.scope.endswith(" and 995 more")
    assert refused.value.scope.count("...") == 5


def test_openid_is_never_ignored_even_where_an_operator_deleted_it() -> None:
    """A request of which nothing is left must not become a token without a scope."""
    with pytest.raises(InvalidScope, match="openid"):
        requested_scope(Parameters({"scope": "openid"}), CLIENT, Scopes({}, {}))


def test_scopes_of_two_apis_are_refused() -> None:
    with pytest.raises(InvalidScope, match="more than one API"):
        ask("owner pay")


def test_nothing_asked_for_is_the_default_and_without_one_refused() -> None:
    by_default = Client("app", "App", scope=CLIENT.scope, default_scope=frozenset({"pay"}))
    assert ask(None, by_default) == ("pay",)
    with pytest.raises(InvalidScope):
        ask(None)


def test_a_later_change_narrows_and_never_widens() -> None:
    assert narrowed_scope(("buy", "openid"), CLIENT, KNOWN) == ("buy", "openid")
    fewer = Client("app", "App", scope=frozenset({"openid"}))
    assert narrowed_scope(("buy", "openid"), fewer, KNOWN) == ("openid",)
    assert narrowed_scope(("openid",), CLIENT, KNOWN) == ("openid",)


@pytest.mark.parametrize(
    ("scope", "aud"),
    [
        (("openid",), (ISSUER,)),
        (("offline_access",), (ISSUER,)),
        (("openid", "profile"), (SHOP, ISSUER)),
        (("profile",), (SHOP,)),
        (("buy",), (SHOP,)),
        (("buy", "openid"), (SHOP, ISSUER)),
        (("openid", "pay", "profile"), (BANK, ISSUER)),
        (("pay",), (BANK,)),
    ],
)
def test_the_audience_is_the_api_of_the_scope_and_the_issuer_with_openid(
    scope: tuple[str, ...], aud: tuple[str, ...]
) -> None:
    assert audience(scope, KNOWN, ISSUER) == aud


def with_scopes(**apis: str) -> Scopes:
    """The scopes of KNOWN, with APIs of an earlier release: each by its name, with the scopes that it names."""
    found = [
        ProtectedApi(f"https://{name}.example.com", name, frozenset(named.split())) for name, named in apis.items()
    ]
    return Scopes(KNOWN.scopes, {api.audience: api for api in found})


@pytest.mark.parametrize(
    "apis",
    [
        {"shop": "profile", "bank": "profile pay"},
        {"shop": "profile buy", "bank": "openid pay"},  # different ones, which one sign-in asks for
        {"shop": "openid", "bank": "openid"},
    ],
)
def test_a_scope_of_the_issuer_that_two_apis_name_makes_no_token_for_both(apis: dict[str, str]) -> None:
    known = with_scopes(**apis)
    with pytest.raises(InvalidScope, match=r"More than one API names scopes of the issuer \([a-z, ]+\)"):
        audience(("openid", "profile"), known, ISSUER)
    with pytest.raises(InvalidScope):
        requested_scope(Parameters({"scope": "openid profile"}), CLIENT, known)


def test_an_apis_own_scope_says_which_of_two_apis_a_scope_of_the_issuer_is_for() -> None:
    known = with_scopes(shop="profile buy", bank="profile pay")
    assert audience(("openid", "profile", "pay"), known, ISSUER) == (BANK, ISSUER)
    assert audience(("profile", "buy"), known, ISSUER) == (SHOP,)


@given(names, st.lists(names, max_size=3))
def test_no_token_is_ever_for_two_apis_whatever_is_registered(asked: set[str], named: list[set[str]]) -> None:
    known = with_scopes(**{f"api{number}": " ".join(scope) for number, scope in enumerate(named)})
    try:
        aud = audience(asked, known, ISSUER)
    except InvalidScope:
        # Nothing is refused that one API, or none, is named by.
        assert sum(bool(api.scopes & asked) for api in known.apis.values()) > 1
        return
    assert len([name for name in aud if name != ISSUER]) <= 1
    assert (ISSUER in aud) == ("openid" in asked or not any(api.scopes & asked for api in known.apis.values()))
