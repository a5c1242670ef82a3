"""The tables of docs/benchmarks.md, between its two markers. The text around them is written by hand."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import million
from bench.measure import Sample
from bench.report import HEAD, number, table
from bench.steps import Findings

BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"


def caption(described: Mapping[str, Any]) -> str:
    machine, versions = described["machine"], described["versions"]
    return (
        f"{described['date']} · {machine['processor'] or machine['system']}, {machine['cores']} cores · "
        f"Python {versions['Python']}" + (f", node {versions['node']}" if "node" in versions else "")
    )


def fill(path: Path, found: Findings, described: Mapping[str, Any]) -> None:
    """Replace the text between the markers by the tables of this run."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path} must have the markers {BEGIN} and {END}: put them back")
    tables = "\n".join(_sections(found, described))
    path.write_text(f"{before}{begin}\n\n{tables}\n\n{end}{after}", encoding="utf-8")


def _sections(found: Findings, described: Mapping[str, Any]) -> Iterator[str]:
    figures = found.figures
    machine = described["machine"]
    load, minutes = machine["load"][0], described["minutes"]
    yield f"{caption(described)}. The machine's load when it began: {load}. It took {minutes} minutes."
    yield from found.left_out
    yield ", ".join(f"{name} {version}" for name, version in described["versions"].items()) + ".\n"
    yield "### Budgets\n"
    yield from table(HEAD, (line.cells for line in found.lines))
    yield "\n### Whole servers\n\nRequests a second.\n"
    yield from _grid(figures["whole servers, requests a second"], "server")
    yield "\n### One request in one process\n\nµs of processor time, ES256, signature included.\n"
    endpoint = figures["token endpoint in process, µs"]
    raws = ("raw signature", "raw verification")
    raw = {name: {"client_credentials": endpoint[name]} for name in raws if name in endpoint}
    yield from _grid({**{name: each for name, each in endpoint.items() if name not in raws}, **raw}, "")
    yield "\n### Is this token good?\n"
    yield from _list(figures["is this token good? µs"], "µs a check")
    yield "\n### One JWT\n\nµs.\n"
    yield from _libraries(figures["one JWT, µs"])
    yield "\n### Cold starts\n\nms of processor time over a bare interpreter.\n"
    yield from _cold(figures["cold start, ms over bare"], figures["boto3 and a client for DynamoDB, ms over bare"])
    yield from _imports(figures["import time, ms"])
    yield "\n### The first token, and what others take before their first call\n\nms of whole processes.\n"
    yield from _grid(figures["whole processes, ms"], "")
    yield "\n### A first sign-in on cold functions\n\nms, by who calls AWS.\n"
    yield from _grid(figures["a first sign-in on cold functions, ms"], "processor time")
    yield "\n### AWS calls\n\nµs of processor time, by who calls AWS.\n"
    calls, refresh = figures["one AWS call answered at once, µs"], figures["a refresh with its AWS calls, µs"]
    yield from _grid({caller: {**each, "a refresh": refresh[caller]} for caller, each in calls.items()}, "")
    yield "\n### Growth\n\nµs by how many clients, users and grants there are.\n"
    yield from _grid(
        {
            kind: {f"{many:,}": each for many, each in of.items()}
            for kind, of in figures["growth, µs by population"].items()
        },
        "",
    )
    yield "\n### A status list of ten million\n\nA million of its tokens are revoked; ms of processor time.\n"
    yield from _list(figures["a list of ten million, ms"], "ms")
    yield "\nSeconds from an acknowledged revocation to its first refusal.\n"
    yield from _list(figures["a list of ten million, s to the refusal"], "s")
    yield "\n" + _price_of_a_list(figures["a list of ten million, $ a month"])
    yield "\n### A million tokens\n\nUS dollars at list price.\n"
    yield from _million(figures["a million tokens, $"])
    yield "\n### Memory of the token function\n\nMilliseconds of a warm request, and dollars of Lambda for a million.\n"
    yield from _memory(figures)


def _memory(figures: Mapping[str, Any]) -> list[str]:
    kinds = figures["token function, warm, ms and $ a million by memory"]
    cold = figures["token function, cold, ms by memory"]
    head = ("", *(f"{size:,} MB" for size in cold))
    rows = [[kind, *(f"{ms:.1f} ms, ${dollars:.2f}" for ms, dollars in each.values())] for kind, each in kinds.items()]
    rows.append(["first answer of a new environment", *(f"{ms:.0f} ms" for ms in cold.values())])
    return [*table(head, rows), "", f"A process occupies {number(figures['token function, MB occupied'].median)} MB."]


def _grid(rows: Mapping[str, Mapping[str, Sample]], corner: str) -> list[str]:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = ([name, *(_cell(row.get(column)) for column in columns)] for name, row in rows.items())
    return table([corner, *columns], cells)


def _list(rows: Mapping[str, Sample], unit: str) -> list[str]:
    return table(["", unit], ([name, _cell(each)] for name, each in rows.items()))


def _cell(each: Sample | None) -> str:
    return f"{number(each.median)} ±{each.spread:.0%}" if each else "–"


def _libraries(by_alg: Mapping[str, Mapping[str, Sample]]) -> list[str]:
    rows: dict[str, dict[str, Sample]] = {}
    for alg, found in by_alg.items():
        for name, each in found.items():
            library, _, deed = name.rpartition(" ")
            rows.setdefault(library, {})[f"{alg} {deed}"] = each
    columns = [f"{alg} {deed}" for alg in by_alg for deed in ("sign", "verify")]
    return table(["", *columns], ([name, *(_cell(row.get(each)) for each in columns)] for name, row in rows.items()))


def _cold(starts: Mapping[str, Mapping[str, Any]], boto3: Sample) -> list[str]:
    head = ("function", "ready", "first answer", "… by the clock", "modules")
    rows: list[Sequence[str]] = []
    for name, each in starts.items():
        samples = (each["ready"], each["answered"], each["answered, clock"])
        rows.append((name, *map(_cell, samples), str(each["modules"])))
    rows.append(("boto3 and a client for DynamoDB, nothing else", _cell(boto3), "–", "–", "–"))
    return table(head, rows)


def _imports(tops: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for name, top in tops.items():
        words = ", ".join(f"{package} {number(ms)}" for package, ms in top.items())
        yield f"\nThe imports of {name}, ms by package, slowed by the tracing: {words}."


def _price_of_a_list(dollars: Mapping[str, float]) -> str:
    parts = ", ".join(f"{name} ${each:.2f}" for name, each in dollars.items())
    return f"An environment that serves the list costs ${sum(dollars.values()):.2f} a month: {parts}."


def _million(kinds: Mapping[str, Mapping[str, float]]) -> list[str]:
    signers = ("RS256", "ES256", "wrapped")
    head = ("", "billed ms, RS256", "KMS RS256", "KMS ES256", "wrapped key")
    rows = (
        [name, number(each["milliseconds"]), *(f"{each[signer]:.2f}" for signer in signers)]
        for name, each in kinds.items()
    )
    assumed = f"DynamoDB {million.DYNAMODB_MS} ms and KMS {million.KMS_MS} ms a call"
    shared = f"{million.beside():.2f} of each for leases and status-list fetches"
    load = f"{million.TOKENS_PER_SECOND} tokens a second, {million.AUTHORIZERS} authorizer environments"
    return [*table(head, rows), "", f"Assumed: {assumed}; {shared} ({load})."]
