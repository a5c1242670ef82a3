"""The access token of a browser's WebSocket: a browser can set no header but Sec-WebSocket-Protocol (RFC 6455 §4.1).

The token is one of the protocols that the client offers, behind a prefix, as Kubernetes and Jupyter have it:
`new WebSocket(url, ["chat.v1", "bearer." + token])`. It needs no further encoding, because a JWT's characters are all
allowed in a protocol's name.
"""

from collections.abc import Mapping
from typing import Any

from valet.resource_server.api_gateway.events import header_values, presented_token
from valet.resource_server.outcomes import TokenRefused

PREFIX = "bearer."


def find_token(event: Mapping[str, Any], authorization: str | None) -> tuple[str, bool]:
    """The token among the protocols offered, else the one in `authorization`, and whether it comes with a DPoP proof.

    A token among the protocols does not: a browser that can set no header can send no proof. Raises TokenRefused.
    """
    lines = [value for value in header_values(event, "sec-websocket-protocol") if isinstance(value, str)]
    offered = [name for line in lines for each in line.split(",") if (name := each.strip(" \t"))]
    tokens = [name for name in offered if name.startswith(PREFIX)]
    if not tokens:
        return presented_token(authorization)
    if len(tokens) > 1 or header_values(event, "authorization"):
        raise TokenRefused("more than one token: Sec-WebSocket-Protocol holds one, and Authorization none beside it")
    if len(offered) == 1:
        # The answer has to select a protocol, and an API that selects the token sends it back (RFC 6455 §4.2.2).
        raise TokenRefused("no protocol besides the token in Sec-WebSocket-Protocol")
    return tokens[0].removeprefix(PREFIX), False
