"""The contract of links: an identity is one account's, whoever comes at the same time, and the last means stays."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from valet.aws.dynamodb.accounts import item_of_account
from valet.frozen import replace
from valet.models.accounts import Account, Identifier
from valet.models.proofs import Place, Proof
from valet.models.providers import Identity, Link
from valet.people.linking import names_link
from valet.ports.links import MOST

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, at_once, random

JOHN, JANE = Account("john-sub", "john", epoch=3), Account("jane-sub", "jane")
NAME = f"google#{'ab' * 32}"
OTHER = f"google#{'cd' * 32}"
LINK = Link("john-sub", "google", "https://accounts.google.com", "1234", address="j@example.com", attempt=b"first")
OF_JANE = replace(LINK, sub="jane-sub", attempt=b"janes")
SETTLED = replace(LINK, linked_at=int(NOW))


def put(stores: Stores, account: Account) -> Account:
    stores.users.table.put(item_of_account(account))
    return account


def found(stores: Stores, sub: str = JOHN.sub) -> Account:
    account = stores.accounts.find_account(sub)
    assert account is not None
    return account


def owner_of(stores: Stores, name: str = NAME) -> str:
    """Whom the identity signs in."""
    link = stores.links.find_link(name)
    account = stores.accounts.find_account(link.sub) if link else None
    return account.sub if account and names_link(account, name, link) else ""


def connect(stores: Stores, account: Account, name: str = NAME) -> Iterator[bool | None]:
    """The writes of front_channel/linking.connect, after what it goes by was read: one at each step, and at last
    whether it is linked.
    """
    link = replace(LINK, sub=account.sub, attempt=random(16))
    there = stores.links.find_link(name)
    owner = stores.accounts.find_account(there.sub) if there else None
    if names_link(owner, name, there):
        yield owner is not None and owner.sub == account.sub
        return
    yield None
    if not stores.links.put_link(name, link, there):
        yield False
        return
    yield None
    if not stores.links.name_link(account, name):
        stores.links.delete_link(name, link)
        yield False
        return
    yield None
    if not stores.links.settle_link(name, link, NOW):
        stores.links.give_up_link(account, name)
        yield False
        return
    yield True


def test_a_link_is_kept_named_and_settled(stores: Stores) -> None:
    john = put(stores, JOHN)
    assert stores.links.put_link(NAME, LINK, None)
    assert owner_of(stores) == ""  # it is worth nothing yet
    assert stores.links.name_link(john, NAME)
    # Another request of the account's has put it: it is that one which settles it.
    assert stores.links.settle_link(NAME, replace(LINK, attempt=b"another"), NOW)
    assert stores.links.find_link(NAME) == LINK
    assert stores.links.settle_link(NAME, LINK, NOW)
    assert stores.links.find_link(NAME) == SETTLED
    assert found(stores) == replace(john, links=frozenset({NAME}))
    assert owner_of(stores) == john.sub
    # Each write, sent again.
    assert stores.links.put_link(NAME, LINK, None)
    assert stores.links.name_link(john, NAME)
    assert stores.links.settle_link(NAME, LINK, NOW)
    assert stores.links.find_link(NAME) == SETTLED


def test_a_link_that_is_there_is_replaced_only_as_it_was_read(stores: Stores) -> None:
    assert stores.links.put_link(NAME, LINK, None)
    assert not stores.links.put_link(NAME, OF_JANE, None)
    assert not stores.links.put_link(NAME, OF_JANE, replace(LINK, attempt=b"another"))
    assert not stores.links.put_link(NAME, OF_JANE, replace(LINK, sub="another"))
    assert not stores.links.put_link(NAME, OF_JANE, SETTLED)
    assert stores.links.find_link(NAME) == LINK
    assert stores.links.put_link(NAME, OF_JANE, LINK)
    assert stores.links.find_link(NAME) == OF_JANE


def test_a_settled_link_is_replaced_only_as_it_was_read(stores: Stores) -> None:
    assert stores.links.put_link(NAME, LINK, None)
    assert stores.links.settle_link(NAME, LINK, NOW)
    assert not stores.links.put_link(NAME, OF_JANE, LINK)  # read before it was settled
    assert stores.links.find_link(NAME) == SETTLED
    assert stores.links.put_link(NAME, OF_JANE, SETTLED)


def test_who_was_overtaken_learns_it_when_it_settles(stores: Stores) -> None:
    john = put(stores, JOHN)
    stores.links.put_link(NAME, LINK, None)
    stores.links.put_link(NAME, OF_JANE, LINK)
    assert stores.links.name_link(john, NAME)
    assert not stores.links.settle_link(NAME, LINK, NOW)
    assert stores.links.find_link(NAME) == OF_JANE
    stores.links.give_up_link(john, NAME)
    assert found(stores) == john


@pytest.mark.parametrize("now", [replace(JOHN, epoch=4), replace(JOHN, deleted_at=5)])
def test_an_account_that_has_changed_names_none(stores: Stores, now: Account) -> None:
    """A thief's request that is under way when the owner resets the password comes too late."""
    put(stores, now)
    assert not stores.links.name_link(JOHN, NAME)
    assert found(stores) == now


