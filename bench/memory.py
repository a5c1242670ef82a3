"""How much memory the token function should have: its durations and prices by size, and what it occupies.

A function has one whole core at 1,769 MB, and otherwise its share of one. So a request takes its processor time divided
by the share, and the time that AWS takes, which no share changes. Processor time is measured in processes of their own
that call an emulated AWS over loopback; AWS's time is assumed (million.py). While a function starts, Lambda lends it a
whole core.
"""

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import aws_calls, costs, layer, million
from bench.local_stack import environment
from bench.measure import LAYER, ROOT, Sample, process, sample
from bench.valet_in_memory import log_to
from local.stack import LocalStack, Ports, start
from tests.support import event_files
from tests.support.browser import Browser
from tests.support.wire import over_http

SIZES = (256, 512, 1024, 1769)  # MB
WHOLE_CORE = 1769
SIGNERS = ("kms", "wrapped")
RUNS, CODES = 4, 6  # processes for each signer, and codes for each process

# Each kind, and what it asks of DynamoDB and KMS.
KINDS = {
    "client_credentials": costs.STEPS["client_credentials"],
    "refresh": costs.STEPS["refresh"],
    "code with ID token": costs.STEPS["code, with an ID token"],
}

_CHILD = """
import json, os, sys, time
bare = time.process_time()
given = json.load(open(sys.argv[1]))
os.environ.clear(); os.environ.update(given["environment"])
import app
ready = time.process_time()
class Context: aws_request_id = "bench"; log_stream_name = "bench"; get_remaining_time_in_millis = lambda self: 10000
def milliseconds(event):
    began = time.thread_time()
    answer = app.handler(event, Context())
    spent = (time.thread_time() - began) * 1000
    assert answer["statusCode"] == 200, answer
    return spent, json.loads(answer["body"])
service = json.dumps(given["client_credentials"])
out = {"start": (ready - bare) * 1000, "first": milliseconds(json.loads(service))[0]}
for _ in range(5): milliseconds(json.loads(service))
out["client_credentials"] = [milliseconds(json.loads(service))[0] for _ in range(30)]
codes = [milliseconds(event) for event in given["codes"]]
out["code with ID token"] = [spent for spent, _ in codes[1:]]
token, out["refresh"] = codes[-1][1]["refresh_token"], []
for _ in range(30):
    spent, tokens = milliseconds(json.loads(given["refresh"].replace("REFRESH_TOKEN", token)))
    token = tokens["refresh_token"]
    out["refresh"].append(spent)
out["refresh"] = out["refresh"][5:]
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
out["megabytes"] = int(status["VmHWM"].split()[0]) / 1024
sys.__stdout__.write("\\n" + json.dumps(out) + "\\n")
sys.__stdout__.flush(); os._exit(0)
"""


@dataclass(frozen=True)
class Request:
    """One kind of warm request, by the size of the function: milliseconds, and dollars of Lambda for a million."""

    processor: Sample  # milliseconds of a whole core
    more_with_boto3: float  # milliseconds more, if boto3 made the calls
    waits: float  # milliseconds that AWS takes

    def milliseconds(self, size: int, *, with_boto3: bool = False) -> float:
        processor = self.processor.median + (self.more_with_boto3 if with_boto3 else 0.0)
        return processor / share(size) + self.waits

    def dollars(self, size: int) -> float:
        return self.milliseconds(size) / 1000 * size / 1024 * costs.GB_SECOND * costs.MILLION


@dataclass(frozen=True)
class Measured:
    """What was measured of the token function."""

    requests: Mapping[str, Request]  # by signer and kind
    start: Sample  # milliseconds of a whole core until a new process is ready
    first: Sample  # … and for its first request, client_credentials with KMS
    megabytes: Sample  # that a process has occupied at most

    def cold(self, size: int) -> float:
        """Milliseconds until a new environment has answered its first request, without the time to make it.

        The request reads the client and the keys, and signs.
        """
        return self.start.median + self.first.median / share(size) + 3 * million.DYNAMODB_MS + million.KMS_MS


