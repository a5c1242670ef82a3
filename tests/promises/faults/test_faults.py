"""Every AWS call of every request made to fail in every way, and the function killed after each (promises P1 to P4).

The calls are those of a good run in a cold execution environment, as tests/promises/counts holds them.
"""

from collections.abc import Iterator

import pytest

from tests.promises.counts.row import Row
from tests.promises.counts.table import TABLE
from tests.promises.faults.aftermath import AFTERMATH, Run, is_outage
from tests.promises.faults.injection import Fault, Injection, Killed, faults_of
from tests.promises.faults.mail_aftermath import MAIL_AFTERMATH
from tests.support.wire import Answer
from tests.support.world import World

ALL = {**AFTERMATH, **MAIL_AFTERMATH}


def cases() -> Iterator[object]:
    for row in TABLE:
        if row.name not in ALL:
            continue
        for position, call in enumerate(row.cold_calls, 1):
            for fault in faults_of(call):
                yield pytest.param(row, position, fault, id=f"{row.name}: {position} {call}: {fault}")


def strike(world: World, row: Row, position: int, fault: Fault) -> Run:
    """Send the request with the fault. After a kill, the next request gets another execution environment."""
    request = row.prepare(world)
    world.restart()
    injection = Injection(position, fault)
    first: Answer | None = None
    try:
        with world.deployment.aws.intercept(injection):
            first = request()
    except Killed:
        world.restart()
    assert injection.has_struck
    return Run(world, request, row.cold_calls[position - 1], fault, first, injection.land)


@pytest.mark.parametrize(("row", "position", "fault"), list(cases()))
def test_whatever_fails_the_client_tries_again_and_everybody_is_who_they_were(
    world: World, row: Row, position: int, fault: Fault
) -> None:
    run = strike(world, row, position, fault)
    if run.first is not None and not is_outage(run.first):
        assert run.first.status == row.status
    ALL[row.name](run)


def test_no_kind_of_request_is_left_out() -> None:
    """All kinds except the races, which the model runs, and those that make the calls of another kind, or one less."""
    with_claims = {"code_with_claims", "userinfo_with_claims"}
    one_read_less = {"client_credentials_with_assertion"}  # than with keys that the client publishes
    as_others = {"code_without_openid", "consent_not_remembered", "push_with_proof"}
    as_others |= {"consent_stranger", "code_of_document"}  # of their own they have reads, as authorize_known_document
    as_others |= {"recover_asked", "join_throttled", "joined_elsewhere", "joined_too_late"}
    as_others |= {"device_typed", "poll_denied", "poll_expired"}
    races = {"refresh_race_lost", "renew_race_lost"}
    left_out = {*races, *as_others, *with_claims, *one_read_less}
    assert {row.name for row in TABLE} - ALL.keys() == left_out


@pytest.mark.parametrize("name", ["code", "refresh", "userinfo", "logout"])
def test_a_read_that_is_lost_once_is_noticed_by_nobody(world: World, name: str) -> None:
    row = next(row for row in TABLE if row.name == name)
    for position, call in enumerate(row.cold_calls, 1):
        if call.startswith(("GetItem", "Query")):
            run = strike(world, row, position, Fault.LOST)
            assert run.first is not None
            assert run.first.status == row.status, call