def test_an_account_has_so_many_and_no_more(stores: Stores) -> None:
    john = put(stores, JOHN)
    outcomes = [stores.links.name_link(john, f"google#{number:064x}") for number in range(MOST + 1)]
    assert outcomes == [True] * MOST + [False]


def test_an_account_that_is_not_there_is_not_made(stores: Stores) -> None:
    assert not stores.links.name_link(JOHN, NAME)
    assert not stores.links.drop_link(JOHN, NAME, NOW, is_lost=False)
    stores.links.give_up_link(JOHN, NAME)
    stores.newcomers.forget_address(JOHN)
    assert stores.accounts.find_account(JOHN.sub) is None


def test_what_the_provider_tells_is_kept_of_its_own_account_alone(stores: Stores) -> None:
    told = replace(LINK, address="new@example.com", name="John", roles=frozenset({"admin"}), last_used_at=7)
    stores.links.refresh_link(NAME, told)
    assert stores.links.find_link(NAME) is None
    stores.links.put_link(NAME, LINK, None)
    stores.links.refresh_link(NAME, replace(told, sub="jane-sub"))
    assert stores.links.find_link(NAME) == LINK
    stores.links.refresh_link(NAME, told)
    assert stores.links.find_link(NAME) == replace(told, linked_at=7)  # who linked it may have died before it settled


# The last means stays -------------------------------------------------------------------------------------------------


def test_one_rule_for_passwords_passkeys_and_links(stores: Stores) -> None:
    passkey = "ef" * 32
    john = put(stores, replace(JOHN, links=frozenset({NAME}), passkeys=frozenset({passkey}), user_handle=b"h"))
    put(stores, replace(john, has_no_password=True))
    assert stores.enrolment.drop_passkey(john, passkey, NOW, is_lost=False)  # a link is left
    assert not stores.links.drop_link(john, NAME, NOW, is_lost=False)
    assert not stores.links.drop_link(john, NAME, NOW, is_lost=True)
    assert found(stores).links == {NAME}
    assert found(stores).epoch == 3
    put(stores, replace(john, has_no_password=True))
    assert stores.links.drop_link(john, NAME, NOW, is_lost=False)  # a passkey is left
    assert not stores.enrolment.drop_passkey(john, passkey, NOW, is_lost=False)
    put(stores, replace(john, has_no_password=True, passkeys=frozenset(), links=frozenset({NAME, OTHER})))
    assert stores.links.drop_link(john, NAME, NOW, is_lost=False)  # another link is left
    assert not stores.links.drop_link(john, OTHER, NOW, is_lost=False)
    put(stores, replace(john, passkeys=frozenset()))
    assert stores.links.drop_link(john, NAME, NOW, is_lost=False)  # the password is left


