"""GET /.well-known/openid-configuration and /.well-known/oauth-authorization-server: what this server can do
(OpenID Connect Discovery §4, RFC 8414 §3)."""

from valet.endpoint import endpoint
from valet.http import Request, Response, json_response
from valet.keys.ring import signing_algs
from valet.pages.words import offered
from valet.protocol.account_visit import PROVIDERS
from valet.protocol.joining import is_open
from valet.protocol.metadata import document
from valet.server import SERVER, Server


def metadata(request: Request, server: Server) -> Response:
    algs = signing_algs(server.registry.signing_keys())
    settings, policy = server.settings, server.registry.policy()
    members = document(
        request.issuer,
        server.registry.scopes(),
        algs,
        settings.profile,
        offered(policy.languages),
        features=settings.features,
        levels_elsewhere=_levels_elsewhere(server),
        tells_logouts=settings.back_channel_logout == "on",
        may_join=is_open(policy, settings.features),
        takes_documents=settings.client_id_metadata != "off",
        registers_clients=settings.client_registration != "off",
    )
    return json_response(200, members, {"Cache-Control": "public, max-age=300"})


def _levels_elsewhere(server: Server) -> frozenset[str]:
    """The levels that the word of another provider may stand for, by the operator's rules."""
    every = server.providers.providers() if PROVIDERS in server.settings.features else ()
    return frozenset(each.rpartition("=")[2] for one in every if not one.is_disabled for each in one.acr_values)


SERVER.prepare()
handler = endpoint(metadata, "GET", server=SERVER, readable_by="anybody")
