"""POST /logout: our own form, and those of other sites (OpenID Connect RP-Initiated Logout 1.0)."""

import pytest

from tests.integration.conftest import Redeemed
from tests.integration.signing_out import BACK, is_signed_in, logout
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment


@pytest.mark.parametrize("csrf_token", ["", "wrong", "A" * 43, "é"])
def test_a_form_without_its_csrf_token_signs_nobody_out(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, csrf_token: str
) -> None:
    with deployment.nothing_spent():
        answer = browser.post("/logout", {"decision": "allow", "csrf_token": csrf_token})
        assert answer.status in (303, 400)  # an empty one is none: taken for another site's form, which only asks
        assert not answer.set_cookies
        if answer.status == 303:
            assert "decision" in form_of(browser.follow(answer)).names
    assert is_signed_in(browser, web_app)


def test_the_csrf_token_of_another_session_signs_nobody_out(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    jane = Browser(deployment.send, deployment.issuer)
    jane.sign_in(jane.open(web_app.ask().url), "jane")
    token = form_of(logout(jane)).hidden["csrf_token"]
    with deployment.nothing_spent():
        answer = browser.post("/logout", {"decision": "allow", "csrf_token": token})
        assert answer.status == 400
    assert is_signed_in(browser, web_app)
    # The page is shown again and works: the end-user who left it open is not sent away.
    assert "out of date" in answer.body
    assert form_of(answer).hidden["csrf_token"] != token


def test_a_form_of_another_site_goes_on_with_a_get(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    """By POST no cookie of ours comes along, so nothing can end; by GET the hint decides, as ever."""
    with deployment.nothing_spent():
        bare = browser.post_from_another_site("/logout", {"x": "y"})
        assert "decision" in form_of(browser.follow(bare)).names
        form = {"id_token_hint": redeemed.id_token, "post_logout_redirect_uri": BACK, "state": "s"}
        hinted = browser.post_from_another_site("/logout", form)
        assert hinted.status == 303
    assert browser.follow(hinted).location == f"{BACK}?state=s"
    assert not is_signed_in(browser, web_app)


def test_a_form_of_another_site_that_claims_to_be_ours_takes_nobodys_cookie(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    """Cookies stay at home, but a browser takes what the answer to a navigation sets: nothing may be."""
    with deployment.nothing_spent():
        answer = browser.post_from_another_site("/logout", {"csrf_token": "x", "decision": "allow"})
        assert not answer.set_cookies
        assert "decision" in form_of(browser.follow(answer)).names
    assert is_signed_in(browser, web_app)


def test_whoever_brings_no_cookie_is_sent_none_to_end(deployment: Deployment, browser: Browser) -> None:
    assert not browser.get("/logout").set_cookies
    assert not browser.post_from_another_site("/logout", {"x": "y"}).set_cookies
    browser.cookies["__Host-valet-session"] = "A" * 43
    assert "Max-Age=0" in browser.get("/logout").set_cookies[0]
