"""Where a browser goes that comes back from another provider, and what a person reads who cannot go on."""

from typing import Protocol

from valet.errors import UpstreamRefused, quoted
from valet.front_channel.arriving import Arrived
from valet.front_channel.proving import UPSTREAM
from valet.front_channel.saved_requests import Saved
from valet.front_channel.steps import HAS_ACCOUNT, back_to_authorize, to_sign_in_page
from valet.front_channel.trips import client_of, redirect_uri
from valet.frozen import replace
from valet.http import Parameters, Request, Response, add_to_query, page, redirect
from valet.models.providers import Provider
from valet.pages import messages
from valet.pages.messages import WayOn
from valet.pages.words import variants
from valet.people.linking import Case, Why
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasAudit
from valet.protocol.account_visit import PROVIDERS, address

# What a provider's answer may have for us (RFC 6749 §4.1.2, RFC 9207 §2). Its own words about an error are not read.
_ANSWER = ("state", "code", "iss", "error")
_LINKED = (Case.SIGN_IN, Case.LINK, Case.CREATE)


class Ports(HasRegistry, HasAudit, Protocol):
    """The ports that a refusal uses."""


def to_get(request: Request, provider: Provider, parameters: Parameters) -> Response:
    """The redirect after an answer that came by a form of the provider (OAuth 2.0 Form Post Response Mode).

    Such a form carries no cookies of this server (SameSite=Lax); the GET carries them.
    """
    answer = {name: parameters.get(name) for name in _ANSWER}
    return redirect(add_to_query(redirect_uri(request.issuer, provider.provider_id), answer))


def is_denial(parameters: Parameters) -> bool:
    """Whether the end-user said no at the provider (RFC 6749 §4.1.2.1). Raises UpstreamRefused for any other error."""
    error = parameters.get("error", "")
    if error and error != "access_denied":
        raise UpstreamRefused(f"the provider answered {quoted(error)}")
    return bool(error)


def onward(ports: Ports, request: Request, saved: Saved, provider: Provider, arrived: Arrived) -> Response:
    """What comes next: a redirect, or a page that says why nobody goes on."""
    if arrived.case in _LINKED:
        return back_to_authorize(saved, request.issuer, proven_by=UPSTREAM)
    if arrived.case is Case.HAS_ACCOUNT:
        return to_sign_in_page(saved, request.issuer, provider.provider_id, HAS_ACCOUNT)
    if arrived.case is Case.ASK:
        return redirect(f"{address(request.issuer, PROVIDERS)}?request={saved.handle}")
    return refuse(ports, request, saved, provider, "", arrived.why)


def back(saved: Saved, provider: Provider, why: str, issuer: str) -> Response:
    """The redirect to the page at which the trip began, which says why it came to nothing."""
    if saved.request.links_to:
        about = {"provider": provider.provider_id, "why": why}
        return redirect(add_to_query(address(issuer, PROVIDERS), about))
    return to_sign_in_page(saved, issuer, provider.provider_id, why)


def refuse(
    ports: Ports, request: Request, saved: Saved | None, provider: Provider, detail: str, why: Why | None = None
) -> Response:
    """Record it, and say in words that what the provider told leads to no sign-in. Nothing of the provider's own text
    is shown.
    """
    client = client_of(ports, saved) if saved else None
    ports.audit.record(
        "upstream.refused",
        client_id=saved.request.client_id if saved else None,
        source_ip=request.source_ip,
        provider=provider.provider_id,
        detail=why.value if why else detail,
    )
    again = ""
    if saved is not None:
        again = f"/account/{PROVIDERS}" if saved.request.links_to else f"/login?request={saved.handle}&why=again"
    way_on = WayOn(request.request_id, again=again)
    if client is not None:
        uri = variants(client, "client_uri") if client.client_uri else None
        way_on = replace(way_on, client_name=variants(client, "client_name"), client_uri=uri)
    return page(400, messages.error(f"identity_{why.name.lower()}" if why else "upstream", way_on))