def test_a_lost_link_raises_the_epoch_in_the_same_write(stores: Stores) -> None:
    john = put(stores, replace(JOHN, links=frozenset({NAME})))
    for _ in range(2):  # and the same write, sent again
        assert stores.links.drop_link(john, NAME, NOW, is_lost=True)
    assert (found(stores).links, found(stores).epoch) == (frozenset(), 4)


def test_of_two_that_remove_the_last_two_means_at_once_one_comes_too_late(stores: Stores) -> None:
    john = put(stores, replace(JOHN, has_no_password=True, links=frozenset({NAME, OTHER})))
    outcomes = at_once(lambda n: stores.links.drop_link(john, (NAME, OTHER)[n], NOW, is_lost=False), threads=2)
    assert sorted(outcomes) == [False, True]
    assert len(found(stores).links) == 1


def test_a_late_deletion_does_not_take_a_link_that_was_made_anew(stores: Stores) -> None:
    again = replace(LINK, attempt=b"again")
    stores.links.put_link(NAME, LINK, None)
    stores.links.put_link(NAME, again, LINK)
    stores.links.delete_link(NAME, LINK)
    assert stores.links.find_link(NAME) == again
    stores.links.delete_link(NAME, again)
    assert stores.links.find_link(NAME) is None


# At once --------------------------------------------------------------------------------------------------------------


def orders(first: int, second: int) -> Iterator[tuple[bool, ...]]:
    """Every order of so many steps of the one, and so many of the other."""
    for places in combinations(range(first + second), first):
        yield tuple(step in places for step in range(first + second))


def run(order: tuple[bool, ...], one: Iterator[bool | None], other: Iterator[bool | None]) -> list[bool | None]:
    outcomes: list[bool | None] = [None, None]
    for is_first in order:
        outcome = next(one if is_first else other, None)
        if outcome is not None:
            outcomes[0 if is_first else 1] = outcome
    return outcomes


LEFT: dict[str, tuple[Link | None, Account]] = {
    "nothing": (None, Account("third-sub", "third")),
    "a link that its account has dropped": (replace(SETTLED, sub="third-sub"), Account("third-sub", "third")),
    "a link whose account died before naming it": (replace(LINK, sub="third-sub"), Account("third-sub", "third")),
    "a living link": (replace(SETTLED, sub="third-sub"), Account("third-sub", "third", links=frozenset({NAME}))),
}


@pytest.mark.parametrize(("link", "third"), LEFT.values(), ids=LEFT)
def test_of_two_accounts_that_link_one_identity_at_once_one_at_most_has_it(
    memory_stores: Stores, link: Link | None, third: Account
) -> None:
    stores = memory_stores
    for order in orders(4, 4):
        john, jane = put(stores, JOHN), put(stores, JANE)
        put(stores, third)
        stores.users.table.delete(f"link#{NAME}", "link")
        if link:
            stores.links.put_link(NAME, link, None)
        outcomes = run(order, connect(stores, john), connect(stores, jane))
        owner = owner_of(stores)
        if third.links:
            assert (owner, outcomes) == (third.sub, [False, False]), order
            continue
        told = [sub for sub, outcome in zip((john.sub, jane.sub), outcomes, strict=True) if outcome]
        assert told == ([owner] if owner else []), (order, "who was told that it is linked has it, and nobody else")
        naming = {each for each in (john.sub, jane.sub) if NAME in found(stores, each).links}
        assert naming == set(told), (order, "who lost names it no more")


