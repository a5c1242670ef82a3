"""The deployment, whose AWS clients try again at once."""

import pytest
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff

from tests.support.world import World


@pytest.fixture
def world(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    # A client has so many retries to spend until calls go well again: more than one test needs, fewer than all do.
    monkeypatch.setattr(RetryQuota, "acquire", lambda self, amount: True)
    return world
