"""The contract of passkeys: an answer is used once and forward only, and each change of an account is one write."""

from __future__ import annotations

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.passkeys import Passkey, Use
from valet.ports.enrolment import MOST

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once, random

JOHN = Account("john-sub", "john", epoch=3)
DIGEST, HANDLE = "ab" * 32, b"h" * 32
PASSKEY = Passkey("john-sub", b"credential", b"key", sign_count=5, challenge_ms=100, name="Phone", transports=("usb",))


def use(
    stores: Stores, *, issued: int = 200, count: int = 6, attempt: bytes | None = None, backed_up: bool = False
) -> Use:
    return stores.passkeys.use_passkey(
        DIGEST, challenge_ms=issued, sign_count=count, backed_up=backed_up, attempt=attempt or random(16), now=NOW
    )


@pytest.fixture
def passkey(stores: Stores) -> Passkey:
    assert stores.passkeys.add_passkey(DIGEST, PASSKEY)
    return PASSKEY


def put(stores: Stores, account: Account) -> Account:
    stores.users.table.put(item_from_model(account, f"account#{account.sub}", "account"))
    return account


def found(stores: Stores) -> Account:
    account = stores.accounts.find_account(JOHN.sub)
    assert account is not None
    return account


def test_a_passkey_is_kept_as_it_was_made_and_once(stores: Stores, passkey: Passkey) -> None:
    assert stores.passkeys.find_passkey(DIGEST) == passkey
    assert stores.passkeys.find_passkey("cd" * 32) is None
    assert stores.passkeys.add_passkey(DIGEST, passkey)  # by our own first try
    assert not stores.passkeys.add_passkey(DIGEST, replace(passkey, sub="jane-sub"))
    assert stores.passkeys.find_passkey(DIGEST) == passkey


def test_an_answer_is_used_once(stores: Stores, passkey: Passkey) -> None:
    attempt = random(16)
    assert use(stores, attempt=attempt, backed_up=True) is Use.USED
    assert use(stores, attempt=attempt, backed_up=True) is Use.USED  # the same write, sent again
    assert use(stores) is Use.STALE
    kept = stores.passkeys.find_passkey(DIGEST)
    assert kept == replace(passkey, sign_count=6, challenge_ms=200, backed_up=True, last_used_at=int(NOW))


@pytest.mark.parametrize(
    ("issued", "count", "outcome"),
    [
        (101, 6, Use.USED),
        (100, 6, Use.STALE),
        (99, 6, Use.STALE),
        (200, 5, Use.COUNTER),
        (200, 4, Use.COUNTER),
        (200, 0, Use.COUNTER),  # it counted before
        (99, 4, Use.STALE),
    ],
)
def test_challenges_and_counters_go_forward(
    stores: Stores, passkey: Passkey, issued: int, count: int, outcome: Use
) -> None:
    assert use(stores, issued=issued, count=count) is outcome
    if outcome is not Use.USED:
        assert stores.passkeys.find_passkey(DIGEST) == passkey


def test_a_passkey_that_does_not_count_goes_by_the_challenge_alone(stores: Stores) -> None:
    stores.passkeys.add_passkey(DIGEST, replace(PASSKEY, sign_count=0))
    assert use(stores, issued=101, count=0) is Use.USED
    assert use(stores, issued=102, count=0) is Use.USED
    assert use(stores, issued=103, count=1) is Use.USED  # it counts from now on
    assert use(stores, issued=104, count=0) is Use.COUNTER


def test_a_passkey_that_is_not_there_is_not_made_by_its_use(stores: Stores) -> None:
    assert use(stores) is not Use.USED
    assert stores.passkeys.find_passkey(DIGEST) is None


def test_of_many_uses_at_once_one_wins(stores: Stores, passkey: Passkey) -> None:
    outcomes = at_once(lambda _: use(stores))
    assert outcomes.count(Use.USED) == 1
    assert outcomes.count(Use.STALE) == THREADS - 1


