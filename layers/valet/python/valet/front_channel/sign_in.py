"""The sign-in page and its forms (OpenID Connect Core §3.1.2.3)."""

from collections.abc import Mapping
from typing import Protocol

from valet.front_channel import ahead
from valet.front_channel.forms import PageOutOfDate, csrf_token, is_csrf_token
from valet.front_channel.saved_requests import Saved
from valet.frozen import Frozen
from valet.handles import base64url
from valet.http import Response, page
from valet.pages import sign_in
from valet.pages.logos import data_uri
from valet.pages.passkeys import HEADERS, USE, script
from valet.pages.words import Sentence, Variants
from valet.people.passkeys import SIGN_IN, challenge
from valet.ports.clients import HasRegistry
from valet.ports.providers import HasProviders
from valet.ports.runtime import HasClock, HasSettings
from valet.protocol.account_visit import PROVIDERS
from valet.protocol.authorization_request import Destination
from valet.protocol.supported import ACR_VALUES, MULTI_FACTOR_ACR, PASSKEY_ACR, PASSWORD_ACR, UPSTREAM_ACR

_OUT_OF_DATE = Sentence("sign_in.out_of_date")
_RENEWED = Sentence("sign_in.renewed")
_WRONG = Sentence("sign_in.wrong")
_REFUSED = Sentence("sign_in.passkey_refused")
_NEEDS_PASSKEY = Sentence("sign_in.needs_passkey")
_NO_PASSKEY = (PASSWORD_ACR, UPSTREAM_ACR, MULTI_FACTOR_ACR)  # the levels that none is needed for


class Ports(HasSettings, HasClock, HasRegistry, HasProviders, Protocol):
    """The ports that the page is made by."""


class Elsewhere(Frozen):
    """The ways to sign in by other providers (front_channel/home_realm.py)."""

    buttons: tuple[tuple[Variants, str], ...] = ()  # each provider's name, and where its trip begins
    has_local: bool = True  # people may sign in with a password or a passkey of this server as well
    asks_name_first: bool = False  # because the domain of an address may lead elsewhere
    why: Sentence | None = None  # what a trip came to, for somebody who is back from one
    straight_on: str = ""  # where the browser is sent without a page
    account_page: str = ""  # where somebody signs in by means of this server who cannot do so here


NOWHERE = Elsewhere()


class Offer(Frozen):
    """The ways to sign in that a page offers."""

    rp_id: str  # of passkeys; empty: there are none
    needs_localhost: bool  # the local stack's address is none that browsers let passkeys work at
    acr: str  # the level that the request needs; empty: any
    issued_ms: int  # when the page was made
    elsewhere: Elsewhere = NOWHERE  # by other providers
    has_mail: bool = False  # people may set a new password by mail, and join


def offer_of(ports: Ports, parameters: Mapping[str, str], saved: Saved) -> Offer:
    """The ways that are enough for this request, as /authorize named the level in the page's address. A browser that
    changes it sees another page, and gets no further by it.
    """
    acr = parameters.get("acr", "")
    acr = acr if acr in ACR_VALUES else ""
    # Clocks differ: a page is never older than its request.
    issued_ms = max(int(ports.clock() * 1000), saved.created_at_ms)
    settings, elsewhere = ports.settings, NOWHERE
    needs_localhost = settings.is_plain_http and not settings.rp_id
    if PROVIDERS in settings.features:
        from valet.front_channel.home_realm import elsewhere_for  # most deployments have no other provider

        elsewhere = elsewhere_for(ports, saved, parameters, acr)
    has_mail = "mail" in settings.features
    return Offer(settings.rp_id, needs_localhost, acr, issued_ms, elsewhere, has_mail)


def sign_in_page(
    saved: Saved,
    destination: Destination,
    offer: Offer,
    *,
    username: str,
    error: Sentence | None = None,
    status: int = 200,
) -> Response:
    """The page that asks for a username and a password, or a passkey, and leads to other providers."""
    upcoming, elsewhere = (f"{destination.issuer}/consent", f"{destination.issuer}/token"), offer.elsewhere
    asks_password = elsewhere.has_local and offer.acr in ("", PASSWORD_ACR, MULTI_FACTOR_ACR)
    needs_passkey = not asks_password and elsewhere.has_local and not elsewhere.buttons
    notice = elsewhere.why or (_RENEWED if saved.is_renewed else _NEEDS_PASSKEY if needs_passkey else None)
    has_passkey = bool(offer.rp_id) and elsewhere.has_local and offer.acr not in _NO_PASSKEY
    passkey = _passkey_form(saved, offer) if has_passkey else None
    has_lost = has_passkey and offer.acr == PASSKEY_ACR
    shown = sign_in.page(
        action="/login",
        request_handle=saved.handle,
        csrf_token=csrf_token(saved.browser, saved.handle),
        client_name=destination.name,
        client_logo=data_uri(destination.client.logo),
        username=username,
        error=error,
        notice=notice if not error else None,
        starts=ahead.images(upcoming),
        passkey=passkey,
        asks_password=asks_password,
        asks_name_only=elsewhere.asks_name_first and not username,
        providers=elsewhere.buttons,
        account_page=elsewhere.account_page,
        needs_localhost=offer.needs_localhost and elsewhere.has_local,
        joins=offer.has_mail and destination.client.registration != "off",
        recovers=offer.has_mail,
        recovery=f"/login/second?request={saved.handle}&use=recovery" if has_lost else "",
        images=upcoming,
        ui_locales=saved.request.ui_locales,
    )
    return page(status, shown, HEADERS if passkey else None)


def wrong_password_page(saved: Saved, destination: Destination, offer: Offer, *, username: str) -> Response:
    """The page after a failed attempt. It does not say whether the account exists."""
    return sign_in_page(saved, destination, offer, username=username, error=_WRONG, status=401)


def refused_passkey_page(saved: Saved, destination: Destination, offer: Offer) -> Response:
    """The page after a passkey that was refused. It does not say why."""
    return sign_in_page(saved, destination, offer, username="", error=_REFUSED, status=401)


def throttled_page(
    saved: Saved, destination: Destination, offer: Offer, *, username: str, retry_after: int
) -> Response:
    """The page after an attempt that came too soon; `retry_after` is in seconds."""
    error = Sentence("sign_in.throttled", {"minutes": -(-retry_after // 60)})
    response = sign_in_page(saved, destination, offer, username=username, error=error, status=429)
    return response.with_headers({"Retry-After": str(retry_after)})


def out_of_date(saved: Saved, destination: Destination, offer: Offer, *, username: str) -> PageOutOfDate:
    """The refusal of a form that this browser's sign-in page for this request did not send: the page again."""
    again = sign_in_page(saved, destination, offer, username=username, error=_OUT_OF_DATE, status=400)
    return PageOutOfDate(saved.request.client_id, again)


def is_sign_in_form(parameters: Mapping[str, str], saved: Saved) -> bool:
    """Whether the form was sent from this browser's sign-in page for this request."""
    return is_csrf_token(parameters.get("csrf_token", ""), saved.browser, saved.handle)


def _passkey_form(saved: Saved, offer: Offer) -> sign_in.PasskeyForm:
    return sign_in.PasskeyForm(
        action="/login/passkey",
        challenge=base64url(challenge(saved.browser, SIGN_IN, saved.handle, offer.issued_ms)),
        issued_ms=offer.issued_ms,
        rp_id=offer.rp_id,
        acr=offer.acr,
        script=script(USE),
    )
