"""A client that holds a key, against a deployment: it makes a proof for each request that it sends (RFC 9449 §4)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from tests.support.application import Application
from tests.support.dpop_client import DpopClient
from tests.support.wire import Answer


class Deployed(Protocol):
    """The address and the clock of a deployment."""

    @property
    def issuer(self) -> str: ...
    @property
    def clock(self) -> Callable[[], float]: ...


class KeyHolder(DpopClient):
    """Makes proofs by the deployment's clock. Each has a `jti` of its own, unless the test names one."""

    def __init__(self, deployed: Deployed, alg: str = "ES256") -> None:
        super().__init__(alg)
        self.deployed = deployed

    def proof_for(self, path: str = "/token", htm: str = "POST", token: str | None = None, **claims: Any) -> str:
        """A proof for a request to the authorization server."""
        made: dict[str, Any] = {"iat": int(self.deployed.clock()), **claims}
        return self.proof(htm, f"{self.deployed.issuer}{path}", token=token, **made)

    def of(self, app: Application, path: str = "/token", **claims: Any) -> Application:
        """The application, which sends a new proof by this key with its next request to `path`."""
        return with_proof(app, self.proof_for(path, **claims))

    def userinfo(self, app: Application, token: str, **claims: Any) -> Answer:
        proof = self.proof_for("/userinfo", "GET", token=token, **claims)
        return ask_userinfo(app, {"authorization": f"DPoP {token}", "dpop": proof})


def with_proof(app: Application, proof: str) -> Application:
    return replace(app, headers={**app.headers, "dpop": proof})


def ask_userinfo(app: Application, headers: Mapping[str, str], method: str = "GET") -> Answer:
    return app.send(method, f"{app.issuer}/userinfo", {**app.headers, **headers})
