"""A run of fetch_client_keys: what is kept of a published set, when, and what is told about it."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from valet.aws.dynamodb.client_keys import DynamoPublishedKeys, announce, forget
from valet.fetch import FetchFailed
from valet.models.client_keys import FRESH_FOR, ClientKeys
from valet.models.clients import Client
from valet.outbound import client_keys
from valet.outbound.client_keys import Get
from valet.registration.client_keys import LARGEST, MOST_PUBLISHED

from tests.support.deployment import Audit, Clock
from tests.support.dpop_client import key_for
from tests.support.memory_stores import new_table

JWK = {**key_for("ES256").as_dict(private=False), "kid": "first"}


class World:
    """Clients that publish keys, and their servers: `pages` has what each address answers."""

    def __init__(self) -> None:
        self.table = new_table()
        self.published = DynamoPublishedKeys(self.table)
        self.clock, self.audit = Clock(), Audit()
        self.pages: dict[str, bytes | Exception] = {}
        self.asked: list[str] = []

    def random(self, length: int, /) -> bytes:
        return bytes(length)

    def client(self, client_id: str, *keys: Mapping[str, Any], uri: str = "") -> None:
        uri = uri or f"https://{client_id}.example.com/jwks.json"
        announce(self.table, Client(client_id, client_id, jwks_uri=uri))
        self.pages[uri] = json.dumps({"keys": keys}).encode()

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        found = self.pages[url]
        if isinstance(found, Exception):
            raise found
        return found

    def run(self, get: Get | None = None) -> dict[str, dict[str, int | str]]:
        return client_keys.fetch_all(self.published.jwks_uris(), self.published, get or self.get, self)

    def kept(self, client_id: str) -> ClientKeys:
        found = self.published.find(client_id)
        assert found is not None
        return found


@pytest.fixture
def world() -> World:
    return World()


def test_without_such_clients_a_run_does_nothing(world: World) -> None:
    assert world.run() == {}
    assert world.audit.events == []


def test_keys_are_kept_with_their_address_and_the_time(world: World) -> None:
    world.client("shop", JWK)
    assert world.run() == {"shop": {"keys": 1}}
    kept = world.kept("shop")
    assert json.loads(kept.jwks)["keys"] == [JWK]
    assert (kept.jwks_uri, kept.fetched_at) == ("https://shop.example.com/jwks.json", int(world.clock.now))
    assert world.audit.events == [("client_keys.fetched", {"client_id": "shop", "keys": 1})]


def test_the_same_keys_again_are_only_younger(world: World) -> None:
    world.client("shop", JWK)
    world.run()
    world.clock.advance(300)
    world.run()
    assert world.kept("shop").fetched_at == int(world.clock.now)
    assert world.audit.names == ["client_keys.fetched"]


def test_unusable_keys_are_left_out_and_so_is_what_is_no_part_of_a_key(world: World) -> None:
    private = key_for("ES256").as_dict(private=True)
    small = {"kty": "RSA", "n": "AQAB", "e": "AQAB"}
    large = {"kty": "RSA", "n": "_" * (4104 // 6), "e": "AQAB"}
    symmetric = {"kty": "oct", "k": "c2VjcmV0"}
    encrypting = {**JWK, "use": "enc"}
    nameless, long = {**JWK, "kid": "\ud800"}, {**JWK, "kid": "k" * 257}
    more: dict[str, Any] = {
        **JWK,
        "x5c": ["x"],
        "x5u": "https://evil.example",
        "ext": True,
        "n": [[[]]],
        "key_ops": ["verify", {}],
    }
    world.client(
        "shop", private, small, large, symmetric, encrypting, nameless, long, more, {"kty": "EC", "crv": "P-521"}
    )
    assert world.run() == {"shop": {"keys": 1}}
    assert json.loads(world.kept("shop").jwks)["keys"] == [JWK]


def test_a_client_may_withdraw_all_its_keys(world: World) -> None:
    world.client("shop", JWK)
    world.run()
    world.client("shop")
    world.clock.advance(300)
    assert world.run() == {"shop": {"keys": 0}}
    assert world.kept("shop").jwks == '{"keys":[]}'


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (FetchFailed("status 404"), "status 404"),
        (b"<html>", "not a JWK Set: not JSON"),
        (b'{"keys": 1}', 'not a JWK Set: {"keys": [...]}'),
        (b'{"keys": ["x"]}', 'not a JWK Set: {"keys": [...]}'),
        (b"[]", "not a JWK Set: not one JSON object"),
        (b'{"keys": [], "keys": []}', "not a JWK Set: a JSON member is repeated"),
        (b"\xff", "not a JWK Set: not UTF-8"),
        (b"[" * 60_000, "not a JWK Set: not JSON"),
        (json.dumps({"keys": [JWK] * (MOST_PUBLISHED + 1)}).encode(), "21 keys, and at most 20 are read"),
    ],
    ids=["status", "html", "number", "texts", "list", "repeated", "latin", "deep", "many"],
)
def test_a_failed_fetch_keeps_the_keys_and_is_told_after_an_hour(
    world: World, answer: bytes | Exception, reason: str
) -> None:
    world.client("shop", JWK)
    world.run()
    before = world.kept("shop")
    world.pages[before.jwks_uri] = answer
    world.clock.advance(FRESH_FOR)
    assert world.run() == {"shop": {"failure": reason}}
    assert world.audit.names == ["client_keys.fetched"]
    world.clock.advance(1)
    world.run()
    assert world.kept("shop") == before
    assert world.audit.events[1:] == [
        ("client_keys.failed", {"client_id": "shop", "detail": reason, "age": FRESH_FOR + 1})
    ]


def test_a_first_fetch_that_fails_is_told_at_once(world: World) -> None:
    world.client("shop")
    world.pages["https://shop.example.com/jwks.json"] = FetchFailed("status 500")
    world.run()
    assert world.audit.events == [("client_keys.failed", {"client_id": "shop", "detail": "status 500", "age": None})]


def test_a_failure_at_a_new_address_is_told_at_once_and_the_former_keys_count_for_nothing(world: World) -> None:
    world.client("shop", JWK)
    world.run()
    world.client("shop", uri="https://new.example.com/jwks.json")
    world.pages["https://new.example.com/jwks.json"] = FetchFailed("status 500")
    world.run()
    assert world.audit.names == ["client_keys.fetched", "client_keys.failed"]
    assert world.kept("shop").jwks_uri == "https://shop.example.com/jwks.json"


def test_one_failure_does_not_keep_the_others_from_their_keys(world: World) -> None:
    for number in range(30):
        world.client(f"client{number}", JWK)
    world.pages["https://client7.example.com/jwks.json"] = FetchFailed("status 500")
    outcomes = world.run()
    assert len(outcomes) == 30
    assert [client_id for client_id, told in outcomes.items() if "failure" in told] == ["client7"]


def test_a_client_that_publishes_no_more_is_not_asked_again(world: World) -> None:
    world.client("shop", JWK)
    forget(world.table, "shop")
    assert world.run() == {}


def test_an_older_fetch_does_not_replace_a_younger_one(world: World) -> None:
    """Two runs overlap, and the one that began first is the last to save."""
    world.client("shop", JWK)
    world.run()
    kept = world.kept("shop")
    older = ClientKeys("shop", kept.jwks_uri, '{"keys":[]}', kept.fetched_at - 1)
    assert not world.published.save(older)
    assert world.published.save(kept)  # a write that was sent twice is one
    assert world.kept("shop") == kept


def test_a_run_ends_in_time_and_begins_in_another_order_each_time(world: World) -> None:
    for number in range(40):
        world.client(f"client{number:02}", JWK)
    drawn = iter(bytes([number]) * 8 for number in reversed(range(40)))
    world.random = lambda length: next(drawn)  # type: ignore[method-assign]

    def slow(url: str) -> bytes:
        world.clock.advance(client_keys.RUN)
        return world.get(url)

    outcomes = world.run(slow)
    assert len(outcomes) <= client_keys.AT_ONCE
    assert "https://client00.example.com/jwks.json" not in world.asked


def test_at_most_ten_are_asked_at_once(world: World) -> None:
    for number in range(25):
        world.client(f"client{number}", JWK)
    running, most, lock = [0], [0], threading.Lock()
    full = threading.Event()

    def counted(url: str) -> bytes:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
            if running[0] == client_keys.AT_ONCE:
                full.set()
        full.wait(5)
        with lock:
            running[0] -= 1
        return world.get(url)

    assert len(world.run(counted)) == 25
    assert most[0] == client_keys.AT_ONCE


def test_twenty_of_the_largest_keys_fit_into_an_item() -> None:
    key = {**key_for("RS256").as_dict(private=False), "kid": "k" * 100}
    assert MOST_PUBLISHED * (len(json.dumps(key)) + 4096 // 6) < 100_000
    assert LARGEST < client_keys.LARGEST
