"""The end of a grant is logged once (promise P10), by the request whose write ended it, however many requests find it
ended.
"""

import pytest

from tests.promises.counts import requests
from tests.promises.counts.table import TABLE
from tests.promises.faults.injection import Fault
from tests.promises.faults.test_faults import strike
from tests.support.world import World

_EVENTS = {
    "revoke_refresh_token": "grant.revoked",
    "logout": "grant.revoked",
    "refresh_stolen": "refresh.reused",
    "code_replayed": "code.replayed",
}


@pytest.mark.parametrize("name", _EVENTS)
def test_the_end_of_a_grant_is_logged_once_however_often_it_is_asked_for(world: World, name: str) -> None:
    request = getattr(requests, name)(world)
    cookies = dict(world.browser.cookies)
    for _ in range(3):
        world.browser.cookies = dict(cookies)
        request()
    assert world.deployment.audit.names.count(_EVENTS[name]) == 1


def test_so_is_the_end_of_a_session(world: World) -> None:
    request = requests.logout(world)
    cookies = dict(world.browser.cookies)
    for _ in range(3):
        world.browser.cookies = dict(cookies)
        request()
    assert world.deployment.audit.names.count("session.ended") == 1


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNHEARD], ids=str)
@pytest.mark.parametrize("name", _EVENTS)
def test_a_write_that_was_sent_twice_is_logged_once(world: World, name: str, fault: Fault) -> None:
    """This holds also if the write took effect and its answer was lost: the second try finds its own mark in the
    item.
    """
    _strike(world, name, "UpdateItem grant", fault)
    assert world.deployment.audit.names.count(_EVENTS[name]) == 1


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNHEARD], ids=str)
@pytest.mark.parametrize(("name", "event"), [("refresh", "token.refreshed"), ("code", "token.issued")])
def test_so_are_tokens_whose_commit_was_sent_twice(world: World, name: str, event: str, fault: Fault) -> None:
    row = next(row for row in TABLE if row.name == name)
    run = strike(world, row, row.cold_calls.index("UpdateItem grant") + 1, fault)
    assert run.first is not None
    assert run.first.status == 200
    assert world.deployment.audit.names == [event]


def test_a_logout_that_could_not_end_the_grants_is_logged_all_the_same(world: World) -> None:
    """The session had already ended. A second sign-out finds it ended, and goes on with the grants."""
    _strike(world, "logout", "Query sub", Fault.THROTTLED)
    assert world.deployment.audit.names.count("session.ended") == 1
    assert world.deployment.audit.names.count("grant.revoked") == 1


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNHEARD], ids=str)
def test_so_is_a_session_whose_end_was_sent_twice(world: World, fault: Fault) -> None:
    _strike(world, "logout", "UpdateItem session", fault)
    assert world.deployment.audit.names.count("session.ended") == 1


@pytest.mark.parametrize("fault", [Fault.UNHEARD_TWICE, Fault.LATE, Fault.LATER, Fault.KILLED], ids=str)
@pytest.mark.parametrize("name", _EVENTS)
def test_what_nobody_heard_the_end_of_is_logged_at_most_once(world: World, name: str, fault: Fault) -> None:
    """The log lacks the line, but the item shows the revocation."""
    _strike(world, name, "UpdateItem grant", fault)
    assert world.deployment.audit.names.count(_EVENTS[name]) <= 1


def _strike(world: World, name: str, call: str, fault: Fault) -> None:
    row = next(row for row in TABLE if row.name == name)
    strike(world, row, row.cold_calls.index(call) + 1, fault).settled()
