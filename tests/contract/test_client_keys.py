"""The contract of PublishedKeys: the younger fetch is kept, and the registry finds it."""

from dataclasses import replace

from valet.aws.dynamodb.client_keys import DynamoPublishedKeys, announce, forget
from valet.aws.dynamodb.registrar import Registrar
from valet.models.client_keys import ClientKeys
from valet.models.clients import Client

from tests.contract.conftest import Stores
from tests.contract.facts import THREADS, at_once

URI = "https://shop.example.com/jwks.json"
KEYS = ClientKeys("shop", URI, '{"keys":[]}', 1000)


def published(stores: Stores) -> DynamoPublishedKeys:
    assert isinstance(stores.registrar, Registrar)
    return DynamoPublishedKeys(stores.registrar.table)


def test_the_younger_fetch_is_kept(stores: Stores) -> None:
    keys = published(stores)
    younger = replace(KEYS, fetched_at=1001, jwks='{"keys":[{}]}')
    assert keys.find("shop") is None
    assert keys.save(KEYS)
    assert keys.save(KEYS)  # a write that was sent twice is one
    assert keys.save(younger)
    assert not keys.save(KEYS)
    assert not keys.save(replace(younger, jwks="another"))
    assert keys.find("shop") == younger
    assert stores.registry.find_client_keys("shop") == younger


def test_of_many_fetches_at_once_the_youngest_is_kept(stores: Stores) -> None:
    keys = published(stores)
    at_once(lambda number: keys.save(replace(KEYS, fetched_at=1000 + number)))
    assert keys.find("shop") == replace(KEYS, fetched_at=1000 + THREADS - 1)


def test_addresses_are_announced_and_forgotten_one_by_one(stores: Stores) -> None:
    keys = published(stores)
    shop, other = Client("shop", "S", jwks_uri=URI), Client("other", "O", jwks_uri="https://other.example.com/k")
    for client in (shop, other, shop):
        announce(keys.table, client)
    assert keys.jwks_uris() == {"shop": URI, "other": "https://other.example.com/k"}
    announce(keys.table, replace(shop, jwks_uri=f"{URI}2"))
    forget(keys.table, "other")
    forget(keys.table, "other")
    assert keys.jwks_uris() == {"shop": f"{URI}2"}
