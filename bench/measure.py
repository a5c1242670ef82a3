"""How everything is timed: both sides of a ratio in turn, medians, and the spread beside them."""

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
    """A median, and how far the middle half of what was measured lies from it on either side, as a share."""

    median: float
    spread: float
    count: int

    def less(self, other: "Sample") -> "Sample":
        """What is left without a part that was measured beside it."""
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
    """This thread's processor time for one deed: a neighbour on the machine does not count against it."""
    started = time.thread_time_ns()
    deed()
    return (time.thread_time_ns() - started) / 1000


def interleaved(deeds: Mapping[str, Callable[[], Deed]], rounds: int, warm_up: int = 5) -> dict[str, Sample]:
    """Each deed once in every round, so that whatever the machine does meanwhile happens to all of them.

    A deed is made anew for each round, untimed: a code is redeemed only once.
    """
    found: dict[str, list[float]] = {name: [] for name in deeds}
    names = list(deeds)
    gc.collect()
    for turn in range(rounds + warm_up):
        names.append(names.pop(0))  # nobody always follows the same neighbour, whose code is what the caches hold
        for name in names:
            make = deeds[name]
            make()()  # warm: the caches are full of somebody else's code
            spent = microseconds(make())
            if turn >= warm_up:
                found[name].append(spent)
    return {name: sample(values) for name, values in found.items()}


@dataclass(frozen=True)
class Spent:
    """What a process took: processor time and the clock's, both in ms, and what it printed."""

    processor: float
    wall: float
    output: str
    errors: str


def process(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Spent:
    """Run it to its end."""
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
