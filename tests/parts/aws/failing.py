"""Calls to a server that misbehaves, and how they fail."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from valet.aws import retries
from valet.aws.calls import AwsCalls, CallFailed

WITHIN = 0.1  # seconds to connect, and as many to answer, where a test uses `short_limits`
_SPARE = 0.5  # seconds for a machine under load
_ENVIRONMENT = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def calls_to(url: str) -> Iterator[AwsCalls]:
    calls = AwsCalls("dynamodb", {"AWS_ENDPOINT_URL": url, **_ENVIRONMENT})
    try:
        yield calls
    finally:
        calls.close()


def failure_at(url: str) -> str:
    """How a call to the server there fails, in time."""
    started = time.monotonic()
    with calls_to(url) as calls, pytest.raises(CallFailed) as failed:
        calls("GetItem", {})
    assert time.monotonic() - started < retries.ATTEMPTS * 2 * WITHIN + _SPARE
    return failed.value.code


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))
