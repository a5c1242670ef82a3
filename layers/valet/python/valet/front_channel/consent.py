"""What an end-user is asked to allow, and what of it is remembered."""

from collections.abc import Iterable

from valet.errors import InvalidScope
from valet.front_channel.interaction import is_remembered
from valet.models.accounts import Consent
from valet.models.clients import Client, Scopes
from valet.models.saved_requests import AuthorizationRequest
from valet.ports.accounts import Consents
from valet.protocol.scope import narrowed_scope


def remaining_scope(asked: Iterable[str], client: Client, known: Scopes) -> tuple[str, ...]:
    """What is left of a saved request's scope. Raises InvalidScope where nothing is."""
    scope = narrowed_scope(asked, client, known)
    if not scope:
        raise InvalidScope("Nothing is left of the scope that was asked for.")
    return scope


def remember(request: AuthorizationRequest, client: Client, sub: str, consents: Consents, now: float) -> None:
    """Keep what was allowed, where it may stand in for the next time."""
    if is_remembered(request, client):
        consents.remember_consent(Consent(sub, client.client_id, frozenset(request.scope), int(now)))
