"""The requests of clients that no operator registered, and their calls. Those of the function fetch are among them."""

import json
from collections.abc import Callable
from typing import Any

from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.handles import base64url, digest
from valet.models.unknown_clients import Invite
from valet.outbound.asking import Answer as Fetched

from tests.promises.counts.requests import Request
from tests.promises.counts.row import Row
from tests.support.application import Application, Asked
from tests.support.strangers import API, CLAUDE, LOOPBACK, answering, document
from tests.support.wire import Answer
from tests.support.world import World

INVITE = base64url(b"i" * 16)
_SECRET = base64url(b"s" * 32)
_SCOPE = "items offline_access"


def ask_host(url: str, **_: Any) -> Fetched:
    """What any host answers."""
    return Fetched(200, json.dumps(document(url)).encode(), {"content-type": "application/json"})


def on(world: World, **settings: str) -> Application:
    """The deployment takes such clients, and one API opens a scope. Nobody is signed in."""
    world.deployment.begin()
    world.browser.cookies = {}
    named = {"client_id_metadata": "open", "client_registration": "open", "fetch_function": "valet-fetch"}
    world.deployment.own_settings |= {**named, **settings}
    world.restart()
    api = world.deployment.server.registry.scopes().apis[API]
    world.deployment.registrar.put_api(replace(api, open_scopes=frozenset({"items"})))
    world.deployment.clock.advance(11)
    return Application(world.send, world.deployment.issuer, CLAUDE, None, LOOPBACK, _SCOPE)


def _answered(world: World, request: Callable[[], Answer]) -> Request:
    def sent() -> Answer:
        with answering(world.deployment, ask_host):
            return request()

    return sent


def _consent(world: World, app: Application) -> tuple[Answer, Asked]:
    """John is signed in, and sees the consent page."""
    asked = app.ask(resource=API)
    with answering(world.deployment, ask_host):
        return world.browser.sign_in(world.browser.open(asked.url)), asked


def authorize_document(world: World) -> Request:
    """For the first time."""
    url = on(world).ask(resource=API).url
    return _answered(world, lambda: world.browser.get(url))


def authorize_known_document(world: World) -> Request:
    app = on(world)
    _consent(world, app)
    world.browser.cookies = {}
    url = app.ask(resource=API).url
    return _answered(world, lambda: world.browser.get(url))


def consent_stranger(world: World) -> Request:
    page, _ = _consent(world, on(world))
    return lambda: world.browser.decide(page)


def code_of_document(world: World) -> Request:
    app = on(world)
    page, asked = _consent(world, app)
    code = world.browser.decide(page).answered["code"]
    return _answered(world, lambda: app.redeem(code, asked.code_verifier))


def _metadata(**changes: object) -> bytes:
    return json.dumps({"redirect_uris": ["http://localhost/callback"], **changes}).encode()


def _register(world: World, body: bytes, token: str = "") -> Answer:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return world.send("POST", f"{world.deployment.issuer}/register", headers, body)


def register(world: World) -> Request:
    on(world)
    return lambda: _register(world, _metadata())


def register_refused(world: World) -> Request:
    on(world)
    return lambda: _register(world, _metadata(redirect_uris=["https://evil.example/"]))


def register_invited(world: World) -> Request:
    on(world, client_registration="token")
    invite = Invite(INVITE, digest(_SECRET), 2, int(world.deployment.clock()) + 1000)
    world.deployment.table("Grants").put(item_from_model(invite, f"invite#{INVITE}", "invite"))
    return lambda: _register(world, _metadata(), f"vit_{INVITE}.{_SECRET}")


_FETCH = (
    "GetItem document, UpdateItem throttle, UpdateItem throttle, UpdateItem throttle, UpdateItem document, "
    "PutItem document"
)
STRANGERS = (
    Row(
        authorize_document,
        303,
        f"GetItem document, Invoke, {_FETCH}, GetItem document, PutItem request",
        f"GetItem hosts, GetItem document, Invoke, {_FETCH}, GetItem document, Query scopes, Query apis, "
        "PutItem request",
    ),
    Row(
        authorize_known_document,
        303,
        "GetItem document, PutItem request",
        "GetItem hosts, GetItem document, Query scopes, Query apis, PutItem request",
    ),
    Row(
        consent_stranger,
        303,
        "GetItem request, GetItem document, GetItem session, GetItem account, UpdateItem throttle, PutItem sub, "
        "PutItem grant",
        "GetItem request, GetItem hosts, GetItem document, GetItem session, GetItem account, GetItem people, "
        "Query scopes, Query apis, UpdateItem throttle, PutItem sub, PutItem grant",
    ),
    Row(
        code_of_document,
        200,
        "GetItem document, GetItem grant, GetItem account, UpdateItem status, PutItem lease, Sign, PutItem sub, "
        "UpdateItem grant",
        "GetItem hosts, GetItem document, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, PutItem sub, UpdateItem grant",
    ),
    Row(
        register,
        201,
        "UpdateItem throttle, UpdateItem throttle, PutItem dynamic",
        "UpdateItem throttle, GetItem hosts, UpdateItem throttle, PutItem dynamic",
    ),
    Row(register_refused, 400, "UpdateItem throttle", "UpdateItem throttle, GetItem hosts"),
    Row(
        register_invited,
        201,
        "UpdateItem throttle, GetItem invite, UpdateItem throttle, UpdateItem invite, PutItem dynamic",
        "UpdateItem throttle, GetItem hosts, GetItem invite, UpdateItem throttle, UpdateItem invite, PutItem dynamic",
    ),
)
