""" "This was not me": the link of a notice takes back an address and a password, and nothing else. It is worth nothing
to a thief, and cannot be outrun by one (promises P15 to P17).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from valet.models.accounts import Account, Identifier
from valet.people.identifiers import UNDONE_WITHIN
from valet.people.undoing import undone

from tests.integration.conftest import Redeemed
from tests.integration.guesses import anew
from tests.integration.visiting import SESSION, at_account, press
from tests.support.application import Application
from tests.support.authenticator import SoftPasskey
from tests.support.browser import Browser, filled_in, form_of, forms_of
from tests.support.deployment import Deployment
from tests.support.joining import Person
from tests.support.mailbox import Mailbox
from tests.support.passkeys import give_passkey, use
from tests.support.post import code_of
from tests.support.wire import Answer

OWN, THIEFS = "john@example.com", "thief@example.org"
OLD, STOLEN, NEW = "password123", "the thief has set this one", "several words in a row"
JOHN = "account#demo-john"


@pytest.fixture
def thief(deployment: Deployment, mailbox: Mailbox) -> Browser:
    """Somebody who has signed in with John's password, and is at his account."""
    mailbox.switch_on()
    return at_account(deployment)


def account_of(deployment: Deployment) -> Account:
    found = deployment.users().find_account("demo-john")
    assert found is not None
    return found


def change(deployment: Deployment, **attributes: Any) -> None:
    names = ", ".join(f"#{name} = :{name}" for name in attributes)
    values = {f":{name}": value for name, value in attributes.items()}
    deployment.table("Users").update(JOHN, "account", f"SET {names}", values)


def signs_in(deployment: Deployment, password: str, name: str = "john") -> bool:
    browser = anew(deployment)
    page = browser.submit(browser.open("/account"), username=name, password=password)
    return page.status == 200 and SESSION in browser.cookies


def change_password(thief: Browser) -> None:
    assert press(thief, thief.get("/account/password"), new_password=STOLEN).status == 200


def change_address(thief: Browser, mailbox: Mailbox, address: str = THIEFS) -> None:
    asked = press(thief, thief.get("/account/email"), "do", "send", address=address)
    mailbox.deliver()
    code = next(code_of(mail) for mail in mailbox.mails if mail.to == (address,))
    assert press(thief, asked, "do", "enter", code=code).status == 200


def links(mailbox: Mailbox) -> dict[str, str]:
    """The links of the newest notices, by whom they were sent to."""
    return {received.to: received.link for received in mailbox.read() if received.purpose == "notice"}


def undo(browser: Browser, link: str) -> Answer:
    page = browser.get(link)
    assert page.status == 200, page.body
    return browser.post(*filled_in(page))


def assert_undone(answer: Answer) -> None:
    assert answer.status == 200
    assert "Your account is yours again" in answer.body
    assert 'href="/recover"' in answer.body


def recovered(deployment: Deployment, mailbox: Mailbox, web_app: Application, address: str) -> bool:
    """Whether who reads the mails of the address can set a password by one."""
    person = Person.at(deployment, mailbox, web_app)
    mailbox.read()
    assert person.ask("recover", address).status == 200
    found = [each for each in mailbox.read() if each.purpose == "recover" and each.to == address]
    if not found:
        return False
    person.sets_password(person.browser.get(found[-1].link), NEW)
    return True


# Taken back -----------------------------------------------------------------------------------------------------------


def test_who_undoes_a_new_password_shuts_the_thief_out_and_sets_one(
    deployment: Deployment, redeemed: Redeemed, mailbox: Mailbox, thief: Browser, web_app: Application
) -> None:
    change_password(thief)
    assert signs_in(deployment, STOLEN)
    thief = anew(deployment)
    thief.sign_in(thief.open("/account"), password=STOLEN)
    assert_undone(undo(anew(deployment), links(mailbox)[OWN]))
    assert deployment.audit.names[-1] == "change.undone"
    assert 'name="password"' in thief.open("/account").body
    assert not any(signs_in(deployment, password) for password in (OLD, STOLEN))
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    assert recovered(deployment, mailbox, web_app, OWN)
    assert signs_in(deployment, NEW)


def test_who_undoes_a_new_address_has_the_account_again(
    deployment: Deployment, mailbox: Mailbox, thief: Browser, web_app: Application
) -> None:
    before = account_of(deployment)
    change_address(thief, mailbox)
    found = links(mailbox)
    assert found.keys() == {OWN, THIEFS}
    assert_undone(undo(anew(deployment), found[OWN]))
    after = account_of(deployment)
    assert (after.email, after.email_verified, after.former_email, after.former_until) == (OWN, True, "", 0)
    assert after.epoch == before.epoch + 1
    users = deployment.users()
    own, thiefs = users.find_identifier(OWN), users.find_identifier(THIEFS)
    assert own is not None
    assert (own.sub, own.released_at, own.expires_at) == ("demo-john", 0, 0)
    assert thiefs is not None
    assert thiefs.released_at
    assert 'name="password"' in thief.open("/account").body
    assert not recovered(deployment, mailbox, web_app, THIEFS)
    assert recovered(deployment, mailbox, web_app, OWN)
    assert signs_in(deployment, NEW, OWN)


