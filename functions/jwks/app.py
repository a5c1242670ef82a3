"""GET /.well-known/jwks.json: the public keys that verify what Valet signs (RFC 7517 §5)."""

from valet.endpoint import endpoint
from valet.http import Request, Response, json_response
from valet.keys.ring import jwk_set
from valet.server import SERVER, Server

# Short, so that caches that obey it soon lose a key that was dropped in an emergency. A new key is announced for longer
# than any verifier keeps the set.
_CACHE = {"Cache-Control": "public, max-age=300"}


def jwks(request: Request, server: Server) -> Response:
    return json_response(200, jwk_set(server.registry.signing_keys()), _CACHE)


SERVER.prepare()
handler = endpoint(jwks, "GET", server=SERVER, readable_by="anybody")
