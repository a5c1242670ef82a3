"""Google (developers.google.com/identity/openid-connect).

`hd` is the organization whose account it is. Google gives out the address of such an account and of gmail.com; with any
other it tells only that the person once got a mail there.
"""

from collections.abc import Mapping

from valet.errors import UpstreamRefused
from valet.models.providers import Identity, Provider
from valet.outbound.providers import oidc, told
from valet.outbound.providers.exchange import Exchange

_GMAIL = ("gmail.com", "googlemail.com")


def parameters(asked: Mapping[str, str]) -> Mapping[str, str]:
    """Google knows no prompt=login: the choice of an account is as near as it gets."""
    return {**asked, "prompt": "select_account" if asked["prompt"] else ""}


def redeem(provider: Provider, secret: bytes, exchange: Exchange) -> Identity:
    claims = oidc.claims_of(provider, secret.decode(), exchange, lambda _: provider.issuer)
    organization = str(claims.get("hd", ""))
    if provider.tenants and organization not in provider.tenants:
        raise UpstreamRefused("hd: an account of no organization that may sign in")
    email = told.address(claims, is_proven=claims.get("email_verified") is True)
    is_authoritative = bool(organization) or told.domain_of(email) in _GMAIL
    return told.identity(provider, claims, exchange.now, email=email, is_authoritative=is_authoritative)
