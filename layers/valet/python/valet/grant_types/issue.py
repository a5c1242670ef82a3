"""What every grant type is given, and the pieces that they share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from valet.errors import InvalidScope
from valet.http import Parameters
from valet.models import Account, Client, Grant, LiveToken, Tokens
from valet.ports import Accounts, Audit, Clock, Grants, Random, Registry, Signers, StatusLists
from valet.protocol.scope import OPENID, audience
from valet.settings import Settings
from valet.tokens import access_token, id_token
from valet.tokens.jws import current_signer
from valet.tokens.status_index import StatusIndices


class Outside(Protocol):
    """The ports that a grant type may use."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def random(self) -> Random: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def status_lists(self) -> StatusLists: ...
    @property
    def status_indices(self) -> StatusIndices: ...
    @property
    def signers(self) -> Signers: ...
    @property
    def audit(self) -> Audit: ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One token request, after its client was authenticated."""

    client: Client
    form: Parameters
    issuer: str
    now: float
    source_ip: str = ""
    user_agent: str = ""


def sign_tokens(
    exchange: Exchange,
    outside: Outside,
    grant: Grant,
    account: Account,
    scope: Sequence[str],
    live: LiveToken,
    *,
    is_first: bool,
) -> Tokens:
    """The access token of one generation, and the ID token where one belongs to it. Raises InvalidScope.

    Whoever answers for the generation uses its index and its `exp`. A refresh gives an ID token to clients that are
    registered so, and without the nonce, which was the authorization request's (OpenID Connect Core §12.2).
    """
    known = outside.registry.scopes()
    signer = current_signer(outside.registry, outside.signers)
    allowed = [aud for aud in audience(scope, known, exchange.issuer) if aud in (*grant.aud, exchange.issuer)]
    if not allowed:
        raise InvalidScope("Nothing is left of the scope that was granted.")
    token = access_token.sign_for_user(
        grant,
        account,
        scope,
        allowed,
        known,
        live,
        issuer=exchange.issuer,
        now=exchange.now,
        random=outside.random,
        signer=signer,
    )
    tokens = Tokens(access_token=token, expires_in=max(0, live.exp - int(exchange.now)), scope=tuple(scope))
    if OPENID not in scope or not (is_first or exchange.client.id_token_on_refresh):
        return tokens
    signed = id_token.sign(
        grant,
        token,
        issuer=exchange.issuer,
        now=exchange.now,
        lifetime=outside.settings.id_token_lifetime,
        signer=signer,
        with_nonce=is_first,
    )
    return replace(tokens, id_token=signed)


def ends_at(grant: Grant, live: Sequence[LiveToken]) -> int:
    """DynamoDB's TTL: the last moment at which the grant can matter, and a day."""
    return max(grant.absolute_expires_at, *(token.exp for token in live)) + 86_400
