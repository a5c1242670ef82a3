"""The first means costs a code by mail: a thief who has only a password adds no passkey of their own to an account
with a proven address, and passes for nobody by one.
"""

from __future__ import annotations

from typing import Any

import pytest
from valet.handles import digest
from valet.jose.compact import decode
from valet.models.mails import ADDRESS, FIRST_MEANS, Mail

from tests.integration.guesses import anew
from tests.integration.visiting import at_account, items_of, press
from tests.support.application import Application
from tests.support.authenticator import SoftPasskey
from tests.support.browser import Browser, filled_in, form_of, forms_of, passkey_form_of
from tests.support.deployment import Deployment
from tests.support.joining import ADA, PASSWORD, Person
from tests.support.mailbox import Mailbox
from tests.support.passkeys import give_passkey, use
from tests.support.post import Post, code_of
from tests.support.second_factors import codes_on, ways_on
from tests.support.wire import Answer

PATH, OWN = "/account/passkeys", "john@example.com"
# A refusal makes the page again, for which nothing is written but that the session was used and that a code was tried.
BUT = ("session#", "code#")


@pytest.fixture
def page(post: Post, browser: Browser) -> Answer:
    """Somebody has just signed in with John's password, and is at the page."""
    return browser.sign_in(browser.open(PATH))


def passkeys_of(deployment: Deployment, sub: str = "demo-john") -> frozenset[str]:
    account = deployment.users().find_account(sub)
    assert account is not None
    return account.passkeys


def change(deployment: Deployment, **attributes: Any) -> None:
    names = ", ".join(f"#{name} = :{name}" for name in attributes)
    values = {f":{name}": value for name, value in attributes.items()}
    deployment.table("Users").update("account#demo-john", "account", f"SET {names}", values)


def ask(post: Post, browser: Browser, page: Answer, to: str = OWN) -> tuple[Answer, str]:
    """The page that asks for the code, and the code."""
    answer = press(browser, page, "do", "send_code")
    assert answer.status == 200
    post.deliver()
    assert post.newest.to == (to,)
    return answer, code_of(post.newest)


def proven(post: Post, browser: Browser, page: Answer) -> Answer:
    """The page with the passkeys' form, after the code."""
    asked, code = ask(post, browser, page)
    answer = press(browser, asked, "do", "enter_code", code=code)
    assert answer.status == 200
    return answer


def add(browser: Browser, page: Answer, **changes: str) -> tuple[SoftPasskey, Answer]:
    """The page's form, as its script fills it in."""
    form = passkey_form_of(page)
    made = SoftPasskey(form.data["rp-id"], decode(form.data["user-handle"].encode()))
    filled = {**form.hidden, **made.made(browser.issuer, form.data["challenge"]), **changes}
    return made, browser.post(PATH, filled)


def assert_asks(page: Answer) -> None:
    """The page asks for the code, and has no form that adds anything."""
    assert page.status in (200, 400)
    assert 'value="send_code"' in page.body
    assert 'id="passkey"' not in page.body
    assert "script-src" not in page.headers["content-security-policy"]


