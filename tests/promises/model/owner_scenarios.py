"""Accounts and their owners: resets, changes of address, undoings and joinings at once, against thieves who are in.

What the mailer does is not among the steps: the mails lie there from the start, also those that a change would send.
"""

from collections.abc import Callable
from typing import Any

from tests.promises.model import acts, owner_acts
from tests.promises.model.acts import Act
from tests.promises.model.owner_aftermath import see_who_has_it, see_who_joined
from tests.promises.model.owner_stage import (
    ADAS,
    CODE,
    EVES,
    HERE,
    JOHNS,
    LINK,
    OTHER,
    THIEF,
    THIEFS,
    WORD,
    Owned,
    secret,
)
from tests.promises.model.processes import Fate
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import PASSWORD, SESSION

_NEW = {"reset": "a new horse, a new staple", "another reset": "another horse, and its staple"}
_SEEN = ("account", "identifier", "password", "passkey", "link")
_ENDS = (Fate.KILLED, Fate.RESENT, Fate.DELAYED, Fate.LATE)
_ELSEWHERE = "stranger"  # Ada, in another browser


def _sends(name: str, act: Act | Callable[[Run], Act | None], count: int = 1) -> Sender:
    return Sender(name, count, act if callable(act) else lambda _: act)


def _resets(name: str = "reset") -> Sender:
    return _sends("reset", owner_acts.reset(secret("browser of John"), secret(name), _NEW[name], actor=HERE))


def _undoes(name: str, address: str, actor: str = HERE) -> Sender:
    return _sends("undo", owner_acts.undo(secret(f"browser of {actor}"), secret(name), address, actor=actor))


def _changes_address(session: str) -> Sender:
    return _sends("address", owner_acts.change_address(secret(session), CODE, actor=THIEF))


def _looks(purpose: str, name: str) -> Sender:
    return _sends("look", owner_acts.look(purpose, secret(name)))


def _adds_passkey(session: str, proof: str) -> Sender:
    def act(run: Run) -> Act:
        return owner_acts.add_passkey(secret(session), secret(proof), int(run.world.now * 1000), actor=THIEF)

    return _sends("passkey", act)


def _proves() -> Sender:
    return _sends("login", lambda run: acts.login(*run.stage.handles[THIEF], "john", PASSWORD, actor=THIEF))


def _comes_back(actor: str, by: str, *, needs: bool = True) -> Sender:
    def act(run: Run) -> Act | None:
        if needs and (actor, "proof") not in run.kept:
            return None
        session = run.kept.get((actor, "session"), "")
        return acts.resume(*run.stage.handles[actor], session, actor=actor, by=by)

    return _sends("authorize", act)


def _joins(actor: str, name: str, count: int = 1) -> Sender:
    """Each of the clicks sends the same form."""

    def act(run: Run) -> Act:
        password = f"{actor} has a horse and a staple"
        return owner_acts.join(*run.stage.handles[actor], secret(name), password, actor=actor)

    return _sends("join", act, count)


def _types_code(name: str, count: int) -> Sender:
    def act(run: Run) -> Act:
        return owner_acts.type_code(*run.stage.handles[HERE], CODE, secret(name), actor=HERE)

    return _sends("code", act, count)


def _links() -> Sender:
    def act(run: Run) -> Act:
        handles, session = run.stage.handles[THIEF], secret("thief")
        return owner_acts.link(*handles, session, WORD, secret("first means"), actor=THIEF)

    return _sends("link", act)


def _finishes() -> Sender:
    """The queue brings its first message, once there is one."""

    def act(run: Run) -> Act | None:
        messages = run.world.messages()
        return owner_acts.finish(messages[0]) if messages else None

    return _sends("finish", act)


def _with_tokens() -> Owned:
    """John's session has a grant, and its client tokens."""
    stage = Owned.of_john()
    stage.issued().redeemed()
    return stage.recovering("reset")


def _code_of_mail() -> Owned:
    """One try is left."""
    from valet.people.mail_codes import code_key

    stage = Owned.of_john().at_pages(HERE).recovering("reset")
    browser, handle = stage.handles[HERE]
    return stage.with_code("reset", code_key(browser, handle), tries=4)


def _contested() -> Owned:
    """The thief has two sessions, and a code in each for another address; notices went to every address."""
    stage = Owned.of_john().changing_address("thief", THIEFS).changing_address("thief too", OTHER)
    return stage.undoable("undo", JOHNS).undoable("undo of the thief", THIEFS)


def _ada(*, is_given_up: bool = False) -> Owned:
    """Ada has asked for a mail in each of two browsers."""
    stage = Owned.of_john("openid items").at_pages(HERE, _ELSEWHERE)
    stage = stage.joining("join", HERE).joining("join elsewhere", _ELSEWHERE)
    return stage.given_up(ADAS, 89 * 86_400) if is_given_up else stage


def _linking() -> Owned:
    return Owned.of_john().has_session("thief").at_pages(THIEF).came_back_from_provider(THIEF)


def _linked() -> Owned:
    stage = Owned.of_john("openid items").has_session("thief").at_pages(HERE).linked()
    return stage.came_back_from_provider(HERE, signs_in=True)


