"""The integration tests' deployment, seen from its AWS calls."""

from collections.abc import Iterator

import pytest

from tests.support.deployment import afresh
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with afresh() as deployment:
        yield World(deployment)
