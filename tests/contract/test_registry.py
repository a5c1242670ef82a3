"""The contracts of Registry and KeyRecords: what operators and the rotation of keys leave for the functions to read."""

from dataclasses import replace

from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.models.keys import KeyRing, SigningKey

from tests.contract.conftest import Stores
from tests.contract.facts import at_once

BARE = Client("spa_demo", "Demo Page")
FULL = Client(
    "web_app_123",
    "Web App",
    owner="Example Inc.",
    application_type="native",
    token_endpoint_auth_method="none",
    secret_digests=(b"1" * 32, b"2" * 32),
    grant_types=frozenset({"authorization_code", "refresh_token"}),
    redirect_uris=("https://webapp.example.com/callback", "http://127.0.0.1/callback"),
    post_logout_redirect_uris=("https://webapp.example.com/",),
    origins=frozenset({"https://webapp.example.com", "https://www.example.com"}),
    scope=frozenset({"openid", "items"}),
    default_scope=frozenset({"openid"}),
    introspects=frozenset({"https://api.example.com"}),
    first_party=True,
    id_token_on_refresh=True,
    retry_window=0,
    refresh_token_rotation=False,
    refresh_idle_lifetime=1,
    refresh_absolute_lifetime=2,
    grants_not_before_ms=3,
    is_disabled=True,
)


def key(kid: str, **changes: object) -> SigningKey:
    record = SigningKey(kid, "RS256", "announced", {"kty": "RSA", "kid": kid})
    return replace(record, **changes)  # type: ignore[arg-type]  # each test names members of SigningKey


def test_clients_are_found_as_they_were_registered(stores: Stores) -> None:
    for client in (BARE, FULL):
        stores.registrar.put_client(client)
    assert stores.registry.find_client("spa_demo") == BARE
    assert stores.registry.find_client("web_app_123") == FULL


def test_an_unknown_client_is_not_found_whatever_its_name(stores: Stores) -> None:
    for client_id in ("nobody", "", "a" * 3000, "line\nfeed", "\x00"):
        assert stores.registry.find_client(client_id) is None


def test_scopes_and_apis_are_read_together(stores: Stores) -> None:
    scopes = (Scope("api_access", "Call it"), Scope("admin", "Administer it", frozenset({"api_access"})))
    api = ProtectedApi("https://api.example.com", "API", frozenset({"admin", "api_access"}), frozenset({"user"}), 300)
    bare = ProtectedApi("https://other.example.com", "Other")
    for scope in scopes:
        stores.registrar.put_scope(scope)
    for each in (api, bare):
        stores.registrar.put_api(each)
    assert stores.registry.scopes() == Scopes(
        {scope.name: scope for scope in scopes}, {each.audience: each for each in (api, bare)}
    )


def test_an_empty_registry_knows_nothing_and_says_so(stores: Stores) -> None:
    assert stores.registry.scopes() == Scopes({}, {})
    assert stores.registry.origins() == frozenset()
    assert stores.registry.signing_keys() == ()


def test_origins_are_those_of_all_clients(stores: Stores) -> None:
    stores.registrar.put_client(FULL)
    stores.registrar.put_client(replace(BARE, origins=frozenset({"https://spa.example.com"})))
    assert stores.registry.origins() == FULL.origins | {"https://spa.example.com"}


def test_there_are_no_key_records_before_the_first_key(stores: Stores) -> None:
    assert stores.key_records.key_ring() == KeyRing()


def test_the_ring_is_read_as_it_was_written(stores: Stores) -> None:
    keys = (
        key("kid-1", state="signing", key_id="arn:aws:kms:1", signing_roles=frozenset({"role-1", "role-2"})),
        key("kid-2", wrapped_private_key=b"\x01\x02", wrapping_key="arn:aws:kms:2", created_at=5, retired_at=6),
    )
    assert stores.key_records.change_ring(KeyRing(), keys)
    assert stores.key_records.key_ring() == KeyRing(keys, 1)


def test_the_ring_changes_only_from_what_it_was(stores: Stores) -> None:
    records = stores.key_records
    assert records.change_ring(KeyRing(), (key("kid-1"),))
    first = records.key_ring()
    assert not records.change_ring(KeyRing(), (key("kid-2"),))
    assert records.change_ring(first, (key("kid-1"), key("kid-2")))
    assert not records.change_ring(first, ())
    assert records.key_ring() == KeyRing((key("kid-1"), key("kid-2")), 2)


def test_of_many_who_change_the_ring_at_once_one_does(stores: Stores) -> None:
    records = stores.key_records
    records.change_ring(KeyRing(), (key("kid"),))
    before = records.key_ring()
    done = at_once(lambda number: records.change_ring(before, (key(f"kid-{number}"),)))
    assert done.count(True) == 1
    assert records.key_ring() == KeyRing((key(f"kid-{done.index(True)}"),), 2)
