"""The language of the pages: `ui_locales`, what the person chose, Accept-Language, the policy's (RFC 4647 §3.4)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from valet.errors import TemporarilyUnavailable
from valet.front_channel.showing import shown
from valet.frozen import replace
from valet.http import Request, page
from valet.models.policy import Policy
from valet.pages import messages
from valet.pages.words import LANGUAGES
from valet.people.cookies import Cookies

from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer

COOKIE = "__Host-valet-lang"


@pytest.fixture
def browser(deployment: Deployment) -> Browser:
    return Browser(deployment.send, deployment.issuer)


def language(answer: Answer) -> str:
    (found,) = re.findall(r'<html lang="([^"]+)" dir="(?:ltr|rtl)">', answer.body)
    return str(found)


class _Chooser(HTMLParser):
    """The form that chooses the language: its action, what it carries, and what it offers."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.action = ""
        self.carried: dict[str, str] = {}
        self.offered: list[str] = []
        self.feed(answer.body.partition("<footer>")[2].partition("</footer>")[0])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert found["method"] == "get"
            self.action = found["action"]
        if tag == "input":
            self.carried[found["name"]] = found["value"]
        if tag == "button":
            assert found["name"] == "lang"
            self.offered.append(found["value"])


def choose(browser: Browser, answer: Answer, tag: str) -> Answer:
    chooser = _Chooser(answer)
    assert tag in chooser.offered
    query = "&".join(f"{name}={value}" for name, value in {**chooser.carried, "lang": tag}.items())
    return browser.get(f"{chooser.action}?{query}")


@pytest.mark.parametrize(
    ("ui_locales", "languages", "found"),
    [
        (None, "", "en"),
        (None, "de-CH, en;q=0.5", "de"),
        (None, "tlh", "en"),
        ("de", "en", "de"),
        ("tlh de-AT en", "en", "de"),
        ("tlh", "de", "de"),
        ("<script> de", "", "de"),
        ("x" * 36 + " de", "", "de"),
        (" ".join(["tlh"] * 10 + ["de"]), "", "en"),  # ten are kept
    ],
)
def test_every_page_of_a_sign_in_is_in_the_language_that_the_application_asks_for_or_the_browser(
    browser: Browser, web_app: Application, ui_locales: str | None, languages: str, found: str
) -> None:
    browser.languages = languages
    sign_in = browser.open(web_app.ask(ui_locales=ui_locales).url)
    again = browser.sign_in(sign_in, password="wrong")
    consent = browser.sign_in(again)
    assert [language(each) for each in (sign_in, again, consent)] == [found] * 3
    assert ("Anmelden" in sign_in.body, "Ihre E-Mail-Adresse sehen" in consent.body) == (found == "de", found == "de")
    assert COOKIE not in browser.cookies


def test_a_pushed_request_keeps_its_ui_locales(browser: Browser, web_app: Application) -> None:
    pushed, asked = web_app.push(ui_locales="de")
    assert pushed.status == 201
    assert language(browser.open(asked.url)) == "de"


def test_a_language_that_a_person_chooses_holds_on_every_page_after_it(browser: Browser, web_app: Application) -> None:
    chosen = choose(browser, browser.open(web_app.ask().url), "de")
    assert (chosen.status, language(chosen)) == (200, "de")
    assert form_of(chosen).names == {"request", "csrf_token", "username", "password"}
    (cookie,) = chosen.set_cookies
    assert cookie == f"{COOKIE}=de; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax; Secure"
    wrong = browser.sign_in(chosen, password="wrong")
    assert (wrong.status, language(wrong)) == (401, "de")
    assert language(browser.sign_in(wrong)) == "de"
    assert language(browser.get("/logout")) == "de"


