"""Signing in with another provider: whose account it is, by the rows of the table in docs/providers.md (P11, P18)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from valet.aws.dynamodb.accounts import item_of_account
from valet.models.accounts import Account, Identifier

from local.aws.calls import Call
from tests.integration.guesses import anew
from tests.integration.visiting import items_of
from tests.support.application import Application
from tests.support.browser import PASSWORDS, Browser, filled_in, form_of
from tests.support.deployment import Deployment
from tests.support.federation import Federation, button_of, identity_of
from tests.support.post import Post
from tests.support.providers import FakeProvider
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
CONNECT = "Connect <bdi>"


def events(deployment: Deployment, name: str) -> list[Mapping[str, Any]]:
    return [fields for event, fields in deployment.audit.events if event == name]


def comes(federation: Federation, browser: Browser, app: Application, idp: FakeProvider, **asked: str) -> Answer:
    """The answer to the callback: the person at the provider begins at the sign-in page of the application."""
    return federation.trip(browser, idp, browser.open(app.ask(**asked).url))


def tokens(
    federation: Federation, browser: Browser, app: Application, idp: FakeProvider, **asked: str
) -> dict[str, Any]:
    """The person's tokens, and the claims of the ID token."""
    wanted = app.ask(**asked)
    came_back = federation.trip(browser, idp, browser.open(wanted.url))
    page = browser.follow(came_back)
    answer = browser.decide(page) if page.is_page else page
    found: dict[str, Any] = app.redeem(answer.answered["code"], wanted.code_verifier).json()
    return {**found, "claims": jwt.decode(found["id_token"], options={"verify_signature": False})}


def links_in(deployment: Deployment) -> set[str]:
    return {item["pk"]["S"].removeprefix("link#") for item in items_of(deployment, "link")}


def assert_refused(deployment: Deployment, browser: Browser, answer: Answer, why: str, words: str) -> None:
    assert answer.status == 400
    assert words in answer.body
    assert SESSION not in browser.cookies
    assert events(deployment, "upstream.refused")[-1]["detail"] == why


# Row 1: the account that names the link -------------------------------------------------------------------------------


