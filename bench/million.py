"""The list price of a million tokens, from counted calls and measured durations (B9).

Prices and the log lines' sizes come from costs.py. The processor time of each request is measured on a whole core.
A function with 512 MB gets 512/1769 of a core, so the time is multiplied accordingly. An emulator cannot show how long
DynamoDB and KMS take: the times are assumed below, generously, and printed with the result.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bench import costs
from bench.calls import Counted
from bench.costs import MILLION, Step

SHARE_OF_A_CORE = 512 / 1769
DYNAMODB_MS, KMS_MS = 6, 15  # a call, network and TLS reused
TOKENS_PER_SECOND, AUTHORIZERS = 10, 4  # the load that the number of status-list fetches is computed for
LEASE = 256  # indices of a block, which takes two writes


@dataclass(frozen=True)
class Kind:
    """One kind of token request: its names in the counts and measurements, and its limits."""

    counted: str  # its name in tests/promises/counts
    measured: str  # its name in the in-process benchmark
    limits: Mapping[str, float]  # dollars a million, by signer


KINDS: Mapping[str, Kind] = {
    "client_credentials": Kind("client_credentials", "client_credentials", {"RS256": 6.0, "wrapped": 3.0}),
    "refresh": Kind("refresh", "refresh", {}),
    "code with ID token": Kind("code", "code with ID token", {"RS256": 10.0, "wrapped": 4.0}),
}


@dataclass(frozen=True)
class Million:
    """Dollars a million by signer, and the use of one request."""

    step: Step
    dollars: Mapping[str, float]
    limits: Mapping[str, float]


def step_of(calls: Counter[str], processor_ms: float, call_ms: float, signer: str) -> Step:
    """The use of one request with `signer`. With a wrapped key, the function itself computes the signatures."""
    signatures = 0 if signer == "wrapped" else calls["sign"]
    dynamodb = calls["read"] + calls["write"] + calls["put"]
    computing = processor_ms + (dynamodb + signatures) * call_ms
    if signer == "wrapped":
        computing += calls["sign"] * 0.3  # RS256's raw signature; ES256's is a tenth
    milliseconds = computing / SHARE_OF_A_CORE + dynamodb * DYNAMODB_MS + signatures * KMS_MS
    return Step(
        requests=1,
        reads=calls["read"],
        writes=calls["write"] + calls["put"],
        signatures=signatures,
        milliseconds=max(1, round(milliseconds)),
        events=1,
    )


def beside() -> float:
    """The dollars that leases of status indices and fetches of status lists add to a million tokens."""
    leases = 2 / LEASE * costs.WRITE * MILLION
    seconds = MILLION / TOKENS_PER_SECOND
    fetches = seconds / 2 * AUTHORIZERS * costs.STATUS_LIST_FETCH.dollars("wrapped")
    reads = seconds * costs.STATUS_LIST_SECOND.dollars("wrapped")
    return leases + fetches + reads


def measure(calls: Mapping[str, Counted], micros: Mapping[str, float], call_micros: float) -> dict[str, Million]:
    """The price of each kind. `micros`: each kind in one process, signature included; `call_micros`: one AWS call."""
    found = {}
    for name, kind in KINDS.items():
        steps = {
            signer: step_of(calls[kind.counted].calls, micros[kind.measured] / 1000, call_micros / 1000, signer)
            for signer in costs.SIGNERS
        }
        dollars = {signer: step.dollars(signer) * MILLION + beside() for signer, step in steps.items()}
        found[name] = Million(steps["RS256"], dollars, kind.limits)
    return found
