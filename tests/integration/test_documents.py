"""Clients that name themselves by a document, at every endpoint that meets one (Client ID Metadata Documents; M9)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from valet.models.clients import Scope

from tests.integration.visiting import press
from tests.support.application import Application, Asked
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.strangers import API, CLAUDE, LOOPBACK, Strangers
from tests.support.wire import Answer, refused

SCOPE = "items offline_access"
DAY = 86_400


def consent_page(browser: Browser, app: Application, **asked: str | None) -> tuple[Answer, Asked]:
    request = app.ask(**{"scope": SCOPE, "resource": API, **asked})
    page = browser.open(request.url)
    return (browser.sign_in(page) if 'name="password"' in page.body else page), request


def tokens_of(browser: Browser, app: Application, **asked: str | None) -> dict[str, Any]:
    page, request = consent_page(browser, app, **asked)
    answer = app.redeem(browser.decide(page).answered["code"], request.code_verifier)
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


def refused_page(unknown: Strangers, browser: Browser, app: Application, **asked: str | None) -> Answer:
    """The page that refuses the request: nothing is saved, and no redirect leaves the issuer."""
    with unknown.deployment.nothing_spent(but=("document#",)):
        answer = browser.get(app.ask(**{"scope": SCOPE, "resource": API, **asked}).url)
    assert answer.is_page, answer
    assert answer.status in (400, 503)
    return answer


# -- from the request to the tokens ------------------------------------------------------------------------------------


def test_a_client_of_a_document_gets_a_code_and_tokens(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app, scope="openid profile email items admin nothing offline_access")
    # More than an API opened is left out, and said (RFC 6749 §3.3).
    assert tokens["scope"] == "items offline_access openid"
    again = app.refresh(tokens["refresh_token"], resource=API)
    assert (again.status, again.json()["scope"]) == (200, tokens["scope"])
    assert app.userinfo(again.json()["access_token"]).json().keys() == {"sub"}
    assert unknown.asked == 1


def test_its_tokens_are_revoked_by_it_and_introspected_by_the_api(
    unknown: Strangers, browser: Browser, service: Application
) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app)
    told = service.introspect(tokens["access_token"]).json()
    assert (told["active"], told["client_id"], told["aud"]) == (True, CLAUDE, API)
    assert app.revoke(tokens["refresh_token"]).status == 200
    assert service.introspect(tokens["access_token"]).json() == {"active": False}


def test_a_client_whose_document_names_no_refresh_tokens_gets_none(unknown: Strangers, browser: Browser) -> None:
    unknown.publish(CLAUDE, grant_types=None)
    tokens = tokens_of(browser, unknown.application())
    assert (tokens["scope"], "refresh_token" in tokens) == ("items", False)


def test_a_grant_ends_after_thirty_days_and_after_seven_idle_ones(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app)
    for days in (6, 6, 6, 6, 5):
        unknown.deployment.clock.advance(days * DAY)
        tokens = app.refresh(tokens["refresh_token"]).json()
    unknown.deployment.clock.advance(2 * DAY)
    refused(app.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    tokens = tokens_of(browser, app, prompt="login")
    unknown.deployment.clock.advance(7 * DAY + 1)
    refused(app.refresh(tokens["refresh_token"]), 400, "invalid_grant")


def test_switched_off_there_are_no_such_clients(deployment: Deployment, browser: Browser) -> None:
    """M12."""
    app = Application(deployment.send, deployment.issuer, CLAUDE, None, LOOPBACK, SCOPE)
    with deployment.nothing_spent():
        assert "not registered" in browser.get(app.ask(resource=API).url).body
        refused(app.refresh("x.y.z"), 401, "invalid_client")
        assert deployment.send("POST", f"{deployment.issuer}/register", {}, b"{}").status == 404
    metadata = deployment.send("GET", f"{deployment.issuer}/.well-known/oauth-authorization-server").json()
    assert not {"client_id_metadata_document_supported", "registration_endpoint"} & metadata.keys()


def test_metadata_says_what_is_on(unknown: Strangers) -> None:
    metadata = unknown.deployment.send("GET", f"{unknown.deployment.issuer}/.well-known/openid-configuration").json()
    assert metadata["client_id_metadata_document_supported"] is True
    assert metadata["registration_endpoint"] == f"{unknown.deployment.issuer}/register"


# -- which hosts -------------------------------------------------------------------------------------------------------


def test_listed_takes_documents_of_named_hosts_alone(unknown: Strangers, browser: Browser) -> None:
    unknown.deployment.own_settings["client_id_metadata"] = "listed"
    unknown.deployment.restart()
    unknown.publish()
    refused_page(unknown, browser, unknown.application())
    assert unknown.asked == 0
    unknown.trust("claude.ai")
    assert consent_page(browser, unknown.application())[0].status == 200


@pytest.mark.parametrize("refused_host", ["claude.ai", "ai"])
def test_a_refused_host_and_all_below_it_end_at_once(
    unknown: Strangers, browser: Browser, service: Application, refused_host: str
) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app)
    unknown.refuse(refused_host)
    with unknown.deployment.nothing_spent():
        refused(app.refresh(tokens["refresh_token"]), 401, "invalid_client")
        assert service.introspect(tokens["access_token"]).json() == {"active": False}
    refused_page(unknown, browser, app)


# -- where its answers go ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published", "asked"),
    [
        (["http://localhost/callback"], "http://localhost:8123/callback"),
        (["http://localhost:1/callback"], "http://localhost:8123/callback"),
        (["http://127.0.0.1:33418/"], "http://127.0.0.1:5000"),
        (["http://[::1]/cb"], "http://[::1]:9/cb"),
        (["https://claude.ai/api/callback"], "https://claude.ai/api/callback"),
    ],
)
def test_answers_go_to_this_computer_or_to_the_documents_own_origin(
    unknown: Strangers, browser: Browser, published: list[str], asked: str
) -> None:
    unknown.publish(CLAUDE, redirect_uris=published)
    page, _ = consent_page(browser, unknown.application(redirect_uri=asked))
    assert browser.decide(page).location.startswith(asked)


@pytest.mark.parametrize(
    ("published", "asked"),
    [
        ("http://localhost/callback", "http://127.0.0.1:8123/callback"),
        ("http://127.0.0.1/callback", "http://localhost:8123/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1/other"),
        ("https://claude.ai.evil.example/callback", "https://claude.ai.evil.example/callback"),
        ("https://evil.example/callback", "https://evil.example/callback"),
        ("https://claude.ai:8443/callback", "https://claude.ai:8443/callback"),
        ("https://claude.ai@evil.example/callback", "https://claude.ai@evil.example/callback"),
        ("http://claude.ai/callback", "http://claude.ai/callback"),
        ("cursor://anysphere/callback", "cursor://anysphere/callback"),
        ("http://127.0.0.1.evil.example/cb", "http://127.0.0.1.evil.example/cb"),
        ("https://vscode.dev/redirect", "https://vscode.dev/redirect"),
    ],
)
def test_answers_go_nowhere_else(unknown: Strangers, browser: Browser, published: str, asked: str) -> None:
    """An answer that goes elsewhere would be a stranger's. `localhost` is another name than 127.0.0.1."""
    unknown.trust("vscode.dev")  # which passes on what it gets: only clients of trusted hosts may have it
    unknown.publish(CLAUDE, redirect_uris=[published, "https://claude.ai/right"])
    assert refused_page(unknown, browser, unknown.application(redirect_uri=asked)).status == 400


