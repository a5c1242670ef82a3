"""A first sign-in on cold functions: with Valet's calls to AWS, and with boto3's (B18).

Authorize, login, consent and token each start in a process of their own when their first request comes, and answer
their further requests in it, as after hours without any sign-in. Emulated AWS answers over loopback, in another
process. A figure is the processor time of the function's process from its start to its first answer, or from one answer
to the next. Then the same person signs in once more at the processes that have started: the warm sign-in, whose time
costs.py uses.
"""

import json
import site
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx

from bench.local_stack import environment, local_stack
from bench.measure import ROOT, Sample, sample
from local.gateway.authorizers import HttpApiAuthorizers
from local.gateway.gateway import Gateway
from local.system import Function
from tests.support import event_files

VALET, BOTO3 = "Valet", "boto3"
ANSWERS = (
    "authorize (cold)",
    "login, form (cold)",
    "login, post",
    "authorize, resumed",
    "consent, form (cold)",
    "consent, post",
    "token (cold)",
)
SIGN_IN, ALLOW = ANSWERS[2:5], ANSWERS[5:]  # between pressing the button, and the consent page or the app's tokens

_PROCESS = """
import json, os, sys, time
given = json.load(open(sys.argv[1]))
os.environ.clear(); os.environ.update(given["environment"])
sys.path[:0] = given["path"]
answers, sys.stdout = os.fdopen(os.dup(1), "w"), open(os.devnull, "w")
import app
if given["services"]:
    import boto3
    from botocore.config import Config
    from admin.records.boto_calls import BotoCalls
    from valet.server import SERVER
    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
    for service in given["services"]: setattr(SERVER, service, BotoCalls(boto3.client(service, config=config)))
class Context: aws_request_id = "bench"; log_stream_name = "bench"; get_remaining_time_in_millis = lambda self: 10000
for line in sys.stdin:
    answer = app.handler(json.loads(line), Context())
    print(json.dumps({"answer": answer, "spent": time.process_time() * 1000}), file=answers, flush=True)
os._exit(0)
"""


@dataclass(frozen=True)
class SignIn:
    """Milliseconds of one sign-in, answer by answer, in the order of ANSWERS."""

    processor: list[float]
    clock: list[float]
    warm: list[float]  # processor time of the next sign-in


class _ColdFunctions:
    """The functions in `folder`, each started when its first request comes. `caller` calls AWS for them."""

    def __init__(self, folder: Path, scratch: Path, caller: str) -> None:
        self._folder = folder
        self._scratch = scratch
        self._caller = caller
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._spent: dict[str, float] = {}
        self.answered = SignIn([], [], [])
        self.processor = self.answered.processor

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        started, name = time.perf_counter(), function.folder.name
        process = self._processes.get(name) or self._start(name)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(event) + "\n")
        process.stdin.flush()
        out = json.loads(process.stdout.readline())
        if self.processor is self.answered.processor:
            self.answered.clock.append((time.perf_counter() - started) * 1000)
        self.processor.append(out["spent"] - self._spent.get(name, 0.0))
        self._spent[name] = out["spent"]
        return out["answer"]

    def stop(self) -> None:
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=10)  # closes its input, at which it ends
            process.kill()
            process.wait()

    def _start(self, name: str) -> subprocess.Popen[str]:
        path = [str(self._folder / "functions" / name), str(self._folder / "python")]
        services: list[str] = []
        if self._caller == BOTO3:
            path += [*site.getsitepackages(), str(ROOT)]
            services = ["dynamodb", "kms"] if name == "token" else ["dynamodb"]
        given = {"environment": environment(name, local_stack().aws_url), "path": path, "services": services}
        file = self._scratch / f"{self._caller}-{name}.json"
        file.write_text(json.dumps(given), encoding="utf-8")
        command = [sys.executable, "-I", "-S", "-c", _PROCESS, str(file)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._processes[name] = process
        return process


def measure(folder: Path, rounds: int, on_progress: Callable[[], None] = lambda: None) -> dict[str, list[SignIn]]:
    """The sign-ins by the caller of AWS, in turn."""
    found: dict[str, list[SignIn]] = {VALET: [], BOTO3: []}
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(rounds + 1):
            for caller, sign_ins in found.items():
                signed_in = _sign_in(_ColdFunctions(folder, Path(scratch), caller))
                if turn:  # the first round loads every file into the page cache
                    sign_ins.append(signed_in)
            if turn:
                on_progress()
    return found


def _sign_in(functions: _ColdFunctions) -> SignIn:
    """John signs in at an app for the first time, and allows everything."""
    stack = local_stack()
    gateway = Gateway(stack.system, functions, HttpApiAuthorizers(functions))

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        query = environ["QUERY_STRING"]
        target = environ["PATH_INFO"] + (f"?{query}" if query else "")
        return gateway({**environ, "REQUEST_URI": target}, start_response)

    try:
        for processor in (functions.answered.processor, functions.answered.warm):
            functions.processor = processor
            stack.reset()  # the person has allowed nothing yet
            with httpx.Client(base_url=stack.issuer, transport=httpx.WSGITransport(app=app)) as browser:
                event_files._walk(browser, "token/refresh_token")
    finally:
        functions.stop()
    assert len(functions.answered.processor) == len(functions.answered.warm) == len(ANSWERS)
    return functions.answered


def rows(found: Mapping[str, list[SignIn]]) -> dict[str, dict[str, Sample]]:
    """The processor time of each answer by caller; then sums: of all, and of what a person waits for at each button;
    then each answer of the next sign-in.
    """
    answers = {name: {caller: summed(each, (name,)) for caller, each in found.items()} for name in ANSWERS}
    parts = {"all seven": ANSWERS, "Sign in → the consent page": SIGN_IN, "Allow → the app has tokens": ALLOW}
    for words, part in parts.items():
        answers[words] = {caller: summed(each, part) for caller, each in found.items()}
        answers[f"{words}, by the clock"] = {caller: summed(each, part, "clock") for caller, each in found.items()}
    for name in ANSWERS:
        words = f"{name.removesuffix(' (cold)')}, warm"
        answers[words] = {caller: summed(each, (name,), "warm") for caller, each in found.items()}
    return answers


def summed(
    sign_ins: list[SignIn],
    answers: tuple[str, ...] = ANSWERS,
    of: Literal["processor", "clock", "warm"] = "processor",
) -> Sample:
    """The sum of these answers: processor time, by the clock, or processor time of the next sign-in."""
    at = [ANSWERS.index(name) for name in answers]
    return sample([sum(getattr(each, of)[i] for i in at) for each in sign_ins])
