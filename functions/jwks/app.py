"""GET /.well-known/jwks.json: the public keys that verify what Valet signs (RFC 7517 §5)."""

from valet.http import Request, Response, json_response
from valet.keys import jwk_set
from valet.server import Server, endpoint

# A verifier may keep the set for an hour; new keys are announced for longer than any verifier keeps it.
_CACHE = {"Cache-Control": "public, max-age=3600"}


def jwks(request: Request, server: Server) -> Response:
    return json_response(200, jwk_set(server.registry.signing_keys()), _CACHE)


handler = endpoint(jwks, "GET", readable_by="anybody")
