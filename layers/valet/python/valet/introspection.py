"""Whether a token is good at this moment, by strong reads (RFC 7662 §2.2; userinfo uses it as well)."""

from typing import Protocol

from valet.authorization import REFERENCE_PREFIX
from valet.models.accounts import Account
from valet.models.grants import Grant
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.grants import HasGrants
from valet.ports.reference_tokens import HasReferenceTokens
from valet.ports.runtime import HasClock
from valet.ports.status_lists import HasStatusLists
from valet.standing import grant_stands
from valet.tokens import verify
from valet.tokens.status_index import BLOCK
from valet.tokens.verify import Verified


class Ports(HasRegistry, HasAccounts, HasGrants, HasStatusLists, Protocol):
    """The ports that tell whether a token is good."""


class Reading(HasRegistry, HasReferenceTokens, HasClock, Protocol):
    """The ports that read an access token."""


def read_access_token(token: str, issuer: str, ports: Reading) -> Verified | None:
    """The content of an access token of this issuer, a JWT or a reference, that has not expired; None for all else."""
    if not token.startswith(REFERENCE_PREFIX):
        return verify.verify_access_token(token, issuer, ports.registry.signing_keys(), ports.clock())
    # Few tokens are references: their module is imported for those only.
    from valet.tokens import reference

    claims = reference.find_claims(token, issuer, ports.reference_tokens, ports.clock())
    return verify.verified(claims) if claims is not None else None


def is_active(verified: Verified, ports: Ports) -> bool:
    """Whether a verified access token is still good: its client, its grant, its end-user, its status bit."""
    if verified.grant_id is not None:
        return find_active(verified, ports) is not None
    client = ports.registry.find_client(verified.client_id)
    if client is None or client.is_disabled:
        return False
    # Revoking all that a client holds sets the blocks of its tokens: these tokens have no grant to look at.
    return not ports.status_lists.is_in_range(verified.live, BLOCK) and not ports.status_lists.is_set(verified.live)


def find_active(verified: Verified, ports: Ports) -> tuple[Grant, Account] | None:
    """The grant and the end-user of the access token, if it is still good; None for a client's own token."""
    client = ports.registry.find_client(verified.client_id)
    grant = ports.grants.find(verified.grant_id) if client is not None and verified.grant_id is not None else None
    if client is None or grant is None or grant.revoked_at:
        return None
    account = ports.accounts.find_account(grant.sub)
    if account is None or not grant_stands(grant, client, account) or ports.status_lists.is_set(verified.live):
        return None
    return grant, account


def is_current(grant: Grant, now: float) -> bool:
    """Whether a grant's refresh token can still be used."""
    return not grant.revoked_at and min(grant.idle_expires_at, grant.absolute_expires_at) > now
