"""Which refusals are worth a second attempt: botocore's standard mode decides the same, but for what is named here."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from botocore.retries.standard import (
    ExponentialBackoff,
    RetryContext,
    RetryEventAdapter,
    StandardRetryConditions,
    ThrottledRetryableChecker,
    ThrottlingErrorDetector,
    TransientRetryableChecker,
)
from valet.aws.calls import AwsCalls
from valet.aws.retries import is_throttled, is_worth_repeating, pause

from tests.parts.aws import oracle
from tests.parts.aws.door import SIGNED, Door, answered, refused
from tests.parts.aws.test_requests import OPERATIONS

STATUSES = (400, 403, 404, 413, 429, 500, 501, 502, 503, 504)
OF_NO_MODEL = ("ValidationException", "AccessDeniedException", "ExpiredTokenException", "UnrecognizedClientException")

# A second attempt here, none in botocore. The services send these codes with a status 5xx, where botocore repeats too.
BROADER = {"InternalServerError", "KMSInternalException", "DependencyTimeoutException"}


class Answered:
    """A status and headers, as botocore's checkers read them."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status_code, self.headers = status, headers or {}


@cache
def codes(service: str) -> list[str]:
    named = [shape.metadata.get("error", {}).get("code") or shape.name for shape in oracle.model(service).error_shapes]
    transient, throttled = vars(TransientRetryableChecker), vars(ThrottledRetryableChecker)
    known = [*transient["_TRANSIENT_ERROR_CODES"], *throttled["_THROTTLED_ERROR_CODES"]]
    return [*named, *known, *OF_NO_MODEL]


def context(service: str, operation: str, code: str, status: int) -> RetryContext:
    model = oracle.model(service).operation_model(operation)
    answered: Any = Answered(status)
    return RetryContext(1, model, {"Error": {"Code": code}}, answered)


def is_modeled(service: str, operation: str, code: str) -> bool:
    return any(shape.name == code for shape in oracle.model(service).operation_model(operation).error_shapes)


@pytest.mark.parametrize("service", OPERATIONS)
def test_each_refusal_is_repeated_or_not_as_botocore_does_it(service: str) -> None:
    conditions, detector = StandardRetryConditions(max_attempts=2), ThrottlingErrorDetector(RetryEventAdapter())
    broader = set()
    for operation, code, status in product(OPERATIONS[service], codes(service), STATUSES):
        if status == 429 and is_modeled(service, operation, code):
            # DynamoDB and KMS send none of their own codes with 429. Something in front of them may, so it is a
            # throttle here, whatever the code. botocore goes by the model alone.
            assert is_throttled(code, status)
            continue
        of = context(service, operation, code, status)
        assert is_throttled(code, status) == detector.is_throttling_error_from_context(of), (operation, code, status)
        theirs = conditions.is_retryable(of)
        if is_worth_repeating(code, status) and not theirs:
            broader.add(code)
        # This code is in the model of the operations that write. Of one that reads, DynamoDB never sends it.
        elif code != "ReplicatedWriteConflictException" or is_modeled(service, operation, code):
            assert is_worth_repeating(code, status) == theirs, (operation, code, status)
    assert broader - {"ReplicatedWriteConflictException"} == BROADER & set(codes(service))


def test_a_status_without_a_code_is_judged_as_botocore_judges_it() -> None:
    conditions, detector = StandardRetryConditions(max_attempts=2), ThrottlingErrorDetector(RetryEventAdapter())
    for status in range(300, 600):
        of = context("kms", "Sign", str(status), status)
        code = f"HTTP {status}"
        assert is_worth_repeating(code, status) == conditions.is_retryable(of)
        assert is_throttled(code, status) == detector.is_throttling_error_from_context(of)


@pytest.mark.parametrize("hint", [None, "0", "1", "20", "999", "1000", "-1", "soon", "", "1.5"])
def test_the_pause_is_botocores_up_to_a_second(hint: str | None, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {} if hint is None else {"x-amz-retry-after": hint}
    detector = ThrottlingErrorDetector(RetryEventAdapter())
    codes_and_draws = product(("ThrottlingException", "InternalServerError"), (0.0, 0.3, 0.999))
    for service, (code, draw) in product(OPERATIONS, list(codes_and_draws)):
        monkeypatch.setattr("valet.aws.calls.system_jitter", lambda drawn=draw: drawn)
        door.answers(refused(code, 500, **headers), answered({}))
        AwsCalls(service, SIGNED)("Operation", {})
        backoff = ExponentialBackoff(random=lambda: draw, service_name=service, throttling_detector=detector)  # noqa: B023
        of: Any = context(service, OPERATIONS[service][0], code, 500)
        of.http_response = Answered(500, headers)
        assert door.pauses.pop() == pytest.approx(backoff.delay_amount(of))


@pytest.mark.parametrize("hint", ["1001", "60000", "999999999", "9" * 5_000, "٣", "²", "+1", " 1", "1_0", "1e3", "inf"])
@pytest.mark.parametrize("throttled", [False, True])
def test_a_long_or_odd_hint_never_holds_a_function_for_over_a_second(hint: str, throttled: bool) -> None:
    assert 0 <= pause(throttled=throttled, hint=hint, base=0.05, jitter=lambda: 0.5) <= 1.0
