"""The token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3)."""

from valet.http import Response, json_response
from valet.models.grants import Tokens


def token_response(tokens: Tokens, *, is_bound: bool) -> Response:
    """`is_bound`: the access token is bound to the key of a DPoP proof."""
    members: dict[str, object] = {
        "access_token": tokens.access_token,
        "token_type": "DPoP" if is_bound else "Bearer",  # RFC 9449 §5, RFC 6750 §4
        "expires_in": tokens.expires_in,
        "scope": " ".join(tokens.scope),
    }
    if tokens.refresh_token is not None:
        members["refresh_token"] = tokens.refresh_token
    if tokens.id_token is not None:
        members["id_token"] = tokens.id_token
    return json_response(200, members)
