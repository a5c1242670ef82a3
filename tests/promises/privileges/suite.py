"""The whole run of the tests held to the roles: whatever any test makes a function do, its role has to allow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local.aws.calls import Call
from local.aws.resources import STACK
from local.stack import LocalStack
from tests.endpoints import FUNCTIONS
from tests.parts.template.cloudformation import SAM_PYTHON
from tests.promises.privileges.grants import deployed, key_policies, missing


def _is_invocation() -> bool:
    """Whether a function of the stack makes the call, and not a test in a function's name."""
    return threading.current_thread().name.startswith("function-")


@contextmanager
def held_to_roles(stack: LocalStack) -> Iterator[None]:
    """Records one call of each kind while the block runs, and judges them at its end."""
    calls: dict[tuple[object, ...], Call] = {}

    def record(call: Call, forward: Callable[[], Any]) -> Any:
        is_ours = call.table is None or call.table.startswith(f"{STACK}-")
        if call.function in FUNCTIONS.values() and is_ours and _is_invocation():
            kind = (call.function, call.iam_action, call.table, call.partition_prefix, call.attributes)
            calls.setdefault(kind, call)
        return forward()

    with stack.aws.intercept(record):
        yield
    if calls and SAM_PYTHON.exists():
        granted, _ = deployed(FUNCTIONS, SecondFactor="on")
        for arn, policy in key_policies().items():
            granted = granted.with_key(arn, policy)
        lacking = missing(calls.values(), granted)
        assert not lacking, "\n".join(lacking)
