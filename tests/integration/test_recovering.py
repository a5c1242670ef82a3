"""A forgotten password, set anew by a mail (promises P12, P15, P16, P17)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from valet.aws.dynamodb.own_sign_in import DynamoOwnSignIn
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.handles import digest
from valet.models.accounts import Account
from valet.models.mails import NOTICE
from valet.people.passwords import credential_in_force

from tests.integration.conftest import Redeemed
from tests.integration.guesses import anew, attempt
from tests.support.application import Application
from tests.support.browser import Browser, filled_in, form_of, forms_of, passkey_form_of
from tests.support.deployment import Deployment
from tests.support.joining import Person, elsewhere, signs_in
from tests.support.logouts import Logouts
from tests.support.mailbox import Mailbox
from tests.support.passkeys import give_passkey, use
from tests.support.second_factors import give_codes, type_code
from tests.support.wire import Answer

JOHN, ADDRESS = "demo-john", "john@example.com"
OLD, NEW = "password123", "a new horse, a new staple"
SESSION = "__Host-valet-session"
BUT = ("request#", "mail#", "code#")


@pytest.fixture
def john(deployment: Deployment, mailbox: Mailbox, web_app: Application) -> Person:
    """Who has forgotten his password."""
    return Person.at(deployment, mailbox, web_app)


@pytest.fixture
def thief(redeemed: Redeemed, deployment: Deployment, browser: Browser, mailbox: Mailbox) -> Browser:
    """Somebody who has signed in as John, and has tokens."""
    mailbox.switch_on()
    return browser


def account(deployment: Deployment) -> Account:
    found = deployment.server.accounts.find_account(JOHN)
    assert found is not None
    return found


def change(deployment: Deployment, expression: str, **values: object) -> None:
    named = {f":{name}": value for name, value in values.items()}
    deployment.table("Users").update(f"account#{JOHN}", "account", expression, named, "attribute_exists(#pk)")


def waiting_sign_outs(deployment: Deployment) -> int:
    from tests.support.deployment import queue_arn

    return len(deployment.aws.queues.named(queue_arn("SignOuts")).messages)


# -- the way that most people go ---------------------------------------------------------------------------------------


def test_who_types_the_code_sets_a_password_and_signs_in_with_it(deployment: Deployment, john: Person) -> None:
    sent = john.ask("recover", " John@Example.com ")
    assert "If an account has the address <strong><bdi>John@Example.com</bdi></strong>" in sent.body
    page = john.browser.follow(john.type_code(sent, john.mailbox.newest_of("recover").code))
    assert f'<p class="address"><bdi>{ADDRESS}</bdi></p>' in page.body
    asked = john.browser.follow(john.sets_password(page, NEW))
    assert form_of(asked).names >= {"password"}  # a mail opens no session
    assert "code" in john.browser.decide(john.browser.sign_in(asked, "john", NEW)).answered
    assert not signs_in(deployment, john.web_app, "john", OLD)
    assert deployment.audit.names.count("password.reset") == 1


def test_in_another_browser_and_after_ten_minutes_a_page_says_so(deployment: Deployment, john: Person) -> None:
    phone = elsewhere(john)
    done = phone.sets_password(phone.browser.get(john.mail("recover", ADDRESS).link), NEW)
    assert (done.status, "Your password is changed" in done.body) == (200, True)
    mail = john.mail("recover", ADDRESS)
    deployment.clock.advance(601)
    done = john.sets_password(john.browser.get(mail.link), "another new horse, and staple")
    assert "Your password is changed" in done.body
    assert "/authorize?resume=" in done.body
    assert signs_in(deployment, john.web_app, "john", "another new horse, and staple")


def test_everything_that_was_open_ends_with_the_old_password(
    thief: Browser, redeemed: Redeemed, deployment: Deployment, web_app: Application, logouts: Logouts
) -> None:
    john = Person.at(deployment, Mailbox(deployment), web_app)
    john.sets_password(john.browser.get(john.mail("recover", ADDRESS).link), NEW)
    assert "password" in form_of(thief.open(web_app.ask().url)).names
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    logouts.pass_time(60)
    assert web_app.introspect(redeemed.access_token).json() == {"active": False}
    assert deployment.audit.names.count("grant.revoked") == 1


def test_the_owner_is_told_by_mail_before_the_write(deployment: Deployment, john: Person) -> None:
    john.sets_password(john.browser.get(john.mail("recover", ADDRESS).link), NEW)
    (notice,) = john.mailbox.letters()
    found = account(deployment)
    assert (notice.purpose, notice.what, notice.sub) == (NOTICE, "password.changed", JOHN)
    assert (notice.mark, notice.epoch) == (found.password_id, found.epoch - 1)
    assert waiting_sign_outs(deployment) == 1


@pytest.mark.parametrize(
    ("password", "reason"),
    [("short", "needs at least 15 characters"), ("john@EXAMPLE.com", "a name or an address that others know")],
)
def test_a_password_that_is_refused_changes_nothing(
    deployment: Deployment, john: Person, password: str, reason: str
) -> None:
    page = john.browser.get(john.mail("recover", ADDRESS).link)
    before = account(deployment)
    with deployment.nothing_spent():
        refused = john.sets_password(page, password)
    assert (refused.status, reason in refused.body) == (400, True)
    assert account(deployment) == before
    assert not john.mailbox.letters()
    assert not waiting_sign_outs(deployment)
    assert john.sets_password(refused, NEW).status == 303


# -- P12: nothing tells who has an account -----------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["join", "recover"])
def test_the_same_words_and_the_same_calls_whether_or_not_somebody_has_the_address(
    deployment: Deployment, john: Person, purpose: str
) -> None:
    """Keycloak #47619 and #43751, CVE-2026-4633: such pages told who exists."""
    seen = []
    for address in (ADDRESS, "nobody@example.com"):
        person = elsewhere(john)
        page = person.sign_in_page()
        handle = form_of(page).hidden["request"]
        form = form_of(person.browser.get(f"/{purpose}?request={handle}"))
        deployment.restart()
        with deployment.aws.recorded() as calls:
            answer = person.browser.post(form.action, {**form.hidden, "address": address})
        assert not any(call.table == "integration-users" for call in calls)
        made = [(call.service, call.action, call.partition_prefix, len(call.body)) for call in calls]
        # The digest of an address has always the same length; the message has the address itself.
        made = [each if each[0] != "sqs" else each[:3] for each in made]  # type: ignore[misc]
        body = answer.body.replace(address, "ADDRESS").replace(handle, "HANDLE")
        for value in form_of(answer).hidden.values():
            body = body.replace(value, "TOKEN")
        seen.append((answer.status, body, made, sorted(answer.headers)))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("purpose", ["join", "recover"])
