"""People make their own accounts, with an address that they have proven (promises P11, P12, P14, P16)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from valet.aws.dynamodb.newcomers import DynamoNewcomers
from valet.handles import place_of
from valet.models.accounts import Account, Identifier
from valet.models.policy import Policy
from valet.people.identifiers import TAKEN_AGAIN_AFTER

from tests.support.application import Application
from tests.support.browser import form_of, forms_of
from tests.support.deployment import Deployment
from tests.support.joining import ADA, PASSWORD, RP_ID, Person, elsewhere, signs_in
from tests.support.mailbox import Mailbox
from tests.support.passkeys import use
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
NAME = "ada@example.org"
DAY = 86_400
BUT = ("request#", "mail#", "code#")  # that a wrong turn may leave behind


@pytest.fixture
def ada(deployment: Deployment, mailbox: Mailbox, web_app: Application) -> Person:
    return Person.at(deployment, mailbox, web_app)


@pytest.fixture
def attacker(deployment: Deployment, mailbox: Mailbox, web_app: Application) -> Person:
    """Who does not read Ada's mails."""
    return Person.at(deployment, mailbox, web_app)


def account_of(deployment: Deployment, name: str = NAME) -> Account | None:
    identifier = deployment.server.credentials.find_identifier(name)
    return deployment.server.accounts.find_account(identifier.sub) if identifier else None


def of_users(deployment: Deployment) -> dict[str, int]:
    """How many items of the Users table each kind has."""
    found: dict[str, int] = {}
    for item in deployment.everything():
        kind = item["pk"]["S"].partition("#")[0]
        if kind in ("account", "password", "passkey", "identifier", "credential"):
            found[kind] = found.get(kind, 0) + 1
    return found


def claims(ada: Person, answer: Answer) -> dict[str, Any]:
    tokens = ada.web_app.redeem(answer.answered["code"], ada.asked.code_verifier).json()
    found: dict[str, Any] = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    return found


def leads(answer: Answer, path: str) -> bool:
    return answer.status == 303 and urlsplit(answer.location).path == path


# -- the way that most people go ---------------------------------------------------------------------------------------


def test_who_types_the_code_chooses_a_password_and_is_at_the_app_without_signing_in_again(
    deployment: Deployment, ada: Person
) -> None:
    sent = ada.ask()
    assert f"A mail to <strong><bdi>{ADA}</bdi></strong> is on its way" in sent.body
    mail = ada.mailbox.newest_of("join")
    page = ada.browser.follow(ada.type_code(sent, mail.code))
    assert f'<p class="address"><bdi>{ADA}</bdi></p>' in page.body
    back = ada.joins(page)
    assert parse_qs(urlsplit(back.location).query)["by"] == ["joined"]
    told = claims(ada, ada.browser.decide(ada.browser.follow(back)))
    account = account_of(deployment)
    assert account is not None
    assert told["sub"] == account.sub
    assert (told["acr"], told["amr"]) == ("urn:valet:acr:password", ["pwd"])
    assert (account.email, account.email_verified, account.name, account.username) == (ADA, True, "Ada", "")
    assert signs_in(deployment, ada.web_app, NAME, PASSWORD)
    assert deployment.audit.names.count("account.created") == deployment.audit.names.count("address.proven") == 1


def test_the_link_opened_in_the_browser_that_asked_is_as_good_as_the_code(ada: Person) -> None:
    page = ada.browser.get(ada.mail().link)
    assert "code" in ada.browser.decide(ada.browser.follow(ada.joins(page))).answered


def test_a_passkey_instead_of_a_password(deployment: Deployment, ada: Person) -> None:
    """Nothing was signed, so the sign-in reaches no level; the next one does."""
    passkey, back = ada.joins_by_passkey(ada.browser.get(ada.mail().link))
    told = claims(ada, ada.browser.decide(ada.browser.follow(back)))
    assert (told.get("acr"), told["amr"]) == (None, ["user"])
    account = account_of(deployment)
    assert account is not None
    assert account.passkeys == {passkey.digest}
    assert (account.has_no_password, account.password_id) == (True, "")
    deployment.clock.advance(1)
    other = elsewhere(ada)
    answer = other.browser.follow(use(other.browser, other.sign_in_page(), passkey))
    assert "code" in answer.answered
    assert "password" not in of_users(deployment) or of_users(deployment)["password"] == 3  # of the demo's people


