"""Signing in with a second factor: the password, the way back, the code, the way back; and what others do meanwhile.

A browser is what `end-user` names, and anybody who knows the password may sit at it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.sign_in_scenarios import operator, proves, signs_out
from tests.promises.model.stage import SESSION_OF_JANE, Stage

_HERE, _ELSEWHERE = "end-user", "thief"


# Who sends what.


def _comes_back(by: str, where: str = _HERE, count: int = 1, *, is_given: bool = True) -> Sender:
    """From the password, or from the code; `is_given`: once there is a proof."""
    wanted = "proof" if by == "password" else by

    def act(run: Run) -> Act | None:
        if is_given and (where, wanted) not in run.kept:
            return None
        session = run.kept.get((where, "session"), "")
        return acts.resume(*run.stage.handles[where], session, actor=where, by=by)

    return Sender(f"back by {by}", count, act)


def _gives_code(where: str = _HERE, count: int = 1) -> Sender:
    """The one that John's app shows: one who looked over his shoulder has it too."""

    def act(run: Run) -> Act | None:
        session = run.kept.get((where, "session"), "")
        if not session or session == SESSION_OF_JANE:
            return None
        return acts.second(*run.stage.handles[where], session, run.stage.code_of_app(), actor=where)

    return Sender("code", count, act)


def _once_given(sender: Sender) -> Sender:
    """After a code was accepted."""
    return replace(sender, act=lambda run: sender.act(run) if (_HERE, "second") in run.kept else None)


def _asks_for_a_code() -> Sender:
    """The client, by whatever session the browser has."""

    def act(run: Run) -> Act | None:
        session = run.kept.get((_HERE, "session"), "")
        return acts.authorize(run.stage.client_id, session, run.stage.scope) if session else None

    return Sender("authorize", 1, act)


def _replaced() -> Sender:
    """John replaces his app."""

    def act(run: Run) -> Act | None:
        command = acts.replace_second("john")
        return None if any(each.act == command for each in run.processes.values()) else command

    return Sender("another app", 1, act, is_function=False)


# Where it begins.


def _at_sign_in(*where: str) -> Callable[[], Stage]:
    return lambda: Stage.empty(scope="openid items").with_operator(*(where or (_HERE,))).with_totp()


def _remembered() -> Stage:
    stage = Stage.empty(scope="openid items").with_operator(_HERE)
    return stage.with_totp(is_remembered_by=_HERE).wanting_two_factors()


def _jane_is_signed_in() -> Stage:
    stage = Stage.empty(scope="openid items").with_operator(_HERE).with_totp()
    return replace(stage, kept={(_HERE, "session"): SESSION_OF_JANE})


def _scenario(name: str, what: str, stage: Callable[[], Stage], *senders: Sender, **rest: Any) -> Scenario:
    return Scenario(name, what, stage, senders, has_aftermath=False, **rest)


SECOND_SCENARIOS = (
    _scenario(
        "second-twice",
        "a browser that comes back twice at once from the code, with a fault",
        _at_sign_in(),
        proves("john"),
        _comes_back("password"),
        _gives_code(),
        _comes_back("second", count=2),
        faults=1,
    ),
    _scenario(
        "second-left",
        "the code was given, and somebody who knows the password types it at the same page",
        _at_sign_in(),
        proves("john", count=2),
        _comes_back("password", count=2),
        _gives_code(),
        _once_given(_comes_back("second")),
    ),
    _scenario(
        "second-code",
        "one code is typed in two browsers at once, with a fault",
        _at_sign_in(_HERE, _ELSEWHERE),
        proves("john"),
        proves("john", _ELSEWHERE),
        _comes_back("password"),
        _comes_back("password", _ELSEWHERE),
        _gives_code(),
        _gives_code(_ELSEWHERE),
        seen=("factor",),
    ),
    _scenario(
        "second-epoch",
        "somebody is signed out everywhere on the way back from the code",
        _at_sign_in(),
        proves("john"),
        _comes_back("password"),
        _gives_code(),
        _comes_back("second"),
        operator(acts.sign_out("john")),
        seen=("account",),
    ),
    _scenario(
        "second-replaced",
        "the app is replaced on the way back from the code",
        _at_sign_in(),
        proves("john"),
        _comes_back("password"),
        _gives_code(),
        _comes_back("second"),
        _replaced(),
        seen=("account",),
    ),
    _scenario(
        "second-back",
        "somebody signs out on the way back from the code, and the next one goes back in the history",
        _at_sign_in(),
        proves("john"),
        _comes_back("password"),
        _gives_code(),
        _comes_back("second", count=2),
        _once_given(signs_out()),
    ),
    _scenario(
        "second-remembered",
        "a browser that is remembered, at a client that wants two factors",
        _remembered,
        proves("john"),
        _comes_back("password"),
        _asks_for_a_code(),
    ),
    _scenario(
        "second-over-another",
        "John's password is typed where Jane is signed in, and perhaps his code",
        _jane_is_signed_in,
        proves("john"),
        _comes_back("password"),
        _gives_code(),
        _comes_back("second"),
        faults=1,
    ),
)
