"""The time that a revoked token is still accepted: from the 200 of /revoke to the first refusal by the API (P5).

    python -m bench.revocation [--times 200] [--at-once 10]

The local stack runs in this process with default settings. The client sends POST /revoke over HTTP, then GET /api/admin
every 50 ms until it answers 401. The time ends when that answer arrives, so it includes the caller's own waiting.
Revocations begin at random ages of the status list. Every wait is bounded.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

import httpx

from local.stack import LocalStack, Ports, start

BOUND = 5.0  # seconds, P5
_GIVEN_UP = 10.0
_PAUSE = 0.05
_SPREAD = 3.0  # seconds, longer than an authorizer uses a list, so that revocations meet every age of it
_CLIENT = ("api_service_789", "api_secret_abc")


def measured(stack: LocalStack, times: int, at_once: int) -> list[float]:
    """The seconds that each of `times` tokens was accepted after its revocation; `at_once` are measured in parallel."""
    with ThreadPoolExecutor(at_once) as workers:
        return list(workers.map(lambda number: _one(stack, random.Random(number)), range(times)))


def _one(stack: LocalStack, chance: random.Random) -> float:
    with httpx.Client(base_url=stack.url, timeout=_GIVEN_UP) as http:
        token = _token(http)
        assert _status(http, token) == 200
        time.sleep(_SPREAD * chance.random())
        assert http.post("/revoke", data={"token": token}, auth=_CLIENT).status_code == 200
        revoked_at = time.monotonic()
        while (status := _status(http, token)) == 200:
            if time.monotonic() - revoked_at > _GIVEN_UP:
                return float("inf")
            time.sleep(_PAUSE)
        assert status == 401, status
        return time.monotonic() - revoked_at


def _token(http: httpx.Client) -> str:
    answer = http.post("/token", data={"grant_type": "client_credentials", "scope": "admin"}, auth=_CLIENT)
    token: str = answer.json()["access_token"]
    return token


def _status(http: httpx.Client, token: str) -> int:
    return http.get("/api/admin", headers={"authorization": f"Bearer {token}"}).status_code


def report(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    at = {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in _SHARES.items()}
    figures = ", ".join(f"{name} {value:.2f} s" for name, value in at.items())
    return f"{len(ordered)} revocations: mean {statistics.fmean(ordered):.2f} s, {figures}, worst {ordered[-1]:.2f} s"


_SHARES = {"half within": 0.5, "95 % within": 0.95, "99 % within": 0.99}


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure how long a revoked token is still accepted.")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=10)
    arguments = parser.parse_args()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):  # the functions' log
        stack = start(Ports.open(0))
        try:
            seconds = measured(stack, arguments.times, arguments.at_once)
        finally:
            stack.stop()
    print(report(seconds))
    is_held = max(seconds) <= BOUND
    print(f"The bound of {BOUND:g} s {'holds' if is_held else 'does not hold'}.")
    return 0 if is_held else 1


if __name__ == "__main__":
    sys.exit(main())
