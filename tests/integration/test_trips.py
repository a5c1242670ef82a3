"""The trip to another provider and back: only this browser comes back from it, once, from this provider and for this
request, and whatever is wrong with it signs nobody in and spends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from valet.fetch import FetchFailed

from tests.integration.guesses import anew
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.federation import Federation, asked_of, button_of, callback
from tests.support.providers import FakeProvider
from tests.support.wire import Answer

SESSION = "__Host-valet-session"


@pytest.fixture
def idp(federation: Federation) -> FakeProvider:
    """John is linked to the person there."""
    made = federation.add()
    federation.link(made, "demo-john")
    made.asked.clear()
    return made


@pytest.fixture
def sent(browser: Browser, web_app: Application, idp: FakeProvider) -> Answer:
    """The redirect to the provider, from a sign-in page."""
    return browser.get(button_of(browser.open(web_app.ask().url), idp))


def details(deployment: Deployment) -> list[object]:
    return [fields["detail"] for name, fields in deployment.audit.events if name == "upstream.refused"]


def assert_refused(deployment: Deployment, browser: Browser, url: str, why: str) -> Answer:
    """A page in words, nothing spent, and the log says why."""
    with deployment.nothing_spent():
        answer = browser.get(url)
    assert answer.status == 400, answer
    assert "This sign-in did not work" in answer.body
    assert SESSION not in browser.cookies
    assert details(deployment)[-1:] == [why]
    return answer


def signed_in(deployment: Deployment, browser: Browser, answer: Answer) -> str:
    """Who is signed in where the redirect leads."""
    browser.follow(answer)
    assert SESSION in browser.cookies
    (fields,) = [fields for name, fields in deployment.audit.events if name == "login.succeeded"]
    return str(fields["sub"])


def test_the_browser_is_sent_with_what_only_it_can_bring_back(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    page = browser.open(web_app.ask(ui_locales="de").url)
    with deployment.nothing_spent():
        first = browser.get(button_of(page, idp))
        deployment.clock.advance(1)
        second = browser.get(button_of(page, idp))
    asked, again = asked_of(first), asked_of(second)
    assert first.location.startswith(f"{idp.provider.authorization_endpoint}?")
    assert asked["redirect_uri"] == f"{deployment.issuer}/federate/{idp.provider.provider_id}/callback"
    assert asked["code_challenge_method"] == "S256"
    assert asked["ui_locales"] == "de"
    assert "prompt" not in asked
    assert "max_age" not in asked
    assert "login_hint" not in asked
    assert not {asked[name] for name in ("state", "nonce", "code_challenge")} & set(again.values())
    came_back = browser.get(federation.brought_back(idp, second))
    assert signed_in(deployment, browser, came_back) == "demo-john"


def test_the_requests_wishes_are_passed_on_and_its_hint_is_not(
    browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    page = browser.open(web_app.ask(prompt="login", max_age="60", login_hint="john").url)
    asked = asked_of(browser.get(button_of(page, idp)))
    assert (asked["prompt"], asked["max_age"]) == ("login", "60")
    assert "login_hint" not in asked


def test_each_provider_has_a_redirect_uri_of_its_own(
    federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    other = federation.add()
    page = browser.open(web_app.ask().url)
    uris = {asked_of(browser.get(button_of(page, each)))["redirect_uri"] for each in (idp, other)}
    assert len(uris) == 2


# What is not this browser's, this request's, this provider's ----------------------------------------------------------


def test_login_csrf_an_attackers_callback_signs_nobody_in(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    """The attacker comes back from the provider, and lets the victim's browser finish it."""
    attacker = anew(deployment)
    stolen = federation.brought_back(idp, attacker.get(button_of(attacker.open(web_app.ask().url), idp)))
    browser.open(web_app.ask().url)
    with deployment.nothing_spent():
        answer = browser.get(stolen)
    assert answer.status == 400
    assert "another browser" in answer.body
    assert SESSION not in browser.cookies
    assert not idp.asked
    # With the victim's own handle, the rest of the attacker's state is of another cookie.
    own = dict(parse_qsl(urlsplit(button_of(browser.open(web_app.ask().url), idp)).query))
    query = dict(parse_qsl(urlsplit(stolen).query))
    mixed = ".".join((own["request"], *query["state"].split(".")[1:]))
    assert_refused(
        deployment, browser, callback(idp, {**query, "state": mixed}), "state: of another provider, or made up"
    )
    assert not idp.asked


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda handle, begun, mac: (handle, str(int(begun) + 1), mac), "state: of another provider, or made up"),
        (lambda handle, begun, mac: (handle, begun, mac[:-1]), "state: of another provider, or made up"),
        (lambda handle, begun, mac: (handle, begun, mac, mac), "state: of another provider, or made up"),
        (lambda handle, begun, mac: (handle, begun, "é"), "state: of another provider, or made up"),
        (lambda handle, begun, mac: (handle, "", mac), "state: no time"),
        (lambda handle, begun, mac: (handle, "٣", mac), "state: no time"),
        (lambda handle, begun, mac: (handle, "-1", mac), "state: no time"),
        (lambda handle, begun, mac: (handle, "9" * 16, mac), "state: no time"),
        (lambda handle, begun, mac: (handle,), "state: no time"),
    ],
)
def test_a_state_that_is_changed_is_refused(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    idp: FakeProvider,
    sent: Answer,
    change: Callable[[str, str, str], tuple[str, ...]],
    why: str,
) -> None:
    state = ".".join(change(*asked_of(sent)["state"].split(".")))
    assert_refused(deployment, browser, federation.brought_back(idp, sent, state=state), why)
    assert not idp.asked


