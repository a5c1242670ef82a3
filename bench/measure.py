"""The way to time everything: both sides of a ratio in turn, as medians with their spread."""

import gc
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYER = ROOT / "layers" / "valet" / "python"

Deed = Callable[[], object]


@dataclass(frozen=True)
class Sample:
    """A median, and the spread around it: half the width of the middle half of the values, as a share of the median."""

    median: float
    spread: float
    count: int

    def less(self, other: "Sample") -> "Sample":
        """This sample without a part of the work that was measured separately."""
        left = self.median - other.median
        return Sample(left, self.spread * self.median / left if left > 0 else 0.0, self.count)

    def over(self, other: "Sample") -> float:
        return self.median / other.median


def sample(values: Sequence[float]) -> Sample:
    median = statistics.median(values)
    if len(values) < 4 or not median:
        width = max(values) - min(values) if values else 0.0
    else:
        low, _, high = statistics.quantiles(values, n=4)
        width = high - low
    return Sample(median, width / 2 / median if median else 0.0, len(values))


def microseconds(deed: Deed) -> float:
    """This thread's processor time for one operation, which other processes on the machine do not lengthen."""
    started = time.thread_time_ns()
    deed()
    return (time.thread_time_ns() - started) / 1000


def interleaved(deeds: Mapping[str, Callable[[], Deed]], rounds: int, warm_up: int = 5) -> dict[str, Sample]:
    """Time each operation once in every round, so that the machine's load affects all of them alike.

    Each operation is prepared again for each round, untimed, because a code can be redeemed only once.
    """
    found: dict[str, list[float]] = {name: [] for name in deeds}
    names = list(deeds)
    gc.collect()
    for turn in range(rounds + warm_up):
        names.append(names.pop(0))  # vary the order: each operation finds the one before it in the caches
        for name in names:
            make = deeds[name]
            make()()  # warm up: the caches hold the code of another operation
            spent = microseconds(make())
            if turn >= warm_up:
                found[name].append(spent)
    return {name: sample(values) for name, values in found.items()}


@dataclass(frozen=True)
class Spent:
    """A process's processor time and wall-clock time, both in ms, and its output."""

    processor: float
    wall: float
    output: str
    errors: str


def process(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Spent:
    """Run the command until it ends."""
    started = time.perf_counter()
    child = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(environment) if environment is not None else None,
    )
    assert child.stdout is not None
    assert child.stderr is not None
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(child.stderr.read)
        output, errors = child.stdout.read(), reading.result()
    _, status, used = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    child.stderr.close()
    if child.returncode:
        raise RuntimeError(f"{command}: {errors[-2000:]}")
    return Spent((used.ru_utime + used.ru_stime) * 1000, wall * 1000, output, errors)