def share(size: int) -> float:
    """The share of a core that a function with `size` MB has."""
    return size / WHOLE_CORE


def measure(on_progress: Callable[[], None] = lambda: None) -> Measured:
    outs = {}
    for signer in SIGNERS:
        outs[signer] = _in_a_process(signer)
        on_progress()
    more = _in_a_process("boto3")
    requests = {
        f"{kind}, {signer}": _request(sample([each for out in outs[signer] for each in out[kind]]), kind, signer, more)
        for signer in SIGNERS
        for kind in KINDS
    }
    return Measured(requests, *(sample([out[name] for out in outs["kms"]]) for name in ("start", "first", "megabytes")))


def _in_a_process(what: str) -> Any:
    """What `python -m bench.memory` finds: AWS is emulated once in a process, for boto3 and for our own calls alike."""
    environment = {"PYTHONPATH": f"{ROOT}:{LAYER}", "PATH": os.environ["PATH"]}
    return json.loads(process([sys.executable, "-m", "bench.memory", what], environment).output.splitlines()[-1])


def _request(processor: Sample, kind: str, signer: str, more: float) -> Request:
    reads_and_writes = KINDS[kind].reads + KINDS[kind].writes
    signatures = KINDS[kind].signatures if signer == "kms" else 0
    waits = reads_and_writes * million.DYNAMODB_MS + signatures * million.KMS_MS
    return Request(processor, (reads_and_writes + signatures) * more, waits)


def _runs(signer: str) -> list[dict[str, Any]]:
    log_to(io.StringIO())
    stack = start(Ports.open(0), {"Signer": signer})
    try:
        with tempfile.TemporaryDirectory() as scratch:
            built = layer.build(Path(scratch) / "built")
            return [_run(built, stack, Path(scratch) / "given.json") for _ in range(RUNS)]
    finally:
        stack.stop()


def _run(folder: Path, stack: LocalStack, path: Path) -> dict[str, Any]:
    path.write_text(json.dumps(_given(stack)), encoding="utf-8")
    paths = [str(folder / "functions" / "token"), str(folder / "python")]
    clean = f"import sys\nsys.path[:0] = {paths!r}\n{_CHILD}"
    spent = process([sys.executable, "-I", "-S", "-c", clean, str(path)])
    out: dict[str, Any] = json.loads(spent.output.strip().rpartition("\n")[2])
    return out


def _given(stack: LocalStack) -> dict[str, Any]:
    return {
        "environment": environment("token", stack.aws_url, stack),
        "client_credentials": event_files.filled("token/client_credentials", stack.issuer),
        "codes": _codes(stack),
        "refresh": (event_files.EVENTS / "token" / "refresh_token.json").read_text(encoding="utf-8"),
    }


def _codes(stack: LocalStack) -> list[dict[str, Any]]:
    """Events that redeem codes. The end-user signs in and allows the client once, and is not asked for the others."""
    text = (event_files.EVENTS / "token" / "authorization_code.json").read_text(encoding="utf-8")
    begin = json.loads((event_files.EVENTS / "authorize" / "begin.json").read_text(encoding="utf-8"))
    browser = Browser(over_http, stack.issuer)
    return [json.loads(text.replace("code=CODE", f"code={_code(browser, begin)}")) for _ in range(CODES)]


def _code(browser: Browser, begin: Mapping[str, Any]) -> str:
    answer = browser.open(f"/authorize?{begin['rawQueryString']}")
    if answer.is_page:
        answer = browser.sign_in(answer)
    if answer.is_page:
        answer = browser.decide(answer)
    return answer.answered["code"]


def boto3_over_ours() -> float:
    """Milliseconds of processor time that a call by boto3 takes more than one of ours, next to each other."""
    found = aws_calls.measure()
    return (found[aws_calls.BOTO3]["GetItem"].median - found[aws_calls.VALET]["GetItem"].median) / 1000


if __name__ == "__main__":
    asked = sys.argv[1]
    print(json.dumps(boto3_over_ours() if asked == "boto3" else _runs(asked)))