def test_a_client_of_a_trusted_host_may_have_its_answers_at_another(unknown: Strangers, browser: Browser) -> None:
    unknown.trust("claude.ai", "claude.com")
    unknown.publish(CLAUDE, redirect_uris=["https://claude.com/callback"])
    page, _ = consent_page(browser, unknown.application(redirect_uri="https://claude.com/callback"))
    assert browser.decide(page).location.startswith("https://claude.com/callback?")


@pytest.mark.parametrize(
    "asked",
    [{"scope": "admin"}, {"resource": "https://nobody.example"}, {"prompt": "none"}, {"response_mode": "x"}],
)
@pytest.mark.parametrize("response_mode", ["query", "form_post"])
def test_a_person_who_follows_a_link_to_this_server_is_not_sent_on_to_a_strangers_address(
    unknown: Strangers, browser: Browser, asked: dict[str, str], response_mode: str
) -> None:
    """Whoever publishes a document may write a request that is refused (RFC 9700 §4.11.2)."""
    web = "https://claude.ai/callback"
    unknown.publish(CLAUDE, redirect_uris=[web, "http://127.0.0.1/callback"])
    asked = {"response_mode": response_mode, **asked}
    page = refused_page(unknown, browser, unknown.application(redirect_uri=web), **asked)
    assert web not in page.body
    # To a program on this computer, and to a host that an operator named, the refusal goes as it does to every client.
    local = browser.get(unknown.application().ask(scope="admin", resource=API).url)
    assert local.answered["error"] == "invalid_scope"
    unknown.trust("claude.ai")
    trusted = browser.get(unknown.application(redirect_uri=web).ask(scope="admin", resource=API).url)
    assert trusted.answered["error"] == "invalid_scope"


