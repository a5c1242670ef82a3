"""The local stack that the measurements of one process share, and requests to the token function as it answers them."""

import atexit
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from valet.aws.reply import Reply
from valet.ports.runtime import Clock

from bench.at_once import name_of
from bench.valet_in_memory import log_to
from local.aws.aws import Forward
from local.aws.calls import Call
from local.stack import LocalStack, Ports, start
from tests.endpoints import logical_id
from tests.support import event_files

_LAMBDA = {  # what Lambda sets in the environment of every function
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
}


@cache
def local_stack() -> LocalStack:
    """A process can have one. Its functions' log is thrown away."""
    log_to(io.StringIO())
    stack = start(Ports.open(0))
    atexit.register(stack.stop)
    return stack


def environment(name: str, aws_url: str, stack: LocalStack | None = None) -> dict[str, str]:
    """The environment of functions/<name> as `stack` declares it, this process's if none is given, if AWS answers at
    `aws_url`.
    """
    declared = (stack or local_stack()).system.functions[logical_id(name)].environment
    return {**declared, **_LAMBDA, "AWS_ENDPOINT_URL": aws_url}


@dataclass(frozen=True)
class Recorded:
    """A request to the token function, and AWS's answers by the names of the calls (at_once.py)."""

    event: Mapping[str, Any]
    answers: Mapping[str, str]


def recorded(name: str, clock: Clock = time.time) -> Recorded:
    """events/token/<name>.json, answered once by a function that remembers nothing, at the time that `clock` tells."""
    stack = local_stack()
    stack.reset()
    event = event_files.filled(f"token/{name}", stack.issuer)
    answers: dict[str, str] = {}

    def keep(call: Call, forward: Forward) -> Reply:
        reply = forward()
        answers[name_of(call.action, call.parameters)] = reply.body.decode()
        return reply

    stack.forget(clock=clock)
    with stack.aws.intercept(keep):
        answer = stack.invoke("token", event)
    assert answer["statusCode"] == 200, answer
    return Recorded(event, answers)
