"""`valet clients hosts`, `invite`, `unknown` and `valet apis change --open-scope`: clients that nobody registered."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from valet.models.clients import ProtectedApi, Scope, Scopes
from valet.models.unknown_clients import Hosts

from admin.doctor import strangers
from admin.doctor.evidence import Evidence
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.conftest import Operator
from tests.promises.counts.strangers import ask_host
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.strangers import CLAUDE, LOOPBACK
from tests.support.wire import Answer, over_http

METADATA = {"redirect_uris": [LOOPBACK], "grant_types": ["authorization_code", "refresh_token"], "client_name": "Mine"}


def register(valet: Operator, token: str = "") -> Answer:
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return over_http("POST", f"{valet.stack.issuer}/register", bearer, json.dumps(METADATA).encode())


def sign_in(valet: Operator, client_id: str) -> tuple[Application, str]:
    """The client with John's refresh token."""
    issuer = valet.stack.issuer
    app = Application(over_http, issuer, client_id, None, LOOPBACK, "items offline_access")
    browser = Browser(over_http, issuer)
    asked = app.ask(resource=f"{issuer}/api")
    with patch("valet.outbound.guarded.ask", ask_host):
        page = browser.sign_in(browser.open(asked.url))
    answer = app.redeem(browser.decide(page).answered["code"], asked.code_verifier)
    assert answer.status == 200, answer
    return app, str(answer.json()["refresh_token"])


# -- hosts -------------------------------------------------------------------------------------------------------------


def test_a_host_is_trusted_refused_and_forgotten(valet: Operator) -> None:
    assert valet.json("clients", "hosts", "list") == []
    valet("clients", "hosts", "add", "claude.ai")
    valet("clients", "hosts", "refuse", "evil.example", "--yes")
    rows = valet.json("clients", "hosts", "list")
    assert rows == [{"host": "claude.ai", "is": "trusted"}, {"host": "evil.example", "is": "refused"}]
    valet("clients", "hosts", "refuse", "claude.ai", "--yes")
    assert {row["is"] for row in valet.json("clients", "hosts", "list")} == {"refused"}
    valet("clients", "hosts", "delete", "claude.ai")
    valet("clients", "hosts", "delete", "evil.example")
    assert valet.json("clients", "hosts", "list") == []


@pytest.mark.parametrize("host", ["Claude.ai", "https://claude.ai", "claude.ai/", "*.claude.ai", "", "a..b"])
def test_what_is_no_host_is_refused(valet: Operator, host: str) -> None:
    assert "is not the name of a host" in valet("clients", "hosts", "add", host, status=3).err
    assert valet.json("clients", "hosts", "list") == []


def test_the_same_again_is_no_change(valet: Operator) -> None:
    valet("clients", "hosts", "add", "claude.ai")
    assert "already" in valet("clients", "hosts", "add", "claude.ai", status=3).err
    assert "already" in valet("clients", "hosts", "delete", "other.example", status=3).err


def test_a_refused_host_ends_its_clients(valet: Operator) -> None:
    app, token = sign_in(valet, CLAUDE)
    valet("clients", "hosts", "refuse", "claude.ai", "--yes")
    valet.advance(11)
    assert app.refresh(token).error == "invalid_client"


# -- invites -----------------------------------------------------------------------------------------------------------


