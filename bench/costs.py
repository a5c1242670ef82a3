"""What Valet costs a month, worked out from counted calls and list prices (us-east-1, arm64).

`python bench/costs.py` prints the tables of docs/operations.md. The calls are those that a test counts in the running
system; milliseconds are what Lambda is expected to bill, warm, rounded from what `bench` measures. What a million of
each kind of token are stands in docs/benchmarks.md alone, by the figures of its run (million.py).
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

METRICS, ALARMED_METRICS = 10, 17  # an alarm on an expression or a band counts each metric that it watches
ACCESS_LOG_LINE, EVENT_LINE = 230, 460  # bytes, as they are ingested


@dataclass(frozen=True)
class Step:
    """One kind of request, or several that belong together: what a single one of them uses, warm."""

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


SIGN_IN = "sign-in and consent, before it"
STEPS: Mapping[str, Step] = {
    "client_credentials": Step(requests=1, reads=0, writes=0, signatures=1, milliseconds=20, events=1),
    "refresh": Step(requests=1, reads=2, writes=1, signatures=1, milliseconds=45, events=1),
    "code, with an ID token": Step(requests=1, reads=2, writes=2, signatures=2, milliseconds=60, events=1),
    # /authorize, /login twice, /authorize, /consent twice. Login has 1,769 MB: its time is counted as that of 512 MB.
    SIGN_IN: Step(requests=6, reads=15, writes=11, signatures=0, milliseconds=420, events=3),
}

# Of a hundred access tokens: an app whose people sign in once for every eight refreshes, and a service now and then.
MIX: Mapping[str, int] = {"client_credentials": 10, "refresh": 80, "code, with an ID token": 10}
MONTHS = (10**4, 10**6, 10**8)
SIGNERS = ("RS256", "ES256", "wrapped")

# An authorizer's environment asks for its status list every two seconds while there are calls, and is told "unchanged".
STATUS_LIST_FETCH = Step(requests=1, reads=0, writes=0, signatures=0, milliseconds=5, events=0)
STATUS_LIST_SECOND = Step(requests=0, reads=1, writes=0, signatures=0, milliseconds=5, events=0)
RESIGNED = MONTH // 300  # each list at least, and again after every revocation


def of_tokens(tokens: int, signer: str) -> float:
    """The requests behind so many access tokens."""
    total = sum(tokens * share / 100 * STEPS[step].dollars(signer) for step, share in MIX.items())
    sign_ins = tokens * MIX["code, with an ID token"] / 100
    return total + sign_ins * STEPS[SIGN_IN].dollars(signer)


def standing(signer: str) -> float:
    """What a month costs before the first token: metrics, alarms, the keys that sign and stand by or that wrap."""
    keys = 1 if signer == "wrapped" else 2
    return METRICS * METRIC + ALARMED_METRICS * ALARMED_METRIC + keys * KEY


def of_status_lists(signer: str) -> float:
    """One authorizer's environment that is busy around the clock."""
    fetches = MONTH / 2
    return (
        fetches * STATUS_LIST_FETCH.dollars(signer)
        + fetches * STATUS_LIST_SECOND.dollars(signer)
        + RESIGNED * SIGNATURE[signer]
    )


def tables() -> Iterator[str]:
    """Markdown, a line at a time."""
    yield "| one request uses | requests | reads | writes | signatures | ms | log lines |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, step in STEPS.items():
        used = (step.requests, step.reads, step.writes, step.signatures, step.milliseconds, step.events)
        yield f"| {name} | " + " | ".join(map(str, used)) + " |"
    yield ""
    sign_ins = STEPS[SIGN_IN].dollars("RS256") * MILLION
    yield f"A million sign-ins with consent are ${sign_ins:.2f}, whoever signs afterwards."
    yield "What a million tokens of each kind are stands in [benchmarks.md](benchmarks.md#a-million-tokens)."
    yield ""
    yield "| access tokens a month | KMS RS256, $ | KMS ES256, $ | wrapped key, $ |"
    yield "| --- | --- | --- | --- |"
    yield "| none: metrics, alarms, keys | " + " | ".join(f"{standing(signer):.2f}" for signer in SIGNERS) + " |"
    for tokens in MONTHS:
        whole = (of_tokens(tokens, signer) + standing(signer) for signer in SIGNERS)
        yield f"| {tokens:,} | " + " | ".join(f"{dollars:,.2f}" for dollars in whole) + " |"
    busy = " | ".join(f"{of_status_lists(signer):.2f}" for signer in SIGNERS)
    yield f"| and each authorizer environment busy around the clock | {busy} |"


if __name__ == "__main__":
    print("\n".join(tables()))
