"""Where am I signed in, and how do I end it (the account page, /account/sessions)."""

from __future__ import annotations

from typing import Any

import pytest
from valet.handles import digest
from valet.protocol.account_visit import FRESH

from tests.integration.conftest import Redeemed
from tests.integration.signing_out import is_signed_in
from tests.integration.visiting import (
    FIREFOX,
    SAFARI,
    SESSION,
    at_account,
    is_refused_at_apis,
    items_of,
    press,
)
from tests.support.application import Application
from tests.support.browser import Browser, filled_in, forms_of
from tests.support.deployment import Deployment
from tests.support.logouts import Logouts, address_of

PAGE = "/account/sessions"


def sid_of(deployment: Deployment, browser: Browser) -> str:
    found = deployment.server.sessions.find_session(digest(browser.cookies[SESSION]))
    assert found is not None
    return found.sid


def tokens(browser: Browser, app: Application, scope: str) -> dict[str, Any]:
    """What the app gets for that scope, by this browser's session."""
    asked = app.ask(scope=scope)
    answer = browser.open(asked.url)
    answer = browser.decide(answer) if answer.is_page else answer
    found: dict[str, Any] = app.redeem(answer.answered["code"], asked.code_verifier).json()
    return found


def sign_in_anew(deployment: Deployment, browser: Browser) -> None:
    """The same person in the same browser, which gets another session."""
    former = browser.cookies[SESSION]
    deployment.clock.advance(FRESH + 1)
    browser.sign_in(browser.open("/account/download"))
    assert browser.cookies[SESSION] != former


def test_each_browser_is_listed_with_its_agent_its_network_and_its_time(deployment: Deployment) -> None:
    deployment.source_ip = "2001:db8:1:2:3:4:5:6"
    at_account(deployment, user_agent=SAFARI)
    deployment.source_ip = "203.0.113.7"
    deployment.clock.advance(600)
    body = at_account(deployment, user_agent=FIREFOX).get(PAGE).body
    assert "Firefox, Linux" in body
    assert "203.0.113.7" in body
    assert "2027-01-15 08:10 UTC" in body
    assert "Safari, iPhone" in body
    assert "2001:db8:1:2::/64" in body
    assert "3:4:5:6" not in body  # of an IPv6 address no more is kept than the throttles count
    assert "2027-01-15 08:00 UTC" in body
    assert body.count("This browser") == 1
    assert body.index("This browser") < body.index("Safari, iPhone")


def test_nobody_sees_another_persons_sessions(deployment: Deployment) -> None:
    at_account(deployment, "jane", user_agent=SAFARI)
    assert "Safari" not in at_account(deployment, user_agent=FIREFOX).get(PAGE).body


def test_a_user_agent_is_not_shown_as_it_was_sent(deployment: Deployment) -> None:
    body = at_account(deployment, user_agent="<b>Netscape</b> 4").get(PAGE).body
    assert "Netscape" not in body
    assert "Unknown browser" in body


def test_looking_changes_nothing(deployment: Deployment) -> None:
    browser = at_account(deployment)
    with deployment.nothing_spent():
        browser.get(PAGE)
        browser.get(f"{PAGE}?end=everywhere")


def test_one_session_is_ended_and_the_others_live(deployment: Deployment, web_app: Application) -> None:
    other, here = at_account(deployment, user_agent=SAFARI), at_account(deployment, user_agent=FIREFOX)
    page = here.get(PAGE)
    deployment.audit.events.clear()
    assert press(here, page, "end", value=sid_of(deployment, other)).location.endswith(PAGE)
    assert deployment.audit.names == ["session.ended"]
    assert "Safari" not in here.get(PAGE).body
    assert other.get(PAGE).status == 303
    assert here.get(PAGE).status == 200
    assert not is_signed_in(other, web_app)


def test_a_second_click_is_answered_as_the_first(deployment: Deployment) -> None:
    other, here = at_account(deployment), at_account(deployment)
    sent = filled_in(here.get(PAGE), "end", value=sid_of(deployment, other))
    first, second = here.post(*sent), here.post(*sent)
    assert (first.status, first.location) == (second.status, second.location)
    assert here.get(PAGE).status == 200


