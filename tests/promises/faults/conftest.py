"""The deployment, whose AWS clients try again at once."""

from collections.abc import Iterator

import pytest
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff

from tests.promises.counts.world import World
from tests.support.deployment import afresh


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0)
    # A client has so many retries to spend until calls go well again: more than one test needs, fewer than all do.
    monkeypatch.setattr(RetryQuota, "acquire", lambda self, amount: True)
    with afresh() as deployment:
        yield World(deployment)
