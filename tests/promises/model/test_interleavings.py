"""Once is once: every interleaving of a few requests, with crashes, lost and repeated writes, thieves and time."""

from collections.abc import Callable

import pytest

from tests.promises.model.explorer import explore
from tests.promises.model.run import Scenario
from tests.promises.model.scenarios import ALL, ALL_DEEP
from tests.support import profiles

IS_DEEP = profiles.load()


_WALKED = (*ALL, *(ALL_DEEP if IS_DEEP else ()))


@pytest.mark.parametrize("scenario", _WALKED, ids=lambda each: each.name)
def test_no_interleaving_breaks_a_promise(scenario: Scenario, record_property: Callable[[str, object], None]) -> None:
    explored = explore(scenario)
    record_property("explored", str(explored))
    assert not explored.violation, "\n    ".join((f"{scenario.what}: {explored.violation}", *explored.trace))