def test_a_code_that_there_never_was_is_refused_like_a_wrong_one(
    deployment: Deployment, john: Person, purpose: str
) -> None:
    """The mailer sends no code to an address that somebody has (join), or that nobody has (recover)."""
    bodies = []
    for address in (ADDRESS, "nobody@example.com"):
        person = elsewhere(john)
        sent = person.ask(purpose, address)
        person.mailbox.read()
        with deployment.nothing_spent(BUT):
            refused = person.type_code(sent, "12345678")
        body, hidden = refused.body, form_of(refused).hidden
        bodies.append((refused.status, body.replace(hidden["request"], "").replace(hidden["csrf_token"], "")))
    assert bodies[0] == bodies[1]


def test_beyond_the_throttle_the_page_is_the_same_and_no_mail_is_sent(deployment: Deployment, john: Person) -> None:
    for _ in range(3):
        assert john.ask("recover", ADDRESS).status == 200
    assert len(john.mailbox.read()) == 3
    throttled = john.ask("recover", "JOHN+spam@example.com")
    assert (throttled.status, "is on its way" in throttled.body) == (200, True)
    assert not john.mailbox.letters()
    assert deployment.audit.names.count("mail.throttled") == 1


# -- P15: a password, and no more --------------------------------------------------------------------------------------


def test_whatever_asks_for_a_passkey_still_asks(deployment: Deployment, john: Person) -> None:
    passkey = give_passkey(deployment.table("Users"), JOHN, "id.example.com")
    deployment.change_client("web_app_123", required_acr="phr")
    page = john.browser.get(john.mail("recover", ADDRESS).link)
    asked = john.browser.follow(john.sets_password(page, NEW))
    page = john.browser.sign_in(asked, "john", NEW)
    assert "you have to sign in with a passkey" in page.body
    assert account(deployment).passkeys == {passkey.digest}
    deployment.clock.advance(1)
    shown = john.browser.follow(use(john.browser, page, passkey))
    assert "Is each of these passkeys yours?" in shown.body
    asked = john.browser.follow(john.browser.post(*filled_in(shown, "do", "reviewed")))
    assert "code" in john.browser.decide(asked).answered


@pytest.fixture
def without_password(deployment: Deployment, john: Person) -> Person:
    """John has passkeys alone."""
    give_passkey(deployment.table("Users"), JOHN, "id.example.com")
    change(deployment, "SET #has_no_password = :yes", yes=True)
    return john


def test_an_account_without_a_password_gets_none_by_mail(deployment: Deployment, without_password: Person) -> None:
    john = without_password
    link = john.mail("recover", ADDRESS).link
    page = john.browser.get(link)
    assert "This account has no password" in page.body
    assert "ask the people who run this service" in page.body
    assert not forms_of(page)
    before = account(deployment)
    token = parse_qs(urlsplit(link).query)["token"][0]
    csrf = _csrf_token(john, link)
    with deployment.nothing_spent():
        for form in ({"token": token, "new_password": NEW}, {"token": token, "new_password": NEW, "csrf_token": csrf}):
            john.browser.post("/recover/confirm", form)
    assert account(deployment) == before
    assert not john.mailbox.letters()


