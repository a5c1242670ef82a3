"""Cookies and the browser session: flags, a new id at each sign-in, its end (RFC 6265bis, OWASP session management)."""

import pytest

from tests.integration.conftest import Issued
from tests.support.application import Application
from tests.support.browser import Browser, form_of, parse_set_cookie
from tests.support.deployment import Deployment


def cookies_of_a_sign_in(browser: Browser, web_app: Application) -> dict[str, tuple[str, dict[str, str]]]:
    """Every cookie set on the way from the application to a code, by name."""
    found = {}
    send = browser.send

    def watch(method: str, url: str, headers: object = None, body: bytes = b"") -> object:
        answer = send(method, url, headers, body)  # type: ignore[arg-type]
        for line in answer.set_cookies:
            name, value, attributes = parse_set_cookie(line)
            found[name] = (value, attributes)
        return answer

    browser.send = watch  # type: ignore[assignment]
    browser.decide(browser.sign_in(browser.open(web_app.ask().url)))
    browser.send = send
    return found


def test_on_https_every_cookie_has_the_host_prefix_and_all_flags(browser: Browser, web_app: Application) -> None:
    found = cookies_of_a_sign_in(browser, web_app)
    assert set(found) == {"__Host-valet-browser", "__Host-valet-session"}
    for value, attributes in found.values():
        assert len(value) == 43
        assert attributes["path"] == "/"
        assert attributes["samesite"] == "Lax"
        assert "httponly" in attributes
        assert "secure" in attributes
        assert "domain" not in attributes