def test_a_client_that_requires_a_passkey_costs_one_touch_more(deployment: Deployment, ada: Person) -> None:
    deployment.change_client("web_app_123", required_acr="phr")
    passkey, back = ada.joins_by_passkey(ada.browser.get(ada.mail().link))
    deployment.clock.advance(1)
    page = ada.browser.follow(back)
    assert "you have to sign in with a passkey" in page.body
    deployment.clock.advance(1)
    answer = ada.browser.decide(ada.browser.follow(use(ada.browser, page, passkey)))
    assert claims(ada, answer)["acr"] == "phr"


def test_a_second_try_replaces_the_passkey_in_the_authenticator(ada: Person) -> None:
    link = ada.mail().link
    handles = [form.data["user-handle"] for form in _passkey_forms(ada, link, 2)]
    assert len(set(handles)) == 1
    ada.deployment.clock.advance(3600)
    assert (
        _passkey_forms(ada, Person.at(ada.deployment, ada.mailbox, ada.web_app).mail().link, 1)[0].data["user-handle"]
        not in handles
    )


def _passkey_forms(ada: Person, link: str, number: int) -> list[Any]:
    from tests.support.browser import passkey_form_of

    return [passkey_form_of(ada.browser.get(link)) for _ in range(number)]


def test_in_another_browser_the_account_is_ready_and_nobody_is_signed_in(deployment: Deployment, ada: Person) -> None:
    deployment.change_client("web_app_123", client_uri="https://webapp.example.com/")
    phone = elsewhere(ada)
    done = phone.joins(phone.browser.get(ada.mail().link))
    assert done.status == 200
    assert "Your account is ready" in done.body
    assert 'href="https://webapp.example.com/"' in done.body
    for browser in (phone.browser, ada.browser):
        assert SESSION not in browser.cookies
    assert signs_in(deployment, ada.web_app, NAME, PASSWORD)


def test_after_the_requests_ten_minutes_too(deployment: Deployment, ada: Person) -> None:
    mail = ada.mail()
    deployment.clock.advance(601)
    done = ada.joins(ada.browser.get(mail.link))
    assert "Your account is ready" in done.body
    assert SESSION not in ada.browser.cookies
    (way,) = re.findall(r'<a href="(/authorize\?resume=[^"]+)">Sign in</a>', done.body)  # begun anew
    assert "code" in ada.browser.decide(ada.browser.sign_in(ada.browser.open(way), NAME, PASSWORD)).answered


def test_who_comes_without_an_application_is_at_the_account_page(ada: Person) -> None:
    page = ada.browser.open("/join")
    sent = ada.ask_at("join", form_of(page).hidden["request"])
    answer = ada.browser.follow(ada.joins(ada.browser.follow(ada.type_code(sent, ada.mailbox.newest_of("join").code))))
    assert answer.status == 200
    assert f"You are signed in as <strong><bdi>{ADA}</bdi></strong>" in answer.body
    page = ada.browser.open("/account/delete")
    assert f"To confirm, type your email address: <bdi>{ADA}</bdi>" in page.body
    assert "not your email address" in ada.browser.submit(page, confirm="ada").body
    assert "Your account is deleted" in ada.browser.submit(page, confirm=NAME).body


def test_prompt_create_begins_with_an_account(ada: Person) -> None:
    """OpenID Connect Prompt Create §4.1. Also for somebody who is signed in; and who has an account signs in."""
    ada.asked = ada.web_app.ask(prompt="create")
    page = ada.sign_in_page()
    assert form_of(page).action == "/join"
    sent = ada.ask_at("join", form_of(page).hidden["request"])
    page = ada.browser.follow(ada.type_code(sent, ada.mailbox.newest_of("join").code))
    assert "code" in ada.browser.decide(ada.browser.follow(ada.joins(page))).answered
    ada.deployment.clock.advance(1)
    page = ada.browser.open(ada.web_app.ask(prompt="create").url)
    assert form_of(page).action == "/join"
    instead = ada.browser.get(f"/login?request={form_of(page).hidden['request']}")
    answer = ada.browser.sign_in(instead, NAME, PASSWORD)
    assert "code" in answer.answered


