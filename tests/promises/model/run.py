"""One execution of a scenario, and the steps that may be taken next.

A step is one AWS call of one request, a request sent, an answer that arrives, a tick of the clock, or a late write
that lands.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from valet.aws.dynamodb.table import Item

from tests.promises.model.acts import SESSION_COOKIE, Act, cookies_set
from tests.promises.model.alike import alike
from tests.promises.model.facts import Facts
from tests.promises.model.ledger import Ledger
from tests.promises.model.operators import WAIT
from tests.promises.model.processes import Answer, Fate, Process
from tests.promises.model.stage import Stage
from tests.promises.model.world import State, World
from tests.support.memory_table import Call, Key

# What happens, to whom (a request, or the number of a sender or of a late write), and what it is sent or meets.
Step = tuple[str, Any, Any]
_SEEN = ("sub", "session", WAIT)  # and what is of a grant, and proofs


@dataclass(frozen=True)
class Sender:
    """Who may send how many requests; `act` makes one, or None while there is nothing to send."""

    name: str
    count: int
    act: Callable[["Run"], Act | None]
    is_stale: bool = False  # its sandbox goes by old records of clients, until an operator has waited for it
    is_function: bool = True  # not an operator


@dataclass(frozen=True)
class Scenario:
    name: str
    what: str
    stage: Callable[[], Stage]
    senders: tuple[Sender, ...]
    faults: int = 0
    fates: tuple[Fate, ...] = tuple(fate for fate in Fate if fate not in (Fate.RUN, Fate.FAILED))
    is_answer_lost: bool = True  # losing an answer is one of the faults
    ticks: tuple[float, ...] = ()
    seen: tuple[str, ...] = ()  # kinds of items that matter here, in addition to those that always do
    is_ttl_prompt: bool = False  # DynamoDB deletes what has expired with the tick, not some day
    has_aftermath: bool = True  # what stands when nothing is under way any more is looked at as well
    is_warm: bool = True  # the sandboxes hold blocks of status indices
    after: "Callable[[Run], None] | None" = None  # what is looked at when nothing is under way any more


@dataclass
class Run:
    """One execution of a scenario, from its start to wherever the walk has led."""

    scenario: Scenario
    world: World
    ledger: Ledger
    stage: Stage
    held: str  # the refresh token that the client keeps
    stolen: tuple[str, ...]  # what the thief keeps, oldest first
    processes: dict[tuple[int, int], Process] = field(default_factory=dict)
    undelivered: list[tuple[int, int]] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    faults: int = 0
    ticks: int = 0
    is_signed_out: bool = False
    # What end-users and thieves keep: session, code, refresh.
    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    waited_for: dict[tuple[int, int], frozenset[tuple[int, int]]] = field(default_factory=dict)  # by operators
    paused: State | None = None  # of the world, while other runs go on

    def steps(self) -> list[Step]:
        """What may happen next."""
        found: list[Step] = []
        for which, sender in enumerate(self.scenario.senders):
            if self.sent[which] < sender.count and not self.is_signed_out:
                act = sender.act(self)
                if act is not None:
                    found.append(("send", which, act))
        for key, process in self.processes.items():
            if process.waiting is not None and not (process.waiting.operation == WAIT and self._must_wait(key)):
                found.append(("resume", key, Fate.RUN))
                if self.faults:
                    found += [("resume", key, fate) for fate in self.scenario.fates if _may_meet(process.waiting, fate)]
        for key in self.undelivered:
            found.append(("arrive", key, None))
            if self.faults and self.scenario.is_answer_lost:
                found.append(("lose", key, None))
        if self.ticks < len(self.scenario.ticks):
            found.append(("tick", None, self.scenario.ticks[self.ticks]))
        found += [("land", which, None) for which in range(len(self.world.pending))]
        return found

    def take(self, step: Step) -> None:
        what, whose, how = step
        if what == "send":
            self._send(whose, how)
        elif what == "resume":
            self._resume(whose, how)
        elif what == "arrive":
            self._arrive(whose)
        elif what == "lose":
            self._lose(whose)
        elif what == "tick":
            self._tick()
        else:
            self.world.land(whose)

    def words(self, step: Step) -> str:
        """The step that may be taken, for a trace."""
        what, whose, how = step
        if what == "send":
            return str(how)
        if what == "resume":
            call = self.processes[whose].waiting
            met = "" if how is Fate.RUN else f" {how.value}"
            return f"{_name(whose)}: {_words(call)}{met}" if call else ""
        if what in ("arrive", "lose"):
            return f"{_name(whose)}: its answer {'arrives' if what == 'arrive' else 'is lost'}"
        return f"{how:g} s pass" if what == "tick" else "a late write lands"

    def another(self) -> "Run":
        """The same, to go another way from here."""
        processes = {key: process.again() for key, process in self.processes.items()}
        now = {id(process): processes[key] for key, process in self.processes.items()}
        state = self.world.state() if self.paused is None else self.paused.again()
        state = alike(state, pending=tuple((now[id(author)], call, run) for author, call, run in state.pending))
        return alike(
            self,
            ledger=self.ledger.again(),
            processes=processes,
            undelivered=list(self.undelivered),
            sent=list(self.sent),
            kept=dict(self.kept),
            waited_for=dict(self.waited_for),
            paused=state,
        )

    def go_on(self) -> None:
        """The world is as it was when this run was made, and what happens in it happens in this run."""
        assert self.paused is not None
        self.world.return_to(self.paused)
        self.paused = None
        self.world.watch, self.world.began = self.ledger.watch, self.ledger.began

    def _send(self, which: int, act: Act) -> None:
        key = (which, self.sent[which])
        self.sent[which] += 1
        process = self.world.begin(act, sandbox=10 * which + key[1], number=100 * (which + 1) + key[1])
        self.processes[key] = process
        self._run_on(key)
        if not self.scenario.ticks and process.waiting is not None and not process.waiting.is_write:
            # Where no time passes, a request that has not read anything is a request that has not been sent.
            self._resume(key, Fate.RUN)

    def _resume(self, key: tuple[int, int], fate: Fate) -> None:
        self.faults -= fate is not Fate.RUN
        waiting = self.processes[key].waiting
        if waiting is not None and waiting.operation == WAIT and self.processes[key].act.client_id:
            self.world.freshen()
        self.world.resume(self.processes[key], fate)
        self._run_on(key)

    def _must_wait(self, key: tuple[int, int]) -> bool:
        """Whether a request is under way that the operator at `key` waits for.

        The wait is as long as a function may run: what was under way when it began has ended. A client's is longer by
        the time that a function may go by an old record.
        """
        of_old = self.waited_for[key]
        is_of_client = bool(self.processes[key].act.client_id)
        return any(
            process.waiting is not None and (other in of_old or (is_of_client and process.is_stale))
            for other, process in self.processes.items()
        )

    def _run_on(self, key: tuple[int, int]) -> None:
        """Past the calls that nobody else can see, to the next that somebody can, or to the answer."""
        process = self.processes[key]
        while process.waiting is not None and not self._is_seen(process.waiting):
            self.world.resume(process, Fate.RUN)
        if process.waiting is not None and process.waiting.operation == WAIT:
            of_functions = (other for other, each in self.processes.items() if each.act.function != "operator")
            self.waited_for[key] = frozenset(
                other for other in of_functions if self.processes[other].waiting is not None
            )
        if process.is_done:
            self.ledger.answered(process)
            if process.act.actor in ("thief", "end-user"):
                self._deliver(key)
            elif process.answer is not None and process.act.actor == "client" and process.act.function == "token":
                self.undelivered.append(key)

    def _lose(self, key: tuple[int, int]) -> None:
        self.faults -= 1
        self.undelivered.remove(key)

    def _arrive(self, key: tuple[int, int]) -> None:
        self.undelivered.remove(key)
        self._deliver(key)

    def _deliver(self, key: tuple[int, int]) -> None:
        process = self.processes[key]
        answer, act = process.answer or {}, process.act
        self.deliver(act, answer)
        members = Stage.members(answer)
        token = members.get("refresh_token")
        if token is not None and act.actor == "thief":
            self.stolen = (*self.stolen, token)
        elif token is not None and (act.token == self.held or (act.kind == "code" and not self.held)):
            self.held = token
        elif members.get("error") == "invalid_grant" and act.kind == "refresh" and act.token == self.held:
            self.is_signed_out = self.is_signed_out or act.actor == "client"

    def deliver(self, act: Act, answer: Answer) -> None:
        """What an end-user, or a thief who passes for one, has from now on."""
        query = parse_qs(urlsplit(answer.get("headers", {}).get("Location", "")).query)
        session = cookies_set(answer).get(SESSION_COOKIE)
        if session is not None and act.actor != "client":
            self.kept[act.actor, "session"] = session
        if act.kind in ("login", "join"):
            self.kept |= {(act.actor, "proof"): query["by"][0]} if "by" in query else {}
        elif act.kind == "second":
            self.kept |= {(act.actor, "second"): query["by"][0]} if "by" in query else {}
        elif act.kind == "authorize" and act.actor != "client":
            self.kept |= {(act.actor, "code"): query["code"][0]} if "code" in query else {}
        elif act.function == "token" and act.actor != "client":
            token = Stage.members(answer).get("refresh_token")
            self.kept |= {(act.actor, "refresh"): token} if token else {}

    def _tick(self) -> None:
        self.world.now += self.scenario.ticks[self.ticks]
        if self.scenario.is_ttl_prompt:
            self.world.grants.expire(self.world.now)
        self.ticks += 1

    def is_busy_with_another(self) -> bool:
        """Whether the client has a refresh under way with another token than the one that it holds now."""
        return any(
            not process.is_done and process.act.kind == "refresh" and process.act.token != self.held
            for process in self.processes.values()
            if process.act.actor == "client"
        )

    def _is_seen(self, call: Call) -> bool:
        return _is_seen_in(self.scenario.seen, (call.pk, call.sk))

    def state(self) -> int:
        """A digest of all that matters to what may come."""
        processes = tuple(
            (
                key,
                process.act.token,
                process.act.session,
                process.waiting,
                process.waiting_since,
                process.started_at,
                process.is_stale,
                process.is_of_used,
                process.is_device_answered,
                process.after,
                process.after_commit,
                process.replaced,
                process.over,
                process.proof,
                process.linked,
                process.dead_before,
                process.observed,
            )
            for key, process in self.processes.items()
            if process.waiting is not None
        )
        tables = (self.world.grants, self.world.users, self.world.clients)
        seen = self.scenario.seen
        items = [
            _item_digest(key, item)
            for table in tables
            for key, item in table.items.items()
            if key[1] == "open" or _is_seen_in(seen, key)
        ]
        pending = (
            Counter((process.number, call) for process, call, _ in self.world.pending) if self.world.pending else {}
        )
        budgets = (tuple(self.sent), self.faults, self.ticks, self.is_signed_out)
        # The order in which requests were sent and items written is no part of it.
        return hash(
            (
                frozenset(items),
                frozenset(processes),
                frozenset((key, self.processes[key].act.token) for key in self.undelivered),
                frozenset(pending.items()),
                budgets,
                self.held,
                self.stolen,
                frozenset(self.kept.items()),
                frozenset((key, of) for key, of in self.waited_for.items() if self.processes[key].waiting is not None),
                _ledger_digest(self.ledger),
            )
        )


def _may_meet(call: Call, fate: Fate) -> bool:
    return fate is Fate.KILLED or (call.is_write and not call.is_again)


@cache
def _is_seen_in(seen: tuple[str, ...], key: Key) -> bool:
    call = Call("get", *key, False)
    return call.kind in _SEEN or call.kind in seen or call.is_of_grant or call.kind.startswith("proof-")


def _name(key: tuple[int, int]) -> str:
    return f"#{key[0]}.{key[1]}"


def _words(call: Call) -> str:
    return f"{call.operation} {call.kind}{' again' if call.is_again else ''}"


_digests: dict[int, tuple[Item, int]] = {}


def _item_digest(key: Key, item: Item) -> int:
    """Items are replaced, never changed: each is looked at once."""
    found = _digests.get(id(item))
    if found is None or found[0] is not item:
        if len(_digests) > 200_000:
            _digests.clear()
        found = _digests[id(item)] = (item, hash((key, repr(sorted(item.items())))))
    return found[1]


def _ledger_digest(ledger: Ledger) -> int:
    facts = frozenset(map(_facts_digest, ledger.grants.values()))
    granted = frozenset(ledger.granted.items())
    proofs = (frozenset(ledger.spent.items()), frozenset(ledger.answers.items()), frozenset(ledger.wrote))
    ended = (
        frozenset(ledger.continued),
        frozenset(ledger.ended_sessions),
        frozenset(ledger.ranges),
        ledger.endings.digest(),
    )
    people = (ledger.signing_in.digest(), ledger.second.digest(), ledger.owning.digest(), ledger.devices.digest())
    return hash((facts, granted, proofs, ended, people))


def _facts_digest(facts: Facts) -> int:
    return hash(
        (
            facts.redeemed_at,
            facts.rotated_at,
            tuple(facts.chain),
            tuple(facts.live),
            facts.is_revoked,
            facts.is_revocation_answered,
            facts.is_code_answered,
            facts.after_commit,
            frozenset(facts.code_answers),
            frozenset(facts.successors.items()),
            frozenset(facts.answered),
        )
    )
