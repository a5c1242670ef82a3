"""Asking for a mail: to join, or to set a new password. The one that asks learns nothing about who has an account.

Nothing here reads an account. What is answered, and how long it takes, is the same for every address: the mailer, which
reads the message later, alone looks whether an account has the address (docs/people.md).
"""

from collections.abc import Mapping
from typing import Protocol

from valet.front_channel.forms import PageOutOfDate, csrf_token, is_csrf_token
from valet.front_channel.saved_requests import Saved, save_request
from valet.front_channel.showing import language_of
from valet.frozen import Frozen
from valet.handles import place_of
from valet.http import Page, Request, Response, page, redirect
from valet.models.mails import JOIN, RECOVER, Letter
from valet.models.policy import Policy
from valet.pages import mails
from valet.pages.mails import Way
from valet.pages.words import Sentence
from valet.people.cookies import HasCookies, browser_or_new
from valet.people.identifiers import is_address
from valet.people.mail_codes import code_key
from valet.people.mail_throttling import may_ask
from valet.ports.clients import HasRegistry
from valet.ports.mails import HasLetters
from valet.ports.runtime import HasAudit, HasRandom, HasSettings
from valet.ports.saved_requests import HasSavedRequests
from valet.ports.throttles import HasThrottles
from valet.protocol.account_visit import account_visit
from valet.protocol.authorization_request import Destination
from valet.protocol.joining import DOMAINS, OFF, is_open, takes_address

PURPOSES: Mapping[str, str] = {"/join": JOIN, "/recover": RECOVER}
_OUT_OF_DATE = Sentence("sent.out_of_date")


class Ports(
    HasSettings, HasRandom, HasAudit, HasCookies, HasRegistry, HasSavedRequests, HasThrottles, HasLetters, Protocol
):
    """The ports that a mail is asked for through. Those of accounts are not among them."""


class Asking(Frozen):
    """What a mail is asked for, and on the way to where."""

    purpose: str  # JOIN | RECOVER
    saved: Saved
    destination: Destination
    policy: Policy

    @property
    def domains(self) -> tuple[str, ...]:
        """Of the addresses that people may join with; none: any address is good."""
        is_limited = self.purpose == JOIN and self.policy.registration == DOMAINS
        return tuple(sorted(self.policy.registration_domains)) if is_limited else ()


def begin(ports: Ports, request: Request, purpose: str, now: float, too_old: Saved | None = None) -> Response:
    """Save a visit of the account page for this browser, on whose way the end-user joins or sets a new password; or the
    request again whose pages are too old.
    """
    browser, cookies = browser_or_new(request, ports.cookies, ports.random)
    saved = save_request(
        too_old.request if too_old else account_visit("overview"),
        browser,
        ports.saved_requests,
        ports.settings,
        ports.random,
        created_at_ms=int(now * 1000),
        follows=too_old,
    )
    return redirect(f"{request.issuer}/{purpose}?request={saved.handle}").with_cookies(*cookies)


def is_closed(ports: Ports, asking: Asking) -> bool:
    """Whether nobody may join here: by the policy, or on the way to this client."""
    if asking.purpose != JOIN:
        return False
    return asking.destination.client.registration == OFF or not is_open(asking.policy, ports.settings.features)


def closed_page(saved: Saved) -> Response:
    sign_in = Way(f"/login?request={saved.handle}", Sentence("sign_in.title"))
    again = {"request": saved.handle}
    shown = mails.told("no_joining", (sign_in,), is_error=True, again=again, ui_locales=saved.request.ui_locales)
    return page(404, shown)


def ask_page(asking: Asking, *, address: str = "", error: Sentence | None = None) -> Response:
    """The page that asks for the address; with an `error`, after one that cannot be used."""
    saved = asking.saved
    shown = mails.ask(
        purpose=asking.purpose,
        request_handle=saved.handle,
        csrf_token=csrf_token(saved.browser, _ask_form(asking.purpose, saved)),
        client_name=asking.destination.name,
        address=address,
        domains=asking.domains,
        error=error,
        ui_locales=saved.request.ui_locales,
    )
    return page(400 if error else 200, shown)


def sent_page(
    purpose: str, saved: Saved, *, address: str = "", error: Sentence | None = None, again: Mapping[str, str]
) -> Response:
    """The page that asks for the code. `again`: the parameters with which GET shows it again."""
    return page(400 if error else 200, _sent(purpose, saved, address, error, again))


def _sent(purpose: str, saved: Saved, address: str, error: Sentence | None, again: Mapping[str, str]) -> Page:
    return mails.sent(
        purpose=purpose,
        request_handle=saved.handle,
        csrf_token=csrf_token(saved.browser, code_form(purpose, saved)),
        address=address,
        error=error,
        again={"request": saved.handle, **again},
        ui_locales=saved.request.ui_locales,
    )


def ask(ports: Ports, asking: Asking, request: Request, form: Mapping[str, str], now: float) -> Response:
    """Have the mail sent, and answer the page that asks for its code. Raises PageOutOfDate."""
    saved, purpose, address = asking.saved, asking.purpose, form.get("address", "").strip()
    if not is_csrf_token(form.get("csrf_token", ""), saved.browser, _ask_form(purpose, saved)):
        raise PageOutOfDate(saved.request.client_id, ask_page(asking, address=address, error=_OUT_OF_DATE))
    if not is_address(address):
        return ask_page(asking, address=address, error=Sentence("sent.wrong_address"))
    if purpose == JOIN and not takes_address(asking.policy, address):
        return ask_page(asking, address=address, error=Sentence("join.wrong_domain"))
    shown = _sent(purpose, saved, address, None, {"sent": "yes"})
    # Beyond a bound, the page is the same: else it would tell who has been sent mails lately.
    if may_ask(ports, purpose, address, request.source_ip, now) and ports.letters is not None:
        language = language_of(shown, request, ports.cookies, asking.policy)
        ports.letters.send(_letter(asking, request.issuer, address, language, now))
    return page(200, shown)


def _letter(asking: Asking, issuer: str, address: str, language: str, now: float) -> Letter:
    saved = asking.saved
    return Letter(
        asking.purpose,
        issuer,
        int(now * 1000),
        address=address,
        client_id="" if asking.destination.is_account_page else saved.request.client_id,
        handle=saved.handle,
        place=place_of(saved.handle, saved.browser).hex(),
        key=code_key(saved.browser, saved.handle).hex(),
        locale=language,
    )


def _ask_form(purpose: str, saved: Saved) -> str:
    return "\n".join(("ask", purpose, saved.handle))


def code_form(purpose: str, saved: Saved) -> str:
    """What the form with the code is about, for its CSRF token."""
    return "\n".join(("code", purpose, saved.handle))