def test_a_person_who_denies_a_stranger_is_sent_back(unknown: Strangers, browser: Browser) -> None:
    """They have read where the answer goes."""
    web = "https://claude.ai/callback"
    unknown.publish(CLAUDE, redirect_uris=[web])
    page, _ = consent_page(browser, unknown.application(redirect_uri=web))
    assert browser.decide(page, "deny").answered["error"] == "access_denied"


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_says_that_nobody_vouches_for_it(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    page, _ = consent_page(browser, unknown.application())
    assert "<title>Allow claude.ai?" in page.body
    assert CLAUDE in page.body
    assert "calls itself “<bdi>Claude Code</bdi>”" in page.body
    assert "<strong><bdi>id.example.com</bdi></strong> does not know it" in page.body
    assert "which can be any program" in page.body
    assert "img-src 'none'" in page.headers["content-security-policy"] or "img-src" not in page.body


@pytest.mark.parametrize(
    "name",
    [
        "\u202eetsurT",
        "Id.Example.com support",
        "a\nb",
        "a\u200bb",
        "x" * 61,
        " Claude",
        7,
    ],
)
def test_a_name_that_could_deceive_is_left_out(unknown: Strangers, browser: Browser, name: object) -> None:
    unknown.publish(CLAUDE, client_name=name)
    assert "calls itself" not in consent_page(browser, unknown.application())[0].body


def test_markup_in_a_name_is_text(unknown: Strangers, browser: Browser) -> None:
    unknown.publish(CLAUDE, client_name="<script>alert(1)</script>{{7*7}}")
    page, _ = consent_page(browser, unknown.application())
    assert "<script>alert" not in page.body
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page.body


def test_no_page_but_the_consent_page_shows_the_name(unknown: Strangers, browser: Browser) -> None:
    """The sign-in page says where the end-user goes on to: the host."""
    unknown.publish(CLAUDE, client_name="Your Bank")
    page = browser.open(unknown.application().ask(scope=SCOPE, resource=API).url)
    assert "claude.ai" in page.body
    assert "Your Bank" not in page.body


def test_a_consent_is_asked_for_each_time_where_any_program_may_get_the_answer(
    unknown: Strangers, browser: Browser
) -> None:
    unknown.publish(CLAUDE, redirect_uris=["http://127.0.0.1/callback", "https://claude.ai/callback"])
    local, web = unknown.application(), unknown.application(redirect_uri="https://claude.ai/callback")
    tokens_of(browser, web)
    assert browser.open(web.ask(scope=SCOPE, resource=API).url).answered["code"]
    assert browser.open(local.ask(scope=SCOPE, resource=API).url).is_page


def test_the_account_page_lists_it_by_its_host_and_ends_its_grants(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app)
    page = browser.open("/account/apps")
    assert "claude.ai (“Claude Code”)" in page.body
    press(browser, page, "revoke")
    refused(app.refresh(tokens["refresh_token"]), 400, "invalid_grant")


# -- what it may have --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "resource"),
    [("items", "https://nobody.example"), ("openid", None), ("", None), ("items", f"{API}/other")],
)
def test_a_request_that_names_no_open_api_is_refused(
    unknown: Strangers, browser: Browser, scope: str, resource: str | None
) -> None:
    unknown.publish()
    with unknown.deployment.nothing_spent(but=("document#",)):
        answer = browser.get(unknown.application().ask(scope=scope or None, resource=resource).url)
    assert answer.answered["error"] == "invalid_target"


