"""Counts in place of times: the modules that a function loads, and the Python functions that it calls,
at its start and for each request.

`python -m bench.counts` prints the calls and the log line as JSON. It runs in a process of its own, because other
code's hooks would be counted too.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from bench import bound_token
from bench.measure import LAYER, ROOT, process
from bench.valet_in_memory import ValetInMemory, handler
from tests.parts.authorizer.issuer import ROUTES, Stand, http_2
from tests.support.dpop_client import DpopClient

# Calls within the import system are not counted: there are more of them where no bytecode is kept yet.
_READY = """
import sys
sys.path[:0] = {path!r}
calls = 0
def on_event(frame, event, _):
    global calls
    calls += event == "call" and not frame.f_code.co_filename.startswith("<frozen importlib")
sys.setprofile(on_event)
import app
for name in {later!r}: __import__(name)
sys.setprofile(None)
import json
print(json.dumps([sorted(sys.modules), calls]))
"""


class Start(NamedTuple):
    """What is loaded, and how many Python functions were called until then."""

    modules: frozenset[str]
    calls: int


@cache
def start(name: str, *later: str) -> Start:
    """The start of functions/<name>, until it is ready and has also imported the modules in `later`."""
    path = [str(ROOT / "functions" / name), str(LAYER)]
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONHASHSEED": "0",
        "ISSUER": "https://id.example.com",
        "AUDIENCE": "https://id.example.com/api",
        "ROUTES": json.dumps(ROUTES),
    }
    spent = process([sys.executable, "-s", "-c", _READY.format(path=path, later=later)], environment)
    modules, calls = json.loads(spent.output.strip().rpartition("\n")[2])
    return Start(frozenset(modules), calls)


def functions() -> list[str]:
    return sorted(path.parent.name for path in Path(ROOT / "functions").glob("*/app.py"))


def calls_of(run: Callable[[], object]) -> int:
    """The number of Python functions that `run` calls."""
    count = 0

    def on_event(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(on_event)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def calls() -> Mapping[str, int]:
    """The number of calls for one warm request of each kind."""
    valet = ValetInMemory()
    tokens, introspect = handler("token"), handler("introspect")
    scope = ("items", "offline_access", "openid", "profile")

    def redeemed() -> dict[str, Any]:
        return valet.tokens(valet.redemption(valet.issue()))

    made: dict[str, Callable[[], tuple[Any, Any]]] = {
        "client_credentials": lambda: (tokens, valet.client_credentials()),
        "code": lambda: (tokens, valet.redemption(valet.issue())),
        "code with ID token": lambda: (tokens, valet.redemption(valet.issue(scope))),
        "refresh": lambda: (tokens, valet.refresh(redeemed()["refresh_token"])),
        "introspect": lambda: (introspect, valet.introspection(redeemed()["access_token"])),
    }
    found = {}
    for kind, make in made.items():
        for _ in range(3):  # only the last is warm
            ask, event = make()
            found[kind] = calls_of(lambda ask=ask, event=event: ask(event, None))  # type: ignore[misc]
    return found | _authorizer()


def _authorizer() -> dict[str, int]:
    stand = Stand("RS256")
    stand.clock.wall = float(int(time.time()))
    stand.ask(stand.issuer.token(jti="first"))
    event = http_2(stand.issuer.token(jti="second"))
    client, now = DpopClient(), int(stand.clock.wall)
    token = stand.issuer.token(cnf={"jkt": client.jkt})
    stand.answer(bound_token.event_of(token, client, now))
    bound = bound_token.event_of(token, client, now)
    return {
        "authorizer, bound token and a new proof": calls_of(lambda: stand.answer(bound)),
        "authorizer, token never seen": calls_of(lambda: stand.answer(event)),
        "authorizer, token seen before": calls_of(lambda: stand.answer(event)),
    }


def log_line() -> int:
    """The bytes that one token adds to the log."""
    valet = ValetInMemory()
    valet.tokens(valet.client_credentials())
    valet.forget_log()
    valet.tokens(valet.client_credentials())
    return len(valet.forget_log().encode())


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"calls": calls(), "log_line": log_line()}))
