"""valet_resource_server and reference tokens: it asks the issuer, and answers as for a JWT."""

from __future__ import annotations

import json
from typing import Any

import pytest
from valet.fetch import Fetched, FetchFailed

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, FakeClock, FakeIssuer
from tests.support.dpop_client import DpopClient
from valet_resource_server import (
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidProof,
    InvalidToken,
    IssuerUnavailable,
    Verifier,
)

TOKEN = f"vat_{'i' * 22}.{'s' * 43}"
CLIENT = {"introspection_client": "items", "introspection_secret": "secret"}


class Api:
    """A verifier whose issuer answers introspection with `claims`, or not at all."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock()
        self.issuer = FakeIssuer(self.clock)
        self.claims: dict[str, Any] | None = {**self.issuer.claims(status=None), "active": True}
        self.asked = 0
        given: dict[str, Any] = {
            **CLIENT,
            "fetch": self.issuer.fetch,
            "post": self._post,
            "clock": self.clock,
            **options,
        }
        self.verifier = Verifier(ISSUER, AUDIENCE, jitter=lambda: 0.0, **given)

    def _post(self, url: str, form: bytes, *, authorization: str, limit: int, timeout: float) -> Fetched:
        self.asked += 1
        assert (url, authorization) == (f"{ISSUER}/introspect", "Basic aXRlbXM6c2VjcmV0")
        if self.claims is None:
            raise FetchFailed("down")
        return Fetched(200, json.dumps(self.claims).encode(), None)


def test_it_tells_what_it_would_of_a_jwt_and_asks_at_each_request() -> None:
    api = Api()
    told = api.verifier.verify(f"Bearer {TOKEN}", scope="items", roles="user")
    assert told == api.verifier.verify(f"Bearer {api.issuer.token()}")
    assert api.verifier.verify_token(TOKEN) == told
    assert api.asked == 2


def test_what_is_no_longer_active_is_invalid_and_an_outage_is_503() -> None:
    api = Api()
    api.claims = {"active": False}
    with pytest.raises(InvalidToken, match="not active") as refused:
        api.verifier.verify(f"Bearer {TOKEN}")
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]
    api.claims = None
    with pytest.raises(IssuerUnavailable, match="no introspection: down"):
        api.verifier.verify(f"Bearer {TOKEN}")


def test_scopes_sign_ins_and_proofs_count_as_with_a_jwt() -> None:
    client = DpopClient()
    api = Api(public_url="https://api.example")
    with pytest.raises(InsufficientScope):
        api.verifier.verify(f"Bearer {TOKEN}", scope="admin")
    with pytest.raises(InsufficientUserAuthentication):
        api.verifier.verify(f"Bearer {TOKEN}", max_age=4)
    api.claims = {**(api.claims or {}), "cnf": {"jkt": client.jkt}}
    with pytest.raises(InvalidToken, match="without a DPoP proof"):
        api.verifier.verify(f"Bearer {TOKEN}")
    now = int(api.clock.wall)
    wrong = client.proof("GET", "https://api.example/x", token=f"{TOKEN[:-1]}o", iat=now)
    with pytest.raises(InvalidProof):
        api.verifier.verify(f"DPoP {TOKEN}", dpop=wrong, method="GET", path="/x")
    proof = client.proof("GET", "https://api.example/x", token=TOKEN, iat=now)
    assert api.verifier.verify(f"DPoP {TOKEN}", dpop=proof, method="GET", path="/x").jkt == client.jkt


def test_without_a_client_of_its_own_it_refuses_them() -> None:
    api = Api(introspection_client="", introspection_secret="")
    with pytest.raises(InvalidToken, match="introspection_client"):
        api.verifier.verify(f"Bearer {TOKEN}")
    assert not api.asked


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"introspection_secret": ""}, "given together or not at all"),
        ({"introspection_client": ""}, "given together or not at all"),
        ({"introspection_client": "a b"}, "introspection_client is"),
        ({"introspection_secret": "a hidden one"}, "introspection_secret is malformed"),
        ({"introspection_cache": 31}, "0 to 30 seconds"),
        ({"introspection_cache": -1}, "0 to 30 seconds"),
    ],
)
def test_what_is_wrong_with_its_client_is_told_without_the_secret(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        Verifier(ISSUER, AUDIENCE, **{**CLIENT, **changed})
    assert "hidden" not in str(raised.value)
