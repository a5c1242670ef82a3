"""The contract of the port StatusLists: whose an index is, and which are set."""

import pytest
from valet.aws.dynamodb import status_lists
from valet.models.grants import LiveToken
from valet.models.status_lists import Lease, StatusListContent

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once, live
from tests.support.status_bits import content_of, indices_of

END = int(NOW) + 7200


def test_blocks_follow_each_other_whosever_they_are(stores: Stores) -> None:
    lists = stores.status_lists
    assert lists.lease("web_app_123", "aost", 256, END) == Lease("web_app_123", "aost", 0, 256, END)
    assert lists.lease("mobile_app", "aost", 64, END) == Lease("mobile_app", "aost", 256, 64, END)
    assert lists.lease("web_app_123", "aost", 256, END).start == 320
    assert lists.lease("web_app_123", "aosu", 256, END).start == 0


def test_blocks_leased_at_once_do_not_overlap(stores: Stores) -> None:
    leases = at_once(lambda number: stores.status_lists.lease(f"client-{number % 4}", "aost", 16, END))
    assert sorted(lease.start for lease in leases) == [16 * number for number in range(THREADS)]
    assert stores.status_lists.find_list("aost") == StatusListContent(16 * THREADS)


def test_a_bit_is_set_and_set_again_and_its_neighbours_are_not(stores: Stores) -> None:
    lists, token = stores.status_lists, live(17)
    assert not lists.is_set(token)
    lists.put_bits((token, live(19)))
    lists.put_bits((token,))
    assert lists.is_set(token)
    assert not lists.is_set(live(18))
    assert not lists.is_set(LiveToken(token.exp, "aosu", 17))
    # A retry of the same generation carries the same place, whatever its exp.
    assert lists.is_set(token._replace(exp=token.exp + 1))


def test_no_tokens_are_no_bits(stores: Stores) -> None:
    stores.status_lists.put_bits(())
    assert stores.status_lists.find_list("aost") == StatusListContent()


def test_a_list_is_found_with_all_its_bits_and_nobody_elses(stores: Stores) -> None:
    lists = stores.status_lists
    lists.lease("web_app_123", "aost", 512, END)
    lists.put_bits(tuple(live(idx) for idx in (0, 7, 300)))
    lists.put_bits((LiveToken(END, "aosu", 5),))
    assert lists.find_list("aost") == content_of(512, {0, 7, 300})
    assert lists.find_list("aosu") == content_of(0, {5})
    assert lists.find_list("zzzz") == StatusListContent()


def test_bits_set_at_once_are_all_set(stores: Stores) -> None:
    at_once(lambda number: stores.status_lists.put_bits((live(number), live(number + 1))))
    assert indices_of(stores.status_lists.find_list("aost")) == frozenset(range(THREADS + 1))


def test_a_reader_goes_on_where_it_stopped_and_finds_the_same_as_one_that_begins(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_lists, "PAGE", 3)
    lists, known = stores.status_lists, StatusListContent()
    for idx in range(0, 5000, 500):
        lists.put_bits((live(idx), live(idx + 1)))
        known = lists.find_list("aost", known)
        assert indices_of(known) == {at + more for at in range(0, idx + 1, 500) for more in (0, 1)}
        assert known == lists.find_list("aost")
    assert known.pages == 5


def test_bits_set_at_once_while_pages_turn_are_all_set(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_lists, "PAGE", 4)
    lists = stores.status_lists

    def revoked(number: int) -> StatusListContent:
        lists.put_bits((live(number),))
        return lists.find_list("aost")

    known = at_once(revoked)
    assert all(number in indices_of(found) for number, found in enumerate(known)), "a revocation is on no list"
    assert indices_of(lists.find_list("aost", known[0])) == frozenset(range(THREADS))


def test_a_revocation_that_is_repeated_does_not_lengthen_what_is_read(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_lists, "PAGE", 2)
    lists = stores.status_lists
    for _ in range(6):
        lists.put_bits((live(1), live(300)))
    found = lists.find_list("aost")
    assert indices_of(found) == {1, 300}
    assert found.pages == 2, "once by the first, once by the second, which cannot know whether the first has died"


def test_a_clients_blocks_are_found_with_what_their_holder_knew_of_it_and_nobody_elses(stores: Stores) -> None:
    lists = stores.status_lists
    assert lists.leases("web_app_123") == ()
    first = lists.lease("web_app_123", "aost", 256, END)
    lists.lease("mobile_app", "aost", 256, END)
    second = lists.lease("web_app_123", "aosu", 256, END, 3)
    assert set(lists.leases("web_app_123")) == {first, second}
    assert (first.client_epoch, second.client_epoch) == (0, 3)


def test_a_token_is_in_the_range_of_its_block_and_of_no_other(stores: Stores) -> None:
    lists = stores.status_lists
    lists.lease("mobile_app", "aost", 256, END)
    lists.put_ranges((lists.lease("web_app_123", "aost", 256, END),))
    assert [lists.is_in_range(live(idx), 256) for idx in (255, 256, 511, 512)] == [False, True, True, False]
    assert not lists.is_in_range(LiveToken(END, "aosu", 256), 256)
    assert not lists.is_set(live(256))


def test_a_range_is_every_index_of_its_block_beside_the_bits_and_put_again_it_is_the_same(stores: Stores) -> None:
    lists = stores.status_lists
    lists.lease("mobile_app", "aost", 4, END)
    block = lists.lease("web_app_123", "aost", 3, END)
    lists.put_bits((live(1), live(5)))
    for _ in range(2):
        lists.put_ranges((block,))
    assert lists.find_list("aost") == content_of(7, {1, 4, 5, 6})
    assert lists.find_list("aosu") == StatusListContent()
    lists.put_ranges(())
