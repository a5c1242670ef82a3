"""Signing in with a passkey: each answer of an authenticator is good once, for one page in one browser (WebAuthn
Level 3 §7.2), and nothing that is wrong with one spends anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from valet.aws.dynamodb.passkeys import DynamoPasskeys
from valet.handles import base64url

from tests.integration.guesses import anew
from tests.support.application import Application
from tests.support.authenticator import BE, BS, ED, UP, UV, SoftPasskey
from tests.support.browser import Browser, form_of, passkey_form_of
from tests.support.deployment import BEGINNING, Deployment
from tests.support.passkeys import answer_of, at_own_name, give_passkey, use
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
RP_ID = "id.example.com"


@pytest.fixture
def passkey(deployment: Deployment) -> SoftPasskey:
    """John's."""
    return give_passkey(deployment.table("Users"), "demo-john", RP_ID)


@pytest.fixture
def page(deployment: Deployment, browser: Browser, web_app: Application, passkey: SoftPasskey) -> Answer:
    """The sign-in page, a second after it was asked for."""
    found = browser.open(web_app.ask(prompt="login").url)
    deployment.clock.advance(1)
    return found


def item_of(deployment: Deployment, passkey: SoftPasskey) -> Mapping[str, Any]:
    found = deployment.table("Users").get(f"passkey#{passkey.digest}", "passkey")
    assert found is not None
    return found


def refusals(deployment: Deployment) -> list[Any]:
    return [fields["detail"] for name, fields in deployment.audit.events if name == "passkey.refused"]


def assert_refused(deployment: Deployment, browser: Browser, form: Mapping[str, str], why: str) -> None:
    """The page again, nothing spent, and the log says why."""
    with deployment.nothing_spent():
        answer = browser.post("/login/passkey", form)
    assert answer.status == 401
    assert "That passkey could not be used" in answer.body
    assert SESSION not in browser.cookies
    assert refusals(deployment)[-1:] == [why]


def test_a_passkey_signs_in_and_the_tokens_say_so(
    deployment: Deployment, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    asked = web_app.ask()
    page = browser.open(asked.url)
    deployment.clock.advance(5)
    proven = use(browser, page, passkey)
    assert not proven.set_cookies
    answer = browser.decide(browser.follow(proven))
    tokens = web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["acr"], claims["amr"]) == ("demo-john", "phr", ["pop", "user", "mfa"])
    assert claims["auth_time"] == BEGINNING + 5
    (fields,) = [fields for name, fields in deployment.audit.events if name == "login.succeeded"]
    assert fields["amr"] == "pop user mfa"
    assert item_of(deployment, passkey)["last_used_at"] == BEGINNING + 5


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="ES256"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, id="EdDSA"),
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="RS256"),
    ],
)
def test_each_algorithm_signs_in(
    deployment: Deployment, browser: Browser, web_app: Application, key: Callable[[], Any]
) -> None:
    passkey = give_passkey(deployment.table("Users"), "demo-john", RP_ID, key=key())
    assert use(browser, browser.open(web_app.ask().url), passkey).location.endswith("&by=passkey")


def test_the_page_asks_for_any_passkey_and_names_no_person(browser: Browser, page: Answer) -> None:
    form = passkey_form_of(page)
    assert form.data.keys() == {"challenge", "rp-id"}
    assert form.data["rp-id"] == RP_ID
    assert 'autocomplete="username webauthn"' in page.body


def test_the_page_runs_its_script_and_no_other(page: Answer) -> None:
    policy = page.headers["content-security-policy"]
    assert policy.count("script-src") == 1
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "publickey-credentials-get=(self)" in page.headers["permissions-policy"]


def test_without_a_domain_that_stays_there_is_no_passkey_and_no_script(
    deployment: Deployment, web_app: Application
) -> None:
    browser = at_own_name(deployment)
    page = browser.open(replace(web_app, issuer=browser.issuer).ask().url)
    assert form_of(page).names >= {"password"}
    assert "passkey" not in page.body
    assert "webauthn" not in page.body
    assert "script-src" not in page.headers["content-security-policy"]
    assert "permissions-policy" not in page.headers


def test_a_parent_domain_can_be_the_rp_id(deployment: Deployment, browser: Browser, web_app: Application) -> None:
    passkey = give_passkey(deployment.table("Users"), "demo-john", "example.com")
    deployment.restart(passkey_domain="example.com")
    page = browser.open(web_app.ask().url)
    assert passkey_form_of(page).data["rp-id"] == "example.com"
    assert use(browser, page, passkey).status == 303


# What is signed for something else ------------------------------------------------------------------------------------

