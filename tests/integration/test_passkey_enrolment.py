"""Making, naming and removing passkeys at /account/passkeys (WebAuthn Level 3 §7.1): only after a fresh sign-in of the
best level that the account can reach, and nothing that is wrong changes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from valet.aws.dynamodb.enrolment import RP_ID as RP_ID_KEY
from valet.aws.dynamodb.enrolment import DynamoEnrolment
from valet.handles import base64url
from valet.jose.compact import decode
from valet.models.accounts import Account
from valet.ports.enrolment import MOST

from tests.integration.guesses import anew
from tests.support.application import Application
from tests.support.authenticator import BE, BS, UP, UV, SoftPasskey
from tests.support.browser import Browser, Form, form_of, forms_of, passkey_form_of
from tests.support.deployment import Deployment
from tests.support.passkeys import at_own_name, give_passkey, use
from tests.support.second_factors import give_codes, keep_codes
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
RP_ID = "id.example.com"
PATH = "/account/passkeys"
JOHN = "account#demo-john"
# A refusal makes the page again, for which nothing is written but that the session was used.
BUT = ("session#",)


@pytest.fixture
def page(browser: Browser) -> Answer:
    """John has just signed in with his password, and is at the page."""
    return browser.sign_in(browser.open(PATH))


def account_of(deployment: Deployment, sub: str = "demo-john") -> Account:
    found = deployment.users().find_account(sub)
    assert found is not None
    return found


def made_for(page: Answer, **changes: Any) -> SoftPasskey:
    """A passkey as the authenticator makes it for this page."""
    data = passkey_form_of(page).data
    return SoftPasskey(data["rp-id"], decode(data["user-handle"].encode())).but(**changes)


def answer_of(page: Answer, passkey: SoftPasskey, issuer: str, **client_data: Any) -> dict[str, str]:
    """The page's form, as its script fills it in."""
    form = passkey_form_of(page)
    return {**form.hidden, **passkey.made(issuer, form.data["challenge"], **client_data)}


def add(browser: Browser, page: Answer, **changes: Any) -> tuple[SoftPasskey, Answer]:
    passkey = made_for(page, **changes)
    return passkey, browser.post(PATH, answer_of(page, passkey, browser.issuer))


def change_form(page: Answer, passkey: SoftPasskey) -> Form:
    return next(form for form in forms_of(page) if form.hidden.get("passkey") == passkey.digest)


def assert_refused(deployment: Deployment, browser: Browser, form: Mapping[str, str], why: str) -> None:
    with deployment.nothing_spent(BUT):
        answer = browser.post(PATH, form)
    assert answer.status == 400
    assert not account_of(deployment).passkeys
    assert [fields["detail"] for name, fields in deployment.audit.events if name == "passkey.refused"][-1:] == [why]


def test_a_passkey_is_made_and_signs_in(
    deployment: Deployment, browser: Browser, page: Answer, web_app: Application
) -> None:
    passkey, answer = add(browser, page, flags=UP | UV | BE | BS)
    assert answer.status == 200
    assert "You have a new passkey" in answer.body
    account = account_of(deployment)
    assert account.passkeys == {passkey.digest}
    assert account.user_handle == passkey.user_handle
    kept = deployment.server.passkeys.find_passkey(passkey.digest)
    assert kept is not None
    assert (kept.sub, kept.backup_eligible, kept.backed_up, kept.transports) == (
        "demo-john",
        True,
        True,
        ("hybrid", "internal"),
    )
    assert deployment.table("Registry").get(*RP_ID_KEY) == {"pk": "passkeys", "sk": "rp_id", "rp_id": RP_ID}
    assert "passkey.added" in deployment.audit.names
    deployment.clock.advance(1)
    assert use(browser, browser.open(web_app.ask(prompt="login").url), passkey).location.endswith("&by=passkey")


