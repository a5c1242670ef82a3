"""What must hold after a fault at a second factor: a code counts once, and what was named is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from valet.aws.dynamodb.factors import DynamoFactors
from valet.models.accounts import Account
from valet.people.totp import STEP, code_at

from tests.promises.faults.injection import Fault
from tests.support.browser import form_of
from tests.support.second_factors import codes_on
from tests.support.wire import Answer
from tests.support.world import World

if TYPE_CHECKING:
    from tests.promises.faults.aftermath import Run

# After the write that accepts a code: if one of these fails, the page asks for the next code. By then, one that counted
# again could be a replay.
_AFTER_ACCEPTING = ("UpdateItem throttle", "PutItem throttle", "PutItem proof-second")


def john(world: World) -> Account:
    found = world.deployment.server.accounts.find_account("demo-john")
    assert found is not None
    return found


def after_code(run: Run) -> None:
    """On from there to the code of the request; or the page once more, if the code counts as used."""
    answer = run.settled()
    if answer.status != 303:
        assert answer.status == 401
        assert run.may_be_spent_by("UpdateItem factor") or run.call in _AFTER_ACCEPTING, answer
        run.world.deployment.clock.advance(STEP)
        answer = _next_code(run.world, answer)
    _leads_to_code(run.world, answer)


def after_recovery_code(run: Run) -> None:
    """The page that makes new ones; or the page once more, if the code counts as used."""
    answer = run.settled()
    if answer.status != 303:
        assert answer.status == 401
        assert run.may_be_spent_by("UpdateItem factor") or run.call in _AFTER_ACCEPTING, answer
        return
    page = run.world.browser.follow(answer)
    assert form_of(page).action == "/account/recovery"


def after_wrong_code(run: Run) -> None:
    answer = run.settled()
    assert answer.status == 401
    _leads_to_code(run.world, _next_code(run.world, answer))


def after_half_way(run: Run) -> None:
    """The page that asks for a code; or the sign-in page once more. Nobody is signed in yet."""
    page = run.world.browser.follow(run.settled())
    if form_of(page).action == "/login":
        page = run.world.browser.sign_in(page)
    _leads_to_code(run.world, _next_code(run.world, page))


def after_step_up(run: Run) -> None:
    """A code of the request; or one more sign-in, if the proof is spent for a session whose cookie was not answered."""
    answer = run.settled()
    if answer.status == 400:
        assert run.may_be_spent_by("PutItem grant"), answer
        return
    if answer.location.startswith(run.world.deployment.issuer):
        is_spent = run.may_be_spent_by("UpdateItem proof-second") or run.call == "UpdateItem session"
        assert is_spent or run.fault is Fault.KILLED, "a proof is spent without an answer"
        if run.call == "PutItem grant":
            return  # it was answered, and by the time of the next code it is too late to answer it again
    _leads_to_code(run.world, answer)


def after_second_factor_is_added(run: Run) -> None:
    """What the account names is there; and one at most, however often the form was sent."""
    run.settled()
    _names_what_is_there(run.world)
    assert john(run.world).totp_id


def after_second_factor_is_removed(run: Run) -> None:
    run.settled()
    assert not john(run.world).totp_id


def after_new_codes(run: Run) -> None:
    """The codes that were shown are those in force; or none were, and the former or others that are there."""
    answer = run.settled()
    _names_what_is_there(run.world)
    assert answer.status in (200, 400)
    assert len(codes_on(answer)) == (10 if answer.status == 200 else 0)


def after_page(run: Run) -> None:
    """A page that is drawn anew each time."""
    assert run.settled().status == 200


def _names_what_is_there(world: World) -> None:
    account, factors = john(world), DynamoFactors(world.deployment.table("Users"))
    assert not account.totp_id or factors.find_totp(account.sub, account.totp_id) is not None
    assert not account.recovery_id or factors.find_recovery_codes(account.sub, account.recovery_id) is not None


def _next_code(world: World, page: Answer) -> Answer:
    """The answer to the next code that John's app shows."""
    world.deployment.clock.advance(STEP)
    factor = DynamoFactors(world.deployment.table("Users")).find_totp("demo-john", john(world).totp_id)
    assert factor is not None
    seed = world.deployment.server.sealing.open("second-factor", "demo-john", factor.sealed_seed)
    form = form_of(page)
    code = code_at(seed, int(world.deployment.clock.now) // STEP)
    return world.browser.post(form.action, {**form.hidden, "code": code})


def _leads_to_code(world: World, answer: Answer) -> None:
    assert answer.status == 303, answer
    page = world.browser.follow(answer)
    if 'name="password"' in page.body:
        page = world.browser.sign_in(page)
    if page.is_page and form_of(page).action == "/login/second":
        page = world.browser.follow(_next_code(world, page))
    if page.is_page:
        page = world.browser.decide(page)
    assert "code" in page.answered


SECOND_FACTORS: Mapping[str, Callable[[Run], None]] = {
    "second_page": after_page,
    "second": after_code,
    "second_wrong": after_wrong_code,
    "second_recovery": after_recovery_code,
    "authorize_half_way": after_half_way,
    "authorize_stepped_up": after_step_up,
    "second_section": after_page,
    "second_added": after_second_factor_is_added,
    "second_removed": after_second_factor_is_removed,
    "recovery_section": after_page,
    "recovery_made": after_new_codes,
}