def test_prompt_create_is_announced_and_accepted_where_people_may_join_alone(
    deployment: Deployment, ada: Person
) -> None:
    path = "/.well-known/openid-configuration"
    asked = ada.web_app.ask(prompt="create")
    assert "create" in ada.browser.get(path).json()["prompt_values_supported"]
    assert ada.web_app.push(prompt="create")[0].status == 201
    assert ada.browser.open(f"{asked.url}%20none").answered["error"] == "invalid_request"
    deployment.change_client("web_app_123", registration="off")
    assert ada.browser.open(asked.url).answered["error"] == "invalid_request"
    assert ada.web_app.push(prompt="create")[0].error == "invalid_request"
    deployment.registrar.put_policy(Policy())
    deployment.clock.advance(11)
    assert "create" not in ada.browser.get(path).json()["prompt_values_supported"]


def test_who_has_an_account_is_told_so_by_mail_and_can_go_on_from_there_in_any_browser(
    deployment: Deployment, ada: Person
) -> None:
    ada.ask("join", "JOHN@example.com")
    (mail,) = ada.mailbox.read()
    assert (mail.to, mail.purpose) == ("john@example.com", "have_account")
    for person in (ada, elsewhere(ada)):
        page = person.browser.open(mail.link)
        assert form_of(page).action == "/recover"
        assert form_of(page).names >= {"address"}
    deployment.clock.advance(601)
    assert form_of(ada.browser.open(mail.link)).action == "/recover"  # on the way to the app, begun anew


# -- where nobody may join ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", ["policy", "client", "mail"])
def test_where_nobody_may_join_the_page_says_so_and_no_link_leads_there(
    deployment: Deployment, ada: Person, closed: str
) -> None:
    link, handle = ada.mail().link, form_of(ada.sign_in_page()).hidden["request"]
    form = form_of(ada.browser.get(f"/join?request={handle}"))
    if closed == "client":
        deployment.change_client("web_app_123", registration="off")
    elif closed == "policy":
        deployment.registrar.put_policy(Policy(sign_in_with="either"))
        deployment.clock.advance(11)
    else:
        deployment.restart(mail="off")
    assert "Create an account" not in ada.sign_in_page().body
    with deployment.nothing_spent(BUT):
        for answer in (
            ada.browser.get(f"/join?request={handle}"),
            ada.browser.post("/join", {**form.hidden, "address": ADA}),
            ada.browser.get(link),
            ada.joins_anyway(link),
        ):
            assert answer.status == 404
            assert "You cannot create an account here" in answer.body
    assert not ada.mailbox.letters()


def test_only_addresses_of_the_domains_may_join(deployment: Deployment, ada: Person) -> None:
    link = ada.mail().link
    ada.mailbox.switch_on(registration="domains", registration_domains=frozenset({"example.com", "harbour.example"}))
    with deployment.nothing_spent(BUT):
        page = ada.ask("join", "ada@elsewhere.example")
        assert page.status == 400
        assert "Addresses of this domain cannot be used here" in page.body
        assert "example.com harbour.example" in page.body
        assert ada.ask("join", "ada@sub.example.com").status == 400
        assert ada.browser.get(link).status == 404  # the policy came after the mail
    assert ada.mail(address="new@Harbour.Example").code


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@example",
        "ada@exa mple.org",
        "a@b@example.org",
        "ada@bücher.example",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 250}.org",
        "<ada@example.org>",
    ],
)
def test_what_is_no_address_is_refused_and_nothing_is_sent(deployment: Deployment, ada: Person, address: str) -> None:
    with deployment.nothing_spent(("request#",)):
        page = ada.ask("join", address)
    assert page.status == 400
    assert "is not an email address" in page.body
    assert not ada.mailbox.letters()


# -- codes and links ---------------------------------------------------------------------------------------------------


