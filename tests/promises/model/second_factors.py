"""Second factors as people see them: which code was typed where, for which session, and what it opened.

A second factor makes a session of a higher level of the one session that it was given for, in the browser and for the
request that it was given in, while it is in force. What a password alone has opened is half way: it is given no code,
and ends nothing of anybody else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from valet.aws.dynamodb.table import Item
from valet.protocol.supported import MULTI_FACTOR_ACR

from tests.promises.model.processes import Process
from tests.promises.model.signing_in import session_of
from tests.support.memory_table import Call


@dataclass(frozen=True)
class Given:
    """A second factor that was accepted, and what the one request knew that left its proof."""

    session: str  # the digest of the cookie that the request brought
    sub: str
    browser: str
    handle: str
    totp_id: str


@dataclass(frozen=True)
class Opened:
    """A session as it was written."""

    sub: str
    acr: str
    instead_of: str
    remembered: str


@dataclass
class SecondFactors:
    violated: Callable[[str], None]
    in_force: dict[str, tuple[str, ...]] = field(default_factory=dict)  # each end-user's, the last one last
    since: dict[int, int] = field(default_factory=dict)  # how many there had been when a request began, for John
    given: frozenset[Given] = frozenset()
    accepted: dict[tuple[str, int], int] = field(default_factory=dict)  # steps of an app, by the request
    opened: dict[str, Opened] = field(default_factory=dict)
    is_required: bool = False  # the client wants two factors

    def again(self, violated: Callable[[str], None]) -> "SecondFactors":
        return replace(
            self,
            violated=violated,
            in_force=dict(self.in_force),
            since=dict(self.since),
            accepted=dict(self.accepted),
            opened=dict(self.opened),
        )

    def digest(self) -> int:
        facts = (self.in_force, self.accepted, self.opened, self.since)
        return hash((*(frozenset(each.items()) for each in facts), self.given))

    def began(self, process: Process) -> None:
        if self.in_force:
            self.since[process.number] = len(self.in_force.get("sub-john", ()))

    # Writes that took effect.

    def written(self, author: Process | None, call: Call, old: Item | None, new: Item) -> None:
        if call.kind == "account":
            self._account_written(new)
        elif author is not None:
            self._factor_written(author, call.sk, old, new)

    def _account_written(self, new: Item) -> None:
        totp_id, former = new.get("totp_id", ""), self.in_force.get(new["sub"], ())
        if totp_id and former[-1:] != (totp_id,):
            self.in_force[new["sub"]] = (*former, totp_id)

    def _factor_written(self, author: Process, key: str, old: Item | None, new: Item) -> None:
        if old is None or old.get("attempt") == new.get("attempt"):
            return
        if new["last_step"] <= old["last_step"]:
            self.violated("a code is accepted that was used before")
        self.accepted[key, new["last_step"]] = author.number

    def proof_written(self, author: Process, new: Item) -> None:
        act = author.act
        if act.kind == "second":
            self.given |= {Given(session_of(act), new["sub"], act.browser, act.token, new["means"])}

    def session_written(self, session: str, new: Item) -> None:
        instead_of = new.get("instead_of", b"").hex()
        self.opened.setdefault(session, Opened(new["sub"], new["acr"], instead_of, new.get("remembered", "")))

    # Answers.

    def cookie_answered(self, process: Process, session: str, over: set[str]) -> None:
        made, act = self.opened[session], process.act
        former = (session_of(act), *self.waits(session_of(act)))
        others = {each for each in former if each in self.opened and self.opened[each].sub != made.sub}
        if self.is_half_way(session) and others & over:
            self.violated("a password alone signs somebody else out")
        if made.acr != MULTI_FACTOR_ACR:
            return
        own = [
            each for each in self.given if (each.sub, each.browser, each.handle) == (made.sub, act.browser, act.token)
        ]
        own = [each for each in own if each.session == session_of(act)]
        if not own:
            self.violated("a second factor of another session opens one")
        meanwhile = self.in_force[made.sub][max(self.since[process.number] - 1, 0) :]
        if own and not any(each.totp_id in meanwhile for each in own):
            self.violated("a second factor that is not in force opens a session")

    def waits(self, session: str) -> tuple[str, ...]:
        """The sessions of other end-users that were to end once this one stands: of the browser that asks by it."""
        found: list[str] = []
        while session in self.opened and (session := self.opened[session].instead_of):
            found.append(session)
        return tuple(found)

    def is_half_way(self, session: str) -> bool:
        made = self.opened.get(session)
        if made is None or made.acr == MULTI_FACTOR_ACR or made.sub not in self.in_force:
            return False
        return self.is_required or made.remembered != self.in_force[made.sub][-1]

    def code_answered(self, session: str) -> None:
        if self.is_half_way(session):
            self.violated("half way, and given a code")