def test_the_page_asks_for_a_discoverable_passkey_that_is_none_of_those_there_are(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    data = passkey_form_of(page).data
    assert data["exclude"] == ""
    assert data["algorithms"] == "-7 -8 -257"
    assert data["username"] == "john"
    assert "demo-john" not in page.body  # the user handle says nothing about the person (§14.6.1)
    give_codes(deployment, "demo-john")
    passkey, answer = add(browser, browser.open(PATH))
    data = passkey_form_of(answer).data
    assert data["exclude"] == base64url(passkey.credential_id)
    assert decode(data["user-handle"].encode()) == passkey.user_handle


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(ed25519.Ed25519PrivateKey.generate(), id="EdDSA"),
        pytest.param(rsa.generate_private_key(65537, 2048), id="RS256"),
    ],
)
def test_each_algorithm_can_be_enrolled(browser: Browser, page: Answer, key: Any) -> None:
    assert add(browser, page, key=key)[1].status == 200


def test_the_page_runs_its_script_and_no_other(page: Answer) -> None:
    assert page.headers["content-security-policy"].count("script-src 'sha256-") == 1
    assert "trusted-types 'none'" in page.headers["content-security-policy"]
    assert "publickey-credentials-create=(self)" in page.headers["permissions-policy"]


WRONG: Mapping[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "another origin": ({}, {"origin": "https://evil.example"}, "the origin is another one"),
    "a frame": ({}, {"crossOrigin": True}, "the page was in a frame of another origin"),
    "another challenge": ({}, {"challenge": base64url(bytes(32))}, "the challenge is another page's"),
    "a sign-in": ({}, {"type": "webauthn.get"}, "the client data is not of type webauthn.create"),
    "another rp id": ({"rp_id": "example.com"}, {}, "the RP ID is another one"),
    "no user verification": ({"flags": UP}, {}, "the authenticator did not verify its user"),
    "backed up though it cannot be": ({"flags": UP | UV | BS}, {}, "the passkey is backed up, though it cannot be"),
    "no credential id": ({"credential_id": b""}, {}, "the credential id is missing, cut off or too long"),
    "too long an id": ({"credential_id": bytes(1024)}, {}, "the credential id is missing, cut off or too long"),
    "P-384": (
        {"key": ec.generate_private_key(ec.SECP384R1())},
        {},
        "the public key is of another algorithm than ES256, EdDSA and RS256",
    ),
    "a short RSA key": (
        {"key": rsa.generate_private_key(65537, 1024)},  # noqa: S505
        {},
        "the public key is of another algorithm than ES256, EdDSA and RS256",
    ),
}


@pytest.mark.parametrize(("changes", "client_data", "why"), WRONG.values(), ids=WRONG)
def test_what_is_not_as_asked_for_is_refused(
    deployment: Deployment,
    browser: Browser,
    page: Answer,
    changes: dict[str, Any],
    client_data: dict[str, Any],
    why: str,
) -> None:
    form = answer_of(page, made_for(page, **changes), browser.issuer, **client_data)
    assert_refused(deployment, browser, form, why)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("public_key", base64url(bytes(range(91))), "the public key cannot be read"),
        ("public_key", "", "public_key is missing or too long"),
        (
            "public_key",
            base64url(
                x25519.X25519PrivateKey.generate()
                .public_key()
                .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            ),
            "the public key is of another algorithm than ES256, EdDSA and RS256",
        ),
        ("client_data", base64url(b"[" * 3000), "the client data is no JSON"),
        ("authenticator_data", base64url(bytes(36)), "the authenticator data is cut off"),
        ("authenticator_data", "A" * 5000, "authenticator_data is missing or too long"),
        ("issued_ms", "0", "the page is too old, or of another time than its request"),
        ("csrf_token", "A" * 43, "the form is not of this session's page"),
        ("new_user_handle", base64url(b"j" * 32), "the form is not of this session's page"),
    ],
    ids=lambda value: value[:11],  # a key is another one each time
)
def test_a_form_that_was_changed_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, name: str, value: str, why: str
) -> None:
    form = {**answer_of(page, made_for(page), browser.issuer), name: value}
    assert_refused(deployment, browser, form, why)


