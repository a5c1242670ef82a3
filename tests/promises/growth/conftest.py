"""The token endpoint on tables in memory, for what is done ten thousand times."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import valet.server
from valet.handles import Code, digest, new_handle, new_id
from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.grants import Grant, GrantPointer
from valet.server import Server
from valet.settings import Settings

from tests.contract.facts import DAY, new_grant, random
from tests.support.application import Application, challenge_of
from tests.support.deployment import Audit, Clock
from tests.support.functions import load
from tests.support.memory_stores import MemoryStores
from tests.support.wire import Answer

ISSUER = "https://id.example.com"
VERIFIER = "v" * 50


@dataclass
class Memory:
    """A token endpoint, and all that it stands on."""

    stores: MemoryStores = field(default_factory=MemoryStores)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self._handler = load("token").handler
        scopes = frozenset({"openid", "items", "offline_access"})
        self.stores.put_signing_key("ES256")
        for name in scopes:
            self.stores.registrar.put_scope(Scope(name, name))
        self.stores.registrar.put_api(ProtectedApi("https://api.example.com", "API", frozenset({"items"})))
        self.stores.registrar.put_client(
            Client(
                "web_app_123",
                "Web App",
                secret_digests=(digest("secret"),),
                grant_types=frozenset({"authorization_code", "refresh_token"}),
                scope=scopes,
            )
        )
        self.stores.put_account(Account("sub-of-john", "john"))
        self.web_app = Application(self.send, ISSUER, "web_app_123", "secret", "https://webapp.example.com/callback")
        self.server = self.new_server()

    def new_server(self) -> Server:
        """Another execution environment."""
        server = Server()
        server.settings = Settings(issuer_url=ISSUER, signing_algs=("ES256",))
        server.clock = self.clock
        server.audit = Audit()
        self.stores.stand_behind(server)
        self.server = valet.server.SERVER = server
        return server

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        event: dict[str, Any] = {
            "rawPath": url.removeprefix(ISSUER),
            "rawQueryString": "",
            "headers": headers or {},
            "body": b64encode(body).decode(),
            "isBase64Encoded": True,
            "requestContext": {"requestId": "request", "http": {"method": method, "sourceIp": "192.0.2.1"}},
        }
        valet.server.SERVER = self.server
        answer = self._handler(event, None)
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def issue(self) -> tuple[Grant, str]:
        """A grant, and the code to redeem it by."""
        code = Code(new_id(random), new_handle(random))
        now = int(self.clock.now)
        grant = new_grant(
            grant_id=code.grant_id,
            scope=("items", "offline_access", "openid"),
            code_digest=digest(code.secret),
            code_challenge=challenge_of(VERIFIER),
            issued_at_ms=now * 1000,
            code_expires_at=now + 60,
            absolute_expires_at=now + 90 * DAY,
        )
        pointer = GrantPointer(grant.sub, grant.sid, grant.grant_id, ends_with_session=False, expires_at=now + 91 * DAY)
        self.stores.grants.point_to(pointer)
        self.stores.grants.issue(grant)
        return grant, str(code)

    def grant(self, grant_id: str) -> Grant:
        found = self.stores.grants.find(grant_id)
        assert found is not None
        return found


@pytest.fixture
def memory() -> Iterator[Memory]:
    lambdas_own = valet.server.SERVER
    yield Memory()
    valet.server.SERVER = lambdas_own