def test_a_choice_overrules_what_this_application_said_and_no_other(browser: Browser, web_app: Application) -> None:
    chosen = choose(browser, browser.open(web_app.ask(ui_locales="en").url), "de")
    assert (language(chosen), browser.cookies[COOKIE]) == ("de", "de.en")
    assert language(browser.sign_in(chosen, password="wrong")) == "de"
    assert language(browser.open(web_app.ask(ui_locales="en").url)) == "de"
    assert language(browser.open(web_app.ask().url)) == "de"
    browser.cookies[COOKIE] = "en.de"
    assert language(browser.open(web_app.ask(ui_locales="en").url)) == "en"
    browser.cookies[COOKIE] = "en"
    assert language(browser.open(web_app.ask(ui_locales="de").url)) == "de"
    back = choose(browser, browser.open(web_app.ask(ui_locales="de").url), "en")
    assert (language(back), browser.cookies[COOKIE]) == ("en", "en.de")


@pytest.mark.parametrize("value", ["tlh", "", "de.", ".de", '"><script>', "en-de"])
def test_a_cookie_or_a_choice_that_is_no_language_is_ignored(
    browser: Browser, web_app: Application, value: str
) -> None:
    browser.cookies[COOKIE] = value
    handle = form_of(opened := browser.open(web_app.ask().url)).hidden["request"]
    assert language(opened) == ("de" if value == "de." else "en")
    browser.cookies.pop(COOKIE)
    answer = browser.get(f"/login?request={handle}&lang={value.replace(chr(34), '%22')}")
    assert (language(answer), answer.set_cookies) == ("en", ())


def test_the_form_of_a_page_chooses_no_language(browser: Browser, web_app: Application) -> None:
    """What a form of this server sends is about what it asks, and one of another site has no cookie to set."""
    opened = browser.open(web_app.ask().url)
    answer = browser.submit(opened, username="john", password="wrong", lang="de")
    assert (language(answer), answer.set_cookies) == ("en", ())


def test_the_page_after_a_wrong_password_is_shown_again_without_what_was_typed(
    browser: Browser, web_app: Application
) -> None:
    opened = browser.open(web_app.ask().url)
    handle = form_of(opened).hidden["request"]
    wrong = browser.submit(opened, username="john", password="opensesame")
    chooser = _Chooser(wrong)
    assert (chooser.action, chooser.carried) == ("/login", {"request": handle})
    assert form_of(choose(browser, wrong, "de")).hidden["request"] == handle
    consent = browser.sign_in(wrong)
    chooser = _Chooser(consent)
    assert (chooser.action, chooser.carried) == ("/consent", {"request": handle})
    assert "decision" in choose(browser, consent, "en").body
    assert "code" in browser.decide(consent).answered