def test_an_api_that_opens_nothing_is_no_target(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    unknown.open()
    with unknown.deployment.nothing_spent(but=("document#",)):
        answer = browser.get(unknown.application().ask(scope="items", resource=API).url)
    assert answer.answered["error"] == "invalid_target"


@pytest.mark.parametrize(("scope", "resource"), [("openid admin profile", API), ("admin", None)])
def test_only_closed_scopes_are_refused(unknown: Strangers, browser: Browser, scope: str, resource: str | None) -> None:
    unknown.publish()
    with unknown.deployment.nothing_spent(but=("document#",)):
        answer = browser.get(unknown.application().ask(scope=scope, resource=resource).url)
    assert answer.answered["error"] == "invalid_scope"


def test_without_a_scope_it_is_asked_for_all_that_is_open(unknown: Strangers, browser: Browser) -> None:
    unknown.open("items", "api_access")
    unknown.publish()
    assert tokens_of(browser, unknown.application(), scope=None)["scope"] == "api_access items"


def test_an_open_scope_that_includes_one_that_is_not_is_not_granted(unknown: Strangers, browser: Browser) -> None:
    unknown.open("items", "admin")  # which includes api_access
    unknown.publish()
    assert tokens_of(browser, unknown.application(), scope="items admin")["scope"] == "items"


def test_a_scope_that_is_closed_is_gone_at_the_next_refresh(unknown: Strangers, browser: Browser) -> None:
    unknown.open("items", "api_access")
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app, scope="items api_access offline_access")
    # Closed by what it includes from now on.
    unknown.deployment.registrar.put_scope(Scope("api_access", "Call the API", includes=frozenset({"profile"})))
    unknown.deployment.clock.advance(11)
    assert app.refresh(tokens["refresh_token"]).json()["scope"] == "items offline_access"


def test_a_person_allowed_one_api_and_a_closed_api_leaves_no_token_for_another_audience(
    unknown: Strangers, browser: Browser
) -> None:
    """A token is for the API that was named, or there is no token (M10)."""
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app, scope="openid items offline_access")
    unknown.open()
    for asked in ({}, {"scope": "openid"}, {"resource": API}):
        with unknown.deployment.nothing_spent():
            refused(app.refresh(tokens["refresh_token"], **asked), 400, "invalid_scope")
    unknown.open("items")
    with unknown.deployment.nothing_spent():
        refused(app.refresh(tokens["refresh_token"], scope="openid"), 400, "invalid_scope")
    assert app.refresh(tokens["refresh_token"]).json()["scope"] == "items offline_access openid"


@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
def test_it_has_no_other_grant_type(unknown: Strangers, browser: Browser, grant_type: str) -> None:
    unknown.publish(CLAUDE, grant_types=["authorization_code", "refresh_token", grant_type])
    app = unknown.application()
    tokens_of(browser, app)
    with unknown.deployment.nothing_spent():
        assert app.token(grant_type=grant_type, scope="items").status == 400


def test_claims_about_the_person_are_not_for_it(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app, scope="openid items", claims='{"userinfo": {"email": {"essential": true}}}')
    assert app.userinfo(tokens["access_token"]).json().keys() == {"sub"}


# -- how fresh a document is -------------------------------------------------------------------------------------------


def test_a_page_that_stood_open_longer_than_the_document_is_fresh_goes_on(unknown: Strangers, browser: Browser) -> None:
    unknown.publish(CLAUDE, "Cache-Control: no-store")
    app = unknown.application()
    page, request = consent_page(browser, app)
    unknown.deployment.clock.advance(500)
    unknown.answer(CLAUDE, b"", status="500 Broken")
    answered = browser.decide(page).answered
    assert app.redeem(answered["code"], request.code_verifier).status == 200
    assert unknown.asked == 1


def test_a_redirect_uri_that_the_document_drops_meanwhile_gets_no_code(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    page, _ = consent_page(browser, unknown.application())
    unknown.deployment.clock.advance(11)
    unknown.publish(CLAUDE, redirect_uris=["https://claude.ai/other"])
    assert unknown.invoke(CLAUDE) == "fetched"
    unknown.deployment.clock.advance(11)
    with unknown.deployment.nothing_spent():
        assert browser.decide(page).status == 400


def test_a_new_request_wants_a_fresh_document_and_takes_a_stored_one_for_a_day(
    unknown: Strangers, browser: Browser
) -> None:
    unknown.publish()
    app = unknown.application()
    assert consent_page(browser, app)[0].is_page
    unknown.deployment.clock.advance(601)
    assert browser.get(app.ask(scope=SCOPE, resource=API).url).status == 303
    assert unknown.asked == 2
    unknown.answer(CLAUDE, b"", status="500 Broken")
    unknown.deployment.clock.advance(DAY - 1)
    assert browser.get(app.ask(scope=SCOPE, resource=API).url).status == 303
    unknown.deployment.clock.advance(20)
    assert "could not be fetched" in refused_page(unknown, browser, app).body


@pytest.mark.parametrize("state", ["fresh", "stale"])
def test_a_client_that_is_gone_is_refused_at_once(unknown: Strangers, browser: Browser, state: str) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app)
    unknown.answer(CLAUDE, b"", status="404 Not Found")
    unknown.deployment.clock.advance(601 if state == "fresh" else DAY + 1)
    if state == "fresh":
        assert "is not there any more" in refused_page(unknown, browser, app).body
    with unknown.deployment.nothing_spent(but=("document#",)):
        refused(app.refresh(tokens["refresh_token"]), 401, "invalid_client")


