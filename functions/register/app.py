"""POST /register: a client registers itself (RFC 7591 §3). It gets little: docs/agents.md."""

from valet.authorization import find_credentials
from valet.endpoint import endpoint
from valet.errors import NotFound
from valet.http import NO_STORE, Request, Response, json_response
from valet.models.unknown_clients import OFF
from valet.refusals import refuse_with_challenge
from valet.registration.dynamic import register as register_client
from valet.server import SERVER, Server


def register(request: Request, server: Server) -> Response:
    if server.settings.client_registration == OFF:
        raise NotFound("Clients do not register themselves here.")
    token = find_credentials(request.headers.get("authorization", ""), "bearer")
    registered = register_client(server, request.body, token, request.source_ip)
    return json_response(201, registered, NO_STORE)


SERVER.prepare()
handler = endpoint(register, "POST", server=SERVER, refuse=refuse_with_challenge, readable_by="anybody")
