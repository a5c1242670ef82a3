"""Signing in: proofs that are left, late or twice, the ways back from there, and what others do meanwhile.

A browser is what `end-user` names, and anybody may sit at it. Another kind of proof is another `Sender` that leaves
one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.processes import Fate
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import PASSWORD, PASSWORD_OF_JANE, SESSION, Stage

_HERE, _TAB, _ELSEWHERE = "end-user", "tab", "thief"  # a browser, its other tab, and another browser
_PASSWORDS = {"john": PASSWORD, "jane": PASSWORD_OF_JANE}
_BY = "password"
_ON_THE_WAY = (Fate.RESENT, Fate.DELAYED, Fate.LATE)


# Who sends what.


def proves(username: str, where: str = _HERE, count: int = 1) -> Sender:
    """The password is typed; again only when the first try has come to its end."""

    def act(run: Run) -> Act | None:
        act = acts.login(*run.stage.handles[where], username, _PASSWORDS[username], actor=where)
        is_over = all(process.is_done for process in run.processes.values() if process.act == act)
        return act if is_over else None

    return Sender("login", count, act)


def _comes_back(where: str = _HERE, count: int = 1) -> Sender:
    """From a proof that was answered."""

    def act(run: Run) -> Act | None:
        return _back(run, where, where) if (where, "proof") in run.kept else None

    return Sender("authorize", count, act)


def _follows(link_of: str, where: str, *, is_answered: bool = True) -> Sender:
    """The link of another browser, or of another tab, once there is a proof."""

    def act(run: Run) -> Act | None:
        return _back(run, where, link_of) if not is_answered or (link_of, "proof") in run.kept else None

    return Sender("link", 1, act)


def _back(run: Run, where: str, link_of: str) -> Act:
    browser, handle = run.stage.handles[where][0], run.stage.handles[link_of][1]
    session, wants_sign_in = run.kept.get((where, "session"), ""), bool(run.stage.also)
    return acts.resume(browser, handle, session, actor=where, by=_BY, wants_sign_in=wants_sign_in)


def _has_not_signed_in() -> Sender:
    """The same address without a proof, while the former session is there."""

    def act(run: Run) -> Act | None:
        return acts.resume(*run.stage.handles[_HERE], SESSION, actor=_HERE, wants_sign_in=True)

    return Sender("authorize", 1, act)


def signs_out() -> Sender:
    def act(run: Run) -> Act | None:
        session = run.kept.get((_HERE, "session"), "")
        return acts.log_out(run.stage.handles[_HERE][0], session, actor=_HERE) if session else None

    return Sender("logout", 1, act)


def _goes_back() -> Sender:
    """In the browser's history, when the session's cookie is gone."""

    def act(run: Run) -> Act | None:
        return _back(run, _HERE, _HERE) if run.kept.get((_HERE, "session")) == "" else None

    return Sender("history", 1, act)


def operator(command: Act, count: int = 1) -> Sender:
    """Repeats the command until it is answered as done."""

    def act(run: Run) -> Act | None:
        given = [process for process in run.processes.values() if process.act == command]
        is_over = any(not each.is_done or (each.answer or {}).get("statusCode") == 200 for each in given)
        return None if is_over else command

    return Sender("operator", count, act, is_function=False)


def _other_tab() -> Sender:
    """John's tab asks for another code, by the session that the browser had."""
    return Sender("other tab", 1, lambda run: acts.authorize(run.stage.client_id, SESSION, run.stage.scope))


def _after(first: Sender, second: Sender) -> Sender:
    """The second comes once a request of the first's kind has come to its end."""

    def act(run: Run) -> Act | None:
        other = first.act(run)
        done = [process for process in run.processes.values() if process.is_done]
        is_over = any((each.act.kind, each.act.username) == (other.kind, other.username) for each in done if other)
        return second.act(run) if is_over else None

    return replace(second, act=act)


# Where it begins.


def _at_sign_in() -> Stage:
    return Stage.empty(scope="openid items").with_operator(_HERE)


def _two_browsers() -> Stage:
    return Stage.empty(scope="openid items").with_operator(_HERE, _ELSEWHERE).with_tab(_TAB, of=_HERE)


def _john_is_signed_in() -> Stage:
    """... by a session that a grant lives by."""
    return Stage.empty(scope="openid items").issued().redeemed().with_operator(_HERE).not_redeemed().held_by(_HERE)