def test_the_sign_out_is_announced_before_the_write(deployment: Deployment, mailbox: Mailbox, thief: Browser) -> None:
    change_address(thief, mailbox)
    browser, link = anew(deployment), links(mailbox)[OWN]
    sent = filled_in(browser.get(link))
    with deployment.aws.recorded() as calls:
        browser.post(*sent)
    made = [(call.action, call.partition_prefix) for call in calls]
    assert made[-2:] == [("SendMessage", None), ("UpdateItem", "account#")]


def test_an_undoing_opens_no_session(deployment: Deployment, mailbox: Mailbox, thief: Browser) -> None:
    change_password(thief)
    browser = anew(deployment)
    answer = undo(browser, links(mailbox)[OWN])
    assert SESSION not in browser.cookies
    assert "session=" not in "".join(answer.set_cookies)


# What a thief cannot do -----------------------------------------------------------------------------------------------


def test_a_thief_gains_nothing_by_undoing_from_the_new_address(
    deployment: Deployment, mailbox: Mailbox, thief: Browser, web_app: Application
) -> None:
    """The notice goes there as well. Its link signs everybody out, the thief too, and leaves the owner the way back."""
    change_address(thief, mailbox)
    before, found = account_of(deployment), links(mailbox)
    assert_undone(undo(thief, found[THIEFS]))
    after = account_of(deployment)
    assert (after.email, after.former_email, after.former_until) == (THIEFS, OWN, before.former_until)
    assert after.epoch == before.epoch + 1
    assert 'name="password"' in thief.open("/account").body
    # Not even by setting a password from there: the owner undoes that, too, and the thief's links are worth nothing.
    assert recovered(deployment, mailbox, web_app, THIEFS)
    assert signs_in(deployment, NEW)
    assert_undone(undo(anew(deployment), found[OWN]))
    assert account_of(deployment).email == OWN
    assert not signs_in(deployment, NEW)
    with deployment.nothing_spent():
        assert thief.get(found[THIEFS]).status == 400
    assert not recovered(deployment, mailbox, web_app, THIEFS)


def test_a_second_change_does_not_outrun_the_undoing(deployment: Deployment, mailbox: Mailbox, thief: Browser) -> None:
    """Neither of the address, nor of the password, however often it is changed."""
    held = filled_in(thief.get("/account/email"), "do", "send", address="again@example.org")
    change_address(thief, mailbox)
    found = links(mailbox)
    again = thief.post(*held)
    assert again.status == 400
    assert "was changed lately" in again.body
    change_password(thief)
    thief.sign_in(thief.open("/account"), password=STOLEN)
    assert press(thief, thief.get("/account/password"), new_password=f"{STOLEN} once more").status == 200
    assert_undone(undo(anew(deployment), found[OWN]))
    assert account_of(deployment).email == OWN
    assert not signs_in(deployment, f"{STOLEN} once more")


def test_a_thief_who_is_still_writing_while_the_owner_undoes_comes_too_late(
    deployment: Deployment, mailbox: Mailbox, thief: Browser
) -> None:
    change_address(thief, mailbox)
    read, writes, now = account_of(deployment), deployment.server.own_sign_in, deployment.clock()
    assert_undone(undo(anew(deployment), links(mailbox)[OWN]))
    with deployment.nothing_spent():
        assert not writes.name_password(read, "0000000009.thief", now)
        assert not deployment.server.enrolment.name_passkey(read, "ab" * 32, b"h" * 32)
        assert not writes.undo_change(read, undone(read, THIEFS, "0000000009.x", now), now)
    assert account_of(deployment).email == OWN


def test_a_stolen_mailbox_takes_no_passkey_and_no_second_factor_away(
    deployment: Deployment, mailbox: Mailbox, thief: Browser, web_app: Application
) -> None:
    """What asks for them still asks: the mailbox gives back a password, and a sign-in of that level."""
    passkey = give_passkey(deployment.table("Users"), "demo-john", "id.example.com")
    kept = {"totp_id": "0000000001.totp", "recovery_id": "0000000001.recovery", "required_acr": "phr"}
    change(deployment, **kept)
    before = account_of(deployment)
    deployment.server.letters.send(_notice(deployment))  # type: ignore[union-attr]
    assert_undone(undo(anew(deployment), links(mailbox)[OWN]))
    after = account_of(deployment)
    assert (after.passkeys, after.user_handle) == (frozenset({passkey.digest}), passkey.user_handle)
    assert {name: getattr(after, name) for name in kept} == kept
    assert after.links == before.links
    assert recovered(deployment, mailbox, web_app, OWN)
    asked = anew(deployment)
    assert "you have to sign in with a passkey" in asked.sign_in(asked.open("/account"), password=NEW).body


