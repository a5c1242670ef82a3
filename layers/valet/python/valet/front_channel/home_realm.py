"""Which ways to sign in people are offered, and where the domain of their address leads ("home realm").

The domain alone decides. Whether anybody has an account is not looked at, so that nobody learns it (CVE-2026-4633).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlencode

from valet.front_channel.saved_requests import Saved
from valet.front_channel.sign_in import Elsewhere
from valet.front_channel.steps import HAS_ACCOUNT, NOT_FRESH, WHY
from valet.models.clients import Client
from valet.models.providers import LOCAL, Provider
from valet.pages.words import Sentence, variants
from valet.people.identifiers import normal_address
from valet.ports.clients import HasRegistry
from valet.ports.providers import HasProviders
from valet.protocol.account_visit import PROVIDERS
from valet.protocol.supported import MULTI_FACTOR_ACR, PASSWORD_ACR, UPSTREAM_ACR, reaches


class Ports(HasRegistry, HasProviders, Protocol):
    """The ports that say which ways there are."""


def elsewhere_for(ports: Ports, saved: Saved, parameters: Mapping[str, str], acr: str) -> Elsewhere:
    """The ways by other providers for the saved request, whose sign-in has to reach the level `acr`; empty: any."""
    client = ports.registry.find_client(saved.request.client_id) if saved.request.has_client else None
    every = ports.providers.providers()
    found = offered(every, client, acr)
    has_local = not found or client is None or not client.providers or LOCAL in client.providers
    return Elsewhere(
        buttons=tuple((variants(each, "name"), _path(each, saved.handle)) for each in found),
        has_local=has_local,
        # Somebody who has been sent here to sign in by means of this server must not be sent home again.
        asks_name_first=parameters.get("why") not in (HAS_ACCOUNT, NOT_FRESH) and any(each.domains for each in found),
        why=_why(parameters, every),
        account_page="" if has_local or parameters.get("why") != HAS_ACCOUNT else f"/account/{PROVIDERS}",
        straight_on=_straight_on(found, saved, has_local=has_local) if not acr and "why" not in parameters else "",
    )


def offered(providers: Iterable[Provider], client: Client | None, acr: str = "") -> tuple[Provider, ...]:
    """The providers that people may sign in with for the client, None for the account page."""
    return tuple(each for each in providers if is_offered(each, client) and _may_reach(each, acr))


def is_offered(provider: Provider, client: Client | None) -> bool:
    """Whether people may sign in with the provider for the client."""
    if provider.is_disabled or client is None:
        return not provider.is_disabled
    is_theirs = not provider.clients or client.client_id in provider.clients
    return is_theirs and (not client.providers or provider.provider_id in client.providers)


def to_home(ports: Ports, saved: Saved, name: str) -> str:
    """Where the domain of what a person typed leads; empty: nowhere else."""
    client = ports.registry.find_client(saved.request.client_id) if saved.request.has_client else None
    home = _home_of(name, offered(ports.providers.providers(), client))
    return _path(home, saved.handle, name) if home else ""


def mapped_levels(providers: Iterable[Provider]) -> frozenset[str]:
    """The levels that a provider's word may stand for, beyond that of every provider."""
    return frozenset(each.rpartition("=")[2] for provider in providers for each in provider.acr_values)


def _may_reach(provider: Provider, acr: str) -> bool:
    if acr == PASSWORD_ACR:  # nothing else is that
        return False
    if acr == MULTI_FACTOR_ACR:  # with a second factor after it
        return True
    return reaches(UPSTREAM_ACR, acr) or any(reaches(each, acr) for each in mapped_levels((provider,)))


def _home_of(name: str, providers: Sequence[Provider]) -> Provider | None:
    """The provider that the domain of what a person typed belongs to."""
    _, at, domain = normal_address(name).rpartition("@")
    return next((each for each in providers if at and domain in each.domains), None)


def _straight_on(providers: Sequence[Provider], saved: Saved, *, has_local: bool) -> str:
    """Where the browser is sent without a page: home, if the application names the end-user, or to the only way."""
    hint = saved.request.login_hint or ""
    if (home := _home_of(hint, providers)) is not None:
        return _path(home, saved.handle, hint)
    return _path(providers[0], saved.handle) if len(providers) == 1 and not has_local else ""


def _path(provider: Provider, handle: str, login_hint: str = "") -> str:
    asked = {"request": handle, **({"login_hint": login_hint} if login_hint else {})}
    return f"/federate/{provider.provider_id}?{urlencode(asked)}"


def _why(parameters: Mapping[str, str], providers: Iterable[Provider]) -> Sentence | None:
    """What the page says to somebody who has been at a provider."""
    why, named = parameters.get("why", ""), parameters.get("provider", "")
    found = next((each for each in providers if each.provider_id == named), None)
    return Sentence(f"sign_in.{why}", {"provider": variants(found, "name")}) if found and why in WHY else None
