"""Operators against everybody else: passwords are replaced, people signed out and clients ended while they are used."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.processes import Fate
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import PASSWORD, SESSION, Stage

_NEW, _NEWER = "password 1", "password 2"
_THIEF, _OWNER = "thief", "end-user"  # the thief knows the first password
_OF_PEOPLE = ("account", "credential", "password")
_OF_CLIENTS = ("client", "status")


# Who sends what.


def _signs_in(actor: str, password: str) -> Sender:
    return Sender(
        "login", 1, lambda run: acts.login(*run.stage.handles[actor], username="john", password=password, actor=actor)
    )


def _goes_on(actor: str, *, is_stale: bool = False) -> Sender:
    """Back from signing in, to a code."""

    def act(run: Run) -> Act | None:
        session, by = run.kept.get((actor, "session"), ""), run.kept.get((actor, "proof"), "")
        return acts.resume(*run.stage.handles[actor], session, actor=actor, by=by) if session or by else None

    return Sender("authorize", 1, act, is_stale)


def _allows(actor: str) -> Sender:
    def act(run: Run) -> Act | None:
        return acts.allow(*run.stage.handles[actor], SESSION, run.stage.scope, actor=actor)

    return Sender("consent", 1, act)


def _redeems(actor: str, *, is_stale: bool = False) -> Sender:
    def act(run: Run) -> Act | None:
        code = run.kept.get((actor, "code"))
        return acts.redeem(run.stage.client_id, code, actor=actor) if code else None

    return Sender("redeem", 1, act, is_stale)


def _refreshes(actor: str, count: int = 1, *, is_stale: bool = False) -> Sender:
    def act(run: Run) -> Act | None:
        token = run.kept.get((actor, "refresh"))
        return acts.refresh(run.stage.client_id, token, actor=actor) if token else None

    return Sender("refresh", count, act, is_stale)


def _operator(command: Act, tries: int = 1) -> Sender:
    """An operator who repeats the command until it is answered as done."""

    def act(run: Run) -> Act | None:
        given = [process for process in run.processes.values() if process.act == command]
        is_over = any(not each.is_done or (each.answer or {}).get("statusCode") == 200 for each in given)
        return None if is_over else command

    return Sender("operator", tries, act, is_function=False)


def _later(sender: Sender) -> Sender:
    """An operator who gives the command once the time has passed."""
    return replace(sender, act=lambda run: sender.act(run) if run.ticks else None)


def _after(first: Act, command: Act) -> Sender:
    """Another command, once the first has come to its end, however that was."""

    def act(run: Run) -> Act | None:
        is_over = any(process.is_done for process in run.processes.values() if process.act == first)
        return command if is_over else None

    return Sender("operator", 1, act, is_function=False)


_SET_PASSWORD = acts.set_password("john", _NEW, revokes=True)
_KEPT = acts.set_password("john", _NEW, revokes=False)
_SIGN_OUT = acts.sign_out("john")
_REVOKE_CLIENT = acts.revoke_client("web")


# Where it begins.


def _at_sign_in() -> Stage:
    return Stage.empty().with_operator(_THIEF, _OWNER)


def _signed_in() -> Stage:
    return _at_sign_in().held_by(_OWNER)


def _asked_for_consent() -> Stage:
    return Stage.empty("spa").with_operator(_THIEF, _OWNER)


def _issued() -> Stage:
    return Stage.empty().with_operator(_THIEF, _OWNER).issued().held_by(_THIEF)


def _redeemed() -> Stage:
    return Stage.empty().with_operator(_THIEF, _OWNER).issued().redeemed().held_by(_THIEF)


def _scenario(
    name: str, what: str, stage: Callable[[], Stage], *senders: Sender, seen: tuple[str, ...] = _OF_PEOPLE, **rest: Any
) -> Scenario:
    return Scenario(name, what, stage, senders, seen=seen, **rest)


OPERATOR_SCENARIOS = (
    _scenario(
        "password-sign-in",
        "a thief signs in by the old password, and goes on to tokens, while the password is replaced",
        _at_sign_in,
        _signs_in(_THIEF, PASSWORD),
        _goes_on(_THIEF),
        _redeems(_THIEF),
        _refreshes(_THIEF),
        _operator(_SET_PASSWORD),
    ),
    _scenario(
        "password-both-sign-in",
        "a thief by the old password, and the owner by the new one, while the command still waits",
        _at_sign_in,
        _signs_in(_THIEF, PASSWORD),
        _signs_in(_OWNER, _NEW),
        _goes_on(_OWNER),
        _operator(_SET_PASSWORD),
    ),
    _scenario(
        "password-sign-in-faults",
        "the old password, and a command that is cut short and given again",
        _at_sign_in,
        _signs_in(_THIEF, PASSWORD),
        _operator(_SET_PASSWORD, 2),
        faults=1,
    ),
    _scenario(
        "password-consent",
        "a consent is given while the password is replaced",
        _asked_for_consent,
        _allows(_THIEF),
        _redeems(_THIEF),
        _operator(_SET_PASSWORD),
        seen=(*_OF_PEOPLE, "consent"),
    ),
    _scenario(
        "password-redeem",
        "a code is redeemed while the password is replaced, with a fault",
        _issued,
        _redeems(_THIEF),
        _operator(_SET_PASSWORD),
        faults=1,
    ),
    _scenario(
        "password-refresh",
        "a grant is refreshed while the password is replaced, with a fault",
        _redeemed,
        _refreshes(_THIEF),
        _operator(_SET_PASSWORD),
        faults=1,
    ),
    _scenario(
        "passwords-late",
        "two passwords, one after the other, and writes of the first that come late",
        _at_sign_in,
        _operator(_KEPT),
        _after(_KEPT, acts.set_password("john", _NEWER, revokes=False)),
        faults=2,
    ),
    _scenario(
        "passwords-at-once",
        "two operators at once, with a fault",
        _at_sign_in,
        _operator(_KEPT),
        _operator(acts.set_password("john", _NEWER, revokes=False)),
        faults=1,
        fates=(Fate.KILLED, Fate.LATE),
    ),
    _scenario(
        "password-change-sign-in",
        "somebody signs in by the new password while it is put in force, with a fault",
        _at_sign_in,
        _signs_in(_OWNER, _NEW),
        _operator(_KEPT),
        faults=1,
    ),
    _scenario(
        "password-keeps",
        "another password, and nothing is to end",
        _redeemed,
        _refreshes(_THIEF),
        _signs_in(_OWNER, PASSWORD),
        _goes_on(_OWNER),
        _operator(_KEPT),
    ),
    _scenario(
        "sign-out-sign-in",
        "somebody signs in while they are signed out everywhere",
        _at_sign_in,
        _signs_in(_OWNER, PASSWORD),
        _goes_on(_OWNER),
        _redeems(_OWNER),
        _operator(_SIGN_OUT),
    ),
    _scenario(
        "sign-out-redeem",
        "a code is redeemed, and another grant's session used, while they are signed out everywhere",
        _issued,
        _redeems(_THIEF),
        _operator(_SIGN_OUT),
        faults=1,
    ),
    _scenario(
        "client-faults",
        "a code is redeemed by a function that does not know, and the operator's command fails",
        _issued,
        _redeems(_THIEF, is_stale=True),
        _operator(_REVOKE_CLIENT, 2),
        seen=_OF_CLIENTS,
        faults=1,
        fates=(Fate.KILLED, Fate.LATE, Fate.RESENT),
    ),
    _scenario(
        "sign-out-refresh",
        "two refreshes while they are signed out everywhere",
        _redeemed,
        _refreshes(_THIEF, 2),
        _operator(_SIGN_OUT),
    ),
    _scenario(
        "pointer-expires",
        "a pointer is deleted as it says, and the token of its grant lives on",
        _issued,
        _redeems(_THIEF),
        _later(_operator(_SIGN_OUT)),
        ticks=(700.0,),
        is_ttl_prompt=True,
    ),
    _scenario(
        "pointer-late",
        "the first pointer comes late, when the second one is there",
        _signed_in,
        _goes_on(_OWNER),
        _redeems(_OWNER),
        _later(_operator(_SIGN_OUT)),
        faults=1,
        fates=(Fate.DELAYED,),
        ticks=(700.0,),
        is_ttl_prompt=True,
        seen=(),
    ),
    _scenario(
        "client-redeem",
        "codes of a client are issued and redeemed by functions that know, and that do not know, of its revocation",
        _issued,
        _goes_on(_THIEF),
        _redeems(_THIEF, is_stale=True),
        _operator(_REVOKE_CLIENT),
        seen=_OF_CLIENTS,
    ),
    _scenario(
        "client-issue",
        "a code is issued by a function that does not know of it",
        _issued,
        _goes_on(_THIEF, is_stale=True),
        _redeems(_THIEF),
        _operator(_REVOKE_CLIENT),
        seen=_OF_CLIENTS,
    ),
    _scenario(
        "client-refresh",
        "a client's grant is refreshed, here and there, while all that it holds is ended",
        _redeemed,
        _refreshes(_THIEF),
        _refreshes(_THIEF, is_stale=True),
        _operator(_REVOKE_CLIENT),
        seen=_OF_CLIENTS,
    ),
    _scenario(
        "client-leases",
        "a function that does not know of it leases indices between the two sweeps",
        _issued,
        _operator(_REVOKE_CLIENT),
        _redeems(_THIEF, is_stale=True),
        seen=(*_OF_CLIENTS, "lease"),
        is_warm=False,
    ),
)
# With a fault, or one more request: minutes, not seconds.
DEEP_OPERATOR_SCENARIOS = (
    _scenario(
        "deep-password-sign-in",
        "a thief by the old password, as far as tokens go, and a command that is given again",
        _at_sign_in,
        _signs_in(_THIEF, PASSWORD),
        _goes_on(_THIEF),
        _redeems(_THIEF),
        _operator(_SET_PASSWORD, 2),
        faults=1,
    ),
    _scenario(
        "deep-passwords",
        "two operators at once, somebody who signs in, and a fault",
        _at_sign_in,
        _signs_in(_OWNER, _NEW),
        _operator(_KEPT),
        _operator(acts.set_password("john", _NEWER, revokes=False)),
        faults=1,
    ),
    _scenario(
        "deep-sign-out-refresh",
        "two refreshes while they are signed out everywhere, by a command that is given again",
        _redeemed,
        _refreshes(_THIEF, 2),
        _operator(_SIGN_OUT, 2),
        faults=1,
    ),
    _scenario(
        "deep-client-refresh",
        "two refreshes, here and there, while all that the client holds is ended, with a fault",
        _redeemed,
        _refreshes(_THIEF),
        _refreshes(_THIEF, is_stale=True),
        _operator(_REVOKE_CLIENT, 2),
        seen=_OF_CLIENTS,
        faults=1,
    ),
)
