"""Calls to a server that misbehaves, and how they fail."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from valet.aws import connection, retries
from valet.aws.calls import AwsCalls, CallFailed

SHORT = 0.15  # seconds, to connect and to answer, where the limit is what ends a call
_SPARE = 0.5  # seconds, for a machine under load
_ENVIRONMENT = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


@contextmanager
def calls_to(url: str) -> Iterator[AwsCalls]:
    calls = AwsCalls("dynamodb", {"AWS_ENDPOINT_URL": url, **_ENVIRONMENT})
    try:
        yield calls
    finally:
        calls.close()


def assert_fails(url: str, word: str) -> None:
    """A call to the server there fails in time, and says `word`, which is a pattern."""
    with pytest.MonkeyPatch.context() as patch:
        if "Timeout" in word:
            patch.setattr(connection, "CONNECT_WITHIN", SHORT)
            patch.setattr(connection, "ANSWER_WITHIN", SHORT)
        limit = retries.ATTEMPTS * (connection.CONNECT_WITHIN + connection.ANSWER_WITHIN) + _SPARE
        started = time.monotonic()
        with calls_to(url) as calls, pytest.raises(CallFailed, match=word):
            calls("GetItem", {})
        assert time.monotonic() - started < limit


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))
