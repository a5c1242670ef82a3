"""AWS calls of each kind of request, counted in running functions on emulated AWS, as in tests/promises/counts (B7)."""

import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from bench.valet_in_memory import log_to
from tests.promises.counts.table import TABLE
from tests.promises.counts.test_counts import BUDGETS, counted, run
from tests.support.deployment import in_this_process
from tests.support.world import World


@dataclass(frozen=True)
class Counted:
    """The AWS calls of one kind of request, warm, and their budget."""

    calls: Counter[str]  # read, write, put, sign
    budget: Counter[str]

    @property
    def holds(self) -> bool:
        return self.calls <= self.budget


def measure() -> Mapping[str, Counted]:
    log_to(io.StringIO())
    deployment = in_this_process()
    found = {}
    for row in TABLE:
        if row.name in BUDGETS:
            deployment.begin()
            answer, calls = run(World(deployment), row, is_warm=True)  # a row may change who uses the deployment
            assert answer.status == row.status, (row.name, answer)
            found[row.name] = Counted(counted(calls), BUDGETS[row.name])
    return found
