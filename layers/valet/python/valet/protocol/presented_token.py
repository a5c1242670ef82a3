"""Access tokens in requests, by the schemes Bearer and DPoP, and their challenges (RFC 6750, RFC 9449 §7)."""

import re
from typing import NamedTuple

from valet.authorization import find_credentials
from valet.errors import InsufficientScope, InvalidDpopProof, InvalidRequest, InvalidToken, OAuthError
from valet.http import Request
from valet.protocol.supported import DPOP_ALGORITHMS

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_BEARER = 'Bearer realm="valet"'
_DPOP = f'DPoP realm="valet", algs="{" ".join(DPOP_ALGORITHMS)}"'


class PresentedToken(NamedTuple):
    """An access token, and whether it came by the scheme DPoP."""

    token: str
    is_dpop: bool


def find_token(request: Request) -> PresentedToken | None:
    """The access token from the Authorization header, or from the form, which is for bearer tokens alone (RFC 6750
    §2.1, §2.2; RFC 9449 §7.1); None if there is none.

    Raises InvalidRequest for two tokens, or one in the query, which servers and proxies log (RFC 9700 §4.3.2).
    """
    if "access_token" in request.query():
        raise InvalidRequest("An access token does not belong in the query.")
    authorization = request.headers.get("authorization", "")
    bound = find_credentials(authorization, "dpop")
    in_header = find_credentials(authorization, "bearer") if bound is None else bound
    in_form = request.form().get("access_token") if request.method == "POST" and request.has_form else None
    if in_header is not None and in_form is not None:
        raise InvalidRequest("The request carries two access tokens.")
    found = in_header if in_header is not None else in_form
    if found is None:
        return None
    if not _TOKEN.fullmatch(found):
        raise InvalidRequest("The access token is malformed.")
    return PresentedToken(found, bound is not None)


def challenge(request: Request | None = None, error: OAuthError | None = None) -> dict[str, str]:
    """The WWW-Authenticate header for a refusal; without an error code if the request had no token (RFC 6750 §3.1).

    The error goes with the request's own scheme. A client that sent a bearer token learns that it may have to prove a
    key: the token may be bound to one (RFC 9449 §7.1, §7.2).
    """
    is_dpop = request is not None and find_credentials(request.headers.get("authorization", ""), "dpop") is not None
    value = _DPOP if is_dpop else _BEARER
    if isinstance(error, InvalidToken | InsufficientScope | InvalidRequest | InvalidDpopProof):
        value += f', error="{error.error}", error_description="{error.description}"'
    if not is_dpop and (error is None or isinstance(error, InvalidToken)):
        value += f", {_DPOP}"
    return {"WWW-Authenticate": value}