def _scenario(name: str, what: str, stage: Callable[[], Owned], *senders: Sender, **rest: Any) -> Scenario:
    rest = {"seen": _SEEN, "after": see_who_has_it, "is_warm": False, "is_answer_lost": False, **rest}
    return Scenario(name, what, stage, senders, **rest)


OWNER_SCENARIOS = (
    _scenario(
        "reset-sign-in",
        "the owner resets the password while a thief signs in with the former one",
        lambda: Owned.of_john("openid items").at_pages(THIEF).recovering("reset"),
        _proves(),
        _comes_back(THIEF, "password"),
        _resets(),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "reset-session",
        "the owner resets the password while a session is in use, and the queue brings the message at any time",
        _with_tokens,
        _sends("other tab", acts.authorize("web", SESSION, "openid items offline_access", actor=THIEF)),
        _resets(),
        _finishes(),
        seen=(*_SEEN, "message"),
        faults=1,
        fates=(Fate.KILLED,),
    ),
    _scenario(
        "reset-twice",
        "two mails, and a password by each at once, with a fault, while anybody fetches a link",
        lambda: Owned.of_john("openid items").recovering("reset", "another reset"),
        _resets(),
        _resets("another reset"),
        _looks("recover", "reset"),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "reset-thief",
        "the owner resets the password while a thief in a session changes the address and adds a passkey",
        lambda: (
            Owned.of_john()
            .changing_address("thief", THIEFS)
            .has_session("thief too")
            .proven_first_means("first means")
            .recovering("reset")
        ),
        _changes_address("thief"),
        _adds_passkey("thief too", "first means"),
        _resets(),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "reset-code",
        "the last try of a code, typed twice at once",
        _code_of_mail,
        _types_code("reset", 2),
        seen=(*_SEEN, "code", "mail"),
    ),
    _scenario(
        "undo-address",
        "a thief changes the address and then again, and the owner undoes it",
        _contested,
        _changes_address("thief"),
        _changes_address("thief too"),
        _undoes("undo", JOHNS),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "undo-undone",
        "a thief changes the address, and undoes that from there, while the owner undoes it, and a link is fetched",
        _contested,
        _changes_address("thief"),
        _undoes("undo of the thief", THIEFS, THIEF),
        _undoes("undo", JOHNS),
        _looks("undo", "undo"),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "join-twice",
        "two clicks on one form, and another mail's in another browser, which may die half-way",
        _ada,
        _joins(HERE, "join"),
        _joins(_ELSEWHERE, "join elsewhere"),
        _comes_back(HERE, "joined"),
        _looks("join", "join"),
        faults=1,
        fates=(Fate.KILLED,),
        after=see_who_joined,
    ),
    _scenario(
        "join-again",
        "two clicks on one form, one of them with a write that is late or doubled",
        _ada,
        _joins(HERE, "join", 2),
        _comes_back(HERE, "joined"),
        faults=1,
        fates=(Fate.RESENT, Fate.DELAYED),
        after=see_who_joined,
    ),
    _scenario(
        "join-shared",
        "two people who join in one browser, one after the other or both at once",
        lambda: _ada().joining("join of Eve", HERE, EVES),
        _joins(HERE, "join"),
        _joins(HERE, "join of Eve"),
        _comes_back(HERE, "joined"),
        after=see_who_joined,
    ),
    _scenario(
        "join-address",
        "Ada joins while John, who has a code of that address too, changes to it, with a fault",
        lambda: _ada().changing_address("thief", ADAS),
        _joins(HERE, "join"),
        _changes_address("thief"),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "link-removed-again",
        "an identity is linked, by a form that was open, while it is taken off the account, with a fault",
        lambda: _linking().linked(),
        _links(),
        _sends("unlink", owner_acts.unlink(secret("thief"), LINK, actor=THIEF)),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "first-means",
        "a thief in a session adds a passkey, and has no mail",
        lambda: Owned.of_john().has_session("thief"),
        _adds_passkey("thief", "no mail"),
    ),
    _scenario(
        "join-given-up",
        "an address that another account gave up lately",
        lambda: _ada(is_given_up=True),
        _joins(HERE, "join"),
    ),
    _scenario(
        "link-reset",
        "a thief in a session links an identity of another provider while the owner resets the password",
        lambda: _linking().proven_first_means("first means").recovering("reset"),
        _links(),
        _resets(),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "link-removed",
        "an identity of another provider is taken off the account while it signs in",
        _linked,
        _comes_back(HERE, "upstream", needs=False),
        _sends("unlink", owner_acts.unlink(secret("thief"), LINK, actor=THIEF)),
    ),
)
DEEP_OWNER_SCENARIOS = (
    _scenario(
        "deep-undo",
        "two changes of address and two undoings at once, with a fault",
        _contested,
        _changes_address("thief"),
        _changes_address("thief too"),
        _undoes("undo of the thief", THIEFS, THIEF),
        _undoes("undo", JOHNS),
        faults=1,
        fates=_ENDS,
    ),
    _scenario(
        "deep-join",
        "two clicks on one form and another mail's in another browser, with a fault",
        _ada,
        _joins(HERE, "join", 2),
        _joins(_ELSEWHERE, "join elsewhere"),
        _comes_back(HERE, "joined"),
        faults=1,
        after=see_who_joined,
    ),
)
