"""When the document of a client is fetched anew (draft-ietf-oauth-client-id-metadata-document-01 §4.3, §4.4).

A new request at /authorize wants a fresh one. Nothing on the way back from it fetches: a page may stand open for longer
than its client's document is fresh. /token takes an older one, because the grant says what was allowed.
"""

from typing import Protocol

from valet.errors import InvalidRequest, TemporarilyUnavailable, quoted
from valet.models.unknown_clients import Document
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasClock, HasSettings
from valet.ports.unknown_clients import HasDocuments, Outcome
from valet.protocol.supported import PRIVATE_KEY_JWT
from valet.registration.unknown_clients import host_of, is_allowed, is_document_url, parse_kept

_DAY = 86_400  # seconds that a document serves which cannot be fetched again
_WAITS = {Outcome.BOUNDED: 60, Outcome.BUSY: 5, Outcome.UNAVAILABLE: 1}  # seconds


class Ports(HasClock, HasDocuments, HasRegistry, HasSettings, Protocol):
    """The ports that a document is fetched by."""


def freshen(ports: Ports, client_id: str, source_ip: str) -> None:
    """Before a new authorization request: have the document fetched, unless a fresh one is stored.

    Raises InvalidRequest and TemporarilyUnavailable, for a page, if none is stored that may serve. A client_id of
    another kind is none of this function's business.
    """
    if not _may_be_fetched(ports, client_id):
        return
    found, now = ports.documents.find(client_id), ports.clock()
    if found is not None and found.body and now < found.fresh_until:
        return
    outcome, detail = _refreshed(ports, client_id, source_ip)
    if outcome is Outcome.FETCHED or (found is not None and _serves(found, outcome, now)):
        return
    if outcome in _WAITS:
        why = "The document of this client cannot be fetched at the moment. Please try again."
        raise TemporarilyUnavailable(why, detail=detail, retry_after=_WAITS[outcome])
    raise InvalidRequest(f"The client_id {quoted(client_id)} is the address of a document that {_WHY[outcome]}.")


def freshen_for_token(ports: Ports, client_id: str, source_ip: str) -> None:
    """Before a token request: have the document fetched if the stored one is older than a day, or, for a client that
    signs, not fresh. If none comes, what is stored serves, or the client is not found.
    """
    if not _may_be_fetched(ports, client_id):
        return
    found, now = ports.documents.find(client_id), ports.clock()
    if found is None or not found.body:
        return
    wants_keys = parse_kept(found.body).token_endpoint_auth_method == PRIVATE_KEY_JWT
    if now > (found.fresh_until if wants_keys else found.fetched_at + _DAY):
        _refreshed(ports, client_id, source_ip)


_WHY = {
    Outcome.GONE: "is not there any more, or is that of another client",
    Outcome.REFUSED: "breaks a rule of this server",
    Outcome.UNREACHABLE: "could not be fetched",
}


def _may_be_fetched(ports: Ports, client_id: str) -> bool:
    mode = ports.settings.client_id_metadata
    if mode == "off" or not is_document_url(client_id, is_local=ports.settings.is_plain_http):
        return False
    return is_allowed(host_of(client_id), ports.registry.hosts(), mode)


def _refreshed(ports: Ports, client_id: str, source_ip: str) -> tuple[Outcome, str]:
    """What became of the fetch, and for the log why nothing did."""
    is_trusted = host_of(client_id) in ports.registry.hosts().trusted
    try:
        return ports.documents.refresh(client_id, source_ip, is_trusted=is_trusted), ""
    except TemporarilyUnavailable as failure:
        return Outcome.UNAVAILABLE, failure.detail


def _serves(found: Document, outcome: Outcome, now: float) -> bool:
    """Whether a stored document serves although it could not be fetched again."""
    return outcome is not Outcome.GONE and bool(found.body) and now - found.fetched_at <= _DAY
