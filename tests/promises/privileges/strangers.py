"""The part of the walk of clients that no operator registered: each kind meets each function that may meet it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from unittest.mock import patch

from valet.aws.dynamodb.table import Table, item_from_model
from valet.handles import base64url, digest
from valet.models.policy import Policy
from valet.models.unknown_clients import Hosts, Invite

from tests.promises.counts.strangers import ask_host
from tests.support.application import Application
from tests.support.authenticator import SoftPasskey
from tests.support.browser import Browser, form_of
from tests.support.federation import button_of, put_provider
from tests.support.passkeys import answer_of
from tests.support.providers import FakeProvider
from tests.support.strangers import CLAUDE, LOOPBACK
from tests.support.wire import Answer

if TYPE_CHECKING:
    from tests.promises.privileges.walk import Walk

_SECRET = base64url(b"s" * 32)


def walk_strangers(walk: Walk) -> None:
    from valet.aws.dynamodb.registrar import Registrar
    from valet.server import SERVER

    registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
    registry.put(item_from_model(Hosts(frozenset({"trusted.example"})), "hosts", "hosts"))
    Registrar(registry).put_policy(Policy(registration="on", sign_in_with="either"))
    client_id = _registered(walk)
    provider = FakeProvider("oidc", walk.clock)
    put_provider(registry, SERVER.sealing, provider)
    walk.clock.advance(11)
    with patch("valet.outbound.guarded.ask", ask_host):
        for each in (CLAUDE, client_id):
            _at_every_function(walk, each, provider)
        walk.clock.advance(86_401)  # /token has the document fetched anew
        asked = walk.stack.issuer
        Application(walk.send, asked, CLAUDE, None, LOOPBACK).refresh("x.y.z")


def _registered(walk: Walk) -> str:
    """By an invite."""
    from valet.server import SERVER

    invite = Invite(base64url(b"i" * 16), digest(_SECRET), 1, int(walk.clock()) + 1000)
    grants = Table(SERVER.dynamodb, SERVER.settings.grants_table)
    grants.put(item_from_model(invite, f"invite#{invite.invite_id}", "invite"))
    body = json.dumps({"redirect_uris": [LOOPBACK], "grant_types": ["authorization_code", "refresh_token"]}).encode()
    bearer = {"authorization": f"Bearer vit_{invite.invite_id}.{_SECRET}"}
    answer = walk.send("POST", f"{walk.stack.issuer}/register", bearer, body)
    assert answer.status == 201, answer
    return str(answer.json()["client_id"])


def _at_every_function(walk: Walk, client_id: str, provider: FakeProvider) -> None:
    issuer = walk.stack.issuer
    app = Application(walk.send, issuer, client_id, None, LOOPBACK, "openid items offline_access")
    browser = Browser(walk.send, issuer)
    tokens = walk.sign_in(app, browser, resource=f"{issuer}/api")
    assert tokens["scope"] == "items offline_access openid"
    assert browser.get("/account/apps").status == 200
    handle = form_of(browser.open(app.ask(resource=f"{issuer}/api").url)).hidden["request"]
    assert browser.get(f"/login/second?request={handle}").status == 200
    browser.get(f"/logout?client_id={client_id}")
    assert app.userinfo(tokens["access_token"]).status == 200
    assert walk.service.introspect(tokens["access_token"]).json()["active"]
    assert app.revoke(app.refresh(tokens["refresh_token"]).json()["refresh_token"]).status == 200
    _before_a_sign_in(walk, app, provider)


def _before_a_sign_in(walk: Walk, app: Application, provider: FakeProvider) -> None:
    """The pages on the way to it."""
    browser = Browser(walk.send, app.issuer)
    page: Answer = browser.open(app.ask(resource=f"{app.issuer}/api").url)
    handle = page.body.partition('name="request" value="')[2].partition('"')[0]
    assert (
        browser.post("/login/passkey", answer_of(page, SoftPasskey("localhost", b"nobody"), app.issuer)).status == 401
    )
    assert browser.get(f"/join?request={handle}").status == 200
    assert browser.get(button_of(page, provider)).location.startswith(f"{provider.host}/")
