"""The operator's looks: one colour with enough contrast, a logo by its bytes, links, and texts in other languages."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from valet.models.clients import Client, Scope, Scopes
from valet.models.policy import Policy
from valet.pages import colours, messages
from valet.pages.logos import LARGEST, data_uri, media_type
from valet.pages.policy import content_security_policy
from valet.pages.rendering import Look, render, style
from valet.pages.words import variants
from valet.registration.links import wrong_with_links
from valet.registration.policy import wrong_with_policy
from valet.registration.scopes import wrong_with_scope

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 40
WEBP = b"RIFF" + (16).to_bytes(4, "little") + b"WEBPVP8 " + b"\0" * 8


def look(**policy: Any) -> Look:
    return Look(policy=Policy(**policy))


# -- the colour ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48)])
def test_the_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert colours.contrast(one, other) == colours.contrast(other, one) == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize("colour", ["#0d6650", "#8a1c5b", "#000000", "#1a1aff", "#ffd400", "#ffffff", "#808080"])
def test_every_shade_that_follows_from_a_colour_has_enough_contrast(colour: str) -> None:
    """Also of a colour that no command would store."""
    light, dark = colours.rules(colour).split("@media (prefers-color-scheme: dark)")
    for rules, ground in ((light, colours.LIGHT), (dark, colours.DARK)):
        shades = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", rules))
        assert colours.contrast(shades["accent"], ground) >= 4.5
        assert colours.contrast(shades["accent"], shades["accent-ink"]) >= 4.5
        assert colours.contrast(shades["accent-hover"], shades["accent-ink"]) >= 4.5
    shades = dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", light))
    assert colours.contrast(shades["stub"], shades["stub-ink"]) >= 4.5


def test_the_grounds_are_those_of_the_stylesheet() -> None:
    assert re.findall(r"--paper:\s?(#[0-9a-f]{6})", style()) == [colours.LIGHT, colours.DARK]


def test_a_good_colour_is_used_as_it_is_and_the_policy_names_the_stylesheet_with_it() -> None:
    html = render(messages.signed_out(), look(brand_colour="#8a1c5b"))
    assert "--accent:#8a1c5b" in html
    (inlined,) = re.findall(r"<style>(.*)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inlined.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in content_security_policy(messages.signed_out(), look(brand_colour="#8a1c5b"))


@pytest.mark.parametrize("colour", ["red", "#8A1C5B", "#8a1c5b;}*{display:none", "#8a1c5", "</style><script>"])
def test_nothing_but_a_colour_enters_the_stylesheet(colour: str) -> None:
    assert style(colour) == style()
    assert [wrong.member for wrong in wrong_with_policy(Policy(brand_colour=colour))] == ["brand_colour"]


def test_a_pale_colour_is_refused_with_one_that_can_be_read() -> None:
    (wrong,) = wrong_with_policy(Policy(brand_colour="#ffd400"))
    assert (wrong.member, wrong.value) == ("brand_colour", "#ffd400")
    instead = re.findall(r"#[0-9a-f]{6}", wrong.reason)
    assert wrong_with_policy(Policy(brand_colour=instead[0])) == []


# -- the logo ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("logo", "found"), [(PNG, "image/png"), (WEBP, "image/webp")])
def test_a_logo_is_known_by_its_bytes_and_inlined(logo: bytes, found: str) -> None:
    assert media_type(logo) == found
    assert wrong_with_policy(Policy(brand_logo=logo)) == []
    page = messages.signed_out()
    encoded = base64.b64encode(logo).decode()
    assert f'<img src="data:{found};base64,{encoded}" alt="">' in render(page, look(brand_logo=logo))
    policy, plain = (set(content_security_policy(page, each).split("; ")) for each in (look(brand_logo=logo), look()))
    assert policy - plain == {"img-src data:"}


@pytest.mark.parametrize(
    "logo",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"GIF89a" + b"\0" * 20,
        b"\xff\xd8\xff\xe0" + b"\0" * 20,
        PNG[:8],
        PNG.ljust(LARGEST + 1, b"\0"),
        WEBP + b"\0",  # longer than it says
        b"RIFF" + WEBP[4:8] + b"WAVE" + WEBP[12:],
    ],
)
def test_what_is_no_logo_is_refused_and_never_shown(logo: bytes) -> None:
    assert [wrong.member for wrong in wrong_with_policy(Policy(brand_logo=logo))] == ["brand_logo"]
    assert data_uri(logo) == ""
    assert "<img" not in render(messages.signed_out(), look(brand_logo=logo))


# -- links and texts in other languages ----------------------------------------------------------------------------


def test_every_page_has_the_name_and_the_links_in_the_readers_language() -> None:
    policy = Policy(
        brand_name="Harbour <b>",
        tos_uri="https://example.com/terms",
        support_uri="https://example.com/?a=1&b=2",
        translations=frozenset({"tos_uri#de=https://example.com/agb", "brand_name#de=Hafen"}),
    )
    english, german = (render(messages.signed_out(), Look(tag, policy)) for tag in ("en", "de"))
    assert "– Harbour &lt;b&gt;</title>" in english
    assert '<a href="https://example.com/terms">Terms</a>' in english
    assert '<a href="https://example.com/?a=1&amp;b=2">Help</a>' in english
    assert "– Hafen</title>" in german
    assert '<a href="https://example.com/agb">Nutzungsbedingungen</a>' in german
    assert "Datenschutz" not in german


@pytest.mark.parametrize(
    ("member", "uri"),
    [
        ("tos_uri", "javascript:alert(1)"),
        ("tos_uri", "http://127.0.0.1/"),
        ("policy_uri", "com.example.app:/privacy"),
        ("support_uri", "mailto:help@example.com"),
        ("support_uri", "https://user@example.com/"),
    ],
)
def test_a_link_that_is_not_https_is_refused(member: str, uri: str) -> None:
    assert [wrong.member for wrong in wrong_with_policy(Policy(**{member: uri}))] == [member]  # type: ignore[arg-type]
    wrong = wrong_with_policy(Policy(translations=frozenset({f"{member}#de={uri}"})))
    assert [each.member for each in wrong] == ["translations"]
    if member != "support_uri":
        client = Client("c", "C", **{member: uri})  # type: ignore[arg-type]
        assert [each for each, *_ in wrong_with_links(client)] == [member]


@pytest.mark.parametrize(
    "translation",
    [
        "client_name#de=",
        "client_name#=Laden",
        "client_name=Laden",
        "client_name#d=Laden",
        "client_name#de_CH=Laden",
        "client_name#de=Laden\u202e",
        f"client_name#de={'x' * 101}",
        "redirect_uris#de=https://evil.test",
        "secret_digests#de=x",
        "tos_uri#de=http://example.com/",
    ],
)
def test_a_wrong_translation_is_refused(translation: str) -> None:
    client = Client("shop", "Shop", translations=frozenset({translation}))
    assert [member for member, *_ in wrong_with_links(client)] == ["translations"]


def test_a_language_may_be_registered_once_and_a_scope_may_have_some() -> None:
    twice = Client("shop", "Shop", translations=frozenset({"client_name#de=A", "client_name#DE=B"}))
    assert len(list(wrong_with_links(twice))) == 1
    scope = Scope("items", "See your items", translations=frozenset({"description#de=Ihre Artikel sehen"}))
    assert wrong_with_scope(scope, Scopes()) == []
    assert wrong_with_scope(Scope("items", "Items", translations=frozenset({"description#de= "})), Scopes())


def test_a_text_is_found_by_a_shorter_tag_and_may_hold_any_sign() -> None:
    client = Client("shop", "Shop", translations=frozenset({"client_name#pt=Loja = 1", "client_uri#de=https://x.test"}))
    name = variants(client, "client_name")
    assert [name.in_language(tag) for tag in ("pt-BR", "de", "en")] == ["Loja = 1", "Shop", "Shop"]
