"""An API with reference tokens, on API Gateway behind Valet's authorizer, which introspects them at the deployment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from valet.clock import Moment
from valet.fetch import Fetched, FetchFailed
from valet.handles import digest
from valet.models.clients import Client, ProtectedApi, Scope
from valet.resource_server.api_gateway.authorizer import Authorizer
from valet.resource_server.api_gateway.configuration import parse

from local.beside import system_from_file
from local.functions import FunctionFailed, Functions
from local.gateway.authorizers import HttpApiAuthorizers
from local.gateway.gateway import Gateway
from local.gateway.http_events import HttpRequest
from local.gateway.rest_gateway import RestGateway
from local.system import Function
from tests.support.application import Application
from tests.support.deployment import ROOT, Deployment
from tests.support.wire import Answer

BANK, SHOP = "https://bank.example", "https://shop.example"
SCOPE = "openid pay offline_access"
AUTHORIZER, SECRET = "bank_authorizer", "its+secret%2F"
MULTI_FACTOR = "urn:valet:acr:multi-factor"
ROUTES = {
    "GET /items": {"scopes": ["pay"]},
    "GET /items/{id}": {"scopes": ["pay"], "roles": ["admin"]},
    "DELETE /items/{id}": {"scopes": ["pay"], "acr": [MULTI_FACTOR], "max_age": 300},
}


def register(deployment: Deployment) -> None:
    """Register the API, one with JWTs, and a client of each that introspects and does nothing else."""
    registrar, web_app = deployment.registrar, deployment.client("web_app_123")
    for name in ("pay", "buy"):
        registrar.put_scope(Scope(name, f"May {name} for you"))
    bank = ProtectedApi(BANK, "Bank", frozenset({"pay"}), frozenset({"user", "admin"}))
    registrar.put_api(replace(bank, access_token_format="reference"))
    registrar.put_api(ProtectedApi(SHOP, "Shop", frozenset({"buy"}), frozenset({"user"})))
    registrar.put_client(introspecting(AUTHORIZER, BANK))
    registrar.put_client(introspecting("shop_authorizer", SHOP))
    for each in (web_app, deployment.client("mobile_app"), deployment.client("api_service_789")):
        registrar.put_client(replace(each, scope=each.scope | {"pay", "buy"}))
    deployment.clock.advance(11)


def introspecting(client_id: str, audience: str) -> Client:
    return Client(client_id, client_id, secret_digests=(digest(SECRET),), introspects=frozenset({audience}))


def introspector(app: Application, client_id: str = AUTHORIZER) -> Application:
    """The client as which an authorizer introspects."""
    return Application(app.send, app.issuer, client_id, SECRET)


class Bank:
    """docs/examples/rest-api.yaml, with the routes above. Its authorizer shares the deployment's clock."""

    def __init__(self, deployment: Deployment, **environment: str) -> None:
        self.deployment, self.is_down, self.asked = deployment, False, 0
        self.lines: list[Mapping[str, Any]] = []
        given = {"Issuer": deployment.issuer, "Audience": BANK, "PublicUrl": "https://api.bank.example/v1"}
        system = system_from_file(ROOT / "docs" / "examples" / "rest-api.yaml", given)
        (own,) = (each.environment for each in system.functions.values() if "RESPONSE" in each.environment)
        own = {**own, "INTROSPECTION_CLIENT": AUTHORIZER, "INTROSPECTION_SECRET": SECRET}
        self._functions = Functions(system.functions, package="bank")
        configuration = parse({**own, "ROUTES": json.dumps(ROUTES), **environment})
        self._authorizer = Authorizer(
            configuration, self._fetch, self._moment, lambda: 0.0, self.lines.append, post=self._post
        )
        rest = (RestGateway(system.rest_apis, self),)
        self._gateway = Gateway(system, self, HttpApiAuthorizers(self), rest=rest)

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        """The port Invoker: the authorizer above in the place of the example's own."""
        if "ROUTES" not in function.environment:
            return self._functions.invoke(function, event, timeout)
        try:
            return self._authorizer.answer(event)
        except Exception as error:
            raise FunctionFailed(function.logical_id, type(error).__name__, str(error)) from None

    def call(self, token: str, method: str = "GET", path: str = "/v1/items", **headers: str) -> Answer:
        sent = {"authorization": f"Bearer {token}", **headers}
        response, _ = self._gateway.answer(HttpRequest(method, path, sent, b"", "203.0.113.7"))
        return Answer(response.status, dict(response.headers), response.body.decode())

    @property
    def reason(self) -> str:
        """What the authorizer's last line says."""
        return str(self.lines[-1]["reason"])

    def _moment(self) -> Moment:
        return Moment(self.deployment.clock.now, self.deployment.clock.now)

    def _fetch(self, url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        answer = self.deployment.send("GET", url)
        return Fetched(answer.status, answer.body.encode(), None)

    def _post(self, url: str, form: bytes, *, authorization: str, limit: int, timeout: float) -> Fetched:
        self.asked += 1
        if self.is_down:
            raise FetchFailed("no answer within 3.0 s")
        sent = {"authorization": authorization, "content-type": "application/x-www-form-urlencoded"}
        answer = self.deployment.send("POST", url, sent, form)
        if answer.status != 200:
            raise FetchFailed(f"status {answer.status}")
        return Fetched(200, answer.body.encode(), None)
