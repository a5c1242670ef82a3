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
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasSettings
from valet.ports.sessions import HasSessions
from valet.protocol.authorization_request import Destination
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
    days: int  # for which the browser may be remembered; 0: it may not
    has_passkey: bool

    def may_use(self) -> Account:
        """The account with what may be tried here, and nothing else."""
        totp_id = self.account.totp_id if self.has_totp else ""
        return replace(self.account, totp_id=totp_id, recovery_id=self.account.recovery_id if self.has_recovery else "")

    def __repr__(self) -> str:
        return f"Asked({self.account.sub!r})"  # the cookie is a secret


def find_asked(ports: Ports, request: Request, now: float) -> Asked | None:
    """The end-user of this browser's session. None: there is none, or no second factor would add anything to it."""
    secret = session_secret(request, ports.cookies)
    session = ports.sessions.find_session(digest(secret)) if secret else None
    account = ports.accounts.find_account(session.sub) if session else None
    if secret is None or session is None or account is None or is_over(session, now):
        return None
    if not account_stands(account, session.epoch, session.auth_time_ms):
        return None
    features = ports.settings.features
    # TOTP is worth nothing after a mail, and nobody is asked for it after a passkey, or twice.
    has_totp = rank(session.acr) == 0 and bool(account.totp_id) and "second_factor" in features
    has_recovery = bool(account.recovery_id) and session.acr != PASSKEY_ACR and not session.is_recovered
    if not has_totp and not has_recovery:
        return None
    days = ports.registry.policy().remember_device if has_totp else 0
    has_passkey = bool(account.passkeys) and "passkeys" in features
    return Asked(account, session, secret, has_totp, has_recovery, days, has_passkey)


def second_page(
    saved: Saved,
    destination: Destination,
    asked: Asked,
    parameters: Mapping[str, str],
    *,
    error: Sentence | None = None,
    status: int = 200,
) -> Response:
    """The page that asks for a code of the authenticator app, or for a recovery code if that is all that there is, or
    if the end-user has chosen it.
    """
    asks_recovery = not asked.has_totp or (asked.has_recovery and parameters.get("use") == "recovery")
    here = f"/login/second?request={saved.handle}"
    ways = [
        *([("second.use_app", here)] if asks_recovery and asked.has_totp else []),
        *([("second.use_recovery", f"{here}&use=recovery")] if not asks_recovery and asked.has_recovery else []),
        *([("sign_in.use_passkey", f"/login?request={saved.handle}&acr={PASSKEY_ACR}")] if asked.has_passkey else []),
    ]
    shown = second.page(
        request_handle=saved.handle,
        csrf_token=csrf_token(asked.secret, _form(saved)),
        client_name=destination.name,
        client_logo=data_uri(destination.client.logo),
        username=asked.account.username,
        asks_recovery=asks_recovery,
        days=0 if asks_recovery else asked.days,
        ways=ways,
        error=error,
        ui_locales=saved.request.ui_locales,
    )
    return page(status, shown)


def refused_page(
    saved: Saved, destination: Destination, asked: Asked, parameters: Mapping[str, str], refused: Refused
) -> Response:
    """The page after a code that was refused. It does not say whether the code was right and had been used."""
    return second_page(saved, destination, asked, parameters, error=_ERRORS[refused], status=401)


def throttled_page(
    saved: Saved, destination: Destination, asked: Asked, parameters: Mapping[str, str], retry_after: int
) -> Response:
    """The page after an attempt that came too soon; `retry_after` is in seconds."""
    error = Sentence("sign_in.throttled", {"minutes": -(-retry_after // 60)})
    response = second_page(saved, destination, asked, parameters, error=error, status=429)
    return response.with_headers({"Retry-After": str(retry_after)})


def out_of_date(saved: Saved, destination: Destination, asked: Asked, parameters: Mapping[str, str]) -> PageOutOfDate:
    """The refusal of a form that this session's page for this request did not send: the page again."""
    again = second_page(saved, destination, asked, parameters, error=_OUT_OF_DATE, status=400)
    return PageOutOfDate(saved.request.client_id, again)


def is_second_form(parameters: Mapping[str, str], saved: Saved, asked: Asked) -> bool:
    """Whether the form was sent from this session's page for this request."""
    return is_csrf_token(parameters.get("csrf_token", ""), asked.secret, _form(saved))


def _form(saved: Saved) -> str:
    return f"second\n{saved.handle}"