def test_an_assertion_is_no_enrolment(deployment: Deployment, browser: Browser, page: Answer) -> None:
    """Without attested credential data there is nothing to enrol."""
    passkey = made_for(page)
    form = answer_of(page, passkey, browser.issuer)
    form["authenticator_data"] = passkey.signed(browser.issuer, "")["authenticator_data"]
    assert_refused(deployment, browser, form, "the authenticator data has no credential")


def test_a_page_of_another_session_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, web_app: Application
) -> None:
    form = answer_of(page, made_for(page), browser.issuer)
    stranger = anew(deployment)
    stranger.sign_in(stranger.open(PATH), "jane")
    with deployment.nothing_spent(BUT):
        assert stranger.post(PATH, form).status == 400
        assert urlsplit(anew(deployment).post(PATH, form).location).path == PATH
    assert not account_of(deployment).passkeys
    assert not account_of(deployment, "demo-jane").passkeys


def test_who_is_not_signed_in_goes_to_the_sign_in_page(deployment: Deployment, browser: Browser) -> None:
    with deployment.nothing_spent(("request#",)):
        assert urlsplit(browser.get(PATH).location).path == "/authorize"
        posted = browser.post(PATH, {"do": "add"})  # of another site it carries no cookies: the page decides
        assert (urlsplit(posted.location).path, posted.set_cookies) == (PATH, ())


def test_the_sign_in_has_to_be_fresh(deployment: Deployment, browser: Browser, page: Answer) -> None:
    form = answer_of(page, made_for(page), browser.issuer)
    deployment.clock.advance(301)
    with deployment.nothing_spent(("request#", "session#")):
        assert urlsplit(browser.post(PATH, form).location).path == PATH
        assert urlsplit(browser.get(PATH).location).path == "/authorize"
    assert not account_of(deployment).passkeys


def test_a_password_changes_no_passkey_of_an_account_that_has_one(deployment: Deployment, browser: Browser) -> None:
    """Who has only stolen the password adds none, and removes none."""
    passkey = give_passkey(deployment.table("Users"), "demo-john", RP_ID)
    asked = browser.sign_in(browser.open(PATH))
    assert "you have to sign in with a passkey" in asked.body
    assert passkey.digest not in asked.body
    deployment.clock.advance(1)
    at_page = browser.follow(use(browser, asked, passkey))
    assert change_form(at_page, passkey)


def test_a_second_passkey_and_twenty_at_most(deployment: Deployment, browser: Browser, page: Answer) -> None:
    first, answer = add(browser, page)
    deployment.clock.advance(1)
    answer = browser.follow(use(browser, browser.open(PATH), first))
    second, answer = add(browser, answer)
    assert account_of(deployment).passkeys == {first.digest, second.digest}
    more = {f"{number:064x}" for number in range(MOST - 2)}
    deployment.table("Users").update(JOHN, "account", "ADD #passkeys :more", {":more": more})
    with deployment.nothing_spent(("passkey#", "passkeys", *BUT)):
        _, refused = add(browser, answer)
    assert refused.status == 400
    assert len(account_of(deployment).passkeys) == MOST
    assert not [each for each in _passkeys(deployment) if each not in (first.digest, second.digest)]
    assert 'id="passkey"' not in refused.body


def _passkeys(deployment: Deployment) -> list[str]:
    found = (item["pk"]["S"] for item in deployment.everything())
    return [pk.removeprefix("passkey#") for pk in found if pk.startswith("passkey#")]


def test_an_epoch_that_was_raised_meanwhile_keeps_the_thiefs_passkey_out(
    deployment: Deployment, browser: Browser, page: Answer
) -> None:
    """The owner signs out everywhere while the thief's request is under way."""
    account = account_of(deployment)
    deployment.raise_epoch("demo-john")
    enrolment = deployment.server.enrolment
    assert not enrolment.name_passkey(account, "ab" * 32, b"h" * 32)
    assert not account_of(deployment).passkeys
    with deployment.nothing_spent(("request#", "session#")):
        assert add(browser, page)[1].status == 303


