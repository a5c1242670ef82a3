"""GitHub, which has no ID tokens (docs.github.com, "Authorizing OAuth apps"): its API tells who the person is.

The primary address counts if GitHub has proven it. GitHub tells no `auth_time`, so no sign-in there is known to be
fresh.
"""

from collections.abc import Mapping

from valet.errors import UpstreamRefused
from valet.jose import compact
from valet.jose.compact import Malformed
from valet.models.providers import Identity, Provider
from valet.outbound.providers import exchange as exchanging
from valet.outbound.providers import told
from valet.outbound.providers.exchange import Exchange

_SCOPE_OF_ADDRESSES = "user:email"


def parameters(asked: Mapping[str, str]) -> Mapping[str, str]:
    """In GitHub's words: `login` is the hint, and the choice of an account is as near as it gets to a fresh sign-in."""
    known = ("client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
    is_fresh = asked["prompt"] or asked["max_age"]
    return {
        **{name: asked[name] for name in known},
        "login": asked["login_hint"],
        "prompt": "select_account" if is_fresh else "",
    }


def redeem(provider: Provider, secret: bytes, exchange: Exchange) -> Identity:
    answer = exchanging.tokens(provider, secret.decode(), exchange)
    access_token = exchanging.text(answer, "access_token", "the token endpoint")
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {access_token}"}
    what = "the user's data"
    user = exchanging.read(exchanging.asked(exchange, what, provider.userinfo_endpoint, headers), what)
    number = user.get("id")
    if not isinstance(number, int) or isinstance(number, bool):  # `login` can be given up, and taken by another person
        raise UpstreamRefused(f"{what}: id is missing")
    claims = {"sub": str(number), "name": user.get("name") or user.get("login")}
    return told.identity(provider, claims, exchange.now, email=_email(provider, exchange, headers))


def _email(provider: Provider, exchange: Exchange, headers: Mapping[str, str]) -> str:
    if _SCOPE_OF_ADDRESSES not in provider.scope:
        return ""
    what = "the user's addresses"
    answer = exchanging.asked(exchange, what, f"{provider.userinfo_endpoint}/emails?per_page=100", headers)
    if answer.status != 200:  # a person may deny a GitHub App this permission
        return ""
    try:
        listed = compact.elements(answer.body)
    except Malformed as malformed:
        raise UpstreamRefused(f"{what}: {malformed}") from None
    primary = (each for each in listed if isinstance(each, dict) and each.get("primary") is True)
    return next((told.address(each, is_proven=each.get("verified") is True) for each in primary), "")
