"""An authenticator and the browser in front of it, in software (WebAuthn Level 3 §6): makes passkeys, and signs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from valet.handles import base64url
from valet.people.passkeys import digest_of

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
VERIFIED = UP | UV
AAGUID = bytes(range(16))

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass
class SoftPasskey:
    """A passkey in the authenticator. A test says what it tells about itself."""

    rp_id: str
    user_handle: bytes
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    sign_count: int = 0
    flags: int = VERIFIED

    @property
    def digest(self) -> str:
        return digest_of(self.credential_id)

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def made(self, origin: str, challenge: str, /, **client_data: Any) -> dict[str, str]:
        """The members of the form that `create` fills in."""
        credential = AAGUID + len(self.credential_id).to_bytes(2) + self.credential_id + b"\xa0"
        return {
            "client_data": base64url(_client_data("webauthn.create", origin, challenge, client_data)),
            "authenticator_data": base64url(self._authenticator_data(self.flags | AT) + credential),
            "public_key": base64url(self.public_key),
            "transports": "internal hybrid",
        }

    def signed(self, origin: str, challenge: str, /, *, extra: bytes = b"", **client_data: Any) -> dict[str, str]:
        """The members of the form that `get` fills in. The counter rises if it counts."""
        if self.sign_count:
            self.sign_count += 1
        data = _client_data(client_data.pop("type", "webauthn.get"), origin, challenge, client_data)
        authenticator_data = self._authenticator_data(self.flags) + extra
        return {
            "credential_id": base64url(self.credential_id),
            "client_data": base64url(data),
            "authenticator_data": base64url(authenticator_data),
            "signature": base64url(_sign(self.key, authenticator_data + sha256(data).digest())),
            "user_handle": base64url(self.user_handle),
        }

    def but(self, **changes: Any) -> SoftPasskey:
        return replace(self, **changes)

    def _authenticator_data(self, flags: int) -> bytes:
        return sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4)


def _client_data(kind: str, origin: str, challenge: str, more: Mapping[str, Any]) -> bytes:
    members = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False, **more}
    return json.dumps(members, separators=(",", ":")).encode()


def _sign(key: Key, about: bytes) -> bytes:
    match key:
        case ec.EllipticCurvePrivateKey():
            return key.sign(about, ec.ECDSA(SHA256()))
        case rsa.RSAPrivateKey():
            return key.sign(about, padding.PKCS1v15(), SHA256())
        case ed25519.Ed25519PrivateKey():
            return key.sign(about)
