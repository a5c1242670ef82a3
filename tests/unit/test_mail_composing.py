"""The words of mails, in every language: complete, on one line where they must be, and nobody's but the operator's."""

from __future__ import annotations

import re
from email.header import decode_header, make_header
from html import unescape
from typing import Any

import pytest
from valet.aws.ses import SesMailer
from valet.frozen import replace
from valet.mails.choosing import Choice
from valet.mails.composing import Reader, Secrets, compose
from valet.models.clients import Client
from valet.models.mails import ADDRESS, FIRST_MEANS, JOIN, NOTICE, RECOVER, UNDO, ComposedMail, Letter, Mail
from valet.models.policy import Policy
from valet.pages.colours import LEAST_CONTRAST, contrast
from valet.pages.words import LANGUAGES, direction, sentences
from valet.people.notices import DELETED, NOTICES

ISSUER, TOKEN, HANDLE, CODE = "https://id.example.com", "t" * 43, "h" * 43, "12345678"
SECRETS = Secrets(TOKEN, CODE)
TYPED = "typed-by-somebody@example.org"
POLICY = Policy(brand_name="Läden & <Söhne>", brand_colour="#aa0000", support_uri="https://example.com/help?a=1&b=2")
CLIENT = Client("shop", "Shop <3", client_uri="https://shop.example", translations=frozenset({"client_name#de=Laden"}))

# Every mail there is: the purpose of its letter, its words, and whether it has a link and a code.
MAILS: dict[str, tuple[str, bool, bool]] = {
    "join": (JOIN, True, True),
    "have_account": (JOIN, False, False),
    "reserved": (JOIN, False, False),
    "recover": (RECOVER, True, True),
    "address": (ADDRESS, False, True),
    "address_taken": (ADDRESS, False, False),
    "first_means": (FIRST_MEANS, False, True),
    **{what.replace(".", "_"): (NOTICE, what != DELETED, False) for what in NOTICES},
}


def composed(words: str, language: str = "en", reader: Reader | None = None, **facts: Any) -> ComposedMail:
    purpose, has_link, has_code = MAILS[words]
    what = next((what for what in NOTICES if what.replace(".", "_") == words), "")
    letter = Letter(purpose, ISSUER, 1_800_000_000_000, address=TYPED, handle=HANDLE, what=what)
    kept = Mail(UNDO if what else purpose, TYPED, 1) if has_link or has_code else None
    choice = Choice(TYPED, words, kept, has_link, has_code)
    secrets = Secrets(TOKEN if has_link else "", CODE if has_code else "")
    return compose(replace(letter, **facts), choice, reader or Reader(language, POLICY, CLIENT), secrets)


