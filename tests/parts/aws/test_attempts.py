"""The attempts of a call: two at most, paid from a budget that is botocore's."""

from random import Random
from typing import Any

import pytest
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import RetryContext, RetryQuotaChecker
from valet.aws.calls import AwsCalls, CallFailed
from valet.aws.connection import NoAnswer
from valet.aws.reply import Reply
from valet.aws.retries import Budget
from valet.clock import Moment

from tests.parts.aws.door import SIGNED, Door, answered, refused
from tests.parts.aws.test_retries import Answered

LOST = NoAnswer("ReadTimeout")


class Throttles:
    """Says of each context whether it was throttled, as the test has drawn it."""

    is_throttled = False

    def is_throttling_error_from_context(self, _: object) -> bool:
        return self.is_throttled


@pytest.mark.parametrize("seed", range(20))
def test_the_budget_is_botocores_over_a_thousand_calls(seed: int) -> None:
    """Up to three calls are under way at once."""
    random, throttles, quota, budget = Random(seed), Throttles(), RetryQuota(), Budget()
    detector: Any = throttles
    theirs = RetryQuotaChecker(quota, detector)
    bad = random.choice((0.2, 0.5, 0.9))
    under_way: list[tuple[int, Any]] = []
    for _ in range(1_000):
        context, spent, is_tried = RetryContext(1, request_context={}), 0, True
        if random.random() < bad:  # the first attempt fails
            throttles.is_throttled = random.random() < 0.5
            spent, is_tried = budget.spend(throttled=throttles.is_throttled), theirs.acquire_retry_quota(context)
            assert bool(spent) == is_tried
        if is_tried:
            under_way.append((spent, context.request_context))
        if len(under_way) > 2:
            spent, paid = under_way.pop(random.randrange(3))
            if random.random() > bad:  # the last attempt goes well
                budget.refund(spent)
                theirs.release_retry_quota(paid, Answered(200))
        assert budget._left == quota.available_capacity


def test_a_retry_that_goes_well_costs_nothing(door: Door) -> None:
    calls = AwsCalls("dynamodb", SIGNED)
    for _ in range(200):
        door.answers(refused("InternalServerError", 500), answered({}))
        calls("GetItem", {})
    assert len(door.pauses) == 200


def test_an_outage_of_a_thousand_calls_makes_as_many_retries_as_the_budget_pays(door: Door) -> None:
    door.answer = lambda attempt: refused("InternalServerError", 500)
    calls = AwsCalls("dynamodb", SIGNED)
    for _ in range(1_000):
        with pytest.raises(CallFailed, match="InternalServerError"):
            calls("GetItem", {})
    assert len(door.attempts) == 1_000 + 500 // 14
    assert len(door.pauses) == 500 // 14


def test_an_outage_without_answers_is_paid_from_the_same_budget(door: Door) -> None:
    def lost(_: object) -> Reply:
        raise NoAnswer("ConnectTimeout")

    door.answer = lost
    calls = AwsCalls("kms", SIGNED)
    for _ in range(100):
        with pytest.raises(CallFailed, match="ConnectTimeout"):
            calls("Sign", {})
    assert len(door.attempts) == 100 + 500 // 14


def test_throttled_retries_cost_less_and_the_budget_still_ends(door: Door) -> None:
    door.answer = lambda attempt: refused("ThrottlingException")
    calls = AwsCalls("kms", SIGNED)
    for _ in range(500):
        with pytest.raises(CallFailed, match="ThrottlingException"):
            calls("Sign", {})
    assert len(door.attempts) == 500 + 500 // 5


def test_after_an_outage_the_budget_fills_again_with_each_call_that_goes_well(door: Door) -> None:
    door.answer = lambda attempt: refused("InternalServerError", 500)
    calls = AwsCalls("dynamodb", SIGNED)
    for _ in range(50):
        with pytest.raises(CallFailed):
            calls("GetItem", {})
    door.answer = lambda attempt: answered({})
    for _ in range(3):  # 10 were left, which pay no retry; with three more they do not either
        calls("GetItem", {})
    door.answers(refused("InternalServerError", 500), answered({}))
    with pytest.raises(CallFailed):
        calls("GetItem", {})
    door.answer = lambda attempt: answered({})
    calls("GetItem", {})
    door.answers(refused("InternalServerError", 500), answered({"Item": {}}))
    assert calls("GetItem", {}) == {"Item": {}}


