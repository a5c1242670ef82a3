"""Bearer tokens: where a request carries one, and the challenge that refuses it (RFC 6750)."""

import re

from valet.authorization import find_credentials
from valet.errors import InsufficientScope, InvalidRequest, InvalidToken, OAuthError
from valet.http import Request

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def find_token(request: Request) -> str | None:
    """The access token from the Authorization header (§2.1) or the form (§2.2); None if there is none.

    Raises InvalidRequest for two tokens, or one in the query, which servers and proxies log (RFC 9700 §4.3.2).
    """
    if "access_token" in request.query():
        raise InvalidRequest("An access token does not belong in the query.")
    in_header = find_credentials(request.headers.get("authorization", ""), "bearer")
    in_form = request.form().get("access_token") if request.method == "POST" and request.has_form else None
    if in_header is not None and in_form is not None:
        raise InvalidRequest("The request carries two access tokens.")
    found = in_header if in_header is not None else in_form
    if found is not None and not _TOKEN.fullmatch(found):
        raise InvalidRequest("The access token is malformed.")
    return found


def challenge(error: OAuthError | None = None, scope: str = "") -> dict[str, str]:
    """The WWW-Authenticate header for a refusal; without an error code if the request had no token (§3.1)."""
    value = 'Bearer realm="valet"'
    if isinstance(error, InvalidToken | InsufficientScope | InvalidRequest):
        value += f', error="{error.error}", error_description="{error.description}"'
    if scope:
        value += f', scope="{scope}"'
    return {"WWW-Authenticate": value}
