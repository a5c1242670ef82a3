"""A sign-in is a proof that /authorize spends: no factor opens a session, and each proof is good once, for one request
in one browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.models.proofs import Place

from tests.integration.guesses import anew, attempt
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
BROWSER = "__Host-valet-browser"
# What a browser that comes without a standing proof leaves: its request begins anew, and nothing else.
BUT = ("request#",)


@pytest.fixture
def proven(browser: Browser, web_app: Application) -> Answer:
    """John's password was right: the way back to /authorize, which nobody has followed yet."""
    return attempt(browser, browser.open(web_app.ask(prompt="login").url), "john", "password123")


def items(deployment: Deployment, kind: str) -> list[Mapping[str, Any]]:
    """The items of that kind, as DynamoDB holds them."""
    return [item for item in deployment.everything() if item["pk"]["S"].startswith(f"{kind}#")]


def assert_asked_again(browser: Browser, answer: Answer) -> None:
    """No session came of it: the person is at the sign-in page."""
    assert answer.status == 303
    assert "/login?request=" in answer.location
    assert not answer.set_cookies
    assert SESSION not in browser.cookies


def test_a_password_alone_opens_no_session(deployment: Deployment, browser: Browser, proven: Answer) -> None:
    assert not proven.set_cookies
    assert SESSION not in browser.cookies
    assert not items(deployment, "session")
    browser.get(proven.location)
    assert SESSION in browser.cookies


def test_a_proof_opens_one_session_and_no_second_one(deployment: Deployment, browser: Browser, proven: Answer) -> None:
    """The back button after signing out: the address is still in the history."""
    browser.get(proven.location)
    del browser.cookies[SESSION]
    with deployment.nothing_spent(BUT):
        assert_asked_again(browser, browser.get(proven.location))


def test_a_proof_is_of_one_browser(deployment: Deployment, browser: Browser, proven: Answer) -> None:
    """The link is sent to somebody: it says which request, and nothing about who signed in."""
    stranger = anew(deployment)
    with deployment.nothing_spent(BUT):
        answer = stranger.get(proven.location)
        assert SESSION not in stranger.cookies
        assert answer.status == 400
    browser.get(proven.location)
    assert SESSION in browser.cookies


def test_a_proof_is_of_one_request(
    deployment: Deployment, browser: Browser, web_app: Application, proven: Answer
) -> None:
    other = parse_qs(urlsplit(browser.get(web_app.ask(prompt="login").url).location).query)["request"][0]
    with deployment.nothing_spent(BUT):
        assert_asked_again(browser, browser.get(f"/authorize?resume={other}&by=password"))


@pytest.mark.parametrize("by", ["", "&by=", "&by=passkey", "&by=password%23", "&by=second", "&by=session"])
def test_the_hint_is_no_proof(deployment: Deployment, browser: Browser, proven: Answer, by: str) -> None:
    with deployment.nothing_spent(BUT):
        assert_asked_again(browser, browser.get(proven.location.replace("&by=password", by)))
    browser.get(proven.location)
    assert SESSION in browser.cookies


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("SET #epoch = :one", id="an operator revoked everything"),
        pytest.param("SET #is_disabled = :one", id="the account was disabled"),
        pytest.param("SET #password_id = :one", id="the password was changed"),
    ],
)
def test_a_proof_dies_with_what_it_rests_on(
    deployment: Deployment, browser: Browser, proven: Answer, change: str
) -> None:
    """Between the password and the way back, which may take ten minutes."""
    value = "0000000009.other" if "password_id" in change else 1
    deployment.table("Users").update("account#demo-john", "account", change, {":one": value})
    with deployment.nothing_spent(BUT):
        assert_asked_again(browser, browser.get(proven.location))


def test_a_proof_dies_with_its_account(deployment: Deployment, browser: Browser, proven: Answer) -> None:
    deployment.table("Users").delete("account#demo-john", "account")
    with deployment.nothing_spent(BUT):
        assert_asked_again(browser, browser.get(proven.location))


def test_a_sign_in_at_the_last_moment_counts_and_an_old_one_does_not(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """A page's ten minutes may end between the password and the way back."""
    page = browser.open(web_app.ask().url)
    deployment.clock.advance(599)
    proven = attempt(browser, page, "john", "password123")
    deployment.clock.advance(2)
    browser.get(proven.location)
    assert SESSION in browser.cookies
    late = anew(deployment)
    proven = attempt(late, late.open(web_app.ask().url), "john", "password123")
    deployment.clock.advance(661)
    with deployment.nothing_spent(BUT):
        assert_asked_again(late, late.get(proven.location))


def test_two_requests_that_come_back_together_open_one_session(
    deployment: Deployment, browser: Browser, proven: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second read the proof before the first spent it. It ends the session that it has opened."""
    cookies = dict(browser.cookies)
    spend: Callable[..., bool] = DynamoProofs.spend_proof
    rivals: list[Answer] = []

    def late(self: DynamoProofs, *arguments: object) -> bool:
        if not rivals:
            rival = anew(deployment)
            rival.cookies = dict(cookies)
            rivals.append(proven)
            rivals[0] = rival.get(proven.location)
        return spend(self, *arguments)

    monkeypatch.setattr(DynamoProofs, "spend_proof", late)
    assert_asked_again(browser, browser.get(proven.location))
    assert any(line.startswith(SESSION) for line in rivals[0].set_cookies)
    assert sorted("ended_at" in item for item in items(deployment, "session")) == [False, True]
    assert deployment.audit.names.count("login.succeeded") == 1


def test_a_late_copy_of_a_write_makes_no_spent_proof_new(
    deployment: Deployment, browser: Browser, proven: Answer
) -> None:
    """DynamoDB's client sends again what it got no answer to; the first try may arrive last."""
    proofs = deployment.server.proofs
    (item,) = items(deployment, "proof-password")
    place = Place("password", bytes.fromhex(item["pk"]["S"].partition("#")[2]))
    proof = proofs.find_proof(place)
    assert proof is not None
    assert not proof.spent_by
    browser.get(proven.location)
    spent = proofs.find_proof(place)
    proofs.put_proof(place, proof)
    assert proofs.find_proof(place) == spent
    assert spent is not None
    assert spent.spent_by


def test_the_person_who_signs_in_last_in_a_tab_is_signed_in(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.open(web_app.ask(prompt="login").url)
    first = attempt(browser, page, "john", "password123")
    second = attempt(browser, page, "jane", "password456")
    assert first.location == second.location
    browser.follow(browser.get(second.location))
    signed_in = [fields["sub"] for name, fields in deployment.audit.events if name == "login.succeeded"]
    assert signed_in == ["demo-jane"]


def test_a_sign_in_counts_even_if_its_request_is_refused(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """The hint names John; Jane signs in. The app is told so, and Jane is signed in all the same."""
    asked = web_app.ask(prompt="login", claims='{"id_token": {"sub": {"value": "demo-john"}}}')
    proven = attempt(browser, browser.open(asked.url), "jane", "password456")
    answer = browser.get(proven.location)
    assert answer.answered["error"] == "login_required"
    assert SESSION in browser.cookies
    assert form_of(browser.open(web_app.ask().url)).names >= {"decision"}
