"""All measurements, in their order. Each step adds figures, and the budgets that follow from them."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench import (
    authorizer,
    aws_calls,
    bound_token,
    calls,
    cold,
    cold_sign_in,
    first_token,
    growth,
    hot_list,
    layer,
    libraries,
    memory,
    million,
    refresh,
    servers,
    stateless,
)
from bench import token_endpoint as endpoint
from bench.measure import sample
from bench.report import Line, number, ratio
from bench.servers import node_is_there

Tick = Callable[[], None]


@dataclass
class Findings:
    """The figures and budgets of the steps so far."""

    figures: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """One measurement. It reports progress `ticks` times."""

    name: str
    budgets: tuple[str, ...]
    ticks: int
    run: Callable[[Findings, Tick], None]


@cache
def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()  # removed when the process ends


@cache
def _built() -> Path:
    """Layer and functions as `make build` makes them, once for all steps."""
    return layer.build(Path(_scratch().name) / "built")


def _authorizer_warm(found: Findings, tick: Tick) -> None:
    rounds: list[Mapping[str, float]] = []
    for _ in range(5):
        rounds.append(authorizer.warm("RS256", "policy", 600))
        tick()
    figures = {name: sample([each[name] for each in rounds]) for name in rounds[0]}
    found.figures["authorizer, warm, µs"] = figures
    raw, pyjwt = figures["raw"], figures["PyJWT"]
    found.lines.append(ratio("B1", "authorizer, new token / raw verify", figures["unseen"], raw, 2.2))
    found.lines.append(ratio("B1", "… / PyJWT's bare decode", figures["unseen"], pyjwt, 1.0))
    found.lines.append(ratio("B2", "authorizer, known token / raw verify", figures["seen"], raw, 0.75))


def _authorizer_cold(found: Findings, tick: Tick) -> None:
    rounds = authorizer.cold(15, tick)
    bare = sample([each["bare"][0] for each in rounds])
    over = {name: sample(authorizer.over(rounds, name, "bare")) for name in authorizer.COLD if name != "bare"}
    found.figures["authorizer, cold, ms of processor time over bare"] = {"bare": bare, **over}
    ours, pyjwt, bare_words = over[authorizer.TOKEN], over["PyJWT"], f"bare {number(bare.median)} ms"
    words = f"{ours.median:.1f} ms"
    found.lines.append(Line("B3", "authorizer, cold, ms over bare", words, bare_words, ours.median, 45, ours.spread))
    spread = max(ours.spread, pyjwt.spread)
    beside = f"{pyjwt.median:.1f} ms"
    found.lines.append(Line("B3", "… / PyJWT's cold path", words, beside, ours.over(pyjwt), 0.5, spread, strictly=True))
    # The median of the differences in each round, because load changes from one round to the next.
    more = sample(authorizer.over(rounds, authorizer.BOUND_TOKEN, authorizer.TOKEN))
    proven = f"{over[authorizer.BOUND_TOKEN].median:.1f} ms"
    measure = "first proof of a cold process, ms more than B3"
    found.lines.append(Line("B14", measure, proven, words, more.median, 10, more.spread))


def _authorizer_bound(found: Findings, tick: Tick) -> None:
    rounds: list[Mapping[str, float]] = []
    for _ in range(5):
        rounds.append(bound_token.warm(300))
        tick()
    figures = {name: sample([each[name] for each in rounds]) for name in rounds[0]}
    found.figures["authorizer, bound token, µs"] = figures
    raw = figures["raw"]
    found.lines.append(ratio("B11", "bound token, new proof / raw ES256 verify", figures["known key"], raw, 1.7))
    found.lines.append(ratio("B12", "… by a key never seen / raw ES256 verify", figures["new key"], raw, 2.2))


def _cold(found: Findings, tick: Tick) -> None:
    measured = cold.measure(_built(), 12, tick)
    tops = {name: cold.import_times(_built(), name) for name in ("token", "authorizer", "login")}
    starts, boto3 = measured.functions, measured.boto3
    found.figures["cold start, ms over bare"] = {
        name: {
            "ready": each.ready,
            "answered": each.answered,
            "answered, clock": each.answered_wall,
            "over boto3": each.over_boto3,
            "modules": each.modules,
        }
        for name, each in starts.items()
    }
    found.figures["boto3 and a client for DynamoDB, ms over bare"] = boto3
    found.figures["import time, ms"] = {name: dict(top) for name, top in tops.items()}
    worst = max(starts, key=lambda name: starts[name].over_boto3)
    ready, over = starts[worst].ready, starts[worst].over_boto3
    measure = f"cold, ms over boto3 and a client, worst ({worst})"
    sides = (f"{number(ready.median)} ms", f"{number(boto3.median)} ms")
    found.lines.append(Line("B4", measure, *sides, over, 60, max(ready.spread, boto3.spread)))


def _first_token(found: Findings, tick: Tick) -> None:
    wholes = first_token.measure(_built(), 12, tick)
    found.figures["whole processes, ms"] = {
        name: {"processor": each.processor, "clock": each.clock} for name, each in wholes.items()
    }
    ours = wholes[first_token.TOKEN].processor
    for words, name, limit in (
        ("first token, cold / AWS SDK v3 in Node.js, no call", first_token.AWS_SDK, 1.0),
        ("… / boto3 and two clients, no call", first_token.BOTO3, 0.5),
    ):
        if name in wholes:
            found.lines.append(ratio("B16", words, ours, wholes[name].processor, limit, "ms"))


def _cold_sign_in(found: Findings, tick: Tick) -> None:
    callers = cold_sign_in.measure(_built(), 6, tick)
    found.figures["a first sign-in on cold functions, ms"] = cold_sign_in.rows(callers)
    ours, boto3 = (cold_sign_in.summed(callers[name]) for name in (cold_sign_in.VALET, cold_sign_in.BOTO3))
    found.lines.append(ratio("B18", "a first sign-in, all cold / with boto3", ours, boto3, 0.45, "ms"))


def _endpoint(found: Findings, tick: Tick) -> None:
    measured = endpoint.measure(300)
    tick()
    found.figures["token endpoint in process, µs"] = {
        "raw signature": measured.signature,
        "raw verification": measured.verification,
        "Valet": measured.valet,
        "Authlib in Flask": measured.authlib,
        "Authlib without a framework": measured.authlib_alone,
    }
    for budget, kind, limit in (("B5", "client_credentials", 0.6), ("B6", "code", 0.7), ("B6", "refresh", 0.7)):
        found.lines.append(ratio(budget, f"{kind} / Authlib's", *measured.less_signature(kind), limit))
    more = measured.valet["code of a fapi2 client"].less(measured.valet["code"])
    words = "code of a fapi2 client, more than a code / raw ES256 verify"
    found.lines.append(ratio("B15", words, more, measured.verification, 3.5))


def _calls(found: Findings, tick: Tick) -> None:
    counted = calls.measure()
    tick()
    found.figures["AWS calls, warm"] = {name: dict(each.calls) for name, each in counted.items()}
    over = sum(not each.holds for each in counted.values())
    total = f"{sum(each.calls.total() for each in counted.values())} calls"
    allowed = f"{sum(each.budget.total() for each in counted.values())} allowed"
    found.lines.append(
        Line("B7", f"kinds of request over their AWS calls, of {len(counted)}", total, allowed, over, 0, 0)
    )
    found.figures["_counted"] = counted


def _layer(found: Findings, tick: Tick) -> None:
    zipped, unzipped = layer.zipped_bytes(_built()) / 1e6, layer.unzipped_bytes(_built()) / 1e6
    tick()
    found.figures["layer, MB"] = {"zipped": zipped, "unzipped": unzipped}
    most, size = layer.MOST_ZIPPED_BYTES / 1e6, f"{unzipped:.1f} MB unzipped"
    found.lines.append(Line("B8", "layer, zipped, MB", f"{zipped:.1f} MB", size, zipped, most, 0))


def _aws_calls(found: Findings, tick: Tick) -> None:
    measured = aws_calls.measure()
    tick()
    found.figures["one AWS call answered at once, µs"] = measured
    ours, boto3 = measured[aws_calls.VALET], measured[aws_calls.BOTO3]["GetItem"]
    worst = max(ours, key=lambda operation: ours[operation].median)
    found.lines.append(ratio("B17", f"one AWS call, worst ({worst}) / boto3's GetItem", ours[worst], boto3, 0.25))


def _refresh(found: Findings, tick: Tick) -> None:
    measured = refresh.measure()
    tick()
    found.figures["a refresh with its AWS calls, µs"] = measured
    ours, boto3 = (measured[name] for name in (aws_calls.VALET, aws_calls.BOTO3))
    found.lines.append(ratio("B19", "refresh with its four AWS calls / with boto3", ours, boto3, 0.35))


def _million(found: Findings, tick: Tick) -> None:
    micros = {kind: each.median for kind, each in found.figures["token endpoint in process, µs"]["Valet"].items()}
    call = found.figures["one AWS call answered at once, µs"][aws_calls.VALET]["GetItem"].median
    measured = million.measure(found.figures["_counted"], micros, call)
    tick()
    found.figures["a million tokens, $"] = {
        name: {"milliseconds": each.step.milliseconds, **each.dollars} for name, each in measured.items()
    }
    for name, each in measured.items():
        for signer, limit in each.limits.items():
            dollars = each.dollars[signer]
            words = f"$ a million: {name}, {'KMS ' if signer != 'wrapped' else ''}{signer}"
            found.lines.append(Line("B9", words, f"${dollars:.2f}", "list price", dollars, limit, 0))


def _memory(found: Findings, tick: Tick) -> None:
    measured = memory.measure(tick)
    found.figures["token function, MB occupied"] = measured.megabytes
    found.figures["token function, cold, ms by memory"] = {size: measured.cold(size) for size in memory.SIZES}
    found.figures["token function, warm, ms and $ a million by memory"] = {
        kind: {size: (each.milliseconds(size), each.dollars(size)) for size in memory.SIZES}
        for kind, each in measured.requests.items()
    }


def _growth(found: Findings, tick: Tick) -> None:
    measured = growth.measure(200, tick)
    found.figures["growth, µs by population"] = measured.micros
    kind, factor = measured.worst()
    small, large = (measured.micros[kind][many] for many in (growth.POPULATIONS[0], growth.POPULATIONS[-1]))
    sides = (f"{number(large.median)} µs", f"{number(small.median)} µs")
    spread = max(small.spread, large.spread)
    words = f"100,000 of everything / 100, worst ({kind})"
    found.lines.append(Line("B10", words, *sides, factor, growth.TOLERANCE, spread))


def _hot_list(found: Findings, tick: Tick) -> None:
    measured = hot_list.measure()
    tick()
    rates = {f"{rate:,} a second": each for rate, each in measured.refusals.items()}
    found.figures["a list of ten million, ms"] = {"first": measured.first, "one more revocation": measured.again}
    found.figures["a list of ten million, $ a month"] = measured.dollars
    found.figures["a list of ten million, s to the refusal"] = rates
    found.figures["a list of ten million, slowest, s"] = measured.slowest
    again, dollars = measured.again, sum(measured.dollars.values())
    slowest = max(measured.slowest.values())
    words = "a list of 10,000,000, 1,000,000 revoked: one more, s of a core"
    signed = f"{measured.signed / 1e6:.2f} MB signed"
    found.lines += (
        Line("B20", words, f"{number(again.median)} ms", signed, again.median / 1000, 1.0, again.spread),
        Line("B20", f"… $ a month, {hot_list.A_SECOND} a second", f"${dollars:.2f}", "list price", dollars, 150, 0),
        Line("B20", "… slowest refusal at 10, 300, 1,000 a second, s", f"{slowest:.2f} s", "the bound", slowest, 5, 0),
    )


def _libraries(found: Findings, tick: Tick) -> None:
    found.figures["one JWT, µs"] = libraries.measure()
    tick()


def _stateless(found: Findings, tick: Tick) -> None:
    found.figures["is this token good? µs"] = stateless.measure()
    tick()


def _servers(found: Findings, tick: Tick) -> None:
    found.figures["whole servers, requests a second"] = servers.measure(3, 1000, tick)
    if not node_is_there():
        found.left_out.append(
            "oidc-provider, aws-jwt-verify, fast-jwt, jose and AWS SDK v3 are left out: install node to include them."
        )


STEPS = (
    Step("authorizer, warm", ("B1", "B2"), 5, _authorizer_warm),
    Step("authorizer, bound tokens", ("B11", "B12"), 5, _authorizer_bound),
    Step("authorizer, cold", ("B3", "B14"), 15, _authorizer_cold),
    Step("layer", ("B8",), 1, _layer),
    Step("every function, cold", ("B4",), 12, _cold),
    Step("the first token", ("B16",), 12, _first_token),
    Step("a first sign-in, cold", ("B18",), 6, _cold_sign_in),
    Step("AWS calls, one at a time", ("B9", "B17"), 1, _aws_calls),
    Step("a refresh with its AWS calls", ("B19",), 1, _refresh),
    Step("token endpoint and Authlib's", ("B5", "B6", "B9", "B15"), 1, _endpoint),
    Step("AWS calls, counted", ("B7", "B9"), 1, _calls),
    Step("a million tokens", ("B9",), 1, _million),
    Step("memory of the token function", (), 2, _memory),
    Step("growth", ("B10",), 3, _growth),
    Step("a list of ten million", ("B20",), 1, _hot_list),
    Step("JWT libraries", (), 1, _libraries),
    Step("stateless or not", (), 1, _stateless),
    Step("whole servers", (), 4, _servers),
)
