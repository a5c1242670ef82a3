"""The keys that a client may sign with: registered with it, or published at its `jwks_uri` (RFC 7591 §2, RFC 7517)."""

import json
from collections.abc import Iterator, Mapping
from typing import cast

from valet.jose import compact
from valet.jose.compact import Malformed
from valet.jose.jwk import PRIVATE, UnusableKey, key_from_jwk
from valet.jose.public import thumbprint
from valet.models.clients import Client
from valet.protocol.supported import ASSERTION_SIGNING_ALGS, PRIVATE_KEY_JWT, REGISTERED_AUTH_METHODS
from valet.registration.addresses import refusal_of_called_uri

MOST_REGISTERED, MOST_PUBLISHED = 8, 20  # keys
LARGEST = 8192  # bytes of registered keys
_LARGEST_MODULUS = 4096  # bits; a longer one makes each request slower, and protects nothing more
_LONGEST_KID = 256  # characters
# What is kept of a key: what verifies, its name, and its one algorithm. All of them are texts.
_KEPT = ("kty", "crv", "x", "y", "n", "e", "kid", "alg")


class UnusableSet(Exception):
    """This is no JWK Set that Valet can use. The message says why, and repeats nothing of it."""


def keys_of(jwks: str) -> list[Mapping[str, object]]:
    """The JWKs of a set. Raises UnusableSet."""
    try:
        keys = compact.members(jwks.encode()).get("keys")
    except (Malformed, UnicodeEncodeError) as error:
        raise UnusableSet(f"not a JWK Set: {error}") from None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise UnusableSet('not a JWK Set: {"keys": [...]}')
    return keys


def published_keys(body: bytes) -> tuple[str, int]:
    """What is kept of a published JWK Set, and how many keys that are. Keys that cannot verify are left out (§5).

    A set without a usable key is one as well: the client may have withdrawn its keys. Raises UnusableSet.
    """
    try:
        keys = keys_of(body.decode())
    except UnicodeDecodeError:
        raise UnusableSet("not a JWK Set: not UTF-8") from None
    if len(keys) > MOST_PUBLISHED:
        raise UnusableSet(f"{len(keys)} keys, and at most {MOST_PUBLISHED} are read")
    usable = [jwk for jwk in keys if refusal_of_key(jwk) is None]
    return jwks_from(usable), len(usable)


def registered_jwks(found: object) -> str:
    """What is kept of a JWK Set, or of one JWK, that an operator registers. Raises UnusableSet, also for a private key:
    the operator must learn that it was shown.
    """
    given = {"keys": [found]} if isinstance(found, dict) and "kty" in found else found
    keys = keys_of(json.dumps(given))
    for number, jwk in enumerate(keys, 1):
        if reason := refusal_of_key(jwk):
            raise UnusableSet(f"key {number}: {reason}")
    return jwks_from(keys)


def names_of(jwks: str) -> list[str]:
    """A name for each key of a set that is kept: its kid, or else its thumbprint (RFC 7638)."""
    return [str(jwk.get("kid") or thumbprint(cast(Mapping[str, str], jwk))) for jwk in keys_of(jwks)]


def jwks_from(keys: list[Mapping[str, object]]) -> str:
    """The keys as a JWK Set in JSON, with the members that are kept."""
    kept = [{name: jwk[name] for name in _KEPT if isinstance(jwk.get(name), str)} for jwk in keys]
    return json.dumps({"keys": kept}, separators=(",", ":"))


def refusal_of_key(jwk: Mapping[str, object]) -> str | None:
    """Why the client may not sign with this key; None if it may."""
    if not PRIVATE.isdisjoint(jwk):
        return (
            "it holds a private or symmetric key, which is no longer the client's alone: make another key, and "
            "register only its public members"
        )
    try:
        kid = key_from_jwk(jwk).kid
    except UnusableKey as unusable:
        return str(unusable)
    if len(kid) > _LONGEST_KID or not kid.isprintable():
        return f"kid is not 1 to {_LONGEST_KID} printable characters"
    # key_from_jwk read it: it is base64url of an RSA key's modulus.
    if jwk["kty"] == "RSA" and len(str(jwk["n"])) * 6 // 8 > _LARGEST_MODULUS // 8:
        return f"modulus is longer than {_LARGEST_MODULUS} bits"
    return None


def refusal_of_method(method: str) -> str:
    """Why no client can be registered for the authentication method."""
    if method == "client_secret_jwt":
        return (
            "an HMAC needs the secret itself, and Valet keeps only its digest: choose private_key_jwt, with which the "
            "client signs by a key of its own"
        )
    return f"one of {', '.join(REGISTERED_AUTH_METHODS)}"


def wrong_with_keys(client: Client) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with the client's keys: the member, the reason, and the value if one is wrong."""
    if client.token_endpoint_auth_method != PRIVATE_KEY_JWT:
        for member in ("jwks", "jwks_uri", "token_endpoint_auth_signing_alg"):
            if getattr(client, member):
                yield member, f"only a client that is registered for {PRIVATE_KEY_JWT} uses it", None
        return
    if bool(client.jwks) == bool(client.jwks_uri):
        yield "jwks", f"{PRIVATE_KEY_JWT} needs the client's public keys: either jwks or jwks_uri, not both", None
    alg = client.token_endpoint_auth_signing_alg
    if alg and alg not in ASSERTION_SIGNING_ALGS:
        yield "token_endpoint_auth_signing_alg", f"one of {', '.join(ASSERTION_SIGNING_ALGS)}", alg
    if client.jwks_uri and (reason := refusal_of_called_uri(client.jwks_uri)):
        yield "jwks_uri", reason, client.jwks_uri
    if client.jwks:
        for reason in _wrong_with_jwks(client.jwks, alg):
            yield "jwks", reason, None


def _wrong_with_jwks(jwks: str, alg: str) -> Iterator[str]:
    try:
        keys = keys_of(jwks)
    except UnusableSet as unusable:
        yield str(unusable)
        return
    if not 0 < len(keys) <= MOST_REGISTERED or len(jwks.encode()) > LARGEST:
        yield f"1 to {MOST_REGISTERED} keys, of {LARGEST} bytes together"
        return
    reasons = [refusal_of_key(jwk) for jwk in keys]
    yield from (f"key {number}: {reason}" for number, reason in enumerate(reasons, 1) if reason)
    if alg and not any(reasons) and not any(alg in key_from_jwk(jwk).verifiers for jwk in keys):
        yield f"no key can sign by {alg}"