def test_every_sentence_of_a_mail_belongs_to_a_mail_that_there_is() -> None:
    keys = {key.split(".")[1] for key in sentences("en") if key.startswith("mail.")}
    assert keys == {*MAILS, "notice", "code", "app", "footer"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_is_complete_in_both_parts(language: str) -> None:
    for words, (_, has_link, has_code) in MAILS.items():
        mail = composed(words, language)
        for part in (mail.subject, mail.text, mail.html):
            assert part.strip()
            assert not re.search(r"\{\w*\}", part), f"a name in {words} that was not filled in"
        shown = unescape(re.sub(r"<[^>]+>", "", mail.html))
        for line in mail.text.splitlines():
            is_link = "https://" in line
            assert is_link or line.strip(":\u2066\u2069") in shown, f"{line!r} is in the text part alone"
        assert (TOKEN in mail.text, TOKEN in mail.html) == (has_link, has_link), words
        assert ("1234 5678" in mail.text, "1234 5678" in shown) == (has_code, has_code), words
        assert f'lang="{language}" dir="{direction(language)}"' in mail.html
        assert "https://example.com/help?a=1&b=2" in mail.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_subject_is_one_line_whatever_the_operator_registered(language: str) -> None:
    brand = "Shop\r\nBcc: everybody@example.net\u2028\u202egnp\x00"
    for words in MAILS:
        mail = composed(words, language, Reader(language, Policy(brand_name=brand)))
        for line in (mail.subject, mail.sender):
            assert line.isprintable()
            assert "Shop Bcc: everybody@example.net gnp" in line


def test_a_code_is_read_from_left_to_right_in_every_language() -> None:
    """Two groups of digits change places in a line from right to left (UAX #9)."""
    for language in LANGUAGES:
        mail = composed("recover", language)
        assert '<bdi dir="ltr">1234 5678</bdi>' in mail.html
        assert ("\u20661234 5678\u2069" in mail.text) is (direction(language) == "rtl")


@pytest.mark.parametrize(
    ("words", "url"),
    [
        ("join", f"{ISSUER}/join/confirm?token={TOKEN}&request={HANDLE}"),
        ("recover", f"{ISSUER}/recover/confirm?token={TOKEN}&request={HANDLE}"),
        ("have_account", f"{ISSUER}/recover?request={HANDLE}"),
        ("password_changed", f"{ISSUER}/undo?token={TOKEN}"),
    ],
)
def test_a_link_leads_where_the_mail_says(words: str, url: str) -> None:
    mail = composed(words)
    assert f":\n{url}\n" in mail.text
    assert f'href="{url.replace("&", "&amp;")}"' in mail.html


@pytest.mark.parametrize("words", ["reserved", "address", "address_taken", "first_means", "account_deleted"])
def test_a_mail_without_a_link_has_none(words: str) -> None:
    mail = composed(words, reader=Reader())
    assert "http" not in mail.text
    assert "<a" not in mail.html


def test_a_link_without_a_saved_request_names_none() -> None:
    for handle in ("", "x", "h" * 44, "https://evil.example/"):
        mail = composed("join", handle=handle)
        assert f":\n{ISSUER}/join/confirm?token={TOKEN}\n" in mail.text


@pytest.mark.parametrize("words", MAILS)
def test_no_mail_repeats_what_was_typed(words: str) -> None:
    """P22: nobody's words reach a stranger's mailbox through us, and no name of an account does either."""
    facts: dict[str, Any] = {"sub": "sub-of-eve", "place": "place-of-eve", "key": "key-of-eve", "mark": "mark-of-eve"}
    mail = composed(words, handle="You have won! Go to https://evil.example", **facts)
    for part in (mail.subject, mail.text, mail.html, mail.sender):
        assert not re.search(r"typed|eve\b|evil|won", part)


@pytest.mark.parametrize("words", MAILS)
def test_a_mail_loads_nothing_and_runs_nothing(words: str) -> None:
    mail = composed(words)
    assert not re.search(r"<(img|script|link|style|iframe|form|object)|url\(|@import|src=|background=", mail.html)


def test_a_mail_names_the_app_as_it_is_registered_and_a_notice_does_not() -> None:
    assert "Laden" in composed("join", "de").text
    assert "Shop <3" in composed("join", "fr").text
    assert "Shop &lt;3" in composed("join", "fr").html
    assert "Shop" not in composed("password_changed").text


def test_what_the_operator_registered_is_escaped_in_html() -> None:
    mail = composed("join")
    assert "Läden & <Söhne>" in mail.text
    assert "<Söhne>" not in mail.html
    assert "Läden &amp; &lt;Söhne&gt;" in mail.html


@pytest.mark.parametrize("colour", ["", "#aa0000", "#ffff00", "#000000", "#ffffff"])
def test_the_words_on_a_button_can_be_read_in_every_colour(colour: str) -> None:
    html = composed("join", reader=Reader(policy=Policy(brand_colour=colour))).html
    (ground,) = re.findall(r"background:(#[0-9a-f]{6});color:#ffffff", html)
    assert contrast(ground, "#ffffff") >= LEAST_CONTRAST


def test_a_colour_that_is_none_enters_no_style() -> None:
    html = composed("join", reader=Reader(policy=Policy(brand_colour="red;background:url(https://evil.example)"))).html
    assert "evil" not in html


def test_nothing_in_a_mail_is_wider_than_a_small_screen() -> None:
    """320 px: no width, no table, and a long address may break anywhere."""
    html = composed("recover").html
    assert not re.search(r"(?<!max-)width:|<table|nowrap|min-width", html)
    assert "overflow-wrap:anywhere" in html


def test_a_notice_says_when() -> None:
    assert "2027-01-15 08:00 UTC" in composed("passkey_added").text


def test_no_representation_has_a_secret_or_an_address() -> None:
    for each in (composed("join"), SECRETS, Letter(JOIN, ISSUER, 1, address=TYPED, key="ab")):
        for secret in (TYPED, TOKEN, CODE, "ab"):
            assert secret not in repr(each)


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("Shop", '"Shop"'),
        ('A "B" \\ C', '"A \\"B\\" \\\\ C"'),
        ("Läden", "=?UTF-8?B?TMOkZGVu?="),
        ("a@b.example, c", '"a@b.example, c"'),
    ],
)
def test_the_senders_name_is_what_a_header_may_hold(name: str, phrase: str) -> None:
    assert sent_from(name) == f"{phrase} <id@example.com>"


def test_a_long_name_is_cut_between_letters() -> None:
    """An encoded word has 75 characters at most, and whole letters (RFC 2047 §2, §5)."""
    name = "株式会社ありがとうございます" * 8
    phrase = sent_from(name).removesuffix(" <id@example.com>")
    assert all(len(word) <= 75 for word in phrase.split(" "))
    assert str(make_header(decode_header(phrase))) == name


def sent_from(name: str) -> str:
    """What SES is told that the mail of this sender comes from."""
    sent: list[Any] = []

    def ses(operation: str, parameters: Any, /) -> Any:
        sent.append(parameters)
        return {}

    SesMailer(ses, "id@example.com").send(ComposedMail("a@example.org", name, "s", "t", "h"))
    return str(sent[0]["FromEmailAddress"])
