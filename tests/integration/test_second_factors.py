"""Signing in with a second factor: codes of an authenticator app and recovery codes, each good once, for the session
that asked for it, under the same sid (RFC 6238 §5.2, NIST SP 800-63B-4 §3.1.2.2 and §3.2.2, RFC 9470 §5).
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from valet.errors import TemporarilyUnavailable
from valet.models.policy import Policy
from valet.people.totp import STEP

from tests.integration.test_levels import essential, is_at, unmet
from tests.support.application import Application, Asked
from tests.support.browser import Browser, form_of
from tests.support.deployment import BEGINNING, Deployment
from tests.support.passkeys import give_passkey, use
from tests.support.second_factors import App, give_codes, give_totp, type_code, ways_on
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
PASSWORD, MULTI_FACTOR, PHR = "urn:valet:acr:password", "urn:valet:acr:multi-factor", "phr"
SUB, WEB_APP = "demo-john", "web_app_123"


@pytest.fixture
def app(deployment: Deployment) -> App:
    """John's."""
    return give_totp(deployment, SUB)


@pytest.fixture
def page(deployment: Deployment, browser: Browser, web_app: Application, app: App) -> Answer:
    """John has typed his password, and is asked for a code."""
    return at_code(deployment, browser, web_app.ask())


def at_code(deployment: Deployment, browser: Browser, asked: Asked) -> Answer:
    deployment.clock.advance(1)  # a request that asks for a new sign-in is younger than the last one
    found = browser.sign_in(browser.open(asked.url))
    assert form_of(found).action == "/login/second", found.body
    return found


def give(deployment: Deployment, browser: Browser, page: Answer, app: App, **more: str) -> Answer:
    """The code that the app shows now, and whatever that leads to."""
    return browser.follow(type_code(browser, page, app.code(deployment.clock.now), **more))


def claims_of(application: Application, asked: Asked, answer: Answer) -> dict[str, Any]:
    tokens = application.redeem(answer.answered["code"], asked.code_verifier).json()
    return dict(jwt.decode(tokens["id_token"], options={"verify_signature": False}))


def factor_of(deployment: Deployment, app: App) -> Any:
    return deployment.table("Users").get(f"factor#{SUB}", app.totp_id)


def sessions_of(deployment: Deployment) -> list[Any]:
    return [item for item in deployment.everything() if item["pk"]["S"].startswith("session#")]


def events(deployment: Deployment, *names: str) -> list[str]:
    return [name for name in deployment.audit.names if name in names]


# What a sign-in says of itself (P20).


