"""One grant refreshed ten thousand times: the item is no larger, and the last step is no more work than the first."""

import sys
from collections.abc import Callable
from statistics import median
from types import FrameType
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from valet.aws.dynamodb.grants import item_from_grant
from valet.models.grants import Grant

from tests.promises.counts.test_item_size import size_of
from tests.promises.growth.conftest import VERIFIER, Memory

STEPS = 10_000
_SERIALIZE = TypeSerializer().serialize


def bytes_of(grant: Grant) -> int:
    return size_of({name: _SERIALIZE(value) for name, value in item_from_grant(grant).items()})


def work_of(deed: Callable[[], Any]) -> int:
    """How many functions are called: what takes longer calls more, and unlike a clock it says the same twice."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        deed()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("pause", [60, 10], ids=["as they expire", "more often than a place of its own each"])
def test_refreshing_ten_thousand_times_costs_the_last_time_what_it_cost_the_first(memory: Memory, pause: int) -> None:
    grant, code = memory.issue()
    token = memory.web_app.redeem(code, VERIFIER).json()["refresh_token"]
    sizes, work, answers = [], [], []

    def refresh() -> None:
        answers.append(memory.web_app.refresh(token))

    for step in range(STEPS if pause == 60 else STEPS // 10):
        memory.clock.advance(pause)
        if step >= 100 and step % 100 < 20:  # by then it has as many tokens alive as it ever will
            work.append(work_of(refresh))
        else:
            refresh()
        token = answers.pop().json()["refresh_token"]
        sizes.append(bytes_of(memory.grant(grant.grant_id)))
    half = len(sizes) // 2
    assert max(sizes[-half:]) <= max(sizes[:half]) + 1, "more digits of the generation, and nothing else"
    assert max(sizes) < 1024
    assert len(memory.grant(grant.grant_id).live) <= 15
    quarter = len(work) // 4
    assert median(work[-quarter:]) <= median(work[:quarter]) * 1.01
    assert max(work[-quarter:]) <= max(work[:quarter]) * 1.01
    assert not memory.grant(grant.grant_id).revoked_at


def test_ten_thousand_tokens_of_a_client_hold_no_more_memory_than_ten(memory: Memory) -> None:
    """Blocks of lists that are over are forgotten."""
    indices = memory.server.status_indices
    for hour in range(STEPS // 10):
        indices.allot("web_app_123", int(memory.clock.now) + 900 + hour * 3600)
    held: dict[Any, range] = vars(indices)["_blocks"]
    assert len(held) <= 26, "those of a day, which is the longest that a token lives"
