"""The rules for other providers that people sign in with."""

import re
from collections.abc import Callable, Iterator

from valet.models.providers import LOCAL, TENANT, Provider
from valet.protocol.supported import ASSERTION_SIGNING_ALGS, MULTI_FACTOR_ACR, SECRET_METHODS
from valet.registration.addresses import refusal_of_provider_uri
from valet.registration.discovery import KINDS
from valet.registration.links import refusal_of_name
from valet.registration.rules import Wrong
from valet.registration.translations import wrong_with_translations

LINKS = ("off", "verified")

_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_CLIENT_ID = re.compile(r"[\x21-\x7e]{1,255}")
_SECRET = re.compile(rb"[\x21-\x7e]{1,1024}")
_APPLE = re.compile(r"[A-Z0-9]{10}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 §3.3
_CLAIM = re.compile(r"[\x21-\x7e]{1,100}")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENTRA = re.compile(
    r"https://login\.(microsoftonline\.com|microsoftonline\.us|partner\.microsoftonline\.cn)"
    r"/(\{tenantid\}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})/v2\.0"
)
_FIXED = {"google": "https://accounts.google.com", "apple": "https://appleid.apple.com"}
_LONGEST_ROLE = 256
_LONGEST_VALUE = 256


def wrong_with_provider(provider: Provider, *, is_local: bool = False) -> list[Wrong]:
    """Everything that is wrong with the provider. `is_local`: in the local stack, where it may be on this machine."""
    return [
        *_names(provider),
        *_issuer(provider),
        *_addresses(provider, is_local=is_local),
        *_client(provider),
        *_requests(provider),
        *_tenants(provider),
        *_people(provider),
        *_rules(provider),
    ]


def _names(provider: Provider) -> Iterator[Wrong]:
    if not _ID.fullmatch(provider.provider_id):
        form = "1 to 32 small letters, digits and hyphens: it is a part of the redirect URI"
        yield Wrong("provider_id", form, provider.provider_id)
    elif provider.provider_id == LOCAL:
        yield Wrong("provider_id", "this word stands for a sign-in here, without any provider", provider.provider_id)
    if not provider.name:
        yield Wrong("name", "people see it on a button")
    elif reason := refusal_of_name(provider.name):
        yield Wrong("name", reason, provider.name)
    if provider.kind not in KINDS:
        yield Wrong("kind", f"one of {', '.join(KINDS)}", provider.kind)
    for each in wrong_with_translations(provider.translations, {"name": refusal_of_name}):
        yield Wrong(*each)


def _issuer(provider: Provider) -> Iterator[Wrong]:
    issuer = provider.issuer
    if provider.kind == "entra":
        if not _ENTRA.fullmatch(issuer):
            reason = f"https://login.microsoftonline.com/, the tenant's number or {TENANT}, and /v2.0"
            yield Wrong("issuer", reason, issuer)
    elif provider.kind == "github":
        if not re.fullmatch(r"https://[a-z0-9.-]+/login/oauth", issuer):
            yield Wrong("issuer", "https://github.com/login/oauth, or that of another host", issuer)
    elif issuer != _FIXED.get(provider.kind, issuer):
        yield Wrong("issuer", _FIXED[provider.kind], issuer)
    elif "?" in issuer:  # Discovery §2; the addresses' own rule has the rest
        yield Wrong("issuer", "an address without a query", issuer)


def _addresses(provider: Provider, *, is_local: bool) -> Iterator[Wrong]:
    is_github = provider.kind == "github"
    needed = {
        "authorization_endpoint": True,
        "token_endpoint": True,
        "jwks_uri": not is_github,
        "userinfo_endpoint": is_github,
    }
    for member, is_needed in needed.items():
        uri: str = getattr(provider, member)
        if not uri and is_needed:
            yield Wrong(member, "missing")
        elif uri and (reason := refusal_of_provider_uri(uri, is_local=is_local)):
            yield Wrong(member, reason, uri)
    if is_github and provider.jwks_uri:
        yield Wrong("jwks_uri", "GitHub has no ID tokens", provider.jwks_uri)
    of_issuer = refusal_of_provider_uri(f"{provider.issuer}/", is_local=is_local)
    if provider.kind == "oidc" and of_issuer:
        yield Wrong("issuer", of_issuer, provider.issuer)


def _client(provider: Provider) -> Iterator[Wrong]:
    if not _CLIENT_ID.fullmatch(provider.client_id):
        yield Wrong("client_id", "1 to 255 visible ASCII characters, as the provider gave them", provider.client_id)
    if not provider.secret:
        yield Wrong("secret", "missing")
    if provider.token_endpoint_auth_method not in SECRET_METHODS:
        reason = f"one of {', '.join(SECRET_METHODS)}"
        yield Wrong("token_endpoint_auth_method", reason, provider.token_endpoint_auth_method)
    for member in ("key_id", "team_id"):
        value: str = getattr(provider, member)
        if provider.kind == "apple" and not _APPLE.fullmatch(value):
            yield Wrong(member, "ten capital letters and digits, as Apple shows them", value)
        elif provider.kind != "apple" and value:
            yield Wrong(member, "only Apple's", value)


def _requests(provider: Provider) -> Iterator[Wrong]:
    for name in provider.scope:
        if not _SCOPE.fullmatch(name):
            yield Wrong("scope", "visible ASCII characters, save quote and backslash", name)
    if "openid" not in provider.scope and provider.kind != "github":
        yield Wrong("scope", "openid is missing: without it there is no ID token (OpenID Connect Core section 3.1.2.1)")
    if not provider.algs:
        yield Wrong("algs", "there is none")
    for alg in provider.algs:
        if alg not in ASSERTION_SIGNING_ALGS:
            yield Wrong("algs", f"one of {', '.join(ASSERTION_SIGNING_ALGS)}", alg)


def _tenants(provider: Provider) -> Iterator[Wrong]:
    if provider.kind == "entra":
        is_for_several = TENANT in provider.issuer
        if is_for_several and not provider.tenants:
            yield Wrong("tenants", "name each tenant whose people may sign in: anybody can make one")
        if not is_for_several and provider.tenants:
            yield Wrong("tenants", "the issuer is one tenant's, so there is no other one")
        yield from _each(provider.tenants, "tenants", _TENANT, "a tenant's number, such as a UUID in small letters")
    elif provider.kind == "google":
        yield from _each(provider.tenants, "tenants", _DOMAIN, "an organization's domain in small letters")
    elif provider.tenants:
        yield Wrong("tenants", "only Entra and Google have any")


def _people(provider: Provider) -> Iterator[Wrong]:
    yield from _each(provider.domains, "domains", _DOMAIN, "a domain in small letters, such as example.com")
    if provider.links not in LINKS:
        yield Wrong("links", f"one of {', '.join(LINKS)}", provider.links)
    if provider.links == "verified" and not provider.domains and provider.kind != "google":
        yield Wrong("links", "name the domains whose addresses the provider alone gives out: no other one is linked")


def _rules(provider: Provider) -> Iterator[Wrong]:
    if provider.roles_claim and not _CLAIM.fullmatch(provider.roles_claim):
        yield Wrong("roles_claim", "1 to 100 visible ASCII characters", provider.roles_claim)
    if provider.roles and not provider.roles_claim:
        yield Wrong("roles", "name the claim that has their values")
    if provider.kind == "github" and provider.roles_claim:
        yield Wrong("roles_claim", "GitHub tells no claims")
    yield from _pairs(provider.roles, "roles", _is_role, "value=role: cn=staff,dc=example=employee, for instance")
    yield from _pairs(
        provider.acr_values,
        "acr_values",
        lambda acr: acr == MULTI_FACTOR_ACR,
        f"a value of its acr or amr, =, and {MULTI_FACTOR_ACR}",
    )


def _is_role(role: str) -> bool:
    return 0 < len(role) <= _LONGEST_ROLE and role.isprintable() and " " not in role


def _each(values: frozenset[str], member: str, form: re.Pattern[str], reason: str) -> Iterator[Wrong]:
    return (Wrong(member, reason, value) for value in sorted(values) if not form.fullmatch(value))


def _pairs(pairs: frozenset[str], member: str, is_good: Callable[[str], bool], reason: str) -> Iterator[Wrong]:
    for pair in sorted(pairs):
        value, _, given = pair.rpartition("=")
        if not 0 < len(value) <= _LONGEST_VALUE or not is_good(given):
            yield Wrong(member, reason, pair)


def refusal_of_secret(provider: Provider, secret: bytes) -> str | None:
    """Why it cannot be the provider's secret; None if it can. It is repeated nowhere."""
    if provider.kind == "apple":
        from valet.jose.p256 import private_key

        try:
            private_key(secret)
        except ValueError:
            return "the .p8 file that Apple gave out: a private key on P-256, in PEM"
        return None
    return None if _SECRET.fullmatch(secret) else "1 to 1024 visible ASCII characters, as the provider gave them"


def overlaps(providers: tuple[Provider, ...]) -> Iterator[tuple[str, list[Provider]]]:
    """The domains that more than one enabled provider is said to give out alone, with these providers."""
    enabled = [each for each in providers if not each.is_disabled]
    for domain in sorted(frozenset().union(*(each.domains for each in enabled))):
        owners = [each for each in enabled if domain in each.domains]
        if len(owners) > 1:
            yield domain, owners
