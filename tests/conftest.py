"""What every test may ask for: the whole system, running in this process, and a clock to move."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator

import pytest

from local.aws.aws import emulated
from local.stack import LocalStack, Ports, start
from tests.promises.privileges.suite import held_to_roles
from tests.support.log_watch import (  # noqa: F401  in force for every test
    log_watch,
    nothing_secret_is_logged,
    pytest_runtest_makereport,
)
from tests.support.ministack import ministack
from tests.support.passwords import passwords_compared_once  # noqa: F401  in force for every test


def pytest_collection_finish() -> None:
    """Nine thousand tests, and what they import, stay until the end: the garbage collector looks at them no more."""
    gc.freeze()


class MovableClock:
    """The wall clock, moved by a test."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += seconds


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """The local stack on a free port, as `make run` has it, with the demo data; started once for all tests.

    A test that changes the demo data, or needs it unchanged, uses `fresh_stack`. What a function did in any of the
    tests, its role in template.yaml has to allow.
    """
    running = start(Ports.open(0))
    try:
        with held_to_roles(running):
            yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def ministack_url() -> Iterator[str]:
    """Where a ministack of this test process listens."""
    emulated()  # made-up credentials, and no way to the real AWS
    with ministack() as url:
        yield url


@pytest.fixture
def fresh_stack(stack: LocalStack) -> LocalStack:
    """The same stack with nothing in it but the demo data, and nothing remembered by the functions."""
    stack.reset()
    return stack


@pytest.fixture
def clock(fresh_stack: LocalStack) -> Iterator[MovableClock]:
    """The clock of every function that has `SERVER`'s; the authorizer, a resource server, has its own."""
    movable = MovableClock()
    fresh_stack.forget(clock=movable)
    yield movable
    fresh_stack.forget()
