"""Whether a token is good at this moment, by strong reads (RFC 7662 §2.2; userinfo asks the same)."""

from typing import Protocol

from valet.models import Grant
from valet.ports import Grants, Registry, StatusLists
from valet.tokens.verify import Verified


class Outside(Protocol):
    """The ports that tell."""

    @property
    def registry(self) -> Registry: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def status_lists(self) -> StatusLists: ...


def is_active(verified: Verified, outside: Outside) -> bool:
    """Whether an access token, verified before, still stands: its client, its grant and its status bit."""
    client = outside.registry.find_client(verified.client_id)
    if client is None or client.is_disabled:
        return False
    issued_at_ms = verified.issued_at_ms
    if verified.grant_id is not None:
        grant = outside.grants.find(verified.grant_id)
        if grant is None or grant.revoked_at:
            return False
        issued_at_ms = grant.issued_at_ms
    return issued_at_ms >= client.grants_not_before_ms and not outside.status_lists.is_set(verified.live)


def is_current(grant: Grant, now: float) -> bool:
    """Whether a grant's refresh token can still be used."""
    return not grant.revoked_at and min(grant.idle_expires_at, grant.absolute_expires_at) > now