def _notice(deployment: Deployment) -> Any:
    from valet.models.mails import NOTICE, Letter

    now_ms = int(deployment.clock() * 1000)
    return Letter(NOTICE, deployment.issuer, now_ms, sub="demo-john", what="recovery.used")


def test_an_account_without_a_password_is_given_none(deployment: Deployment, mailbox: Mailbox, thief: Browser) -> None:
    give_passkey(deployment.table("Users"), "demo-john", "id.example.com")
    change(deployment, has_no_password=True)
    deployment.server.letters.send(_notice(deployment))  # type: ignore[union-attr]
    answer = undo(anew(deployment), links(mailbox)[OWN])
    assert 'href="/account"' in answer.body
    assert 'href="/recover"' not in answer.body
    after = account_of(deployment)
    assert (after.has_no_password, after.password_id, after.epoch) == (True, "", 1)


# What a link is worth -------------------------------------------------------------------------------------------------


def test_fetching_the_link_spends_nothing_however_often_and_by_whomever(
    deployment: Deployment, mailbox: Mailbox, thief: Browser
) -> None:
    change_address(thief, mailbox)
    link = links(mailbox)[OWN]
    before, jane = account_of(deployment), at_account(deployment, "jane")
    with deployment.nothing_spent():
        for browser in (anew(deployment), thief, jane) * 3:
            assert "This was not you?" in browser.get(link).body
        assert deployment.send("HEAD", link).status == 200
    assert account_of(deployment) == before
    assert_undone(undo(anew(deployment), link))


def test_a_link_works_for_seven_days(deployment: Deployment, mailbox: Mailbox, thief: Browser) -> None:
    change_password(thief)
    link, browser = links(mailbox)[OWN], anew(deployment)
    deployment.clock.advance(UNDONE_WITHIN - 12)
    sent = filled_in(browser.get(link))
    deployment.clock.advance(12)
    with deployment.nothing_spent():
        for answer in (browser.get(link), browser.post(*sent)):
            assert answer.status == 400
            assert "no longer works" in answer.body
    assert signs_in(deployment, STOLEN)


def test_the_former_address_undoes_nothing_once_its_time_is_over(
    deployment: Deployment, mailbox: Mailbox, thief: Browser
) -> None:
    """Also by the link of a notice that was sent later, and would work longer."""
    change_address(thief, mailbox)
    deployment.clock.advance(100)
    deployment.server.letters.send(_notice(deployment))  # type: ignore[union-attr]
    link, browser = links(mailbox)[OWN], anew(deployment)
    deployment.clock.now = account_of(deployment).former_until
    with deployment.nothing_spent():
        assert browser.get(link).status == 400
    assert account_of(deployment).email == THIEFS


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_a_guessed_link_is_none(deployment: Deployment, mailbox: Mailbox, thief: Browser, token: str) -> None:
    with deployment.nothing_spent():
        assert thief.get(f"/undo?token={token}").status == 400
        assert thief.post("/undo", {"token": token, "csrf_token": "x"}).status == 400


def test_a_link_of_another_purpose_undoes_nothing(
    deployment: Deployment, mailbox: Mailbox, thief: Browser, web_app: Application
) -> None:
    mail = Person.at(deployment, mailbox, web_app).mail("recover", OWN)
    with deployment.nothing_spent():
        assert thief.get(f"/undo?{urlsplit(mail.link).query}").status == 400


@pytest.mark.parametrize("csrf_token", ["", "x", "A" * 43])
def test_a_form_that_this_browser_was_not_shown_undoes_nothing(
    deployment: Deployment, mailbox: Mailbox, thief: Browser, csrf_token: str
) -> None:
    change_password(thief)
    browser = anew(deployment)
    action, form = filled_in(browser.get(links(mailbox)[OWN]))
    before = account_of(deployment)
    with deployment.nothing_spent():
        assert browser.post(action, {**form, "csrf_token": csrf_token}).status == 400
        assert anew(deployment).post(action, form).status == 400
        assert browser.post_from_another_site(action, form).status == 400
    assert account_of(deployment) == before


def test_a_deletion_is_not_undone(deployment: Deployment, mailbox: Mailbox, thief: Browser) -> None:
    change_password(thief)
    link = links(mailbox)[OWN]
    change(deployment, deleted_at=1, is_disabled=True)
    with deployment.nothing_spent():
        assert anew(deployment).get(link).status == 400