@pytest.mark.parametrize("state", [None, "", "x", "." * 3])
def test_without_a_state_of_ours_there_is_no_request_to_go_on_with(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer, state: str | None
) -> None:
    with deployment.nothing_spent():
        answer = browser.get(federation.brought_back(idp, sent, state=state))
    assert answer.status == 400
    assert not idp.asked


def test_mix_up_a_code_goes_to_no_other_provider(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, web_app: Application
) -> None:
    """The trip began at a provider of the attacker, which sends the browser on to the honest one: RFC 9700 §4.4."""
    attackers = federation.add()
    sent = browser.get(button_of(browser.open(web_app.ask().url), attackers))
    state = asked_of(sent)["state"]
    honest = browser.get(button_of(browser.open(web_app.ask().url), idp))
    why = "state: of another provider, or made up"
    assert_refused(deployment, browser, federation.brought_back(idp, honest, state=state), why)
    # And the honest one's own answer at the attacker's address.
    brought = dict(parse_qsl(urlsplit(federation.brought_back(idp, honest)).query))
    assert_refused(deployment, browser, callback(attackers, brought), why)
    assert not idp.asked
    assert not attackers.asked


def test_an_issuer_that_is_named_is_compared(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer
) -> None:
    url = federation.brought_back(idp, sent, iss="https://attacker.example.com")
    assert_refused(deployment, browser, url, "the response names another issuer")
    federation.register(idp, sends_iss=True)
    why = "the response does not name its issuer, as this provider's always do"
    assert_refused(deployment, browser, federation.brought_back(idp, sent, iss=None), why)
    assert not idp.asked
    assert signed_in(deployment, browser, browser.get(federation.brought_back(idp, sent))) == "demo-john"


def test_code_injection_a_code_of_another_trip_is_refused_by_pkce(
    deployment: Deployment, federation: Federation, web_app: Application, idp: FakeProvider, sent: Answer
) -> None:
    """The attacker has stolen the victim's code, and brings it back from a trip of their own."""
    stolen = dict(parse_qsl(urlsplit(federation.brought_back(idp, sent)).query))["code"]
    attacker = anew(deployment)
    own = attacker.get(button_of(attacker.open(web_app.ask().url), idp))
    injected = federation.brought_back(idp, own, code=stolen)
    assert_refused(deployment, attacker, injected, "the token endpoint: status 400, invalid_grant")


