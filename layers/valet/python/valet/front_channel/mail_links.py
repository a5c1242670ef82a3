"""A mail's link or code, brought by a browser. Fetching the link spends nothing, however often and by whomever (P16).

A code is good in the browser and for the request alone that asked for it. It is exchanged for a link of its own, so
that from there on there is one way for both.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import urlencode

from valet.front_channel.asking import code_form, sent_page
from valet.front_channel.forms import PageOutOfDate, csrf_token, is_csrf_token
from valet.front_channel.saved_requests import RequestLost, RequestTooOld, Saved, require_saved
from valet.frozen import Frozen
from valet.handles import digest, is_handle, place_of
from valet.http import Page, Request, Response, page, redirect
from valet.models.mails import Mail
from valet.pages import mails
from valet.pages.mails import Way
from valet.pages.words import Sentence, variants
from valet.people.cookies import HasCookies, browser_or_new, browser_secret
from valet.people.mail_codes import Refused, code_key, exchange_code, find_mail
from valet.ports.clients import HasRegistry
from valet.ports.mails import HasMails
from valet.ports.runtime import HasRandom, HasSettings
from valet.ports.saved_requests import HasSavedRequests

OUT_OF_DATE = Sentence("sent.out_of_date")


class Ports(HasSettings, HasRandom, HasCookies, HasRegistry, HasSavedRequests, HasMails, Protocol):
    """The ports that a link or a code is used through."""


class Here(NamedTuple):
    """The saved request that the mail was asked for on the way of, where that was in this browser; None elsewhere."""

    saved: Saved | None
    is_young: bool  # whether its pages may still be used

    @property
    def to_go_on(self) -> Saved | None:
        return self.saved if self.is_young else None


class Link(Frozen):
    """A link as a browser has brought it, and the mail that it was in."""

    purpose: str
    secret: str
    handle: str  # of the saved request that it goes on with; empty: of none
    mail: Mail

    def __repr__(self) -> str:
        return f"Link({self.purpose!r})"

    @property
    def parameters(self) -> dict[str, str]:
        return {"token": self.secret, **({"request": self.handle} if self.handle else {})}

    @property
    def form(self) -> str:
        """What its form is about, for the CSRF token."""
        return "\n".join(("link", self.purpose, self.digest.hex(), self.handle))

    @property
    def digest(self) -> bytes:
        return digest(self.secret)


def find_link(ports: Ports, purpose: str, parameters: Mapping[str, str], now: float) -> Link | None:
    """The link that the parameters name, if its mail is of this purpose and has not expired."""
    secret, handle = parameters.get("token", ""), parameters.get("request", "")
    mail = find_mail(ports, secret, frozenset({purpose}), now)
    return None if mail is None else Link(purpose, secret, handle if is_handle(handle) else "", mail)


def code_page(ports: Ports, request: Request, purpose: str, parameters: Mapping[str, str], now: float) -> Response:
    """The page that asks for the code. Raises RequestLost and RequestTooOld."""
    handle = parameters.get("request", "")
    saved = require_saved(handle, request, ports.cookies, ports.saved_requests, now)
    return sent_page(purpose, saved, again={})


def exchange(ports: Ports, request: Request, purpose: str, form: Mapping[str, str], now: float) -> Response:
    """Redirect to the link that the code stands for. Raises RequestLost, RequestTooOld and PageOutOfDate.

    A wrong code is refused in the same words as one that there is not: else these would tell whether the mailer has
    sent one, and so who has an account.
    """
    saved = require_saved(form.get("request", ""), request, ports.cookies, ports.saved_requests, now)
    if not is_csrf_token(form.get("csrf_token", ""), saved.browser, code_form(purpose, saved)):
        raise PageOutOfDate(saved.request.client_id, sent_page(purpose, saved, error=OUT_OF_DATE, again={}))
    key = code_key(saved.browser, saved.handle)
    secret = exchange_code(ports, key, frozenset({purpose}), form.get("code", ""), now)
    if isinstance(secret, Refused):
        return sent_page(purpose, saved, error=Sentence("sent.wrong"), again={})
    query = urlencode({"token": secret, "request": saved.handle})
    return redirect(f"{request.issuer}/{purpose}/confirm?{query}")


def shown(ports: Ports, request: Request, link: Link, page_of: "PageOf", status: int = 200) -> Response:
    """The page with the form of the link, for this browser, which gets a cookie if it has none."""
    browser, cookies = browser_or_new(request, ports.cookies, ports.random)
    return page(status, page_of(browser, csrf_token(browser, link.form))).with_cookies(*cookies)


class PageOf(Protocol):
    def __call__(self, browser: str, csrf_token: str, /) -> Page: ...


def is_form_of(ports: Ports, request: Request, link: Link, form: Mapping[str, str]) -> bool:
    """Whether the form was sent from this browser's page of this link."""
    browser = browser_secret(request, ports.cookies)
    return browser is not None and is_csrf_token(form.get("csrf_token", ""), browser, link.form)


def find_here(ports: Ports, request: Request, link: Link, now: float) -> Here:
    """The saved request, if this very browser asked for the mail on its way."""
    is_young = True
    try:
        saved = require_saved(link.handle, request, ports.cookies, ports.saved_requests, now)
    except RequestLost:
        return Here(None, is_young=False)
    except RequestTooOld as error:
        saved, is_young = error.saved, False
    is_here = place_of(saved.handle, saved.browser).hex() == link.mail.place
    return Here(saved if is_here else None, is_young)


def used_page(purpose: str, parameters: Mapping[str, str]) -> Response:
    """The page for a link that is too old or was used, with the way to a new one."""
    carried = {"request": handle} if is_handle(handle := parameters.get("request", "")) else {}
    way = Way(f"/{purpose}{'?' if carried else ''}{urlencode(carried)}", Sentence("sent.again"))
    # The page in another language: what was brought as a token is not shown, whatever it was.
    return page(400, mails.told("link_used", (way,), is_error=True, again={"token": "used", **carried}))


def done_page(ports: Ports, request: Request, name: str, link: Link, here: Here) -> Response:
    """The page that says how it ended, where the end-user cannot simply go on. In the browser that asked, the request
    that is too old is begun anew; elsewhere the way leads back to the app.
    """
    sign_in = Way(f"/authorize?resume={link.handle}", Sentence("sign_in.title"))
    way = way_back(ports, request, link) if here.saved is None else sign_in
    return page(200, told(name, link, way, is_error=False))


def told(name: str, link: Link, *ways: Way, is_error: bool) -> Page:
    """Says something about the mail's address, and where to go on."""
    mail = link.mail
    return mails.told(
        name,
        ways,
        is_error=is_error,
        address=mail.address,
        again=link.parameters,
        ui_locales=mail.locale,
    )


def way_back(ports: Ports, request: Request, link: Link) -> Way:
    """The way on: to the app that the end-user came from, if it has a home page, or to the account page."""
    client = ports.registry.find_client(link.mail.client_id) if link.mail.client_id else None
    if client is not None and not client.is_disabled and client.client_uri:
        return Way(variants(client, "client_uri"), Sentence("message.back", {"app": variants(client, "client_name")}))
    return Way(f"{request.issuer}/account", Sentence("told.account"))
