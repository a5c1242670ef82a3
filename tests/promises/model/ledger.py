"""What really happened, and what OAuth allows to happen: the small model against which the handlers are checked.

The ledger hears of every write that takes effect, even if its answer is lost, and of every answer. It keeps what a
client, a thief and an authorization server could agree on: which code, which chain of refresh tokens, which access
tokens, revoked or not. A transition that the protocol forbids, and a state that breaks a promise, are violations.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from valet.aws.dynamodb.grants import unpacked
from valet.aws.dynamodb.table import Item
from valet.handles import digest, parse_code, parse_refresh_token
from valet.models.grants import LiveToken
from valet.tokens.reference import parse_reference
from valet.tokens.status_index import BLOCK

from tests.promises.model.acts import ISSUER, SESSION_COOKIE, Act, cookies_set
from tests.promises.model.alike import alike
from tests.promises.model.devices import Devices
from tests.promises.model.endings import Endings, sub_of
from tests.promises.model.facts import Facts, Rules, claims_of, live_token, part_of, picks_an_api
from tests.promises.model.owning import Owning
from tests.promises.model.processes import Answer, Process
from tests.promises.model.second_factors import SecondFactors
from tests.promises.model.signing_in import SigningIn, session_of
from tests.support.memory_table import Call

RESUBMITTED = 10  # seconds in which a code's second use is a double submit
_FIXED = (
    *("client_id", "sub", "sid", "scope", "aud", "resources"),
    *("code_digest", "code_challenge", "redirect_uri", "issued_at_ms"),
)


class Violation(AssertionError):
    """A promise is broken; the first words name which."""


@dataclass
class Ledger:
    rules: Rules
    grants: dict[str, Facts] = field(default_factory=dict)
    # Saved requests by their handles, pushed ones and their copies by their request_uri: the grant of each.
    granted: dict[str, str] = field(default_factory=dict)
    bits: set[tuple[str, int]] = field(default_factory=set)  # that lists show
    exact_bits: set[tuple[str, int]] = field(default_factory=set)  # and that an exact read finds, which come first
    ranges: set[tuple[str, int, int]] = field(default_factory=set)  # list, start and length of blocks
    sessions: dict[str, str] = field(default_factory=dict)  # the digest of each cookie, in hex: its sid
    session_ends: dict[str, int] = field(default_factory=dict)  # of the same, by itself
    over_sessions: set[str] = field(default_factory=set)  # cookies' digests whose session has ended
    continued: set[str] = field(default_factory=set)  # ... because the browser goes on by another one
    ended_sessions: set[str] = field(default_factory=set)  # and whose logout was answered
    disabled: set[str] = field(default_factory=set)  # accounts
    not_before_ms: dict[str, int] = field(default_factory=dict)  # of clients: a time that an operator named
    endings: Endings = field(default_factory=Endings)
    spent: dict[str, int] = field(default_factory=dict)  # proofs, by the process that spent each
    references: dict[str, tuple[bytes, Mapping[str, Any]]] = field(default_factory=dict)  # by id: digest and claims
    answers: dict[str, int] = field(default_factory=dict)  # ... and by the process that was answered tokens for it
    wrote: set[int] = field(default_factory=set)  # processes that spent, or changed a grant
    violations: list[str] = field(default_factory=list)
    clock: Callable[[], float] = lambda: 0.0
    signing_in: SigningIn = field(init=False)
    owning: Owning = field(init=False)
    second: SecondFactors = field(init=False)
    devices: Devices = field(init=False)

    def __post_init__(self) -> None:
        self.signing_in = SigningIn(self.endings, self.violated)
        self.owning = Owning(self.endings, self.violated)
        self.second = SecondFactors(self.violated)
        self.devices = Devices(self.violated)

    @property
    def now(self) -> float:
        return self.clock()

    def again(self) -> "Ledger":
        """The same, for another way on."""
        made = alike(
            self,
            grants={grant_id: facts.again() for grant_id, facts in self.grants.items()},
            granted=dict(self.granted),
            bits=set(self.bits),
            exact_bits=set(self.exact_bits),
            ranges=set(self.ranges),
            sessions=dict(self.sessions),
            session_ends=dict(self.session_ends),
            over_sessions=set(self.over_sessions),
            continued=set(self.continued),
            ended_sessions=set(self.ended_sessions),
            endings=self.endings.again(),
            spent=dict(self.spent),
            references=dict(self.references),
            answers=dict(self.answers),
            wrote=set(self.wrote),
            violations=[],
        )
        made.signing_in = self.signing_in.again(made.endings, made.violated)
        made.owning = self.owning.again(made.endings, made.violated)
        made.second = self.second.again(made.violated)
        made.devices = self.devices.again(made.violated)
        return made

    def violated(self, words: str) -> None:
        self.violations.append(words)

    def began(self, process: Process) -> None:
        self.endings.began(process, self.grants)
        self.signing_in.began(process)
        process.linked = self.owning.linked
        self.second.began(process)
        self.devices.began(process)
        act = process.act
        process.is_of_used = bool(act.pushed) and act.token == act.pushed and act.pushed in self.granted

    def claims_of(self, token: str) -> Mapping[str, Any]:
        """An access token's claims, a JWT's or a reference's; nothing of what is no access token."""
        reference = parse_reference(token)
        if reference is None:
            return claims_of(token)
        kept, claims = self.references.get(reference.token_id, (b"", {}))
        return claims if kept == digest(reference.secret) else {}

    # Writes that took effect.

    def watch(self, author: Process | None, call: Call, old: Item | None, new: Item | None) -> None:
        name = call.pk.partition("#")[2]
        if author is not None and call.kind in ("once", "grant"):
            self.wrote.add(author.number)
        if author is not None and call.kind == "once" and old is None:
            self.spent[author.act.proof] = author.number
        if call.kind == "reference" and new is not None:
            self._reference(name, old, new)
        if call.kind == "status" and new is not None:
            self._status(author, call, old, new)
        if call.kind == "session":
            self._session(author, name, new)
        if call.kind == "grant":
            self._grant(author, name, old, new)
        if call.kind in ("account", "factor") and new is not None:
            self.second.written(author, call, old, new)
        self.devices.written(author, call, old, new)
        self._ended(author, call, old, new)

    def _reference(self, name: str, old: Item | None, new: Item) -> None:
        if old is not None:
            self.violated("a reference token was changed")
        self.references[name] = new["secret_digest"], json.loads(new["claims"])

    def _status(self, author: Process | None, call: Call, old: Item | None, new: Item) -> None:
        name = call.pk.partition("#")[2]
        if call.sk == "open":
            self._shown({(name, idx) for idx in new["indices"]})
        if call.sk == "block":
            list_id, _, block = name.partition("#")
            for place in new["indices"] - (old or {}).get("indices", frozenset()):
                self._bit(author, (list_id, int(block) * BLOCK + place))

    def _session(self, author: Process | None, name: str, new: Item | None) -> None:
        if new is None:
            self.over_sessions.add(name)
            self.signing_in.session_expired(name)
            return
        self.sessions[name] = new["sid"]
        self.session_ends[name] = min(new["idle_expires_at"], new["absolute_expires_at"])
        if "ended_at" in new and name not in self.over_sessions:
            self.over_sessions.add(name)
            self.continued |= {name} if author is not None and author.act.kind == "authorize" else set()

    def _ended(self, author: Process | None, call: Call, old: Item | None, new: Item | None) -> None:
        """What it means for what operators end."""
        name, number = call.pk.partition("#")[2], call.sk.partition("#")[2]
        if call.kind == "status" and call.sk.startswith("range#") and new is not None and old is None:
            self._range(name, int(number), new["length"])
        if call.kind == "consent":
            self.endings.remembered(author, (call.pk, call.sk), is_there=new is not None)
        if call.kind == "session" and new is not None:
            self.endings.opened(author, name, new["sub"])
            waits = self.second.waits(session_of(author.act)) if author else ()
            self.signing_in.session_written(author, name, new, waits)
            self.second.session_written(name, new)
        if call.kind.startswith("proof-") and new is not None and author is not None:
            self.signing_in.proof_written(author, call.pk, old, new, self.now)
            if call.kind == "proof-second" and old is None:
                self.second.proof_written(author, new)
        self.owning.written(author, call, old, new, self.now)
        is_commit = call.kind in ("account", "client") and author is not None and author.act.is_command
        if is_commit and author is not None and not self.endings.committed(author):
            self.violated("a late write brings an older password back into force")

    def _grant(self, author: Process | None, grant_id: str, old: Item | None, new: Item | None) -> None:
        facts = self.grants.get(grant_id)
        if new is None:
            self._disappeared(author, self.grants.pop(grant_id, None))
        elif old is None:
            self._appeared(author, grant_id, new)
        elif facts is not None:
            self._changed(author, facts, old, new)

    def _disappeared(self, author: Process | None, facts: Facts | None) -> None:
        if author is not None:
            self.violated("a grant was deleted")
        if facts is None:
            return
        matters_until = facts.absolute_expires_at if facts.redeemed_at is not None else facts.code_expires_at
        if max(matters_until, *(token.exp for token in facts.live), 0) >= self.now:
            self.violated("DynamoDB expires a grant that can still matter")

    def _appeared(self, author: Process | None, grant_id: str, new: Item) -> None:
        if "code_digest" not in new:
            return  # the tombstone of one that was never issued
        if grant_id in self.grants:
            self.violated("a grant that was gone came back")
        is_asked = author is not None and author.act.kind == "authorize"
        handle = (author.act.pushed or author.act.token) if author is not None and is_asked else ""
        if handle and self.granted.setdefault(handle, grant_id) != grant_id:
            self.violated("one authorization request, two grants")
        self.grants[grant_id] = Facts(
            grant_id,
            new["client_id"],
            new["sub"],
            new["sid"],
            frozenset(new["scope"]),
            new["code_digest"],
            new["code_expires_at"],
            new["absolute_expires_at"],
            new["issued_at_ms"],
            "offline_access" not in new["scope"],
            self.signing_in.used(author) if author else "",
            author.after_commit if author else frozenset(),
            author.is_stale if author else False,
            code_jkt=new.get("dpop_jkt", ""),
        )

    def _changed(self, author: Process | None, facts: Facts, old: Item, new: Item) -> None:
        if any(old.get(name) != new.get(name) for name in _FIXED):
            self.violated("a grant's own facts changed")
        if author is None:
            self.violated("a grant changed and nobody did it")
            return
        if old.get("redemption") != new.get("redemption"):
            self._redeemed(author, facts, new)
        elif new.get("generation", 0) != old.get("generation", 0):
            self._refreshed(author, facts, old, new)
        if "revoked_at" in new and "revoked_at" not in old:
            self._revoked(author, facts)
        elif "revoked_at" in old and old != new:
            self.violated("resurrected: a revoked grant changed")

    def _redeemed(self, author: Process, facts: Facts, new: Item) -> None:
        if facts.redeemed_at is not None:
            self.violated("one code, redeemed twice")
        if facts.is_revoked:
            self.violated("resurrected: redeemed after revocation")
        if not self.presents_code(author.act, facts):
            self.violated("a stranger changed the grant")
        if facts.code_expires_at <= int(author.started_at):
            self.violated("an expired code was redeemed")
        facts.redeemed_at, facts.redeemed_by, facts.redeemed_from = (
            author.waiting_since,
            author.number,
            author.started_at,
        )
        facts.jkt = new.get("jkt", "")
        if "family_digest" in new:
            facts.family = new["family_digest"]
            facts.chain = [new["refresh_digest"]]
            facts.idle_expires_at = min(int(author.started_at) + self.rules.idle_lifetime, facts.absolute_expires_at)
        facts.went_on(unpacked(new["live"])[-1])

    def _refreshed(self, author: Process, facts: Facts, old: Item, new: Item) -> None:
        token = parse_refresh_token(author.act.token)
        if token is None or not facts.is_genuine(token, author.act.client_id) or author.act.kind != "refresh":
            self.violated("a stranger changed the grant")
            return
        if not picks_an_api(facts.scope, author.act.resource):
            self.violated("a refresh for another API changed the grant")
        is_renewal = new["refresh_digest"] == old["refresh_digest"]
        if facts.position(token) != 0 or new["generation"] != len(facts.live) + 1:
            self.violated("fork: one refresh token, two successors")
        if facts.is_revoked:
            self.violated(f"resurrected: {'renewed' if is_renewal else 'rotated'} after revocation")
        if not self.has_key(author.act, facts.jkt):
            self.violated("a sender without the key changed the grant")
        if not is_renewal:
            facts.chain.append(new["refresh_digest"])
            facts.rotated_at, facts.rotated_by = author.waiting_since, author.number
        facts.idle_expires_at = min(int(author.started_at) + self.rules.idle_lifetime, facts.absolute_expires_at)
        newest = unpacked(new["live"])[-1]
        inherited = {token[1:] for token in unpacked(old["live"])}
        if newest[1:] in inherited & author.dead_before:
            self.violated("inherits a dead index: the access token is refused from its birth")
        facts.went_on(newest)

    def _revoked(self, author: Process, facts: Facts) -> None:
        facts.is_revoked = True
        act = author.act
        why = {
            "code": lambda: self._is_replay(author, facts),
            "refresh": lambda: self._is_theft(author, facts),
            "revoke": lambda: facts.is_genuine(parse_refresh_token(act.token), act.client_id),
            "logout": lambda: facts.ends_with_session,
            "authorize": lambda: facts.ends_with_session and facts.session in self.over_sessions,
            **dict.fromkeys(
                ("set-password", "sign-out", "disable", "revoke-client", "finish"), lambda: self.endings.may_end(facts)
            ),
        }
        if act.kind not in why or not why[act.kind]():
            self.violated("false revocation: nobody stole, nobody revoked")

    def _is_replay(self, author: Process, facts: Facts) -> bool:
        if not self.presents_code(author.act, facts) or facts.redeemed_at is None or self._is_replayed(author):
            return False
        return self.now - facts.redeemed_at > RESUBMITTED

    def _is_theft(self, author: Process, facts: Facts) -> bool:
        act = author.act
        token = parse_refresh_token(act.token)
        if token is None or not facts.is_genuine(token, act.client_id) or not picks_an_api(facts.scope, act.resource):
            return False
        if not self.has_key(act, facts.jkt) or self._is_replayed(author):
            return False
        if self.is_dead(facts):
            return True
        window = self.rules.windows[facts.client_id]
        if facts.rotated_by == author.number:
            self.violated("the winner of the rotation takes itself for a thief")
        position = facts.position(token)
        return position != 0 and not (position == 1 and window and self.now - facts.rotated_at <= window)

    @staticmethod
    def has_key(act: Act, jkt: str) -> bool:
        """Whether the sender proves to hold the key, where one is named."""
        return not jkt or act.jkt == jkt

    def _is_replayed(self, author: Process) -> bool:
        """Whether another request spent its proof before."""
        return self.spent.get(author.act.proof, author.number) != author.number

    def is_dead(self, facts: Facts) -> bool:
        """Whether an operator ended it."""
        is_of_old = facts.issued_at_ms < self.not_before_ms.get(facts.client_id, 0)
        return facts.sub in self.disabled or is_of_old or self.endings.may_end(facts)

    def presents_code(self, act: Act, facts: Facts) -> bool:
        code = parse_code(act.token)
        is_it = code is not None and digest(code.secret) == facts.code_digest
        is_senders = act.client_id == facts.client_id and self.has_key(act, facts.code_jkt)
        return act.kind == "code" and is_it and is_senders and act.is_good and picks_an_api(facts.scope, act.resource)

    def _shown(self, bits: set[tuple[str, int]]) -> None:
        if not bits <= self.exact_bits:
            self.violated("a list shows a bit that an exact read does not find")
        self.bits |= bits

    def _bit(self, author: Process | None, bit: tuple[str, int]) -> None:
        self.exact_bits.add(bit)
        act = author.act if author else None
        if act is not None and act.kind == "revoke" and self.claims_of(act.token):
            return  # the client's own wish
        owners = [facts for facts in self.grants.values() if facts.is_live(bit, self.now)]
        # More than one own it where a sandbox was cloned: one that is revoked is reason enough.
        if owners and not any(facts.is_revoked for facts in owners):
            self.violated("bits before the grant: an access token was revoked, and its grant lives")

    def _range(self, list_id: str, start: int, length: int) -> None:
        """A block of indices was revoked at once."""
        block = range(start, start + length)
        for facts in self.grants.values():
            is_hit = any(each.list_id == list_id and each.idx in block and each.exp > self.now for each in facts.live)
            if is_hit and not self.endings.may_end(facts):
                self.violated("false revocation: an access token was revoked with its client's older ones")
        self.ranges.add((list_id, start, length))

    # Answers.

    def answered(self, process: Process) -> None:
        """An answer was made, whether or not it arrives."""
        act, answer = process.act, process.answer
        if act.function == "operator":
            self._command_ended(process, answer["statusCode"] if answer else 0)
            return
        if act.is_command:
            self.endings.ended(process.number, is_answered=False)  # the function finish completes it
        self.signing_in.ended(process, answer["statusCode"] if answer else 0)
        if answer is None:
            return
        status, body = answer["statusCode"], answer["body"]
        self._answered_at_all(process, status, body)
        facts = self.grants.get(act.token[:22]) if act.kind in ("code", "refresh", "revoke") else None
        if act.kind in ("code", "refresh") and status == 200 and facts is not None:
            self._tokens(process, facts, json.loads(body))
        elif act.kind in ("code", "refresh") and facts is not None and json.loads(body)["error"] == "invalid_grant":
            self._refused(process, facts)
        elif act.kind == "login":
            self._login_answered(process, answer)
        elif act.kind == "revoke" and status == 200:
            self._revocation_answered(act, facts)
        elif act.kind == "authorize":
            self._code_answered(process, answer)
        elif act.kind == "logout" and any("Max-Age=0" in cookie for cookie in answer.get("cookies", ())):
            name = digest(act.session).hex()
            sid = self.sessions.get(name)
            # One who signs out while the browser is on its way to another session signs out of the former.
            own = {session for session, its in self.sessions.items() if its == sid}
            self.ended_sessions |= {name} if name in self.continued else own

    def _answered_at_all(self, process: Process, status: int, body: str) -> None:
        if status >= 500 and (status != 503 or not process.faults):
            self.violated(f"a {status} was answered")
        if process.act.proof:
            self._proof_answered(process, status, body)
        facts = self.grants.get(process.act.token[:22])
        if status < 500 and self.devices.answered(process, body) and facts is not None:
            facts.is_code_answered = True

    def _proof_answered(self, process: Process, status: int, body: str) -> None:
        if status == 200 and self.answers.setdefault(process.act.proof, process.number) != process.number:
            self.violated("one captured request, two answers with tokens")
        if status == 200 and process.number not in self.wrote:
            self.violated("tokens were answered for a proof that was not spent")
        error = json.loads(body).get("error")
        if error in ("use_dpop_nonce", "invalid_dpop_proof") and process.number in self.wrote:
            self.violated(f"a refusal by {error} spent something")

    def _command_ended(self, process: Process, status: int) -> None:
        self.endings.ended(process.number, is_answered=status == 200)
        is_committed = self.endings.commands[process.number].is_committed
        if status == 200 and process.act.kind == "set-password" and not is_committed:
            self.violated("a command was answered whose write did not take effect")
        elif status == 503 and not process.faults:
            self.violated("a 503 was answered")

    def _login_answered(self, process: Process, answer: Answer) -> None:
        """The right password leaves a proof, and no other does; while it changes, the old and the new may."""
        sub = sub_of(process.act.username)
        passwords = self.endings.passwords_since(sub, process.replaced)
        is_refused = answer["statusCode"] == 401
        if cookies_set(answer).get(SESSION_COOKIE):
            self.violated("a session is answered without a proof of its own")
        if answer["statusCode"] == 303 and process.act.password not in passwords:
            self.violated("a password that is not in force leaves a proof")
        if is_refused and passwords == (process.act.password,) and not self._is_disabled(sub):
            self.violated("locked out: the right password opens no session")

    def _is_disabled(self, sub: str) -> bool:
        return sub in self.disabled or self.endings.is_disabled(sub)

    def _signed_in(self, process: Process, answer: Answer) -> None:
        """The way back from signing in: the proof opens a session while the password is in force, and no other does."""
        cookie = cookies_set(answer).get(SESSION_COOKIE)
        if not cookie:
            if answer["statusCode"] < 500:
                self.signing_in.no_cookie_answered(process, self.now)
            return
        session = digest(cookie).hex()
        self.endings.signed_in(cookie)
        self.signing_in.cookie_answered(process, session)
        self.second.cookie_answered(process, session, self.over_sessions)
        people, former = self.signing_in.people, session_of(process.act)
        waiting = self.second.waits(session)
        for each in (former, *self.second.waits(former)):
            if each in self.sessions and each not in self.over_sessions and each not in waiting:
                self.violated("a new session, and the browser's former one lives on")
            if each in people and people[each][0] not in ("", people[session][0]) and each not in waiting:
                self.ended_sessions.add(each)

    def _code_answered(self, process: Process, answer: Answer) -> None:
        act, location = process.act, answer["headers"].get("Location", "")
        self._signed_in(process, answer)
        if process.is_of_used and answer["statusCode"] == 303:
            self.violated("a used request_uri is taken again")
        query, session = parse_qs(urlsplit(location).query), self.signing_in.used(process)
        facts = self.grants.get(query["code"][0][:22]) if "code" in query else None
        if facts is not None:
            facts.is_code_answered = True
            self._code_went_out(process, facts, query["code"][0])
            if self.endings.must_end_session(session, process.after_commit):
                self.violated("shut out, and given a code")
            self.second.code_answered(session)
            if act.wants_sign_in and session not in self.signing_in.opened_by:
                self.violated("a new sign-in was asked for, and there was none")
        elif location.startswith(f"{ISSUER}/login/second") and self.second.is_half_way(session):
            return
        elif location.startswith(f"{ISSUER}/login") and not act.wants_sign_in and self._is_signed_in(session):
            self.violated("false refusal: signed in, and asked to sign in")

    def _code_went_out(self, process: Process, facts: Facts, answered: str) -> None:
        """A repeated request is judged by the grant that it met: what happens after that may overtake any answer."""
        code = parse_code(answered)
        if process.act.actor == "stranger":
            self.violated("a stranger was given a code")
        if code is None or digest(code.secret) != facts.code_digest:
            self.violated("answered a code that was never stored")
        if facts.grant_id in process.met_revoked:
            self.violated("answered a code whose grant is revoked")
        if facts.grant_id in process.met_redeemed:
            self.violated("answered a code again that was redeemed")

    def _is_signed_in(self, session: str) -> bool:
        if session not in self.endings.sign_ins:
            return False
        sub = self.endings.sign_ins[session].sub
        is_over = session in self.over_sessions or self.session_ends[session] <= self.now
        return not is_over and not self._is_disabled(sub) and not self.endings.may_end_session(session)

    def _tokens(self, process: Process, facts: Facts, members: Mapping[str, Any]) -> None:
        act = process.act
        if act.actor == "stranger":
            self.violated("a stranger was given tokens")
        # One write ended it, for every request that came after; a client's, where the function knows of it.
        if self.endings.must_end(facts, process.after if process.is_stale else process.after_commit):
            self.violated("shut out, and given tokens")
        is_kept = act.kind == "refresh" and "refresh_token" not in members
        refresh = parse_refresh_token(act.token if is_kept else members.get("refresh_token", ""))
        claims = self.claims_of(members["access_token"])
        if not claims:
            self.violated("answered an access token that nobody can look up")
            return
        index = live_token(claims)
        self._bound(act, facts, claims)
        if refresh is None or digest(refresh.secret) not in facts.chain:
            self.violated("answered a refresh token that was never stored")
            return
        recorded = facts.places_of(refresh.secret, of_renewals=is_kept)
        # A retry for less may live shorter.
        if not any(index[1:] == place[1:] and index.exp <= place.exp for place in recorded):
            self.violated("an answer's access token has an index of its own")
        facts.answered[index] = None
        if act.kind == "code":
            facts.code_answers.add(process.number)
            if len(facts.code_answers) > 1 or facts.chain[0] != digest(refresh.secret):
                self.violated("one code, two answers with tokens")
        elif (
            not is_kept and facts.successors.setdefault(act.token, members["refresh_token"]) != members["refresh_token"]
        ):
            self.violated("fork: one refresh token, two successors")
        asked = part_of(facts.scope if act.scope is None else act.scope, act.resource)
        if set(members["scope"].split()) != asked or set(claims["scope"].split()) != asked:
            self.violated("the scope is not what was asked for")

    def _bound(self, act: Act, facts: Facts, claims: Mapping[str, Any]) -> None:
        if claims.get("cnf", {}).get("jkt", "") != act.jkt:
            self.violated("an answer's access token is bound to another key than its request's")
        if not self.has_key(act, facts.jkt if act.kind == "refresh" else facts.code_jkt):
            self.violated("a sender without the key was given tokens")

    def _refused(self, process: Process, facts: Facts) -> None:
        act = process.act
        if act.kind == "code":
            if process.number == facts.redeemed_by and not facts.is_revoked:
                self.violated("the winner of the redemption is told invalid_grant")
            is_good = self.presents_code(act, facts) and facts.redeemed_at is None and facts.code_expires_at > self.now
            if is_good and not facts.is_revoked and not self.is_dead(facts):
                self.violated("false refusal: a good code is refused")
            return
        if not facts.is_genuine(parse_refresh_token(act.token), act.client_id) or not self.has_key(act, facts.jkt):
            return
        is_over = min(facts.idle_expires_at, facts.absolute_expires_at) <= self.now
        if not facts.is_revoked and not is_over:
            self.violated("a genuine refresh token is refused while the grant lives on")
        if facts.grant_id in process.met_revoked or (facts.is_revoked and not is_over):
            facts.is_revocation_answered = True

    def _revocation_answered(self, act: Act, facts: Facts | None) -> None:
        token = parse_refresh_token(act.token)
        if token is not None and facts is not None and facts.is_genuine(token, act.client_id):
            if not facts.is_revoked:
                self.violated("a revocation was answered that did not happen")
            facts.is_revocation_answered = True
        claims = self.claims_of(act.token)
        if claims.get("client_id") == act.client_id and claims["exp"] > self.now:
            index = live_token(claims)
            if (index.list_id, index.idx) not in self.bits:
                self.violated("revocation answered, yet the access token is on no status list")

    # States.

    def check(self) -> None:
        """Raise the first violation there is, of a transition or of this state."""
        commands = self.endings.all_answered
        if commands and any(self.endings.must_end_session(each, commands) for each in self.endings.allowed.values()):
            self.violated("shut out, and what was allowed is remembered")
        for facts in self.grants.values():
            if facts.is_revocation_answered and self._missing(facts):
                self.violated("revocation answered, yet an access token is on no status list")
            if commands and self.endings.must_end(facts, commands) and self._missing(facts):
                self.violated("shut out, yet an access token is on no status list")
            is_lent = facts.ends_with_session and facts.is_code_answered and not facts.is_revoked
            if is_lent and facts.session in self.ended_sessions:
                self.violated("logged out, and a grant that lives by the session lives on")
        if self.violations:
            raise Violation(self.violations[0])

    def _missing(self, facts: Facts) -> bool:
        """Whether an access token that was answered is on no status list."""
        return any(token.exp > self.now and not self._is_refused(token) for token in facts.answered)

    def _is_refused(self, token: LiveToken) -> bool:
        return self.is_in_range(token) or (token.list_id, token.idx) in self.bits

    def is_in_range(self, token: LiveToken) -> bool:
        """Whether its block was revoked at once."""
        return any(
            list_id == token.list_id and start <= token.idx < start + length for list_id, start, length in self.ranges
        )
