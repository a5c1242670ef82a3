"""A client that authenticates by a key (RFC 7523). joserfc makes its assertions, so no code of Valet's takes part."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from joserfc import jws

from tests.support.application import Application
from tests.support.dpop_client import Key, key_for

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class KeyApplication(Application):
    """An application that signs a new assertion for each request, by a key of its own."""

    clock: Callable[[], float] = lambda: 0.0
    alg: str = "ES256"
    kid: str | None = "first"
    key: Key = field(default_factory=lambda: key_for("ES256"))  # copies of the application keep it

    @property
    def public_jwk(self) -> dict[str, Any]:
        jwk = {**self.key.as_dict(private=False), "kid": self.kid}
        return {name: value for name, value in jwk.items() if value is not None}

    @property
    def jwks(self) -> str:
        """As it is registered."""
        return json.dumps({"keys": [self.public_jwk]})

    def assertion(self, header: Mapping[str, Any] | None = None, key: Key | None = None, **claims: object) -> str:
        """An assertion that is good unless the test changes it. None leaves a parameter or claim out."""
        made = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(12),
            "iat": int(self.clock()),
            "exp": int(self.clock()) + 60,
            **claims,
        }
        whole = {"typ": "JWT", "alg": self.alg, "kid": self.kid, **(header or {})}
        return signed(whole, made, key or self.key)

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion()}

    @property
    def authorization(self) -> dict[str, str]:
        return {}


def key_application(application: Application, clock: Callable[[], float], **changes: Any) -> KeyApplication:
    """The application, as one that authenticates by a key."""
    names = ("send", "issuer", "client_id", "redirect_uri", "scope", "headers")
    key = key_for(changes.get("alg", "ES256"))
    found = KeyApplication(**{name: getattr(application, name) for name in names}, clock=clock, key=key)
    return replace(found, **changes)


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A JWS by whatever the header names."""
    protected = {name: value for name, value in header.items() if value is not None}
    payload = {name: value for name, value in claims.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[str(protected["alg"])], strict_check_header=False)
    return jws.serialize_compact(protected, json.dumps(payload).encode(), key, registry=registry)
