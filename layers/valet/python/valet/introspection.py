"""Whether a token is good at this moment, by strong reads (RFC 7662 §2.2; userinfo asks it as well)."""

from typing import Protocol

from valet.models.accounts import Account
from valet.models.grants import Grant
from valet.ports.accounts import Accounts
from valet.ports.clients import Registry
from valet.ports.grants import Grants
from valet.ports.status_lists import StatusLists
from valet.standing import grant_stands
from valet.tokens.status_index import BLOCK
from valet.tokens.verify import Verified


class Outside(Protocol):
    """The ports that tell."""

    @property
    def registry(self) -> Registry: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def status_lists(self) -> StatusLists: ...


def is_active(verified: Verified, outside: Outside) -> bool:
    """Whether an access token, verified before, still stands: its client, its grant, its end-user, its status bit."""
    if verified.grant_id is not None:
        return find_active(verified, outside) is not None
    client = outside.registry.find_client(verified.client_id)
    if client is None or client.is_disabled:
        return False
    # Revoking all that a client holds sets the blocks of its tokens; there is no grant that would tell.
    return not outside.status_lists.is_in_range(verified.live, BLOCK) and not outside.status_lists.is_set(verified.live)


def find_active(verified: Verified, outside: Outside) -> Account | None:
    """The end-user whose access token this is, if it still stands; None for a client's own."""
    client = outside.registry.find_client(verified.client_id)
    grant = outside.grants.find(verified.grant_id) if client is not None and verified.grant_id is not None else None
    if client is None or grant is None or grant.revoked_at:
        return None
    account = outside.accounts.find_account(grant.sub)
    if not grant_stands(grant, client, account) or outside.status_lists.is_set(verified.live):
        return None
    return account


def is_current(grant: Grant, now: float) -> bool:
    """Whether a grant's refresh token can still be used."""
    return not grant.revoked_at and min(grant.idle_expires_at, grant.absolute_expires_at) > now