def test_this_browser_signs_out_and_keeps_no_cookie(deployment: Deployment, web_app: Application) -> None:
    other, here = at_account(deployment), at_account(deployment)
    answer = here.follow(press(here, here.get(PAGE), "end", value=sid_of(deployment, here)))
    assert "You are signed out" in answer.body
    assert SESSION not in here.cookies
    assert not is_signed_in(here, web_app)
    assert other.get(PAGE).status == 200


def test_a_session_takes_the_grants_that_live_by_it(deployment: Deployment, web_app: Application) -> None:
    """As /logout does; a grant that goes on while its owner is away lives on."""
    other, here = at_account(deployment), at_account(deployment)
    by_session, offline = tokens(other, web_app, "openid items"), tokens(other, web_app, "openid items offline_access")
    press(here, here.get(PAGE), "end", value=sid_of(deployment, other))
    assert is_refused_at_apis(deployment, by_session["access_token"])
    assert not is_refused_at_apis(deployment, offline["access_token"])
    assert web_app.refresh(offline["refresh_token"]).status == 200


def test_an_end_that_died_half_way_is_finished_by_doing_it_again(deployment: Deployment, web_app: Application) -> None:
    """The session has ended, and nothing after it: of another browser, and of this one."""
    other, here = at_account(deployment), at_account(deployment)
    for browser in (other, here):
        given = tokens(browser, web_app, "openid items")
        sent = filled_in(here.get(PAGE), "end", value=sid_of(deployment, browser))
        deployment.server.sessions.end(digest(browser.cookies[SESSION]), b"a" * 16, deployment.clock.now)
        assert here.post(*sent).status == 303
        assert is_refused_at_apis(deployment, given["access_token"])


def test_a_request_on_its_way_ends_no_grant_of_the_session_that_follows(
    deployment: Deployment, web_app: Application
) -> None:
    """Another tab loads the page while the person signs in again: the session goes on under the same sid."""
    browser = at_account(deployment)
    former = dict(browser.cookies)
    sign_in_anew(deployment, browser)
    given = tokens(browser, web_app, "openid items")
    browser.cookies = former
    for answer in (browser.get(PAGE), browser.post(PAGE, {"csrf_token": "x", "end": "everywhere"})):
        assert answer.status == 303
    assert not is_refused_at_apis(deployment, given["access_token"])