def test_row_1_a_link_signs_in_to_its_account_and_the_tokens_say_how(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    idp.claims |= {"amr": ["pwd", "hwk", "their own word"], "auth_time": int(deployment.clock.now) - 100}
    name = federation.link(idp, "demo-john")
    found = tokens(federation, browser, web_app, idp)["claims"]
    assert (found["sub"], found["acr"], found["amr"]) == ("demo-john", "urn:valet:acr:upstream", ["pwd", "hwk"])
    assert found["auth_time"] == idp.claims["auth_time"]
    (fields,) = events(deployment, "login.succeeded")
    assert (fields["provider"], fields["amr"]) == (idp.provider.provider_id, "pwd hwk")
    kept = deployment.server.links.find_link(name)
    assert kept is not None
    assert (kept.address, kept.name) == (idp.claims["email"], idp.claims["name"])
    assert kept.last_used_at == int(deployment.clock.now)


def test_row_1_goes_by_the_link_alone_whatever_address_is_told(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """P18: the person has Jane's address at the provider by now."""
    idp = federation.add(links="verified", domains=frozenset({"example.com"}))
    federation.link(idp, "demo-john")
    idp.claims["email"] = "jane@example.com"
    assert tokens(federation, browser, web_app, idp)["claims"]["sub"] == "demo-john"
    assert federation.account("demo-jane").links == frozenset()


def test_the_same_address_from_another_subject_or_another_issuer_is_another_identity(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add(creates=True)
    federation.link(idp, "demo-john")
    idp.claims["sub"] = "another person with the same address"
    assert tokens(federation, browser, web_app, idp)["claims"]["sub"] != "demo-john"
    other = federation.add(creates=True)
    other.claims["sub"] = idp.claims["sub"]
    assert tokens(federation, anew(deployment), web_app, other)["claims"]["sub"] != "demo-john"


def test_a_link_that_its_account_does_not_name_any_more_signs_nobody_in(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    name = federation.link(idp, "demo-john")
    deployment.table("Users").update("account#demo-john", "account", "DELETE #links :name", {":name": {name}})
    came_back = comes(federation, browser, web_app, idp)
    why = "no account has the identity, and the provider makes none"
    assert_refused(deployment, browser, came_back, why, "There is no account for you here")


def test_a_disabled_account_is_not_signed_in_to(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    federation.link(idp, "demo-john")
    federation.change("demo-john", is_disabled=True)
    came_back = comes(federation, browser, web_app, idp)
    assert_refused(deployment, browser, came_back, "the account is disabled", "This account is locked")


def test_a_link_that_is_removed_while_the_proof_waits_opens_no_session(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    name = federation.link(idp, "demo-john")
    came_back = comes(federation, browser, web_app, idp)
    deployment.table("Users").update("account#demo-john", "account", "DELETE #links :name", {":name": {name}})
    assert "password" in form_of(browser.follow(came_back)).names
    assert SESSION not in browser.cookies


def test_everything_ended_while_the_proof_waits_opens_no_session(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    federation.link(idp, "demo-john")
    came_back = comes(federation, browser, web_app, idp)
    deployment.raise_epoch("demo-john")
    assert "password" in form_of(browser.follow(came_back)).names
    assert SESSION not in browser.cookies


# Row 3: two proven addresses, and the operator's word -----------------------------------------------------------------


def johns(federation: Federation, **record: Any) -> FakeProvider:
    """A provider that alone gives out John's address, and links by it; the person there has it."""
    idp = federation.add(**{"links": "verified", "domains": frozenset({"example.com"}), **record})
    idp.claims["email"] = "John@Example.com"
    return idp


def test_row_3_two_proven_addresses_are_linked_and_the_person_is_told(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    post = Post(deployment)
    idp = johns(federation)
    assert tokens(federation, browser, web_app, idp)["claims"]["sub"] == "demo-john"
    (name,) = federation.account("demo-john").links
    assert links_in(deployment) == {name}
    (fields,) = events(deployment, "link.added")
    assert (fields["sub"], fields["provider"]) == ("demo-john", idp.provider.provider_id)
    post.deliver()
    (mail,) = post.mails
    assert mail.to == ("john@example.com",)
    # From now on the identity is enough.
    idp.claims["email"] = "another@example.com"
    assert tokens(federation, anew(deployment), web_app, idp)["claims"]["sub"] == "demo-john"
    assert len(events(deployment, "link.added")) == 1


NOT_BY_ITSELF: dict[str, dict[str, Any]] = {
    "the operator has not said so": {"links": "off"},
    "the provider does not give out the address": {"domains": frozenset({"example.org"})},
}


@pytest.mark.parametrize("record", NOT_BY_ITSELF.values(), ids=NOT_BY_ITSELF)
def test_an_address_links_nothing_without_the_operators_word_for_it(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, record: dict[str, Any]
) -> None:
    came_back = comes(federation, browser, web_app, johns(federation, **record))
    assert "why=has_account" in came_back.location
    assert federation.account("demo-john").links == frozenset()
    assert not links_in(deployment)


@pytest.mark.parametrize(
    "changes",
    [
        {"passkeys": frozenset({"ab" * 32})},
        {"totp_id": "1"},
        {"former_email": "old@example.com", "former_until": 2_000_000_000},
    ],
)
def test_a_mailbox_alone_links_nothing_to_an_account_that_has_more_than_that(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, changes: dict[str, Any]
) -> None:
    """P15: a passkey, a second factor, or an address that may still be given back."""
    federation.change("demo-john", **changes)
    came_back = comes(federation, browser, web_app, johns(federation))
    assert "why=has_account" in came_back.location
    assert federation.account("demo-john").links == frozenset()


def test_keycloak_53041_an_account_with_an_unproven_address_is_not_its_owners(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The attacker's account holds the victim's address, which nobody has proven. The victim comes with Google."""
    federation.change("demo-john", email_verified=False)
    deployment.users().forget_identifier("john@example.com", "demo-john")
    idp = johns(federation, creates=True)
    found = tokens(federation, browser, web_app, idp)["claims"]
    assert found["sub"] != "demo-john"
    assert federation.account("demo-john").links == frozenset()
    account = federation.account(found["sub"])
    assert (account.email, account.email_verified) == ("John@Example.com", True)


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_zitadel_ghsa_992q_an_address_that_the_provider_has_not_proven_counts_as_not_told(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, verified: Any
) -> None:
    """Neither does the answer tell whether anybody has it."""
    idp = johns(federation)
    idp.claims["email_verified"] = verified
    answers = []
    for email in ("john@example.com", "nobody@example.com"):
        idp.claims["email"] = email
        answers.append(comes(federation, anew(deployment), web_app, idp))
    bodies = [re.sub(r"[A-Za-z0-9_-]{43}|reference: .*", "", answer.body) for answer in answers]
    assert bodies[0] == bodies[1]
    assert_refused(
        deployment,
        browser,
        answers[0],
        "no account has the identity, and the provider makes none",
        "There is no account for you here",
    )
    assert federation.account("demo-john").links == frozenset()


# Row 4: its end-user signs in first -----------------------------------------------------------------------------------


def at_sign_in_page(federation: Federation, browser: Browser, app: Application, idp: FakeProvider) -> Answer:
    """The page that says that there is an account, to which its end-user has to sign in first."""
    page = browser.follow(comes(federation, browser, app, idp))
    assert f"with the address that {idp.provider.name} told" in page.body
    assert "password" in form_of(page).names
    return page


def test_row_4_who_signs_in_to_the_account_first_is_asked_and_linked_and_goes_on_to_the_app(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = johns(federation, links="off")
    page = browser.sign_in(at_sign_in_page(federation, browser, web_app, idp))
    assert f"Connect <bdi>{idp.provider.name}</bdi> with this account?" in page.body
    assert "<bdi>John@Example.com</bdi>" in page.body
    assert "<bdi>john</bdi>" in page.body
    assert federation.account("demo-john").links == frozenset()
    answer = browser.decide(browser.follow(browser.post(*filled_in(page, "do", "confirm"))))
    assert "code" in answer.answered
    assert len(federation.account("demo-john").links) == 1
    assert [fields["sub"] for fields in events(deployment, "link.added")] == ["demo-john"]
    assert tokens(federation, anew(deployment), web_app, idp)["claims"]["sub"] == "demo-john"


def test_row_4_who_does_not_want_to_goes_on_without(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = johns(federation, links="off")
    page = browser.sign_in(at_sign_in_page(federation, browser, web_app, idp))
    answer = browser.decide(browser.follow(browser.post(*filled_in(page, "do", "later"))))
    assert "code" in answer.answered
    assert federation.account("demo-john").links == frozenset()
    assert not links_in(deployment)


def test_hijack_who_signs_in_to_another_account_is_not_asked(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """John left a shared browser at this page; Jane signs in there. His identity does not become hers, nor hers his."""
    idp = johns(federation, links="off")
    page = browser.sign_in(at_sign_in_page(federation, browser, web_app, idp), "jane")
    assert CONNECT not in page.body
    assert "code" in browser.decide(page).answered
    assert not links_in(deployment)


def test_cve_2026_9087_a_proof_of_one_browser_links_nothing_in_another(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The attacker has an identity with the victim's address, and waits for the victim to confirm it."""
    idp, attacker = johns(federation, links="off"), anew(deployment)
    waiting = at_sign_in_page(federation, attacker, web_app, idp)
    handle = form_of(waiting).hidden["request"]
    page = browser.sign_in(browser.open(web_app.ask().url))
    assert CONNECT not in page.body
    page = browser.sign_in(browser.open(f"/account/providers?request={handle}"))
    page = browser.get(f"/account/providers?request={handle}")
    assert "That took too long, so nothing was connected" in page.body
    sent = {**filled_in(page, "provider")[1], "do": "confirm", "request": handle}
    assert browser.post("/account/providers", sent).status == 400
    assert not links_in(deployment)
    assert federation.account("demo-john").links == frozenset()


def test_cve_2026_82968_the_page_links_the_identity_that_it_named_and_no_later_one(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """Between the page and its form, another person comes back from the same provider in the same browser."""
    idp = johns(federation, links="off")
    at = at_sign_in_page(federation, browser, web_app, idp)
    page = browser.sign_in(at)
    mine = identity_of(idp)
    deployment.clock.advance(1)
    idp.claims["sub"] = "the attacker"
    handle = form_of(at).hidden["request"]
    sent = browser.get(f"/federate/{idp.provider.provider_id}?request={handle}")
    assert "why=has_account" in browser.get(federation.brought_back(idp, sent)).location
    answer = browser.post(*filled_in(page, "do", "confirm"))
    assert answer.status == 400
    assert "This page was out of date" in answer.body
    assert not links_in(deployment)
    assert mine != identity_of(idp)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda deployment: deployment.raise_epoch("demo-john"),
        lambda deployment: deployment.clock.advance(700),
        lambda deployment: deployment.change_provider(is_disabled=True),
        lambda deployment: deployment.change_provider(None),
    ],
    ids=["everything ended", "too late", "provider disabled", "provider removed"],
)
def test_what_waits_to_be_linked_waits_in_vain_once_something_has_changed(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    web_app: Application,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Any,
) -> None:
    idp = johns(federation, links="off")

    def change_provider(gone: None = None, **changes: Any) -> None:
        federation.register(idp, **changes) if changes else federation.remove(idp)

    monkeypatch.setattr(deployment, "change_provider", change_provider, raising=False)
    page = browser.sign_in(at_sign_in_page(federation, browser, web_app, idp))
    form = filled_in(page, "do", "confirm")
    spoil(deployment)
    answer = browser.post(*form)
    assert answer.status in (400, 303)  # the page again, or the sign-in page
    assert not links_in(deployment)
    assert federation.account("demo-john").links == frozenset()


def test_a_form_of_another_site_links_nothing(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = johns(federation, links="off")
    page = browser.sign_in(at_sign_in_page(federation, browser, web_app, idp))
    action, form = filled_in(page, "do", "confirm")
    for forged in ({**form, "csrf_token": "x"}, {name: form[name] for name in form if name != "csrf_token"}):
        assert browser.post(action, forged).status == 400
    assert browser.post_from_another_site(action, form).status == 303
    assert not links_in(deployment)


def test_who_has_a_passkey_is_asked_at_its_level_alone(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """Who knows only the password of an account with a passkey adds nothing to it."""
    federation.change("demo-john", passkeys=frozenset({"ab" * 32}))
    idp = johns(federation)
    page = browser.sign_in(at_sign_in_page(federation, browser, web_app, idp))
    assert CONNECT not in page.body
    assert "code" in browser.decide(page).answered
    assert not links_in(deployment)


def test_the_password_that_is_right_links_only_once_its_owner_says_so(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = johns(federation, links="off")
    page = browser.sign_in(at_sign_in_page(federation, browser, web_app, idp), password="wrong")
    assert page.status == 401
    browser.sign_in(page, password=PASSWORDS["john"])
    assert not links_in(deployment)


# Row 5: a new account -------------------------------------------------------------------------------------------------


def test_row_5_who_is_nobody_here_gets_an_account_of_their_own(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add(creates=True)
    idp.claims |= {"email": "New@Example.com", "given_name": "New", "locale": "de_AT"}
    found = tokens(federation, browser, web_app, idp, scope="openid email profile")
    sub = found["claims"]["sub"]
    account = federation.account(sub)
    assert (account.email, account.email_verified, account.has_no_password) == ("New@Example.com", True, True)
    assert (account.name, account.given_name, account.locale) == (idp.claims["name"], "New", "de-AT")
    assert not account.roles
    assert not account.password_id
    told = web_app.userinfo(found["access_token"]).json()
    assert (told["email"], told["email_verified"]) == ("New@Example.com", True)
    (fields,) = events(deployment, "account.created")
    assert fields == {"sub": sub, "provider": idp.provider.provider_id}
    identifier = deployment.server.credentials.find_identifier("new@example.com")
    assert identifier is not None
    assert (identifier.sub, identifier.kind) == (sub, "email")
    assert tokens(federation, anew(deployment), web_app, idp)["claims"]["sub"] == sub
    assert len(events(deployment, "account.created")) == 1


def test_row_5_without_a_proven_address_the_account_has_none(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add(creates=True)
    idp.claims |= {"email": "new@example.com", "email_verified": False}
    account = federation.account(tokens(federation, browser, web_app, idp)["claims"]["sub"])
    assert (account.email, account.email_verified) == ("", False)
    assert deployment.server.credentials.find_identifier("new@example.com") is None


@pytest.mark.parametrize(
    "taken",
    [
        Identifier("demo-john", "email", 1, released_at=1_799_999_999),  # given up yesterday
        Identifier("of-nobody", "email", 1),
        Identifier("demo-john", "username", 1),
    ],
)
def test_row_5_an_address_that_is_anothers_name_or_was_lately_stays_theirs(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, taken: Identifier
) -> None:
    users = deployment.users()
    assert users.take_identifier("new@example.com", taken, 0)
    idp = federation.add(creates=True)
    idp.claims["email"] = "new@example.com"
    account = federation.account(tokens(federation, browser, web_app, idp)["claims"]["sub"])
    assert (account.email, account.email_verified) == ("", False)
    assert users.find_identifier("new@example.com") == taken


def test_two_trips_of_one_newcomer_at_once_make_one_account(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """Between the account and the link of one callback, another one makes both."""
    idp = federation.add(creates=True)
    idp.claims["email"] = "new@example.com"
    other, overtaken = anew(deployment), list[str]()
    theirs = federation.brought_back(idp, other.get(button_of(other.open(web_app.ask().url), idp)))

    def overtake(call: Call, forward: Any) -> Any:
        if call.partition_prefix == "link#" and call.action == "PutItem" and not overtaken:
            overtaken.append("")
            assert other.get(theirs).location.endswith("&by=upstream")
        return forward()

    with deployment.aws.intercept(overtake):
        found = tokens(federation, browser, web_app, idp)
    assert overtaken
    (account,) = [item for item in items_of(deployment, "account") if not item["sub"]["S"].startswith("demo-")]
    assert account["sub"]["S"] == found["claims"]["sub"]
    assert len(links_in(deployment)) == 1


def test_an_address_that_another_newcomer_takes_at_that_moment_is_theirs(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add(creates=True)
    idp.claims["email"] = "new@example.com"

    def overtake(call: Call, forward: Any) -> Any:
        answer = forward()
        if call.partition_prefix == "link#" and call.action == "PutItem":
            deployment.users().take_identifier("new@example.com", Identifier("another", "email", 1), 0)
        return answer

    with deployment.aws.intercept(overtake):
        account = federation.account(tokens(federation, browser, web_app, idp)["claims"]["sub"])
    assert (account.email, account.email_verified) == ("", False)


def test_the_address_that_a_killed_callback_left_without_its_name_gets_it_at_the_next_sign_in(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add(creates=True)
    idp.claims["email"] = "new@example.com"
    sub = tokens(federation, browser, web_app, idp)["claims"]["sub"]
    deployment.users().forget_identifier("new@example.com", sub)
    (name,) = federation.account(sub).links
    deployment.table("Users").update(f"link#{name}", "link", "REMOVE #last_used_at", {})
    tokens(federation, anew(deployment), web_app, idp)
    identifier = deployment.server.credentials.find_identifier("new@example.com")
    assert identifier is not None
    assert identifier.sub == sub


def test_who_deleted_the_account_begins_anew(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add(creates=True)
    federation.link(idp, "demo-john")
    federation.change("demo-john", is_disabled=True, deleted_at=1)
    assert tokens(federation, browser, web_app, idp)["claims"]["sub"] != "demo-john"


# Row 6: refused -------------------------------------------------------------------------------------------------------


def test_row_6_who_is_nobody_here_is_told_so_and_nothing_is_written(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    page = browser.open(web_app.ask().url)
    with deployment.nothing_spent():
        answer = federation.trip(browser, idp, page)
    why = "no account has the identity, and the provider makes none"
    assert_refused(deployment, browser, answer, why, "There is no account for you here")
    assert idp.claims["email"] not in answer.body


# The attacks of Sudhodanan and Paverd (USENIX Security 2022) ----------------------------------------------------------


def test_classic_federated_merge_an_account_that_others_made_is_not_merged(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The attacker has made an account with the victim's address and a password of their own. The victim comes with a
    provider, and later the attacker with that password.
    """
    attackers = Account("attackers", "victim", email="victim@example.com", password_id="")
    deployment.table("Users").put(item_of_account(attackers))
    idp = johns(federation, creates=True)
    idp.claims["email"] = "victim@example.com"
    sub = tokens(federation, browser, web_app, idp)["claims"]["sub"]
    assert sub != "attackers"
    assert federation.account("attackers") == attackers


def test_an_account_that_another_provider_made_with_the_address_is_not_given_to_its_owner(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The attacker's provider says that the victim's address is the attacker's. The victim comes later, with the
    provider that alone gives out the address, and must not find themselves in an account that the attacker opens.
    """
    lying = federation.add(creates=True)
    lying.claims["email"] = "victim@example.com"
    attackers = tokens(federation, browser, web_app, lying)["claims"]["sub"]
    before = federation.account(attackers)
    victims = johns(federation, creates=True)
    victims.claims["email"] = "victim@example.com"
    came_back = comes(federation, anew(deployment), web_app, victims)
    assert "why=has_account" in came_back.location
    assert federation.account(attackers) == before


def test_who_is_given_a_former_colleagues_address_does_not_get_their_account(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The same provider, and the same address, and another person."""
    idp = johns(federation)
    assert tokens(federation, browser, web_app, idp)["claims"]["sub"] == "demo-john"
    idp.claims["sub"] = "somebody-else"
    came_back = comes(federation, anew(deployment), web_app, idp)
    assert "why=has_account" in came_back.location
    assert len(federation.account("demo-john").links) == 1


def test_trojan_identifier_an_identity_brings_no_address_into_an_account_that_there_is(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The attacker links an identity that claims the victim's address to the attacker's account, and waits for the
    victim to recover or to join.
    """
    idp = federation.add(creates=True)
    federation.link(idp, "demo-john")
    idp.claims["email"] = "victim@example.com"
    tokens(federation, browser, web_app, idp)
    assert federation.account("demo-john").email == "john@example.com"
    assert deployment.server.credentials.find_identifier("victim@example.com") is None
    victims = federation.add(creates=True)
    victims.claims["email"] = "victim@example.com"
    assert tokens(federation, anew(deployment), web_app, victims)["claims"]["sub"] != "demo-john"


def test_non_verifying_provider_an_unproven_address_is_nobodys_at_another_provider_either(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """The provider of the attacker proves nothing. The victim comes with an honest one, to no account of theirs."""
    lax, honest = johns(federation, creates=True), johns(federation, creates=True)
    for idp in (lax, honest):
        idp.claims["email"] = "victim@example.com"
    lax.claims["email_verified"] = False
    attackers = tokens(federation, browser, web_app, lax)["claims"]["sub"]
    victims = tokens(federation, anew(deployment), web_app, honest)["claims"]["sub"]
    assert attackers != victims
    assert not federation.account(attackers).email


# Roles ----------------------------------------------------------------------------------------------------------------


def test_roles_of_the_provider_are_added_while_it_tells_them_and_never_touch_the_operators(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add(roles_claim="groups", roles=frozenset({"staff=admin", "guests=unheard-of"}))
    name = federation.link(idp, "demo-jane")
    own = federation.change("demo-jane", roles=frozenset({"user"})).roles
    idp.claims["groups"] = ["staff"]
    asked = {"scope": "openid profile items offline_access"}
    found = tokens(federation, browser, web_app, idp, **asked)

    def roles_in(access_token: str) -> set[str]:
        return set(jwt.decode(access_token, options={"verify_signature": False}).get("roles", []))

    assert roles_in(found["access_token"]) == own | {"admin"}
    assert federation.account("demo-jane").roles == own
    kept = deployment.server.links.find_link(name)
    assert kept is not None
    assert kept.roles == {"admin"}
    # A refresh goes by the sign-in that the grant comes from, and by the account's link.
    deployment.clock.advance(60)
    again = web_app.refresh(found["refresh_token"]).json()
    assert roles_in(again["access_token"]) == own | {"admin"}
    # Her password says nothing of groups, and the next sign-in there does not either.
    password = anew(deployment)
    wanted = web_app.ask(**asked)
    answer = password.sign_in(password.open(wanted.url), "jane")  # her consent is remembered
    by_password = web_app.redeem(answer.answered["code"], wanted.code_verifier).json()
    assert roles_in(by_password["access_token"]) == own
    idp.claims["groups"] = []
    assert roles_in(tokens(federation, anew(deployment), web_app, idp, **asked)["access_token"]) == own
    # Once the link is gone, so are its roles: at the next refresh.
    deployment.table("Users").update("account#demo-jane", "account", "DELETE #links :name", {":name": {name}})
    deployment.clock.advance(60)
    last = web_app.refresh(again["refresh_token"]).json()
    assert roles_in(last["access_token"]) == own


def test_a_client_is_told_the_roles_that_the_tokens_have(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    scope = deployment.client("web_app_123").scope | {"roles"}
    deployment.change_client("web_app_123", scope=scope, roles=frozenset({"auditor"}))
    idp = federation.add(roles_claim="groups", roles=frozenset({"staff=auditor"}))
    federation.link(idp, "demo-jane")
    idp.claims["groups"] = "staff"
    found = tokens(federation, browser, web_app, idp, scope="openid roles")
    assert "auditor" in web_app.userinfo(found["access_token"]).json()["roles"]


def test_nothing_of_a_provider_is_kept_but_who_the_person_is(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    """No upstream token, no secret, no state, nonce or verifier in any table."""
    idp = federation.add(creates=True)
    sent = browser.get(button_of(browser.open(web_app.ask().url), idp))
    url = federation.brought_back(idp, sent)
    browser.follow(browser.get(url))
    written = str(deployment.everything())
    for secret in (f"access-{idp.number}", url.split("code=")[1].split("&")[0], "a secret/of the client+1"):
        assert secret not in written
    for name, value in dict(pair.split("=") for pair in sent.location.partition("?")[2].split("&")).items():
        if name in ("state", "nonce", "code_challenge"):
            assert value not in written