def test_the_first_passkey_takes_a_code_that_went_to_the_accounts_address(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    assert_asks(page)
    assert "j…@example.com" in page.body
    assert OWN not in page.body
    made, answer = add(browser, proven(post, browser, page))
    assert answer.status == 200
    assert passkeys_of(deployment) == {made.digest}
    post.deliver()
    assert "A passkey was added" in post.newest.text


def test_a_stolen_password_adds_nothing(
    deployment: Deployment, post: Post, browser: Browser, page: Answer, web_app: Application
) -> None:
    """The thief has a page of their own account's, whose form they fill in for John's."""
    thief = at_account(deployment, "jane")
    theirs = proven_for_jane(post, thief)
    form = passkey_form_of(theirs)
    made = SoftPasskey(form.data["rp-id"], decode(form.data["user-handle"].encode()))
    filled = {**form.hidden, **made.made(browser.issuer, form.data["challenge"])}
    for sent in (
        filled,
        {**filled, "first_means": ""},
        {**filled, "csrf_token": forms_of(page)[0].hidden["csrf_token"]},
    ):
        with deployment.nothing_spent(BUT):
            answer = browser.post(PATH, sent)
        assert answer.status == 400
        assert_asks(answer)
    assert not passkeys_of(deployment)
    assert "passkey.added" not in deployment.audit.names


def proven_for_jane(post: Post, browser: Browser) -> Answer:
    asked, code = ask(post, browser, browser.get(PATH), "jane@example.com")
    return press(browser, asked, "do", "enter_code", code=code)


def test_a_form_without_the_proof_or_with_anothers_adds_nothing(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    shown = proven(post, browser, page)
    for proof in ("", "x", "A" * 43):
        with deployment.nothing_spent(BUT):
            assert add(browser, shown, first_means=proof)[1].status == 400
    other = at_account(deployment)
    form = passkey_form_of(shown)
    with deployment.nothing_spent(BUT):
        assert other.post(PATH, form.hidden).status == 400
    assert not passkeys_of(deployment)


@pytest.mark.parametrize(
    "mail",
    [
        Mail(ADDRESS, OWN, 2_000_000_000, sub="demo-john"),
        Mail(FIRST_MEANS, OWN, 1_800_000_000, sub="demo-john"),
        Mail(FIRST_MEANS, OWN, 2_000_000_000, sub="demo-jane"),
        Mail(FIRST_MEANS, OWN, 2_000_000_000, sub="demo-john", epoch=1),
        Mail(FIRST_MEANS, "thief@example.com", 2_000_000_000, sub="demo-john"),
    ],
    ids=["of another purpose", "too old", "of another account", "of another epoch", "to another address"],
)
def test_a_proof_counts_only_while_the_account_is_as_the_mail_found_it(
    deployment: Deployment, post: Post, browser: Browser, page: Answer, mail: Mail
) -> None:
    """Whatever a table holds: the form is this session's, and so is the proof in it."""
    shown = proven(post, browser, page)
    secret = passkey_form_of(shown).hidden["first_means"]
    deployment.server.mails.put_mail(digest(secret), mail)
    with deployment.nothing_spent(BUT):
        answer = add(browser, shown)[1]
    assert answer.status == 400
    assert "First type the code" in answer.body
    assert not passkeys_of(deployment)


@pytest.mark.parametrize("code", ["", "00000000", "x"])
def test_a_wrong_code_proves_nothing(
    deployment: Deployment, post: Post, browser: Browser, page: Answer, code: str
) -> None:
    asked, right = ask(post, browser, page)
    with deployment.nothing_spent(BUT):
        answer = press(browser, asked, "do", "enter_code", code=code)
    assert answer.status == 400
    assert "That code does not work" in answer.body
    assert_asks(answer)
    for _ in range(4):
        press(browser, asked, "do", "enter_code", code="00000000")
    with deployment.nothing_spent(BUT):
        assert press(browser, asked, "do", "enter_code", code=right).status == 400


def test_a_code_counts_in_the_session_that_asked_for_it_alone(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    _, code = ask(post, browser, page)
    other = at_account(deployment)
    with deployment.nothing_spent(BUT):
        assert press(other, other.get(f"{PATH}?code=yes"), "do", "enter_code", code=code).status == 400


def test_a_code_for_a_change_of_address_is_none_for_the_first_means(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """The thief has the new address, and its code."""
    press(browser, browser.get("/account/email"), "do", "send", address="thief@example.com")
    post.deliver()
    code = code_of(post.newest)
    with deployment.nothing_spent(BUT):
        assert press(browser, browser.get(f"{PATH}?code=yes"), "do", "enter_code", code=code).status == 400


def test_after_a_change_of_address_the_code_goes_to_the_one_before(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """For as long as it can undo the change: a thief who changed the address gets no code."""
    change(deployment, email="thief@example.com", former_email=OWN, former_until=int(deployment.clock()) + 100)
    assert "j…@example.com" in browser.get(PATH).body
    ask(post, browser, browser.get(PATH), OWN)
    deployment.clock.advance(101)
    ask(post, browser, browser.get(PATH), "thief@example.com")


def test_a_proof_that_went_to_the_new_address_counts_only_when_the_former_one_is_past(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    shown = proven(post, browser, page)
    change(deployment, email="new@example.com", former_email="else@example.com", former_until=2_000_000_000)
    with deployment.nothing_spent(BUT):
        assert add(browser, shown)[1].status == 400


def test_a_second_mail_in_an_hour_and_no_more_than_three(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    answers = [press(browser, page, "do", "send_code") for _ in range(4)]
    assert len({answer.body for answer in answers}) == 1
    assert len(post.asked_for) == 3
    assert deployment.audit.names.count("mail.throttled") == 1


def test_a_form_that_this_session_was_not_shown_sends_and_takes_nothing(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    theirs = forms_of(at_account(deployment, "jane").get(PATH))[0].hidden["csrf_token"]
    for token in ("", "x", theirs):
        for do in ("send_code", "enter_code"):
            with deployment.nothing_spent(("session#",)):
                assert browser.post(PATH, {"csrf_token": token, "do": do, "code": "1"}).status == 400
    assert not post.asked_for


# Where no code is asked for -------------------------------------------------------------------------------------------


def test_without_mail_no_code_is_asked_for(deployment: Deployment, browser: Browser) -> None:
    made, answer = add(browser, browser.sign_in(browser.open(PATH)))
    assert answer.status == 200
    assert passkeys_of(deployment) == {made.digest}


@pytest.mark.parametrize("attributes", [{"email_verified": False}, {"email": ""}])
def test_an_account_without_a_proven_address_is_asked_for_none(
    deployment: Deployment, post: Post, browser: Browser, attributes: dict[str, Any]
) -> None:
    change(deployment, **attributes)
    made, answer = add(browser, browser.sign_in(browser.open(PATH)))
    assert answer.status == 200
    assert passkeys_of(deployment) == {made.digest}
    assert not post.asked_for


def test_who_has_a_passkey_adds_a_second_one_by_the_first(deployment: Deployment, post: Post, browser: Browser) -> None:
    """The sign-in was by the passkey: a stolen password does not get here."""
    first = give_passkey(deployment.table("Users"), "demo-john", "id.example.com")
    asked = browser.open(PATH)
    deployment.clock.advance(1)
    page = browser.follow(use(browser, asked, first))
    made, answer = add(browser, page)
    assert answer.status == 200
    assert passkeys_of(deployment) == {first.digest, made.digest}


def test_who_has_joined_by_a_mail_some_minutes_ago_has_typed_such_a_code(
    deployment: Deployment, mailbox: Mailbox, web_app: Application
) -> None:
    mailbox.switch_on()
    ada = Person.at(deployment, mailbox, web_app)
    ada.browser.follow(ada.joins(ada.browser.get(ada.mail().link)))
    deployment.clock.advance(299)
    made, answer = add(ada.browser, ada.browser.open(PATH))
    assert answer.status == 200
    (account,) = (each for each in items_of(deployment, "account") if each["email"]["S"] == ADA)
    assert account["passkeys"]["SS"] == [made.digest]


def test_an_older_sign_in_and_one_by_the_password_take_the_code_again(
    deployment: Deployment, mailbox: Mailbox, web_app: Application
) -> None:
    mailbox.switch_on()
    ada = Person.at(deployment, mailbox, web_app)
    ada.browser.follow(ada.joins(ada.browser.get(ada.mail().link)))
    deployment.clock.advance(301)
    page = ada.browser.open(PATH)
    assert_asks(ada.browser.submit(page, username=ADA, password=PASSWORD))


def test_who_has_joined_and_changed_the_address_since_takes_the_code_at_the_former_one(
    deployment: Deployment, mailbox: Mailbox, web_app: Application
) -> None:
    """Somebody else may be at the browser."""
    mailbox.switch_on()
    ada = Person.at(deployment, mailbox, web_app)
    ada.browser.follow(ada.joins(ada.browser.get(ada.mail().link)))
    asked = press(ada.browser, ada.browser.get("/account/email"), "do", "send", address="thief@example.org")
    mailbox.deliver()
    assert press(ada.browser, asked, "do", "enter", code=code_of(mailbox.newest)).status == 200
    page = ada.browser.get(PATH)
    assert_asks(page)
    assert "A…@Example.org" in page.body


def test_a_passkey_that_is_refused_leaves_the_proof_good(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    shown = proven(post, browser, page)
    refused = add(browser, shown, public_key="AAAA")[1]
    assert refused.status == 400
    assert add(browser, refused)[1].status == 200


# A first password -----------------------------------------------------------------------------------------------------


def test_a_password_next_to_another_provider_alone_takes_the_code(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """A thief who is signed in at the provider, or at this browser, sets none without the mailbox."""
    path, new = "/account/password", "several words in a row"
    deployment.table("Users").delete("password#demo-john", "first")
    change(deployment, has_no_password=True)
    shown = browser.get(path)
    assert 'name="new_password"' not in shown.body
    sent = filled_in(shown, "do", "send_code")
    with deployment.nothing_spent(BUT):
        assert browser.post(path, {**sent[1], "new_password": new, "do": ""}).status == 400
    asked, code = ask(post, browser, shown)
    form = press(browser, asked, "do", "enter_code", code=code)
    short = press(browser, form, new_password="short")
    assert (short.status, "too short" in short.body) == (400, True)
    with deployment.nothing_spent(BUT):
        assert press(browser, short, first_means="", new_password=new).status == 400
    assert press(browser, short, new_password=new).status == 200


# The offer after a sign-in by a password ------------------------------------------------------------------------------


@pytest.fixture
def offer(post: Post, browser: Browser, web_app: Application) -> Answer:
    """The page that offers a passkey on the way to the app."""
    browser.declines_passkeys = False
    return browser.sign_in(browser.open(web_app.ask().url))


def test_the_offer_asks_for_the_code_and_goes_on_to_the_app(
    deployment: Deployment, post: Post, browser: Browser, offer: Answer
) -> None:
    assert_asks(offer)
    asked, code = ask(post, browser, offer)
    assert "Not now" in asked.body
    shown = press(browser, asked, "do", "enter_code", code=code)
    made, answer = add(browser, shown)
    assert passkeys_of(deployment) == {made.digest}
    codes = browser.follow(answer)  # with the first means come recovery codes, and the way on
    assert len(codes_on(codes)) == 10
    assert form_of(browser.open(ways_on(codes)[-1])).names >= {"decision"}


@pytest.mark.parametrize("has_asked", [False, True])
def test_who_wants_none_goes_on_to_the_app(
    deployment: Deployment, post: Post, browser: Browser, offer: Answer, has_asked: bool
) -> None:
    page = ask(post, browser, offer)[0] if has_asked else offer
    answer = press(browser, page, "do", "later")
    assert form_of(browser.follow(answer)).names >= {"decision"}
    assert not passkeys_of(deployment)


def test_the_page_in_another_language_still_asks_for_the_code_and_knows_its_request(
    deployment: Deployment, post: Post, browser: Browser, offer: Answer
) -> None:
    asked, code = ask(post, browser, offer)
    handle = filled_in(asked, "do", "enter_code")[1]["request"]
    assert f'<input type="hidden" name="request" value="{handle}">' in asked.body.partition("<footer>")[2]
    german = browser.get(f"{PATH}?request={handle}&code=yes&lang=de")
    shown = press(browser, german, "do", "enter_code", code=code)
    assert passkey_form_of(shown).hidden["request"] == handle


def test_a_thief_in_another_browser_gets_no_further_than_the_owner_lets_them(
    deployment: Deployment, post: Post, web_app: Application
) -> None:
    """The mail says what is going on, and to give the code to nobody."""
    thief = anew(deployment)
    ask(post, thief, thief.sign_in(thief.open(PATH)))
    assert "give the code to nobody" in post.newest.text
    assert not passkeys_of(deployment)
