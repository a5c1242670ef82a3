"""Claims about the end-user: by scope, and by the parameter `claims` (OpenID Connect Core §5.4, §5.5).

A client is told a claim that it asked for singly if it may ask for the claim's scope, and the consent page asks the
end-user for that scope: docs/decisions/claims.md.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from valet.errors import InvalidRequest, UnmetAuthenticationRequirements
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.clients import Client, Scopes
from valet.models.grants import Grant
from valet.models.saved_requests import AuthorizationRequest
from valet.protocol.scope import ISSUERS_OWN, closure
from valet.protocol.supported import ACR_VALUES, CLAIMS_OF_SCOPE, ID_TOKEN_CLAIMS

# Claims that no client may find the roles in: those of our tokens, and others that libraries act upon (IANA's registry
# of JSON Web Token Claims).
TAKEN_CLAIMS = frozenset(
    {
        *ID_TOKEN_CLAIMS,
        *(claim for claims in CLAIMS_OF_SCOPE.values() for claim in claims if claim != "roles"),
        *("act", "azp", "c_hash", "client_id", "cnf", "events", "grant_id", "jti", "may_act", "nbf", "s_hash", "scope"),
        *("status", "sub_id", "sub_jwk", "token_introspection", "typ", "verified_claims"),
    }
)

_MAXIMUM = 2048  # bytes of the parameter
_LONGEST_SUB = 255  # ASCII characters (§2)
_ROLES = "roles"
_SCOPE_OF = {claim: scope for scope, claims in CLAIMS_OF_SCOPE.items() for claim in claims}
# A claim that says something about another one goes with it.
_ABOUT = {"email_verified": "email", "phone_number_verified": "phone_number"}
_MEMBERS = ("userinfo", "id_token")


class ClaimsRequest(Frozen):
    """What the parameter `claims` asks for."""

    userinfo: tuple[str, ...] = ()
    id_token: tuple[str, ...] = ()
    subs: tuple[str, ...] = ()  # the end-user must be one of them; empty: any
    acr_values: tuple[str, ...] = ()  # the sign-in must be one of them; empty: any


def parse_claims(value: str, client: Client, known: Scopes) -> ClaimsRequest:
    """The claims that the client may be told, of those that it asks for. Members that nobody understands are ignored.

    Raises InvalidRequest for what is malformed, and UnmetAuthenticationRequirements for an essential acr that no
    sign-in can have (§5.5.1.1).
    """
    asked = _parsed(value)
    # A client that calls the claim roles by another name asks for it by that name.
    names = {name: name for name in _SCOPE_OF if name != _ROLES} | {client.roles_claim: _ROLES}
    told = {}
    for member, claims in asked.items():
        found = {names[name] for name in claims if name in names}
        for name in claims.keys() & {*names, "sub", "acr"}:
            _check(claims[name])
        told[member] = allowed(found, client, known)
    return ClaimsRequest(**told, subs=_subs(asked), acr_values=_acr_values(asked["id_token"]))


def allowed(claims: Iterable[str], client: Client, known: Scopes) -> tuple[str, ...]:
    """Those of the claims whose scope the client may ask for, sorted."""
    may_ask = closure(client.scope, known) if claims else ()
    return tuple(sorted(claim for claim in claims if _SCOPE_OF.get(claim) in may_ask))


def consent_scope(request: AuthorizationRequest) -> frozenset[str]:
    """What the end-user is asked for: the scope, and the scopes of the claims that the client asked for singly."""
    claims = (*request.userinfo_claims, *request.id_token_claims)
    return frozenset((*request.scope, *(_SCOPE_OF[claim] for claim in claims if claim in _SCOPE_OF)))


def for_id_token(
    account: Account, grant: Grant, scope: Iterable[str], client: Client, known: Callable[[], Scopes]
) -> dict[str, object]:
    """The claims about the end-user in an ID token: of the scopes that the client is registered to find there."""
    if not (client.id_token_claims or grant.id_token_claims):
        return {}
    return _told(account, grant, client.id_token_claims.intersection(scope), grant.id_token_claims, client, known)


def for_userinfo(
    account: Account, grant: Grant, scope: Iterable[str], client: Client, known: Callable[[], Scopes]
) -> dict[str, object]:
    """The claims at the userinfo endpoint, but for the `sub`."""
    return _told(account, grant, scope, grant.userinfo_claims, client, known)


def roles_of(account: Account, grant: Grant) -> frozenset[str]:
    """The end-user's roles: those that operators gave, and those that another provider's word gave at the sign-in that
    the grant comes from. These count only while the account names the identity that the provider told of.
    """
    return account.roles | grant.roles if grant.roles and grant.link in account.links else account.roles


def roles_for(account: Account, grant: Grant, client: Client, known: Scopes) -> list[str]:
    """The end-user's roles that a client is told: those registered for it, and those of the APIs that it may call.

    The access tokens for these APIs tell it the roles as well. A scope of the issuer makes no client a caller of an API
    that names it.
    """
    may_ask = set(closure(client.scope, known)) - ISSUERS_OWN
    told = client.roles.union(*(api.roles for api in known.apis.values() if api.scopes & may_ask))
    return sorted(roles_of(account, grant) & told)


def _told(
    account: Account,
    grant: Grant,
    scopes: Iterable[str],
    singly: tuple[str, ...],
    client: Client,
    known: Callable[[], Scopes],
) -> dict[str, object]:
    names = [claim for scope in scopes for claim in CLAIMS_OF_SCOPE.get(scope, ())]
    if singly:
        # The registration may have changed since the grant.
        names += allowed(singly, client, known())
    claims: dict[str, object] = {}
    for name in names:
        if name == _ROLES:
            claims[client.roles_claim] = roles_for(account, grant, client, known())
        elif name not in _ABOUT or getattr(account, _ABOUT[name]):
            claims[name] = _value(account, name)
    # An empty claim is left out (§5.3.2); false says something.
    return {name: value for name, value in claims.items() if value or value is False}


def _value(account: Account, name: str) -> object:
    if name == "preferred_username":
        return account.username
    if name == "address":
        return {member: value for member, value in vars(account.address).items() if value}
    value: object = getattr(account, name)
    return value


def _parsed(value: str) -> dict[str, dict[str, Any]]:
    """The members userinfo and id_token, each an object; empty where there is none."""
    if len(value.encode()) > _MAXIMUM:
        raise InvalidRequest(f"The parameter claims has at most {_MAXIMUM} bytes.")
    try:
        asked = json.loads(value, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise InvalidRequest("The parameter claims is not a JSON object, or has a member twice.") from None
    if not isinstance(asked, dict):
        raise InvalidRequest("The parameter claims is not a JSON object.")
    members = {member: asked.get(member, {}) for member in _MEMBERS}
    for member, claims in members.items():
        if not isinstance(claims, dict):
            raise InvalidRequest(f"The member {member} of the parameter claims is not a JSON object.")
    return members


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is there twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _check(request: Any) -> None:
    """Raises InvalidRequest unless it is null or an object with well-formed members (§5.5.1)."""
    if request is None:
        return
    is_right = (
        isinstance(request, dict)
        and isinstance(request.get("essential", False), bool)
        and not {"value", "values"} <= request.keys()
        and isinstance(request.get("values", [None]), list)
        and request.get("values") != []
    )
    if not is_right:
        raise InvalidRequest(
            "Each claim in the parameter claims is null, or an object with essential (true or false) and either value "
            "or values (an array that is not empty)."
        )


def _values(request: Mapping[str, Any] | None) -> list[Any] | None:
    """The values that the claim may have; None: any."""
    if request is None:
        return None
    return [request["value"]] if "value" in request else request.get("values")


def _subs(asked: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Who the end-user must be (§3.1.2.2, §5.5.1), whichever member names them."""
    named = [subs for claims in asked.values() if (subs := _values(claims.get("sub"))) is not None]
    for sub in (sub for subs in named for sub in subs):
        if not (isinstance(sub, str) and sub.isascii() and sub.isprintable() and 0 < len(sub) <= _LONGEST_SUB):
            raise InvalidRequest("A sub in the parameter claims is no sub of this server.")
    if not named:
        return ()
    in_all = set[str](named[0]).intersection(*named)
    if not in_all:
        raise InvalidRequest("The members of the parameter claims name different subs.")
    return tuple(sorted(in_all))


def _acr_values(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """What the acr must be (§5.5.1.1). A voluntary one asks for nothing: the client reads what it got."""
    request = claims.get("acr")
    values = _values(request) if request and request.get("essential") else None
    if values is None:
        return ()
    met = tuple(acr for acr in ACR_VALUES if acr in values)
    if not met:
        raise UnmetAuthenticationRequirements("No sign-in at this server has an acr that the parameter claims names.")
    return met
