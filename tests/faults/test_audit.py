"""What ends a grant is logged once (promise P10), by whoever did it, however many find it done."""

import pytest

from tests.counts import requests
from tests.counts.table import TABLE
from tests.counts.world import World
from tests.faults.injection import Fault
from tests.faults.test_faults import strike

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


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNHEARD, Fault.LATE, Fault.LATER], ids=str)
@pytest.mark.parametrize("name", _EVENTS)
def test_a_write_that_was_sent_twice_is_not_logged_twice(world: World, name: str, fault: Fault) -> None:
    row = next(row for row in TABLE if row.name == name)
    run = strike(world, row, row.cold_calls.index("UpdateItem grant") + 1, fault)
    run.settled()
    assert world.deployment.audit.names.count(_EVENTS[name]) <= 1
