"""`make bench`: measures Valet against its budgets and next to the alternatives (docs/benchmarks.md).

    python -m bench [--only B5 B6] [--no-write]

Prints the table of budgets, writes bench/results/latest.json, docs/benchmarks.svg and the tables in docs/benchmarks.md.
Takes a few minutes. Reports a budget that does not hold, but does not fail: times are never a test.
"""

import argparse
import json
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import machine, page, picture
from bench.measure import ROOT
from bench.report import HEAD, plain
from bench.steps import STEPS, Findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="BUDGET", help="Measure only these, such as B20. Write nothing."
    )
    parser.add_argument("--no-write", action="store_true", help="Print the tables and change no file.")
    given = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 160)
    found, started = Findings(), time.monotonic()
    described = machine.describe()
    _measure(found, console, given.only)
    found.lines.sort(key=lambda line: int(line.budget[1:]))
    console.print(_table(found))
    for words in found.left_out:
        console.print(words)
    minutes = (time.monotonic() - started) / 60
    console.print(f"{sum(line.holds for line in found.lines)} of {len(found.lines)} hold; {minutes:.1f} minutes.")
    if not given.only and not given.no_write:
        _write(found, {**described, "minutes": round(minutes, 1)})
        console.print("Written: bench/results/latest.json, docs/benchmarks.svg, docs/benchmarks.md")
    return 0


def _measure(found: Findings, console: Console, only: list[str]) -> None:
    steps = [step for step in STEPS if not only or set(only) & set(step.budgets)]
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False) as progress:
        for step in steps:
            task = progress.add_task(step.name, total=step.ticks)
            step.run(found, lambda task=task: progress.advance(task))  # type: ignore[misc]
            progress.update(task, completed=step.ticks)


def _table(found: Findings) -> Table:
    table = Table(*HEAD, title="Budgets")
    for line in found.lines:
        table.add_row(*(cell.replace("**", "") for cell in line.cells), style="" if line.holds else "bold red")
    return table


def _write(found: Findings, described: dict[str, object]) -> None:
    figures = {name: plain(each) for name, each in found.figures.items() if not name.startswith("_")}
    document = {**described, "budgets": [line.as_json() for line in found.lines], "figures": figures}
    results = ROOT / "bench" / "results"
    results.mkdir(exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (results / "latest.json").write_text(text, encoding="utf-8")
    caption = page.caption(described)
    drawn = picture.draw(found.lines, found.figures["whole servers, requests a second"], caption)
    (ROOT / "docs" / "benchmarks.svg").write_text(drawn, encoding="utf-8")
    page.fill(ROOT / "docs" / "benchmarks.md", found, described)


if __name__ == "__main__":
    sys.exit(main())
