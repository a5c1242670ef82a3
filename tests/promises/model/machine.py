"""The state machine: every actor does anything, in any order, and the handlers are checked against the model.

One request at a time is held to the oracle, word by word; several at once, interleaved call by call, to the ledger.
"""

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.grant_types.pace import AT_ONCE
from valet.models.accounts import Credential

from tests.promises.model import acts, intents
from tests.promises.model.acts import CLIENT_SECRET, Act
from tests.promises.model.driver import EXPLORED, Driver
from tests.promises.model.ledger import Ledger, Violation
from tests.promises.model.operators import kept_hash
from tests.promises.model.oracle import Expected, Oracle
from tests.promises.model.people import PASSWORD, Browser, Held
from tests.promises.model.processes import Process
from tests.promises.model.stage import RULES, Stage
from tests.promises.model.world import World, installed

REACHED: Counter[str] = Counter()


def explore(luck: int, profile: settings) -> None:
    """Let everybody do whatever they like. Hypothesis draws what they do from the name of the class, so another `luck`
    is another course of events, and an edit of this file is none.
    """
    run_state_machine_as_test(type(f"Luck{luck}", (AuthorizationServer,), {}), settings=profile)


class AuthorizationServer(RuleBasedStateMachine):
    """Everybody who talks to one deployment."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(RULES)
        self.world = World(self.ledger.watch, "machine")
        self.world.began = self.ledger.began
        self.ledger.clock = lambda: self.world.now
        self.disabled_clients: set[str] = set()
        self.oracle = Oracle(self.ledger, self.disabled_clients)
        self.browsers = [Browser("john"), Browser("jane")]
        self.held: list[Held] = []
        self.service_tokens: list[str] = []
        self.secrets = {*CLIENT_SECRET.values(), PASSWORD}
        self.driver = Driver(self.world, self.ledger, self.secrets)
        self.passwords = 0
        self.proofs = 0
        self.read_logs = 0
        self.exits = ExitStack()
        self.exits.enter_context(installed(self.world))
        for browser in self.browsers:
            sub = f"sub-{browser.username}"
            self.ledger.endings.in_force[sub] = PASSWORD
            self.world.put_credential(Credential(browser.username, sub, kept_hash(PASSWORD)))

    def teardown(self) -> None:
        try:
            self._nothing_at_rest_is_a_secret()
        finally:
            self.exits.close()

    # People and clients, one request at a time.

    @initialize(
        client_id=st.sampled_from(intents.CLIENTS),
        scope=st.sampled_from(intents.SCOPES),
        key=st.sampled_from(intents.KEYS),
        is_redeemed=st.booleans(),
    )
    def somebody_signed_in(self, client_id: str, scope: str, key: str, is_redeemed: bool) -> None:
        self.sign_in(0, client_id, scope, key, is_redeemed, None)

    @rule(
        which=st.integers(0, 1),
        client_id=st.sampled_from(intents.CLIENTS),
        scope=st.sampled_from(intents.SCOPES),
        key=st.sampled_from(intents.KEYS),
        is_redeemed=st.booleans(),
        trouble=intents.troubles,
    )
    def sign_in(
        self, which: int, client_id: str, scope: str, key: str, is_redeemed: bool, trouble: intents.Trouble
    ) -> None:
        self._authorize(self.browsers[which], client_id, scope, key)
        if is_redeemed and self.held:
            self.one_request(("redeem", 0, 0), trouble)

    def _authorize(self, browser: Browser, client_id: str, scope: str, key: str) -> None:
        """Through login and consent as far as they are asked for, to a code."""
        act = browser.begin(client_id, scope, acts.KEYS["owner"].jkt if key == "named" else "")
        for _ in range(8):
            process = self.driver.send(act)
            assert process.answer is not None
            came = browser.go_on(act, process.answer)
            self.secrets.update(browser.used)
            if not isinstance(came, Act):
                break
            act = came
        else:
            raise Violation("the way through the pages does not end")
        is_possible = client_id not in self.disabled_clients and f"sub-{browser.username}" not in self.ledger.disabled
        if came is None and is_possible:
            raise Violation("a good authorization request ends without a code")
        if came is not None:
            grant_id, _, secret = came.partition(".")
            self.secrets.add(secret)
            scopes = tuple(sorted(scope.split()))
            self.held.append(Held(grant_id, client_id, came, scopes, browser, browser.session, key=key))
            self.held = self.held[-4:]

    @precondition(lambda self: self.held)
    @rule(intent=intents.any_of(intents.SPENT), trouble=intents.troubles)
    def present_what_is_spent(self, intent: intents.Intent, trouble: intents.Trouble) -> None:
        self.one_request(intent, trouble)

    @precondition(lambda self: self.held)
    @rule(intent=intents.any_of(intents.CODES), trouble=intents.troubles)
    def present_code(self, intent: intents.Intent, trouble: intents.Trouble) -> None:
        self.one_request(intent, trouble)

    @precondition(lambda self: self.held)
    @rule(intent=intents.any_of(intents.STRANGERS))
    def stranger_comes(self, intent: intents.Intent) -> None:
        self.one_request(intent, None)

    @precondition(lambda self: self.held)
    @rule(intent=intents.any_of(intents.REVOCATIONS), trouble=intents.troubles)
    def revoke(self, intent: intents.Intent, trouble: intents.Trouble) -> None:
        self.one_request(intent, trouble)

    @precondition(lambda self: self.held)
    @rule(intent=intents.any_of(intents.WISHES + intents.QUESTIONS))
    def ask(self, intent: intents.Intent) -> None:
        self.one_request(intent, None)

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 1), trouble=intents.troubles, times=st.sampled_from((1, 1, 2, 3)))
    def refresh(self, which: int, trouble: intents.Trouble, times: int) -> None:
        """What clients do most, and often several times in a row; but no grant so often that it has to wait."""
        held = self.held[-1 - which % len(self.held)]
        for _ in range(min(times, AT_ONCE // 2 - len(held.refresh_tokens))):
            self.one_request(("refresh", which, 0), trouble)

    def one_request(self, intent: intents.Intent, trouble: intents.Trouble) -> None:
        held, act = self._act(intent)
        if act is None:
            return
        # Whether a captured request is the first of its bytes to arrive, the ledger knows.
        expected = self.oracle.expect(act) if intent[0] != "replay" else None
        process = self.driver.send(act, trouble)
        self.ledger.check()
        is_lost = process.answer is None
        self._reached(intent[0], process)
        if not is_lost and expected is not None:
            self._compare(act, expected, process, trouble)
        self._keep(held, process)

    @precondition(lambda self: self.held)
    @rule(
        first=intents.any_of(intents.RACES),
        others=st.lists(intents.any_of(intents.RACES), min_size=1, max_size=2),
        schedule=intents.schedules,
        is_same=st.booleans(),
    )
    def several_at_once(
        self,
        first: intents.Intent,
        others: list[intents.Intent],
        schedule: bytes,
        is_same: bool,
    ) -> None:
        """Two or three requests, each call of each in the order of the schedule; the same one repeated, or others."""
        if is_same and schedule[0] % 2:  # to the last byte, the proof in it
            wanted = [self._act(first)] * (1 + len(others))
        else:
            wanted = [self._act(intent) for intent in ([first] * (1 + len(others)) if is_same else [first, *others])]
        started = [
            (held, self.world.begin(act, sandbox=1 + number))
            for number, (held, act) in enumerate(wanted)
            if act is not None
        ]
        EXPLORED["interleavings"] += 1
        self.driver.run_interleaved([process for _, process in started], schedule)
        for held, process in started:
            self._reached(f"at once: {process.act.kind}", process)
            self._keep(held, process)

    @precondition(lambda self: self.world.pending)
    @rule(which=st.integers(0, 3))
    def late_write_lands(self, which: int) -> None:
        self.world.land(which % len(self.world.pending))

    # Time, memory, operators.

    @rule(seconds=st.sampled_from((0.3, 5.0, 9.0, 11.0, 30.0, 55.0, 61.0, 901.0)))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule(what=intents.happenings)
    def something_happens(self, what: tuple[str, int, int]) -> None:
        """To the sandboxes, in DynamoDB, or by an operator's hand."""
        name, which, other = what
        username, client_id = ("john", "jane")[which % 2], intents.CLIENTS[which]
        if name == "a month passes":
            self.world.now += 2_700_000.0
        elif name == "half a day passes":
            self.world.now += 43_201.0
        elif name == "DynamoDB expires items":
            self.world.grants.expire(self.world.now)
        elif name == "a sandbox is lost":
            self.world.servers.pop(which, None)
        elif name == "a sandbox is cloned" and other in self.world.servers:
            self.world.servers.pop(which, None)
            self.world.thaw(which, self.world.server(other))
        elif name in ("an account is disabled", "accounts are enabled"):
            self._disable_account(username, name == "an account is disabled")
        elif name in ("a client is disabled", "clients are enabled"):
            self._disable_client(client_id, name == "a client is disabled")
        elif name == "an operator shuts out":
            self._shut_out(intents.COMMANDS[other], which)
        elif name == "a client's grants are ended":
            not_before = int(self.world.now * 1000)
            self.world.put_client(client_id, grants_not_before_ms=not_before)
            self.ledger.not_before_ms[client_id] = not_before

    def _shut_out(self, name: str, which: int) -> None:
        """By an operator's command, with all that follows from it, while nobody else does anything."""
        browser = self.browsers[which % 2]
        if name == "revoke-client":
            self._command(acts.revoke_client(intents.CLIENTS[which]))
        elif name == "sign-out":
            self._command(acts.sign_out(browser.username))
        else:
            self._set_password(browser, revokes=name == "set-password --revoke")

    def _command(self, command: Act) -> None:
        process = self.driver.send(command)
        if process.answer is None or process.answer["statusCode"] != 200:
            raise Violation("a command fails")
        self._reached(command.kind, process)

    def _set_password(self, browser: Browser, *, revokes: bool) -> None:
        self.passwords += 1
        browser.password = f"the-right-password-{self.passwords}"
        self.secrets.add(browser.password)
        self._command(acts.set_password(browser.username, browser.password, revokes=revokes))

    def _disable_account(self, username: str, is_disabled: bool) -> None:
        for name in (username,) if is_disabled else ("john", "jane"):
            found = DynamoUsers(self.world.users).find_account(f"sub-{name}")
            assert found is not None
            account = replace(found, is_disabled=is_disabled)
            self.world.put_account(account)
            (self.ledger.disabled.add if is_disabled else self.ledger.disabled.discard)(account.sub)

    def _disable_client(self, client_id: str, is_disabled: bool) -> None:
        for name in (client_id,) if is_disabled else intents.CLIENTS:
            self.world.put_client(name, is_disabled=is_disabled)
            (self.disabled_clients.add if is_disabled else self.disabled_clients.discard)(name)

    # What holds at every moment.

    @invariant()
    def no_promise_is_broken(self) -> None:
        EXPLORED["steps"] += 1
        self.ledger.check()

    @invariant()
    def no_line_of_the_log_is_a_secret(self) -> None:
        for line in self.world.logs[self.read_logs :]:
            if '"request.failed"' in line:
                raise Violation(f"a request failed: {line}")
            if any(secret in line for secret in self.secrets):
                raise Violation("a secret in a line of the log")
        self.read_logs = len(self.world.logs)

    def _nothing_at_rest_is_a_secret(self) -> None:
        at_rest = repr(self.world.grants.items) + repr(self.world.users.items)
        if any(secret in at_rest for secret in self.secrets):
            raise Violation("a secret in a table")

    # How it is done.

    def _act(self, intent: intents.Intent) -> tuple[Held, Act | None]:
        name, which, nth = intent
        held = self.held[-1 - which % len(self.held)]
        act = intents.act_of(name, held, nth)
        if act is not None and (key := intents.key_of(act, held, nth, self.ledger.claims_of(act.token))):
            self.proofs += 1
            act = held.proven = acts.proven(act, key, f"machine-{self.proofs}", self.world.now)
        return held, act

    def _reached(self, what: str, process: Process) -> None:
        said = "killed" if process.answer is None else str(process.answer["statusCode"])
        event(f"{what} -> {said}")
        REACHED[f"{what} -> {said}"] += 1
        REACHED[f"{what} with a proof -> {said}"] += bool(process.act.proof)
        REACHED[f"{what} without rotation -> {said}"] += process.act.client_id == "keeps"

    def _compare(self, act: Act, expected: Expected, process: Process, trouble: intents.Trouble) -> None:
        answer = process.answer
        assert answer is not None
        members = Stage.members(answer)
        if process.faults and trouble is not None and trouble[1] in intents.DISRUPTIVE and answer["statusCode"] == 503:
            return
        said = (answer["statusCode"], members.get("error", ""), members.get("active", False))
        is_active = expected.is_active and act.kind == "introspect"
        if said != (expected.status, expected.error, is_active):
            raise Violation(f"{act} is answered {said}, not {expected}")
        if expected.successor and members["refresh_token"] != expected.successor:
            raise Violation("a retry is answered with another successor")
        facts = self.ledger.grants.get(act.token[:22])
        if facts is not None and expected.is_revoked and not facts.is_revoked:
            raise Violation(f"{act}: the grant lives on")

    def _keep(self, held: Held, process: Process) -> None:
        """The answer arrives at the actor that sent the request."""
        act, answer = process.act, process.answer
        if answer is None:
            return
        if act.kind == "logout":
            held.browser.keep_cookies(answer)
        if act.function != "token" or answer["statusCode"] != 200:
            return
        members: Any = Stage.members(answer)
        if act.kind == "client_credentials":
            held.access_tokens.append(members["access_token"])
            return
        held.access_tokens = [*held.access_tokens, members["access_token"]][-6:]
        held.id_token = members.get("id_token", held.id_token)
        refresh_token = members.get("refresh_token", act.token)  # a client that does not rotate keeps its own
        held.refresh_tokens.append(refresh_token)
        if act.actor == "thief":
            held.stolen.append(refresh_token)
        elif act.token in (held.refresh_token, held.code):
            held.refresh_token = refresh_token