def test_tokens_are_given_by_a_stored_document_for_eight_days(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    app = unknown.application()
    tokens = tokens_of(browser, app)
    unknown.deployment.clock.advance(DAY - 1)
    tokens = app.refresh(tokens["refresh_token"]).json()
    assert unknown.asked == 1
    unknown.answer(CLAUDE, b"", status="500 Broken")
    unknown.deployment.clock.advance(6 * DAY)
    tokens = app.refresh(tokens["refresh_token"]).json()
    assert unknown.asked == 2
    unknown.deployment.clock.advance(DAY + 2)
    with unknown.deployment.nothing_spent(but=("document#",)):
        refused(app.refresh(tokens["refresh_token"]), 401, "invalid_client")


def test_a_bound_is_a_page_that_says_to_try_again(unknown: Strangers, browser: Browser) -> None:
    unknown.publish()
    now = int(unknown.deployment.clock())
    unknown.deployment.table("Grants").put(
        {"pk": f"throttle#fetch#all#{now // 60}", "sk": "throttle", "attempts": 60, "expires_at": now + 60}
    )
    with unknown.deployment.nothing_spent():
        answer = unknown.deployment.invoke(
            unknown.deployment.event("GET", unknown.application().ask(scope=SCOPE, resource=API).url)
        )
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    assert unknown.asked == 0


@pytest.mark.parametrize(
    "client_id", ["https://claude.ai/", "https://claude.ai/a?b", "https://127.0.0.1/a", "https://x"]
)
def test_what_names_no_document_is_no_client(unknown: Strangers, browser: Browser, client_id: str) -> None:
    refused_page(unknown, browser, unknown.application(client_id))
    assert unknown.internet.connected == []


# -- scripts -----------------------------------------------------------------------------------------------------------


def test_scripts_of_its_own_origins_may_read_its_answers(unknown: Strangers, browser: Browser) -> None:
    unknown.publish(CLAUDE, redirect_uris=["http://localhost/cb", "https://claude.ai/cb"])
    app = unknown.application(redirect_uri="https://claude.ai/cb")
    tokens = tokens_of(browser, app)
    for origin in ("https://claude.ai", "http://localhost:6274", "http://localhost"):
        scripted = replace_headers(app, origin)
        answer = scripted.refresh(tokens["refresh_token"])
        assert answer.headers["access-control-allow-origin"] == origin
        tokens = answer.json()
        preflight = unknown.deployment.send("OPTIONS", f"{app.issuer}/token", {"origin": "https://any.example"})
        assert preflight.headers["access-control-allow-origin"] == "*"
    for origin in ("https://evil.example", "http://127.0.0.1:6274", "http://localhost.evil.example", "null"):
        with unknown.deployment.nothing_spent():
            answer = replace_headers(app, origin).refresh(tokens["refresh_token"])
        assert answer.status == 400
        assert "access-control-allow-origin" not in answer.headers


def replace_headers(app: Application, origin: str) -> Application:
    return Application(app.send, app.issuer, app.client_id, None, app.redirect_uri, headers={"origin": origin})


def test_a_registered_client_is_asked_for_no_document(
    unknown: Strangers, browser: Browser, web_app: Application
) -> None:
    with unknown.deployment.aws.recorded() as calls:
        page = browser.sign_in(browser.open(web_app.ask().url))
        browser.decide(page)
    assert not [call for call in calls if call.service == "lambda" or call.partition_prefix == "document#"]


def test_all_unknown_clients_share_the_places_of_their_tokens(unknown: Strangers, browser: Browser) -> None:
    for number in range(3):
        url = f"https://host{number}.example.net/client.json"
        unknown.publish(url)
        tokens_of(browser, unknown.application(url))
    leases = {item["pk"]["S"] for item in unknown.deployment.everything() if item["pk"]["S"].startswith("lease#")}
    assert len({lease.rpartition("#")[0] for lease in leases}) == 1, json.dumps(sorted(leases))