SIGNED_ELSEWHERE = {
    "an origin of a thief": ({"origin": "https://id.examp1e.com"}, "the origin is another one"),
    "another scheme": ({"origin": "http://id.example.com"}, "the origin is another one"),
    "another port": ({"origin": "https://id.example.com:8443"}, "the origin is another one"),
    "a sub-domain": ({"origin": "https://evil.id.example.com"}, "the origin is another one"),
    "no origin": ({"origin": None}, "the origin is another one"),
    "a frame": ({"crossOrigin": True}, "the page was in a frame of another origin"),
    "a frame, spelled otherwise": ({"crossOrigin": "yes"}, "the page was in a frame of another origin"),
    "a top origin": ({"topOrigin": "https://id.example.com"}, "the page was in a frame of another origin"),
    "an enrolment": ({"type": "webauthn.create"}, "the client data is not of type webauthn.get"),
    "a payment": ({"type": "payment.get"}, "the client data is not of type webauthn.get"),
    "another challenge": ({"challenge": base64url(bytes(32))}, "the challenge is another page's"),
    "no challenge": ({"challenge": None}, "the challenge is another page's"),
    "an empty challenge": ({"challenge": ""}, "the challenge is another page's"),
}


@pytest.mark.parametrize(("changes", "why"), SIGNED_ELSEWHERE.values(), ids=SIGNED_ELSEWHERE)
def test_what_was_signed_for_another_page_is_refused(
    deployment: Deployment,
    browser: Browser,
    page: Answer,
    passkey: SoftPasskey,
    changes: dict[str, Any],
    why: str,
) -> None:
    assert_refused(deployment, browser, answer_of(page, passkey, browser.issuer, **changes), why)


SAID = {
    "another rp id": ({"rp_id": "example.com"}, "the RP ID is another one"),
    "no user verification": ({"flags": UP}, "the authenticator did not verify its user"),
    "nobody present": ({"flags": UV}, "the authenticator did not verify its user"),
    "backed up though it cannot be": ({"flags": UP | UV | BS}, "the passkey is backed up, though it cannot be"),
    "the backup eligibility changed": ({"flags": UP | UV | BE}, "the backup eligibility has changed"),
    "another account's handle": ({"user_handle": b"j" * 32}, "the user handle is another account's"),
    "another key": ({"key": ec.generate_private_key(ec.SECP256R1())}, "the signature is not the passkey's"),
    "another kind of key": ({"key": ed25519.Ed25519PrivateKey.generate()}, "the signature is not the passkey's"),
    "an unknown passkey": ({"credential_id": b"unknown"}, "no account has this passkey"),
}


@pytest.mark.parametrize(("changes", "why"), SAID.values(), ids=SAID)
def test_an_authenticator_that_says_something_else_is_refused(
    deployment: Deployment,
    browser: Browser,
    page: Answer,
    passkey: SoftPasskey,
    changes: dict[str, Any],
    why: str,
) -> None:
    assert_refused(deployment, browser, answer_of(page, passkey.but(**changes), browser.issuer), why)


def test_bytes_that_no_flag_announces_are_refused_and_extensions_are_passed_over(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey
) -> None:
    form = answer_of(page, passkey, browser.issuer, extra=b"\xa0")
    assert_refused(deployment, browser, form, "the authenticator data has bytes that no flag announces")
    extended = passkey.but(flags=UP | UV | ED)
    assert browser.post("/login/passkey", answer_of(page, extended, browser.issuer, extra=b"\xa0")).status == 303


def test_a_challenge_is_of_one_browser_and_one_request(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer, passkey: SoftPasskey
) -> None:
    """A thief shows the victim their own page's challenge, or moves an answer to another request."""
    form = answer_of(page, passkey, browser.issuer)
    stranger = anew(deployment)
    theirs = passkey_form_of(stranger.open(web_app.ask().url))
    other = passkey_form_of(browser.open(web_app.ask(prompt="login").url)).hidden["request"]
    moved = {**form, "request": other}
    assert_refused(deployment, browser, moved, "the page is too old, or of another time than its request")
    in_time = {"issued_ms": str(int(form["issued_ms"]) + 1000)}
    assert_refused(deployment, browser, {**moved, **in_time}, "the challenge is another page's")
    swapped = {**form, **in_time, "request": theirs.hidden["request"]}
    assert_refused(deployment, stranger, swapped, "the challenge is another page's")
    with deployment.nothing_spent():
        assert stranger.post("/login/passkey", form).status == 400  # the request is another browser's


@pytest.mark.parametrize("change", [-1, 1, 1001, -600_001, 10**14])
def test_a_challenge_is_of_one_time(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey, change: int
) -> None:
    form = answer_of(page, passkey, browser.issuer)
    form["issued_ms"] = str(max(0, int(form["issued_ms"]) + change))
    with deployment.nothing_spent():
        assert browser.post("/login/passkey", form).status == 401
    assert len(refusals(deployment)) == 1


