"""The functions of a developer's stack: theirs in processes of their own, authorizers of Valet's in this process."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.functions import MAX_PAYLOAD, EventTooLarge, FunctionFailed, Functions, FunctionTimedOut
from local.own.process import Code, Worker, WorkerGone, WorkerLate
from local.own.sources import Fingerprint, fingerprint
from local.system import Function

_MOST_AT_ONCE = 16  # workers of one function
_LONGEST_INIT = 10.0  # seconds (Lambda, "Init phase")

OnLine = Callable[[str, str], None]


class OwnFunctions:
    """Runs whatever the stack's gateways ask for.

    `refused` are routes that must not be served, by the logical id of the function that stands in for theirs.
    """

    def __init__(
        self,
        code: Mapping[str, Code],
        authorizers: Mapping[str, Functions],
        refused: Mapping[str, str],
        on_line: OnLine = lambda function, line: None,
    ) -> None:
        self._code = code
        self._authorizers = authorizers
        self._refused = refused
        self._on_line = on_line
        self._pools: dict[str, _Pool] = {}
        self._lock = threading.Lock()

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        """The function's answer. A function that is over its own timeout has failed, as at Lambda."""
        if (reason := self._refused.get(function.logical_id)) is not None:
            body = json.dumps({"message": reason}, ensure_ascii=False)
            return {"statusCode": 503, "headers": {"content-type": "application/json"}, "body": body}
        if (valets := self._authorizers.get(function.logical_id)) is not None:
            return valets.invoke(function, event, timeout)
        if len(json.dumps(event, ensure_ascii=False).encode()) > MAX_PAYLOAD:
            raise EventTooLarge(f"{function.logical_id}: more than {MAX_PAYLOAD} bytes of event")
        return self._pool(function).invoke(event, timeout)

    def stop(self) -> None:
        """Ends every process."""
        with self._lock:
            pools = list(self._pools.values())
        for pool in pools:
            pool.close()

    def _pool(self, function: Function) -> _Pool:
        with self._lock:
            if function.logical_id not in self._pools:
                code = self._code[function.logical_id]
                self._pools[function.logical_id] = _Pool(function, code, self._on_line)
            return self._pools[function.logical_id]


class _Pool:
    """The workers of one function: those that wait, all of the code as it is now."""

    def __init__(self, function: Function, code: Code, on_line: OnLine) -> None:
        self._function, self._code = function, code
        self._on_line = on_line
        self._room = threading.Semaphore(_MOST_AT_ONCE)
        self._lock = threading.Lock()
        self._waiting: list[Worker] = []
        self._version: Fingerprint | None = None
        self._closed = False

    def invoke(self, event: Mapping[str, Any], timeout: float | None) -> Any:
        limit = self._function.timeout if timeout is None else min(self._function.timeout, timeout)
        with self._room:
            version = fingerprint(self._code.folders)
            worker = self._taken(version) or self._started()
            kept = False
            try:
                invocation = {
                    "event": event,
                    "aws_request_id": str(uuid.uuid4()),
                    "arn": self._function.arn,
                    "seconds": limit,
                }
                told = worker.call(invocation, limit)
                kept = True
            except WorkerLate:
                raise self._late(limit) from None
            except WorkerGone:
                raise self._failed("Runtime.ExitError", "the process ended without an answer") from None
            finally:
                if not (kept and self._put_back(worker, version)):
                    worker.stop()
        return self._answer(told)

    def _say(self, line: str) -> None:
        self._on_line(self._function.shown_as, line)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            stopped, self._waiting = self._waiting, []
        for worker in stopped:
            worker.stop()

    def _taken(self, version: Fingerprint) -> Worker | None:
        """A worker that waits. If the code has changed, none: those that wait have the old code, and are ended."""
        with self._lock:
            if version == self._version:
                return self._waiting.pop() if self._waiting else None
            stale, self._waiting = self._waiting, []
            changed, self._version = self._version is not None, version
        for worker in stale:
            worker.stop()
        if changed:
            self._say("its code has changed: loaded again")
        return None

    def _put_back(self, worker: Worker, version: Fingerprint) -> bool:
        with self._lock:
            if version != self._version or self._closed:
                return False
            self._waiting.append(worker)
            return True

    def _started(self) -> Worker:
        try:
            worker = Worker(self._function, self._code, self._say)
        except OSError as error:
            raise self._failed("Runtime.InvalidEntrypoint", f"{self._code.python} does not start: {error}") from None
        try:
            told = worker.ready(_LONGEST_INIT)
            if "ready" in told:
                return worker
        except WorkerLate:
            told = {"error": {"type": "Sandbox.Timedout", "message": "the import took longer than 10 seconds"}}
        except WorkerGone:
            told = {
                "error": {"type": "Runtime.ExitError", "message": "the process ended while it imported the handler"}
            }
        worker.stop()
        self._answer(told)
        raise AssertionError("an error was told")

    def _answer(self, told: Mapping[str, Any]) -> Any:
        if "answer" in told:
            answer = told["answer"]
            if len(json.dumps(answer)) > MAX_PAYLOAD:
                raise self._failed("Function.ResponseSizeTooLarge", f"Lambda takes {MAX_PAYLOAD} bytes of answer")
            return answer
        error = told["error"]
        raise self._failed(error["type"], error["message"], error.get("trace", ""))

    def _late(self, limit: float) -> Exception:
        if limit < self._function.timeout:
            self._say(f"the gateway waits no longer than {limit:g} seconds")
            return FunctionTimedOut(f"{self._function.logical_id} ran longer than {limit:g} s")
        return self._failed("Sandbox.Timedout", f"Task timed out after {limit:.2f} seconds")

    def _failed(self, error_type: str, message: str, trace: str = "") -> FunctionFailed:
        # An authorizer's way to ask API Gateway for a 401; it is no crash.
        if (error_type, message) != ("Exception", "Unauthorized"):
            for line in trace.splitlines() or [f"{error_type}: {message}"]:
                self._say(line)
        return FunctionFailed(self._function.logical_id, error_type, message)