def _asked_to_sign_in_again(also: str) -> Callable[[], Stage]:
    return lambda: Stage.empty(scope="openid items").with_operator(_HERE, also=also).held_by(_HERE)


def _scenario(name: str, what: str, stage: Callable[[], Stage], *senders: Sender, **rest: Any) -> Scenario:
    return Scenario(name, what, stage, senders, **rest)


SIGN_IN_SCENARIOS = (
    _scenario(
        "sign-in-twice",
        "a browser that comes back twice at once, with a fault",
        _at_sign_in,
        proves("john"),
        _comes_back(count=2),
        faults=1,
    ),
    _scenario(
        "sign-in-shared",
        "two people prove their passwords at one page at once, and the browser comes back twice",
        _at_sign_in,
        proves("john"),
        proves("jane"),
        _comes_back(count=2),
    ),
    _scenario(
        "sign-in-late",
        "a second one types a password where the first one's proof may still be on its way",
        _at_sign_in,
        proves("john"),
        _after(proves("john"), proves("jane")),
        _comes_back(count=2),
        faults=1,
        fates=_ON_THE_WAY,
    ),
    _scenario(
        "sign-in-back",
        "somebody signs in, at the second try perhaps, signs out and leaves; the next one goes back in the history",
        _at_sign_in,
        proves("john", count=2),
        _comes_back(),
        signs_out(),
        _goes_back(),
        faults=1,
        fates=_ON_THE_WAY,
    ),
    _scenario(
        "sign-in-links",
        "links go from one browser to another, by victims and by attackers, and from one tab to another",
        _two_browsers,
        proves("john"),
        proves("jane", _ELSEWHERE),
        _follows(_HERE, _ELSEWHERE),
        _follows(_ELSEWHERE, _HERE),
        _follows(_TAB, _HERE, is_answered=False),
        _comes_back(),
    ),
    _scenario(
        "sign-in-password",
        "the password is replaced on the way back, and nothing is revoked",
        _at_sign_in,
        proves("john"),
        _comes_back(),
        operator(acts.set_password("john", "password 1", revokes=False)),
        seen=("account", "credential", "password"),
    ),
    _scenario(
        "sign-in-epoch",
        "somebody is signed out everywhere on the way back",
        _at_sign_in,
        proves("john"),
        _comes_back(),
        operator(acts.sign_out("john")),
        seen=("account",),
    ),
    _scenario(
        "sign-in-disabled",
        "somebody is shut out on the way back, by a command that may be cut short and given again",
        _at_sign_in,
        proves("john"),
        _comes_back(),
        operator(acts.disable("john"), 2),
        seen=("account",),
        faults=1,
        fates=(Fate.KILLED,),
    ),
    _scenario(
        "sign-in-over-another",
        "Jane signs in where John is, while his other tab asks for a code, with a fault",
        _john_is_signed_in,
        proves("jane"),
        _comes_back(),
        _other_tab(),
        faults=1,
    ),
    _scenario(
        "sign-in-again",
        "a client asks for a new sign-in, and the same person gives it, with a fault",
        _asked_to_sign_in_again("prompt=login"),
        _has_not_signed_in(),
        proves("john"),
        _comes_back(),
        faults=1,
    ),
    _scenario(
        "sign-in-max-age",
        "a client wants no sign-in that is older than now",
        _asked_to_sign_in_again("max_age=0"),
        _has_not_signed_in(),
        proves("john"),
        _comes_back(),
        ticks=(1.0,),
    ),
    _scenario(
        "sign-in-slow",
        "a page that is open for long, and a way back that takes long",
        _at_sign_in,
        proves("john"),
        _comes_back(),
        ticks=(590.0, 20.0, 60.0),
    ),
)
DEEP_SIGN_IN_SCENARIOS = (
    _scenario(
        "deep-sign-in-shared",
        "two people at one page at once, the browser comes back three times, with a fault",
        _at_sign_in,
        proves("john", count=2),
        proves("jane"),
        _comes_back(count=3),
        faults=1,
    ),
    _scenario(
        "deep-sign-in-back",
        "signed in, signed out, and back, while the password is replaced, with two faults",
        _at_sign_in,
        proves("john", count=2),
        _comes_back(),
        signs_out(),
        _goes_back(),
        operator(acts.set_password("john", "password 1", revokes=True)),
        seen=("account", "credential", "password"),
        faults=1,
    ),
)
