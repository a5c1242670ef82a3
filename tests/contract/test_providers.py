"""The contract of Providers: what operators registered, in the order of its names, for ten seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from valet.aws.dynamodb.providers import PARTITION, DynamoProviders
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import Item, Table, item_from_model
from valet.models.providers import Provider

from tests.contract.conftest import Stores
from tests.contract.facts import NOW

ACME = Provider(
    "acme",
    "acme",
    "entra",
    "https://login.microsoftonline.com/{tenantid}/v2.0",
    "https://a.example/authorize",
    "https://a.example/token",
    "https://a.example/keys",
    client_id="valet",
    token_endpoint_auth_method="client_secret_basic",
    sends_iss=True,
    secret=b"\x00sealed\xff",
    scope=("openid", "email"),
    algs=("ES256", "RS256"),
    tenants=frozenset({"one", "two"}),
    domains=frozenset({"a.example"}),
    creates=True,
    links="verified",
    roles_claim="groups",
    roles=frozenset({"cn=x=staff"}),
    acr_values=frozenset({"mfa=urn:valet:acr:multi-factor"}),
    clients=frozenset({"web"}),
    translations=frozenset({"name#de=Firma"}),
    secret_expires_at=int(NOW) + 1,
)
ZEBRA, BEAR = Provider("a", "Zebra", is_disabled=True), Provider("z", "bear")


class Counted:
    """A table that counts its queries."""

    def __init__(self, table: Table) -> None:
        self._table, self.made = table, 0

    def query(self, pk: str) -> Iterator[Item]:
        self.made += 1
        return self._table.query(pk)


def table_of(stores: Stores) -> Table:
    assert isinstance(stores.registrar, Registrar)
    return stores.registrar.table


def put(stores: Stores, *providers: Provider) -> None:
    for each in providers:
        table_of(stores).put(item_from_model(each, PARTITION, each.provider_id))


def test_providers_come_as_they_were_registered_in_the_order_of_their_names(stores: Stores) -> None:
    put(stores, ZEBRA, ACME, BEAR)
    providers = DynamoProviders(table_of(stores), lambda: NOW)
    assert providers.providers() == (ACME, BEAR, ZEBRA)
    assert providers.find_provider("acme") == ACME
    assert providers.find_provider("a") == ZEBRA  # is_disabled says that nobody may sign in with it
    assert providers.find_provider("ACME") is None


def test_an_attribute_of_a_later_release_is_passed_over_and_one_that_is_missing_has_its_default(stores: Stores) -> None:
    table_of(stores).put({"pk": PARTITION, "sk": "old", "provider_id": "old", "name": "Old", "later": 1})
    assert DynamoProviders(table_of(stores), lambda: NOW).find_provider("old") == Provider("old", "Old")


def test_one_query_is_good_for_ten_seconds(stores: Stores) -> None:
    put(stores, ACME)
    clock = [NOW]
    counted = Counted(table_of(stores))
    providers = DynamoProviders(cast("Table", counted), lambda: clock[0])
    for provider_id in ("acme", "nobody", "acme"):
        providers.find_provider(provider_id)
    assert counted.made == 1
    put(stores, BEAR)
    clock[0] += 9
    assert providers.providers() == (ACME,)
    clock[0] += 1
    assert providers.providers() == (ACME, BEAR)
    assert counted.made == 2


def test_without_federation_nothing_is_read(stores: Stores) -> None:
    put(stores, ACME)
    providers = DynamoProviders(None, lambda: NOW)
    assert providers.providers() == ()
    assert providers.find_provider("acme") is None
