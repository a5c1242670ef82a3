"""Clients that no operator registered, and the internet on which they publish their documents."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from valet.aws.reply import Reply
from valet.frozen import replace
from valet.models.clients import ProtectedApi
from valet.outbound import guarded

from local.aws.calls import Call
from tests.parts.aws.certificates import Authority
from tests.parts.outbound.internet import Behaviour, FakeInternet, page
from tests.support.application import Application
from tests.support.deployment import Deployment
from tests.support.functions import load

API = "https://id.example.com/api"  # of the demo data
CLAUDE = "https://claude.ai/oauth/claude-code-client-metadata"
PUBLIC = "93.184.216.34"
LOOPBACK = "http://127.0.0.1:4711/callback"  # another port than any document names
JSON = "Content-Type: application/json"


def document(url: str = CLAUDE, **changes: Any) -> dict[str, Any]:
    """The document of a program on its user's computer; a member that is None is left out."""
    members = {
        "client_id": url,
        "client_name": "Claude Code",
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        **changes,
    }
    return {name: value for name, value in members.items() if value is not None}


@dataclass
class Strangers:
    """A deployment that takes clients which it does not know, and their hosts."""

    deployment: Deployment
    internet: FakeInternet
    paths: dict[str, Behaviour] = field(default_factory=dict)  # by the address

    def publish(self, url: str = CLAUDE, *headers: str, **changes: Any) -> None:
        self.answer(url, json.dumps(document(url, **changes)).encode(), *headers)

    def answer(self, url: str, body: bytes, *headers: str, status: str = "200 OK") -> None:
        self.behave(url, page(body, status, JSON, *headers))

    def behave(self, url: str, behaviour: Behaviour, address: str = "") -> None:
        host = url.split("/")[2]
        self.paths[url] = behaviour
        if host not in self.internet.names:
            own = address or f"{PUBLIC[:-1]}{len(self.internet.servers)}"
            self.internet.serve(host, own, partial(self._answer, host))

    def _answer(self, host: str, peer: ssl.SSLSocket, head: bytes) -> None:
        path = head.split(b" ")[1].decode()
        behaviour = self.paths.get(f"https://{host}{path}", page(b"", "404 Not Found"))
        behaviour(peer, head)

    @property
    def asked(self) -> int:
        """How many requests came to any host."""
        return sum(len(server.asked) for server in self.internet.servers.values())

    def trust(self, *hosts: str) -> None:
        self._say("trusted", hosts)

    def refuse(self, *hosts: str) -> None:
        self._say("refused", hosts)

    def _say(self, member: str, hosts: tuple[str, ...]) -> None:
        """As an operator has said it, so long ago that every function goes by it."""
        registry = self.deployment.table("Registry")
        item = dict(registry.get("hosts", "hosts") or {"pk": "hosts", "sk": "hosts"})
        registry.put({**item, member: list(hosts)})
        self.deployment.clock.advance(11)

    def open(self, *scopes: str) -> None:
        """Let an API open these scopes to such clients."""
        api = self.deployment.server.registry.scopes().apis[API]
        self.change_api(replace(api, open_scopes=frozenset(scopes)))

    def change_api(self, api: ProtectedApi) -> None:
        self.deployment.registrar.put_api(api)
        self.deployment.clock.advance(11)

    def application(self, client_id: str = CLAUDE, redirect_uri: str = LOOPBACK, scope: str = "items") -> Application:
        return Application(self.deployment.send, self.deployment.issuer, client_id, None, redirect_uri, scope)

    def invoke(self, url: str, source_ip: str = "192.0.2.1", *, is_trusted: bool = False) -> str:
        return invoke(url, source_ip, is_trusted=is_trusted)

    def stored(self) -> list[Mapping[str, Any]]:
        """All that is kept of documents."""
        return [item for item in self.deployment.everything() if item["pk"]["S"].startswith("document#")]


def invoke(url: str, source_ip: str = "192.0.2.1", *, is_trusted: bool = False) -> str:
    """The function fetch, as it is deployed: a new execution environment each time."""
    event = {"url": url, "source_ip": source_ip, "is_trusted": is_trusted}
    outcome: str = load("fetch").handler(event, SimpleNamespace(aws_request_id="fetch"))["outcome"]
    return outcome


@contextmanager
def answering(deployment: Deployment, ask: Callable[..., Any]) -> Iterator[None]:
    """Lambda's Invoke calls the function fetch, which asks by `ask`."""

    def lambdas(call: Call, forward: Callable[[], Reply]) -> Reply:
        if call.service != "lambda":
            return forward()
        return Reply(200, {}, json.dumps({"outcome": invoke(**call.parameters)}).encode())

    with patch("valet.outbound.guarded.ask", ask), deployment.aws.intercept(lambdas):
        yield


@contextmanager
def strangers(deployment: Deployment, authority: Authority, **settings: Any) -> Iterator[Strangers]:
    """The deployment with ClientIdMetadata=open and ClientRegistration=open, and one API that opens its scope items.
    Its function fetch reaches the hosts of this process and no other address.
    """
    on = {"client_id_metadata": "open", "client_registration": "open", "fetch_function": "valet-fetch"}
    deployment.own_settings |= {**on, **settings}
    deployment.restart()
    internet = FakeInternet(authority)
    found = Strangers(deployment, internet)

    with answering(deployment, partial(guarded.ask, network=internet)):
        found.open("items")
        try:
            yield found
        finally:
            internet.stop()
