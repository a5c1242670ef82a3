"""Cold starts: every function from a bare interpreter to its first answer, next to boto3 alone (B4).

Each start is a process of its own, with only function and layer (with bytecode) on its path. Emulated AWS answers over
loopback, in another process. Budgets compare processor time, which other processes on the machine do not lengthen;
wall-clock time is reported too.
"""

import json
import re
import site
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.local_stack import environment, local_stack
from bench.measure import ROOT, Sample, process, sample
from tests.parts.authorizer.issuer import ROUTES
from tests.support import event_files

# An event for each function, one that it can answer repeatedly.
EVENTS = {
    "authorize": "authorize/begin",
    "login": "login/form",
    "consent": "consent/form",
    "par": "par/push",
    "token": "token/client_credentials",
    "revoke": "revoke/unknown_token",
    "introspect": "introspect/access_token",
    "userinfo": "userinfo/good_token",
    "logout": "logout/signed_out",
    "jwks": "jwks/get",
    "metadata": "metadata/openid_configuration",
    "status_list": "status_list/list",
    "rotate_keys": "rotate_keys/schedule",
    "demo_api": "demo_api/profile",
    "authorizer": "authorizer/http_2-good_token",
}

_CLOCKS = """
import json, os, sys, time
def spent(): return [time.process_time() * 1000, time.perf_counter() * 1000]
bare = spent()
given = json.load(open(sys.argv[1]))
os.environ.clear(); os.environ.update(given["environment"])
sys.path[:0] = given["path"]
"""
_FUNCTION = """
import app
ready = spent()
class Context: aws_request_id = "bench"; log_stream_name = "bench"; get_remaining_time_in_millis = lambda self: 10000
answer = app.handler(given["event"], Context())
answered = spent()
assert "statusCode" not in answer or answer["statusCode"] < 400, answer
out = {"ready": ready, "answered": answered, "modules": len(sys.modules)}
"""
_BOTO3 = """
import boto3
from botocore.config import Config
config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
for service in given["services"]: boto3.client(service, config=config)
out = {"ready": spent()}
"""
_REPORT = """
out["bare"] = bare
sys.__stdout__.write("\\n" + json.dumps(out) + "\\n")
sys.__stdout__.flush(); os._exit(0)
"""


@dataclass(frozen=True)
class Start:
    """Milliseconds beyond a bare interpreter."""

    ready: Sample  # until the module is imported
    answered: Sample  # until the first answer, AWS calls included
    answered_wall: Sample
    over_boto3: float
    modules: int


@dataclass(frozen=True)
class Starts:
    """Every function's start, and what boto3 alone takes to import itself and make a client for DynamoDB."""

    functions: Mapping[str, Start]
    boto3: Sample


def measure(folder: Path, rounds: int, on_progress: Callable[[], None] = lambda: None) -> Starts:
    with tempfile.TemporaryDirectory() as scratch:
        commands = {name: function(folder, name, given, Path(scratch)) for name, given in _given().items()}
        commands["boto3"] = boto3(Path(scratch), "dynamodb")
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                out: dict[str, Any] = json.loads(process(command).output.strip().rpartition("\n")[2])
                if turn:  # the first round loads every file into the page cache
                    found[name].append(out)
            if turn:
                on_progress()
    alone = found.pop("boto3")
    starts = {name: _start(outs, alone) for name, outs in found.items()}
    return Starts(starts, _over_bare(alone, "ready"))


def function(folder: Path, name: str, given: Mapping[str, Any], scratch: Path) -> list[str | Path]:
    """The command that starts functions/<name> of the build in `folder` and has it answer `given`'s event."""
    path = [str(folder / "functions" / name), str(folder / "python")]
    return _command(_FUNCTION, scratch / f"{name}.json", {**given, "path": path})


def boto3(scratch: Path, *services: str) -> list[str | Path]:
    """The command that imports boto3 and makes the clients."""
    given = {"environment": environment("token", ""), "path": site.getsitepackages(), "services": services}
    return _command(_BOTO3, scratch / f"boto3-{'-'.join(services)}.json", given)


def _command(script: str, file: Path, given: Mapping[str, Any]) -> list[str | Path]:
    file.write_text(json.dumps(given), encoding="utf-8")
    return [sys.executable, "-I", "-S", "-c", f"{_CLOCKS}{script}{_REPORT}", file]


def _start(outs: Sequence[Mapping[str, Any]], boto3: Sequence[Mapping[str, Any]]) -> Start:
    ready, answered, wall = _over_bare(outs, "ready"), _over_bare(outs, "answered"), _over_bare(outs, "answered", 1)
    return Start(ready, answered, wall, _fastest(outs) - _fastest(boto3), outs[-1]["modules"])


def _over_bare(outs: Sequence[Mapping[str, Any]], moment: str, clock: int = 0) -> Sample:
    return sample([out[moment][clock] - out["bare"][clock] for out in outs])


def _fastest(outs: Sequence[Mapping[str, Any]]) -> float:
    """Other load only lengthens a start, and the medians of so few starts vary by more than what is looked for."""
    return min(float(out["ready"][0] - out["bare"][0]) for out in outs)


def _given() -> dict[str, dict[str, Any]]:
    """For each function its environment, and an event that it can answer as long as the local stack runs."""
    stack = local_stack()
    stack.reset()
    with httpx.Client(base_url=stack.issuer) as browser:
        values = {"status_list": event_files._walk(browser, "status_list/list")}
    for folder in ("login", "consent", "userinfo"):  # userinfo last: its walk records a consent
        with httpx.Client(base_url=stack.issuer) as browser:
            values[folder] = event_files._walk(browser, EVENTS[folder])
    given = {}
    for name in EVENTS:
        text = (ROOT / "events" / f"{EVENTS[name]}.json").read_text(encoding="utf-8")
        filled = event_files._PLACEHOLDER.sub(partial(_value, values.get(name, values["userinfo"])), text)
        given[name] = {"environment": environment(name, stack.aws_url), "event": json.loads(filled)}
    return given


def _value(values: Mapping[str, str], placeholder: re.Match[str]) -> str:
    return values[placeholder[1]]


_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|( *)(\S+)")


def import_times(folder: Path, name: str, top: int = 10) -> list[tuple[str, float]]:
    """Milliseconds that each package's own modules take to import, longest first (python -X importtime)."""
    names = {"ISSUER": "https://id.example.com", "AUDIENCE": "https://id.example.com/api", "ROUTES": json.dumps(ROUTES)}
    path = [str(folder / "functions" / name), str(folder / "python")]
    source = f"import sys\nsys.path[:0] = {path!r}\nimport app\n"
    command = [sys.executable, "-I", "-S", "-X", "importtime", "-c", source]
    spent = process(command, {**names, "AWS_DEFAULT_REGION": "us-east-1"})
    by_package: Counter[str] = Counter()
    for micros, _, module in _LINE.findall(spent.errors):
        by_package[_package(module)] += int(micros)
    return [(package, micros / 1000) for package, micros in by_package.most_common(top)]


def _package(module: str) -> str:
    root = module.partition(".")[0]
    return "the standard library" if root in sys.stdlib_module_names else root
