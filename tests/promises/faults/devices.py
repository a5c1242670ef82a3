"""What must hold after a fault on the way of a device: one answer of one person, and at most one redemption of it.

A yes whose answer was lost is a yes, and a redemption whose answer was lost costs a new sign-in on the device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from valet.protocol.device_code import device_grant_id

from tests.promises.counts.devices import Answering, Asked
from tests.support.browser import filled_in
from tests.support.devices import PAGE, Television, decide, type_code

if TYPE_CHECKING:
    from tests.promises.faults.aftermath import Run


def after_asked(run: Run) -> None:
    """Codes, with which a person can say yes. A request whose answer was lost is a code more, which nobody knows."""
    assert run.settled().status == 200
    _assert_ends_in_tokens(run, _tv(run))


def after_stranger(run: Run) -> None:
    page = run.world.browser.sign_in(run.world.browser.follow(run.settled()))
    assert _tv(run).user_code in page.body


def after_link(run: Run) -> None:
    """A link approves nothing, whatever fails."""
    assert _tv(run).user_code in run.settled().body
    assert _tv(run).poll().json()["error"] == "authorization_pending"
    _assert_ends_in_tokens(run, _tv(run))


def after_guessed(run: Run) -> None:
    assert run.settled().status == 400


def after_allowed(run: Run) -> None:
    """One yes, by which the device is given tokens once; a no that comes after it changes nothing."""
    assert "Your device is connected" in run.settled().body
    tv = _tv(run)
    again = type_code(run.world.browser, tv.user_code)
    assert "already said yes" in decide(run.world.browser, again, "deny").body
    assert tv.poll().status == 200


def after_denied(run: Run) -> None:
    assert "was not connected" in run.settled().body
    tv = _tv(run)
    again = type_code(run.world.browser, tv.user_code)
    assert "already answered" in decide(run.world.browser, again, "allow").body
    assert tv.poll().json()["error"] == "access_denied"


def after_pending(run: Run) -> None:
    assert run.settled().json()["error"] == "authorization_pending"
    _assert_ends_in_tokens(run, _tv(run))


def after_too_fast(run: Run) -> None:
    assert run.settled().json()["error"] == "slow_down"
    _assert_ends_in_tokens(run, _tv(run))


def after_poll(run: Run) -> None:
    """Tokens once. A poll of which no answer arrived may have taken them; then there is a new sign-in."""
    world, tv = run.world, _tv(run)
    answer = run.settled()
    again = tv.poll()
    assert again.json()["error"] == "invalid_grant", "one device code, two redemptions"
    assert tv.codes is not None
    device_id, _, secret = tv.codes["device_code"].partition(".")
    grant = world.deployment.server.grants.find(device_grant_id(device_id, secret))
    assert grant is not None
    assert not grant.revoked_at, "a false revocation"
    if answer.status == 400:
        assert run.may_be_spent_by("UpdateItem grant"), "a device code is spent, and nobody has its tokens"
        tv.ask()
        _assert_ends_in_tokens(run, tv)
        return
    assert answer.status == 200
    assert tv.app.refresh(answer.json()["refresh_token"]).status == 200


def _assert_ends_in_tokens(run: Run, tv: Television) -> None:
    browser = run.world.browser
    page = browser.post(*filled_in(browser.get(PAGE), user_code=tv.user_code))
    assert decide(browser, page).status == 200
    assert tv.poll().status == 200


def _tv(run: Run) -> Television:
    request = run.request
    if isinstance(request, Asked | Answering):
        return request.tv
    found = getattr(request, "__self__", None)
    assert isinstance(found, Television)
    return found


DEVICES: Mapping[str, Callable[[Run], None]] = {
    "device_asked": after_asked,
    "device_stranger": after_stranger,
    "device_link": after_link,
    "device_guessed": after_guessed,
    "device_allowed": after_allowed,
    "device_denied": after_denied,
    "poll_pending": after_pending,
    "poll_too_fast": after_too_fast,
    "poll": after_poll,
}
