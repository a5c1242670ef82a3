"""Client authentication by a secret, or by none (RFC 6749 §2.3.1, §3.2.1)."""

import binascii
from base64 import b64decode
from urllib.parse import unquote_plus

from valet.authorization import find_credentials
from valet.errors import InvalidClient, InvalidRequest
from valet.frozen import Frozen
from valet.handles import is_digest_of
from valet.http import Parameters, Request
from valet.models.clients import Client
from valet.ports.clients import Registry
from valet.protocol.supported import EITHER_SECRET_METHOD, SECRET_METHODS

CHALLENGE = {"WWW-Authenticate": 'Basic realm="valet", charset="UTF-8"'}
# Compared if there is no client or no secret, so that an unknown client takes the same time.
_NOBODYS_DIGEST = (bytes(32),)


# What may be at fault, by what was sent and never by what is registered: a stranger learns nothing about the client.
_WITH_SECRET = "The client_id is unknown or disabled, or the secret is wrong. A public client sends no secret."
_AT_FAULT = {
    "client_secret_basic": _WITH_SECRET,
    "client_secret_post": _WITH_SECRET,
    "none": "No secret was sent, and this client_id is unknown, disabled, or that of a client with a secret or key.",
}


class _Presented(Frozen):
    method: str  # as in token_endpoint_auth_method
    client_id: str
    secret: str


def authenticate(request: Request, form: Parameters, registry: Registry) -> Client:
    """The client that sent the request, by a method that it is registered for.

    Raises InvalidClient (401, with a challenge) with one wording for an unknown client, a disabled one and a wrong
    secret. Only a request with the right secret is told that its method is not the registered one. Raises
    InvalidRequest for two methods at once.
    """
    presented = _presented(request, form)
    client = registry.find_client(presented.client_id)
    digests = (client.secret_digests if client else ()) or _NOBODYS_DIGEST
    # Compare every digest, and decide only when all are compared.
    matches = [is_digest_of(kept, presented.secret) for kept in digests]
    if client is None or client.is_disabled:
        raise _refusal("unknown or disabled", _AT_FAULT[presented.method])
    registered, is_confidential = client.token_endpoint_auth_method, client.is_confidential
    if is_confidential != (presented.method in SECRET_METHODS):
        raise _refusal(
            "a confidential client without its secret, or a public client with one", _AT_FAULT[presented.method]
        )
    if is_confidential and not any(matches):
        raise _refusal("wrong secret", _AT_FAULT[presented.method])
    if registered not in (presented.method, EITHER_SECRET_METHOD):
        raise InvalidClient(
            f"The client is registered for {registered}, but sent its secret by {presented.method}.",
            detail=f"right secret by {presented.method}, registered for {registered}",
            headers=CHALLENGE,
        )
    return client


def _presented(request: Request, form: Parameters) -> _Presented:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        if "client_secret" in form:
            raise InvalidRequest("The client authenticates in two ways at once.")
        client_id, secret = _basic_credentials(authorization)
        # Many libraries repeat their client_id in the body; it has to be the same there (RFC 6749 §3.2.1).
        if form.get("client_id", client_id) != client_id:
            raise InvalidRequest("The client_id in the body is not the one that authenticates.")
        return _Presented("client_secret_basic", client_id, secret)
    client_id = form.get("client_id", "")
    if "client_secret" in form:
        return _Presented("client_secret_post", client_id, form["client_secret"])
    if not client_id:
        raise _refusal("no client_id", "The client_id is missing: send it in the body, or authenticate by HTTP Basic.")
    return _Presented("none", client_id, "")


def _basic_credentials(authorization: str) -> tuple[str, str]:
    """Client id and secret, each form-decoded (RFC 6749 §2.3.1)."""
    credentials = find_credentials(authorization, "basic")
    if credentials is None:
        raise _refusal("another scheme than Basic", "The Authorization header is not HTTP Basic.")
    try:
        decoded = b64decode(credentials, validate=True).decode()
        client_id, colon, secret = decoded.partition(":")
        if not colon:
            raise ValueError("no colon")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise _refusal("malformed Basic credentials", "The Basic credentials are malformed.") from None


def _refusal(detail: str, description: str) -> InvalidClient:
    return InvalidClient(f"The client could not be authenticated. {description}", detail=detail, headers=CHALLENGE)
