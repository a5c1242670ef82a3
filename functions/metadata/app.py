"""GET /.well-known/openid-configuration and /.well-known/oauth-authorization-server: what this server can do
(OpenID Connect Discovery §4, RFC 8414 §3)."""

from valet.http import Request, Response, json_response
from valet.protocol.metadata import document
from valet.server import Server, endpoint


def metadata(request: Request, server: Server) -> Response:
    members = document(request.issuer, server.registry.scopes(), server.settings.signing_alg)
    return json_response(200, members, {"Cache-Control": "public, max-age=300"})


handler = endpoint(metadata, "GET", readable_by="anybody")
