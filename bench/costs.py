"""Valet's costs a month, computed from counted calls and list prices (us-east-1, arm64).

`python bench/costs.py` prints the tables of docs/operations.md. A test counts the calls in the running system. The
milliseconds are those that Lambda should bill for a warm request that KMS signs: the processor time of a process that
really calls AWS, measured by memory.py and, for a sign-in, by cold_sign_in.py ("warm"), divided by the share of a core
that the function's memory buys; and 6 ms for each call to DynamoDB and 15 for each signature, which are assumed
(million.py). A test compares them with the latest run. docs/benchmarks.md has the price of a million tokens of each
kind, from the figures of its run (million.py): there the processor time is that of a process that does nothing else,
whose caches are warm, so it is shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MILLION = 1_000_000
MONTH = 730 * 3600  # seconds

# US dollars.
API_REQUEST = 1.00 / MILLION
INVOCATION = 0.20 / MILLION
GB_SECOND = 0.0000133334
READ = 0.125 / MILLION
WRITE = 0.625 / MILLION
SIGNATURE: Mapping[str, float] = {"RS256": 0.03 / 10_000, "ES256": 0.15 / 10_000, "wrapped": 0.0}
LOG_BYTE = 0.50 / 1024**3
METRIC, ALARMED_METRIC, KEY = 0.30, 0.10, 1.00

SNAPSHOT_KEPT, SNAPSHOT_RESTORED = 0.0000015046, 0.0001397998  # a GB and second, a GB; Python, of either processor
PROVISIONED = 0.0000033334  # a GB and second; a request then costs 0.0000077778 a GB and second

METRICS, ALARMED_METRICS = 10, 18  # AWS bills an alarm on an expression or a band for each metric that it watches
ACCESS_LOG_LINE, EVENT_LINE = 230, 460  # bytes ingested


@dataclass(frozen=True)
class Step:
    """The use of resources of one warm request, or of several that belong together."""

    requests: int
    reads: int
    writes: int
    signatures: int
    milliseconds: int  # of 512 MB
    events: int

    def dollars(self, signer: str) -> float:
        return (
            self.requests * (API_REQUEST + INVOCATION + ACCESS_LOG_LINE * LOG_BYTE)
            + self.milliseconds / 1000 * 0.5 * GB_SECOND
            + self.reads * READ
            + self.writes * WRITE
            + self.signatures * SIGNATURE[signer]
            + self.events * EVENT_LINE * LOG_BYTE
        )


# MB of the functions that SnapStart and ProvisionedConcurrency keep started.
SIGN_IN_MEMORY = {"authorize": 512, "login": 1769, "consent": 512, "token": 512}

SIGN_IN = "sign-in and consent, before it"
STEPS: Mapping[str, Step] = {
    "client_credentials": Step(requests=1, reads=0, writes=0, signatures=1, milliseconds=16, events=1),
    "refresh": Step(requests=1, reads=2, writes=1, signatures=1, milliseconds=38, events=1),
    "code, with an ID token": Step(requests=1, reads=2, writes=2, signatures=2, milliseconds=59, events=1),
    # /authorize, /login twice, /authorize, /consent twice, and the two images that start consent and token. Login has
    # 1,769 MB: its 107 ms, of which 66 are eleven calls to DynamoDB and most others Argon2id, cost as much as 370 ms of
    # 512 MB. One of the writes is the message that has the person told of a new browser, where the deployment sends
    # mail.
    SIGN_IN: Step(requests=8, reads=17, writes=15, signatures=0, milliseconds=508, events=3),
}

# The mix of a hundred access tokens: the end-users of an app sign in once for every eight refreshes; a service has ten.
MIX: Mapping[str, int] = {"client_credentials": 10, "refresh": 80, "code, with an ID token": 10}
MONTHS = (10**4, 10**6, 10**8)
SIGNERS = ("RS256", "ES256", "wrapped")

# While there are calls, each environment of an authorizer asks for its status list every two seconds. Most answers are
# "unchanged".
STATUS_LIST_FETCH = Step(requests=1, reads=0, writes=0, signatures=0, milliseconds=5, events=0)
STATUS_LIST_SECOND = Step(requests=0, reads=1, writes=0, signatures=0, milliseconds=5, events=0)
RESIGNED = MONTH // 300  # the least number of signatures for a list; each revocation adds one

# An API with reference tokens. The calls are those of tests/promises/counts/reference_tokens.py. The milliseconds are
# 6 for each call to DynamoDB, and what is left of a warm request without its signature.
REFERENCES: Mapping[str, Step] = {
    "a JWT, for comparison (client_credentials)": STEPS["client_credentials"],
    "a reference token instead": Step(requests=1, reads=0, writes=1, signatures=0, milliseconds=8, events=1),
    "its introspection, at each call": Step(requests=1, reads=5, writes=0, signatures=0, milliseconds=32, events=0),
    "what a stranger made up": Step(requests=1, reads=1, writes=0, signatures=0, milliseconds=8, events=0),
}


def of_tokens(tokens: int, signer: str) -> float:
    """The price of all requests for so many access tokens, sign-ins included."""
    total = sum(tokens * share / 100 * STEPS[step].dollars(signer) for step, share in MIX.items())
    sign_ins = tokens * MIX["code, with an ID token"] / 100
    return total + sign_ins * STEPS[SIGN_IN].dollars(signer)


def standing(signer: str) -> float:
    """The price of a month without tokens: metrics, alarms, and the signing and standby keys or the wrapping key."""
    keys = 1 if signer == "wrapped" else 2
    return METRICS * METRIC + ALARMED_METRICS * ALARMED_METRIC + keys * KEY


def of_status_lists(signer: str) -> float:
    """The price of one authorizer environment that is busy around the clock."""
    fetches = MONTH / 2
    return (
        fetches * STATUS_LIST_FETCH.dollars(signer)
        + fetches * STATUS_LIST_SECOND.dollars(signer)
        + RESIGNED * SIGNATURE[signer]
    )


def of_started_functions(gigabyte_second: float) -> float:
    """The price of a month in which the functions of a sign-in are kept as snapshots, or as one environment each."""
    return sum(SIGN_IN_MEMORY.values()) / 1024 * MONTH * gigabyte_second


def of_cold_starts(memory: int) -> float:
    """The price of restoring the snapshot of a function with `memory` MB a thousand times."""
    return 1000 * memory / 1024 * SNAPSHOT_RESTORED


def tables() -> Iterator[str]:
    """The tables in Markdown, line by line."""
    yield "| one request uses | requests | reads | writes | signatures | ms | log lines |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, step in STEPS.items():
        used = (step.requests, step.reads, step.writes, step.signatures, step.milliseconds, step.events)
        yield f"| {name} | " + " | ".join(map(str, used)) + " |"
    yield ""
    sign_ins = STEPS[SIGN_IN].dollars("RS256") * MILLION
    yield f"A million sign-ins with consent cost ${sign_ins:.2f} with every signer."
    yield "For the price of a million tokens of each kind, see [benchmarks.md](benchmarks.md#a-million-tokens)."
    yield ""
    yield "| access tokens a month | KMS RS256, $ | KMS ES256, $ | wrapped key, $ |"
    yield "| --- | --- | --- | --- |"
    yield "| none: metrics, alarms, keys | " + " | ".join(f"{standing(signer):.2f}" for signer in SIGNERS) + " |"
    for tokens in MONTHS:
        whole = (of_tokens(tokens, signer) + standing(signer) for signer in SIGNERS)
        yield f"| {tokens:,} | " + " | ".join(f"{dollars:,.2f}" for dollars in whole) + " |"
    busy = " | ".join(f"{of_status_lists(signer):.2f}" for signer in SIGNERS)
    yield f"| and each authorizer environment busy around the clock | {busy} |"


def references() -> Iterator[str]:
    """The table of the prices of reference tokens, in Markdown, line by line."""
    yield "| one request | reads | writes | signatures | $ a million, KMS RS256 |"
    yield "| --- | --- | --- | --- | --- |"
    for name, step in REFERENCES.items():
        dollars = step.dollars("RS256") * MILLION
        yield f"| {name} | {step.reads} | {step.writes} | {step.signatures} | {dollars:.2f} |"


def starts() -> Iterator[str]:
    """The table of the prices of functions that are kept started, in Markdown, line by line."""
    smallest, largest = (
        of_cold_starts(memory) for memory in (min(SIGN_IN_MEMORY.values()), max(SIGN_IN_MEMORY.values()))
    )
    yield "| parameter | a month, $ | and | off |"
    yield "| --- | --- | --- | --- |"
    snapshots = of_started_functions(SNAPSHOT_KEPT)
    yield f"| `SnapStart=on` | {snapshots:.2f} | ${smallest:.2f} to ${largest:.2f} for a thousand cold starts | 0.00 |"
    environments = of_started_functions(PROVISIONED)
    yield f"| `ProvisionedConcurrency=1` | {environments:.2f} | each further one as much again | 0.00 |"


if __name__ == "__main__":
    print("\n".join((*tables(), "", *references(), "", *starts())))
