"""Every interleaving of a few requests, through the real handlers: a walk over all states that a scenario can reach.

There is no going back in a running handler: to take another turn the scenario starts anew and repeats the steps that
lead there, which is why everything in a world is the same again. A state that was met is not entered twice.
"""

import time
from dataclasses import dataclass

from tests.promises.model.aftermath import see_what_stands
from tests.promises.model.ledger import Violation
from tests.promises.model.processes import Fate
from tests.promises.model.run import Run, Scenario
from tests.promises.model.stage import Stage
from tests.promises.model.world import installed


@dataclass(frozen=True)
class Explored:
    scenario: str
    states: int
    steps: int
    runs: int
    seconds: float
    violation: str = ""
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = f"{self.states:>7,} states {self.steps:>8,} steps {self.runs:>7,} runs"
        return f"{self.scenario:24} {counts} {self.seconds:5.1f} s"


def explore(scenario: Scenario, limit: int = 1_000_000) -> Explored:
    """Walk, depth first, until all is seen, a promise is broken, or the limit is reached."""
    began = time.perf_counter()
    seen: set[int] = set()
    todo: list[list[int]] = [[]]
    steps = runs = 0
    start = _start(scenario)
    while todo and len(seen) < limit:
        path = todo.pop()
        runs += 1
        with _begun(scenario, start) as run:
            trace: list[str] = []
            for turn in path[:-1]:
                _take(run, turn, trace)
            try:
                if path:
                    steps += 1
                    _take(run, path[-1], trace)
                    run.ledger.check()
                while True:
                    state = run.state()
                    if state in seen:
                        break
                    seen.add(state)
                    count = sum(1 for _ in run.steps())
                    if not count:
                        stage_is_over(run)
                        break
                    todo += [[*path, turn] for turn in range(1, count)]
                    path = [*path, 0]
                    steps += 1
                    _take(run, 0, trace)
                    run.ledger.check()
            except Violation as violation:
                spent = time.perf_counter() - began
                return Explored(scenario.name, len(seen), steps, runs, spent, str(violation), tuple(trace))
    return Explored(scenario.name, len(seen), steps, runs, time.perf_counter() - began)


def _start(scenario: Scenario) -> Stage:
    start = scenario.stage()
    if not scenario.is_warm:
        return start
    for which, sender in enumerate(scenario.senders):
        for number in range(sender.count) if sender.is_function else ():
            # Blocks of its own, so that which index a request uses does not depend on who leased first.
            start.warm(10 * which + number)
    start.warm(99)
    return start


def stage_is_over(run: Run) -> None:
    """Nothing is under way and nobody else comes: does the client's token still work, if nothing speaks against it?"""
    if run.stage.handles:
        see_what_stands(run)
        return
    facts = run.ledger.grants.get(run.held[:22])
    if facts is None or facts.is_revoked or run.is_signed_out or not run.held:
        return
    process = run.world.begin(run.stage.refresh(run.held), sandbox=99, number=999)
    while process.waiting is not None:
        run.world.resume(process, Fate.RUN)
    run.ledger.answered(process)
    run.ledger.check()
    if process.answer is None or (process.answer["statusCode"] != 200 and not facts.is_revoked):
        raise Violation("lost login: the token that the rightful client holds no longer works")


def _begun(scenario: Scenario, start: Stage) -> "_Begun":
    return _Begun(scenario, start)


class _Begun:
    """A run at its start, installed behind the handlers."""

    def __init__(self, scenario: Scenario, start: Stage) -> None:
        stage = start.again()
        stage.world.is_observing = True
        for which, sender in enumerate(scenario.senders):
            for number in range(sender.count) if sender.is_stale else ():
                stage.world.go_stale(10 * which + number)
        self._run = Run(
            scenario,
            stage.world,
            stage.ledger,
            stage,
            stage.refresh_token,
            (stage.refresh_token,) if stage.refresh_token else (),
            sent=[0] * len(scenario.senders),
            faults=scenario.faults,
            kept=dict(stage.kept),
        )
        self._installed = installed(stage.world)

    def __enter__(self) -> Run:
        self._installed.__enter__()
        return self._run

    def __exit__(self, *raised: object) -> None:
        for process in self._run.processes.values():
            if not process.is_done:
                process.kill()
        self._installed.__exit__(None, None, None)


def _take(run: Run, turn: int, trace: list[str]) -> None:
    for number, (words, do) in enumerate(run.steps()):
        if number == turn:
            trace.append(words)
            do()
            return
    raise AssertionError("the scenario is not the same again")
