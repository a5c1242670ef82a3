"""Valet's own functions in one process, on stores and a signing key in memory, to time Valet without AWS.

The handlers, their events and their log lines are the real ones. Calls to AWS are replaced by dictionaries, and by a
private key in memory, as in the wrapped signer.
"""

import copy
import hashlib
import io
import json
import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import IO, Any

import valet.server
from valet import log
from valet.handles import Code, base64url, digest, new_handle, new_id
from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.grants import Grant, GrantPointer
from valet.server import Server
from valet.settings import Settings

from bench.measure import ROOT
from bench.stores import BenchStores
from tests.support.functions import load

ISSUER = "https://id.example.com"
API = f"{ISSUER}/api"
SECRET = "bench-secret-of-43-characters-for-everybody-0"
REDIRECT_URI = "https://app.example.com/callback"
CODE_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CODE_CHALLENGE = base64url(hashlib.sha256(CODE_VERIFIER.encode()).digest())
DAY = 86_400

Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]


@cache
def handler(name: str) -> Handler:
    """The handler of functions/<name>/app.py, imported under a module name that no other function has."""
    found: Handler = load(name).handler
    return found


@cache
def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return event


def basic(client_id: str) -> str:
    return "Basic " + b64encode(f"{client_id}:{SECRET}".encode()).decode()


def event(name: str, body: str, client_id: str) -> dict[str, Any]:
    """The event in events/<name>.json with this body and this client."""
    made = copy.deepcopy(_event(name))
    made["headers"]["authorization"] = basic(client_id)
    made["body"], made["isBase64Encoded"] = b64encode(body.encode()).decode(), True
    return made


def log_to(stream: IO[str]) -> None:
    """Send the log of this process's functions to `stream`."""
    log.write = lambda line: stream.write(f"{line}\n")  # type: ignore[assignment]


class ValetInMemory:
    """A deployment with `population` clients and users."""

    def __init__(self, alg: str = "ES256", population: int = 1) -> None:
        self.stores = BenchStores()
        self.log = io.StringIO()
        self._grant_numbers = count()
        self.population = population
        registry, accounts = self.stores.registry, self.stores.accounts.accounts
        registry.keys = (self.stores.signers.new_key(alg),)
        for name in ("openid", "profile", "offline_access", "items", "admin"):
            registry.put_scope(Scope(name, name))
        registry.put_api(ProtectedApi(API, "Bench", scopes=frozenset({"items", "admin"}), roles=frozenset({"user"})))
        secret = (digest(SECRET),)
        for number in range(population):
            registry.put_client(
                Client(
                    f"service_{number}",
                    "Service",
                    secret_digests=secret,
                    grant_types=frozenset({"client_credentials"}),
                    scope=frozenset({"items", "admin"}),
                    introspects=frozenset({API}),
                )
            )
            registry.put_client(
                Client(
                    f"web_{number}",
                    "Web",
                    secret_digests=secret,
                    grant_types=frozenset({"authorization_code", "refresh_token"}),
                    redirect_uris=(REDIRECT_URI,),
                    scope=frozenset({"openid", "profile", "offline_access", "items"}),
                )
            )
            accounts[f"user-{number}"] = Account(f"user-{number}", f"user-{number}", roles=frozenset({"user"}))
        self.server = Server()
        self.server.settings = Settings(issuer_url=ISSUER, signing_algs=(alg,))
        self.stores.stand_behind(self.server)
        self.take_over()

    def take_over(self) -> None:
        """Let this process's functions use this deployment's stores and log from now on."""
        valet.server.SERVER = self.server
        log_to(self.log)

    def forget_log(self) -> str:
        """Return the log since the last call and empty it, because a growing log would slow the measurement."""
        logged = self.log.getvalue()
        self.log.seek(0)
        self.log.truncate()
        return logged

    def issue(
        self, scope: tuple[str, ...] = ("items", "offline_access"), number: int | None = None, client_id: str = ""
    ) -> str:
        """A code, as the consent function would have issued it, for user and web client `number`, or for another
        client.
        """
        now = int(self.server.clock())
        number = next(self._grant_numbers) % self.population if number is None else number
        code = Code(new_id(os.urandom), new_handle(os.urandom))
        grant = Grant(
            grant_id=code.grant_id,
            client_id=client_id or f"web_{number}",
            sub=f"user-{number}",
            sid=new_id(os.urandom),
            scope=scope,
            aud=(API,),
            auth_time=now,
            acr="urn:valet:acr:password",
            amr=("pwd",),
            nonce="n-0S6_WzA2Mj",
            redirect_uri=REDIRECT_URI,
            code_challenge=CODE_CHALLENGE,
            issued_at_ms=now * 1000,
            code_digest=digest(code.secret),
            code_expires_at=now + 600,
            absolute_expires_at=now + 90 * DAY,
            expires_at=now + 91 * DAY,
        )
        self.stores.grants.point_to(GrantPointer(grant.sub, grant.sid, grant.grant_id, False, grant.expires_at))
        self.stores.grants.issue(grant)
        return str(code)

    # -- requests ------------------------------------------------------------------------------------------------------

    def client_credentials(self, number: int = 0) -> dict[str, Any]:
        body = "grant_type=client_credentials&scope=items"
        return event("token/client_credentials", body, f"service_{number}")

    def redemption(self, code: str, number: int = 0) -> dict[str, Any]:
        return event("token/client_credentials", redemption_form(code), f"web_{number}")

    def refresh(self, refresh_token: str, number: int = 0) -> dict[str, Any]:
        return event("token/client_credentials", refresh_form(refresh_token), f"web_{number}")

    def introspection(self, token: str, number: int = 0) -> dict[str, Any]:
        return event("introspect/unknown_token", f"token={token}", f"service_{number}")

    def tokens(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """The token function's answer to the event."""
        return answered(handler("token")(made, None))


def redemption_form(code: str) -> str:
    uri = "https%3A%2F%2Fapp.example.com%2Fcallback"
    return f"grant_type=authorization_code&code={code}&code_verifier={CODE_VERIFIER}&redirect_uri={uri}"


def refresh_form(refresh_token: str) -> str:
    return f"grant_type=refresh_token&refresh_token={refresh_token}"


def answered(answer: Mapping[str, Any]) -> dict[str, Any]:
    assert answer["statusCode"] == 200, answer
    members: dict[str, Any] = json.loads(answer["body"])
    return members
