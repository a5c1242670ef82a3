"""Client authentication by an assertion that the client signed: private_key_jwt (RFC 7523 §3, OpenID Connect Core §9).

Valet takes only the issuer as `aud`, and only as text. An attacker who gets a client to sign for another audience, such
as an address of the attacker's own server, cannot use that assertion here (FAPI 2.0 Security Profile §5.3.2.1).
"""

import json
import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Protocol

from valet.client_authentication.secret import CHALLENGE
from valet.errors import InvalidClient, InvalidRequest
from valet.http import Parameters, Request
from valet.jose import signed
from valet.jose.jwk import Key, usable_keys
from valet.jose.signed import Header, Refused, Unverified
from valet.models.client_keys import GOOD_FOR
from valet.models.clients import Client
from valet.models.once import OneTimeValue
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasClock
from valet.protocol.supported import ASSERTION_SIGNING_ALGS, FAPI2_ALGORITHMS, PRIVATE_KEY_JWT

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_TYPES = frozenset((None, "jwt", "client-authentication+jwt"))
_MOST_HEADERS = 64
_LONGEST_LIFETIME = 3660  # seconds; libraries write an hour to the second, and their clocks may be ahead
_KEPT_FOR = 90  # seconds after `exp`, until the jti may be forgotten: longer than the clocks of two environments differ
_FAULT = (
    "The client could not be authenticated by its client_assertion. It is a JWT with iss and sub = client_id, aud = "
    "the issuer as text, a new jti and an exp within the hour, signed by a registered key of an enabled client that is "
    "registered for private_key_jwt."
)

# By the encoded header, which is the same in all assertions of a client. Only an assertion that a registered client
# signed adds one, and a full memory costs the next client the time to read its header.
_headers: dict[str, Header] = {}


class Ports(HasRegistry, HasClock, Protocol):
    """The ports that an assertion may use."""


def authenticate(request: Request, form: Parameters, ports: Ports) -> tuple[Client, OneTimeValue]:
    """The client that signed the assertion, and the `jti` that the endpoint has to spend before it answers.

    Raises InvalidRequest for a second method next to the assertion, and InvalidClient (401) with one wording whatever
    is wrong; the log has the reason. The time that a refusal takes does depend on the client: a signature is verified
    only for a client that exists and is registered for this method. A client_id is no secret (RFC 6749 §2.2).
    """
    if "client_secret" in form or "authorization" in request.headers:
        raise InvalidRequest("The client authenticates in two ways at once.")
    client = None
    assertion = form.get("client_assertion", "")
    segment = assertion.partition(".")[0]
    try:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refused("client_assertion_type is not the one of a JWT")
        unverified = signed.read(assertion, _TYPES, ASSERTION_SIGNING_ALGS, _headers.get(segment))
        client = _client_of(unverified, form, ports)
        value = _judged(unverified, client, request.issuer, ports.clock())
        signed.verify(unverified, _keys_of(client, unverified.header.kid, ports))
    except Refused as refused:
        client_id = client.client_id if client else ""
        detail = f"client assertion: {refused}"
        raise InvalidClient(_FAULT, detail=detail, client_id=client_id, headers=CHALLENGE) from None
    if segment not in _headers and len(_headers) < _MOST_HEADERS:
        _headers[segment] = unverified.header
    return client, value


def claimed_client_id(assertion: str) -> str:
    """The client_id that the assertion names, which nothing has verified; empty if it names none."""
    try:
        client_id = signed.read(assertion, _TYPES, ASSERTION_SIGNING_ALGS).claims.get("iss")
    except Refused:
        return ""
    return client_id if isinstance(client_id, str) else ""


def _client_of(unverified: Unverified, form: Parameters, ports: Ports) -> Client:
    claims = unverified.claims
    client_id = claims.get("iss")
    if not isinstance(client_id, str) or claims.get("sub") != client_id:
        raise Refused("iss and sub are not one client_id")
    if "client_id" in form and form["client_id"] != client_id:
        raise Refused("the form has another client_id")
    client = ports.registry.find_client(client_id)
    if client is None or client.is_disabled:
        raise Refused("unknown or disabled client")
    if client.token_endpoint_auth_method != PRIVATE_KEY_JWT:
        raise Refused(f"the client is registered for {client.token_endpoint_auth_method}")
    if not _may_sign_by(client, unverified.header.alg):
        raise Refused(f"the client may not sign by {unverified.header.alg}")
    return client


def _may_sign_by(client: Client, alg: str) -> bool:
    if client.is_fapi2 and alg not in FAPI2_ALGORITHMS:
        return False
    return client.token_endpoint_auth_signing_alg in ("", alg)


def _judged(unverified: Unverified, client: Client, issuer: str, now: float) -> OneTimeValue:
    """The assertion as a value to be spent, if its claims are good; times are numbers, as signed.read says."""
    claims = unverified.claims
    if claims.get("aud") != issuer:
        raise Refused("aud is not the issuer as text")
    expires_at = signed.time_of(claims, "exp")
    if expires_at is None:
        raise Refused("exp is missing")
    if expires_at <= now:
        raise Refused("expired")
    if expires_at > now + _LONGEST_LIFETIME:
        raise Refused("exp is more than an hour ahead")
    for name in ("nbf", "iat"):
        if (signed.time_of(claims, name) or 0) > now + signed.AHEAD:
            raise Refused(f"{name} is more than {signed.AHEAD} s ahead")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= signed.LONGEST_JTI:
        raise Refused(f"jti is not 1 to {signed.LONGEST_JTI} characters")
    return OneTimeValue("assertion", client.client_id, jti, math.ceil(expires_at) + _KEPT_FOR)


def _keys_of(client: Client, kid: str | None, ports: Ports) -> Iterable[Key]:
    """The client's keys that may have signed: those of this kid, and those without one. Keys are never fetched here."""
    jwks = _fetched(client, ports) if client.jwks_uri else client.jwks
    if not jwks:
        raise Refused("the client has no keys")
    return [key for key in _keys_in(jwks) if kid is None or key.kid in ("", kid)]


@lru_cache(maxsize=64)
def _keys_in(jwks: str) -> list[Key]:
    """The usable keys of the JWK Set. To build one takes as long as to verify a signature, so they are remembered, by
    the text of the set: another text has other keys.
    """
    return usable_keys(json.loads(jwks)["keys"])


def _fetched(client: Client, ports: Ports) -> str:
    found = ports.registry.find_client_keys(client.client_id)
    if found is None or found.jwks_uri != client.jwks_uri:
        raise Refused("no keys were fetched from the jwks_uri yet")
    if ports.clock() - found.fetched_at > GOOD_FOR:
        raise Refused("the keys were last fetched more than a day ago")
    return found.jwks
