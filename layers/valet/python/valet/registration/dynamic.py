"""A client registers itself (RFC 7591 §3).

Each step comes before a dearer one: the sender's own count, the rules, the invite as it is stored, the count of all,
and only then the two writes. So a stranger without an invite uses up nothing that others need.
"""

from typing import Protocol

from valet.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidToken,
    TooManyRequests,
    UnapprovedSoftwareStatement,
)
from valet.frozen import replace
from valet.handles import is_digest_of, new_id, parse_invite
from valet.models.unknown_clients import TOKEN, DynamicClient, Invite
from valet.people.throttling import network_of
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasAudit, HasClock, HasRandom, HasSettings
from valet.ports.throttles import HasThrottles
from valet.ports.unknown_clients import HasDynamicClients, HasInvites
from valet.protocol.redirect_uri import destination, is_loopback
from valet.registration.unknown_clients import Described, Unusable, parse_request, usable_redirect_uris

_HOUR, _DAY = 3600, 86_400
_OF_ADDRESS, _OF_ALL = 10, 1000  # registrations in an hour from one network, and in a day at this deployment
UNUSED_FOR = _DAY  # seconds that a client is kept which gets no token


class Ports(
    HasAudit, HasClock, HasDynamicClients, HasInvites, HasRandom, HasRegistry, HasSettings, HasThrottles, Protocol
):
    """The ports that a client registers through."""


def register(ports: Ports, body: bytes, token: str | None, source_ip: str) -> dict[str, object]:
    """The client information response (RFC 7591 §3.2.1): what was kept, which may be less than what was asked for.

    Raises InvalidClientMetadata, InvalidRedirectUri, UnapprovedSoftwareStatement, InvalidToken and TooManyRequests.
    """
    now = ports.clock()
    _count(ports, f"address#{network_of(source_ip)}", _HOUR, _OF_ADDRESS, now)
    told = _judged(body, ports)
    invite = _invite(ports, token, now) if ports.settings.client_registration == TOKEN else None
    _count(ports, "all", _DAY, _OF_ALL, now)
    client_id = f"dyn-{new_id(ports.random)}"
    if invite is not None and not ports.invites.spend_invite(invite, client_id, now):
        raise _not_invited()
    client = DynamicClient(client_id, told.as_json(), int(now), int(now) + UNUSED_FOR)
    if not ports.dynamic_clients.add(client):
        raise RuntimeError("two clients drew one id")
    by = f"invite {invite.invite_id}" if invite else "anybody"
    host = destination(told.redirect_uris[0])
    ports.audit.record("client.registered", client_id=client_id, host=host, by=by)
    return _answer(client, told)


def _judged(body: bytes, ports: Ports) -> Described:
    try:
        told = parse_request(body)
    except Unusable as unusable:
        why = f"{unusable}."
        if unusable.member == "redirect_uris":
            raise InvalidRedirectUri(why) from None
        if unusable.member == "software_statement":
            raise UnapprovedSoftwareStatement(why) from None
        raise InvalidClientMetadata(why) from None
    uris = usable_redirect_uris(told.redirect_uris, ports.registry.hosts())
    if not uris:
        raise InvalidRedirectUri(
            "None of the redirect_uris is an address of this computer, http://127.0.0.1/... or http://localhost/...,"
            " or of a host that this server trusts."
        )
    return replace(told, redirect_uris=uris)


def _invite(ports: Ports, token: str | None, now: float) -> Invite:
    """The invite that the token is, if it has a use left."""
    parsed = parse_invite(token or "")
    found = ports.invites.find_invite(parsed[0]) if parsed else None
    if parsed is None or found is None or not is_digest_of(found.secret_digest, parsed[1]):
        raise _not_invited()
    if found.expires_at <= now or len(found.spent) >= found.uses:
        raise _not_invited()
    return found


def _not_invited() -> InvalidToken:
    return InvalidToken("Registering needs an initial access token that an operator made, and that has a use left.")


def _count(ports: Ports, what: str, window: int, most: int, now: float) -> None:
    """Count the registration before it is made. Raises TooManyRequests."""
    number = int(now) // window
    ends_at = (number + 1) * window
    if ports.throttles.count(f"register#{what}#{number}", ends_at) > most:
        raise TooManyRequests("Too many clients have registered themselves.", retry_after=ends_at - int(now))


def _answer(client: DynamicClient, told: Described) -> dict[str, object]:
    has_loopback = any(map(is_loopback, told.redirect_uris))
    return {
        "client_id": client.client_id,
        "client_id_issued_at": client.registered_at,
        **({"client_name": told.client_name} if told.client_name else {}),
        "redirect_uris": list(told.redirect_uris),
        "grant_types": list(told.grant_types),
        "response_types": ["code"],
        # A secret that anybody gets would authenticate nobody.
        "token_endpoint_auth_method": "none",
        "application_type": "native" if has_loopback else "web",
    }