def test_an_address_that_an_operator_has_given_to_another_account_stays_there(
    deployment: Deployment, mailbox: Mailbox, thief: Browser
) -> None:
    change_address(thief, mailbox)
    browser, link = anew(deployment), links(mailbox)[OWN]
    theirs = Identifier("demo-jane", "email", verified_at=5)
    assert deployment.users().take_identifier(OWN, theirs, 2_000_000_000)
    before = account_of(deployment)
    with deployment.nothing_spent():
        assert undo(browser, link).status == 400
    assert account_of(deployment) == before
    assert deployment.users().find_identifier(OWN) == theirs


def test_a_change_at_this_moment_is_told_and_the_form_works_again(
    deployment: Deployment, mailbox: Mailbox, thief: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_address(thief, mailbox)
    browser, link = anew(deployment), links(mailbox)[OWN]
    with monkeypatch.context() as patched:
        patched.setattr(type(deployment.server.own_sign_in), "undo_change", lambda *_: False)
        answer = undo(browser, link)
    assert answer.status == 400
    assert "changed at this moment" in answer.body
    assert_undone(browser.post(*filled_in(answer)))
    assert account_of(deployment) == replace(
        account_of(deployment), email=OWN, former_email="", former_until=0, epoch=1
    )


# "Is this yours?" -----------------------------------------------------------------------------------------------------


@pytest.fixture
def taken_back(deployment: Deployment, mailbox: Mailbox, thief: Browser) -> tuple[SoftPasskey, SoftPasskey]:
    """John's passkey of old, and one of the thief's, which the undoing has left."""
    users = deployment.table("Users")
    own, thiefs = (give_passkey(users, "demo-john", "id.example.com") for _ in range(2))
    users.update(f"passkey#{thiefs.digest}", "passkey", "SET #created_at = :at", {":at": int(deployment.clock())})
    deployment.server.letters.send(_notice(deployment))  # type: ignore[union-attr]
    assert_undone(undo(anew(deployment), links(mailbox)[OWN]))
    deployment.clock.advance(1)
    return own, thiefs


def sign_in_by(deployment: Deployment, web_app: Application, passkey: SoftPasskey) -> tuple[Browser, Answer]:
    browser = anew(deployment)
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(1)
    return browser, browser.follow(use(browser, page, passkey))


def test_the_next_sign_in_by_a_passkey_shows_them_all_and_doubts_the_new_ones(
    deployment: Deployment, web_app: Application, taken_back: tuple[SoftPasskey, SoftPasskey]
) -> None:
    own, thiefs = taken_back
    browser, page = sign_in_by(deployment, web_app, own)
    assert "Is each of these passkeys yours?" in page.body
    assert page.body.count("<details open>") == 1
    removed = next(form for form in forms_of(page) if form.hidden.get("passkey") == thiefs.digest)
    assert page.body.count("checked") == 1
    browser.post("/account/passkeys", {**removed.hidden, "do": "remove", "lost": "yes"})
    assert account_of(deployment).passkeys == {own.digest}
    # Everything has ended by that, and the way on asks once more, until the end-user says so.
    deployment.clock.advance(1)
    browser, page = sign_in_by(deployment, web_app, own)
    answer = press(browser, page, "do", "reviewed")
    assert form_of(browser.follow(answer)).names >= {"decision"}
    assert not account_of(deployment).recovered_at
    deployment.clock.advance(1)
    assert form_of(sign_in_by(deployment, web_app, own)[1]).names >= {"decision"}


def test_a_password_alone_is_shown_none_of_them(
    deployment: Deployment,
    mailbox: Mailbox,
    web_app: Application,
    taken_back: tuple[SoftPasskey, SoftPasskey],
) -> None:
    """A stolen mailbox gives back a password, and does not get to what it does not open."""
    assert recovered(deployment, mailbox, web_app, OWN)
    browser = anew(deployment)
    page = browser.sign_in(browser.open(web_app.ask().url), password=NEW)
    assert form_of(page).names >= {"decision"}
    assert account_of(deployment).recovered_at


def test_an_answer_counts_only_for_what_was_looked_at(
    deployment: Deployment, web_app: Application, taken_back: tuple[SoftPasskey, SoftPasskey]
) -> None:
    own, _ = taken_back
    browser, page = sign_in_by(deployment, web_app, own)
    action, form = filled_in(page, "do", "reviewed")
    read = account_of(deployment)
    for token in ("", "x", filled_in(page, "do", "rename")[1]["csrf_token"]):
        with deployment.nothing_spent(("session#",)):
            assert browser.post(action, {**form, "csrf_token": token}).status == 400
    deployment.raise_epoch("demo-john")
    with deployment.nothing_spent():
        deployment.server.enrolment.confirm_passkeys(read)
    assert account_of(deployment).recovered_at