def _csrf_token(person: Person, link: str) -> str:
    from valet.front_channel.forms import csrf_token
    from valet.front_channel.mail_links import Link
    from valet.models.mails import Mail

    token = parse_qs(urlsplit(link).query)["token"][0]
    form = Link("recover", token, "", Mail("recover", ADDRESS, 0)).form
    return csrf_token(person.browser.cookies["__Host-valet-browser"], form)


def test_a_mail_and_a_recovery_code_open_the_page_with_the_passkeys(
    deployment: Deployment, without_password: Person
) -> None:
    john = without_password
    codes = give_codes(deployment, JOHN)
    link = john.mail("recover", ADDRESS).link
    phone = elsewhere(john)
    page = phone.browser.get(link)
    assert "Use a recovery code" in page.body
    answer = phone.browser.post(form_of(page).action, form_of(page).hidden)
    assert parse_qs(urlsplit(answer.location).query)["by"] == ["mail"]
    page = phone.browser.follow(answer)
    # By itself the mail opens nothing: not the account page, and no app.
    assert phone.browser.get("/account").status == 303
    assert phone.browser.get("/account/passkeys").status == 303
    assert "code" not in phone.browser.open(phone.web_app.ask(prompt="none").url).answered
    assert account(deployment).epoch == 0
    assert type_code(phone.browser, page, "1-AAAA-AAAA-AAAA-AAAA").status == 401
    page = phone.browser.follow(type_code(phone.browser, page, codes[0]))
    assert passkey_form_of(page).data["challenge"]
    assert phone.browser.get("/account/passkeys").status == 200
    # Nor do the two open anything else.
    for section in ("profile", "second", "recovery", "password", "email", "delete"):
        assert phone.browser.get(f"/account/{section}").status == 303, section
    assert "code" not in phone.browser.open(phone.web_app.ask(prompt="none").url).answered


def test_a_recovery_code_of_another_account_does_not_help_a_mail(
    deployment: Deployment, without_password: Person
) -> None:
    john = without_password
    give_codes(deployment, JOHN)
    others = give_codes(deployment, "demo-jane")
    page = john.browser.get(john.mail("recover", ADDRESS).link)
    page = john.browser.follow(john.browser.post(form_of(page).action, form_of(page).hidden))
    assert type_code(john.browser, page, others[0]).status == 401
    assert john.browser.get("/account/passkeys").status == 303


# -- which mail counts -------------------------------------------------------------------------------------------------


def test_a_link_is_fetched_by_anybody_any_number_of_times_and_spends_nothing(
    deployment: Deployment, john: Person
) -> None:
    link, scanner = john.mail("recover", ADDRESS).link, anew(deployment)
    with deployment.nothing_spent():
        for _ in range(3):
            assert scanner.get(link).status == 200
            assert deployment.send("HEAD", link, {"purpose": "prefetch"}).status == 200
    assert john.sets_password(john.browser.get(link), NEW).status == 303


def test_a_mail_is_spent_with_all_its_siblings(deployment: Deployment, john: Person) -> None:
    mails = [john.mail("recover", ADDRESS) for _ in range(2)]
    pages = [john.browser.get(mail.link) for mail in mails]
    john.sets_password(pages[0], NEW)
    before = account(deployment)
    with deployment.nothing_spent():
        for mail, page in zip(mails, pages, strict=True):
            refused = john.sets_password(page, "yet another horse, yet a staple")
            assert (refused.status, "This link no longer works" in refused.body) == (400, True)
            assert 'href="/recover?request=' in refused.body
            assert john.browser.get(mail.link).status == 400
    assert account(deployment) == before


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("SET #email = :email", {"email": "john@elsewhere.example"}),
        ("SET #email_verified = :no", {"no": False}),
        ("SET #epoch = :one", {"one": 1}),
        ("SET #is_disabled = :yes", {"yes": True}),
        ("SET #deleted_at = :at, #is_disabled = :yes", {"at": 1, "yes": True}),
    ],
)
def test_a_mail_counts_only_while_the_account_is_as_it_was_then(
    deployment: Deployment, john: Person, expression: str, values: dict[str, object]
) -> None:
    link = john.mail("recover", ADDRESS).link
    page = john.browser.get(link)
    change(deployment, expression, **values)
    before = account(deployment)
    with deployment.nothing_spent():
        assert john.browser.get(link).status == 400
        assert john.sets_password(page, NEW).status == 400
    assert account(deployment) == before


