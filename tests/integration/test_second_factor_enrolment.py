"""Adding, changing and removing a second factor at /account/second, and recovery codes at /account/recovery: only after
a fresh sign-in of the best level that the account can reach, and nothing that is wrong changes anything.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from valet.aws.dynamodb.factors import DynamoFactors
from valet.front_channel.proving import MAIL, prove
from valet.front_channel.saved_requests import require_saved
from valet.http import Request
from valet.models.accounts import Account
from valet.models.policy import Policy
from valet.people import totp
from valet.people.totp import STEP, code_at, seed_from_base32

from tests.integration.test_levels import is_at, unmet
from tests.integration.test_second_factors import at_code, claims_of, give
from tests.support.application import Application
from tests.support.browser import Browser, filled_in, form_of, forms_of
from tests.support.deployment import Deployment
from tests.support.passkeys import give_passkey, use
from tests.support.post import Post, code_of
from tests.support.second_factors import App, codes_on, give_codes, give_totp, keep_codes, type_code, ways_on
from tests.support.wire import Answer

PATH, SUB, WEB_APP = "/account/second", "demo-john", "web_app_123"
MULTI_FACTOR, PHR = "urn:valet:acr:multi-factor", "phr"
BUT = ("session#",)  # a refusal makes the page again, for which nothing is written but that the session was used


@pytest.fixture
def page(browser: Browser) -> Answer:
    """John has just signed in with his password, and is at the page."""
    return browser.sign_in(browser.open(PATH))


@pytest.fixture
def app(deployment: Deployment) -> App:
    """John's."""
    return give_totp(deployment, SUB)


def account_of(deployment: Deployment) -> Account:
    found = deployment.users().find_account(SUB)
    assert found is not None
    return found


def seed_on(page: Answer) -> bytes:
    """The seed that an app reads from the page."""
    (seed,) = re.findall(r'name="seed" value="([A-Z2-7]+)"', page.body)
    return seed_from_base32(seed)