def test_a_password_and_a_code_sign_in_and_the_tokens_say_so(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    asked = web_app.ask()
    page = at_code(deployment, browser, asked)
    half = browser.cookies[SESSION]
    deployment.clock.advance(40)
    claims = claims_of(web_app, asked, browser.decide(give(deployment, browser, page, app)))
    assert (claims["sub"], claims["acr"], claims["amr"]) == (SUB, MULTI_FACTOR, ["pwd", "otp", "mfa"])
    assert claims["auth_time"] == BEGINNING + 1  # the password's: the oldest that the level rests on
    assert browser.cookies[SESSION] != half  # a new secret
    sessions = sessions_of(deployment)
    assert len(sessions) == 2
    assert len({item["sid"]["S"] for item in sessions}) == 1  # and the same sid
    assert ["ended_at" in item for item in sessions].count(True) == 1
    begun, succeeded = [fields for name, fields in deployment.audit.events if name.startswith("login.")]
    assert (begun["amr"], succeeded["amr"]) == ("pwd", "pwd otp mfa")
    assert events(deployment, "login.begun", "login.succeeded") == ["login.begun", "login.succeeded"]


def test_half_way_nothing_stands(deployment: Deployment, browser: Browser, web_app: Application, page: Answer) -> None:
    handle = form_of(page).hidden["request"]
    for path in ("/account", "/account/sessions", "/account/passkeys", "/account/second", "/account/recovery"):
        assert is_at(browser.get(path), "/authorize"), path
    assert is_at(browser.get(f"/consent?request={handle}"), "/authorize")
    assert browser.open(web_app.ask(prompt="none").url).answered["error"] == "login_required"
    assert form_of(browser.open(web_app.ask().url)).action == "/login/second"


def test_who_has_no_second_factor_is_not_asked(browser: Browser, web_app: Application) -> None:
    assert form_of(browser.sign_in(browser.open(web_app.ask().url))).names >= {"decision"}
    handle = form_of(browser.open(web_app.ask(prompt="login").url)).hidden["request"]
    assert is_at(browser.get(f"/login/second?request={handle}"), "/authorize")


def test_a_passkey_is_never_followed_by_a_code(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    """Keycloak #40988."""
    passkey = give_passkey(deployment.table("Users"), SUB, "id.example.com")
    deployment.change_client(WEB_APP, required_acr=MULTI_FACTOR)
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(1)
    assert form_of(browser.follow(use(browser, page, passkey))).names >= {"decision"}
    handle = form_of(browser.open(web_app.ask(prompt="login").url)).hidden["request"]
    assert is_at(browser.get(f"/login/second?request={handle}"), "/authorize")


# A code is good once (P14).


def test_a_code_is_good_once(deployment: Deployment, browser: Browser, web_app: Application, app: App) -> None:
    give(deployment, browser, at_code(deployment, browser, web_app.ask()), app)
    other = Browser(deployment.send, deployment.issuer)
    page = at_code(deployment, other, web_app.ask())
    with deployment.nothing_spent(("factor#",)):
        answer = type_code(other, page, app.code(deployment.clock.now))
    assert answer.status == 401
    assert "That code is wrong, or it was used before" in answer.body
    deployment.clock.advance(STEP)
    assert form_of(give(deployment, other, answer, app)).names >= {"decision"}


def test_no_code_is_good_that_is_older_than_one_that_was_accepted(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    browser.follow(type_code(browser, page, app.code(deployment.clock.now, steps=1)))
    page = at_code(deployment, browser, web_app.ask(prompt="login"))
    for steps in (1, 0, -1):
        assert type_code(browser, page, app.code(deployment.clock.now, steps=steps)).status == 401, steps


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_may_be_a_step_early_or_late(
    deployment: Deployment, browser: Browser, page: Answer, app: App, steps: int, is_good: bool
) -> None:
    answer = type_code(browser, page, app.code(deployment.clock.now, steps=steps))
    assert answer.status == (303 if is_good else 401)
    assert events(deployment, "second.failed") == ([] if is_good else ["second.failed"])


def test_a_code_may_be_pasted_as_an_app_shows_it(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    code = app.code(deployment.clock.now)
    assert type_code(browser, page, f" {code[:3]} {code[3:]} ").status == 303


def test_the_same_code_at_once_in_two_browsers_signs_one_in(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    other = Browser(deployment.send, deployment.issuer)
    pages = [(browser, page), (other, at_code(deployment, other, web_app.ask()))]
    assert sorted(_at_once(deployment, pages, [app.code(deployment.clock.now)] * 2)) == [303, 401]


def _at_once(deployment: Deployment, pages: list[tuple[Browser, Answer]], codes: list[str]) -> list[int]:
    statuses: list[int] = []
    barrier = threading.Barrier(len(pages))

    def send(browser: Browser, page: Answer, code: str) -> None:
        barrier.wait()
        statuses.append(type_code(browser, page, code).status)

    threads = [threading.Thread(target=send, args=(*each, code)) for each, code in zip(pages, codes, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


# Guesses.


def test_parallel_guesses_are_counted_before_they_are_looked_at(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    wrong = app.wrong(deployment.clock.now)
    pages = [(Browser(browser.send, browser.issuer, dict(browser.cookies)), page) for _ in range(12)]
    statuses = _at_once(deployment, pages, [wrong] * 12)
    assert sorted(statuses) == [401] * 5 + [429] * 7
    assert factor_of(deployment, app)["failures"] == 5


def test_after_five_wrong_codes_a_right_one_has_to_wait(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    for _ in range(5):
        assert type_code(browser, page, app.wrong(deployment.clock.now)).status == 401
    with deployment.nothing_spent():
        answer = type_code(browser, page, app.code(deployment.clock.now))
    assert answer.status == 429
    assert answer.headers["retry-after"] == "899"
    assert "second.throttled" in deployment.audit.names


def test_a_browser_that_has_passed_before_has_a_count_of_its_own(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    """A stranger who knows the password cannot keep the owner out."""
    give(deployment, browser, page, app)
    thief = Browser(deployment.send, deployment.issuer)
    stolen = at_code(deployment, thief, web_app.ask())
    for _ in range(6):
        answer = type_code(thief, stolen, app.wrong(deployment.clock.now))
    assert answer.status == 429
    page = at_code(deployment, browser, web_app.ask(prompt="login"))
    deployment.clock.advance(STEP)
    assert type_code(browser, page, app.code(deployment.clock.now)).status == 303


def test_after_a_hundred_wrong_codes_in_a_row_only_a_recovery_code_helps(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    codes = give_codes(deployment, SUB)
    deployment.table("Users").update(f"factor#{SUB}", app.totp_id, "SET #failures = :most", {":most": 100})
    with deployment.nothing_spent():
        answer = type_code(browser, page, app.code(deployment.clock.now))
    assert answer.status == 401
    assert "too many wrong codes" in answer.body
    assert type_code(browser, page, codes[0]).status == 303


def test_a_right_code_ends_the_row(deployment: Deployment, browser: Browser, page: Answer, app: App) -> None:
    type_code(browser, page, app.wrong(deployment.clock.now))
    assert factor_of(deployment, app)["failures"] == 1
    type_code(browser, page, app.code(deployment.clock.now))
    assert factor_of(deployment, app)["failures"] == 0


def test_a_code_of_another_account_is_no_code(deployment: Deployment, browser: Browser, page: Answer, app: App) -> None:
    janes = give_totp(deployment, "demo-jane")
    answer = type_code(browser, page, janes.code(deployment.clock.now))
    assert answer.status == (303 if janes.code(deployment.clock.now) == app.code(deployment.clock.now) else 401)


def test_a_form_of_another_page_counts_for_nothing(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    form, code = form_of(page), app.code(deployment.clock.now)
    other = at_code(deployment, browser, web_app.ask(prompt="login"))  # another request, and another session
    for hidden in (
        {**form.hidden, "csrf_token": "x"},
        {**form_of(other).hidden, "csrf_token": form.hidden["csrf_token"]},
    ):
        with deployment.nothing_spent():
            answer = browser.post("/login/second", {**hidden, "code": code})
        assert answer.status == 400
    assert type_code(browser, other, code).status == 303


# Recovery codes.


def test_a_recovery_code_signs_in_once_and_leads_to_new_ones(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    codes = give_codes(deployment, SUB)
    page = browser.get(f"/login/second?request={form_of(page).hidden['request']}")
    recovery = browser.open(next(address for address in ways_on(page) if "use=recovery" in address))
    answer = browser.follow(type_code(browser, recovery, codes[2].lower().replace("-", " ")))
    assert "Codes that you can still use: 9" in answer.body
    assert ways_on(answer)[:2] == [
        f"/account/{name}?request={form_of(page).hidden['request']}" for name in ("passkeys", "second")
    ]
    assert [fields["left"] for name, fields in deployment.audit.events if name == "recovery.used"] == [9]
    goes_on = browser.open(ways_on(answer)[-1])
    assert form_of(goes_on).names >= {"decision"}
    again = at_code(deployment, browser, web_app.ask(prompt="login"))
    with deployment.nothing_spent():
        assert type_code(browser, again, codes[2]).status == 401
    assert type_code(browser, again, codes[9]).status == 303


def test_one_recovery_code_at_once_in_two_browsers_signs_one_in(
    deployment: Deployment, browser: Browser, page: Answer, web_app: Application
) -> None:
    codes = give_codes(deployment, SUB)
    other = Browser(deployment.send, deployment.issuer)
    pages = [(browser, page), (other, at_code(deployment, other, web_app.ask()))]
    assert sorted(_at_once(deployment, pages, [codes[0]] * 2)) == [303, 401]


def test_recovery_codes_are_of_one_account(deployment: Deployment, browser: Browser, page: Answer) -> None:
    give_codes(deployment, SUB)
    janes = give_codes(deployment, "demo-jane")
    with deployment.nothing_spent():
        assert [type_code(browser, page, code).status for code in janes] == [401] * 10


def test_a_recovery_code_beside_a_password_opens_the_passkeys_though_they_are_lost(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """The level that the section asks for is a passkey's: nobody who has lost theirs reaches it."""
    give_passkey(deployment.table("Users"), SUB, "id.example.com")
    codes = give_codes(deployment, SUB)
    page = browser.sign_in(browser.open("/account/passkeys"))
    assert "you have to sign in with a passkey" in page.body
    page = browser.open(ways_on(page)[0])
    assert form_of(page).action == "/login/second"
    page = browser.follow(type_code(browser, page, codes[0]))
    assert urlsplit(ways_on(page)[0]).path == "/account/passkeys"
    assert "Make a passkey" in browser.open(ways_on(page)[0]).body
    assert is_at(browser.get("/account/delete"), "/authorize")  # nothing else that a passkey protects
    deployment.clock.advance(301)
    assert is_at(browser.get("/account/passkeys"), "/authorize")


def test_a_client_that_wants_a_passkey_wants_one_after_a_recovery_code_too(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    give_passkey(deployment.table("Users"), SUB, "id.example.com")
    codes = give_codes(deployment, SUB)
    deployment.change_client(WEB_APP, required_acr=PHR)
    page = browser.sign_in(browser.open(web_app.ask().url))
    page = browser.follow(type_code(browser, browser.open(ways_on(page)[0]), codes[0]))
    assert "you have to sign in with a passkey" in browser.open(ways_on(page)[-1]).body


# A second factor is of one session (P13, P14).


def second_proof(deployment: Deployment) -> Any:
    (found,) = [item for item in deployment.everything() if item["pk"]["S"].startswith("proof-second#")]
    return found


def test_a_second_factor_that_was_left_behind_in_a_shared_browser_is_worth_nothing(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    """John gave his code and was called away. Somebody who knows his password types it at the same page."""
    back = type_code(browser, page, app.code(deployment.clock.now))
    handle = form_of(page).hidden["request"]
    form = form_of(browser.get(f"/login?request={handle}"))
    sign_in = browser.post("/login", {**form.hidden, "username": "john", "password": "password123"})
    asked = browser.follow(sign_in)
    assert form_of(asked).action == "/login/second"
    with deployment.nothing_spent():
        answer = browser.follow(browser.get(back.location))
    assert form_of(answer).action == "/login/second"
    assert "login.succeeded" not in deployment.audit.names


@pytest.mark.parametrize("what", ["signed out", "another is signed in", "the session is gone"])
def test_a_second_factor_counts_only_for_the_session_that_asked_for_it(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application, what: str
) -> None:
    back = type_code(browser, page, app.code(deployment.clock.now))
    if what == "signed out":
        browser.submit(browser.get("/logout"), decision="allow")
    elif what == "another is signed in":
        deployment.clock.advance(1)
        browser.sign_in(browser.open(web_app.ask(prompt="login").url), "jane")
    else:
        del browser.cookies[SESSION]
    before = len(sessions_of(deployment))
    browser.follow(browser.get(back.location))
    assert len(sessions_of(deployment)) == before
    assert events(deployment, "login.succeeded") in ([], ["login.succeeded"])  # Jane's
    assert "spent_by" not in second_proof(deployment)


@pytest.mark.parametrize("what", ["epoch", "means", "disabled"])
def test_what_ends_on_the_way_back_from_the_code_ends_the_sign_in(
    deployment: Deployment, browser: Browser, page: Answer, app: App, what: str
) -> None:
    back = type_code(browser, page, app.code(deployment.clock.now))
    if what == "epoch":
        deployment.raise_epoch(SUB)
    elif what == "means":
        give_another(deployment)
    else:
        deployment.table("Users").update(f"account#{SUB}", "account", "SET #is_disabled = :yes", {":yes": True})
    before = len(sessions_of(deployment))
    browser.follow(browser.get(back.location))
    assert len(sessions_of(deployment)) == before
    assert "login.succeeded" not in deployment.audit.names
    assert "spent_by" not in second_proof(deployment)


def give_another(deployment: Deployment) -> App:
    """John's second factor is replaced."""
    deployment.table("Users").update(f"account#{SUB}", "account", "REMOVE #totp_id", {}, "attribute_exists(#pk)")
    return give_totp(deployment, SUB)


def test_a_second_factor_is_spent_once_and_opens_one_session(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    back = type_code(browser, page, app.code(deployment.clock.now))
    copies = [Browser(browser.send, browser.issuer, dict(browser.cookies)) for _ in range(3)]
    opened = [copy.get(back.location).set_cookies for copy in copies]
    assert [any(line.startswith(f"{SESSION}=") for line in lines) for lines in opened].count(True) == 1


def test_a_second_factor_waits_a_minute_in_the_history(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    back = type_code(browser, page, app.code(deployment.clock.now))
    deployment.clock.advance(60)
    assert form_of(browser.follow(browser.get(back.location))).action == "/login/second"


def test_a_session_that_ended_while_the_code_was_typed_gets_none(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    deployment.raise_epoch(SUB)
    with deployment.nothing_spent():
        answer = type_code(browser, page, app.code(deployment.clock.now))
    assert is_at(answer, "/authorize")


# What ends when: somebody else was signed in at this browser.


def test_a_password_alone_signs_nobody_else_out(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    asked = web_app.ask(scope="openid")
    answer = browser.decide(browser.sign_in(browser.open(asked.url), "jane"))
    token = web_app.redeem(answer.answered["code"], asked.code_verifier).json()["access_token"]
    janes = Browser(browser.send, browser.issuer, dict(browser.cookies))
    page = at_code(deployment, browser, web_app.ask(prompt="login"))
    assert janes.get("/account").status == 200
    assert web_app.userinfo(token).status == 200
    give(deployment, browser, page, app)  # now John has taken the computer over
    assert is_at(janes.get("/account"), "/authorize")
    assert web_app.userinfo(token).status == 401
    assert events(deployment, "session.ended", "grant.revoked") == ["session.ended", "grant.revoked"]


def test_who_was_signed_in_before_goes_on_under_the_same_sid(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    """Somebody typed John's password at Jane's browser, and no code. Jane signs in again."""
    browser.sign_in(browser.open(web_app.ask().url), "jane")
    (jane,) = [item["sid"]["S"] for item in sessions_of(deployment)]
    at_code(deployment, browser, web_app.ask(prompt="login"))
    deployment.clock.advance(1)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url), "jane")
    living = [item for item in sessions_of(deployment) if "ended_at" not in item]
    assert [(item["sub"]["S"], item["sid"]["S"]) for item in living] == [("demo-jane", jane)]


def test_signing_out_half_way_signs_out_who_was_signed_in_before(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    browser.sign_in(browser.open(web_app.ask().url), "jane")
    at_code(deployment, browser, web_app.ask(prompt="login"))
    browser.submit(browser.get("/logout"), decision="allow")
    assert all("ended_at" in item for item in sessions_of(deployment))


def test_the_end_of_the_session_is_the_first_factors(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    ends = {item["absolute_expires_at"]["N"] for item in sessions_of(deployment)}
    deployment.clock.advance(100)
    give(deployment, browser, page, app)
    assert {item["absolute_expires_at"]["N"] for item in sessions_of(deployment)} == ends


# Levels that clients and operators require (RFC 9470 §5).


@pytest.mark.parametrize("asking", [{"acr_values": MULTI_FACTOR}, {"claims": essential(MULTI_FACTOR)}])
def test_who_has_no_second_factor_cannot_meet_a_request_for_one(
    browser: Browser, web_app: Application, asking: dict[str, str]
) -> None:
    assert unmet(browser.sign_in(browser.open(web_app.ask(**asking).url)))


def test_a_voluntary_level_is_the_first_that_the_account_can_reach(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = web_app.ask(acr_values=f"{MULTI_FACTOR} {PASSWORD}")
    answer = browser.decide(browser.sign_in(browser.open(asked.url)))
    assert claims_of(web_app, asked, answer)["acr"] == PASSWORD


def test_an_essential_level_is_met_by_that_level_alone(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    passkey = give_passkey(deployment.table("Users"), SUB, "id.example.com")
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(1)
    browser.follow(use(browser, page, passkey))
    asked = web_app.ask(claims=essential(MULTI_FACTOR))
    page = browser.open(asked.url)
    assert 'id="passkey"' not in page.body
    page = browser.sign_in(page)
    assert claims_of(web_app, asked, browser.decide(give(deployment, browser, page, app)))["acr"] == MULTI_FACTOR


def test_max_age_counts_from_the_password_however_fresh_the_code_is(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    deployment.clock.advance(100)
    assert form_of(give(deployment, browser, page, app)).names >= {"decision"}
    page = browser.open(web_app.ask(max_age="60").url)
    assert form_of(page).names >= {"password"}
    assert browser.open(web_app.ask(max_age="60", prompt="none").url).answered["error"] == "login_required"


def test_a_level_of_two_factors_is_never_reached_where_they_are_switched_off(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    """The password of who has one is not enough then: nothing signs in at the account's level."""
    deployment.restart(second_factor="off")
    page = browser.sign_in(browser.open(web_app.ask().url))
    assert unmet(page)
    assert is_at(browser.get("/account/passkeys"), "/authorize")


# Remembered browsers.


@pytest.fixture
def remembering(deployment: Deployment) -> None:
    deployment.registrar.put_policy(Policy(remember_device=30))
    deployment.clock.advance(11)


@pytest.mark.usefixtures("remembering")
def test_a_browser_that_is_remembered_is_not_asked_again(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    assert form_of(page).names >= {"remember"}
    give(deployment, browser, page, app, remember="yes")
    deployment.clock.advance(29 * 86_400)
    asked = web_app.ask(prompt="login")
    answer = browser.decide(browser.sign_in(browser.open(asked.url)))
    claims = claims_of(web_app, asked, answer)
    assert (claims["acr"], claims["amr"]) == (PASSWORD, ["pwd"])
    assert browser.open("/account/sessions").status == 200  # it stands
    other = Browser(deployment.send, deployment.issuer)
    at_code(deployment, other, web_app.ask())


@pytest.mark.usefixtures("remembering")
def test_a_remembered_browser_meets_no_requirement_of_a_client(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    give(deployment, browser, page, app, remember="yes")
    deployment.clock.advance(STEP)
    browser.decide(browser.sign_in(browser.open(web_app.ask(prompt="login").url)))
    for asked in (web_app.ask(acr_values=MULTI_FACTOR), web_app.ask(claims=essential(MULTI_FACTOR))):
        assert form_of(browser.open(asked.url)).action == "/login/second"
    deployment.change_client(WEB_APP, required_acr=MULTI_FACTOR)
    asked = web_app.ask()
    before = {item["sid"]["S"] for item in sessions_of(deployment)}
    page = browser.open(asked.url)
    assert form_of(page).action == "/login/second"
    claims = claims_of(web_app, asked, give(deployment, browser, page, app))
    assert (claims["acr"], claims["amr"]) == (MULTI_FACTOR, ["pwd", "otp", "mfa"])
    assert {item["sid"]["S"] for item in sessions_of(deployment)} == before  # the same sid


@pytest.mark.usefixtures("remembering")
@pytest.mark.parametrize("what", ["30 days", "epoch", "second factor", "policy", "not ticked"])
def test_a_browser_is_forgotten(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application, what: str
) -> None:
    more = {} if what == "not ticked" else {"remember": "yes"}
    give(deployment, browser, page, app, **more)
    if what == "30 days":
        deployment.clock.advance(30 * 86_400)
    elif what == "epoch":
        deployment.raise_epoch(SUB)
    elif what == "second factor":
        give_another(deployment)
    elif what == "policy":
        deployment.registrar.put_policy(Policy())
        deployment.clock.advance(11)
    at_code(deployment, browser, web_app.ask(prompt="login"))


@pytest.mark.usefixtures("remembering")
def test_a_remembered_session_ends_with_its_second_factor(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    give(deployment, browser, page, app, remember="yes")
    deployment.clock.advance(1)
    browser.sign_in(browser.open(web_app.ask(prompt="login").url))
    assert browser.get("/account/sessions").status == 200
    give_another(deployment)
    assert is_at(browser.get("/account/sessions"), "/authorize")


def test_nothing_is_remembered_where_the_operator_does_not_allow_it(
    deployment: Deployment, browser: Browser, page: Answer, app: App, web_app: Application
) -> None:
    assert "remember" not in form_of(page).names
    give(deployment, browser, page, app, remember="yes")
    assert not [item for item in deployment.everything() if item["pk"]["S"].startswith("device#")]


# What is kept (P21).


def test_seeds_are_ciphertext_and_recovery_codes_are_hashes(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    codes = give_codes(deployment, SUB)
    kept = repr(deployment.everything())
    assert repr(app.seed)[2:-1] not in kept
    for code in codes:
        assert code not in kept
        assert code.partition("-")[2].replace("-", "") not in kept
    sealed = factor_of(deployment, app)["sealed_seed"]
    for use_, about in (("second-factor", "demo-jane"), ("provider-secret", SUB)):
        with pytest.raises(TemporarilyUnavailable) as refused:
            deployment.server.sealing.open(use_, about, sealed)
        assert "Decrypt" in str(refused.value.detail)
    assert deployment.server.sealing.open("second-factor", SUB, sealed) == app.seed


def test_the_page_names_what_is_needed_by_a_phone(page: Answer) -> None:
    assert 'autocomplete="one-time-code"' in page.body
    assert 'inputmode="numeric"' in page.body


def test_a_page_that_was_open_for_too_long_is_begun_anew(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    deployment.clock.advance(601)
    answer = type_code(browser, page, app.code(deployment.clock.now))
    assert is_at(answer, "/authorize")
    assert parse_qs(urlsplit(answer.location).query).keys() == {"resume"}
    assert form_of(browser.follow(answer)).action in ("/login/second", "/login")


def test_after_a_wrong_code_the_page_is_as_it_was(
    deployment: Deployment, browser: Browser, page: Answer, app: App
) -> None:
    answer = type_code(browser, page, app.wrong(deployment.clock.now))
    assert form_of(answer).hidden == form_of(page).hidden