def test_signing_out_everywhere_ends_every_session_and_every_grant(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    other, stranger = at_account(deployment), at_account(deployment, "jane")
    deployment.audit.events.clear()
    answer = browser.follow(press(browser, browser.get(PAGE), "end", value="everywhere"))
    assert "You are signed out" in answer.body
    assert SESSION not in browser.cookies
    assert other.get(PAGE).status == 303
    assert is_refused_at_apis(deployment, redeemed.access_token)
    assert web_app.refresh(redeemed.refresh_token).json()["error"] == "invalid_grant"
    assert sorted(deployment.audit.names)[:3] == ["grant.revoked", "session.ended", "session.ended"]
    assert ("grant.revoked", "signed_out_everywhere") in [
        (name, fields.get("revoked_for")) for name, fields in deployment.audit.events
    ]
    assert stranger.get(PAGE).status == 200


def test_a_sign_in_after_signing_out_everywhere_lives(deployment: Deployment, browser: Browser) -> None:
    browser.sign_in(browser.open("/account"))
    press(browser, browser.get(PAGE), "end", value="everywhere")
    later = at_account(deployment)
    assert browser.get(PAGE).status == 303
    assert later.get(PAGE).status == 200


def test_signing_out_everywhere_that_died_half_way_is_finished_by_loading_the_page_again(
    deployment: Deployment, browser: Browser, redeemed: Redeemed
) -> None:
    """The one write was done, and nothing after it."""
    deployment.raise_epoch("demo-john")
    assert not is_refused_at_apis(deployment, redeemed.access_token)
    assert "Sign in" in browser.open(PAGE).body
    assert is_refused_at_apis(deployment, redeemed.access_token)


def test_a_grant_of_a_later_sign_in_is_not_ended_by_that(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    browser.sign_in(browser.open("/account"))
    deployment.raise_epoch("demo-john")
    later = tokens(at_account(deployment), web_app, "openid items offline_access")
    browser.get(PAGE)
    assert not is_refused_at_apis(deployment, later["access_token"])
    assert web_app.refresh(later["refresh_token"]).status == 200


@pytest.mark.parametrize("forged", ["", "x", "other session", "other button", "another person"])
def test_a_form_that_this_page_did_not_send_ends_nothing(deployment: Deployment, forged: str) -> None:
    other, here, jane = at_account(deployment), at_account(deployment), at_account(deployment, "jane")
    forms = forms_of(here.get(PAGE))
    token = {
        "other session": forms_of(other.get(PAGE))[0].hidden["csrf_token"],
        "other button": forms[0].hidden["csrf_token"],
        "another person": forms_of(jane.get(PAGE))[-1].hidden["csrf_token"],
    }.get(forged, forged)
    for end in ("everywhere", sid_of(deployment, other)):
        with deployment.nothing_spent():
            answer = here.post(PAGE, {"csrf_token": token, "end": end})
        assert answer.status == 400
        assert "out of date" in answer.body
    assert other.get(PAGE).status == 200


def test_nobody_ends_another_persons_session(deployment: Deployment) -> None:
    """The sid is in the apps' tokens, so it is no secret."""
    jane, john = at_account(deployment, "jane"), at_account(deployment)
    with deployment.nothing_spent():
        press(john, john.get(PAGE), "end", value="", end=sid_of(deployment, jane))
    assert jane.get(PAGE).status == 200


def test_a_page_from_before_a_new_sign_in_ends_nothing(deployment: Deployment) -> None:
    """Two tabs: in one of them, the person signed in again meanwhile."""
    other, here = at_account(deployment), at_account(deployment)
    page = here.get(PAGE)
    sign_in_anew(deployment, here)
    with deployment.nothing_spent():
        assert press(here, page, "end", value=sid_of(deployment, other)).status == 400


def test_a_session_of_the_release_before_is_this_browsers_and_in_no_other_list(deployment: Deployment) -> None:
    """It has no pointer, agent or network: listed in its own browser, ended there, and by signing out everywhere."""
    old, here = at_account(deployment, user_agent=SAFARI), at_account(deployment)
    deployment.table("Grants").delete("sessions#demo-john", digest(old.cookies[SESSION]).hex())
    assert "Safari" not in here.get(PAGE).body
    assert "Safari" in old.get(PAGE).body
    answer = press(here, here.get(PAGE), "end", value="everywhere")
    assert answer.status == 303, answer.body
    assert old.get(PAGE).status == 303


def test_the_pointers_are_not_where_the_release_before_looks_for_grants(deployment: Deployment) -> None:
    at_account(deployment)
    assert len(items_of(deployment, "sessions")) == 1
    assert not items_of(deployment, "sub")


def test_a_sign_in_that_follows_in_a_browser_leaves_one_pointer(deployment: Deployment) -> None:
    browser = at_account(deployment)
    sign_in_anew(deployment, browser)
    [pointer] = items_of(deployment, "sessions")
    assert set(pointer) == {"pk", "sk", "expires_at"}
    press(browser, browser.get(PAGE), "end", value=sid_of(deployment, browser))
    assert not items_of(deployment, "sessions")


@pytest.mark.parametrize(
    ("section", "button", "value", "typed"),
    [(PAGE, "end", "", {}), (PAGE, "end", "everywhere", {}), ("/account/delete", "", "", {"confirm": "john"})],
    ids=["one session", "everywhere", "deleted"],
)
def test_clients_are_told_of_what_ends_here(
    deployment: Deployment,
    browser: Browser,
    redeemed: Redeemed,
    logouts: Logouts,
    section: str,
    button: str,
    value: str,
    typed: dict[str, str],
) -> None:
    """OpenID Connect Back-Channel Logout §2.3: announced before the write, so that nobody is forgotten by a crash."""
    logouts.register("web_app_123")
    deployment.clock.advance(11)
    assert press(browser, browser.get(section), button, value, **typed).status == 303
    assert logouts.waiting("SignOuts")
    logouts.pass_time(60)
    assert logouts.clients.told == [address_of("web_app_123")]


def test_a_form_that_counts_for_nothing_announces_nothing(deployment: Deployment, logouts: Logouts) -> None:
    browser = at_account(deployment)
    browser.post(PAGE, {"csrf_token": "x", "end": "everywhere"})
    browser.post("/account/delete", {"csrf_token": "x", "confirm": "john"})
    press(browser, browser.get("/account/delete"), confirm="jane")
    assert not logouts.waiting("SignOuts")