def test_a_code_is_good_in_the_browser_and_the_request_that_asked_alone(
    deployment: Deployment, ada: Person, attacker: Person
) -> None:
    mail = ada.mail()
    sent = attacker.ask("join", "eve@example.net")
    attacker.mailbox.read()
    with deployment.nothing_spent(BUT):
        refused = attacker.type_code(sent, mail.code)
    assert refused.status == 400
    assert "That code does not work" in refused.body
    other_tab = ada.browser.open(ada.web_app.ask().url)
    page = ada.browser.get(f"/join?request={form_of(other_tab).hidden['request']}&sent=yes")
    with deployment.nothing_spent(BUT):
        assert ada.type_code(page, mail.code).status == 400


def test_a_code_may_be_tried_five_times(deployment: Deployment, ada: Person) -> None:
    sent, wrong = ada.ask(), "00000000"
    mail = ada.mailbox.newest_of("join")
    if mail.code == wrong:
        wrong = "11111111"
    with deployment.nothing_spent(BUT):
        for _ in range(5):
            assert ada.type_code(sent, wrong).status == 400
        refused = ada.type_code(sent, mail.code)
    assert refused.status == 400
    assert "was tried five times" in refused.body
    assert "Ask for a new mail" in refused.body
    assert account_of(deployment) is None
    # A new mail has a new code, and the link of the former one is still good.
    sent = ada.ask()
    assert leads(ada.type_code(sent, ada.mailbox.newest_of("join").code), "/join/confirm")
    assert ada.browser.get(mail.link).status == 200


@pytest.mark.parametrize("typed", ["{0} {1}", " {0}-{1} ", "{0}\u00a0{1}"])
def test_a_code_may_be_typed_as_the_mail_shows_it(ada: Person, typed: str) -> None:
    sent = ada.ask()
    code = ada.mailbox.newest_of("join").code
    assert leads(ada.type_code(sent, typed.format(code[:4], code[4:])), "/join/confirm")


def test_a_code_is_too_old_after_ten_minutes_with_its_page(deployment: Deployment, ada: Person) -> None:
    sent = ada.ask()
    code = ada.mailbox.newest_of("join").code
    deployment.clock.advance(600)
    assert leads(ada.type_code(sent, code), "/authorize")  # which begins the request anew


def test_a_link_is_fetched_by_anybody_any_number_of_times_and_spends_nothing(
    deployment: Deployment, ada: Person, attacker: Person
) -> None:
    """P16: authelia #2994, authentik #8953: scanners of mail opened the link first."""
    link = ada.mail().link
    with deployment.nothing_spent():
        for browser in (ada.browser, attacker.browser):
            for _ in range(3):
                assert browser.get(link).status == 200
                assert deployment.send("HEAD", link).status == 200
                assert deployment.send("GET", link, {"sec-purpose": "prefetch"}).status == 200
    assert "code" in ada.browser.decide(ada.browser.follow(ada.joins(ada.browser.get(link)))).answered
    with deployment.nothing_spent():
        for browser in (ada.browser, attacker.browser):
            answer = browser.get(link)
            assert "You have an account" in answer.body
            assert not forms_of(answer)


def test_a_link_is_too_old_after_a_day_and_leads_to_a_new_one(deployment: Deployment, ada: Person) -> None:
    mail = ada.mail()
    page = ada.browser.get(mail.link)
    deployment.clock.advance(DAY)
    with deployment.nothing_spent():
        for answer in (ada.browser.get(mail.link), ada.joins(page)):
            assert answer.status == 400
            assert "This link no longer works" in answer.body
            assert 'href="/join?request=' in answer.body
    handle = parse_qs(urlsplit(mail.link).query)["request"][0]
    assert form_of(ada.browser.open(f"/join?request={handle}")).action == "/join"


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_a_link_that_nobody_sent_leads_to_nothing(deployment: Deployment, ada: Person, token: str) -> None:
    with deployment.nothing_spent():
        assert ada.browser.get(f"/join/confirm?token={token}").status == 400
        assert ada.browser.post("/join/confirm", {"token": token or "-", "new_password": PASSWORD}).status == 400


@pytest.mark.parametrize("purpose", ["recover", "undo"])
def test_a_mail_of_another_purpose_makes_no_account(deployment: Deployment, ada: Person, purpose: str) -> None:
    mail = ada.mail("recover", "john@example.com") if purpose == "recover" else ada.mail()
    link = mail.link.replace("/recover/", "/join/")
    if purpose == "undo":
        from valet.frozen import replace
        from valet.handles import digest

        mails = deployment.server.mails
        found = mails.find_mail(digest(mail.token))
        assert found is not None
        mails.put_mail(digest(mail.token), replace(found, purpose="undo"))
    with deployment.nothing_spent():
        assert ada.browser.get(link).status == 400


