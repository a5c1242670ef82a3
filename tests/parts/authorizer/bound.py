"""A bound token, its proof, and the events that bring both to the authorizer, in each shape."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.parts.authorizer.issuer import Stand
from tests.parts.authorizer.test_events import FILES, OWN_ROUTES
from tests.support.dpop_client import DpopClient

DOMAIN = "https://abcdef1234.execute-api.eu-west-1.amazonaws.com"
GRAPH = "https://graph.example/graphql"
# The method and the address that a client calls, by the shape of the event that it causes.
CALLS: Mapping[str, tuple[str, str]] = {
    "http_2": ("GET", f"{DOMAIN}/api/profile"),
    "http_1": ("GET", f"{DOMAIN}/api/profile"),
    "rest_request": ("GET", f"{DOMAIN}/prod/api/profile"),
    "websocket": ("GET", f"{DOMAIN.replace('https', 'wss')}/prod"),
    "appsync": ("POST", GRAPH),
}


def bound_event(shape: str, token: str, *proofs: object, scheme: str = "DPoP") -> dict[str, Any]:
    """The event of a request that presents `token` by `scheme`, and has a DPoP header for each of `proofs`."""
    text = (FILES / f"{shape}-good_token.json").read_text().replace("Bearer ACCESS_TOKEN", f"{scheme} {token}")
    event: dict[str, Any] = json.loads(text)
    if shape == "http_2":
        if proofs:
            event["headers"]["dpop"] = proofs[0] if len(proofs) == 1 else ",".join(map(str, proofs))
    elif shape == "appsync":
        event["requestHeaders"] |= dict(zip(("dpop", "DPoP"), proofs, strict=False))
    elif proofs:
        event["headers"]["DPoP"], event["multiValueHeaders"]["DPoP"] = proofs[-1], list(proofs)
    return event


class BoundStand(Stand):
    """An authorizer, and a client whose token is bound to its key."""

    def __init__(self, shape: str = "http_2", client: DpopClient | None = None, **env: str) -> None:
        if shape == "appsync":
            env.setdefault("PUBLIC_URL", GRAPH)
        super().__init__(routes=OWN_ROUTES, **env)
        self.shape, self.client = shape, client or DpopClient()
        self.htm, self.htu = CALLS.get(shape, ("GET", f"{DOMAIN}/prod/api/profile"))
        self.token = self.bound_token()

    def bound_token(self, **changed: object) -> str:
        return self.issuer.token(**{"cnf": {"jkt": self.client.jkt}, **changed})

    def proof(self, htm: str = "", htu: str = "", **changed: Any) -> str:
        """A proof for this shape's request and token."""
        made = {"token": self.token, "iat": int(self.clock.wall), **changed}
        return self.client.proof(htm or self.htm, htu or self.htu, **made)

    def call(self, *proofs: object, token: str = "", scheme: str = "DPoP") -> dict[str, Any]:
        """The answer to a request with these proofs."""
        return self.answer(bound_event(self.shape, token or self.token, *proofs, scheme=scheme))

    def refusal(self, *proofs: object, token: str = "", scheme: str = "DPoP") -> str:
        """The reason in the log for which a request with these proofs is refused."""
        return self.refusal_of(bound_event(self.shape, token or self.token, *proofs, scheme=scheme))

    def refusal_of(self, event: Mapping[str, Any]) -> str:
        """The reason for which `event` is refused. Nothing may be fetched or remembered for it."""
        lists, spent, keys = self.fetched_lists(), self.remembered_proofs(), self.remembered_keys()
        logged = len(self.lines)
        if self.shape == "appsync":
            assert self.answer(event) == {"isAuthorized": False, "ttlOverride": 0}
        else:
            with pytest.raises(Exception, match=r"^Unauthorized$"):
                self.answer(event)
        assert (self.fetched_lists(), self.remembered_proofs(), self.remembered_keys()) == (lists, spent, keys)
        assert self.lines.events()[logged:] == ["token.refused"]
        return str(self.lines[-1]["reason"])

    def fetched_lists(self) -> int:
        """How often a status list was fetched."""
        return sum(many for path, many in self.issuer.fetches.items() if path.startswith("/status-lists/"))

    def remembered_proofs(self) -> int:
        """How many proofs this process would refuse as used."""
        senders = self.authorizer._senders
        return len(senders._proofs._seen._newer | senders._proofs._seen._older) if senders else 0

    def remembered_keys(self) -> int:
        """How many keys of proofs this process holds."""
        return len(self.authorizer._senders._proofs._keys) if self.authorizer._senders else 0
