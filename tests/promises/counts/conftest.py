"""The deployment on moto: its expressions are read by another program than the one that other tests use.

The table of counts has every kind of request, so moto is sent all that the functions send.
"""

from collections.abc import Iterator

import pytest

from tests.support.deployment import afresh
from tests.support.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with afresh(on_moto=True) as deployment:
        yield World(deployment)