@pytest.mark.parametrize("issued_ms", ["", "-1", "1e3", "abc", "٣", "9" * 16, " 1"])
def test_a_time_that_is_none_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey, issued_ms: str
) -> None:
    form = {**answer_of(page, passkey, browser.issuer), "issued_ms": issued_ms}
    with deployment.nothing_spent():
        assert browser.post("/login/passkey", form).status == 401
    assert len(refusals(deployment)) == 1


def test_a_page_that_was_open_for_too_long_begins_again(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey
) -> None:
    form = answer_of(page, passkey, browser.issuer)
    deployment.clock.advance(600)
    with deployment.nothing_spent():
        answer = browser.post("/login/passkey", form)
    assert (answer.status, urlsplit(answer.location).path) == (303, "/authorize")
    assert SESSION not in browser.cookies


# Once, and forward only -----------------------------------------------------------------------------------------------


def test_an_answer_works_once(deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey) -> None:
    form = answer_of(page, passkey, browser.issuer)
    proven = browser.post("/login/passkey", form)
    browser.get(proven.location)
    assert SESSION in browser.cookies
    del browser.cookies[SESSION]
    stale = "a page as old or newer was answered with this passkey before"
    assert_refused(deployment, browser, form, stale)
    assert_refused(deployment, browser, answer_of(page, passkey, browser.issuer), stale)


def test_an_older_page_is_not_answered_after_a_newer_one(
    deployment: Deployment, browser: Browser, web_app: Application, page: Answer, passkey: SoftPasskey
) -> None:
    """A thief who kept an answer back from the wire cannot use it later."""
    kept_back = answer_of(page, passkey, browser.issuer)
    newer = browser.open(web_app.ask(prompt="login").url)
    assert use(browser, newer, passkey).status == 303
    stale = "a page as old or newer was answered with this passkey before"
    assert_refused(deployment, browser, kept_back, stale)


@pytest.mark.parametrize("told", [0, 1, 4, 5])
def test_a_counter_that_does_not_rise_is_refused(
    deployment: Deployment, browser: Browser, web_app: Application, told: int
) -> None:
    """A copy of the key counts for itself (§6.1.1). A counter of 0 is none, unless it counted before."""
    passkey = give_passkey(deployment.table("Users"), "demo-john", RP_ID, sign_count=5)
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(1)
    copy = passkey.but(sign_count=max(0, told - 1))
    if told == 1:
        copy.sign_count = 1
        form = answer_of(page, copy, browser.issuer)  # tells 2
    else:
        form = answer_of(page, copy, browser.issuer)
    why = "the signature counter went back: there may be a copy of the key"
    assert_refused(deployment, browser, form, why)
    assert use(browser, page, passkey).status == 303
    assert item_of(deployment, passkey)["sign_count"] == 6


def test_a_late_copy_of_the_write_is_known_again(deployment: Deployment, passkey: SoftPasskey) -> None:
    """DynamoDB's client sends again what it got no answer to."""
    passkeys = DynamoPasskeys(deployment.table("Users"))
    arguments: dict[str, Any] = {"challenge_ms": 5, "sign_count": 0, "backed_up": False, "now": 1.0}
    first = passkeys.use_passkey(passkey.digest, attempt=b"1", **arguments)
    again = passkeys.use_passkey(passkey.digest, attempt=b"1", **arguments)
    other = passkeys.use_passkey(passkey.digest, attempt=b"2", **arguments)
    assert [each.name for each in (first, again, other)] == ["USED", "USED", "STALE"]


def test_whether_it_is_backed_up_is_kept_as_it_was_told_last(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    passkey = give_passkey(deployment.table("Users"), "demo-john", RP_ID, flags=UP | UV | BE)
    page = browser.open(web_app.ask().url)
    assert use(browser, page, passkey.but(flags=UP | UV | BE | BS)).status == 303
    assert item_of(deployment, passkey)["backed_up"] is True


# What the account says ----------------------------------------------------------------------------------------------

CHANGES = {
    "it was removed": ("DELETE #passkeys :value", lambda passkey: {passkey.digest}),
    "an operator revoked everything": ("SET #epoch = :value", lambda _: 1),
    "the account was disabled": ("SET #is_disabled = :value", lambda _: True),
}


@pytest.mark.parametrize(("change", "value"), CHANGES.values(), ids=CHANGES)
def test_a_proof_of_a_passkey_dies_with_what_it_rests_on(
    deployment: Deployment,
    browser: Browser,
    page: Answer,
    passkey: SoftPasskey,
    change: str,
    value: Callable[[SoftPasskey], Any],
) -> None:
    proven = use(browser, page, passkey)
    deployment.table("Users").update("account#demo-john", "account", change, {":value": value(passkey)})
    with deployment.nothing_spent(("request#",)):
        assert "/login?request=" in browser.get(proven.location).location
    assert SESSION not in browser.cookies


def test_a_passkey_that_was_removed_signs_nobody_in(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey
) -> None:
    """Its item may still be there: the account decides."""
    deployment.table("Users").update(
        "account#demo-john", "account", "DELETE #passkeys :digest", {":digest": {passkey.digest}}
    )
    assert_refused(deployment, browser, answer_of(page, passkey, browser.issuer), "no account has this passkey")


def test_a_passkey_that_another_account_names_signs_nobody_in(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey
) -> None:
    users = deployment.table("Users")
    digest = {":digest": {passkey.digest}}
    users.update("account#demo-john", "account", "DELETE #passkeys :digest", digest)
    users.update("account#demo-jane", "account", "ADD #passkeys :digest", digest)
    assert_refused(deployment, browser, answer_of(page, passkey, browser.issuer), "no account has this passkey")


def test_a_disabled_account_is_not_signed_in(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey
) -> None:
    deployment.table("Users").update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})
    assert_refused(deployment, browser, answer_of(page, passkey, browser.issuer), "the account is disabled")


