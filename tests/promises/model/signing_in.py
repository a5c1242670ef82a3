"""Who proved what in which browser, what it opened, and who signed out: a sign-in as people see it.

No item's time and no counter is asked here, only what came to its end before what began. Other kinds of proofs are the
same to it: a request that leaves one, and a request that comes back by it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from valet.aws.dynamodb.table import Item
from valet.handles import digest

from tests.promises.model.acts import Act
from tests.promises.model.alike import alike
from tests.promises.model.endings import Endings
from tests.promises.model.processes import Process

FRESH = 60  # seconds in which the way back from signing in has to be gone


@dataclass(frozen=True)
class Proven:
    """A proof that was left, and what the one request knew that left it."""

    kind: str
    sub: str
    password: str  # that was typed
    browser: str
    handle: str
    number: int  # the request's
    over: frozenset[int]  # what had come to its end when that began
    after_commit: frozenset[int]  # the commands whose write had taken effect then
    replaced: frozenset[tuple[str, int]]
    asked_at: float
    left_at: float
    left_after: frozenset[int]  # the commands whose write had taken effect when it was left
    expires_at: int
    is_new: bool = True  # nothing has spent it
    mail: str = ""  # that was used for it
    means: str = ""  # what the account calls the identity at another provider, if it is by one


@dataclass
class SigningIn:
    endings: Endings
    violated: Callable[[str], None]
    proofs: dict[str, Proven] = field(default_factory=dict)
    standing: dict[str, str] = field(default_factory=dict)  # the proof in each place
    opening: dict[int, str] = field(default_factory=dict)  # the session that a request has written
    opened_by: dict[str, tuple[str, int]] = field(default_factory=dict)  # sessions, by proof and request
    given: dict[str, str] = field(default_factory=dict)  # proofs, by the session whose cookie was answered
    people: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # each session's sub, sid and epoch
    over: frozenset[int] = frozenset()  # logins and sign-outs that have come to their end
    # Logins that were answered with the way back: browser, request and mail, and what was over before.
    proved: dict[int, tuple[tuple[str, str, str], frozenset[int]]] = field(default_factory=dict)
    # The browser of each, the request that had signed in there, and those that were over before that.
    sign_outs: dict[int, tuple[str, frozenset[int]]] = field(default_factory=dict)

    def again(self, endings: Endings, violated: Callable[[str], None]) -> "SigningIn":
        return alike(
            self,
            endings=endings,
            violated=violated,
            proofs=dict(self.proofs),
            standing=dict(self.standing),
            opening=dict(self.opening),
            opened_by=dict(self.opened_by),
            given=dict(self.given),
            people=dict(self.people),
            proved=dict(self.proved),
            sign_outs=dict(self.sign_outs),
        )

    def digest(self) -> int:
        facts = (self.proofs, self.standing, self.opening, self.opened_by, self.given, self.people)
        ended = (self.proved, self.sign_outs)
        return hash((*(frozenset(each.items()) for each in (*facts, *ended)), self.over))

    # What happens.

    def began(self, process: Process) -> None:
        process.over = self.over
        process.proof = next((proof for proof in self.standing.values() if self._is_of(proof, process.act)), "")

    def _is_of(self, proof: str, act: Act) -> bool:
        proven = self.proofs[proof]
        return proven.is_new and act.by == proven.kind and (proven.browser, proven.handle) == (act.browser, act.token)

    def ended(self, process: Process, status: int) -> None:
        """The request has come to its end: answered with that status, or killed."""
        act = process.act
        if act.kind in ("login", "join"):
            self.over |= {process.number}
            if status == 303 and "&by=" in (process.answer or {})["headers"]["Location"]:
                self.proved[process.number] = ((act.browser, act.token, act.mail), process.over)
        elif act.kind == "logout" and act.browser and 0 < status < 500:
            self.over |= {process.number}
            opener = self.proofs.get(self.opened_by.get(session_of(act), ("", 0))[0])
            if opener is not None:
                self.sign_outs[process.number] = (act.browser, opener.over | {opener.number})

    def proof_written(self, author: Process, pk: str, old: Item | None, new: Item, now: float) -> None:
        proof, standing = new["proof_id"], self.standing.get(pk, "")
        is_new = "spent_by" not in new
        if proof == standing and not self.proofs[proof].is_new and is_new:
            self.violated("a spent proof becomes new")
        if proof != standing:
            if standing and author.number in self.proofs[standing].over:
                self.violated("an older sign-in takes the place of a newer one")
            if standing and pk.startswith("proof-joined#"):
                self.violated("another takes the place of the one who has joined here")
            act = author.act
            self.standing[pk] = proof
            self.proofs[proof] = Proven(
                pk.partition("#")[0].removeprefix("proof-"),
                new["sub"],
                act.password,
                act.browser,
                act.token,
                author.number,
                author.over,
                author.after_commit,
                author.replaced,
                author.started_at,
                now,
                self.endings.all_committed,
                new["expires_at"],
                mail=act.mail,
            )
        elif not is_new and "spent_by" not in (old or {}):
            self._spent(author, proof)
        elif not is_new and new["spent_by"] != (old or {})["spent_by"]:
            self.violated("one proof, spent twice")

    def _spent(self, author: Process, proof: str) -> None:
        proven = self.proofs[proof]
        self.proofs[proof] = replace(proven, is_new=False)
        session = self.opening.get(author.number)
        if session is not None:
            self.opened_by[session] = (proof, author.number)
            self.endings.opened_by(session, proven.sub, proven.password, proven.after_commit)

    def session_written(self, author: Process | None, session: str, new: Item, waits: tuple[str, ...]) -> None:
        """`waits` are the other sessions of the browser that the request comes from."""
        if session in self.people:
            return
        person = (new["sub"], new["sid"], new.get("epoch", 0))
        if author is not None:
            self.opening[author.number] = session
            self._continues((session_of(author.act), *waits), person)
        self.people[session] = person

    def session_expired(self, session: str) -> None:
        """DynamoDB has deleted it: nothing goes on from there, and its sid was still there before."""
        self.people[session] = ("", self.people[session][1], 0)

    def _continues(self, sessions: tuple[str, ...], person: tuple[str, str, int]) -> None:
        """The public `sid` goes on if the browser was the same person's, and is new otherwise."""
        known = [self.people[each] for each in sessions if each in self.people]
        former = next((each for each in known if (each[0], each[2]) == (person[0], person[2])), None)
        goes_on = former is not None
        if former is not None and former[1] != person[1]:
            self.violated("the same person again, and another sid")
        if not goes_on and person[1] in {sid for _, sid, _ in self.people.values()}:
            self.violated("a new sign-in has a sid that was there before")

    def used(self, process: Process) -> str:
        """The session that a request goes on by: the one that it has opened, or its browser's."""
        return self.opening.get(process.number, "") or session_of(process.act)

    # Answers.

    def cookie_answered(self, process: Process, session: str) -> None:
        proof, number = self.opened_by.get(session, ("", 0))
        if number != process.number or self.given.setdefault(proof, session) != session:
            self.violated("a session is answered without a proof of its own")
            return
        proven, act = self.proofs[proof], process.act
        if self.people[session][0] != proven.sub:
            self.violated("a session of another than the one who proved it")
        if (proven.browser, proven.handle) != (act.browser, act.token):
            self.violated("a proof of another browser or request opens a session")
        if process.started_at - proven.left_at > FRESH:
            self.violated("a proof opens a session long after it was left")
        self._stands(proven, process)
        self._is_of_the_last(proven, process.over)

    def _stands(self, proven: Proven, process: Process) -> None:
        """The account was as the proof found it, at some moment since the request began."""
        if self.endings.ended_between(proven.sub, proven.left_after, process.after_commit):
            self.violated("a proof of an epoch that is over opens a session")
        passwords = self.endings.passwords_since(proven.sub, process.replaced)
        if proven.means and proven.means not in process.linked:
            self.violated("an identity that was taken off the account opens a session")
        if proven.kind in ("password", "joined") and proven.password not in passwords:
            self.violated("a password that is not in force opens a session")

    def _is_of_the_last(self, proven: Proven, over: frozenset[int]) -> None:
        """Nobody proved after it at that page, or signed out of what it, or one before it, had opened."""
        for number in over & self.proved.keys():
            place, before = self.proved[number]
            is_click = bool(proven.mail) and place[2] == proven.mail  # another one on the same form
            if place[:2] == (proven.browser, proven.handle) and proven.number in before and not is_click:
                self.violated("signed in as the one who proved before")
        for number in over & self.sign_outs.keys():
            browser, before = self.sign_outs[number]
            if browser == proven.browser and proven.number in before:
                self.violated("signed out, and signed in again by going back")

    def no_cookie_answered(self, process: Process, now: float) -> None:
        """Nothing speaks against the proof that stood when the request began: it has to open a session."""
        proven = self.proofs.get(process.proof)
        if proven is None or proven.means or not proven.is_new or process.proof not in self.standing.values():
            return
        is_fresh = now < proven.expires_at and now - proven.asked_at < FRESH
        is_in_force = self.endings.passwords_since(proven.sub, proven.replaced) == (proven.password,)
        if is_fresh and is_in_force and not self.endings.may_end_since(proven.sub, proven.after_commit):
            self.violated("locked out: the right password opens no session")


def session_of(act: Act) -> str:
    """The digest of the cookie that the browser brings, in hex."""
    return digest(act.session).hex() if act.session else ""