def code_on(deployment: Deployment, page: Answer) -> str:
    return code_at(seed_on(page), int(deployment.clock.now) // STEP)


def add(deployment: Deployment, browser: Browser, page: Answer) -> Answer:
    action, form = filled_in(page)
    return browser.post(action, {**form, "code": code_on(deployment, page)})


def factors(deployment: Deployment) -> list[Any]:
    return [item for item in deployment.everything() if item["pk"]["S"] == f"factor#{SUB}"]


def sign_in_with(deployment: Deployment, browser: Browser, app: App, path: str = PATH) -> Answer:
    page = browser.sign_in(browser.open(path))
    deployment.clock.advance(STEP)
    return browser.follow(type_code(browser, page, app.code(deployment.clock.now)))


def test_a_second_factor_is_added_and_signs_in(
    deployment: Deployment, browser: Browser, page: Answer, web_app: Application
) -> None:
    seed = seed_on(page)
    assert len(seed) == 20
    uri = urlsplit(next(address for address in ways_on(page) if address.startswith("otpauth:")))
    asked = parse_qs(uri.query)
    assert (uri.netloc, uri.path) == ("totp", "/Valet:john")
    assert asked == {
        "secret": [totp.seed_in_base32(seed)],
        "issuer": ["Valet"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }
    assert '<svg viewBox="0 0 ' in page.body
    assert "style=" not in page.body.partition("<svg")[2].partition("</svg>")[0]  # the policy forbids it
    answer = add(deployment, browser, page)
    assert "Your authenticator app is in use" in answer.body
    assert "second.added" in deployment.audit.names
    named = account_of(deployment)
    assert {item["sk"]["S"] for item in factors(deployment)} == {named.totp_id, named.recovery_id}
    added = App(seed, named.totp_id)
    page = at_code(deployment, browser, web_app.ask(prompt="login"))
    assert type_code(browser, page, added.code(deployment.clock.now)).status == 401  # it was used to add the app
    deployment.clock.advance(STEP)
    assert form_of(give(deployment, browser, page, added)).names >= {"decision"}


def test_with_the_first_second_factor_come_ten_recovery_codes(
    deployment: Deployment, browser: Browser, page: Answer, web_app: Application
) -> None:
    answer = add(deployment, browser, page)
    codes = codes_on(answer)
    assert [code.partition("-")[0] for code in codes] == [str(number) for number in range(1, 11)]
    assert all(re.fullmatch(r"\d+(-[0-9A-Z]{4}){4}", code) for code in codes)
    assert "recovery.made" in deployment.audit.names
    page = at_code(deployment, browser, web_app.ask(prompt="login"))
    assert type_code(browser, page, codes[0]).status == 303


def test_the_first_app_costs_a_code_by_mail(deployment: Deployment, post: Post, browser: Browser) -> None:
    page = browser.sign_in(browser.open(PATH))
    assert 'name="seed"' not in page.body
    asked = browser.post(*filled_in(page, "do", "send_code"))
    post.deliver()
    wrong = browser.post(*filled_in(asked, "do", "enter_code", code="0000 0000"))
    assert (wrong.status, 'name="seed"' in wrong.body) == (400, False)
    page = browser.post(*filled_in(wrong, "do", "enter_code", code=code_of(post.newest)))
    action, form = filled_in(page)
    # The proof is covered by the form's token: another one, or none, adds nothing.
    for proof in ({"first_means": ""}, {"first_means": "A" * 43}):
        assert browser.post(action, {**form, **proof, "code": code_on(deployment, page)}).status == 400
    assert not account_of(deployment).totp_id
    wrong = browser.post(action, {**form, "code": App(seed_on(page), "").wrong(deployment.clock.now)})
    assert (wrong.status, seed_on(wrong)) == (400, seed_on(page))  # and goes on from there
    assert "Your authenticator app is in use" in add(deployment, browser, wrong).body
    assert account_of(deployment).totp_id


def test_a_session_of_another_browser_that_knows_the_password_alone_is_no_session_any_more(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    thief = Browser(deployment.send, deployment.issuer)
    thief.sign_in(thief.open("/account"))
    add(deployment, browser, page)
    assert is_at(thief.get("/account"), "/authorize")


@pytest.mark.parametrize("what", ["wrong code", "no code", "another seed", "no token", "another's token"])
def test_what_is_wrong_adds_nothing(deployment: Deployment, browser: Browser, page: Answer, what: str) -> None:
    code = code_on(deployment, page)
    form = {**form_of(page).hidden, "code": code}
    if what == "wrong code":
        form["code"] = "000000" if code != "000000" else "111111"
    elif what == "no code":
        del form["code"]
    elif what == "another seed":  # chosen by whoever made the form
        form["seed"] = totp.seed_in_base32(b"x" * 20)
        form["code"] = code_at(b"x" * 20, int(deployment.clock.now) // STEP)
    elif what == "no token":
        del form["csrf_token"]
    else:
        other = Browser(deployment.send, deployment.issuer)
        form = {**form_of(other.sign_in(other.open(PATH), "jane")).hidden, "code": code}
    with deployment.nothing_spent(BUT):
        answer = browser.post(PATH, form)
    assert answer.status == 400
    assert account_of(deployment).totp_id == ""
    if what == "wrong code":
        assert seed_on(answer) == seed_on(page)  # the app has it already
        assert add(deployment, browser, answer).status == 200


@pytest.mark.parametrize("what", ["epoch", "another second factor"])
def test_who_comes_too_late_adds_nothing(
    deployment: Deployment, browser: Browser, page: Answer, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The owner signs out everywhere, or adds an app, while a thief's request is under way."""
    seal = type(deployment.server.sealing).seal

    def later(self: Any, *arguments: Any) -> bytes:
        monkeypatch.undo()
        if what == "epoch":
            deployment.raise_epoch(SUB)
        else:
            give_totp(deployment, SUB)
        return seal(self, *arguments)

    monkeypatch.setattr(type(deployment.server.sealing), "seal", later)
    answer = add(deployment, browser, page)
    assert answer.status == 400
    assert len(factors(deployment)) == (0 if what == "epoch" else 1)
    assert "second.added" not in deployment.audit.names


def test_a_password_alone_changes_no_second_factor(deployment: Deployment, browser: Browser, app: App) -> None:
    page = browser.sign_in(browser.open(PATH))
    assert form_of(page).action == "/login/second"
    assert is_at(browser.get(PATH), "/authorize")


def test_an_app_is_replaced_and_the_one_before_is_gone(
    deployment: Deployment, browser: Browser, app: App, web_app: Application
) -> None:
    give_codes(deployment, SUB)
    page = sign_in_with(deployment, browser, app)
    action, form = filled_in(page)
    answer = browser.post(action, {**form, "code": code_on(deployment, page)})
    assert "Your authenticator app is in use" in answer.body
    assert len(factors(deployment)) == 2  # it, and the codes
    new = App(seed_on(page), account_of(deployment).totp_id)
    other = Browser(deployment.send, deployment.issuer)
    asked = at_code(deployment, other, web_app.ask())
    deployment.clock.advance(2 * STEP)
    assert type_code(other, asked, app.code(deployment.clock.now)).status == 401
    assert type_code(other, asked, new.code(deployment.clock.now)).status == 303


def test_a_second_factor_is_removed(deployment: Deployment, browser: Browser, app: App, web_app: Application) -> None:
    page = sign_in_with(deployment, browser, app)
    action, form = filled_in(page, "do", "remove")
    assert browser.post(action, form).status == 303
    assert account_of(deployment).totp_id == ""
    assert not factors(deployment)
    assert "second.removed" in deployment.audit.names
    deployment.clock.advance(1)
    assert form_of(browser.sign_in(browser.open(web_app.ask(prompt="login").url))).names >= {"decision"}


@pytest.mark.parametrize("what", ["policy", "role", "account", "short password"])
def test_a_second_factor_that_is_required_stays(deployment: Deployment, browser: Browser, app: App, what: str) -> None:
    if what == "policy":
        deployment.registrar.put_policy(Policy(second_factor="required"))
    elif what == "role":
        deployment.registrar.put_policy(Policy(role_required_acr=frozenset({f"user={MULTI_FACTOR}"})))
    else:
        name, value = ("required_acr", MULTI_FACTOR) if what == "account" else ("has_short_password", True)
        update = deployment.table("Users").update
        update(f"account#{SUB}", "account", f"SET #{name} = :value", {":value": value})
    deployment.clock.advance(11)
    page = sign_in_with(deployment, browser, app)
    action, form = filled_in(page, "do", "remove")
    with deployment.nothing_spent(BUT):
        answer = browser.post(action, form)
    assert answer.status == 400
    assert "The app was not removed" in answer.body
    assert account_of(deployment).totp_id == app.totp_id


def test_who_has_a_passkey_needs_it_to_change_the_second_factor(
    deployment: Deployment, browser: Browser, app: App
) -> None:
    passkey = give_passkey(deployment.table("Users"), SUB, "id.example.com")
    page = browser.sign_in(browser.open(PATH))
    assert "you have to sign in with a passkey" in page.body
    deployment.clock.advance(1)
    assert "Use another app or another phone" in browser.follow(use(browser, page, passkey)).body


def test_the_sign_in_has_to_be_fresh(deployment: Deployment, browser: Browser, page: Answer) -> None:
    deployment.clock.advance(301)
    with deployment.nothing_spent(BUT):
        answer = add(deployment, browser, page)
    assert is_at(answer, PATH)
    assert account_of(deployment).totp_id == ""


def test_there_is_no_such_section_where_second_factors_are_off(deployment: Deployment, browser: Browser) -> None:
    deployment.restart(second_factor="off")
    assert browser.get(PATH).status == 404
    assert browser.get("/account/recovery").status == 303  # passkeys get lost too
    assert "/account/second" not in browser.sign_in(browser.open("/account")).body


# Recovery codes.


def test_new_recovery_codes_replace_those_before(
    deployment: Deployment, browser: Browser, app: App, web_app: Application
) -> None:
    former = give_codes(deployment, SUB)
    page = sign_in_with(deployment, browser, app, "/account/recovery")
    assert "Codes that you can still use: 10" in page.body
    assert not codes_on(page)
    codes = codes_on(browser.submit(page))
    assert len(codes) == 10
    assert not set(codes) & set(former)
    assert len(factors(deployment)) == 2
    page = at_code(deployment, browser, web_app.ask(prompt="login"))
    assert [type_code(browser, page, code).status for code in (former[0], codes[0])] == [401, 303]


def test_new_recovery_codes_are_told_by_mail_before_they_count(
    deployment: Deployment, browser: Browser, app: App
) -> None:
    """Else a thief who has seen one code of the app has a way in that stays, and its owner never hears of it."""
    give_codes(deployment, SUB)
    post = Post(deployment)
    page = sign_in_with(deployment, browser, app, "/account/recovery")
    deployment.aws.queues.clear()
    with deployment.aws.recorded() as calls:
        browser.submit(page)
    made = [(call.action, call.partition_prefix) for call in calls]
    assert made.index(("SendMessage", None)) < made.index(("UpdateItem", "account#"))
    post.deliver()
    assert "New recovery codes were made" in post.newest.text


def test_a_form_for_codes_counts_once(deployment: Deployment, browser: Browser, app: App) -> None:
    give_codes(deployment, SUB)
    page = sign_in_with(deployment, browser, app, "/account/recovery")
    browser.submit(page)
    kept = account_of(deployment).recovery_id
    with deployment.nothing_spent(BUT):
        assert browser.submit(page).status == 400
    assert account_of(deployment).recovery_id == kept


def test_who_has_nothing_to_lose_makes_no_codes(deployment: Deployment, browser: Browser) -> None:
    page = browser.sign_in(browser.open("/account/recovery"))
    assert not forms_of(page)
    assert "once you have a passkey or an authenticator app" in page.body


def test_a_stolen_password_makes_itself_no_second_factor_of_new_recovery_codes(
    deployment: Deployment, browser: Browser, app: App, web_app: Application
) -> None:
    """John has removed his app, and his recovery codes are left. They would open what asks for two factors."""
    give_codes(deployment, SUB)
    before = deployment.users().find_account(SUB)
    assert DynamoFactors(deployment.table("Users")).drop_totp(account_of(deployment))
    page = browser.sign_in(browser.open("/account/recovery"))
    assert not forms_of(page)
    kept = factors(deployment)
    answer = browser.post("/account/recovery", {"do": "make"})
    assert answer.status == 400
    assert factors(deployment) == kept
    assert before is not None
    assert account_of(deployment).recovery_id == before.recovery_id


# Enrolment that is required (ENROL).


@pytest.mark.parametrize("who", ["policy", "client", "role", "account"])
def test_who_lacks_a_second_factor_that_is_required_adds_one_and_goes_on(
    deployment: Deployment, browser: Browser, web_app: Application, who: str
) -> None:
    _require(deployment, who, MULTI_FACTOR)
    asked = web_app.ask()
    page = browser.sign_in(browser.open(asked.url))
    assert "To go on, you need a second step when you sign in" in page.body
    assert [fields["acr"] for name, fields in deployment.audit.events if name == "enrolment.required"]
    assert any(address.startswith("/account/passkeys?") for address in ways_on(page))
    page = keep_codes(browser, add(deployment, browser, page))
    assert form_of(page).action == "/login/second"
    deployment.clock.advance(STEP)
    app = App(_seed_of(deployment), account_of(deployment).totp_id)
    assert claims_of(web_app, asked, browser.decide(give(deployment, browser, page, app)))["acr"] == MULTI_FACTOR


def _require(deployment: Deployment, who: str, acr: str) -> None:
    if who == "policy":
        deployment.registrar.put_policy(Policy(second_factor="required"))
    elif who == "client":
        deployment.change_client(WEB_APP, required_acr=acr)
    elif who == "role":
        deployment.registrar.put_policy(Policy(role_required_acr=frozenset({f"user={acr}"})))
    else:
        update = deployment.table("Users").update
        update(f"account#{SUB}", "account", "SET #required_acr = :acr", {":acr": acr})
    deployment.clock.advance(11)


def _seed_of(deployment: Deployment) -> bytes:
    item = deployment.table("Users").get(f"factor#{SUB}", account_of(deployment).totp_id)
    assert item is not None
    return deployment.server.sealing.open("second-factor", SUB, item["sealed_seed"])


def test_a_passkey_is_enough_where_a_second_factor_is_required(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    passkey = give_passkey(deployment.table("Users"), SUB, "id.example.com")
    _require(deployment, "policy", "")
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(1)
    assert form_of(browser.follow(use(browser, page, passkey))).names >= {"decision"}


def test_who_has_a_passkey_cannot_add_a_second_factor_by_the_password_alone(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    give_passkey(deployment.table("Users"), SUB, "id.example.com")
    _require(deployment, "policy", "")
    page = browser.sign_in(browser.open(web_app.ask().url))
    assert "you have to sign in with a passkey" in page.body
    assert is_at(browser.get(PATH), "/authorize")


def test_who_has_a_second_factor_shows_it_before_making_a_passkey_that_is_required(
    deployment: Deployment, browser: Browser, web_app: Application, app: App
) -> None:
    _require(deployment, "client", PHR)
    page = at_code(deployment, browser, web_app.ask())
    assert "To go on, you need a passkey" in give(deployment, browser, page, app).body


def test_where_nothing_can_be_added_the_client_is_told(deployment: Deployment, web_app: Application) -> None:
    from tests.support.passkeys import at_own_name

    _require(deployment, "policy", "")
    browser = at_own_name(deployment)
    answer = browser.sign_in(browser.open(web_app.ask().url.replace(web_app.issuer, browser.issuer)))
    assert unmet(answer)


# A mail instead of a password.


def proven_by_mail(deployment: Deployment, browser: Browser, section: str) -> str:
    """The way back from a mail that came to John, whose account has no password: what /recover/confirm leaves."""
    page = browser.open(f"/account/{section}")
    handle, server, now = form_of(page).hidden["request"], deployment.server, deployment.clock.now
    request = Request("GET", "/", deployment.issuer, cookies=dict(browser.cookies))
    saved = require_saved(handle, request, server.cookies, server.saved_requests, now)
    account = account_of(deployment)
    prove(server, saved, MAIL, account, means=account.email, amr=(), now=now)
    return f"/authorize?resume={handle}&by={MAIL}"


@pytest.fixture
def lost(deployment: Deployment) -> tuple[str, ...]:
    """John has no password, and has lost his passkey: these are his recovery codes."""
    give_passkey(deployment.table("Users"), SUB, "id.example.com")
    values = {":yes": True, ":email": "john@example.com"}
    change = "SET #has_no_password = :yes, #email = :email, #email_verified = :yes"
    deployment.table("Users").update(f"account#{SUB}", "account", change, values)
    return give_codes(deployment, SUB)


def test_a_mail_and_a_recovery_code_open_the_passkeys_alone(
    deployment: Deployment, browser: Browser, lost: tuple[str, ...], web_app: Application
) -> None:
    page = browser.open(proven_by_mail(deployment, browser, "passkeys"))
    assert form_of(page).action == "/login/second"
    assert 'name="use" value="recovery"' in page.body
    page = browser.follow(type_code(browser, page, lost[0]))
    assert "Make a passkey" in page.body
    for path in ("/account", "/account/second", "/account/recovery", "/account/download"):
        assert is_at(browser.get(path), "/authorize"), path
    assert browser.open(web_app.ask(prompt="none").url).answered["error"] == "login_required"


@pytest.mark.parametrize("what", ["another address", "not proven"])
def test_a_mail_counts_only_while_the_account_has_the_address(
    deployment: Deployment, browser: Browser, lost: tuple[str, ...], what: str
) -> None:
    name, value = ("email", "other@example.com") if what == "another address" else ("email_verified", False)
    way_back = proven_by_mail(deployment, browser, "passkeys")
    deployment.table("Users").update(f"account#{SUB}", "account", f"SET #{name} = :new", {":new": value})
    with deployment.nothing_spent():
        assert form_of(browser.open(way_back)).action == "/login"


def test_a_mail_alone_opens_nothing(
    deployment: Deployment, browser: Browser, lost: tuple[str, ...], web_app: Application
) -> None:
    browser.open(proven_by_mail(deployment, browser, "passkeys"))
    for path in ("/account", "/account/passkeys", "/account/second", "/account/recovery", "/account/sessions"):
        assert is_at(browser.get(path), "/authorize"), path
    assert browser.open(web_app.ask(prompt="none").url).answered["error"] == "login_required"
    handle = form_of(browser.open(web_app.ask().url)).hidden["request"]
    assert is_at(browser.get(f"/consent?request={handle}"), "/authorize")
    assert "login.succeeded" not in deployment.audit.names


def test_a_mail_and_a_code_of_an_app_open_nothing(
    deployment: Deployment, browser: Browser, lost: tuple[str, ...], app: App
) -> None:
    page = browser.open(proven_by_mail(deployment, browser, "passkeys"))
    with deployment.nothing_spent():
        assert type_code(browser, page, app.code(deployment.clock.now)).status == 401