def test_a_credential_id_is_enrolled_once(deployment: Deployment, browser: Browser, page: Answer) -> None:
    theirs = give_passkey(deployment.table("Users"), "demo-jane", RP_ID)
    passkey = made_for(page, credential_id=theirs.credential_id)
    with deployment.nothing_spent(("passkeys", *BUT)):
        assert browser.post(PATH, answer_of(page, passkey, browser.issuer)).status == 400
    assert account_of(deployment, "demo-jane").passkeys == {theirs.digest}


def test_another_rp_id_is_refused(deployment: Deployment, browser: Browser) -> None:
    """An operator has moved to another domain: the passkeys of the former would all be lost."""
    deployment.table("Registry").put({"pk": "passkeys", "sk": "rp_id", "rp_id": "auth.example.com"})
    page = browser.sign_in(browser.open(PATH))
    form = answer_of(page, made_for(page), browser.issuer)
    assert_refused(deployment, browser, form, "there are passkeys of another RP ID than id.example.com")


# Naming and removing --------------------------------------------------------------------------------------------------


@pytest.fixture
def passkey(deployment: Deployment) -> SoftPasskey:
    return give_passkey(deployment.table("Users"), "demo-john", RP_ID)


@pytest.fixture
def at_page(deployment: Deployment, browser: Browser, passkey: SoftPasskey) -> Answer:
    """John has signed in with his passkey."""
    page = browser.open(PATH)
    deployment.clock.advance(1)
    return browser.follow(use(browser, page, passkey))


def test_a_passkey_is_renamed(deployment: Deployment, browser: Browser, at_page: Answer, passkey: SoftPasskey) -> None:
    form = change_form(at_page, passkey)
    page = browser.follow(browser.post(PATH, {**form.hidden, "name": "My <b>phone</b>", "do": "rename"}))
    assert "My <b>phone</b>" not in page.body
    assert "My <b>phone</b>" in unescape(page.body)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\u202eb"])
def test_a_name_that_is_none_is_refused(
    deployment: Deployment, browser: Browser, at_page: Answer, passkey: SoftPasskey, name: str
) -> None:
    form = change_form(at_page, passkey)
    with deployment.nothing_spent(BUT):
        assert browser.post(PATH, {**form.hidden, "name": name, "do": "rename"}).status == 400


def test_a_passkey_that_is_removed_signs_in_no_more(
    deployment: Deployment, browser: Browser, at_page: Answer, passkey: SoftPasskey, web_app: Application
) -> None:
    form = change_form(at_page, passkey)
    assert browser.post(PATH, {**form.hidden, "do": "remove"}).status == 303
    assert not account_of(deployment).passkeys
    assert passkey.digest not in _passkeys(deployment)
    assert SESSION in browser.cookies
    assert deployment.audit.names[-1] == "passkey.removed"
    deployment.clock.advance(1)
    page = browser.open(web_app.ask(prompt="login").url)
    deployment.clock.advance(1)
    assert use(browser, page, passkey).status == 401
    with deployment.nothing_spent(BUT):
        assert browser.post(PATH, {**form.hidden, "do": "remove"}).status == 303  # a second click


def test_a_lost_passkey_ends_everything_that_it_may_have_opened(
    deployment: Deployment, browser: Browser, at_page: Answer, passkey: SoftPasskey, web_app: Application
) -> None:
    thief = anew(deployment)
    page = thief.open(web_app.ask().url)
    deployment.clock.advance(1)
    assert form_of(thief.follow(use(thief, page, passkey))).names >= {"decision"}
    form = change_form(at_page, passkey)
    answer = browser.post(PATH, {**form.hidden, "do": "remove", "lost": "yes"})
    assert urlsplit(answer.location).path == "/account"
    assert 'name="password"' in browser.follow(answer).body
    assert account_of(deployment).epoch == 1
    assert 'name="password"' in thief.open(web_app.ask().url).body


