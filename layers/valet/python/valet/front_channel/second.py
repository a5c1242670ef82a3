"""The page that asks for a second factor: a code of an authenticator app, or a recovery code.

It asks who has shown a first factor: this browser has a session, which may stand nowhere else yet. What is given there
counts for that session alone.
"""

from collections.abc import Mapping
from typing import Protocol

from valet.front_channel.forms import PageOutOfDate, csrf_token, is_csrf_token
from valet.front_channel.saved_requests import Saved
from valet.frozen import Frozen, replace
from valet.handles import digest
from valet.http import Request, Response, page
from valet.models.accounts import Account
from valet.models.sessions import Session
from valet.pages import second
from valet.pages.logos import data_uri
from valet.pages.words import Sentence
from valet.people.cookies import HasCookies, session_secret
from valet.people.second_factors import Refused
from valet.people.sessions import is_over
from valet.people.throttling import Throttled
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasSettings
from valet.ports.sessions import HasSessions
from valet.protocol.authorization_request import Destination, destination_of
from valet.protocol.supported import PASSKEY_ACR, rank
from valet.standing import account_stands

_OUT_OF_DATE = Sentence("second.out_of_date")
_ERRORS = {Refused.WRONG: Sentence("second.wrong"), Refused.LOCKED: Sentence("second.locked")}


class Ports(HasSettings, HasCookies, HasSessions, HasAccounts, HasRegistry, Protocol):
    """The ports that the page is made by."""


class Asked(Frozen):
    """Who is asked for a second factor, and in which ways they may give it."""

    account: Account  # as it was read before anything is tried
    session: Session
    secret: str  # the value of its cookie
    has_totp: bool
    has_recovery: bool

    def may_use(self) -> Account:
        """The account with what may be tried here, and nothing else."""
        totp_id = self.account.totp_id if self.has_totp else ""
        return replace(self.account, totp_id=totp_id, recovery_id=self.account.recovery_id if self.has_recovery else "")

    def __repr__(self) -> str:
        return f"Asked({self.account.sub!r})"  # the cookie is a secret


class Shown(Frozen):
    """What the page is made of."""

    saved: Saved
    destination: Destination
    asked: Asked
    asks_recovery: bool
    days: int  # for which the browser may be remembered; 0: it may not
    has_passkey: bool


def find_asked(ports: Ports, request: Request, now: float) -> Asked | None:
    """The end-user of this browser's session. None: there is none, or no second factor would add anything to it."""
    secret = session_secret(request, ports.cookies)
    session = ports.sessions.find_session(digest(secret)) if secret else None
    account = ports.accounts.find_account(session.sub) if session else None
    if secret is None or session is None or account is None or is_over(session, now):
        return None
    if not account_stands(account, session.epoch, session.auth_time_ms):
        return None
    # TOTP is worth nothing after a mail, and nobody is asked for it after a passkey, or twice.
    has_totp = rank(session.acr) == 0 and bool(account.totp_id) and "second_factor" in ports.settings.features
    has_recovery = bool(account.recovery_id) and session.acr != PASSKEY_ACR and not session.is_recovered
    return Asked(account, session, secret, has_totp, has_recovery) if has_totp or has_recovery else None


def shown(ports: Ports, saved: Saved, asked: Asked, parameters: Mapping[str, str], issuer: str) -> Shown:
    """The page that asks for a code of the authenticator app, or for a recovery code if that is all that there is, or
    if the end-user has chosen it.
    """
    asks_recovery = not asked.has_totp or (asked.has_recovery and parameters.get("use") == "recovery")
    return Shown(
        saved,
        destination_of(saved.request, ports.registry, issuer),
        asked,
        asks_recovery,
        days=0 if asks_recovery else ports.registry.policy().remember_device,
        has_passkey=bool(asked.account.passkeys) and "passkeys" in ports.settings.features,
    )


def second_page(shown: Shown, *, error: Sentence | None = None, status: int = 200) -> Response:
    saved, asked = shown.saved, shown.asked
    here = f"/login/second?request={saved.handle}"
    passkey = f"/login?request={saved.handle}&acr={PASSKEY_ACR}"
    ways = [
        *([("second.use_app", here)] if shown.asks_recovery and asked.has_totp else []),
        *([("second.use_recovery", f"{here}&use=recovery")] if not shown.asks_recovery and asked.has_recovery else []),
        *([("sign_in.use_passkey", passkey)] if shown.has_passkey else []),
    ]
    filled = second.page(
        request_handle=saved.handle,
        csrf_token=csrf_token(asked.secret, _form(saved)),
        client_name=shown.destination.name,
        client_logo=data_uri(shown.destination.client.logo),
        username=asked.account.username,
        asks_recovery=shown.asks_recovery,
        days=shown.days,
        ways=ways,
        error=error,
        ui_locales=saved.request.ui_locales,
    )
    return page(status, filled)


def refused_page(shown: Shown, outcome: Refused | Throttled) -> Response:
    """The page after a code that was refused. It does not say whether the code was right and had been used."""
    if isinstance(outcome, Refused):
        return second_page(shown, error=_ERRORS[outcome], status=401)
    error = Sentence("sign_in.throttled", {"minutes": -(-outcome.retry_after // 60)})
    return second_page(shown, error=error, status=429).with_headers({"Retry-After": str(outcome.retry_after)})


def out_of_date(shown: Shown) -> PageOutOfDate:
    """The refusal of a form that this session's page for this request did not send: the page again."""
    return PageOutOfDate(shown.saved.request.client_id, second_page(shown, error=_OUT_OF_DATE, status=400))


def is_second_form(parameters: Mapping[str, str], saved: Saved, asked: Asked) -> bool:
    """Whether the form was sent from this session's page for this request."""
    return is_csrf_token(parameters.get("csrf_token", ""), asked.secret, _form(saved))


def _form(saved: Saved) -> str:
    return f"second\n{saved.handle}"
