"""Access tokens, each with its place in a status list (Token Status List, §6): JWTs (RFC 9068), or references to the
same claims where the API is registered for these.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from valet.handles import new_id
from valet.models.accounts import Account
from valet.models.clients import Client, Scopes
from valet.models.grants import Grant, LiveToken
from valet.protocol.claims import roles_of
from valet.protocol.scope import ISSUERS_OWN, api_of
from valet.protocol.supported import JWT
from valet.settings import LONGEST_ACCESS_TOKEN, Settings
from valet.tokens import jws
from valet.tokens.issuance import Issuance

if TYPE_CHECKING:
    from valet.models.reference_tokens import ReferenceToken
    from valet.ports.reference_tokens import HasReferenceTokens

TYPE = "at+jwt"
# In one lifetime a grant takes at most so many places in status lists, and so many it remembers.
_PLACES = 15


def lifetime(scope: Sequence[str], known: Scopes, settings: Settings) -> int:
    """Seconds: what the token's API asks for, else the deployment's; never longer than keys are kept."""
    api = api_of(scope, known)
    if api is None or api.access_token_lifetime is None:
        return settings.access_token_lifetime
    return min(api.access_token_lifetime, LONGEST_ACCESS_TOKEN)


def signing_alg(audience: Sequence[str], known: Scopes) -> str:
    """The algorithm that the token's API is registered for; empty: the first lane of the key ring."""
    api = known.apis.get(audience[0])
    return api.access_token_signing_alg if api is not None else ""


def issue(
    claims: Mapping[str, object], issuance: Issuance, audience: Sequence[str], known: Scopes
) -> "tuple[str, ReferenceToken | None]":
    """The access token with these claims, in the form that its API is registered for; and, of a reference token, what
    has to be kept of it before the token is answered.
    """
    api = known.apis.get(audience[0])
    if api is None or api.access_token_format == JWT:
        return jws.sign(claims, TYPE, issuance.signer), None
    # Few APIs take reference tokens: their module is imported for those only.
    from valet.tokens import reference

    return reference.reference_to(claims, cast(int, claims["exp"]), issuance.random)


def keep(token: "ReferenceToken | None", ports: "HasReferenceTokens") -> None:
    """Keep what a reference token stands for, if it is one: before anything is spent for it, and after the last
    signature. Raises TemporarilyUnavailable.
    """
    if token is not None:
        from valet.tokens import reference

        reference.keep(token, ports.reference_tokens)


def claims_for_user(
    issuance: Issuance,
    grant: Grant,
    account: Account,
    scope: Sequence[str],
    audience: Sequence[str],
    known: Scopes,
    live: LiveToken,
) -> dict[str, object]:
    """The claims of an access token for the end-user of `grant`."""
    claims: dict[str, object] = {
        **_claims(issuance, grant.client_id, grant.sub, scope, audience, live),
        "auth_time": grant.auth_time,
        **({"amr": list(grant.amr)} if grant.amr else {}),
        "grant_id": grant.grant_id,
    }
    if grant.acr:  # a sign-in by joining with a passkey reaches no level
        claims["acr"] = grant.acr
    # Roles are what the end-user has; a token for one API tells that API its own, and nobody else.
    api = api_of(scope, known)
    is_for_api = api is not None and api.audience in audience and set(scope) - ISSUERS_OWN
    roles = sorted(roles_of(account, grant) & api.roles) if api is not None and is_for_api else []
    if roles:
        claims["roles"] = roles
    return claims


def claims_for_client(
    issuance: Issuance,
    client: Client,
    scope: Sequence[str],
    audience: Sequence[str],
    live: LiveToken,
) -> dict[str, object]:
    """The claims of an access token for a client on its own behalf: its `sub` is the client (RFC 9068 §2.2)."""
    return _claims(issuance, client.client_id, client.client_id, scope, audience, live)


def _claims(
    issuance: Issuance,
    client_id: str,
    sub: str,
    scope: Sequence[str],
    audience: Sequence[str],
    live: LiveToken,
) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": issuance.issuer,
        "sub": sub,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": client_id,
        "iat": int(issuance.now),
        "exp": live.exp,
        "jti": new_id(issuance.random),
        "scope": " ".join(scope),
        "status": {"status_list": {"idx": live.idx, "uri": f"{issuance.issuer}/status-lists/{live.list_id}"}},
    }
    if issuance.jkt:
        claims["cnf"] = {"jkt": issuance.jkt}
    return claims


def still_live(live: Sequence[LiveToken], now: float) -> tuple[LiveToken, ...]:
    """Those that have not expired."""
    return tuple(token for token in live if token.exp > now)


def place_to_share(live: Sequence[LiveToken], lifetime: int, now: float) -> LiveToken | None:
    """The live token whose place in a status list the grant's next token takes as well; None: a place of its own.

    A later revocation must reach every token, and the grant remembers fifteen places: so what is bounded is the number
    of places, not of tokens. A place is shared while more than 14/15 of the lifetime are left to it. Each new place
    then expires at least 1/15 of the lifetime after the one before it: with one lifetime, no more than fifteen are
    alive. Tokens for other parts of the scope may have other lifetimes and take more places. With fifteen alive, the
    place that lasts longest is shared in any case; 14/15 of the shortest of these lifetimes are left to it at least.
    """
    longest = max(live, key=lambda token: token.exp, default=None)
    if longest is None or len(live) >= _PLACES:
        return longest
    return longest if longest.exp - int(now) > lifetime * 14 // 15 else None
