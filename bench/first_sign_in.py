"""A first sign-in by a real browser at built functions that are all cold.

    .venv/bin/python -m bench.first_sign_in BUILD [BUILD...] [--rounds 7] [--runtime FOLDER]

BUILD is a folder that `make build` filled. Several are measured in turn, so that two releases can be compared. Each
function runs under Lambda's runtime interface emulator, which starts the function's process when its first request
comes. A gateway on 127.0.0.1 turns HTTP into API Gateway's events; AWS is emulated. In Chromium, John signs in at an
app for the first time and allows everything; then the app redeems its code. `--runtime` names the packages of Lambda's
Python, for a release whose functions need boto3.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, sync_playwright

from local.gateway.authorizers import HttpApiAuthorizers
from local.gateway.gateway import Gateway
from local.server import HOST, Server, listen
from local.stack import LocalStack, Ports, start
from local.system import Function
from tests.built.emulator import RUNTIME, Emulated, running
from tests.e2e.chromium import launched
from tests.e2e.landing import Landing
from tests.e2e.people import ask, decide, sign_in
from tests.endpoints import logical_id

FUNCTIONS = tuple(logical_id(name) for name in ("authorize", "login", "consent", "token"))
OPENED, SIGNED_IN, ALLOWED, REDEEMED = (
    "the app's link → the sign-in page",
    "Sign in → the consent page",
    "Allow → the app",
    "the code → tokens",
)
WAITED = "Sign in → the app, both buttons"


class BuiltFunctions:
    """The functions that run now, as a gateway invokes them."""

    def __init__(self) -> None:
        self._running: dict[str, Emulated] = {}

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        return self._running[function.logical_id].invoke(event)

    @contextmanager
    def cold(self, build: Path, stack: LocalStack, runtime: Path, logs: Path) -> Iterator[None]:
        """The functions of `build` until the block ends, none of them started."""
        with ExitStack() as until:
            for name in FUNCTIONS:
                environment = {**stack.system.functions[name].environment, "AWS_ENDPOINT_URL": stack.aws_url}
                emulated = running(build, name, environment, logs / f"{name}.log", runtime)
                self._running[name] = until.enter_context(emulated)
            yield


@contextmanager
def standing() -> Iterator[tuple[LocalStack, str, BuiltFunctions]]:
    """A local stack for AWS and data; its issuer, a gateway of its own; and the functions behind that gateway."""
    functions, listener = BuiltFunctions(), listen(0)
    issuer = f"http://{HOST}:{listener.getsockname()[1]}"
    stack = start(Ports.open(0), {"IssuerUrl": issuer})
    front = Server(listener, Gateway(stack.system, functions, HttpApiAuthorizers(functions)))
    front.start()
    try:
        yield stack, issuer, functions
    finally:
        front.stop()
        stack.stop()


def measure(builds: Sequence[Path], rounds: int, runtime: Path) -> dict[Path, list[dict[str, float]]]:
    """Milliseconds of each part of a sign-in, by build. The first round loads every file and is not counted."""
    found: dict[Path, list[dict[str, float]]] = {build: [] for build in builds}
    with standing() as (stack, issuer, functions), tempfile.TemporaryDirectory() as logs, sync_playwright() as driver:
        chromium = launched(driver.chromium)
        for turn in range(rounds + 1):
            for build in builds if turn % 2 else reversed(builds):
                stack.reset()
                with functions.cold(build, stack, runtime, Path(logs)):
                    parts = _first_sign_in(chromium, issuer)
                if turn:
                    found[build].append(parts)
        chromium.close()
    return found


def _first_sign_in(chromium: Browser, issuer: str) -> dict[str, float]:
    landing, context = Landing(), chromium.new_context()
    page, parts, started = context.new_page(), {}, time.perf_counter()

    def passed(part: str) -> None:
        nonlocal started
        now = time.perf_counter()
        parts[part], started = (now - started) * 1000, now

    asked = ask(issuer, "mobile_app", f"{landing.origin}/callback")
    with httpx.Client(base_url=issuer, timeout=30) as app:
        try:
            started = time.perf_counter()
            page.goto(asked.url)
            page.get_by_label("Username").wait_for()
            passed(OPENED)
            sign_in(page, "john")
            page.get_by_role("button", name="Allow", exact=True).wait_for()
            passed(SIGNED_IN)
            decide(page, "Allow")
            page.wait_for_url(f"{landing.origin}/callback?*", wait_until="commit")
            passed(ALLOWED)
            form = {"grant_type": "authorization_code", "code": landing.answer()["code"], "client_id": "mobile_app"}
            form |= {"code_verifier": asked.code_verifier, "redirect_uri": f"{landing.origin}/callback"}
            assert app.post("/token", data=form).status_code == 200
            passed(REDEEMED)
        finally:
            context.close()
            landing.close()
    return {**parts, WAITED: parts[SIGNED_IN] + parts[ALLOWED]}


def report(found: Mapping[Path, Sequence[Mapping[str, float]]]) -> str:
    """A table in Markdown: the median of each part, and the fastest."""
    lines = ["| ms: median (fastest) | " + " | ".join(str(build) for build in found) + " |"]
    lines.append("|" + " --- |" * (len(found) + 1))
    for part in (OPENED, SIGNED_IN, ALLOWED, REDEEMED, WAITED):
        columns = ([each[part] for each in rounds] for rounds in found.values())
        cells = (f"{statistics.median(column):,.0f} ({min(column):,.0f})" for column in columns)
        lines.append(f"| {part} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a first sign-in at cold functions.")
    parser.add_argument("build", type=Path, nargs="+", help="A folder that `make build` filled.")
    parser.add_argument("--rounds", type=int, default=7, help="Sign-ins to count for each build (default: 7).")
    parser.add_argument("--runtime", type=Path, default=RUNTIME, help="The packages of Lambda's Python.")
    given = parser.parse_args()
    builds = [build.resolve() for build in given.build]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):  # the stack's own log
        found = measure(builds, given.rounds, given.runtime.resolve())
    print(report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
