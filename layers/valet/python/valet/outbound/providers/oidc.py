"""Any OpenID Provider, by the letter of OpenID Connect Core: Okta, Keycloak, Auth0, another Valet.

It proves an address by `email_verified`, which has to be true. Without that claim the address is not proven.
"""

from collections.abc import Callable, Mapping

from valet.errors import UpstreamRefused
from valet.models.providers import Identity, Provider
from valet.outbound.providers import exchange as exchanging
from valet.outbound.providers import id_token, told
from valet.outbound.providers.exchange import Exchange
from valet.outbound.providers.id_token import Claims

_ADDRESS = ("email", "email_verified")  # always of one source: each says something of the address next to it
# Of the UserInfo response only these count: who the person is, and how they signed in, the ID token alone says.
_PROFILE = ("name", "given_name", "family_name", "locale")


def parameters(asked: Mapping[str, str]) -> Mapping[str, str]:
    return asked


def redeem(provider: Provider, secret: bytes, exchange: Exchange) -> Identity:
    claims = claims_of(provider, secret.decode(), exchange, lambda _: provider.issuer)
    email = told.address(claims, is_proven=claims.get("email_verified") is True)
    return told.identity(provider, claims, exchange.now, email=email)


def claims_of(provider: Provider, client_secret: str, exchange: Exchange, issuer_of: Callable[[Claims], str]) -> Claims:
    """The claims of the ID token, and what it lacks of the person from the UserInfo endpoint: an OpenID Provider may
    tell there alone what a scope asks for (§5.4), and Okta's tokens have an address without its proof.
    """
    answer = exchanging.tokens(provider, client_secret, exchange)
    claims = id_token.verified(provider, answer, exchange, issuer_of)
    is_short = "email" in provider.scope and not all(name in claims for name in _ADDRESS)
    lacks_roles = bool(provider.roles_claim) and provider.roles_claim not in claims
    if not provider.userinfo_endpoint or not (is_short or lacks_roles):
        return claims
    found = _userinfo(provider, claims, exchanging.text(answer, "access_token", "the token endpoint"), exchange)
    more = {name: found[name] for name in (*_PROFILE, provider.roles_claim) if name in found}
    if not is_short:
        return {**more, **claims}
    kept = {name: value for name, value in claims.items() if name not in _ADDRESS}
    return {**more, **kept, **{name: found[name] for name in _ADDRESS if name in found}}


def _userinfo(provider: Provider, claims: Claims, access_token: str, exchange: Exchange) -> Claims:
    what = "the UserInfo endpoint"
    headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
    found = exchanging.read(exchanging.asked(exchange, what, provider.userinfo_endpoint, headers), what)
    if found.get("sub") != claims["sub"]:  # §5.3.2
        raise UpstreamRefused(f"{what}: another sub")
    return found
