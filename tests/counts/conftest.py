"""The integration tests' deployment, seen from its AWS calls."""

from collections.abc import Iterator

import pytest
import valet.server

from tests.counts.world import World
from tests.integration.deployment import in_this_process


@pytest.fixture
def world() -> Iterator[World]:
    lambdas_own = valet.server.SERVER
    deployment = in_this_process()
    deployment.begin()
    yield World(deployment)
    valet.server.SERVER = lambdas_own
