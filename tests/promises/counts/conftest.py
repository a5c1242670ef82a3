"""The integration tests' deployment, seen from its AWS calls."""

from collections.abc import Iterator

import pytest

from tests.promises.counts.world import World
from tests.support.deployment import afresh


@pytest.fixture
def world() -> Iterator[World]:
    with afresh() as deployment:
        yield World(deployment)