def test_an_account_names_its_passkeys(stores: Stores) -> None:
    john = put(stores, JOHN)
    assert stores.enrolment.name_passkey(john, DIGEST, HANDLE)
    assert stores.enrolment.name_passkey(john, DIGEST, HANDLE)  # the same write, sent again
    assert found(stores) == replace(john, passkeys=frozenset({DIGEST}), user_handle=HANDLE)
    assert not stores.enrolment.name_passkey(john, "cd" * 32, b"another")
    assert stores.enrolment.name_passkey(john, "cd" * 32, HANDLE)
    assert found(stores).passkeys == {DIGEST, "cd" * 32}


@pytest.mark.parametrize(
    "now", [replace(JOHN, epoch=4), replace(JOHN, deleted_at=5), replace(JOHN, user_handle=b"another")]
)
def test_an_account_that_has_changed_names_none(stores: Stores, now: Account) -> None:
    put(stores, now)
    assert not stores.enrolment.name_passkey(JOHN, DIGEST, HANDLE)
    assert found(stores) == now


def test_an_account_that_is_not_there_is_not_made(stores: Stores) -> None:
    assert not stores.enrolment.name_passkey(JOHN, DIGEST, HANDLE)
    assert not stores.enrolment.drop_passkey(JOHN, DIGEST, NOW, is_lost=False)
    assert stores.accounts.find_account(JOHN.sub) is None


def test_an_account_has_so_many_and_no_more(stores: Stores) -> None:
    john = put(stores, JOHN)
    outcomes = [stores.enrolment.name_passkey(john, f"{number:064x}", HANDLE) for number in range(MOST + 2)]
    assert outcomes == [True] * MOST + [False] * 2
    assert len(found(stores).passkeys) == MOST


def test_a_lost_passkey_raises_the_epoch_in_the_same_write(stores: Stores) -> None:
    john = put(stores, JOHN)
    stores.enrolment.name_passkey(john, DIGEST, HANDLE)
    for _ in range(2):  # and the same write, sent again
        assert stores.enrolment.drop_passkey(john, DIGEST, NOW, is_lost=True)
    account = found(stores)
    assert (account.passkeys, account.epoch) == (frozenset(), 4)
    assert not stores.enrolment.name_passkey(john, DIGEST, HANDLE)


def test_the_last_means_stays(stores: Stores) -> None:
    john = put(stores, JOHN)
    for digest in (DIGEST, "cd" * 32):
        stores.enrolment.name_passkey(john, digest, HANDLE)
    stores.users.table.update(f"account#{JOHN.sub}", "account", "SET #has_no_password = :yes", {":yes": True})
    assert stores.enrolment.drop_passkey(john, DIGEST, NOW, is_lost=False)
    assert not stores.enrolment.drop_passkey(john, "cd" * 32, NOW, is_lost=False)
    assert found(stores).passkeys == {"cd" * 32}


def test_a_passkey_is_named_by_its_own_account_alone(stores: Stores, passkey: Passkey) -> None:
    stores.enrolment.rename_passkey(replace(JOHN, sub="jane-sub"), DIGEST, "Mine")
    assert stores.passkeys.find_passkey(DIGEST) == passkey
    stores.enrolment.rename_passkey(JOHN, DIGEST, "Laptop")
    assert stores.passkeys.find_passkey(DIGEST) == replace(passkey, name="Laptop")
    stores.enrolment.delete_passkey(DIGEST)
    stores.enrolment.rename_passkey(JOHN, DIGEST, "Laptop")
    assert stores.passkeys.find_passkey(DIGEST) is None


@pytest.mark.parametrize(
    ("recovered_at", "epoch"),
    [(5, 3), (6, 3), (5, 4)],
    ids=["as looked at", "taken back once more", "in another epoch"],
)
def test_passkeys_are_confirmed_only_as_they_were_looked_at(stores: Stores, recovered_at: int, epoch: int) -> None:
    put(stores, replace(JOHN, recovered_at=recovered_at, epoch=epoch))
    looked_at = replace(JOHN, recovered_at=5)
    stores.enrolment.confirm_passkeys(looked_at)
    is_as_looked_at = (recovered_at, epoch) == (5, JOHN.epoch)
    assert found(stores).recovered_at == (0 if is_as_looked_at else recovered_at)


def test_the_first_rp_id_is_kept(stores: Stores) -> None:
    assert stores.enrolment.keep_rp_id("id.example.com")
    assert stores.enrolment.keep_rp_id("id.example.com")
    assert not stores.enrolment.keep_rp_id("example.com")