def test_code_injection_at_a_provider_without_pkce_is_refused_by_the_nonce(
    deployment: Deployment, federation: Federation, web_app: Application, idp: FakeProvider, sent: Answer
) -> None:
    stolen = dict(parse_qsl(urlsplit(federation.brought_back(idp, sent)).query))["code"]
    attacker = anew(deployment)
    own = attacker.get(button_of(attacker.open(web_app.ask().url), idp))
    idp._codes[stolen]["code_challenge"] = asked_of(own)["code_challenge"]  # as if it were not compared
    assert_refused(deployment, attacker, federation.brought_back(idp, own, code=stolen), "ID token: another nonce")


@pytest.mark.parametrize("code", [None, "", "x" * 4097])
def test_an_answer_without_a_code_asks_nobody(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer, code: str | None
) -> None:
    assert_refused(deployment, browser, federation.brought_back(idp, sent, code=code), "no code")
    assert not idp.asked


# Once -----------------------------------------------------------------------------------------------------------------


def test_a_double_click_goes_where_the_first_click_went(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer
) -> None:
    url = federation.brought_back(idp, sent)
    first = browser.get(url)
    with deployment.nothing_spent():
        second = browser.get(url)
    assert second.location == first.location
    assert signed_in(deployment, browser, second) == "demo-john"


@pytest.mark.parametrize("takes_codes_twice", [False, True])
def test_replay_who_goes_back_in_history_after_the_sign_out_signs_nobody_in(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    idp: FakeProvider,
    sent: Answer,
    takes_codes_twice: bool,
) -> None:
    url = federation.brought_back(idp, sent)
    code = dict(parse_qsl(urlsplit(url).query))["code"]
    asked = dict(idp._codes[code])
    assert signed_in(deployment, browser, browser.get(url)) == "demo-john"
    del browser.cookies[SESSION]
    deployment.clock.advance(30)
    if takes_codes_twice:
        idp._codes[code] = asked
    answer = browser.open(url)
    assert "password" in form_of(answer).names
    assert SESSION not in browser.cookies


