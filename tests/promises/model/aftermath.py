"""When nothing is under way any more, and operators were at work: who is let in, and what do old things open?

The answers are held to the ledger. What it cannot see is seen here: that some password works, and that a command which
was cut short is completed by giving it again.
"""

from itertools import count

from tests.promises.model import acts
from tests.promises.model.acts import ISSUER, Act
from tests.promises.model.ledger import Violation
from tests.promises.model.processes import Fate, Process
from tests.promises.model.run import Run
from tests.promises.model.stage import asked

_AFTER = "after"
_LAST_SANDBOX = 99


class Aftermath:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._numbers = count(900)

    def send(self, act: Act) -> Process:
        process = self._run.world.begin(act, sandbox=_LAST_SANDBOX, number=next(self._numbers))
        while process.waiting is not None:
            self._run.world.resume(process, Fate.RUN)
        self._run.ledger.answered(process)
        self._run.deliver(act, process.answer or {})
        self._run.ledger.check()
        return process


def see_what_stands(run: Run) -> None:
    run.world.freshen()
    after = Aftermath(run)
    page = after.send(acts.authorize(run.stage.client_id, "", run.stage.scope))
    browser, handle = asked(page.answer or {})
    in_force = run.ledger.endings.in_force["sub-john"]
    passwords = sorted({in_force, *_typed(run)})
    for password in passwords:
        # The ledger says which one must open a session, and that no other may.
        _sign_in(run, after, browser, handle, password)
    unfinished = _unfinished(run)
    if unfinished is not None and after.send(unfinished).answer != {"statusCode": 200, "body": "", "headers": {}}:
        raise Violation("a command that was cut short cannot be completed")
    _see_the_release_before(run)
    for actor in sorted({actor for actor, _ in run.kept} - {_AFTER}):
        _present_all(run, after, actor)
    for password in (*passwords, in_force):
        _sign_in(run, after, browser, handle, password)
    _present_all(run, after, _AFTER)
    for actor in sorted({actor for actor, what in run.kept if what == "proof"} - {_AFTER}):
        # Whatever became of a sign-in, the same one succeeds in the same browser.
        _sign_in(run, after, *run.stage.handles[actor], in_force, actor)
    if (_AFTER, "refresh") not in run.kept and not run.ledger.endings.is_disabled("sub-john"):
        raise Violation("who signs in afterwards is given no tokens")


def _sign_in(run: Run, after: Aftermath, browser: str, handle: str, password: str, actor: str = _AFTER) -> None:
    """At the sign-in page, and back from there."""
    came = after.send(acts.login(browser, handle, "john", password, actor=actor)).answer or {}
    if "&by=" in came["headers"].get("Location", ""):
        session = run.kept.get((actor, "session"), "")
        after.send(acts.resume(browser, handle, session, actor=actor, by="password"))


def _see_the_release_before(run: Run) -> None:
    """It reads the password in the credential, which no command may leave behind the account."""
    commands = run.ledger.endings.commands.values()
    account = run.world.users.items["account#sub-john", "account"]
    credential = run.world.users.items["credential#john", "credential"]
    is_the_same = account.get("password_id") == credential.get("password_id")
    if all(each.is_answered for each in commands if each.is_committed) and not is_the_same:
        raise Violation("locked out of the release before: its credential is not the one that the account names")


def _typed(run: Run) -> set[str]:
    return {process.act.password for process in run.processes.values() if process.act.password}


def _unfinished(run: Run) -> Act | None:
    """The command that was given last, if it was not answered as done."""
    commands = [process for process in run.processes.values() if process.act.function == "operator"]
    if not commands or (commands[-1].answer or {}).get("statusCode") == 200:
        return None
    return commands[-1].act


def _present_all(run: Run, after: Aftermath, actor: str) -> None:
    """Everything that the actor has, and what it leads to."""
    if (actor, "refresh") in run.kept:
        after.send(acts.refresh(run.stage.client_id, run.kept[actor, "refresh"], actor=actor))
    if (actor, "session") in run.kept:
        _ask_for_code(run, after, actor, run.kept[actor, "session"])
    if (actor, "code") in run.kept:
        after.send(acts.redeem(run.stage.client_id, run.kept[actor, "code"], actor=actor))
    if (actor, "refresh") in run.kept:
        after.send(acts.refresh(run.stage.client_id, run.kept[actor, "refresh"], actor=actor))


def _ask_for_code(run: Run, after: Aftermath, actor: str, session: str) -> None:
    """By a request of its own, and through the consent page where there is one."""
    process = after.send(acts.authorize(run.stage.client_id, session, run.stage.scope, actor=actor))
    answer = process.answer or {}
    if answer["headers"].get("Location", "").startswith(f"{ISSUER}/consent"):
        after.send(acts.allow(*asked(answer), session, run.stage.scope, actor=actor))
