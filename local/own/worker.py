"""One function in an interpreter of its own: reads events from a pipe, writes answers to another (AWS Lambda, Python).

This file runs under the developer's Python and next to the developer's packages, and so imports the standard library
alone and keeps to Python 3.9. What the function prints goes to standard output, which the local stack reads.
"""

from __future__ import annotations

import base64
import decimal
import importlib
import json
import logging
import os
import sys
import time
import traceback
import types
from typing import Any, TextIO


class LambdaContext:
    """The object that Lambda's Python runtime passes next to the event."""

    identity = None
    client_context = None

    def __init__(self, facts: dict[str, Any]) -> None:
        self.aws_request_id = facts["aws_request_id"]
        self.invoked_function_arn = facts["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = time.monotonic() + facts["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(1000 * (self._deadline - time.monotonic())))


def main(events: TextIO, answers: TextIO, facts: dict[str, Any]) -> int:
    """Imports the handler, says so, and answers events until the pipe is closed."""
    sys.path[:] = [*facts["path"], *sys.path[1:]]  # its first entry is this file's folder
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s] %(name)s: %(message)s", level=logging.WARNING)
    try:
        handler = find_handler(facts)
    except BaseException as error:
        tell(answers, failure(error))
        return 1
    tell(answers, {"ready": True})
    for line in events:
        invocation = json.loads(line)
        try:
            answer = handler(invocation["event"], LambdaContext(invocation))
            told = {"answer": json.loads(json.dumps(answer, default=plain))}
        except Exception as error:
            told = failure(error)
        sys.stdout.flush()
        tell(answers, told)
    return 0


def find_handler(facts: dict[str, Any]) -> Any:
    module_name, _, name = facts["handler"].rpartition(".")
    if facts["inline_code"] is None:
        module = importlib.import_module(module_name.replace("/", "."))
    else:
        module = types.ModuleType(module_name)
        exec(compile(facts["inline_code"], "InlineCode", "exec"), vars(module))  # noqa: S102  it is the function
    if not hasattr(module, name):
        raise AttributeError("Handler is {!r}, and the module has no {!r}".format(facts["handler"], name))
    return getattr(module, name)


def failure(error: BaseException) -> dict[str, Any]:
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"error": {"type": type(error).__name__, "message": str(error), "trace": trace}}


def plain(value: object) -> int | float:
    """Numbers as DynamoDB's client gives them; Lambda takes these too."""
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"an answer of {type(value).__name__} is not JSON")


def tell(answers: TextIO, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    numbers = [int(each) for each in sys.argv[1:3]]
    chosen = json.loads(base64.b64decode(sys.argv[3]))
    del sys.argv[1:]
    for number in numbers:
        os.set_inheritable(number, False)
    with os.fdopen(numbers[0], encoding="utf-8") as incoming, os.fdopen(numbers[1], "w", encoding="utf-8") as outgoing:
        sys.exit(main(incoming, outgoing, chosen))
