"""A browser that sends its request again: a double click, the back button; and strangers who send it too."""

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import SESSION, SESSION_OF_JANE, Stage

_WHO = "end-user"


# Who sends what.


def end_user_comes_back(run: Run) -> Act | None:
    """From the sign-in page, by an address that the browser may open again."""
    return acts.resume(*run.stage.handles[_WHO], SESSION, actor=_WHO)


def end_user_allows(run: Run) -> Act | None:
    """A click on Allow, on a page that stays open."""
    return acts.allow(*run.stage.handles[_WHO], SESSION, run.stage.scope, actor=_WHO)


def client_redeems(run: Run) -> Act | None:
    """What the browser brought it last."""
    code = run.kept.get((_WHO, "code"))
    return acts.redeem(run.stage.client_id, code, actor=_WHO) if code else None


def end_user_logs_out(run: Run) -> Act | None:
    return acts.logout(SESSION, run.stage.id_token)


def stranger_in_another_browser(run: Run) -> Act | None:
    """It knows the handle, and has even a copy of the session's cookie."""
    browser, handle = run.stage.handles["stranger"][0], run.stage.handles[_WHO][1]
    return acts.resume(browser, handle, SESSION, actor="stranger") if _is_answered(run) else None


def stranger_at_the_same_browser(run: Run) -> Act | None:
    """Jane, who is signed in where John was answered."""
    browser_and_handle = run.stage.handles[_WHO]
    return acts.resume(*browser_and_handle, SESSION_OF_JANE, actor="stranger") if _is_answered(run) else None


def _is_answered(run: Run) -> bool:
    return (_WHO, "code") in run.kept


# Where it begins.


def waiting() -> Stage:
    """A saved request waits in the end-user's browser; a stranger has a browser of their own."""
    return Stage.empty().with_operator(_WHO, "stranger")


def waiting_and_bound() -> Stage:
    """... for a grant that ends with the session, whose first grant gave the ID token that a logout shows."""
    return Stage.empty(scope="openid items").issued().redeemed().with_operator(_WHO).not_redeemed()


_TWICE = Sender("browser", 2, end_user_comes_back)

REPEAT_SCENARIOS = (
    Scenario(
        "repeat-race",
        "an authorization request that its browser sends twice, while the client redeems the code",
        waiting,
        (_TWICE, Sender("redeem", 2, client_redeems)),
        faults=1,
    ),
    Scenario(
        "repeat-consent",
        "a double click on Allow, while the client redeems the code",
        waiting,
        (Sender("browser", 2, end_user_allows), Sender("redeem", 1, client_redeems)),
        faults=1,
    ),
    Scenario(
        "repeat-late",
        "the back button: a code that was redeemed is not answered again, however soon or late",
        waiting,
        (_TWICE, Sender("redeem", 1, client_redeems)),
        ticks=(6.0, 6.0),
    ),
    Scenario(
        "repeat-logout",
        "a request that is sent twice while the end-user signs out",
        waiting_and_bound,
        (_TWICE, Sender("logout", 1, end_user_logs_out)),
    ),
    Scenario(
        "repeat-stranger",
        "strangers who send the end-user's request: with the session in another browser, or another's session in this",
        waiting,
        (
            _TWICE,
            Sender("another browser", 1, stranger_in_another_browser),
            Sender("another session", 1, stranger_at_the_same_browser),
        ),
    ),
)
DEEP_REPEAT_SCENARIOS = (
    Scenario(
        "deep-repeat",
        "three clicks on Allow, while the client redeems the code twice, and time",
        waiting,
        (Sender("browser", 3, end_user_allows), Sender("redeem", 2, client_redeems)),
        faults=1,
        ticks=(6.0,),
    ),
    Scenario(
        "deep-repeat-logout",
        "a request that is sent twice while the end-user signs out, with a fault",
        waiting_and_bound,
        (_TWICE, Sender("logout", 1, end_user_logs_out)),
        faults=1,
    ),
)
