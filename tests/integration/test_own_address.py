"""Proving and changing one's address at /account/email: by a code that counts in the session which asked for it, and in
no other; and nobody learns who has an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from valet.models.accounts import Account, Identifier
from valet.models.policy import ITEM
from valet.people.identifiers import TAKEN_AGAIN_AFTER, UNDONE_WITHIN, with_address

from tests.integration.guesses import anew
from tests.integration.visiting import SESSION, at_account, press
from tests.support.browser import Browser, filled_in
from tests.support.deployment import BEGINNING, Deployment
from tests.support.passkeys import give_passkey
from tests.support.post import Post, code_of, link_of
from tests.support.wire import Answer

PATH, OLD, NEW = "/account/email", "john@example.com", "New.John@example.org"
JOHN = "account#demo-john"
# A refusal makes the page again, for which nothing is written but that the session was used and that a code was tried.
BUT = ("session#", "code#")


@pytest.fixture
def page(post: Post, browser: Browser) -> Answer:
    """John has just signed in, and is at the page."""
    return browser.sign_in(browser.open(PATH))


def account_of(deployment: Deployment, sub: str = "demo-john") -> Account:
    found = deployment.users().find_account(sub)
    assert found is not None
    return found


def identifier(deployment: Deployment, name: str) -> Identifier | None:
    return deployment.users().find_identifier(name)


def change(deployment: Deployment, **attributes: Any) -> None:
    """The account as another function has left it."""
    names = ", ".join(f"#{name} = :{name}" for name in attributes)
    values = {f":{name}": value for name, value in attributes.items()}
    deployment.table("Users").update(JOHN, "account", f"SET {names}", values)


def ask(post: Post, browser: Browser, page: Answer, address: str = NEW) -> tuple[Answer, str]:
    """The page that asks for the code, and the code."""
    answer = press(browser, page, "do", "send", address=address)
    assert answer.status == 200, answer.body
    post.deliver()
    assert post.newest.to == (address,)
    return answer, code_of(post.newest)


def type_code(browser: Browser, page: Answer, code: str) -> Answer:
    return press(browser, page, "do", "enter", code=code)


def changed(post: Post, browser: Browser, page: Answer, address: str = NEW) -> Answer:
    """John has another address."""
    asked, code = ask(post, browser, page, address)
    answer = type_code(browser, asked, code)
    assert answer.status == 200, answer.body
    return answer


def signs_in(deployment: Deployment, name: str) -> bool:
    """Whether John signs in by that name, where people sign in with either."""
    deployment.table("Registry").put({"pk": ITEM[0], "sk": ITEM[1], "sign_in_with": "either"})
    deployment.clock.advance(11)
    browser = anew(deployment)
    page = browser.open("/account")
    return browser.submit(page, username=name, password="password123").status == 200


def assert_not_changed(deployment: Deployment, before: Account) -> None:
    assert account_of(deployment) == before
    assert not {"address.changed", "address.proven"} & set(deployment.audit.names)


def test_a_code_changes_the_address_and_the_sessions_stay(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    before = account_of(deployment)
    other = at_account(deployment)
    answer = changed(post, browser, page)
    assert "Your address is changed" in answer.body
    assert account_of(deployment) == replace(
        before,
        email=NEW,
        email_verified=True,
        former_email=OLD,
        former_until=int(BEGINNING) + UNDONE_WITHIN,
        updated_at=int(BEGINNING),
    )
    assert deployment.audit.names[-1] == "address.changed"
    assert other.get("/account").status == browser.get("/account").status == 200
    found, given_up = identifier(deployment, NEW.lower()), identifier(deployment, OLD)
    assert found == Identifier("demo-john", "email", verified_at=int(BEGINNING))
    assert given_up is not None
    assert (given_up.released_at, given_up.expires_at) == (int(BEGINNING), int(BEGINNING) + TAKEN_AGAIN_AFTER)
    assert signs_in(deployment, NEW)
    assert not signs_in(deployment, OLD)


def test_both_addresses_are_told_and_the_new_one_got_a_code_and_no_link(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    asked, code = ask(post, browser, page)
    assert "http" not in post.newest.text
    deployment.aws.mailbox.clear()
    type_code(browser, asked, code)
    post.deliver()
    assert {mail.to for mail in post.mails} == {(NEW,), (OLD,)}
    assert all(link_of(mail).startswith(f"{deployment.issuer}/undo?token=") for mail in post.mails)


def test_the_notice_is_sent_before_the_write(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    asked, code = ask(post, browser, page)
    with deployment.aws.recorded() as calls:
        type_code(browser, asked, code)
    made = [(call.action, call.partition_prefix) for call in calls]
    assert made.index(("SendMessage", None)) < made.index(("UpdateItem", "account#"))


def test_nobody_learns_whether_an_address_is_taken(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """Same words, same calls. The owner of the address gets a mail, and there is no code."""
    before = account_of(deployment)

    def said(address: str) -> tuple[str, list[tuple[str, str | None]]]:
        with deployment.aws.recorded() as calls:
            answer = press(browser, page, "do", "send", address=address)
        assert answer.status == 200
        return answer.body.replace(address, "ADDRESS"), [(call.action, call.partition_prefix) for call in calls]

    assert said("jane@example.com") == said("none@example.com")
    post.deliver()
    theirs, free = sorted((mail for mail in post.mails if mail.to != (OLD,)), key=lambda mail: mail.to)
    assert (theirs.to, free.to) == (("jane@example.com",), ("none@example.com",))
    assert "Your account has it" in theirs.text
    with pytest.raises(AssertionError):
        code_of(theirs)
    asked = press(browser, page, "do", "send", address="jane@example.com")
    post.deliver()
    assert type_code(browser, asked, "00000000").status == 400
    assert_not_changed(deployment, before)


def test_an_address_that_somebody_took_meanwhile_is_not_given_to_a_second_account(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    before = account_of(deployment)
    asked, code = ask(post, browser, page)
    theirs = Identifier("demo-jane", "email", verified_at=1)
    assert deployment.users().take_identifier(NEW.lower(), theirs, 0)
    with deployment.nothing_spent(BUT):
        answer = type_code(browser, asked, code)
    assert answer.status == 400
    assert "The address was not changed" in answer.body
    assert_not_changed(deployment, before)
    assert identifier(deployment, NEW.lower()) == theirs


@pytest.mark.parametrize("code", ["", "0", "12345678901", "x" * 100, "00000000"])
def test_a_wrong_code_changes_nothing(
    deployment: Deployment, post: Post, browser: Browser, page: Answer, code: str
) -> None:
    before = account_of(deployment)
    asked, right = ask(post, browser, page)
    assert code != right
    with deployment.nothing_spent(BUT):
        answer = type_code(browser, asked, code)
    assert answer.status == 400
    assert "That code does not work" in answer.body
    assert_not_changed(deployment, before)
    assert type_code(browser, asked, f"{right[:4]} {right[4:]}").status == 200


def test_a_code_is_tried_five_times_and_not_once_more(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    before = account_of(deployment)
    asked, right = ask(post, browser, page)
    for _ in range(5):
        assert type_code(browser, asked, "00000000").status == 400
    with deployment.nothing_spent(BUT):
        assert type_code(browser, asked, right).status == 400
    assert_not_changed(deployment, before)


def test_a_code_counts_in_the_session_that_asked_for_it_alone(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """Nobody can be made to prove their address for a stranger's account, and a thief of the mailbox alone does not get
    far with a code."""
    before, janes = account_of(deployment), account_of(deployment, "demo-jane")
    _, code = ask(post, browser, page)
    for other in (at_account(deployment), at_account(deployment, "jane")):
        asked = other.get(f"{PATH}?code=yes")
        with deployment.nothing_spent(BUT):
            assert type_code(other, asked, code).status == 400
    assert_not_changed(deployment, before)
    assert account_of(deployment, "demo-jane") == janes


def test_a_code_that_was_asked_for_before_everything_ended_counts_no_more(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """An address change that somebody else began, and left unfinished (pre-hijacking, "unexpired email change")."""
    asked, code = ask(post, browser, page)
    deployment.raise_epoch("demo-john")
    before = account_of(deployment)
    sent = filled_in(asked, "do", "enter", code=code)
    with deployment.nothing_spent((*BUT, "request#")):
        assert browser.post(*sent).status == 303
    # the mail itself is of the epoch that is over, whatever session brings it
    server = deployment.server
    read, now = replace(before, epoch=0), deployment.clock()
    assert not server.own_sign_in.change_address(read, with_address(read, NEW, now), now)
    assert_not_changed(deployment, before)


def test_the_newest_code_counts(deployment: Deployment, post: Post, browser: Browser, page: Answer) -> None:
    asked, first = ask(post, browser, page)
    deployment.clock.advance(1)
    _, second = ask(post, browser, page, "other@example.org")
    assert type_code(browser, asked, first).status == 400
    assert type_code(browser, asked, second).status == 200
    assert account_of(deployment).email == "other@example.org"


def test_a_thief_cannot_outrun_the_undoing_by_a_second_change(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """Neither by another code, nor by one that another session asked for before the first change."""
    other = at_account(deployment)
    held, code = ask(post, other, other.get(PATH), "held@example.org")
    changed(post, browser, page)
    before = account_of(deployment)
    with deployment.nothing_spent(BUT):
        answer = type_code(other, held, code)
    assert answer.status == 400
    assert "was changed lately" in answer.body
    assert 'name="address"' not in browser.get(PATH).body
    with deployment.nothing_spent(BUT):
        assert browser.post(*filled_in(page, "do", "send", address="again@example.org")).status == 400
    again, now = with_address(before, "again@example.org", deployment.clock()), deployment.clock()
    assert not deployment.server.own_sign_in.change_address(before, again, now)
    assert account_of(deployment) == before
    deployment.clock.advance(UNDONE_WITHIN + 1)
    page = browser.sign_in(browser.open(PATH))
    changed(post, browser, page, "again@example.org")
    assert account_of(deployment).former_email == NEW


def test_an_address_that_is_not_proven_is_proven(deployment: Deployment, post: Post, browser: Browser) -> None:
    deployment.users().release_identifier(OLD, "demo-john", 1.0)
    change(deployment, email_verified=False)
    page = browser.sign_in(browser.open(PATH))
    assert "not proven yet" in page.body
    answer = changed(post, browser, page, OLD)
    assert "Your address is proven" in answer.body
    account = account_of(deployment)
    assert (account.email, account.email_verified, account.former_email) == (OLD, True, "")
    assert deployment.audit.names[-1] == "address.proven"
    assert signs_in(deployment, OLD)


def test_an_account_without_an_address_gets_one(deployment: Deployment, post: Post, browser: Browser) -> None:
    deployment.users().release_identifier(OLD, "demo-john", 1.0)
    deployment.table("Users").update(JOHN, "account", "REMOVE #email, #email_verified", {})
    changed(post, browser, browser.sign_in(browser.open(PATH)))
    account = account_of(deployment)
    assert (account.email, account.email_verified, account.former_email) == (NEW, True, "")
    assert signs_in(deployment, NEW)


def test_an_address_that_was_never_proven_cannot_undo_a_change(
    deployment: Deployment, post: Post, browser: Browser
) -> None:
    change(deployment, email_verified=False)
    changed(post, browser, browser.sign_in(browser.open(PATH)))
    assert account_of(deployment).former_email == ""
    post.deliver()
    assert {mail.to for mail in post.mails} == {(NEW,)}


def test_a_username_that_is_written_as_an_address_stays_a_username(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    """It is never marked as given up, and the address that looks like it needs no name of its own."""
    change(deployment, username=NEW.lower())
    assert deployment.users().take_identifier(NEW.lower(), Identifier("demo-john", "username"), 0)
    changed(post, browser, browser.get(PATH))
    kept = identifier(deployment, NEW.lower())
    assert kept == Identifier("demo-john", "username")


def test_the_fourth_mail_of_an_hour_to_one_address_is_not_sent_and_the_page_is_the_same(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    answers = [press(browser, page, "do", "send", address=NEW) for _ in range(4)]
    assert {answer.body for answer in answers} == {answers[0].body}
    assert len(post.asked_for) == 3
    assert deployment.audit.names.count("mail.throttled") == 1


@pytest.mark.parametrize(
    "typed", ["", "john", "a@b", "a b@example.com", "a@example.com, b@example.com", OLD, OLD.upper()]
)
def test_what_is_no_new_address_gets_no_mail(
    deployment: Deployment, post: Post, browser: Browser, page: Answer, typed: str
) -> None:
    with deployment.nothing_spent(BUT):
        assert press(browser, page, "do", "send", address=typed).status == 400
    assert not post.asked_for


@pytest.mark.parametrize("form", [{"do": "send", "address": NEW}, {"do": "enter", "code": "00000000"}, {}])
def test_a_form_that_this_session_was_not_shown_does_nothing(
    deployment: Deployment, post: Post, browser: Browser, page: Answer, form: Mapping[str, str]
) -> None:
    jane = at_account(deployment, "jane")
    theirs = filled_in(jane.get(PATH))[1]["csrf_token"]
    for token in ("", "x", theirs):
        with deployment.nothing_spent(("session#",)):
            assert browser.post(PATH, {**form, "csrf_token": token}).status == 400
    assert not post.asked_for


def test_a_stale_sign_in_and_one_below_the_accounts_own_level_change_nothing(
    deployment: Deployment, post: Post, browser: Browser, page: Answer
) -> None:
    asked, code = ask(post, browser, page)
    sent = filled_in(asked, "do", "enter", code=code)
    give_passkey(deployment.table("Users"), "demo-john", "id.example.com")
    before = account_of(deployment)
    with deployment.nothing_spent((*BUT, "request#")):
        assert browser.post(*sent).status == 303
    deployment.clock.advance(301)
    with deployment.nothing_spent((*BUT, "request#")):
        assert browser.post(*sent).status == 303
    assert_not_changed(deployment, before)


@pytest.mark.parametrize("died_after", ["the account", "the new name"])
def test_a_change_that_died_half_way_is_finished_by_looking_at_the_page(
    deployment: Deployment, post: Post, browser: Browser, page: Answer, died_after: str
) -> None:
    """The new address signs in from the account's write on, and no crash keeps an address for ever."""
    writes, now = deployment.server.own_sign_in, deployment.clock()
    assert writes.reserve_name(NEW.lower(), "demo-john", now)
    before = account_of(deployment)
    assert writes.change_address(before, with_address(before, NEW, now), now)
    if died_after == "the new name":
        writes.free_name(NEW.lower(), "demo-john", now)
    assert signs_in(deployment, NEW)
    assert not signs_in(deployment, OLD)
    browser.get(PATH)
    found, given_up = identifier(deployment, NEW.lower()), identifier(deployment, OLD)
    assert found is not None
    assert given_up is not None
    assert (found.released_at, bool(given_up.released_at)) == (0, True)
    with deployment.nothing_spent(("session#",)):
        browser.get(PATH)


def test_without_mail_there_is_no_such_section(deployment: Deployment, browser: Browser) -> None:
    page = browser.sign_in(browser.open("/account"))
    assert PATH not in page.body
    with deployment.nothing_spent():
        assert browser.get(PATH).status == 404
        assert browser.post(PATH, {"do": "send", "address": NEW}).status == 404
    assert SESSION in browser.cookies
