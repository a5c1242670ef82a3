"""The deployment, whose functions try again at once."""

import pytest
from valet.aws.calls import OUTSIDE

from tests.support.world import World


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(OUTSIDE, "wait", lambda seconds: None)
    return world
