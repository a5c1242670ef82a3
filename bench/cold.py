"""Cold starts: every function from a bare interpreter to its first answer, next to boto3 alone (B4).

Each start is a process of its own, with only function, layer (with bytecode) and boto3 on its path, as in Lambda.
Emulated AWS answers over loopback, in another process. Budgets compare processor time, which other processes on the
machine do not lengthen; wall-clock time is reported too.
"""

import io
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

from bench.measure import ROOT, Sample, process, sample
from bench.valet_in_memory import log_to
from local.stack import LocalStack, Ports, start
from tests.parts.authorizer.issuer import ROUTES
from tests.support import event_files

# An event for each function, one that it can answer repeatedly.
EVENTS = {
    "authorize": "authorize/begin",
    "login": "login/form",
    "consent": "consent/form",
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
LOGICAL_IDS = {name: "".join(word.title() for word in name.split("_")) + "Function" for name in EVENTS}

_CLOCKS = """
import json, os, sys, time
def spent(): return [time.process_time() * 1000, time.perf_counter() * 1000]
bare = spent()
"""
_FUNCTION = """
given = json.load(open(sys.argv[1]))
os.environ.clear(); os.environ.update(given["environment"])
import app
if "boto3" in sys.modules:
    from valet.aws.clients import client
    from valet.environment import environment
    from valet.settings import read
    settings = read(environment())
    for service in given["clients"]: client(service, settings)
ready = spent()
made = []
if "boto3" in sys.modules:
    import valet.aws.clients as clients
    of_boto3 = clients.boto3.client
    clients.boto3.client = lambda service, **more: made.append(service) or of_boto3(service, **more)
class Context: aws_request_id = "bench"; log_stream_name = "bench"; get_remaining_time_in_millis = lambda self: 10000
answer = app.handler(given["event"], Context())
answered = spent()
assert "statusCode" not in answer or answer["statusCode"] < 400, answer
out = {"ready": ready, "answered": answered, "clients": made, "modules": len(sys.modules)}
"""
_BOTO3 = """
given = json.load(open(sys.argv[1]))
os.environ.clear(); os.environ.update(given["environment"])
import boto3
from botocore.config import Config
config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
for service in given["clients"]: boto3.client(service, config=config)
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

    ready: Sample  # until the module is imported and its AWS clients are made
    answered: Sample  # until the first answer, AWS calls included
    answered_wall: Sample
    boto3: Sample | None  # until a process without Valet has imported boto3 and made the same clients
    over_boto3: float | None
    clients: tuple[str, ...]
    modules: int


def measure(folder: Path, rounds: int, on_progress: Callable[[], None] = lambda: None) -> dict[str, Start]:
    log_to(io.StringIO())
    stack = start(Ports.open(0))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            given = _given(stack)
            paths = {name: Path(scratch) / f"{name}.json" for name in EVENTS}
            first = {}
            for name, path in paths.items():  # run once to learn its clients and to load every file into the page cache
                path.write_text(json.dumps(given[name]), encoding="utf-8")
                first[name] = _run(_FUNCTION, folder, name, path)
                given[name]["clients"] = sorted(set(first[name]["clients"]))
                path.write_text(json.dumps(given[name]), encoding="utf-8")
            return _rounds(rounds, folder, paths, first, on_progress)
    finally:
        stack.stop()


def _rounds(
    rounds: int,
    folder: Path,
    paths: Mapping[str, Path],
    first: Mapping[str, Mapping[str, Any]],
    on_progress: Callable[[], None],
) -> dict[str, Start]:
    """Run boto3 alone just before each function that has clients, so that the machine's load affects both alike."""
    starts: dict[str, list[dict[str, Any]]] = {name: [] for name in paths}
    boto3: dict[str, list[dict[str, Any]]] = {name: [] for name in paths}
    for _ in range(rounds):
        for name, path in paths.items():
            if first[name]["clients"]:
                boto3[name].append(_run(_BOTO3, folder, name, path))
            starts[name].append(_run(_FUNCTION, folder, name, path))
        on_progress()
    return {
        name: Start(
            _over_bare(starts[name], "ready"),
            _over_bare(starts[name], "answered"),
            _over_bare(starts[name], "answered", clock=1),
            _over_bare(boto3[name], "ready") if boto3[name] else None,
            _over_boto3(starts[name], boto3[name]) if boto3[name] else None,
            tuple(sorted(set(first[name]["clients"]))),
            starts[name][-1]["modules"],
        )
        for name in paths
    }


def _over_bare(outs: Sequence[Mapping[str, Any]], moment: str, clock: int = 0) -> Sample:
    return sample([out[moment][clock] - out["bare"][clock] for out in outs])


def _over_boto3(ours: Sequence[Mapping[str, Any]], boto3: Sequence[Mapping[str, Any]]) -> float:
    """The difference between the fastest starts of both sides, which have equally many. Other load only lengthens a
    start, and the medians of so few starts vary by more than the difference to be measured."""
    fastest = (min(out["ready"][0] - out["bare"][0] for out in outs) for outs in (ours, boto3))
    mine, its = fastest
    difference: float = mine - its
    return difference


def _given(stack: LocalStack) -> dict[str, dict[str, Any]]:
    """For each function its environment, and an event that it can answer as long as this stack runs."""
    with httpx.Client(base_url=stack.issuer) as browser:
        values = {"status_list": event_files._walk(browser, "status_list/list")}
    for folder in ("login", "consent", "userinfo"):  # userinfo last: its walk records a consent
        with httpx.Client(base_url=stack.issuer) as browser:
            values[folder] = event_files._walk(browser, EVENTS[folder])
    given = {}
    for name in EVENTS:
        text = (ROOT / "events" / f"{EVENTS[name]}.json").read_text(encoding="utf-8")
        given[name] = {
            "environment": {
                **stack.system.functions[LOGICAL_IDS[name]].environment,
                "AWS_ENDPOINT_URL": stack.aws_url,
                "AWS_REGION": "us-east-1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "local",
                "AWS_SECRET_ACCESS_KEY": "local",
            },
            "event": json.loads(
                event_files._PLACEHOLDER.sub(partial(_value, values.get(name, values["userinfo"])), text)
            ),
            "clients": [],
        }
    return given


def _value(values: Mapping[str, str], placeholder: re.Match[str]) -> str:
    return values[placeholder[1]]


def path_of(folder: Path, name: str) -> str:
    """A function's sys.path. From this environment it has only boto3, which the runtime provides in Lambda."""
    return repr([str(folder / "functions" / name), str(folder / "python"), *site.getsitepackages()])


def _run(script: str, folder: Path, name: str, given: Path) -> dict[str, Any]:
    source = f"{_CLOCKS}sys.path[:0] = {path_of(folder, name)}\n{script}{_REPORT}"
    spent = process([sys.executable, "-I", "-S", "-c", source, str(given)])
    out: dict[str, Any] = json.loads(spent.output.strip().rpartition("\n")[2])
    return out


_LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|( *)(\S+)")


def import_times(folder: Path, name: str, top: int = 10) -> list[tuple[str, float]]:
    """Milliseconds that each package's own modules take to import, longest first (python -X importtime)."""
    names = {"ISSUER": "https://id.example.com", "AUDIENCE": "https://id.example.com/api", "ROUTES": json.dumps(ROUTES)}
    source = f"import sys\nsys.path[:0] = {path_of(folder, name)}\nimport app\n"
    command = [sys.executable, "-I", "-S", "-X", "importtime", "-c", source]
    spent = process(command, {**names, "AWS_DEFAULT_REGION": "us-east-1"})
    by_package: Counter[str] = Counter()
    for micros, _, module in _LINE.findall(spent.errors):
        by_package[_package(module)] += int(micros)
    return [(package, micros / 1000) for package, micros in by_package.most_common(top)]


def _package(module: str) -> str:
    root = module.partition(".")[0]
    return "the standard library" if root in sys.stdlib_module_names else root