def test_a_living_link_that_is_being_removed_is_never_half_anothers(memory_stores: Stores) -> None:
    """John removes the identity while Jane links it."""

    def remove(john: Account) -> Iterator[bool | None]:
        link = stores.links.find_link(NAME)
        assert link is not None
        yield None
        dropped = stores.links.drop_link(john, NAME, NOW, is_lost=False)
        yield None
        stores.links.delete_link(NAME, link)
        yield dropped

    stores = memory_stores
    for order in orders(3, 4):
        john, jane = put(stores, replace(JOHN, links=frozenset({NAME}))), put(stores, JANE)
        stores.users.table.delete(f"link#{NAME}", "link")
        stores.links.put_link(NAME, SETTLED, None)
        removed, linked = run(order, remove(john), connect(stores, jane))
        assert removed
        assert owner_of(stores) == (jane.sub if linked else ""), order


def test_two_clicks_of_one_person_link_once(memory_stores: Stores) -> None:
    stores = memory_stores
    for order in orders(4, 4):
        john = put(stores, JOHN)
        stores.users.table.delete(f"link#{NAME}", "link")
        outcomes = run(order, connect(stores, john), connect(stores, john))
        assert True in outcomes, order
        assert owner_of(stores) == john.sub, order


# New accounts ---------------------------------------------------------------------------------------------------------


def test_a_late_copy_of_a_new_account_brings_nothing_back(stores: Stores) -> None:
    stores.newcomers.keep_account(JOHN)
    in_use = put(stores, replace(JOHN, epoch=9, name="Johnny"))
    stores.newcomers.keep_account(JOHN)
    assert found(stores) == in_use
    stores.newcomers.drop_account(JOHN.sub)
    assert stores.accounts.find_account(JOHN.sub) is None


def test_an_address_that_another_account_was_faster_to_take_is_forgotten(stores: Stores) -> None:
    john = put(stores, replace(JOHN, email="j@example.com", email_verified=True))
    stores.newcomers.forget_address(replace(john, email="k@example.com"))
    assert found(stores) == john
    stores.newcomers.forget_address(john)
    assert found(stores) == replace(john, email="", email_verified=False)


def test_a_name_that_was_given_up_is_kept_from_others_for_a_while(stores: Stores) -> None:
    take = stores.newcomers.take_identifier
    assert take("j@example.com", Identifier("john-sub", "email", 1), 100)
    assert not take("j@example.com", Identifier("jane-sub", "email", 1), 100)
    stores.users.release_identifier("j@example.com", "john-sub", 200)
    assert not take("j@example.com", Identifier("jane-sub", "email", 1), 200)
    assert take("j@example.com", Identifier("jane-sub", "email", 1), 201)


# The proof of a provider's word ---------------------------------------------------------------------------------------

PLACE = Place("upstream", b"digest of a browser and its request")
WORD = Proof(
    "word-of-john",
    "",
    3,
    NAME,
    ("pwd",),
    int(NOW * 1000),
    int(NOW) + 660,
    identity=Identity("https://accounts.google.com", "1234", roles=frozenset({"admin"}), auth_time=5),
    links_to="john-sub",
    trip_ms=1000,
)


def test_a_word_is_found_as_it_was_left_and_a_trip_leaves_one(stores: Stores) -> None:
    assert stores.proofs.put_word(PLACE, WORD)
    assert stores.proofs.find_proof(PLACE) == WORD
    assert stores.proofs.put_word(PLACE, replace(WORD, proof_id="again"))  # the browser has sent the request twice
    assert stores.proofs.find_proof(PLACE) == WORD
    later = replace(WORD, proof_id="later", trip_ms=1001)
    assert stores.proofs.put_word(PLACE, later)
    assert not stores.proofs.put_word(PLACE, WORD)
    assert stores.proofs.find_proof(PLACE) == later


def test_a_code_that_a_provider_takes_twice_makes_no_spent_proof_new(stores: Stores) -> None:
    attempt = random(16)
    stores.proofs.put_word(PLACE, WORD)
    assert stores.proofs.spend_proof(PLACE, WORD, attempt, NOW)
    assert stores.proofs.put_word(PLACE, replace(WORD, proof_id="again", at_ms=WORD.at_ms + 60_000))
    assert stores.proofs.find_proof(PLACE) == replace(WORD, spent_by=attempt)
