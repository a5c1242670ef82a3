"""When nothing is under way any more: whose is the account, what do the thief's things open, and is all ended?"""

from tests.promises.model import acts, owner_acts
from tests.promises.model.aftermath import Aftermath
from tests.promises.model.endings import Endings
from tests.promises.model.ledger import Violation
from tests.promises.model.owner_stage import JOHNS, THIEFS, secret
from tests.promises.model.owning import VOID
from tests.promises.model.run import Run
from tests.promises.model.stage import PASSWORD, SESSION, asked

_BROWSER = secret("browser afterwards")


def see_who_has_it(run: Run) -> None:
    """The owner undoes what a thief did to the address, and nothing of before works any more."""
    after = Aftermath(run)
    kinds = {sender.name for sender in run.scenario.senders}
    if "address" in kinds and "undo" in kinds:
        after.send(owner_acts.undo(_BROWSER, secret("undo"), JOHNS, actor="owner"))
        after.send(owner_acts.undo(_BROWSER, secret("undo of the thief"), THIEFS, actor="thief"))
        if run.ledger.owning.accounts["sub-john"]["email"] != JOHNS:
            raise Violation("the owner of the address before cannot take the account back")
    _finish(run, after)
    _use_what_is_left(run, after)
    _sign_in(run, after, run.ledger.endings.in_force["sub-john"])
    if not run.ledger.endings.may_end_since("sub-john", frozenset()):
        return
    _sign_in(run, after, PASSWORD)  # the ledger says whether it may


def _finish(run: Run, after: Aftermath) -> None:
    """The queue brings all its messages, and those that follow; then nothing of before may be good anywhere."""
    brought = [each for each in run.processes.values() if each.act.kind == "finish"]
    done = {each.act.event["Records"][0]["body"] for each in brought if (each.answer or {}).get("statusCode") == 200}
    while waiting := [body for body in run.world.messages() if body not in done]:
        for body in waiting:
            done.add(body)
            after.send(owner_acts.finish(body))
    endings: Endings = run.ledger.endings
    for number, command in list(endings.commands.items()):
        if command.is_committed:
            endings.ended(number, is_answered=True)
    run.ledger.check()


def _use_what_is_left(run: Run, after: Aftermath) -> None:
    """Every session that there was asks for a code, and has it redeemed."""
    held = sorted({SESSION, *(value for (_, what), value in run.kept.items() if what == "session" and value)})
    for session in held:
        after.send(acts.authorize(run.stage.client_id, session, run.stage.scope, actor="thief"))
        if ("thief", "code") in run.kept:
            after.send(acts.redeem(run.stage.client_id, run.kept.pop(("thief", "code")), actor="thief"))
    if run.stage.refresh_token:
        after.send(run.stage.refresh(run.stage.refresh_token, actor="thief"))


def _sign_in(run: Run, after: Aftermath, password: str) -> None:
    if password == VOID:
        return
    page = after.send(acts.authorize(run.stage.client_id, "", run.stage.scope))
    browser, handle = asked(page.answer or {})
    came = after.send(acts.login(browser, handle, "john", password, actor="after")).answer or {}
    if "&by=" in came["headers"].get("Location", ""):
        after.send(acts.resume(browser, handle, "", actor="after", by="password"))


def see_who_joined(run: Run) -> None:
    """There is one account with the address, or none whose mail still makes one."""
    after = Aftermath(run)
    actor = "stranger"
    answer = after.send(
        owner_acts.join(*run.stage.handles[actor], secret("join elsewhere"), "afterwards, a horse", actor=actor)
    )
    owning = run.ledger.owning
    holder = owning.names.get("ada@example.net")
    if holder is None or holder["sub"] not in owning.accounts or answer.answer is None:
        raise Violation("nobody can join with this address any more")
