"""A pushed request that is brought by several browsers, and reloaded: it ends in one code (S7)."""

from collections.abc import Callable

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import SESSION, SESSION_OF_JANE, Stage

_JOHN, _JANE, _NOBODY = "end-user", "another end-user", "nobody"
_SESSIONS = {_JOHN: SESSION, _JANE: SESSION_OF_JANE, _NOBODY: ""}


# Who sends what.


def visits(who: str) -> Callable[[Run], Act | None]:
    """The address that the client has redirected to, opened in a browser and opened again."""

    def act(run: Run) -> Act | None:
        stage = run.stage
        browser = stage.handles[who][0]
        return acts.visit(stage.client_id, stage.request_uri, browser, _SESSIONS[who], actor=who)

    return act


def comes_back(who: str) -> Callable[[Run], Act | None]:
    """From the sign-in page, to the copy that waits in this browser."""

    def act(run: Run) -> Act | None:
        return acts.resume(*run.stage.handles[who], _SESSIONS[who], actor=who, pushed=run.stage.request_uri)

    return act


def client_redeems(run: Run) -> Act | None:
    """What a browser has brought it, John's first."""
    code = run.kept.get((_JOHN, "code")) or run.kept.get((_JANE, "code"))
    return acts.redeem(run.stage.client_id, code, actor=_JOHN) if code else None


# Where it begins.


def pushed() -> Stage:
    """A copy waits in each of three browsers: John's, Jane's, and one that nobody is signed in at."""
    return Stage.empty().pushed(_JOHN, _JANE, _NOBODY)


PUSHED_SCENARIOS = (
    Scenario(
        "pushed-race",
        "two browsers bring one pushed request at once, one of them twice",
        pushed,
        (Sender("browser", 2, visits(_JOHN)), Sender("another browser", 1, visits(_JANE))),
    ),
    Scenario(
        "pushed-faults",
        "two browsers bring one pushed request, with a fault, while the client redeems the code",
        pushed,
        (
            Sender("browser", 1, visits(_JOHN)),
            Sender("another browser", 1, visits(_JANE)),
            Sender("redeem", 1, client_redeems),
        ),
        faults=1,
    ),
    Scenario(
        "pushed-copies",
        "copies of one pushed request go on in two browsers, while it is brought again, and where nobody is signed in",
        pushed,
        (
            Sender("browser", 1, comes_back(_JOHN)),
            Sender("another browser", 1, comes_back(_JANE)),
            Sender("again", 1, visits(_JOHN)),
            Sender("signed out", 1, visits(_NOBODY)),
        ),
    ),
)
DEEP_PUSHED_SCENARIOS = (
    Scenario(
        "deep-pushed",
        "copies and visits of one pushed request in two browsers, while the client redeems the code, with a fault",
        pushed,
        (
            Sender("browser", 2, comes_back(_JOHN)),
            Sender("another browser", 1, comes_back(_JANE)),
            Sender("again", 2, visits(_JANE)),
            Sender("redeem", 1, client_redeems),
        ),
        faults=1,
    ),
)