REPEATED: dict[str, tuple[Reply | NoAnswer, float]] = {
    "no answer": (LOST, 0.05),
    "no connection": (NoAnswer("ConnectTimeout"), 0.05),
    "a status 500": (refused("KMSInternalException", 500), 0.05),
    "a page in front of AWS": (Reply(503, {}, b"<html>"), 0.05),
    "a status 502 without a body": (Reply(502, {}, b""), 0.05),
    "a redirect": (Reply(302, {"location": "http://evil.example/"}, b""), 0.05),
    "an answer that is no JSON": (Reply(200, {}, b"<html>"), 0.05),
    "an answer without a body": (Reply(200, {}, b""), 0.05),
    "a conflict of two Regions": (refused("ReplicatedWriteConflictException"), 0.05),
    "a throttle": (refused("ThrottlingException"), 1.0),
    "a status 429": (Reply(429, {}, b""), 1.0),
}


@pytest.mark.parametrize("kind", REPEATED)
def test_what_may_go_well_is_sent_again_once(kind: str, door: Door) -> None:
    failure, longest = REPEATED[kind]
    door.answers(failure, answered({"KeyId": "a"}))
    assert AwsCalls("kms", SIGNED)("Sign", {"KeyId": "a"}) == {"KeyId": "a"}
    first, second = door.attempts
    assert first.body == second.body
    assert [0 <= seconds < longest for seconds in door.pauses] == [True]
    door.attempts.clear()
    door.answers(failure, failure, answered({}))
    with pytest.raises(CallFailed):
        AwsCalls("kms", SIGNED)("Sign", {"KeyId": "a"})
    assert len(door.attempts) == 2


@pytest.mark.parametrize(
    "reply",
    [
        refused("ConditionalCheckFailedException"),
        refused("AccessDeniedException"),
        refused("ExpiredTokenException", 403),
        refused("ValidationException"),
        refused("DisabledException"),
        Reply(400, {}, b"<html>"),
        Reply(404, {}, b""),
        Reply(501, {}, b""),
    ],
    ids=lambda reply: f"{reply.status} {reply.body.decode()[:50]}",
)
def test_what_cannot_go_well_is_sent_once(reply: Reply, door: Door) -> None:
    door.answers(reply, answered({}))
    with pytest.raises(CallFailed):
        AwsCalls("dynamodb", SIGNED)("PutItem", {})
    assert (len(door.attempts), door.pauses) == (1, [])


def test_the_second_refusal_is_the_one_that_is_told(door: Door) -> None:
    """After a lost answer the condition fails on our own write: the caller needs the item to see that."""
    item = {"pk": {"S": "a"}}
    door.answers(LOST, Reply(400, {}, b'{"__type": "a#ConditionalCheckFailedException", "Item": {"pk": {"S": "a"}}}'))
    with pytest.raises(CallFailed) as failed:
        AwsCalls("dynamodb", SIGNED)("PutItem", {})
    assert (failed.value.code, failed.value.item) == ("ConditionalCheckFailedException", item)


def test_the_item_of_a_first_refusal_is_forgotten(door: Door) -> None:
    door.answers(Reply(500, {}, b'{"__type": "InternalServerError", "Item": {"pk": {"S": "a"}}}'), LOST)
    with pytest.raises(CallFailed) as failed:
        AwsCalls("dynamodb", SIGNED)("PutItem", {})
    assert (failed.value.code, failed.value.item) == ("ReadTimeout", None)


def test_the_hint_of_aws_is_kept_up_to_a_second(door: Door) -> None:
    for hint, least, most in (("200", 0.2, 0.2), ("900000", 1.0, 1.0), ("soon", 0.0, 0.025)):
        door.pauses.clear()
        door.answers(refused("InternalServerError", 500, **{"x-amz-retry-after": hint}), answered({}))
        AwsCalls("dynamodb", SIGNED)("GetItem", {})
        assert [least <= seconds <= most for seconds in door.pauses] == [True]


def test_each_attempt_is_signed_anew(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((1_790_000_000.0, 1_790_000_001.0))
    monkeypatch.setattr("valet.aws.calls.system_clock", lambda: Moment(next(moments), 0.0))
    door.answers(LOST, answered({}))
    AwsCalls("dynamodb", SIGNED)("GetItem", {})
    first, second = (dict(attempt.headers) for attempt in door.attempts)
    assert first["x-amz-date"] != second["x-amz-date"]
    assert first["authorization"] != second["authorization"]
