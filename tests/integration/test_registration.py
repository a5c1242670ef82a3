"""Clients that register themselves (RFC 7591), and what that costs (M8, M9)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from valet.aws.connection import NoAnswer
from valet.aws.dynamodb.dynamic_clients import DynamoInvites
from valet.aws.dynamodb.table import item_from_model
from valet.handles import base64url, digest
from valet.models.unknown_clients import Invite

from local.aws.calls import Call
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.strangers import API, Strangers
from tests.support.wire import Answer, refused

DAY = 86_400
INVITE_ID, SECRET = base64url(b"i" * 16), base64url(b"s" * 32)
TOKEN = f"vit_{INVITE_ID}.{SECRET}"


def metadata(**changes: Any) -> dict[str, Any]:
    """What the libraries of MCP send."""
    members = {
        "client_name": "Cursor",
        "redirect_uris": ["http://localhost:8787/callback", "cursor://anysphere.cursor-mcp/oauth/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


def register(unknown: Strangers, body: object = None, token: str = "", **headers: str) -> Answer:
    sent = body if isinstance(body, bytes) else json.dumps(metadata() if body is None else body).encode()
    own = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {}), **headers}
    return unknown.deployment.send("POST", f"{unknown.deployment.issuer}/register", own, sent)


@pytest.fixture
def invited(unknown: Strangers) -> Callable[..., None]:
    """The deployment registers clients by invites alone, and an operator makes one."""
    unknown.deployment.own_settings["client_registration"] = "token"
    unknown.deployment.restart()

    def make(uses: int = 1, **changes: Any) -> None:
        expires_at = int(unknown.deployment.clock()) + DAY
        invite = Invite(INVITE_ID, digest(SECRET), uses, **{"expires_at": expires_at, **changes})
        item = item_from_model(invite, f"invite#{INVITE_ID}", "invite")
        spent = {"spent": set(invite.spent)} if invite.spent else {}
        unknown.deployment.table("Grants").put({**item, **spent})

    return make


def registered(unknown: Strangers) -> list[str]:
    return [item["pk"]["S"] for item in unknown.deployment.everything() if item["pk"]["S"].startswith("dynamic#")]


def tokens_of(unknown: Strangers, browser: Browser, client_id: str) -> tuple[Application, dict[str, Any]]:
    app = unknown.application(client_id, "http://localhost:9999/callback")
    asked = app.ask(scope="items offline_access", resource=API)
    page = browser.open(asked.url)
    page = browser.sign_in(page) if 'name="password"' in page.body else page
    answer = app.redeem(browser.decide(page).answered["code"], asked.code_verifier)
    assert answer.status == 200, answer
    return app, answer.json()


# -- who registers -----------------------------------------------------------------------------------------------------


def test_a_client_registers_itself_and_gets_what_is_open(unknown: Strangers, browser: Browser) -> None:
    answer = register(unknown)
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    told = answer.json()
    client_id = told.pop("client_id")
    assert told == {
        "client_id_issued_at": int(unknown.deployment.clock()),
        "client_name": "Cursor",
        "redirect_uris": ["http://localhost:8787/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    }
    app, tokens = tokens_of(unknown, browser, client_id)
    assert tokens["scope"] == "items offline_access"
    assert app.refresh(tokens["refresh_token"]).status == 200
    _, fields = next(each for each in unknown.deployment.audit.events if each[0] == "client.registered")
    assert fields == {"client_id": client_id, "host": "localhost:8787", "by": "anybody"}


def test_the_consent_page_is_called_by_where_the_answer_goes(unknown: Strangers, browser: Browser) -> None:
    unknown.trust("claude.ai")
    client_id = register(unknown, metadata(redirect_uris=["https://claude.ai/callback"])).json()["client_id"]
    app = unknown.application(client_id, "https://claude.ai/callback")
    page = browser.sign_in(browser.open(app.ask(scope="items", resource=API).url))
    assert "<title>Allow claude.ai?" in page.body
    assert "calls itself “<bdi>Cursor</bdi>”" in page.body
    assert "registered itself here on <bdi>2027-01-15</bdi>" in page.body


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("http://127.0.0.1:4711/cb", "127.0.0.1:4711"),
        ("https://claude.ai/callback", "claude.ai"),
        ("https://claude.com/callback", "claude.com"),
    ],
)
def test_a_person_is_not_told_of_a_trusted_host_while_the_answer_goes_elsewhere(
    unknown: Strangers, browser: Browser, asked: str, title: str
) -> None:
    """Anybody may register an address of a trusted host next to their own program's."""
    unknown.trust("claude.ai", "claude.com")
    uris = ["https://claude.ai/callback", "http://127.0.0.1/cb", "https://claude.com/callback"]
    client_id = register(unknown, metadata(client_name="Claude", redirect_uris=uris)).json()["client_id"]
    page = browser.open(unknown.application(client_id, asked).ask(scope="items", resource=API).url)
    assert f"<bdi>{title}</bdi>" in page.body
    assert "claude" not in page.body.replace(title, "")
    assert f"<title>Allow {title}?" in browser.sign_in(page).body


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "http://localhost/"}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://evil.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://localhost/cb", "cursor://x/y"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://localhost/"] * 21}, "invalid_redirect_uri"),
        ({"software_statement": "a.b.c"}, "unapproved_software_statement"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"scope": ["items"]}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": []}, "invalid_client_metadata"),
        ({"client_name": "x" * 8192}, "invalid_client_metadata"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_nothing_is_kept(
    unknown: Strangers, changes: dict[str, Any], error: str
) -> None:
    with unknown.deployment.nothing_spent():
        refused(register(unknown, metadata(**changes)), 400, error)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"a=b", b"[" * 8000, b'{"a":1,"a":2}'])
