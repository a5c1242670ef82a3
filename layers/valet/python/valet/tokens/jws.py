"""JSON Web Signatures with a key that this process may never hold (RFC 7515 §3.1, compact serialization)."""

import json
from collections.abc import Mapping
from functools import lru_cache

from valet.handles import base64url
from valet.keys.ring import signing_key
from valet.models.keys import SigningKey
from valet.ports.clients import Registry
from valet.ports.keys import Signer, Signers

_as_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def current_signer(registry: Registry, signers: Signers, alg: str = "", *, is_fapi2: bool = False) -> Signer:
    """The signer of `current_key`."""
    return signers.signer(current_key(registry, alg, is_fapi2=is_fapi2))


def current_key(registry: Registry, alg: str = "", *, is_fapi2: bool = False) -> SigningKey:
    """The key that signs now with `alg`, in the first lane if that is empty. For a client with `is_fapi2`, RS256 never
    signs: the first other lane does.

    Raises TemporarilyUnavailable while there is none: another algorithm never stands in.
    """
    keys = registry.signing_keys()
    if is_fapi2:
        # Few clients have a profile: its rules are imported for those only.
        from valet.protocol.profile import signing_alg

        alg = signing_alg(alg, keys)
    return signing_key(keys, alg)


def sign(claims: Mapping[str, object], typ: str, signer: Signer) -> str:
    """A compact JWS over `claims`, typed, so that no token can pass for one of another kind (RFC 8725 §3.11)."""
    signing_input = f"{_protected_header(signer.alg, signer.kid, typ)}.{base64url(_as_json(claims).encode())}"
    return f"{signing_input}.{base64url(signer.sign(signing_input.encode()))}"


@lru_cache(maxsize=64)
def _protected_header(alg: str, kid: str, typ: str) -> str:
    """The encoded header. It is equal for every token of a kind, as long as one key signs."""
    return base64url(_as_json({"alg": alg, "kid": kid, "typ": typ}).encode())
