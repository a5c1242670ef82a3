"""A status list is complete: whatever was acknowledged before a reader asked is in it (P5)."""

from collections.abc import Callable

import pytest
from valet.aws.dynamodb import status_lists

from tests.promises.lists.seeded import FAULTS, Fault
from tests.promises.lists.walk import Scenario, walk
from tests.support import profiles

SCENARIOS = (
    Scenario("turned pages", ((1,), (2,)), reads=(1,), faults=1, page=1),
    Scenario("a second read", ((1,), (2,)), reads=(2,), faults=0, page=1),
    Scenario("a page of two", ((1,), (2,), (3,)), reads=(1,), faults=0, page=2),
    Scenario("repeated", ((1,), (1,)), reads=(1,), faults=1, page=2, sees_blocks=True),
)
DEEP = (
    Scenario("a second read, with a fault", ((1,), (2,)), reads=(2,), faults=1, page=1),
    Scenario("repeated, with two faults", ((1,), (1,)), reads=(1,), faults=2, page=2, sees_blocks=True),
    Scenario("three writers, with a fault", ((1,), (2,), (3,)), reads=(1,), faults=1, page=2),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.mark.parametrize("scenario", [*SCENARIOS, *(DEEP if profiles.load() else ())], ids=lambda each: each.name)
def test_no_interleaving_keeps_an_acknowledged_revocation_from_a_reader_that_asks_after_it(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    monkeypatch.setattr(status_lists, "PAGE", scenario.page)
    walked = walk(scenario)
    record_property("explored", f"status list, {scenario.name}: {walked.states:,} states")
    assert not walked.violation, "\n    ".join((walked.violation, *walked.trace))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_walk_finds(
    fault: Fault, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    scenario = BY_NAME[fault.scenario]
    monkeypatch.setattr(status_lists, "PAGE", scenario.page)
    fault.patch(monkeypatch)
    walked = walk(scenario)
    assert walked.violation == fault.violation, "\n    ".join(("no violation", *walked.trace))
    record_property("seeded", f"status list, {fault.name}: {walked.violation} ({len(walked.trace)} steps)")