def test_what_is_no_json_object_is_refused(unknown: Strangers, body: bytes) -> None:
    with unknown.deployment.nothing_spent():
        refused(register(unknown, body), 400, "invalid_client_metadata")


def test_a_client_that_asks_for_a_secret_is_told_that_it_has_none(unknown: Strangers) -> None:
    """RFC 7591 §3.2.1: the server may replace what was asked for."""
    told = register(unknown, metadata(token_endpoint_auth_method="client_secret_basic")).json()
    assert (told["token_endpoint_auth_method"], "client_secret" in told) == ("none", False)


@pytest.mark.parametrize("origin", ["http://localhost:6274", "https://any.example"])
def test_any_page_may_read_the_answer(unknown: Strangers, origin: str) -> None:
    for answer in (
        register(unknown, origin=origin),
        register(unknown, b"{", origin=origin),
        unknown.deployment.send("OPTIONS", f"{unknown.deployment.issuer}/register", {"origin": origin}),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"


# -- what it costs -----------------------------------------------------------------------------------------------------


def test_ten_clients_an_hour_register_from_one_address(unknown: Strangers) -> None:
    assert [register(unknown).status for _ in range(11)] == [201] * 10 + [429]
    assert len(registered(unknown)) == 10
    with unknown.deployment.nothing_spent():
        answer = register(unknown)
    refused(answer, 429, "temporarily_unavailable")
    assert 0 < int(answer.headers["retry-after"]) <= 3600
    unknown.deployment.source_ip = "198.51.100.9"
    assert register(unknown).status == 201
    unknown.deployment.source_ip = "192.0.2.1"
    unknown.deployment.clock.advance(3600)
    assert register(unknown).status == 201


def test_a_thousand_clients_a_day_register_at_this_deployment(unknown: Strangers) -> None:
    now = int(unknown.deployment.clock())
    unknown.deployment.table("Grants").put(
        {"pk": f"throttle#register#all#{now // DAY}", "sk": "throttle", "attempts": 1000, "expires_at": now + DAY}
    )
    with unknown.deployment.nothing_spent():
        refused(register(unknown), 429, "temporarily_unavailable")


@pytest.mark.parametrize("token", ["", "vit_x", f"vit_{INVITE_ID}.{base64url(b'x' * 32)}", TOKEN])
def test_without_an_invite_nothing_counts_for_everybody(
    unknown: Strangers, invited: Callable[..., None], token: str
) -> None:
    if token != TOKEN:
        invited()
    with unknown.deployment.nothing_spent():
        answer = register(unknown, token=token)
    assert (answer.status, answer.error) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert not [item for item in unknown.deployment.everything() if "#register#all#" in item["pk"]["S"]]


def test_an_unused_client_ends_after_a_day_and_a_used_one_after_ninety(unknown: Strangers, browser: Browser) -> None:
    unused, used = register(unknown).json()["client_id"], register(unknown).json()["client_id"]
    unknown.deployment.clock.advance(DAY - 30)
    app, tokens = tokens_of(unknown, browser, used)
    unknown.deployment.clock.advance(60)
    page = browser.get(unknown.application(unused, "http://localhost:1/callback").ask(resource=API).url)
    assert page.status == 400
    assert "remove the connection in the app, and add it again" in page.body
    for _ in range(3):
        unknown.deployment.clock.advance(6 * DAY)
        tokens = app.refresh(tokens["refresh_token"]).json()
    unknown.deployment.clock.advance(91 * DAY)
    refused(app.refresh(tokens["refresh_token"]), 401, "invalid_client")


def test_a_client_is_prolonged_once_a_day(unknown: Strangers, browser: Browser) -> None:
    client_id = register(unknown).json()["client_id"]
    app, tokens = tokens_of(unknown, browser, client_id)
    unknown.deployment.clock.advance(60)
    with unknown.deployment.aws.recorded() as calls:
        app.refresh(tokens["refresh_token"])
    assert not [call for call in calls if call.action == "UpdateItem" and call.partition_prefix == "dynamic#"]


# -- invites -----------------------------------------------------------------------------------------------------------


def test_an_invite_is_spent_once(unknown: Strangers, invited: Callable[..., None]) -> None:
    invited()
    answer = register(unknown, token=TOKEN)
    assert answer.status == 201
    with unknown.deployment.nothing_spent():
        refused_invite(register(unknown, token=TOKEN))
    fields = dict(unknown.deployment.audit.events)["client.registered"]
    assert fields["by"] == f"invite {INVITE_ID}"


@pytest.mark.parametrize("changes", [{"expires_at": 1}, {"spent": frozenset({"dyn-a", "dyn-b"})}])
def test_an_invite_that_is_over_is_refused(
    unknown: Strangers, invited: Callable[..., None], changes: dict[str, Any]
) -> None:
    invited(2, **changes)
    with unknown.deployment.nothing_spent():
        refused_invite(register(unknown, token=TOKEN))


def test_of_two_that_spend_the_last_use_at_once_one_registers(unknown: Strangers, invited: Callable[..., None]) -> None:
    invited()
    others: list[Answer] = []

    def rival(call: Call, forward: Callable[[], Any]) -> Any:
        if call.action == "UpdateItem" and call.partition_prefix == "invite#" and not others:
            others.append(Answer(0, {}, "", ()))
            others.append(register(unknown, token=TOKEN))
        return forward()

    with unknown.deployment.aws.intercept(rival):
        refused_invite(register(unknown, token=TOKEN))
    assert others[1].status == 201
    assert len(registered(unknown)) == 1


@pytest.mark.parametrize("action", ["UpdateItem", "PutItem"])
def test_a_write_that_came_twice_counts_once(unknown: Strangers, invited: Callable[..., None], action: str) -> None:
    invited()
    lost: list[Call] = []

    def lose(call: Call, forward: Callable[[], Any]) -> Any:
        answer = forward()
        if call.action == action and call.partition_prefix in ("invite#", "dynamic#") and not lost:
            lost.append(call)
            raise NoAnswer("ReadTimeout")
        return answer

    with unknown.deployment.aws.intercept(lose):
        assert register(unknown, token=TOKEN).status == 201
    assert lost
    invite = DynamoInvites(unknown.deployment.table("Grants")).find_invite(INVITE_ID)
    assert invite is not None
    assert (len(invite.spent), len(registered(unknown))) == (1, 1)


def refused_invite(answer: Answer) -> None:
    refused(answer, 401, "invalid_token")


# -- what an operator's client keeps -----------------------------------------------------------------------------------


def test_a_registered_client_of_that_shape_stays_the_operators(unknown: Strangers) -> None:
    """An earlier release let operators choose such an id."""
    from valet.frozen import replace

    old = f"dyn-{'a' * 22}"
    unknown.deployment.registrar.put_client(replace(unknown.deployment.client("web_app_123"), client_id=old))
    assert not unknown.deployment.client(old).is_unknown
