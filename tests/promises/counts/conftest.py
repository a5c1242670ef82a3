"""The integration tests' deployment, seen from its AWS calls."""

from collections.abc import Iterator

import pytest

from tests.counts.world import World
from tests.integration.deployment import afresh


@pytest.fixture
def world() -> Iterator[World]:
    with afresh() as deployment:
        yield World(deployment)
