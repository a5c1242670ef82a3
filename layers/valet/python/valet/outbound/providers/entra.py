"""Microsoft Entra ID, for one tenant or for several (learn.microsoft.com/entra/identity-platform).

Any tenant's administrator may write any address into an account ("nOAuth"), so Entra's `email` proves nothing by
itself. `xms_edov` does, an optional claim of the app registration: the address is of a domain that the account's tenant
has verified. A tenant that is registered alone also proves the addresses of the provider's `domains`, by the operator's
word.
"""

import re
from collections.abc import Mapping

from valet.errors import UpstreamRefused
from valet.models.providers import TENANT, Identity, Provider
from valet.outbound.providers import oidc, told
from valet.outbound.providers.exchange import Exchange
from valet.outbound.providers.id_token import Claims

_TRUE = (True, "true", "1")  # the claim is documented as a boolean, and comes as text or number too; True equals 1
_TENANT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def parameters(asked: Mapping[str, str]) -> Mapping[str, str]:
    return asked


def redeem(provider: Provider, secret: bytes, exchange: Exchange) -> Identity:
    def issuer_of(claims: Claims) -> str:
        return _issuer(provider, claims)

    claims = oidc.claims_of(provider, secret.decode(), exchange, issuer_of)
    return told.identity(
        provider, claims, exchange.now, issuer=_issuer(provider, claims), email=_email(provider, claims)
    )


def _issuer(provider: Provider, claims: Claims) -> str:
    """The issuer of the account's tenant. Raises UpstreamRefused for a tenant whose people may not sign in."""
    if TENANT not in provider.issuer:
        return provider.issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not _TENANT_ID.fullmatch(tenant) or tenant not in provider.tenants:
        raise UpstreamRefused("tid: a tenant whose people may not sign in")
    return provider.issuer.replace(TENANT, tenant)


def _email(provider: Provider, claims: Claims) -> str:
    if "xms_edov" in claims:
        return told.address(claims, is_proven=claims["xms_edov"] in _TRUE)
    email = told.address(claims, is_proven=TENANT not in provider.issuer)
    return email if email and told.is_of_a_domain(email, provider) else ""