def test_an_invite_is_shown_once_and_lets_so_many_clients_register(
    valet: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from valet.frozen import replace
    from valet.server import SERVER

    monkeypatch.setattr(SERVER, "settings", replace(SERVER.settings, client_registration="token"))
    made = valet.json("clients", "invite", "--uses", "2", "--lifetime", "1d", "--owner", "support")
    token = made["initial_access_token"]
    assert [register(valet, token).status for _ in range(3)] == [201, 201, 401]
    everything = json.dumps(valet.json("clients", "unknown")) + valet("doctor", status=0).out
    assert token not in everything
    secret = token.rpartition(".")[2]
    assert sum(secret in said for said in valet.said) == 1


@pytest.mark.parametrize(
    ("options", "status"), [(["--uses", "0"], 2), (["--uses", "101"], 2), (["--lifetime", "91d"], 3)]
)
def test_an_invite_has_bounds(valet: Operator, options: list[str], status: int) -> None:
    valet("clients", "invite", *options, status=status)


# -- clients -----------------------------------------------------------------------------------------------------------


def test_unknown_clients_are_listed_with_their_grants_and_ended(valet: Operator) -> None:
    registered = register(valet).json()["client_id"]
    one, token = sign_in(valet, CLAUDE)
    other, others = sign_in(valet, registered)
    rows = {row["client_id"]: row for row in valet.json("clients", "unknown")}
    assert rows[CLAUDE] == {"client_id": CLAUDE, "calls_itself": "Claude Code", "by": "document", "grants": 1}
    assert rows[registered] == {"client_id": registered, "calls_itself": "Mine", "by": "registration", "grants": 1}
    alive = valet.json("grants", "list", "--client", CLAUDE)
    assert [grant["state"] for grant in alive] == ["live"]
    ran = valet("clients", "unknown", "--revoke", CLAUDE, "--yes")
    assert "valet clients hosts refuse claude.ai" in ran.out
    assert one.refresh(token).error == "invalid_grant"
    assert other.refresh(others).status == 200
    valet("clients", "unknown", "--revoke", registered, "--yes")
    valet.advance(11)
    assert other.refresh(others).error == "invalid_client"
    assert [row["client_id"] for row in valet.json("clients", "unknown")] == [CLAUDE]


def test_all_grants_are_all_grants(valet: Operator) -> None:
    one, token = sign_in(valet, CLAUDE)
    valet("grants", "revoke", "--all", "--yes")
    assert one.refresh(token).error == "invalid_grant"


@pytest.mark.parametrize("client_id", ["web_app_123", "https://claude.ai/", "dyn-x", "nobody"])
def test_no_other_client_is_ended_so(valet: Operator, client_id: str) -> None:
    assert "no id that /register gives" in valet("clients", "unknown", "--revoke", client_id, "--yes", status=3).err


def test_no_client_is_registered_by_an_id_that_register_gives(valet: Operator) -> None:
    ran = valet("clients", "add", "X", "--id", f"dyn-{'a' * 22}", "--scope", "admin", status=2)
    assert "clients that register themselves have such ids" in ran.err


# -- what is open ------------------------------------------------------------------------------------------------------


def test_scopes_are_opened_and_closed(valet: Operator) -> None:
    api = f"{valet.stack.issuer}/api"
    assert valet.json("apis", "show", api)["open_scopes"] == ["items"]
    opened = valet.json("apis", "change", api, "--open-scope", "items api_access admin")
    assert opened["open_scopes"] == ["admin", "api_access", "items"]
    assert valet.json("apis", "change", api, "--open-scope", "")["open_scopes"] == []


@pytest.mark.parametrize(
    ("scopes", "reason"),
    [
        ("admin", "includes api_access: open what it includes"),
        ("profile", "not for clients that nobody registered"),
        ("openid", "not among its scopes"),
        ("nothing", "not among its scopes"),
    ],
)
def test_what_cannot_be_opened(valet: Operator, scopes: str, reason: str) -> None:
    api = f"{valet.stack.issuer}/api"
    assert reason in valet("apis", "change", api, "--open-scope", scopes, status=2).err
    assert valet.json("apis", "show", api)["open_scopes"] == ["items"]


# -- doctor ------------------------------------------------------------------------------------------------------------


def said(
    monkeypatch: pytest.MonkeyPatch,
    look: Any,
    *apis: ProtectedApi,
    hosts: Hosts | None = None,
    **parameters: Any,
) -> list[str]:
    deployment = Deployment(Where(stack="valet", region="us-east-1"), bytes, lambda: 0.0)
    deployment.__dict__["parameters"] = parameters
    evidence = Evidence(deployment, 0)
    names = ("read", "closed")
    scopes = {name: Scope(name, name, frozenset({"closed"}) - {name}) for name in names}
    evidence.__dict__["scopes"] = Scopes(scopes, {api.audience: api for api in apis})
    monkeypatch.setattr(strangers, "_hosts", lambda _: hosts or Hosts())
    return [each.what for each in look(evidence)]


API = ProtectedApi("https://a.example", "A", frozenset({"read", "closed"}))


@pytest.mark.parametrize("on", [{"ClientIdMetadata": "open"}, {"ClientRegistration": "token"}])
def test_clients_that_could_get_nothing_are_named(monkeypatch: pytest.MonkeyPatch, on: dict[str, Any]) -> None:
    assert "no API opens a scope" in said(monkeypatch, strangers.look_open_scopes, API, **on)[0]
    assert said(monkeypatch, strangers.look_open_scopes, API) == []


def test_an_open_scope_that_includes_a_closed_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from valet.frozen import replace

    one = replace(API, open_scopes=frozenset({"read"}))
    (finding,) = said(monkeypatch, strangers.look_open_scopes, one, ClientIdMetadata="open")
    assert "opens read: it includes closed" in finding
    both = replace(API, open_scopes=frozenset({"read", "closed"}))
    assert said(monkeypatch, strangers.look_open_scopes, both, ClientIdMetadata="open") == []


def test_listed_without_a_host_and_open_registration_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = said(monkeypatch, strangers.look_hosts, ClientIdMetadata="listed")
    assert listed == ["ClientIdMetadata is listed, and no host is named"]
    hosts = Hosts(frozenset({"claude.ai"}))
    assert said(monkeypatch, strangers.look_hosts, hosts=hosts, ClientIdMetadata="listed") == []
    named = said(monkeypatch, strangers.look_open_registration, ClientRegistration="open")
    assert named == ["Anybody may register clients"]
    assert said(monkeypatch, strangers.look_open_registration, ClientRegistration="token") == []
    assert len(said(monkeypatch, strangers.look_hosts, hosts=hosts, ClientIdMetadata="open", Profile="fapi2")) == 1
