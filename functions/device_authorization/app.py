"""POST /device_authorization: a device without a browser asks for a person's yes (RFC 8628 §3.1)."""

from valet.client_authentication import authentication
from valet.client_authentication.one_use import OneUse
from valet.endpoint import endpoint
from valet.errors import OAuthError, UnauthorizedClient
from valet.front_channel.device_codes import count_device, keep_device
from valet.http import Request, Response, json_response
from valet.protocol.resource import requested
from valet.protocol.supported import DEVICE_CODE
from valet.refusals import record_names
from valet.server import SERVER, Server


def device_authorization(request: Request, server: Server) -> Response:
    form, now = authentication.form_of(request), server.clock()
    authenticated = authentication.authenticate(request, form, server)
    client = authenticated.client
    if DEVICE_CODE not in client.grant_types:
        raise UnauthorizedClient(f"This client is not registered for the grant type {DEVICE_CODE}.")
    try:
        scope, resource = requested(form, client, server.registry.scopes())
    except OAuthError as error:
        record_names(error, client, server)
        raise
    count_device(server, client, request.source_ip, now)
    OneUse(authenticated.assertion, server, client.client_id).spend()
    return json_response(200, keep_device(server, client, scope, resource, request, now))


SERVER.prepare()
handler = endpoint(device_authorization, "POST", server=SERVER)
