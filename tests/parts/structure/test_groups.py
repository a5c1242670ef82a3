"""The tests of a group run in one process, so that what they share is made once. Without it the suite takes twice as
long, and nothing else tells: pytest-xdist says nothing when it takes no notice of a group.
"""

from __future__ import annotations

import pytest

_SCOPE = "tests of one group"


@pytest.mark.xdist_group(_SCOPE)
def test_the_workers_know_the_group_of_a_test(request: pytest.FixtureRequest) -> None:
    is_spread = request.config.getoption("loadgroup", default=False)  # which pytest-xdist sets in its workers
    assert request.node.nodeid.endswith(f"@{_SCOPE}") is is_spread
