"""What names a client that no operator registered, and what becomes of what it says."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.account import apps
from valet.account.visit import Visit
from valet.errors import InvalidScope, InvalidTarget
from valet.http import parse_parameters
from valet.models.clients import Client, ProtectedApi, Scope, Scopes, Unknown
from valet.models.unknown_clients import Document, DynamicClient, Hosts
from valet.pages import strangers
from valet.pages.strangers import shown_name
from valet.protocol.open_scope import open_scope, requested
from valet.protocol.scope import narrowed_scope
from valet.registration.unknown_clients import (
    Described,
    Unusable,
    client_of_document,
    client_of_registration,
    host_of,
    is_allowed,
    is_document_url,
    is_dynamic_id,
    parse_document,
    parse_kept,
    parse_request,
    read_keys,
    usable_redirect_uris,
)

CATALOGUES = Path(strangers.__file__).parent / "catalogues"
URL = "https://claude.ai/oauth/client.json"
NOW = 1_800_000_000


@pytest.mark.parametrize(
    "url",
    [
        "https://claude.ai/oauth/claude-code-client-metadata",
        "https://vscode.dev/oauth/client-metadata.json",
        "https://chatgpt.com/oauth/client.json",
        "https://xn--bcher-kva.example/x",
        "https://a.b/%41",
        "https://a.b//",
    ],
)
def test_the_address_of_a_document(url: str) -> None:
    assert is_document_url(url)
    assert is_document_url(url, is_local=True)


@pytest.mark.parametrize(
    "url",
    [
        *("https://claude.ai", "https://claude.ai/", "http://claude.ai/a", "HTTPS://claude.ai/a", "https:/claude.ai/a"),
        *("https://claude.ai/a?b", "https://claude.ai/a#b", "https://claude.ai:443/a", "https://u@claude.ai/a"),
        *("https://claude.ai/a/../b", "https://claude.ai/./b", "https://claude.ai/%2e%2E/b", "https://claude.ai/.%2e"),
        *("https://Claude.ai/a", "https://claude.ai./a", "https://-claude.ai/a", "https://localhost/a", "https://a/b"),
        *("https://127.0.0.1/a", "https://2130706433/a", "https://0x7f.1/a", "https://[::1]/a", "https://1.2.3.4/a"),
        *("https://bücher.example/x", "https://claude.ai/ü", "https://claude.ai/a b", "https://claude.ai/a\n", ""),
        *("https://claude.ai\\@evil.example/a", "https://claude.ai/" + "a" * 240, "https://" + "a" * 64 + ".b/c"),
    ],
)
def test_no_address_of_a_document(url: str) -> None:
    assert not is_document_url(url)


def test_the_local_stack_takes_documents_of_this_machine() -> None:
    for url in ("https://localhost:3001/c.json", "https://127.0.0.1:3001/c.json", "https://localhost/c.json"):
        assert is_document_url(url, is_local=True)
        assert not is_document_url(url)
    assert not is_document_url("http://localhost:3001/c.json", is_local=True)
    assert host_of("https://localhost:3001/c.json") == "localhost:3001"


def test_an_id_of_register() -> None:
    assert is_dynamic_id(f"dyn-{'aZ0_-' * 4}ab")
    assert not any(map(is_dynamic_id, ("dyn-", f"dyn-{'a' * 23}", f"dyn-{'a' * 21}", f"xdyn-{'a' * 22}", "web_app")))


@pytest.mark.parametrize(
    ("host", "mode", "is_taken"),
    [
        ("claude.ai", "listed", True),
        ("a.claude.ai", "listed", False),
        ("other.example", "listed", False),
        ("other.example", "open", True),
        ("claude.ai", "off", False),
        ("evil.example", "open", False),
        ("deep.down.evil.example", "open", False),
        ("notevil.example", "open", True),
        ("evil.example.org", "open", True),
    ],
)
def test_which_hosts_are_taken(host: str, mode: str, is_taken: bool) -> None:
    hosts = Hosts(frozenset({"claude.ai"}), frozenset({"evil.example"}))
    assert is_allowed(host, hosts, mode) is is_taken


def test_a_host_that_is_trusted_and_refused_is_refused() -> None:
    assert not is_allowed("claude.ai", Hosts(frozenset({"claude.ai"}), frozenset({"ai"})), "listed")


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "http://localhost/cb",
            "http://127.0.0.1:1/",
            "http://[::1]/cb",
            "https://claude.ai/cb",
            "https://claude.ai/",
        ),
    ],
)
def test_where_answers_may_go(uri: str) -> None:
    assert usable_redirect_uris([uri], Hosts(), URL) == (uri,)


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "https://claude.ai",
            "https://claude.ai:443/cb",
            "https://claude.ai.evil.example/cb",
            "https://a.claude.ai/c",
        ),
        *("http://claude.ai/cb", "https://claude.ai/cb#a", "https://claude.ai/*", "https://u@claude.ai/cb", "app:/cb"),
        *("https://claude.ai/../cb", "http://127.1/cb", "http://localhost.evil.example/", "javascript:alert(1)", ""),
        *(
            "https://trusted.example/cb",
            "com.example.app:/cb",
            "https://CLAUDE.ai/cb",
            "https://claude.ai/" + "a" * 2000,
        ),
    ],
)
def test_where_answers_may_not_go(uri: str) -> None:
    """To a trusted host neither: it may pass on what it gets."""
    assert usable_redirect_uris([uri], Hosts(frozenset({"trusted.example"})), URL) == ()


def test_hosts_that_an_operator_trusts_get_each_others_answers_and_those_of_clients_that_registered() -> None:
    hosts = Hosts(frozenset({"claude.ai", "claude.com"}))
    assert usable_redirect_uris(["https://claude.com/cb"], hosts, URL) == ("https://claude.com/cb",)
    assert usable_redirect_uris(["https://claude.com/cb", "https://a.com/cb"], hosts) == ("https://claude.com/cb",)


@pytest.mark.parametrize(
    "name", ["Claude Code", "קלוד", "x" * 60, "Tom's agent", "Đặng", "ทั้งหมด", "ᾧ", "शक्तिं", "שָּׁ", "a\u0301\u0302b"]
)
def test_a_name_that_is_shown(name: str) -> None:
    assert shown_name(name, "https://id.example.com") == name


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "x" * 61, "a\u202eb", "a\u2066b", "a\u200fb", "a\x00", "ID.example.COM", "a\u2028b"]
)
def test_a_name_that_is_not_shown(name: str) -> None:
    assert shown_name(name, "https://id.example.com") == ""


@pytest.mark.parametrize(
    "name",
    [
        "id\uff0eexample\uff0ecom",  # full width
        "id.ex\u034fample.com",  # with a mark that nobody sees
        "id.example\ufe0f.com",
        "íd.éxample.com",
        "𝗶𝗱.𝗲𝘅𝗮𝗺𝗽𝗹𝗲.𝗰𝗼𝗺",
    ],
)
def test_a_person_is_not_told_a_name_that_looks_like_this_servers_own_host(name: str) -> None:
    assert shown_name(name, "https://id.example.com") == ""


@pytest.mark.parametrize(("told", "name"), [("id.example.com", "claude.ai"), ("Claude", "claude.ai (“Claude”)")])
def test_a_person_is_not_told_such_a_name_on_the_account_page_where_only_the_request_knows_the_host(
    told: str, name: str
) -> None:
    """A deployment without ISSUER_URL takes its own host from each request."""
    kept = Document(URL, Described(told, ("http://localhost/",)).as_json(), fetched_at=NOW)
    client = client_of_document(kept, Hosts(), "", NOW)
    registry = SimpleNamespace(find_client=lambda client_id: client if client_id == URL else None)
    visit = SimpleNamespace(
        ports=SimpleNamespace(registry=registry), request=SimpleNamespace(issuer="https://id.example.com")
    )
    assert apps._name(cast(Visit, visit), apps.App(URL, [], [])).text == name


@pytest.mark.parametrize("name", ["Mail” was checked by us. It is “safe", 'a" b', "a« b", "「a」", "a\u201fb"])
def test_a_person_is_not_told_a_name_that_ends_the_quotation_that_it_stands_in(name: str) -> None:
    assert shown_name(name, "https://id.example.com") == ""


@pytest.mark.parametrize("catalogue", sorted(CATALOGUES.glob("*.json")), ids=lambda path: path.stem)
def test_in_no_language_a_name_can_end_its_quotation(catalogue: Path) -> None:
    before, after = json.loads(catalogue.read_text(encoding="utf-8"))["consent.calls_itself"].split("{name}")
    for mark in (before.rstrip()[-1], after.lstrip()[0]):
        assert shown_name(f"a{mark}b", "https://id.example.com") == ""


@pytest.mark.parametrize("name", ["\u3164", "\u2800\u2800", "a\u115fb", "a" + "\u0301" * 5, "a" + "\u0489" * 40])
def test_a_person_is_not_told_a_name_that_nobody_sees_or_that_covers_the_lines_around_it(name: str) -> None:
    assert shown_name(name, "https://id.example.com") == ""


def test_what_is_kept_is_read_as_it_was() -> None:
    told = Described("Ü", ("http://localhost/",), ("authorization_code", "refresh_token"), "private_key_jwt", "{}", "")
    assert parse_kept(told.as_json()) == told
    assert parse_kept("{}") == Described()
    later = json.dumps({**json.loads(told.as_json()), "of_a_later_release": [1]})
    assert parse_kept(later) == told


@pytest.mark.parametrize("member", ["client_id", "redirect_uris", "grant_types", "token_endpoint_auth_method", "jwks"])
@pytest.mark.parametrize("value", [None, 7, True, {}, [[]], "", "x", [None], {"keys": 1}, 1e300])
def test_any_value_of_any_member_is_read_or_refused(member: str, value: object) -> None:
    members = {
        "client_id": URL,
        "redirect_uris": ["http://localhost/"],
        "token_endpoint_auth_method": "private_key_jwt",
    }
    try:
        parse_document(json.dumps({**members, member: value}).encode(), URL)
    except Unusable:
        return
    assert value == ["x"] or member in ("jwks", "token_endpoint_auth_method")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from(("none", URL)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_MEMBERS = st.sampled_from(
    (
        *("client_id", "client_name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method"),
        *("jwks", "jwks_uri", "scope", "software_statement", "client_secret"),
    )
)


@given(st.dictionaries(_MEMBERS, _VALUES))
def test_whatever_a_stranger_says_is_read_or_refused(members: dict[str, object]) -> None:
    for body in (
        json.dumps(members).encode(),
        json.dumps({**members, "redirect_uris": ["http://localhost/"]}).encode(),
    ):
        for parse in (parse_request, lambda sent: parse_document(sent, URL)):
            try:
                told = parse(body)
            except Unusable:
                continue
            assert parse_kept(told.as_json()) == told
            assert all(isinstance(each, str) for each in told.redirect_uris)


@pytest.mark.parametrize("text", ["\\ud800", "\\udfff x", "ü", "a" * 501, "\\u0000", "\\n"])
def test_what_can_be_no_address_is_passed_over_and_no_half_character_is_kept(text: str) -> None:
    """Half a surrogate pair is text to JSON, and to no table."""
    uris = f'["http://localhost/", "http://localhost/{text}"]'
    body = f'{{"client_id": "{URL}", "client_name": "{text}", "redirect_uris": {uris}}}'.encode()
    told = parse_document(body, URL)
    assert told.redirect_uris == ("http://localhost/",)
    assert told.as_json().encode()


@given(st.binary(max_size=200))
def test_whatever_bytes_a_stranger_sends_are_read_or_refused(body: bytes) -> None:
    for parse in (parse_request, lambda sent: parse_document(sent, URL), read_keys):
        with suppress(Unusable):
            parse(body)


def test_the_client_of_a_document_is_called_by_its_host() -> None:
    told = Described("Claude", ("http://localhost/", "https://claude.ai/cb", "https://evil.example/"))
    client = client_of_document(Document(URL, told.as_json(), fetched_at=NOW), Hosts(), "https://id.example.com", NOW)
    assert (client.client_id, client.client_name, client.application_type) == (URL, "claude.ai", "native")
    assert client.redirect_uris == ("http://localhost/", "https://claude.ai/cb")
    assert client.origins == {"http://localhost", "https://claude.ai"}
    assert client.unknown == Unknown("document", "Claude")
    assert not client.is_confidential
    assert not client.first_party
    assert client.scope == frozenset()


def test_keys_count_for_a_day_after_the_fetch() -> None:
    told = Described(redirect_uris=("http://localhost/",), token_endpoint_auth_method="private_key_jwt", jwks_uri="x")
    document = Document(URL, told.as_json(), '{"keys":[]}', NOW)
    for later, jwks in ((86_400, '{"keys":[]}'), (86_401, "")):
        client = client_of_document(document, Hosts(), "", NOW + later)
        assert (client.jwks, client.jwks_uri, client.is_confidential) == (jwks, "", True)


def test_a_client_that_registered_is_called_by_where_its_answers_go() -> None:
    kept = DynamicClient("dyn-x", Described("C", ("http://localhost:7/cb",)).as_json(), 1, 2)
    client = client_of_registration(kept, Hosts(), "https://id.example.com")
    assert (client.client_name, client.unknown) == ("localhost:7", Unknown("registration", "C", 1, 2))


def test_a_program_that_registered_a_trusted_address_too_is_not_called_by_that() -> None:
    told = Described("C", ("https://claude.ai/cb", "http://localhost:7/cb"))
    kept = DynamicClient("dyn-x", told.as_json(), 1, 2)
    client = client_of_registration(kept, Hosts(frozenset({"claude.ai"})), "https://id.example.com")
    assert (client.client_name, len(client.redirect_uris)) == ("localhost:7", 2)


@pytest.mark.parametrize("query", ["?next=https://evil.example/", "?url=//evil.example", "?code=a&state=b", "?"])
def test_a_person_who_trusts_a_host_is_not_passed_on_by_a_query_of_a_strangers_choice(query: str) -> None:
    """Only the origin itself may say which of its addresses have one."""
    hosts = Hosts(frozenset({"claude.com", "claude.ai"}))
    for url in ("", URL):
        assert usable_redirect_uris([f"https://claude.com/cb{query}"], hosts, url) == ()
    assert usable_redirect_uris([f"https://claude.ai/cb{query}"], hosts, URL) == (f"https://claude.ai/cb{query}",)


def test_answers_go_to_no_trusted_host_that_is_refused_by_a_name_above_it() -> None:
    hosts = Hosts(frozenset({"claude.ai", "a.evil.example"}), frozenset({"evil.example"}))
    assert usable_redirect_uris(["https://a.evil.example/cb"], hosts) == ()
    assert usable_redirect_uris(["https://a.evil.example/cb"], hosts, URL) == ()


# -- what is open ------------------------------------------------------------------------------------------------------

ONE, OTHER = "https://one.example", "https://other.example"
KNOWN = Scopes(
    {
        name: Scope(name, name, frozenset(includes.split()))
        for name, includes in {
            "read": "", "write": "read", "all": "write closed", "closed": "", "mine": "profile", "theirs": "",
            "openid": "", "offline_access": "", "profile": "", "email": "",
        }.items()
    },
    {
        ONE: ProtectedApi(
            ONE, "One", frozenset({"read", "write", "all", "closed", "mine", "profile"}),
            open_scopes=frozenset({"read", "write", "all", "mine", "profile", "unheard"}),
        ),
        OTHER: ProtectedApi(OTHER, "Other", frozenset({"theirs"})),
    },
)  # fmt: skip
CODE, REFRESH = frozenset({"authorization_code"}), frozenset({"authorization_code", "refresh_token"})


def client(grant_types: frozenset[str] = REFRESH) -> Client:
    return Client(URL, "claude.ai", grant_types=grant_types, unknown=Unknown("document"))


def test_what_is_open() -> None:
    """Neither a scope that includes one that is not open, nor one about the end-user, nor one of another API."""
    assert open_scope(client(), KNOWN) == {"read", "write", "openid", "offline_access"}
    assert open_scope(client(CODE), KNOWN) == {"read", "write", "openid"}
    assert narrowed_scope(("all", "closed", "email", "read", "write"), client(), KNOWN) == ("read", "write")


@pytest.mark.parametrize(
    ("query", "scope"),
    [
        (f"resource={ONE}&scope=write+closed+openid+profile", "openid read write"),
        (f"resource={ONE}&scope=read", "read"),
        (f"resource={ONE}/&scope=read", "read"),
        (f"resource={ONE}", "read write"),
        (f"resource={ONE}&resource={ONE}&scope=read+theirs+offline_access", "offline_access read"),
        ("scope=read+openid", "openid read"),
    ],
)
def test_what_is_granted(query: str, scope: str) -> None:
    assert requested(parse_parameters(query), client(), KNOWN) == (tuple(scope.split()), (ONE,))


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", InvalidTarget),
        ("scope=openid", InvalidTarget),
        ("scope=theirs", InvalidTarget),
        (f"resource={OTHER}&scope=theirs", InvalidTarget),
        (f"resource={ONE}&resource={OTHER}&scope=read", InvalidTarget),
        (f"resource={ONE}#a&scope=read", InvalidTarget),
        ("resource=https://nobody.example&scope=read", InvalidTarget),
        (f"resource={ONE}&scope=openid+profile", InvalidScope),
        (f"resource={ONE}&scope=all", InvalidScope),
    ],
)
def test_what_is_refused(query: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        requested(parse_parameters(query), client(), KNOWN)
