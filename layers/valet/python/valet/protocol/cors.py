"""Cross-origin resource sharing: whose scripts may read an answer (Fetch Standard §3.2).

Discovery documents and keys are for everybody. Answers with tokens are for the client's own registered origins; a
preflight names no client, so it is answered for the origins of all of them.
"""

import re
from collections.abc import Mapping, Set

from valet.errors import InvalidRequest
from valet.http import Request, Response
from valet.models.clients import Client

_MAXIMUM_AGE = "600"  # seconds that a browser may remember a preflight's answer
_HEADERS = ("Authorization", "Content-Type", "DPoP")
_MOST_HEADERS, _LONGEST = 32, 1000  # of a preflight, in names and in characters
_HEADER = re.compile(
    r"[!#$%&'+.^_`|~0-9A-Za-z-]+"
)  # a token (RFC 9110 §5.6.2), save *, which is a wildcard in an answer


class OriginRefused(InvalidRequest):
    """The page that sent the request is not one of the client's. Its answer carries no CORS header."""


def check_origin(request: Request, client: Client) -> None:
    """Refuse, before anything is spent, a request from a page that could not read the answer.

    Raises OriginRefused. A request without an Origin header comes from no page.
    """
    origin = request.origin
    if origin is not None and origin != request.issuer and origin not in origins_for(request, client):
        raise OriginRefused("This origin is not registered for the client.")


def origins_for(request: Request, client: Client) -> Set[str]:
    """The origins whose scripts may read an answer to the client. Those of an unknown client are the ones of its
    redirect URIs, and the ports of loopback addresses do not count.
    """
    origin = request.origin
    if not client.is_unknown or origin is None:
        return client.origins
    from valet.protocol.redirect_uri import is_loopback  # only a deployment that takes such clients needs it

    without_port = re.sub(":[0-9]+$", "", origin)
    return client.origins | {origin} if is_loopback(origin) and without_port in client.origins else client.origins


def preflight(request: Request, methods: tuple[str, ...], origins: Set[str] | None) -> Response:
    """The answer to OPTIONS; `origins` None stands for any."""
    allowed = allow(request, origins)
    if "Access-Control-Allow-Origin" in allowed:
        allowed = {
            **allowed,
            "Access-Control-Allow-Methods": ", ".join(methods),
            "Access-Control-Allow-Headers": ", ".join(_allowed_headers(request)),
            "Access-Control-Max-Age": _MAXIMUM_AGE,
            "Vary": "Origin, Access-Control-Request-Headers",
        }
    return Response(204, {"Allow": ", ".join((*methods, "OPTIONS")), **allowed})


def _allowed_headers(request: Request) -> tuple[str, ...]:
    """Our own headers, and those that the preflight asks for: tools add X-Requested-With and others, which no endpoint
    reads. A preflight that asks for more than a bound, or for what is no header, gets ours alone."""
    asked = request.headers.get("access-control-request-headers", "")
    names = [name.strip(" \t") for name in asked.split(",")]
    if len(asked) > _LONGEST or len(names) > _MOST_HEADERS or not all(map(_HEADER.fullmatch, names)):
        return _HEADERS
    ours = {name.lower() for name in _HEADERS}
    return (*_HEADERS, *dict.fromkeys(name for name in names if name.lower() not in ours))


def allow(request: Request, origins: Set[str] | None) -> Mapping[str, str]:
    """The headers that let the request's origin read the answer, if it is one of `origins`."""
    if origins is None:
        return {"Access-Control-Allow-Origin": "*"}
    if request.origin is not None and request.origin in origins:
        # Never with credentials: no answer that scripts may read depends on a cookie.
        return {
            "Access-Control-Allow-Origin": request.origin,
            # By `Date`, a client whose clock is wrong can correct the `iat` of its proofs.
            "Access-Control-Expose-Headers": "DPoP-Nonce, WWW-Authenticate, Retry-After, Date",
            "Vary": "Origin",
        }
    return {"Vary": "Origin"}
