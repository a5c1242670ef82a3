"""What of a provider's claims becomes an Identity, by the rules of the provider's record."""

import re
from collections.abc import Mapping

from valet.models.providers import Identity, Provider
from valet.protocol.supported import UPSTREAM_ACR, rank

# RFC 8176 §2, and `pop` (OpenID Connect EAP ACR Values). What else a provider says is its own private word.
AMR = frozenset(
    (
        "face", "fpt", "geo", "hwk", "iris", "kba", "mca", "mfa", "otp", "pin", "pop", "pwd", "rba", "retina", "sc",
        "sms", "swk", "tel", "user", "vbm", "wia",
    )
)  # fmt: skip

_LONGEST_NAME = 100
# ASCII alone: addresses are compared by what they look like, and another mailbox may look like this one.
_ADDRESS = re.compile(r"[!-?A-~]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
_LONGEST_ADDRESS = 254
_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,6}")


def identity(
    provider: Provider,
    claims: Mapping[str, object],
    now: float,
    *,
    issuer: str = "",
    email: str = "",
    is_authoritative: bool = False,
) -> Identity:
    """The person of verified claims. `issuer`: theirs, if it is not the provider's. `email` is an address that the
    provider has proven; any other is not told.
    """
    told = amr_of(claims)
    return Identity(
        issuer=issuer or provider.issuer,
        subject=str(claims["sub"]),
        email=email,
        is_authoritative=bool(email) and (is_authoritative or is_of_a_domain(email, provider)),
        name=_name(claims, "name"),
        given_name=_name(claims, "given_name"),
        family_name=_name(claims, "family_name"),
        locale=_locale(claims),
        roles=_roles(provider, claims),
        acr=_acr(provider, claims, told),
        amr=tuple(each for each in told if each in AMR),
        auth_time=_auth_time(claims, now),
    )


def address(claims: Mapping[str, object], *, is_proven: bool) -> str:
    """The address of the claims, as they write it; empty if it is not proven, or no address that a mail reaches."""
    found = claims.get("email")
    if not is_proven or not isinstance(found, str) or len(found) > _LONGEST_ADDRESS:
        return ""
    return found if _ADDRESS.fullmatch(found) else ""


def domain_of(email: str) -> str:
    return email.rpartition("@")[2].lower()


def is_of_a_domain(email: str, provider: Provider) -> bool:
    """Whether the provider alone gives out the address, by the operator's word."""
    return domain_of(email) in provider.domains


def amr_of(claims: Mapping[str, object]) -> list[str]:
    found = claims.get("amr")
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _acr(provider: Provider, claims: Mapping[str, object], amr: list[str]) -> str:
    """The highest level that the operator's rules give to what the provider said."""
    said = {str(claims.get("acr", "")), *amr}
    levels = [acr for value, _, acr in (each.rpartition("=") for each in provider.acr_values) if value in said]
    return max((UPSTREAM_ACR, *levels), key=rank)


def _roles(provider: Provider, claims: Mapping[str, object]) -> frozenset[str]:
    found = claims.get(provider.roles_claim) if provider.roles_claim else None
    values = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    said = {each for each in values if isinstance(each, str)}
    return frozenset(role for value, _, role in (each.rpartition("=") for each in provider.roles) if value in said)


def _name(claims: Mapping[str, object], member: str) -> str:
    found = claims.get(member)
    if not isinstance(found, str):
        return ""
    name = " ".join(found.split())
    return name if name.isprintable() and len(name) <= _LONGEST_NAME else ""


def _locale(claims: Mapping[str, object]) -> str:
    found = claims.get("locale")
    return found if isinstance(found, str) and _LOCALE.fullmatch(found) else ""


def _auth_time(claims: Mapping[str, object], now: float) -> int | None:
    found = claims.get("auth_time")
    if not isinstance(found, (int, float)) or isinstance(found, bool) or found <= 0:
        return None
    return min(int(found), int(now))  # the provider's clock may be ahead