def test_a_form_of_another_site_or_of_another_browser_makes_no_account(
    deployment: Deployment, ada: Person, attacker: Person
) -> None:
    link = ada.mail().link
    page = ada.browser.get(link)
    form = forms_of(page)[0]
    filled = {**form.hidden, "name": "Eve", "new_password": PASSWORD}
    attacker.browser.get(link)
    with deployment.nothing_spent(BUT):
        assert ada.browser.post_from_another_site(form.action, filled).status == 400
        assert attacker.browser.post(form.action, filled).status == 400
        assert ada.browser.post(form.action, {**filled, "csrf_token": "x"}).status == 400
    assert account_of(deployment) is None


def test_asking_takes_a_form_of_this_very_page(deployment: Deployment, ada: Person, attacker: Person) -> None:
    form = form_of(ada.browser.get(f"/join?request={form_of(ada.sign_in_page()).hidden['request']}"))
    with deployment.nothing_spent(BUT):
        assert ada.browser.post("/join", {**form.hidden, "csrf_token": "x", "address": ADA}).status == 400
        assert ada.browser.post("/recover", {**form.hidden, "address": ADA}).status == 400  # it is of /join
        assert attacker.browser.post("/join", {**form.hidden, "address": ADA}).status == 400
    assert not ada.mailbox.letters()


# -- passwords and names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("too short", "needs at least 15 characters"),
        ("a" * 1025, "at most 1024 characters"),
        ("ab" * 10, "repeats one character or one short piece"),
        ("ADA@example.ORG", "a name or an address that others know"),
        ("Ada Lovelace King", "a name or an address that others know"),
    ],
)
def test_a_password_that_is_refused_says_why_and_makes_nothing(
    deployment: Deployment, ada: Person, password: str, reason: str
) -> None:
    page = ada.browser.get(ada.mail().link)
    with deployment.nothing_spent():
        refused = ada.joins(page, "Ada Lovelace King", password)
    assert refused.status == 400
    assert reason in refused.body
    assert 'value="Ada Lovelace King"' in refused.body  # nothing is asked twice
    assert f'value="{password}"' not in refused.body or password == "Ada Lovelace King"
    assert ada.joins(refused).status == 303


def test_the_policy_says_how_long_a_password_is(deployment: Deployment, ada: Person) -> None:
    ada.mailbox.switch_on(password_minimum=20)
    page = ada.browser.get(ada.mail().link)
    assert "At least 20 characters" in page.body
    assert ada.joins(page, password="correct horse batt").status == 400


