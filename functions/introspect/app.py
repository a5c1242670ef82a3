"""POST /introspect: tell a client about a token that is its business (RFC 7662)."""

from valet.client_authentication import authentication
from valet.client_authentication.one_use import OneUse
from valet.endpoint import endpoint
from valet.errors import InvalidClient
from valet.handles import is_digest_of, parse_refresh_token
from valet.http import Request, Response, json_response
from valet.introspection import is_active, is_current, read_access_token
from valet.models.clients import Client
from valet.server import SERVER, Server
from valet.standing import grant_stands

_INACTIVE: dict[str, object] = {"active": False}  # and not a word more (§2.2)


def introspect(request: Request, server: Server) -> Response:
    form = authentication.form_of(request)
    authenticated = authentication.authenticate(request, form, server)
    client = authenticated.client
    if not client.is_confidential or client.is_unknown:
        # Any attacker can pass for a public client, or come as a client that nobody registered, and would learn whether
        # a token is good (§4).
        raise InvalidClient("Introspection is for confidential clients.", headers=authentication.CHALLENGE)
    token = form.require("token")
    answer = _refresh_token(token, client, server) or _access_token(token, client, request, server)
    OneUse(authenticated.assertion, server, client.client_id).spend()
    return json_response(200, answer)


def _access_token(token: str, client: Client, request: Request, server: Server) -> dict[str, object]:
    verified = read_access_token(token, request.issuer, server)
    if verified is None:
        return _INACTIVE
    audience = verified.claims["aud"]
    is_its_business = verified.client_id == client.client_id or bool(
        client.introspects & frozenset([audience] if isinstance(audience, str) else audience)
    )
    if not is_its_business or not is_active(verified, server):
        return _INACTIVE
    claims = {name: value for name, value in verified.claims.items() if name not in ("status", "grant_id")}
    # The claim `cnf` tells which key the sender has to prove (RFC 9449 §6.2).
    return {"active": True, "token_type": "DPoP" if "cnf" in claims else "Bearer", **claims}


def _refresh_token(token: str, client: Client, server: Server) -> dict[str, object] | None:
    """What a refresh token is worth; None if it is not one. Asking never counts as using it."""
    refresh = parse_refresh_token(token)
    if refresh is None:
        return None
    grant = server.grants.find(refresh.grant_id)
    if (
        grant is None
        or grant.client_id != client.client_id
        or not is_digest_of(grant.family_digest, refresh.family)
        or not is_digest_of(grant.refresh_digest, refresh.secret)
        or not is_current(grant, server.clock())
    ):
        return _INACTIVE
    if not grant_stands(grant, client, server.accounts.find_account(grant.sub)):
        return _INACTIVE
    bound_to: dict[str, object] = {"cnf": {"jkt": grant.jkt}} if grant.jkt else {}
    return {
        "active": True,
        **bound_to,
        "client_id": grant.client_id,
        "sub": grant.sub,
        "scope": " ".join(grant.scope),
        "exp": min(grant.idle_expires_at, grant.absolute_expires_at),
    }


SERVER.prepare()
handler = endpoint(introspect, "POST", server=SERVER)
