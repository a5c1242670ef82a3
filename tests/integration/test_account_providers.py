"""The section of the account page with other providers: link one (row 2), remove it, and the last means stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.guesses import anew
from tests.integration.visiting import at_account, items_of, press
from tests.support.application import Application
from tests.support.browser import Browser, filled_in, forms_of
from tests.support.deployment import Deployment
from tests.support.federation import Federation, asked_of, callback
from tests.support.post import Post, code_of
from tests.support.providers import FakeProvider
from tests.support.wire import Answer

SECTION = "/account/providers"
SESSION = "__Host-valet-session"


@pytest.fixture
def idp(federation: Federation) -> FakeProvider:
    return federation.add()


@pytest.fixture
def john(deployment: Deployment, idp: FakeProvider) -> Browser:
    """John has just signed in with his password, at the account page."""
    return at_account(deployment)


def events(deployment: Deployment, name: str) -> list[Mapping[str, Any]]:
    return [fields for event, fields in deployment.audit.events if event == name]


def asks(federation: Federation, browser: Browser, idp: FakeProvider, **changes: str | None) -> Answer:
    """The page that names both, after a trip from the account page."""
    sent = press(browser, browser.get(SECTION), "provider", idp.provider.provider_id)
    sent = browser.follow(sent)
    return browser.follow(browser.get(federation.brought_back(idp, sent, **changes)))


def assert_nothing_linked(deployment: Deployment, federation: Federation, sub: str = "demo-john") -> None:
    assert federation.account(sub).links == frozenset()
    assert not items_of(deployment, "link")


def signs_in(federation: Federation, browser: Browser, app: Application, idp: FakeProvider) -> str:
    came_back = federation.trip(browser, idp, browser.open(app.ask().url))
    browser.follow(came_back)
    return str(events(federation.deployment, "login.succeeded")[-1]["sub"])


# Row 2 ----------------------------------------------------------------------------------------------------------------


def test_row_2_a_trip_from_the_page_asks_and_its_form_links(
    deployment: Deployment, federation: Federation, john: Browser, web_app: Application, idp: FakeProvider
) -> None:
    idp.claims["email"] = "somebody.else@example.org"
    page = asks(federation, john, idp)
    assert f"Connect <bdi>{idp.provider.name}</bdi> with this account?" in page.body
    assert "<bdi>somebody.else@example.org</bdi>" in page.body
    assert f"<bdi>{idp.claims['name']}</bdi>" in page.body
    assert_nothing_linked(deployment, federation)
    page = john.follow(press(john, page, "do", "confirm"))
    assert 'aria-current="page"' in page.body
    assert "somebody.else@example.org" in page.body
    (name,) = federation.account("demo-john").links
    kept = deployment.server.links.find_link(name)
    assert kept is not None
    assert (kept.sub, kept.upstream_sub) == ("demo-john", idp.claims["sub"])
    assert kept.linked_at
    assert federation.account("demo-john").email == "john@example.com"  # no address comes in by a link
    assert [(fields["sub"], fields["provider"]) for fields in events(deployment, "link.added")] == [
        ("demo-john", idp.provider.provider_id)
    ]
    assert signs_in(federation, anew(deployment), web_app, idp) == "demo-john"


def test_the_first_means_of_an_account_costs_a_code_by_mail(
    deployment: Deployment, federation: Federation, john: Browser, web_app: Application, idp: FakeProvider
) -> None:
    """Whoever has only stolen a password links no identity of their own."""
    post = Post(deployment)
    page = asks(federation, john, idp)
    assert 'value="confirm"' not in page.body
    assert 'value="later"' in page.body
    page = press(john, page, "do", "send_code")
    post.deliver()
    assert post.newest.to == ("john@example.com",)
    form = filled_in(page, "do", "later")[1]
    assert john.post(SECTION, {**form, "do": "confirm"}).status == 400
    assert press(john, page, "do", "enter_code", code="00000000").status == 400
    assert_nothing_linked(deployment, federation)
    page = press(john, page, "do", "enter_code", code=code_of(post.newest))
    action, form = filled_in(page, "do", "confirm")
    assert john.post(action, {**form, "first_means": ""}).status == 400
    assert_nothing_linked(deployment, federation)
    assert press(john, page, "do", "confirm").status == 303
    assert len(federation.account("demo-john").links) == 1
    post.deliver()
    assert len(post.mails) == 2
    assert idp.provider.provider_id not in post.newest.text
    assert signs_in(federation, anew(deployment), web_app, idp) == "demo-john"


def test_a_trip_from_the_page_asks_the_provider_for_no_fresh_sign_in(
    federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    sent = john.follow(press(john, john.get(SECTION), "provider", idp.provider.provider_id))
    assert not {"max_age", "prompt", "login_hint"} & set(asked_of(sent))


def test_who_says_not_now_is_back_at_the_page(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    page = john.follow(press(john, asks(federation, john, idp), "do", "later"))
    assert "No other provider is connected" in page.body
    assert_nothing_linked(deployment, federation)


def test_a_second_click_links_once(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    page = asks(federation, john, idp)
    for _ in range(2):
        assert press(john, page, "do", "confirm").status == 303
    assert len(events(deployment, "link.added")) == 1
    assert len(items_of(deployment, "link")) == 1


def test_an_identity_that_signs_in_to_another_account_is_not_taken_from_it(
    deployment: Deployment, federation: Federation, john: Browser, web_app: Application, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-jane")
    answer = asks(federation, john, idp)
    assert answer.status == 400
    assert "This sign-in belongs to another account" in answer.body
    assert "jane" not in answer.body
    assert federation.account("demo-john").links == frozenset()
    assert signs_in(federation, anew(deployment), web_app, idp) == "demo-jane"


def test_an_identity_that_another_account_links_while_the_page_is_open_is_not_taken_from_it(
    deployment: Deployment, federation: Federation, john: Browser, web_app: Application, idp: FakeProvider
) -> None:
    page = asks(federation, john, idp)
    federation.link(idp, "demo-jane")
    answer = press(john, page, "do", "confirm")
    assert answer.status == 400
    assert "Nothing was connected" in answer.body
    assert federation.account("demo-john").links == frozenset()
    assert signs_in(federation, anew(deployment), web_app, idp) == "demo-jane"


def test_an_identity_that_is_linked_already_is_said_to_be(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-john")
    with deployment.nothing_spent(but=("request#", "session#")):
        answer = asks(federation, john, idp)
    assert "This is connected already" in answer.body


def test_who_says_no_at_the_provider_is_back_at_the_page(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    sent = john.follow(press(john, john.get(SECTION), "provider", idp.provider.provider_id))
    page = john.follow(john.get(callback(idp, {"error": "access_denied", "state": asked_of(sent)["state"]})))
    assert f"You did not sign in at {idp.provider.name}, so nothing was connected" in page.body
    assert_nothing_linked(deployment, federation)


def test_a_trip_from_the_page_signs_nobody_in(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    """The session ended meanwhile: what came back is no proof of who is there, also of an identity that is linked."""
    federation.link(idp, "demo-john")
    sent = john.follow(press(john, john.get(SECTION), "provider", idp.provider.provider_id))
    url = federation.brought_back(idp, sent)
    del john.cookies[SESSION]
    handle = asked_of(sent)["state"].partition(".")[0]
    john.get(url)
    page = john.open(f"/authorize?resume={handle}&by=upstream")
    assert SESSION not in john.cookies
    assert 'name="password"' in page.body


def test_another_person_who_signs_in_in_this_browser_meanwhile_is_not_asked(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    page = asks(federation, john, idp)
    form = filled_in(page, "do", "confirm")
    url = f"{SECTION}?request={form[1]['request']}"
    del john.cookies[SESSION]
    john.sign_in(john.open("/account"), "jane")
    assert "That took too long" in john.get(url).body
    assert john.post(*form).status == 400
    assert_nothing_linked(deployment, federation)
    assert_nothing_linked(deployment, federation, "demo-jane")


def test_login_csrf_an_attackers_trip_does_not_end_in_the_victims_account(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    """The attacker begins at their own account page, and lets the victim's browser come back."""
    attacker = at_account(deployment, "jane")
    sent = attacker.follow(press(attacker, attacker.get(SECTION), "provider", idp.provider.provider_id))
    url = federation.brought_back(idp, sent)
    with deployment.nothing_spent():
        assert john.get(url).status == 400
    handle = asked_of(sent)["state"].partition(".")[0]
    assert "That took too long" in john.get(f"{SECTION}?request={handle}").body
    assert_nothing_linked(deployment, federation)


