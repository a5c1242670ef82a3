"""Wrong passwords are counted, and slow an account and an address down (NIST SP 800-63B §5.2.2)."""

import pytest
from valet import users

from tests.integration.application import Application
from tests.integration.browser import Browser
from tests.integration.conftest import Issued
from tests.integration.deployment import Deployment
from tests.integration.guesses import anew, attempt, verifications


@pytest.mark.parametrize("username", ["john", "nobody"])
def test_ten_wrong_passwords_slow_that_account_down_known_or_not(
    deployment: Deployment, browser: Browser, web_app: Application, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.open(web_app.ask().url)
    for _ in range(10):
        assert attempt(browser, page, username, "wrong").status == 401
    with deployment.nothing_spent(), verifications(monkeypatch) as seen:
        answer = attempt(browser, page, username, "password123")
    assert answer.status == 429
    assert "Too many attempts" in answer.body
    assert answer.headers["retry-after"] == "900"
    assert not answer.set_cookies
    assert seen == []
    assert deployment.audit.names.count("login.failed") == 10
    assert deployment.audit.names[-1] == "login.throttled"
    # Others are not held up, and after the window nobody is.
    assert attempt(browser, page, "jane", "password456").status == 303
    deployment.clock.advance(900)
    again = browser.open(web_app.ask(prompt="login").url)
    assert attempt(browser, again, "john", "password123").status == 303


def test_a_throttled_account_is_throttled_in_every_strange_browser(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.open(web_app.ask().url)
    for _ in range(10):
        attempt(browser, page, "john", "wrong")
    stranger = anew(deployment)
    deployment.source_ip = "198.51.100.7"
    try:
        assert attempt(stranger, stranger.open(web_app.ask().url), "john", "password123").status == 429
    finally:
        deployment.source_ip = "192.0.2.1"


def test_a_browser_that_has_signed_in_before_passes_a_throttled_account(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """Else anybody could lock anybody out."""
    stranger = anew(deployment)
    page = stranger.open(web_app.ask().url)
    for _ in range(10):
        attempt(stranger, page, "john", "wrong")
    assert attempt(stranger, page, "john", "password123").status == 429
    deployment.clock.advance(1)
    page = browser.open(web_app.ask(prompt="login").url)
    assert attempt(browser, page, "john", "password123").status == 303


def test_a_known_browser_is_throttled_by_its_own_guesses(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    deployment.clock.advance(1)
    page = browser.open(web_app.ask(prompt="login").url)
    for _ in range(10):
        assert attempt(browser, page, "john", "wrong").status == 401
    assert attempt(browser, page, "john", "password123").status == 429
    stranger = anew(deployment)
    assert attempt(stranger, stranger.open(web_app.ask().url), "john", "password123").status == 303


def test_a_success_takes_the_count_back_to_nothing(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    for _ in range(2):
        stranger = anew(deployment)
        page = stranger.open(web_app.ask().url)
        for _ in range(9):
            assert attempt(stranger, page, "john", "wrong").status == 401
        assert attempt(stranger, page, "john", "password123").status == 303


def test_an_address_that_guesses_at_many_accounts_is_slowed_down(
    deployment: Deployment, browser: Browser, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.open(web_app.ask().url)
    assert users._ATTEMPTS_PER_ADDRESS == 100
    monkeypatch.setattr(users, "_ATTEMPTS_PER_ADDRESS", 5)
    statuses = [attempt(browser, page, f"user{number}", "wrong").status for number in range(6)]
    assert statuses == [401] * 5 + [429]


def test_a_guess_is_counted_before_its_password_is_looked_at(
    deployment: Deployment, browser: Browser, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.open(web_app.ask().url)

    def killed(password_hash: str, password: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(users, "_is_password", killed)
    for _ in range(10):
        with pytest.raises(KeyboardInterrupt):
            attempt(browser, page, "john", "guess")
    monkeypatch.undo()
    assert attempt(browser, page, "john", "password123").status == 429