def test_an_account_that_never_had_a_handle_has_no_passkeys(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey
) -> None:
    deployment.table("Users").update("account#demo-john", "account", "REMOVE #user_handle", {})
    form = answer_of(page, passkey, browser.issuer)
    assert_refused(deployment, browser, form, "the user handle is another account's")
    assert_refused(deployment, browser, {**form, "user_handle": ""}, "user_handle is missing or too long")


# Garbage --------------------------------------------------------------------------------------------------------------

MEMBERS = ("credential_id", "client_data", "authenticator_data", "signature", "user_handle")


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize(
    "value", ["", "A", "!", "AA==", "AB", "é", "A" * 4097, base64url(b"\xff" * 40), base64url(b"{}"), "AA" * 20]
)
def test_garbage_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey, name: str, value: str
) -> None:
    form = {**answer_of(page, passkey, browser.issuer), name: value}
    with deployment.nothing_spent():
        assert browser.post("/login/passkey", form).status == 401
    assert len(refusals(deployment)) == 1


@pytest.mark.parametrize("length", range(0, 37, 6))
def test_authenticator_data_that_is_cut_off_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey, length: int
) -> None:
    form = answer_of(page, passkey, browser.issuer)
    form["authenticator_data"] = form["authenticator_data"][: length * 4 // 3]
    with deployment.nothing_spent():
        assert browser.post("/login/passkey", form).status == 401


@pytest.mark.parametrize(
    "client_data", [b"[" * 3000, b"null", b"[]", b'"webauthn.get"', b"1", b"\xff", b'{"type": "webauthn.get"}']
)
def test_client_data_that_is_none_is_refused(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey, client_data: bytes
) -> None:
    form = {**answer_of(page, passkey, browser.issuer), "client_data": base64url(client_data)}
    with deployment.nothing_spent():
        assert browser.post("/login/passkey", form).status == 401
    assert len(refusals(deployment)) == 1


@pytest.mark.parametrize(
    "public_key",
    [
        pytest.param(b"", id="none"),
        pytest.param(os.urandom(91), id="garbage"),
        pytest.param(SoftPasskey("", b"", ec.generate_private_key(ec.SECP384R1())).public_key, id="P-384"),
        pytest.param(SoftPasskey("", b"", rsa.generate_private_key(65537, 1024)).public_key, id="RSA-1024"),  # noqa: S505
    ],
)
def test_a_key_of_another_kind_in_the_table_verifies_nothing(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey, public_key: bytes
) -> None:
    deployment.table("Users").update(
        f"passkey#{passkey.digest}", "passkey", "SET #public_key = :key", {":key": public_key}
    )
    with deployment.nothing_spent():
        assert browser.post("/login/passkey", answer_of(page, passkey, browser.issuer)).status == 401


def test_the_page_after_a_refusal_can_be_answered(
    deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey
) -> None:
    again = browser.post("/login/passkey", answer_of(page, passkey.but(flags=UP), browser.issuer))
    deployment.clock.advance(1)
    assert use(browser, again, passkey).status == 303


def test_a_password_works_as_before(browser: Browser, page: Answer) -> None:
    assert form_of(browser.sign_in(page)).names >= {"decision"}


def test_the_hint_of_a_level_changes_the_page_and_nothing_else(browser: Browser, page: Answer) -> None:
    handle = passkey_form_of(page).hidden["request"]
    strong = browser.get(f"/login?request={handle}&acr=phr")
    assert "you have to sign in with a passkey" in strong.body
    assert 'name="password"' not in strong.body
    for other in ("nonsense", "", "urn:valet:acr:password"):
        assert 'name="password"' in browser.get(f"/login?request={handle}&acr={other}").body
    assert form_of(browser.sign_in(page)).names >= {"decision"}