def test_forms_of_other_pages_and_sites_do_nothing(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    page = john.get(SECTION)
    action, form = filled_in(page, "provider", idp.provider.provider_id)
    with deployment.nothing_spent(but=("session#",)):
        assert john.post(action, {**form, "csrf_token": "x"}).status == 400
        assert john.post(action, {**form, "provider": "unknown"}).status == 400
        assert john.post(action, {"do": "unheard-of"}).status == 400
        assert john.post_from_another_site(action, form).status == 303
    federation.register(idp, is_disabled=True)
    assert john.post(action, form).status == 400


def test_the_section_wants_a_fresh_sign_in(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    page = asks(federation, john, idp)
    deployment.clock.advance(301)
    for answer in (john.get(SECTION), press(john, page, "do", "confirm")):
        assert answer.status == 303
    assert_nothing_linked(deployment, federation)


def test_without_federation_there_is_no_such_section(deployment: Deployment, browser: Browser) -> None:
    page = browser.sign_in(browser.open("/account"))
    assert SECTION not in page.body
    assert browser.get(SECTION).status == 404


# Removing -------------------------------------------------------------------------------------------------------------


def removed(browser: Browser, page: Answer, **fields: str) -> Answer:
    return press(browser, page, "do", "remove", **fields)


def test_a_link_is_removed_by_one_write_and_the_person_is_told(
    deployment: Deployment, federation: Federation, john: Browser, web_app: Application, idp: FakeProvider
) -> None:
    post = Post(deployment)
    federation.link(idp, "demo-john")
    came_back = federation.trip(other := anew(deployment), idp, other.open(web_app.ask().url))
    page = john.follow(removed(john, john.get(SECTION)))
    assert "No other provider is connected" in page.body
    assert_nothing_linked(deployment, federation)
    (fields,) = events(deployment, "link.removed")
    assert (fields["sub"], fields["provider"]) == ("demo-john", idp.provider.provider_id)
    post.deliver()
    assert [mail.to for mail in post.mails] == [("john@example.com",)]
    # A proof that waits is worth nothing; a new trip finds nobody.
    assert "password" in other.follow(came_back).body
    assert SESSION not in other.cookies
    assert "There is no account for you here" in federation.trip(other, idp, other.open(web_app.ask().url)).body


def test_a_lost_link_ends_everything(
    deployment: Deployment, federation: Federation, john: Browser, web_app: Application, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-john")
    thief = anew(deployment)
    assert signs_in(federation, thief, web_app, idp) == "demo-john"
    assert removed(john, john.get(SECTION), lost="yes").location.endswith("/account")
    assert 'name="password"' in thief.open("/account").body
    assert 'name="password"' in john.open("/account").body


def test_the_last_means_stays(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-john")
    federation.change("demo-john", has_no_password=True, password_id="")
    page = browser.follow(federation.trip(browser, idp, browser.open(SECTION)))
    for lost in ({}, {"lost": "yes"}):
        answer = removed(browser, page, **lost)
        assert answer.status == 400
        assert "it is your only way to sign in" in answer.body
    assert len(federation.account("demo-john").links) == 1
    assert len(items_of(deployment, "link")) == 1
    other = federation.add()
    federation.link(other, "demo-john")
    assert removed(browser, browser.get(SECTION)).status == 303
    assert len(federation.account("demo-john").links) == 1


def test_of_two_windows_that_remove_the_last_two_one_is_refused(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-john")
    federation.link(federation.add(), "demo-john")
    federation.change("demo-john", has_no_password=True, password_id="")
    page = browser.follow(federation.trip(browser, idp, browser.open(SECTION)))
    forms = [(form.action, {**form.hidden, "do": "remove"}) for form in forms_of(page) if "link" in form.hidden]
    assert sorted(browser.post(*form).status for form in forms) == [303, 400]
    assert len(federation.account("demo-john").links) == 1


def test_a_second_click_of_remove_does_nothing(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-john")
    page = john.get(SECTION)
    for _ in range(2):
        assert removed(john, page).status == 303
    assert len(events(deployment, "link.removed")) == 1


def test_a_link_that_another_account_has_by_now_can_be_taken_off_the_list_and_stays_theirs(
    deployment: Deployment, federation: Federation, john: Browser, web_app: Application, idp: FakeProvider
) -> None:
    """Two accounts linked one identity at once, and the function that lost died before it gave up the name."""
    federation.link(idp, "demo-john")
    federation.link(idp, "demo-jane")
    assert removed(john, john.get(SECTION)).status == 303
    assert signs_in(federation, anew(deployment), web_app, idp) == "demo-jane"


def test_what_was_linked_at_a_provider_that_is_gone_can_be_removed(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-john")
    federation.remove(idp)
    page = john.get(SECTION)
    assert f"<bdi>{idp.provider.provider_id}</bdi>" in page.body
    assert removed(john, page).status == 303
    assert_nothing_linked(deployment, federation)


def test_a_thiefs_form_that_is_under_way_when_the_owner_ends_everything_comes_too_late(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    """The epoch was raised after the form's account was read, before its write."""
    page = asks(federation, john, idp)
    overtaken: list[str] = []

    def overtake(call: Any, forward: Any) -> Any:
        if call.partition_prefix == "link#" and call.action == "PutItem" and not overtaken:
            overtaken.append("")
            deployment.raise_epoch("demo-john")
        return forward()

    with deployment.aws.intercept(overtake):
        answer = press(john, page, "do", "confirm")
    assert overtaken
    assert answer.status == 400
    assert_nothing_linked(deployment, federation)
    assert not events(deployment, "link.added")


def test_the_download_has_what_is_kept_of_each_identity_and_no_digest(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    name = federation.link(idp, "demo-john", address="j@example.com", name="Johnny", linked_at=10)
    federation.link(federation.add(), "demo-jane")
    answer = press(john, john.get("/account/download"))
    (told,) = json.loads(answer.body)["providers"]
    assert told == {
        "sub": "demo-john",
        "provider_id": idp.provider.provider_id,
        "issuer": idp.provider.issuer,
        "upstream_sub": idp.claims["sub"],
        "address": "j@example.com",
        "name": "Johnny",
        "linked_at": "1970-01-01 00:00 UTC",
        "last_used_at": "1970-01-01 00:00 UTC",
    }
    assert name.partition("#")[2] not in answer.body


def test_the_page_lists_what_is_linked_the_oldest_first(
    deployment: Deployment, federation: Federation, john: Browser, idp: FakeProvider
) -> None:
    federation.link(idp, "demo-john", address="j@example.com", linked_at=20)
    older = federation.add()
    federation.link(older, "demo-john", name="Johnny", linked_at=10)
    page = john.get(SECTION)
    assert page.body.index("Johnny") < page.body.index("j@example.com")
    assert "Connected: <bdi>1970-01-01 00:00 UTC</bdi>" in page.body
    assert 'href="/federate/' not in page.body