def test_AppAuth_on_iOS_finds_the_session_that_Safari_opened_for_as_long_as_it_may_live(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """ASWebAuthenticationSession shares with Safari the cookies that are kept, and none that end with the browser."""
    assert max_age_of_the_session(browser, web_app) == "43200"
    deployment.restart(session_absolute_lifetime=7200)
    deployment.clock.advance(1)
    assert max_age_of_the_session(browser, web_app) == "7200"


def test_an_operator_may_let_the_session_go_with_the_browser(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    deployment.restart(session_cookie="browser")
    assert max_age_of_the_session(browser, web_app) is None


def test_the_cookie_lives_as_long_as_its_session_however_the_session_is_used(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """A use prolongs the idle time alone: no later answer sets the cookie again, and a new sign-in sets its own."""
    for _ in range(3):
        deployment.clock.advance(1800)
        answer = browser.get(web_app.ask(prompt="none").url)
        assert "code" in answer.answered
        assert not answer.set_cookies
    assert max_age_of_the_session(browser, web_app) == "43200"


def test_a_sign_out_takes_the_kept_cookie_away(browser: Browser, issued: Issued) -> None:
    answer = browser.submit(browser.open("/logout"), decision="allow")
    ((name, value, attributes),) = (parse_set_cookie(line) for line in answer.set_cookies)
    assert (name, value, attributes["max-age"]) == ("__Host-valet-session", "", "0")
    assert name not in browser.cookies


def max_age_of_the_session(browser: Browser, web_app: Application) -> str | None:
    """What the cookie says that a sign-in of now sets."""
    form = form_of(browser.open(web_app.ask(prompt="login").url))
    proven = browser.post(form.action, {**form.hidden, "username": "john", "password": "password123"})
    assert not proven.set_cookies
    answer = browser.get(proven.location)
    ((name, _, attributes),) = (parse_set_cookie(line) for line in answer.set_cookies)
    assert name == "__Host-valet-session"
    return attributes.get("max-age")


def test_on_plain_http_only_what_http_forbids_is_dropped(deployment: Deployment) -> None:
    deployment.restart(issuer_url="http://127.0.0.1:3000")
    browser = Browser(deployment.send, deployment.issuer)
    app = Application(
        deployment.send,
        deployment.issuer,
        "web_app_123",
        "web_secret_456",
        redirect_uri="http://127.0.0.1:9876/callback",
    )
    found = cookies_of_a_sign_in(browser, app)
    assert set(found) == {"valet-browser", "valet-session"}
    for _, attributes in found.values():
        assert attributes["path"] == "/"
        assert attributes["samesite"] == "Lax"
        assert "httponly" in attributes
        assert "secure" not in attributes
        assert "domain" not in attributes


def test_the_session_id_changes_at_each_sign_in_and_the_former_is_worth_nothing(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    former = dict(browser.cookies)
    deployment.clock.advance(1)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url))
    assert browser.cookies["__Host-valet-session"] != former["__Host-valet-session"]
    thief = Browser(deployment.send, deployment.issuer, former)
    assert thief.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"
    assert "code" in browser.get(web_app.ask(prompt="none").url).answered


def test_a_session_cookie_planted_before_the_sign_in_is_not_taken_over(
    deployment: Deployment, web_app: Application
) -> None:
    planted = "A" * 43
    victim = Browser(deployment.send, deployment.issuer, {"__Host-valet-session": planted})
    victim.decide(victim.sign_in(victim.open(web_app.ask().url)))
    assert victim.cookies["__Host-valet-session"] != planted
    attacker = Browser(deployment.send, deployment.issuer, {"__Host-valet-session": planted})
    assert attacker.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"


@pytest.mark.parametrize("value", ["", "x", "A" * 43, "A" * 4000, "é", "demo-john", "; __Host-valet-session=x"])
def test_a_session_cookie_of_nobody_is_no_session(deployment: Deployment, web_app: Application, value: str) -> None:
    stranger = Browser(deployment.send, deployment.issuer, {"__Host-valet-session": value})
    with deployment.nothing_spent():
        assert stranger.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"


def test_a_cookie_without_the_prefix_is_not_ours_on_https(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """A sibling domain can set valet-session, and not __Host-valet-session."""
    value = browser.cookies["__Host-valet-session"]
    other = Browser(deployment.send, deployment.issuer, {"valet-session": value})
    assert other.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"


def test_a_session_ends_an_hour_after_its_last_use(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    for _ in range(4):
        deployment.clock.advance(3599)
        assert "code" in browser.get(web_app.ask(prompt="none").url).answered
    deployment.clock.advance(3600)
    with deployment.nothing_spent():
        assert browser.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"


def test_a_session_ends_twelve_hours_after_it_began_however_much_it_is_used(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    for _ in range(23):
        deployment.clock.advance(1800)
        assert "code" in browser.get(web_app.ask(prompt="none").url).answered
    deployment.clock.advance(1800)
    with deployment.nothing_spent():
        assert browser.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"


def test_a_session_of_a_disabled_account_is_none(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    deployment.table("Users").update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})
    with deployment.nothing_spent():
        assert browser.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"


def test_a_session_of_an_older_epoch_is_none_and_its_code_is_worth_nothing(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """A thief with a live session could otherwise take new grants as soon as the old ones are revoked."""
    deployment.clock.advance(5)
    under_way = web_app.ask(prompt="none")
    code = browser.get(under_way.url).answered["code"]
    deployment.raise_epoch("demo-john")
    assert web_app.redeem(code, under_way.code_verifier).error == "invalid_grant"
    assert web_app.redeem(issued.code, issued.asked.code_verifier).error == "invalid_grant"
    with deployment.nothing_spent():
        assert browser.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"
    again = web_app.ask()
    page = browser.open(again.url)
    assert "password" in page.body
    answer = browser.sign_in(page)
    assert web_app.redeem(answer.answered["code"], again.code_verifier).status == 200


def test_no_cookie_or_secret_stands_in_the_tables(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """A dump of the tables yields nothing that can be used."""
    tokens = web_app.redeem(issued.code, issued.asked.code_verifier).json()
    tokens = web_app.refresh(tokens["refresh_token"]).json() | {"first": tokens["refresh_token"]}
    page = browser.open(web_app.ask(prompt="consent").url)
    secrets = {
        *browser.cookies.values(),
        *issued.code.split(".")[1:],
        *tokens["refresh_token"].split(".")[1:],
        *tokens["first"].split(".")[1:],
        issued.asked.code_verifier,
        form_of(page).hidden["request"],
        form_of(page).hidden["csrf_token"],
        "password123",
        "web_secret_456",
        tokens["access_token"].rpartition(".")[2],
    }
    dump = repr(deployment.everything())
    assert len(dump) > 1000
    for secret in secrets:
        assert len(secret) > 8
        assert secret not in dump


@pytest.mark.parametrize("idle", [600, 3600, 86_400])
def test_a_session_that_is_used_lives_on_from_its_last_use(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued, idle: int
) -> None:
    """All but a twelfth of its idle lifetime, for it is not written at each use."""
    deployment.restart(session_idle_lifetime=idle, session_absolute_lifetime=20 * idle)
    deployment.clock.advance(1)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url))
    for _ in range(3):
        deployment.clock.advance(idle - idle // 12 - 2)
        assert "code" in browser.get(web_app.ask(prompt="none").url).answered
    deployment.clock.advance(idle + 1)
    assert browser.get(web_app.ask(prompt="none").url).answered["error"] == "login_required"
