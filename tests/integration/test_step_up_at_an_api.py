"""Step-up at an API (RFC 9470 §2), from its challenge to the token that passes: docs/examples/rest-api.yaml behind the
authorizer, with a route that asks for a passkey that was used in the last five minutes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest
from valet.clock import Moment
from valet.fetch import Fetched
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
from tests.support.authenticator import SoftPasskey
from tests.support.browser import Browser, form_of, forms_of
from tests.support.deployment import ROOT, Deployment
from tests.support.passkeys import give_passkey, use
from tests.support.wire import Answer
from valet_resource_server import Refused, require_user_authentication

MULTI_FACTOR, PHR = "urn:valet:acr:multi-factor", "phr"
ROUTES = {
    "GET /items": {"scopes": ["items"]},
    "DELETE /items/{id}": {"scopes": ["items"], "acr": [MULTI_FACTOR, PHR], "max_age": 300},
}


class Api:
    """An example's API behind API Gateway. Its authorizer asks the deployment, whose clock it shares."""

    def __init__(self, deployment: Deployment, example: str, routes: Mapping[str, object]) -> None:
        given = {"Issuer": deployment.issuer, "Audience": f"{deployment.issuer}/api"}
        system = system_from_file(ROOT / "docs" / "examples" / example, given)
        self.deployment, self._functions = deployment, Functions(system.functions, package=f"step_up_{example[:4]}")
        self.inside: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
        environment = system.functions["AuthorizerFunction"].environment
        configuration = parse({**environment, "ROUTES": json.dumps(routes)})
        self._authorizer = Authorizer(configuration, self._fetch, self.moment, lambda: 0.0, lambda line: None)
        rest = (RestGateway(system.rest_apis, self),)
        self._gateway = Gateway(system, self, HttpApiAuthorizers(self), rest=rest)

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        """The port Invoker: the authorizer above in the place of the example's own, and `inside` as its API."""
        if function.logical_id != "AuthorizerFunction":
            return self.inside(event) if self.inside else self._functions.invoke(function, event, timeout)
        try:
            return self._authorizer.answer(event)
        except Exception as error:
            raise FunctionFailed(function.logical_id, type(error).__name__, str(error)) from None

    def moment(self) -> Moment:
        return Moment(self.deployment.clock.now, self.deployment.clock.now)

    def _fetch(self, url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        answer = self.deployment.send("GET", url)
        return Fetched(answer.status, answer.body.encode(), None)

    def call(self, method: str, path: str, token: str) -> Answer:
        headers = {"authorization": f"Bearer {token}"}
        response, _ = self._gateway.answer(HttpRequest(method, path, headers, b"", "203.0.113.7"))
        return Answer(response.status, dict(response.headers), response.body.decode())

    def read(self, token: str) -> Answer:
        return self.call("GET", "/v1/items", token)

    def delete(self, token: str) -> Answer:
        """The call that needs more."""
        return self.call("DELETE", "/v1/items/1", token)


@pytest.fixture
def api(deployment: Deployment) -> Api:
    return Api(deployment, "rest-api.yaml", ROUTES)


@pytest.fixture
def passkey(deployment: Deployment) -> SoftPasskey:
    """John's."""
    return give_passkey(deployment.table("Users"), "demo-john", "id.example.com")


def signed_in(browser: Browser, web_app: Application) -> dict[str, Any]:
    """The app's tokens, after John signed in with his password and allowed it everything."""
    asked = web_app.ask()
    answer = browser.decide(browser.sign_in(browser.open(asked.url)))
    tokens: dict[str, Any] = web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    return tokens


def asked_for(answer: Answer) -> dict[str, str]:
    """What an app reads in a challenge, and sends to /authorize (RFC 9470 §4)."""
    scheme, _, members = answer.headers["www-authenticate"].partition(" ")
    found = dict(re.findall(r'(\w+)="([^"]*)"', members))
    assert (scheme, found["error"]) == ("Bearer", "insufficient_user_authentication")
    return {name: found[name] for name in ("acr_values", "max_age") if name in found}


def with_passkey(deployment: Deployment, browser: Browser, page: Answer, passkey: SoftPasskey) -> Answer:
    deployment.clock.advance(1)
    return browser.follow(use(browser, page, passkey))


def claims_of(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return {name: found[name] for name in ("acr", "auth_time", "amr")}


def test_a_person_steps_up_for_the_call_that_needs_it_and_for_no_other(
    deployment: Deployment, api: Api, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    weak = signed_in(browser, web_app)["access_token"]
    assert api.read(weak).status == 200
    refused = api.delete(weak)
    assert refused.status == 403  # one status for all that this API's gateway refuses
    wanted = asked_for(refused)
    assert wanted == {"acr_values": f"{MULTI_FACTOR} {PHR}", "max_age": "300"}
    asked = web_app.ask(**wanted)
    page = browser.open(asked.url)
    assert "you have to sign in with a passkey" in page.body
    assert not forms_of(page)  # her password would not be enough, and is not asked for
    answer = with_passkey(deployment, browser, page, passkey)
    strong = web_app.redeem(answer.answered["code"], asked.code_verifier).json()["access_token"]
    assert claims_of(strong) == {"acr": PHR, "auth_time": deployment.clock.now, "amr": ["pop", "user", "mfa"]}
    assert api.delete(strong).status == 200
    assert api.read(strong).status == 200
    assert api.delete(weak).status == 403  # nothing that happened later makes its sign-in a better one
    assert api.read(weak).status == 200


def test_a_refresh_makes_no_sign_in_newer_and_a_new_sign_in_does(
    deployment: Deployment, api: Api, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    asked = web_app.ask(acr_values=PHR)
    answer = browser.decide(with_passkey(deployment, browser, browser.open(asked.url), passkey))
    tokens = web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    assert api.delete(tokens["access_token"]).status == 200
    deployment.clock.advance(301)
    refreshed = web_app.refresh(tokens["refresh_token"]).json()["access_token"]
    assert claims_of(refreshed) == claims_of(tokens["access_token"])  # RFC 9068 §2.2.1
    for token in (tokens["access_token"], refreshed):
        refused = api.delete(token)
        assert refused.status == 403
        assert "sign in again" in refused.headers["www-authenticate"]
        assert api.read(token).status == 200
    asked = web_app.ask(**asked_for(refused))
    answer = with_passkey(deployment, browser, browser.open(asked.url), passkey)
    token = web_app.redeem(answer.answered["code"], asked.code_verifier).json()["access_token"]
    assert api.delete(token).status == 200


def test_a_password_that_is_fresh_does_not_replace_the_passkey(
    deployment: Deployment, api: Api, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    """The app asks for a newer sign-in, and forgets the level."""
    signed_in(browser, web_app)
    deployment.clock.advance(301)
    asked = web_app.ask(max_age="300")
    page = browser.open(asked.url)
    assert form_of(page).names >= {"password"}
    answer = browser.sign_in(page)
    token = web_app.redeem(answer.answered["code"], asked.code_verifier).json()["access_token"]
    assert claims_of(token)["auth_time"] == deployment.clock.now
    assert asked_for(api.delete(token)) == {"acr_values": f"{MULTI_FACTOR} {PHR}", "max_age": "300"}


def test_who_has_no_passkey_is_told_so_and_the_app_does_not_come_back_for_ever(
    deployment: Deployment, api: Api, browser: Browser, web_app: Application
) -> None:
    refused = api.delete(signed_in(browser, web_app)["access_token"])
    with deployment.nothing_spent(("session#",)):
        answer = browser.open(web_app.ask(**asked_for(refused)).url)
    assert answer.answered["error"] == "unmet_authentication_requirements"


def test_a_client_on_its_own_behalf_has_no_sign_in_that_would_be_enough(
    deployment: Deployment, api: Api, service: Application
) -> None:
    deployment.change_client(service.client_id, scope=frozenset({"items"}))
    token = service.client_credentials(scope="items").json()["access_token"]
    assert api.read(token).status == 200
    assert asked_for(api.delete(token))["acr_values"] == f"{MULTI_FACTOR} {PHR}"


def test_an_http_api_answers_403_without_a_challenge_and_from_inside_the_401_of_the_specification(
    deployment: Deployment, browser: Browser, web_app: Application, passkey: SoftPasskey
) -> None:
    """Its routes ask for no sign-in in ROUTES if the API itself does."""
    weak = signed_in(browser, web_app)["access_token"]
    answer = Api(deployment, "http-api.yaml", ROUTES).call("DELETE", "/items/1", weak)
    assert (answer.status, "www-authenticate" in answer.headers) == (403, False)
    api = Api(deployment, "http-api.yaml", {"DELETE /items/{id}": {"scopes": ["items"]}})

    def inside(event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            caller = event["requestContext"]["authorizer"]["lambda"]
            require_user_authentication(caller, acr=f"{MULTI_FACTOR} {PHR}", max_age=300, clock=api.moment)
        except Refused as refusal:
            return {"statusCode": refusal.status, "headers": refusal.headers}
        return {"statusCode": 204}

    api.inside = inside
    refused = api.call("DELETE", "/items/1", weak)
    assert refused.status == 401  # RFC 9470 §3
    asked = web_app.ask(**asked_for(refused))
    answer = with_passkey(deployment, browser, browser.open(asked.url), passkey)
    strong = web_app.redeem(answer.answered["code"], asked.code_verifier).json()["access_token"]
    assert api.call("DELETE", "/items/1", strong).status == 204
    deployment.clock.advance(301)
    assert api.call("DELETE", "/items/1", strong).status == 401