def test_a_link_is_too_old_after_half_an_hour(deployment: Deployment, john: Person) -> None:
    page = john.browser.get((mail := john.mail("recover", ADDRESS)).link)
    deployment.clock.advance(1800)
    with deployment.nothing_spent():
        assert john.browser.get(mail.link).status == 400
        assert john.sets_password(page, NEW).status == 400


def test_a_mail_to_join_sets_no_password(deployment: Deployment, john: Person) -> None:
    link = john.mail("join", "new@example.com").link.replace("/join/", "/recover/")
    with deployment.nothing_spent():
        assert john.browser.get(link).status == 400


def test_an_address_that_was_never_proven_gets_no_mail(deployment: Deployment, john: Person) -> None:
    change(deployment, "SET #email_verified = :no", no=False)
    assert john.ask("recover", ADDRESS).status == 200
    assert not john.mailbox.read()


# -- P17: races --------------------------------------------------------------------------------------------------------


def test_of_two_resets_at_once_the_first_one_counts(
    deployment: Deployment, john: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [john.browser.get(john.mail("recover", ADDRESS).link) for _ in range(2)]
    reset, rivals = DynamoOwnSignIn.reset_password, list[Answer]()
    faster = "the faster of two passwords"

    def late(self: DynamoOwnSignIn, account: Account, password_id: str, now: float, *, is_short: bool = False) -> bool:
        if not rivals:
            rivals.append(pages[1])
            rivals[0] = john.sets_password(pages[1], faster)
        return reset(self, account, password_id, now, is_short=is_short)

    monkeypatch.setattr(DynamoOwnSignIn, "reset_password", late)
    lost = john.sets_password(pages[0], NEW)
    assert (rivals[0].status, lost.status) == (303, 400)
    assert account(deployment).epoch == 1
    assert signs_in(deployment, john.web_app, "john", faster)
    assert not signs_in(deployment, john.web_app, "john", NEW)
    kept = [item for item in deployment.everything() if item["pk"]["S"] == f"password#{JOHN}"]
    assert len(kept) == 1  # the loser has deleted its own
    assert deployment.audit.names.count("password.reset") == 1


def test_a_sign_in_with_the_old_password_that_is_under_way_opens_nothing(
    deployment: Deployment, john: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thief's password was right when it was compared."""
    page = john.browser.get(john.mail("recover", ADDRESS).link)
    thief = anew(deployment)
    form = thief.open(john.web_app.ask().url)
    put: Callable[..., int] = DynamoProofs.put_proof
    done: list[Answer] = []

    def late(self: DynamoProofs, *arguments: object) -> int:
        if not done:
            done.append(john.sets_password(page, NEW))
        return put(self, *arguments)

    monkeypatch.setattr(DynamoProofs, "put_proof", late)
    proven = attempt(thief, form, "john", OLD)
    assert (proven.status, done[0].status) == (303, 303)
    with deployment.nothing_spent(BUT):
        assert form_of(thief.open(proven.location)).names >= {"password"}
    assert SESSION not in thief.cookies


# -- accounts of the release before ------------------------------------------------------------------------------------


def test_the_old_password_is_worth_nothing_in_this_release_and_in_the_one_before(
    deployment: Deployment, john: Person
) -> None:
    """That one reads a password by the username, and compares its id with the account's."""
    users = deployment.users()
    before = account(deployment)
    kept = users.find_credentials("john")
    assert credential_in_force(kept, before) is not None
    john.sets_password(john.browser.get(john.mail("recover", ADDRESS).link), NEW)
    assert credential_in_force(users.find_credentials("john"), account(deployment)) is None
    assert users.find_password(JOHN, before.password_id) is None
    assert signs_in(deployment, john.web_app, "john", NEW)
    assert not signs_in(deployment, john.web_app, "john", OLD)


def test_an_account_that_was_not_upgraded_signs_in_with_the_new_password(deployment: Deployment, john: Person) -> None:
    """An operator has vouched for its address since; its password is still where the release before keeps it."""
    deployment.users().forget_passwords(JOHN)
    assert signs_in(deployment, john.web_app, "john", OLD)
    john.sets_password(john.browser.get(john.mail("recover", ADDRESS).link), NEW)
    assert signs_in(deployment, john.web_app, "john", NEW)
    assert signs_in(deployment, john.web_app, ADDRESS, NEW)
    assert not signs_in(deployment, john.web_app, "john", OLD)


def test_nothing_of_a_mail_is_in_the_clear(deployment: Deployment, john: Person) -> None:
    """P21: who reads the tables cannot use a mail: they hold a digest of its secret, and of the code an HMAC."""
    mail = john.mail("recover", ADDRESS)
    assert digest(mail.token).hex() in str(deployment.everything())
    assert mail.token not in str(deployment.everything())
    assert mail.code not in str(deployment.everything())
