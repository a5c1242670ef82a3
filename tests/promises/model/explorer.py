"""Every interleaving of a few requests, through the real handlers: a walk over all states that a scenario can reach.

A state that was met is not entered twice. Where more than one step may be taken, the run and the world are kept as they
are there, once for each step. There is no going back in a running handler; what it did before is in the script.
"""

import time
from dataclasses import dataclass

from tests.promises.model.aftermath import see_what_stands
from tests.promises.model.ledger import Violation
from tests.promises.model.processes import Fate
from tests.promises.model.run import Run, Scenario, Step
from tests.promises.model.stage import Stage
from tests.promises.model.world import installed

Trace = tuple["Trace", str] | None  # the steps so far, the last one first


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
    steps = runs = 0
    start = _start(scenario)
    world = start.world
    # Where other ways are left to be taken: the run as it stood there, the step, and the steps so far.
    todo: list[tuple[Run, Step | None, Trace]] = [(_run(scenario, start), None, None)]
    violation, trace = "", None
    with installed(world), world.scripted():
        try:
            while todo and len(seen) < limit:
                run, step, trace = todo.pop()
                runs += 1
                is_last = not todo or todo[-1][0] is not run
                run = run if is_last else run.another()
                run.go_on()
                while True:
                    if step is not None:
                        steps += 1
                        trace = (trace, run.words(step))
                        run.take(step)
                        run.ledger.check()
                    state = run.state()
                    if state in seen:
                        break
                    seen.add(state)
                    step, *others = run.steps() or (None,)
                    if step is None:
                        stage_is_over(run)
                        break
                    if others:
                        here = run.another()
                        todo += [(here, other, trace) for other in others]
        except Violation as found:
            violation = str(found)
    spent = time.perf_counter() - began
    return Explored(scenario.name, len(seen), steps, runs, spent, violation, _listed(trace) if violation else ())


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
    if run.scenario.after is not None:
        run.scenario.after(run)
        return
    if run.stage.handles:
        if run.scenario.has_aftermath:
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


def _run(scenario: Scenario, start: Stage) -> Run:
    """A run at its start."""
    for which, sender in enumerate(scenario.senders):
        for number in range(sender.count) if sender.is_stale else ():
            start.world.go_stale(10 * which + number)
    return Run(
        scenario,
        start.world,
        start.ledger,
        start,
        start.refresh_token,
        (start.refresh_token,) if start.refresh_token else (),
        sent=[0] * len(scenario.senders),
        faults=scenario.faults,
        kept=dict(start.kept),
    ).another()


def _listed(trace: Trace) -> tuple[str, ...]:
    words = []
    while trace is not None:
        trace, last = trace
        words.append(last)
    return tuple(reversed(words))
