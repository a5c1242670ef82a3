"""The functions as Lambda runs them: loaded once, called with an event and a context, stopped at their timeout."""

from __future__ import annotations

import contextlib
import contextvars
import importlib.util
import json
import os
import sys
import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from local.aws.aws import FUNCTION
from local.system import Function
from local.template import TemplateError

LOG_GROUP: ContextVar[str] = ContextVar("log_group", default="")
"""The log group of the function that runs in this thread."""

MAX_PAYLOAD = 6 * 1024 * 1024  # bytes of an event, and of an answer


class FunctionFailed(Exception):
    """The function raised, or answered something that is not JSON."""

    def __init__(self, function: str, error_type: str, error_message: str) -> None:
        super().__init__(f"{function}: {error_type}: {error_message}")
        self.error_type = error_type
        self.error_message = error_message


class FunctionTimedOut(Exception):
    """The function ran longer than its timeout."""


class EventTooLarge(Exception):
    """The event is larger than Lambda accepts."""


@dataclass(frozen=True)
class LambdaContext:
    """The second argument that Lambda's Python runtime passes to a handler."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    log_group_name: str
    deadline: float
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(1000 * (self.deadline - time.monotonic())))


@dataclass(frozen=True)
class Crash:
    """An invocation that raised. An authorizer's `Unauthorized` does not count as a crash."""

    function: str
    error: BaseException
    text: str


class Invoker(Protocol):
    """Runs functions for a gateway."""

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        """The function's answer. Raises FunctionFailed, FunctionTimedOut or EventTooLarge."""


class Functions:
    """Every function's module, by the function's logical id. Each stack has a `package` name of its own."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        on_crash: Callable[[Crash], None] | None = None,
        package: str = "functions",
    ) -> None:
        self._functions = functions
        self._modules = {logical_id: _load(function, package) for logical_id, function in functions.items()}
        self._on_crash = on_crash
        self.crashes: deque[Crash] = deque(maxlen=1000)

    def module(self, logical_id: str) -> ModuleType:
        """The loaded app.py of a function."""
        return self._modules[logical_id]

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        """The function's answer to `event`. Both are converted to JSON and back, as Lambda does."""
        payload = json.dumps(event, ensure_ascii=False)
        if len(payload.encode()) > MAX_PAYLOAD:
            raise EventTooLarge(f"{function.logical_id}: the event has more than {MAX_PAYLOAD} bytes")
        handler = getattr(self._modules[function.logical_id], function.handler.rsplit(".", 1)[1])
        limit = min(function.timeout, timeout or function.timeout)
        context = LambdaContext(
            function_name=function.name,
            invoked_function_arn=function.arn,
            memory_limit_in_mb=function.memory,
            aws_request_id=str(uuid.uuid4()),
            log_group_name=function.log_group,
            deadline=time.monotonic() + limit,
        )
        invocation = _Invocation(function.folder.name, handler, json.loads(payload), context)
        answer = invocation.run(limit)
        if invocation.error is None:
            return answer
        self._report(function, invocation.error)
        raise FunctionFailed(
            function.logical_id, type(invocation.error).__name__, str(invocation.error)
        ) from invocation.error

    def _report(self, function: Function, error: BaseException) -> None:
        # An authorizer raises this to make API Gateway answer 401; it is no crash.
        if type(error) is Exception and str(error) == "Unauthorized":
            return
        crash = Crash(function.logical_id, error, "".join(traceback.format_exception(error)))
        self.crashes.append(crash)
        if self._on_crash:
            self._on_crash(crash)


class _Invocation:
    """One call in a thread of its own. A thread cannot be killed, so it is abandoned when its time is up."""

    def __init__(self, name: str, handler: Callable[..., Any], event: Any, context: LambdaContext) -> None:
        self.answer: Any = None
        self.error: BaseException | None = None
        surroundings = contextvars.copy_context()
        surroundings.run(FUNCTION.set, name)
        surroundings.run(LOG_GROUP.set, context.log_group_name)
        self._thread = threading.Thread(
            target=surroundings.run, args=(self._call, handler, event, context), name=f"function-{name}", daemon=True
        )

    def run(self, limit: float) -> Any:
        self._thread.start()
        self._thread.join(limit)
        if self._thread.is_alive():
            raise FunctionTimedOut(f"{self._thread.name} ran longer than {limit:g} s")
        return self.answer

    def _call(self, handler: Callable[..., Any], event: Any, context: LambdaContext) -> None:
        try:
            answer = json.dumps(handler(event, context))
            if len(answer) > MAX_PAYLOAD:
                raise ValueError(f"the answer has {len(answer)} bytes, but Lambda takes at most {MAX_PAYLOAD}")
            self.answer = json.loads(answer)
        except BaseException as error:
            self.error = error


def _load(function: Function, package: str) -> ModuleType:
    """The function's module, under a name that no other function has: fourteen files are called app.py."""
    with _environment_of(function):
        name = f"{package}.{function.folder.name}.{function.handler.rsplit('.', 1)[0]}"
        return _inline(function, name) if function.inline_code is not None else _from_file(function, name)


@contextlib.contextmanager
def _environment_of(function: Function) -> Iterator[None]:
    """Set the function's variables while its module loads: functions of another stack have values of their own."""
    before = {name: os.environ.get(name) for name in function.environment}
    os.environ.update(function.environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _inline(function: Function, name: str) -> ModuleType:
    """A module made of the code in the template."""
    module = ModuleType(name)
    code = compile(function.inline_code or "", f"<InlineCode of {function.logical_id}>", "exec")
    exec(code, vars(module))  # noqa: S102  it is the function
    return module


def _from_file(function: Function, name: str) -> ModuleType:
    file_name = function.handler.rsplit(".", 1)[0] + ".py"
    spec = importlib.util.spec_from_file_location(name, function.folder / file_name)
    if not (function.folder / file_name).is_file() or spec is None or spec.loader is None:
        missing = f"{function.folder.name}/{file_name}"
        raise TemplateError(f"{function.logical_id}: {missing} does not exist. Check CodeUri and Handler.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
