"""What operators ended, and who may therefore be refused, or must be: no counter and no clock is asked here.

A command is one that was begun, whose one write took effect or not, and that was answered or not. Who was signed in
before it began has to be shut out once it is answered; who signed in after its write must not be. In between, both are
right.
"""

from dataclasses import dataclass, field, replace

from valet.handles import digest

from tests.promises.model.alike import alike
from tests.promises.model.facts import Facts
from tests.promises.model.processes import Process


@dataclass(frozen=True)
class Command:
    """One command of an operator's."""

    kind: str
    sub: str
    client_id: str
    password: str  # the new one
    revokes: bool
    held: frozenset[str]  # the sessions, or of a client the grants, that were answered before it began
    is_committed: bool = False
    is_answered: bool = False
    replaced: int | None = None  # how many passwords had been replaced when it came to its end, answered or killed


@dataclass(frozen=True)
class SignIn:
    """A session, by the password that opened it."""

    sub: str
    password: str
    after_commit: frozenset[int] = frozenset()  # the commands whose write had taken effect when it was asked for
    is_answered: bool = True


@dataclass
class Endings:
    commands: dict[int, Command] = field(default_factory=dict)
    sign_ins: dict[str, SignIn] = field(default_factory=dict)  # by the digest of the cookie, in hex
    in_force: dict[str, str] = field(default_factory=dict)  # each end-user's password
    former: dict[str, tuple[str, ...]] = field(default_factory=dict)  # ... and those before it
    allowed: dict[tuple[str, str], str] = field(default_factory=dict)  # consents that are remembered: by which session

    def again(self) -> "Endings":
        return alike(
            self,
            commands=dict(self.commands),
            sign_ins=dict(self.sign_ins),
            in_force=dict(self.in_force),
            former=dict(self.former),
            allowed=dict(self.allowed),
        )

    def began(self, process: Process, grants: dict[str, Facts]) -> None:
        act = process.act
        process.after = frozenset(number for number, each in self.commands.items() if each.is_answered)
        process.after_commit = self.all_committed
        process.replaced = frozenset((sub, len(former)) for sub, former in self.former.items())
        if not act.is_command:
            return
        held = frozenset(name for name, each in self.sign_ins.items() if each.is_answered)
        if act.client_id:
            held = frozenset(facts.grant_id for facts in grants.values() if facts.client_id == act.client_id)
        sub = sub_of(act.username) if act.username else ""
        self.commands[process.number] = Command(act.kind, sub, act.client_id, act.password, act.revokes, held)

    def committed(self, author: Process) -> bool:
        """The command's one write took effect. False if it brought back what a later one had replaced."""
        command = replace(self.commands[author.number], is_committed=True)
        self.commands[author.number] = command
        is_late = bool(command.password) and command.replaced not in (None, len(self.former.get(command.sub, ())))
        if command.password:
            self.former[command.sub] = (*self.former.get(command.sub, ()), self.in_force.get(command.sub, ""))
            self.in_force[command.sub] = command.password
        return not is_late

    def passwords_since(self, sub: str, replaced: frozenset[tuple[str, int]]) -> tuple[str, ...]:
        """Those of the end-user that were in force at some moment since so many had been replaced."""
        return (*self.former.get(sub, ())[dict(replaced).get(sub, 0) :], self.in_force.get(sub, ""))

    def opened(self, author: Process | None, session: str, sub: str) -> None:
        """A session was written; a scenario's own was there from the start, by the first password."""
        if author is None:
            self.sign_ins[session] = SignIn(sub, self.in_force.get(sub, ""))
        elif session not in self.sign_ins:
            self.sign_ins[session] = SignIn(sub, "", author.after_commit, is_answered=False)

    def opened_by(self, session: str, sub: str, password: str, after_commit: frozenset[int]) -> None:
        """It has spent a proof: it is by that password, and was asked for when that was left."""
        self.sign_ins[session] = SignIn(sub, password, after_commit, is_answered=False)

    def signed_in(self, cookie: str) -> None:
        """The cookie was answered."""
        session = digest(cookie).hex()
        if session in self.sign_ins:
            self.sign_ins[session] = replace(self.sign_ins[session], is_answered=True)

    def remembered(self, author: Process | None, key: tuple[str, str], *, is_there: bool) -> None:
        """What somebody allowed a client is remembered, or was forgotten."""
        self.allowed.pop(key, None)
        if is_there and author is not None:
            self.allowed[key] = digest(author.act.session).hex()

    def ended(self, number: int, *, is_answered: bool) -> None:
        """The command is over: killed, failed, or answered as done."""
        command = self.commands[number]
        replaced = len(self.former.get(command.sub, ()))
        self.commands[number] = replace(command, is_answered=is_answered, replaced=replaced)

    # What follows from it.

    def must_end(self, facts: Facts, which: frozenset[int]) -> bool:
        """Whether one of these commands, which are answered, has ended the grant for everybody who comes after."""
        if self.must_end_session(facts.session, which):
            return True
        commands = (self.commands[number] for number in which)
        return any(each.client_id == facts.client_id and facts.grant_id in each.held for each in commands)

    def must_end_session(self, session: str, which: frozenset[int]) -> bool:
        sign_in = self.sign_ins.get(session)
        if sign_in is None:
            return False
        commands = (self.commands[number] for number in which)
        return any(
            each.revokes
            and each.sub == sign_in.sub
            and (session in each.held or (each.password and self._is_before(sign_in.password, each)))
            for each in commands
        )

    def _is_before(self, password: str, command: Command) -> bool:
        """Whether the command, or one before it, replaced that password."""
        former = self.former.get(command.sub, ())
        upto = former[: former.index(command.password)] if command.password in former else former
        return password in upto

    def may_end(self, facts: Facts) -> bool:
        """Whether somebody may be refused by this grant: a command's write took effect after it began to be."""
        if self.may_end_session(facts.session):
            return True
        return any(
            each.is_committed
            and each.client_id == facts.client_id
            and (number not in facts.after_commit or facts.is_of_stale_client)
            for number, each in self.commands.items()
        )

    def may_end_session(self, session: str) -> bool:
        sign_in = self.sign_ins.get(session)
        return sign_in is not None and self.may_end_since(sign_in.sub, sign_in.after_commit)

    def may_end_since(self, sub: str, after_commit: frozenset[int]) -> bool:
        """Whether a command has ended what was the end-user's after those commands."""
        return self.is_disabled(sub) or self.ended_between(sub, after_commit, self.all_committed)

    def ended_between(self, sub: str, before: frozenset[int], after: frozenset[int]) -> bool:
        """Whether one of the commands `after`, and not `before`, ends what is the end-user's."""
        return any(self.commands[number].revokes and self.commands[number].sub == sub for number in after - before)

    def is_disabled(self, sub: str) -> bool:
        return any(each.is_committed and (each.kind, each.sub) == ("disable", sub) for each in self.commands.values())

    @property
    def all_committed(self) -> frozenset[int]:
        return frozenset(number for number, each in self.commands.items() if each.is_committed)

    @property
    def all_answered(self) -> frozenset[int]:
        return frozenset(number for number, each in self.commands.items() if each.is_answered)

    def digest(self) -> int:
        return hash(
            tuple(frozenset(each.items()) for each in (self.commands, self.sign_ins, self.former, self.allowed))
        )


def sub_of(username: str) -> str:
    return f"sub-{username}"