def test_an_older_trip_does_not_take_the_place_of_a_later_one(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    page = browser.open(web_app.ask().url)
    older = federation.brought_back(idp, browser.get(button_of(page, idp)))
    deployment.clock.advance(1)
    later = federation.brought_back(idp, browser.get(button_of(page, idp)))
    assert browser.get(later).status == 303
    answer = browser.get(older)
    assert answer.status == 400
    assert details(deployment) == ["a later trip has come back already"]


def test_a_trip_that_took_longer_than_the_request_begins_again(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer
) -> None:
    url = federation.brought_back(idp, sent)
    deployment.clock.advance(600)
    with deployment.nothing_spent():
        answer = browser.get(url)
    assert (answer.status, urlsplit(answer.location).path) == (303, "/authorize")
    assert not idp.asked
    assert "longer than ten minutes" in browser.follow(answer).body


# What a provider answers instead --------------------------------------------------------------------------------------


def test_who_says_no_at_the_provider_is_back_at_the_sign_in_page(
    deployment: Deployment, browser: Browser, idp: FakeProvider, sent: Answer
) -> None:
    answer = {"error": "access_denied", "error_description": "<b>Evil</b>", "state": asked_of(sent)["state"]}
    with deployment.nothing_spent():
        page = browser.open(callback(idp, answer))
    assert f"You did not sign in at {idp.provider.name}" in page.body
    assert "Evil" not in page.body
    assert "password" in form_of(page).names
    assert not idp.asked


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable", "<script>", "x" * 300])
def test_another_error_is_a_page_in_our_own_words(
    deployment: Deployment, browser: Browser, idp: FakeProvider, sent: Answer, error: str
) -> None:
    answer = {"error": error, "error_description": "Evil", "error_uri": "https://evil.example.com"}
    url = callback(idp, {**answer, "state": asked_of(sent)["state"]})
    with deployment.nothing_spent():
        page = browser.get(url)
    assert page.status == 400
    assert "This sign-in did not work" in page.body
    assert "vil" not in page.body
    assert "<script>" not in page.body
    (detail,) = details(deployment)
    assert str(detail).startswith("the provider answered ")
    assert len(str(detail)) < 100
    again = page.body.split('<a href="/login?')[1].split('"')[0].replace("&amp;", "&")
    assert "password" in form_of(browser.open(f"/login?{again}")).names


def test_an_answer_by_a_form_is_taken_by_a_get(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer
) -> None:
    """Apple's way. A form of another site brings no cookie."""
    brought = dict(parse_qsl(urlsplit(federation.brought_back(idp, sent)).query))
    with deployment.nothing_spent():
        posted = browser.post_from_another_site(
            f"/federate/{idp.provider.provider_id}/callback", {**brought, "user": "{}", "id_token": "x"}
        )
    assert posted.status == 303
    assert posted.answered == brought
    assert not posted.set_cookies
    assert not idp.asked
    assert signed_in(deployment, browser, browser.get(posted.location)) == "demo-john"


def test_a_provider_that_does_not_answer_is_asked_again_by_reloading(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer
) -> None:
    url = federation.brought_back(idp, sent)
    idp.fails("token_endpoint", FetchFailed("no answer within 2.0 s"))
    with deployment.nothing_spent():
        answer = deployment.invoke(deployment.event("GET", url, browser._headers()))
    assert answer.status == 503
    assert "Please try again" in answer.body
    idp.answers.clear()
    assert signed_in(deployment, browser, browser.get(url)) == "demo-john"


# Providers that there are not -----------------------------------------------------------------------------------------


def test_a_provider_that_nobody_registered_is_not_there(deployment: Deployment, browser: Browser, sent: Answer) -> None:
    with deployment.nothing_spent():
        for path in ("/federate/unknown", "/federate/unknown/callback", "/federate/", "/federate//callback"):
            assert browser.get(f"{path}?request=x").status == 404


def test_without_federation_there_is_none(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application, idp: FakeProvider
) -> None:
    deployment.restart(federation="off")
    page = browser.open(web_app.ask().url)
    assert "/federate/" not in page.body
    assert browser.get(f"/federate/{idp.provider.provider_id}?request=x").status == 404
    assert (
        "urn:valet:acr:upstream" not in browser.get("/.well-known/openid-configuration").json()["acr_values_supported"]
    )


def test_a_provider_that_is_disabled_is_offered_to_nobody_and_takes_nobody_back(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    web_app: Application,
    idp: FakeProvider,
    sent: Answer,
) -> None:
    page = browser.open(web_app.ask().url)
    button, url = button_of(page, idp), federation.brought_back(idp, sent)
    federation.register(idp, is_disabled=True)
    idp.asked.clear()
    with deployment.nothing_spent():
        for each in (button, url):
            page = browser.open(each)
            assert "You cannot sign in here with" in page.body
            assert "/federate/" not in page.body
            assert "password" in form_of(page).names
    assert not idp.asked


def test_a_provider_that_was_removed_takes_nobody_back(
    deployment: Deployment, federation: Federation, browser: Browser, idp: FakeProvider, sent: Answer
) -> None:
    url = federation.brought_back(idp, sent)
    federation.remove(idp)
    with deployment.nothing_spent():
        assert browser.get(url).status == 404
    assert not idp.asked


@pytest.mark.parametrize(
    "narrow",
    [
        lambda federation, idp: federation.deployment.change_client("web_app_123", providers=frozenset({"local"})),
        lambda federation, idp: federation.register(idp, clients=frozenset({"another"})),
    ],
    ids=["the client's ways", "the provider's clients"],
)
def test_a_client_is_offered_its_own_providers_alone_and_a_trip_to_another_leads_back(
    deployment: Deployment,
    federation: Federation,
    browser: Browser,
    web_app: Application,
    idp: FakeProvider,
    sent: Answer,
    narrow: Callable[[Federation, FakeProvider], None],
) -> None:
    url = federation.brought_back(idp, sent)
    narrow(federation, idp)
    idp.asked.clear()
    page = browser.open(web_app.ask().url)
    assert "/federate/" not in page.body
    request = form_of(page).hidden["request"]
    for each in (f"/federate/{idp.provider.provider_id}?{urlencode({'request': request})}", url):
        with deployment.nothing_spent():
            assert "You cannot sign in here with" in browser.open(each).body
    assert not idp.asked
    # The account page is everybody's: who has no other means has to get there.
    assert f"/federate/{idp.provider.provider_id}?" in anew(deployment).open("/account").body