def test_the_last_means_stays(deployment: Deployment, browser: Browser, at_page: Answer, passkey: SoftPasskey) -> None:
    deployment.table("Users").update(JOHN, "account", "SET #has_no_password = :yes", {":yes": True})
    form = change_form(at_page, passkey)
    with deployment.nothing_spent(BUT):
        answer = browser.post(PATH, {**form.hidden, "do": "remove"})
    assert answer.status == 400
    assert "your only way to sign in" in answer.body
    second = give_passkey(deployment.table("Users"), "demo-john", RP_ID)
    assert browser.post(PATH, {**form.hidden, "do": "remove"}).status == 303
    assert account_of(deployment).passkeys == {second.digest}


@pytest.mark.parametrize("do", ["remove", "rename", "later", "nothing"])
def test_a_form_of_another_page_changes_nothing(
    deployment: Deployment, browser: Browser, at_page: Answer, passkey: SoftPasskey, do: str
) -> None:
    other = give_passkey(deployment.table("Users"), "demo-jane", RP_ID)
    form = change_form(at_page, passkey)
    with deployment.nothing_spent(BUT):
        for hidden in ({**form.hidden, "csrf_token": "A" * 43}, {**form.hidden, "passkey": other.digest}):
            assert browser.post(PATH, {**hidden, "name": "x", "do": do}).status == 400
    assert account_of(deployment).passkeys == {passkey.digest}


def test_late_copies_of_the_writes_are_known_again(deployment: Deployment) -> None:
    enrolment = DynamoEnrolment(deployment.table("Users"), deployment.table("Registry"))
    account = account_of(deployment)
    for _ in range(2):
        assert enrolment.name_passkey(account, "aa" * 32, b"h" * 32)
    assert not enrolment.name_passkey(account, "bb" * 32, b"other handle")
    for _ in range(2):
        assert enrolment.drop_passkey(account, "aa" * 32, 5.0, is_lost=True)
    assert account_of(deployment).epoch == 1
    assert not enrolment.drop_passkey(account, "aa" * 32, 6.0, is_lost=True)


# The offer after a sign-in by a password ------------------------------------------------------------------------------


@pytest.fixture
def newcomer(browser: Browser) -> Browser:
    """A browser that was never offered a passkey."""
    browser.declines_passkeys = False
    return browser


def test_after_a_password_a_passkey_is_offered_once_in_thirty_days(
    deployment: Deployment, newcomer: Browser, web_app: Application
) -> None:
    offer = newcomer.sign_in(newcomer.open(web_app.ask().url))
    assert "Not now" in offer.body
    form = next(form for form in forms_of(offer) if "do" in form.names)
    answer = newcomer.post(PATH, {**form.hidden, "do": "later"})
    assert "Max-Age=2592000" in answer.set_cookies[0]
    assert form_of(newcomer.follow(answer)).names >= {"decision"}
    deployment.clock.advance(1)
    again = newcomer.sign_in(newcomer.open(web_app.ask(prompt="login").url))
    assert form_of(again).names >= {"decision"}


def test_who_makes_one_goes_on_to_the_app(deployment: Deployment, newcomer: Browser, web_app: Application) -> None:
    offer = newcomer.sign_in(newcomer.open(web_app.ask().url))
    passkey, answer = add(newcomer, offer)
    assert account_of(deployment).passkeys == {passkey.digest}
    assert form_of(keep_codes(newcomer, answer)).names >= {"decision"}


def test_who_has_one_is_not_offered_another(
    deployment: Deployment, newcomer: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    assert form_of(newcomer.sign_in(newcomer.open(web_app.ask().url))).names >= {"decision"}


def test_nothing_is_offered_where_there_are_no_passkeys(deployment: Deployment, web_app: Application) -> None:
    browser = at_own_name(deployment)
    asked = replace(web_app, issuer=browser.issuer).ask()
    assert form_of(browser.sign_in(browser.open(asked.url))).names >= {"decision"}
    page = browser.open("/account")
    assert "passkey" not in page.body.lower()
