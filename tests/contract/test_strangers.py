"""The contracts of what is kept of clients that no operator registered: documents, registrations and invites."""

from __future__ import annotations

from typing import Any

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.models.unknown_clients import Document, DynamicClient, Invite

from tests.contract.conftest import Stores
from tests.contract.facts import DAY, NOW, THREADS, at_once, random

URL = "https://claude.ai/client.json"
DOCUMENT = Document(URL, "{}", "", int(NOW), int(NOW) + 600)
CLIENT = DynamicClient("dyn-one", "{}", int(NOW), int(NOW) + DAY)
INVITE = Invite("one", b"digest", 3, int(NOW) + DAY, "support")


def test_an_address_is_fetched_by_one_attempt_in_five_seconds(stores: Stores) -> None:
    first, second = random(16), random(16)
    assert stores.documents.claim(URL, first, NOW)
    assert stores.documents.claim(URL, first, NOW)  # sent twice
    assert not stores.documents.claim(URL, second, NOW + 5)
    assert stores.documents.claim("https://claude.ai/other.json", second, NOW)
    assert stores.documents.claim(URL, second, NOW + 5.001)


def test_of_many_attempts_at_once_one_fetches(stores: Stores) -> None:
    outcomes = at_once(lambda _: stores.documents.claim(URL, random(16), NOW))
    assert sorted(outcomes) == [False] * (THREADS - 1) + [True]


def test_an_attempt_keeps_what_it_fetched_unless_a_later_one_has_begun(stores: Stores) -> None:
    first, second = random(16), random(16)
    assert not stores.documents.keep(DOCUMENT, first)
    assert stores.documents.claim(URL, first, NOW)
    assert stores.documents.find(URL) is None
    assert stores.documents.keep(DOCUMENT, first)
    assert stores.documents.keep(DOCUMENT, first)  # sent twice
    assert stores.documents.find(URL) == DOCUMENT
    assert stores.documents.claim(URL, second, NOW + 6)
    assert not stores.documents.keep(replace(DOCUMENT, body="late"), first)
    assert stores.documents.find(URL) == DOCUMENT
    assert stores.documents.keep(Document(URL, fetched_at=int(NOW) + 6), second)
    assert stores.documents.find(URL) == Document(URL, fetched_at=int(NOW) + 6)


def test_a_client_is_kept_once_and_found_while_it_lives(stores: Stores) -> None:
    assert stores.dynamic_clients.add(CLIENT)
    assert stores.dynamic_clients.add(CLIENT)  # sent twice
    assert not stores.dynamic_clients.add(replace(CLIENT, body="another"))
    assert stores.dynamic_clients.find("dyn-one") == CLIENT
    assert stores.dynamic_clients.find("dyn-two") is None
    assert stores.dynamic_clients.add(replace(CLIENT, client_id="dyn-over", expires_at=int(NOW)))
    assert stores.dynamic_clients.find("dyn-over") is None


@pytest.mark.parametrize(("until", "at", "is_longer"), [(9, 0, True), (1, 0, False), (0, 0, False), (9, 1, False)])
def test_a_client_is_prolonged_while_it_lives_and_never_cut_short(
    stores: Stores, until: int, at: int, is_longer: bool
) -> None:
    assert stores.dynamic_clients.add(CLIENT)
    stores.dynamic_clients.prolong("dyn-one", int(NOW) + until * DAY, NOW + at * DAY)
    stores.dynamic_clients.prolong("dyn-two", int(NOW) + until * DAY, NOW)  # which makes none
    found = stores.dynamic_clients.find("dyn-one")
    assert found is not None
    assert found.expires_at == int(NOW) + (until if is_longer else 1) * DAY
    assert stores.dynamic_clients.find("dyn-two") is None


def put(stores: Stores, invite: Invite = INVITE) -> None:
    stores.invites.table.put(item_from_model(invite, f"invite#{invite.invite_id}", "invite"))


def test_an_invite_is_spent_as_often_as_it_says_and_a_use_that_was_sent_twice_is_one(stores: Stores) -> None:
    put(stores)
    assert stores.invites.find_invite("one") == INVITE
    for number in range(3):
        assert stores.invites.spend_invite(INVITE, f"dyn-{number}", NOW)
        assert stores.invites.spend_invite(INVITE, f"dyn-{number}", NOW)
    assert not stores.invites.spend_invite(INVITE, "dyn-3", NOW)
    found = stores.invites.find_invite("one")
    assert found is not None
    assert found.spent == {"dyn-0", "dyn-1", "dyn-2"}


@pytest.mark.parametrize("wrong", [{"secret_digest": b"other"}, {"invite_id": "two"}])
def test_another_invite_is_not_spent(stores: Stores, wrong: dict[str, Any]) -> None:
    put(stores)
    assert not stores.invites.spend_invite(replace(INVITE, **wrong), "dyn-0", NOW)
    assert stores.invites.find_invite("one") == INVITE
    assert stores.invites.find_invite("two") is None


def test_an_invite_that_is_over_is_not_spent(stores: Stores) -> None:
    put(stores)
    assert not stores.invites.spend_invite(INVITE, "dyn-0", NOW + DAY)


def test_of_many_that_spend_an_invite_at_once_as_many_register_as_it_says(stores: Stores) -> None:
    put(stores)
    outcomes = at_once(lambda number: stores.invites.spend_invite(INVITE, f"dyn-{number}", NOW))
    assert sorted(outcomes) == [False] * (THREADS - 3) + [True] * 3