def test_a_stolen_password_is_refused_where_the_policy_asks(
    deployment: Deployment, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from valet.outbound import guarded
    from valet.outbound.asking import Answer as Answered

    asked: list[str] = []

    def answer(url: str, **_: object) -> Answered:
        asked.append(url)
        return Answered(200, b"AD6438836DBE526AA231ABDE2D0EEF74D42:4\r\n")  # of "correct horse battery staple"

    monkeypatch.setattr(guarded, "ask", answer)
    page = ada.browser.get(ada.mail().link)
    ada.mailbox.switch_on(breached_passwords=True)
    with deployment.nothing_spent():
        assert "in a list of stolen passwords" in ada.joins(page).body
    assert asked == ["https://api.pwnedpasswords.com/range/ABF7A"]
    assert ada.joins(page, password="another horse, another staple").status == 303


@pytest.mark.parametrize("name", ["a" * 257, "Ada\u202eecila"])
def test_a_name_that_cannot_be_shown_is_refused(deployment: Deployment, ada: Person, name: str) -> None:
    page = ada.browser.get(ada.mail().link)
    with deployment.nothing_spent():
        assert "A name has at most 256 characters" in ada.joins(page, name).body


@pytest.mark.parametrize("changed", [{"challenge": "AAAA"}, {"origin": "https://evil.example"}, {"type": "x"}])
def test_a_passkey_that_is_not_for_this_page_makes_nothing(
    deployment: Deployment, ada: Person, changed: Mapping[str, str]
) -> None:
    from valet.jose.compact import decode

    from tests.support.authenticator import SoftPasskey
    from tests.support.browser import passkey_form_of

    form = passkey_form_of(ada.browser.get(ada.mail().link))
    made = SoftPasskey(RP_ID, decode(form.data["user-handle"].encode()))
    answer = made.made(deployment.issuer, form.data["challenge"], **changed)
    with deployment.nothing_spent():
        refused = ada.browser.post(form.action, {**form.hidden, **answer})
    assert refused.status == 400
    assert "That passkey could not be used" in refused.body
    assert "passkey.refused" in deployment.audit.names


# -- races -------------------------------------------------------------------------------------------------------------


def test_two_tabs_of_one_browser_make_one_account_and_both_go_on(deployment: Deployment, ada: Person) -> None:
    before = of_users(deployment)
    link = ada.mail().link
    pages = [ada.browser.get(link) for _ in range(2)]
    first = ada.joins(pages[0])
    second = ada.joins(pages[1], password="another horse, another staple")
    assert first.location == second.location
    after = of_users(deployment)
    assert {kind: after[kind] - before.get(kind, 0) for kind in after} == {
        "account": 1,
        "password": 1,
        "identifier": 1,
        "credential": 0,
        **({"passkey": 0} if "passkey" in after else {}),
    }
    assert "code" in ada.browser.decide(ada.browser.follow(second)).answered
    assert signs_in(deployment, ada.web_app, NAME, PASSWORD)
    assert not signs_in(deployment, ada.web_app, NAME, "another horse, another staple")


@pytest.mark.parametrize("by_passkey", [False, True])
def test_the_loser_of_a_race_deletes_what_it_put_and_signs_in(
    deployment: Deployment, ada: Person, monkeypatch: pytest.MonkeyPatch, by_passkey: bool
) -> None:
    """Between its first writes and the last one, the same person finishes on the phone."""
    link, phone = ada.mail().link, elsewhere(ada)
    page = phone.browser.get(link)
    take, rivals = DynamoNewcomers.take_identifier, list[Answer]()

    def late(self: DynamoNewcomers, name: str, identifier: Identifier, released_before: int) -> bool:
        if not rivals:
            rivals.append(page)
            rivals[0] = phone.joins(page, password="the phone was faster, again")
        return take(self, name, identifier, released_before)

    monkeypatch.setattr(DynamoNewcomers, "take_identifier", late)
    before = of_users(deployment)
    here = ada.browser.get(link)
    answer = ada.joins_by_passkey(here)[1] if by_passkey else ada.joins(here)
    assert "Your account is ready" in rivals[0].body
    asked_again = ada.browser.follow(answer)
    assert form_of(asked_again).names >= {"password"}
    assert SESSION not in ada.browser.cookies
    after = of_users(deployment)
    assert {kind: after[kind] - before.get(kind, 0) for kind in ("account", "password", "identifier")} == {
        "account": 1,
        "password": 1,
        "identifier": 1,
    }
    assert after.get("passkey", 0) == before.get("passkey", 0)
    assert "code" in ada.browser.decide(ada.browser.sign_in(asked_again, NAME, "the phone was faster, again")).answered


def test_a_second_click_with_a_passkey_goes_on_as_the_first(deployment: Deployment, ada: Person) -> None:
    from valet.jose.compact import decode

    from tests.support.authenticator import SoftPasskey
    from tests.support.browser import passkey_form_of

    form = passkey_form_of(ada.browser.get(ada.mail().link))
    made = SoftPasskey(RP_ID, decode(form.data["user-handle"].encode()))
    filled = {**form.hidden, **made.made(deployment.issuer, form.data["challenge"])}
    answers = [ada.browser.post(form.action, filled) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert "code" in ada.browser.decide(ada.browser.follow(answers[1])).answered
    account = account_of(deployment)
    assert account is not None
    assert account.passkeys == {made.digest}


def test_an_address_that_was_taken_since_the_mail_was_sent_is_not_given_twice(
    deployment: Deployment, ada: Person
) -> None:
    link, page = (mail := ada.mail()).link, ada.browser.get(mail.link)
    deployment.users().take_identifier(NAME, Identifier("somebody", "email", 1), 0)
    with deployment.nothing_spent():
        assert "You have an account" in ada.browser.get(link).body
    before = of_users(deployment)
    assert leads(ada.joins(page), "/authorize")
    assert of_users(deployment) == before
    assert deployment.server.credentials.find_identifier(NAME) == Identifier("somebody", "email", 1)


def test_an_address_that_was_given_up_is_kept_from_others_for_ninety_days(deployment: Deployment, ada: Person) -> None:
    link, page = (mail := ada.mail()).link, ada.browser.get(mail.link)
    now, users = deployment.clock.now, deployment.users()
    released = Identifier("former", "email", 1, released_at=int(now) - TAKEN_AGAIN_AFTER)
    users.take_identifier(NAME, released, 0)
    before = of_users(deployment)
    with deployment.nothing_spent():
        assert "This address cannot be used now" in ada.browser.get(link).body
    assert "This address cannot be used now" in ada.joins(page).body
    assert of_users(deployment) == before
    assert users.find_identifier(NAME) == released
    deployment.clock.advance(1)
    assert leads(ada.joins(ada.browser.get(link)), "/authorize")
    assert account_of(deployment) is not None


# -- P14: one proof, one request, one browser --------------------------------------------------------------------------


def test_what_joining_has_proven_opens_one_session_in_one_browser(
    deployment: Deployment, ada: Person, attacker: Person
) -> None:
    back = ada.joins(ada.browser.get(ada.mail().link))
    with deployment.nothing_spent(BUT):
        assert attacker.browser.get(back.location).status == 400
    ada.browser.follow(back)
    secret = ada.browser.cookies.pop(SESSION)
    with deployment.nothing_spent(BUT):
        again = ada.browser.open(back.location)
    assert form_of(again).names >= {"password"}  # it is spent
    assert SESSION not in ada.browser.cookies
    assert secret


def test_the_proof_dies_with_the_accounts_first_epoch_and_its_password(deployment: Deployment, ada: Person) -> None:
    back = ada.joins(ada.browser.get(ada.mail().link))
    account = account_of(deployment)
    assert account is not None
    deployment.raise_epoch(account.sub)
    with deployment.nothing_spent(BUT):
        assert form_of(ada.browser.follow(ada.browser.get(back.location))).names >= {"password"}
    assert SESSION not in ada.browser.cookies


def test_somebody_who_joins_in_the_same_tab_later_has_to_sign_in(deployment: Deployment, ada: Person) -> None:
    """The proof of the first one stands there. It is not replaced, so that no two people's proofs can be mixed up."""
    sent = ada.ask()
    page = ada.browser.follow(ada.type_code(sent, ada.mailbox.newest_of("join").code))
    handle = form_of(sent).hidden["request"]
    ada.browser.follow(ada.joins(page))
    ada.browser.cookies.pop(SESSION)
    sent = ada.ask_at("join", handle, "brother@example.org")
    page = ada.browser.follow(ada.type_code(sent, ada.mailbox.newest_of("join").code))
    answer = ada.browser.follow(ada.joins(page, password="a horse of his own, of course"))
    assert form_of(answer).names >= {"password"}
    assert SESSION not in ada.browser.cookies


def test_somebody_who_joins_in_the_same_tab_is_not_signed_in_as_the_one_before_who_never_came_to_the_app(
    deployment: Deployment, ada: Person
) -> None:
    """Ada's next page did not load, so that her proof still waits there when her brother joins."""
    sent = ada.ask()
    page = ada.browser.follow(ada.type_code(sent, ada.mailbox.newest_of("join").code))
    handle = form_of(sent).hidden["request"]
    assert leads(ada.joins(page), "/authorize")
    sent = ada.ask_at("join", handle, "brother@example.org")
    page = ada.browser.follow(ada.type_code(sent, ada.mailbox.newest_of("join").code))
    proofs = [item for item in deployment.everything() if item["pk"]["S"].startswith("proof-")]
    answer = ada.browser.follow(ada.joins(page, password="a horse of his own, of course"))
    assert form_of(answer).names >= {"password"}
    assert SESSION not in ada.browser.cookies
    assert [item for item in deployment.everything() if item["pk"]["S"].startswith("proof-")] == proofs
    assert signs_in(deployment, ada.web_app, "brother@example.org", "a horse of his own, of course")


# -- P11: the five ways of pre-hijacking (Sudhodanan and Paverd, 2022) -------------------------------------------------


def test_p11_classic_federated_merge(deployment: Deployment, ada: Person) -> None:
    """An account that holds Ada's address without her proof is not hers, and nothing merges the two."""
    trap = Account("trap", "attacker", email=ADA, email_verified=False)
    deployment.users().add_user(trap, "$argon2id$", deployment.clock.now)
    assert leads(ada.joins(ada.browser.get(ada.mail().link)), "/authorize")
    account = account_of(deployment)
    assert account is not None
    assert account.sub != "trap"
    assert deployment.server.accounts.find_account("trap") == trap


def test_p11_unexpired_session(deployment: Deployment, ada: Person, attacker: Person) -> None:
    """Who asks with Ada's address has no session, no link and no code; and none comes of it when she joins."""
    handle = form_of(attacker.ask()).hidden["request"]
    ada.joins(ada.browser.get(ada.mailbox.newest_of("join").link))
    with deployment.nothing_spent(BUT):
        page = attacker.browser.open(f"/authorize?resume={handle}&by=joined")
    assert form_of(page).names >= {"password"}
    assert SESSION not in attacker.browser.cookies


def test_p11_trojan_identifier(deployment: Deployment, ada: Person, attacker: Person) -> None:
    """Nothing that somebody else chose is in the account when its owner first opens it."""
    attacker.ask()
    mail = ada.mailbox.newest_of("join")
    ada.joins(ada.browser.get(mail.link))
    account = account_of(deployment)
    assert account is not None
    assert (account.passkeys, account.links, account.totp_id, account.roles) == (frozenset(),) * 2 + ("", frozenset())
    assert (account.former_email, account.epoch, account.phone_number) == ("", 0, "")
    names = [item["pk"]["S"] for item in deployment.everything() if item.get("sub", {}).get("S") == account.sub]
    assert sorted(name.partition("#")[0] for name in names if not name.startswith(("session", "sub", "proof"))) == [
        "account",
        "identifier",
        "password",
    ]


def test_p11_unexpired_address_change(deployment: Deployment, ada: Person, attacker: Person) -> None:
    """A mail that somebody asked for before is good for nothing afterwards."""
    attacker.ask()
    older = ada.mailbox.newest_of("join")
    ada.joins(ada.browser.get(ada.mail().link))
    account = account_of(deployment)
    page = attacker.browser.get(older.link)
    assert not forms_of(page)
    assert account_of(deployment) == account


def test_p11_non_verifying_identity_provider(deployment: Deployment, ada: Person, attacker: Person) -> None:
    """An address is worth nothing by somebody's word: without the mail there is no account, whatever is sent."""
    sent = attacker.ask()
    hidden = form_of(sent).hidden
    before = of_users(deployment)
    with deployment.nothing_spent(BUT):
        for form in (
            {**hidden, "name": "Eve", "new_password": PASSWORD},
            {**hidden, "name": "Eve", "password": PASSWORD, "token": "A" * 43},
            {**hidden, "name": "Eve", "password": PASSWORD, "token": hidden["request"]},
        ):
            assert attacker.browser.post("/join/confirm", form).status == 400
    assert of_users(deployment) == before


def test_the_mails_place_is_a_secret_of_the_browser_that_asked(deployment: Deployment, ada: Person) -> None:
    """Who brings the link and the handle to another browser is not taken for the one that asked."""
    sent = ada.ask()
    handle = form_of(sent).hidden["request"]
    (letter,) = ada.mailbox.letters()
    assert letter.place == place_of(handle, ada.browser.cookies["__Host-valet-browser"]).hex()
    thief = elsewhere(ada)
    thief.browser.get("/join")
    done = thief.joins(thief.browser.get(ada.mailbox.newest_of("join").link))
    assert "Your account is ready" in done.body
    with deployment.nothing_spent(BUT):
        thief.browser.get(f"/authorize?resume={handle}&by=joined")
    assert SESSION not in thief.browser.cookies
