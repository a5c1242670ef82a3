"""Whether a session or a grant still stands after an operator's revocation: counters decide, and no clock."""

from dataclasses import replace

import pytest
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.grants import Grant
from valet.models.sessions import Session
from valet.standing import grant_stands, session_stands

NOW_MS = 1_800_000_000_000
JOHN = Account("sub", "john", epoch=3, epoch_raised_at_ms=NOW_MS, sessions_not_before_ms=NOW_MS)
WEB = Client("web", "Web", epoch=2, epoch_raised_at_ms=NOW_MS, grants_not_before_ms=NOW_MS)


def session(epoch: int, auth_time_ms: int) -> Session:
    return Session(b"digest", "sid", "sub", auth_time_ms, "acr", ("pwd",), 2**31, 2**31, epoch=epoch)


def grant(epoch: int, client_epoch: int, issued_at_ms: int = NOW_MS) -> Grant:
    return Grant(
        "id", "web", "sub", "sid", (), (), issued_at_ms // 1000, "acr", (), None, "https://a.example", "challenge",
        issued_at_ms, b"code", 2**31, 2**31, epoch=epoch, client_epoch=client_epoch,
    )  # fmt: skip


@pytest.mark.parametrize("seconds", [-3600, 0, 3600], ids="{:+d} s".format)
def test_the_time_of_a_sign_in_decides_nothing_however_wrong_a_clock_is(seconds: int) -> None:
    at_ms = NOW_MS + seconds * 1000
    assert session_stands(session(3, at_ms), JOHN)
    assert grant_stands(grant(3, 2, at_ms), WEB, JOHN)
    for epoch in (0, 2, 4):
        assert not session_stands(session(epoch, at_ms), JOHN)
        assert not grant_stands(grant(epoch, 2, at_ms), WEB, JOHN)
    assert not grant_stands(grant(3, 1, at_ms), WEB, JOHN)


def test_a_new_grant_stands_though_this_sandbox_still_knows_the_client_of_before() -> None:
    assert grant_stands(grant(3, 2), replace(WEB, epoch=1), JOHN)


@pytest.mark.parametrize("account", [None, replace(JOHN, is_disabled=True)], ids=["deleted", "disabled"])
def test_nothing_stands_of_an_account_that_is_deleted_or_disabled(account: Account | None) -> None:
    assert not session_stands(session(3, NOW_MS), account)
    assert not grant_stands(grant(3, 2), WEB, account)


def test_nothing_stands_of_a_disabled_client() -> None:
    assert not grant_stands(grant(3, 2), replace(WEB, is_disabled=True), JOHN)


def test_what_the_release_before_ended_by_its_mark_stays_ended() -> None:
    """Its mark is a time, and no epoch was raised with it: before this release, or in a rollback from it."""
    for account in (Account("sub", "john"), JOHN):
        marked = replace(account, sessions_not_before_ms=NOW_MS + 5000)
        assert not session_stands(session(account.epoch, NOW_MS + 4999), marked)
        assert session_stands(session(account.epoch, NOW_MS + 5000), marked)
        assert not grant_stands(grant(account.epoch, 2, NOW_MS + 4000), WEB, marked)
        assert grant_stands(grant(account.epoch, 2, NOW_MS + 5000), WEB, marked)


def test_an_operator_may_still_end_the_grants_of_a_client_that_are_older_than_a_time() -> None:
    named = replace(WEB, grants_not_before_ms=NOW_MS + 5000)
    assert not grant_stands(grant(3, 2, NOW_MS + 4999), named, JOHN)
    assert grant_stands(grant(3, 2, NOW_MS + 5000), named, JOHN)


@pytest.mark.parametrize(
    ("acr", "required", "stands"),
    [
        ("urn:valet:acr:password", "", True),
        ("urn:valet:acr:password", "urn:valet:acr:password", True),
        ("urn:valet:acr:password", "phr", False),
        ("phr", "phr", True),
        ("phr", "urn:valet:acr:password", True),
        ("phr", "urn:example:later", False),
        ("urn:example:former", "phr", False),
    ],
)
def test_a_session_below_its_accounts_level_does_not_stand(acr: str, required: str, stands: bool) -> None:
    account = replace(JOHN, required_acr=required)
    assert session_stands(replace(session(account.epoch, NOW_MS), acr=acr), account) is stands