def test_a_refusal_is_in_the_readers_language_and_repeats_nothing_of_a_refused_address(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    browser.languages = "de"
    asked = web_app.ask(redirect_uri="https://evil.test/opensesame")
    with deployment.nothing_spent():
        answer = browser.get(asked.url)
        assert (answer.status, language(answer)) == (400, "de")
        assert "Diese Anfrage kann nicht beantwortet werden" in answer.body
        assert "opensesame" not in answer.body
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        assert language(browser.get(web_app.ask(redirect_uri="https://evil.test/", ui_locales="en").url)) == "en"
        expired = browser.get(f"/login?request={'A' * 43}")
        assert "<title>Diese Anmeldung ist abgelaufen" in expired.body
        assert "This sign-in has expired" in choose(browser, expired, "en").body
    # What the client's developer reads stays English.
    assert '<p lang="en" dir="ltr"><code>invalid_request</code>: ' in answer.body


def test_the_page_that_posts_an_answer_is_in_the_language_and_offers_no_other(
    browser: Browser, web_app: Application
) -> None:
    """To show it again would be to answer the client again."""
    consent = browser.sign_in(browser.open(web_app.ask(response_mode="form_post", ui_locales="de").url))
    answer = browser.decide(consent)
    assert (language(answer), "<footer" in answer.body) == ("de", False)
    assert "Zurück zu" in answer.body


def test_the_sign_out_page_takes_ui_locales_and_its_form_keeps_them(browser: Browser, web_app: Application) -> None:
    browser.sign_in(browser.open(web_app.ask().url))
    asked = browser.get("/logout?ui_locales=de")
    assert "Abmelden?" in asked.body
    stayed = browser.decide(asked, "deny")
    assert (language(stayed), "Sie sind weiterhin angemeldet" in stayed.body) == ("de", True)
    assert "Sie sind abgemeldet" in browser.decide(asked).body


def test_an_operators_own_sentence_for_a_standard_scope_is_shown_as_it_is(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    scope = deployment.server.registry.scopes().scopes["email"]
    deployment.registrar.put_scope(replace(scope, description="Read your mail address"))
    deployment.restart()
    consent = browser.sign_in(browser.open(web_app.ask(ui_locales="de").url))
    assert "Read your mail address" in consent.body
    assert "Ihr Profil sehen" in consent.body


@pytest.mark.parametrize(
    ("policy", "languages", "found"),
    [
        (Policy(languages=frozenset({"en"})), "de", "en"),
        (Policy(languages=frozenset({"de"}), default_language="de"), "en", "de"),
        (Policy(default_language="de"), "tlh", "de"),
        (Policy(default_language="de"), "en", "en"),
        (Policy(languages=frozenset({"de"})), "tlh", "de"),  # as no command would store it
    ],
)
def test_the_policy_says_which_languages_are_offered_and_which_is_the_default(
    deployment: Deployment, browser: Browser, web_app: Application, policy: Policy, languages: str, found: str
) -> None:
    deployment.registrar.put_policy(policy)
    deployment.restart()
    browser.languages = languages
    opened = browser.open(web_app.ask().url)
    assert (language(opened), "<footer" in opened.body) == (found, not policy.languages)
    assert language(browser.open(web_app.ask(ui_locales=languages).url)) == found
    metadata = browser.get("/.well-known/openid-configuration").json()
    assert metadata["ui_locales_supported"] == (sorted(policy.languages) or list(LANGUAGES))


def test_a_page_does_not_fail_for_its_looks(
    deployment: Deployment, browser: Browser, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise TemporarilyUnavailable

    monkeypatch.setattr(type(deployment.server.registry), "policy", fails)
    browser.languages = "de"
    assert language(browser.open(web_app.ask().url)) == "de"
    assert language(browser.get("/login")) == "de"


@pytest.mark.parametrize("path", ["//evil.test/login", "/login", "///"])
def test_no_path_makes_the_chooser_lead_to_another_server(path: str) -> None:
    request = Request("GET", path, "https://id.example.com")
    asked = page(200, messages.signed_out())
    assert asked.page is not None
    body = shown(asked, asked.page, request, Cookies(is_plain_http=False), Policy()).body
    (action,) = re.findall(r'action="([^"]*)"', str(body))
    assert action.startswith("/")
    assert not action.startswith("//")


def test_a_clients_name_links_and_a_scopes_sentence_are_shown_in_the_readers_language(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    scope = deployment.server.registry.scopes().scopes["items"]
    deployment.registrar.put_scope(replace(scope, translations=frozenset({"description#de=Ihre Artikel sehen"})))
    deployment.change_client(
        "web_app_123",
        tos_uri="https://webapp.example.com/terms",
        translations=frozenset({"client_name#de=Netzladen", "tos_uri#de=https://webapp.example.com/agb"}),
    )
    deployment.restart()
    sign_in = browser.open(web_app.ask(ui_locales="de").url)
    assert "<bdi>Netzladen</bdi>" in sign_in.body
    german = browser.sign_in(sign_in)
    assert "Ihre Artikel sehen" in german.body
    assert '<a href="https://webapp.example.com/agb">Nutzungsbedingungen der App</a>' in german.body
    english = choose(browser, german, "en")
    assert "Allow <bdi>Web App</bdi>?" in english.body
    assert "Ihre Artikel" not in english.body
    assert '<a href="https://webapp.example.com/terms">Terms of the app</a>' in english.body


@pytest.mark.parametrize(
    ("sign_in_with", "label"),
    [("username", "Benutzername"), ("email", "E-Mail-Adresse"), ("either", "Benutzername oder E-Mail-Adresse")],
)
def test_the_sign_in_page_asks_for_what_people_sign_in_with(
    deployment: Deployment, browser: Browser, web_app: Application, sign_in_with: str, label: str
) -> None:
    deployment.registrar.put_policy(Policy(sign_in_with=sign_in_with))
    deployment.restart()
    assert f'<label for="username">{label}</label>' in browser.open(web_app.ask(ui_locales="de").url).body
