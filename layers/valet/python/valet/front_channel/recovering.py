"""A new password for who has proven the account's address. The mail gives back that, and no session (P15).

The write that puts the password in force raises the account's epoch: it ends every session and grant, spends this mail
and every other one, and comes too late where another one was first. Whatever asks for a passkey or for a second factor
still asks.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from valet.errors import TemporarilyUnavailable
from valet.front_channel import mail_links, proving
from valet.front_channel.forms import PageOutOfDate
from valet.front_channel.mail_links import OUT_OF_DATE, Link, done_page, find_here, is_form_of, shown, used_page
from valet.front_channel.proving import MAIL, prove
from valet.front_channel.saved_requests import save_request
from valet.front_channel.steps import back_to_authorize
from valet.http import Page, Request, Response
from valet.models.accounts import Account, Password
from valet.models.mails import RECOVER
from valet.models.sign_outs import SignOut
from valet.pages import mails
from valet.pages.words import Sentence
from valet.people import announcing, notices
from valet.people.announcing import announce
from valet.people.cookies import browser_secret
from valet.people.identifiers import normal_address
from valet.people.new_passwords import is_short, minimum_for, wrong_with
from valet.people.notices import notify
from valet.people.passwords import hash_password, next_password_id
from valet.ports.accounts import HasAccounts
from valet.ports.breaches import HasBreaches
from valet.ports.own_sign_in import HasOwnSignIn
from valet.protocol.account_visit import PASSKEYS, account_visit


class Ports(
    mail_links.Ports, proving.Ports, announcing.Ports, notices.Ports, HasAccounts, HasOwnSignIn, HasBreaches, Protocol
):
    """The ports that a password is reset through."""


def show(ports: Ports, request: Request, parameters: Mapping[str, str], now: float) -> Response:
    """The page of the link, or the one that asks for the code. It changes nothing."""
    if "token" not in parameters:
        return mail_links.code_page(ports, request, RECOVER, parameters, now)
    link = mail_links.find_link(ports, RECOVER, parameters, now)
    account = _find_account(ports, link) if link else None
    if link is None or account is None:
        return used_page(RECOVER, parameters)
    return _page(ports, request, link, account)


def act(ports: Ports, request: Request, form: Mapping[str, str], now: float) -> Response:
    """Exchange a code for a link, or set the password. Raises PageOutOfDate."""
    if "token" not in form:
        return mail_links.exchange(ports, request, RECOVER, form, now)
    link = mail_links.find_link(ports, RECOVER, form, now)
    account = _find_account(ports, link) if link else None
    if link is None or account is None:
        return used_page(RECOVER, form)
    if not is_form_of(ports, request, link, form):
        raise PageOutOfDate(link.mail.client_id, _page(ports, request, link, account, error=OUT_OF_DATE))
    if account.has_no_password:
        return _to_recovery_code(ports, request, link, account, now)
    client = ports.registry.find_client(link.mail.client_id) if link.mail.client_id else None
    password, policy = form.get("new_password", ""), ports.registry.policy()
    if wrong := wrong_with(ports, password, account, policy, client.client_name if client else ""):
        return _page(ports, request, link, account, error=wrong)
    here = find_here(ports, request, link, now)
    if not _reset(ports, request, account, password, now):
        return used_page(RECOVER, form)
    if here.to_go_on is not None:
        return back_to_authorize(here.to_go_on, request.issuer)  # every session has ended: it asks for the new password
    return done_page(ports, request, "password_set", link, here)


def _reset(ports: Ports, request: Request, account: Account, password: str, now: float) -> bool:
    """Put the password in force, and end everything else. False: something else has changed the account first."""
    password_id = next_password_id(account.password_id, ports.random)
    password_hash = hash_password(password)
    announce(ports, SignOut(account.sub, request.issuer, "password_reset", epoch=account.epoch))
    notify(ports, account, "password.changed", request.issuer, now, mark=password_id)
    ports.own_sign_in.put_password(Password(account.sub, password_id, password_hash, int(now)))
    short = is_short(password, ports.registry.policy())
    if not ports.own_sign_in.reset_password(account, password_id, now, is_short=short):
        ports.own_sign_in.drop_password(account.sub, password_id)
        return False
    ports.audit.record("password.reset", sub=account.sub, source_ip=request.source_ip)
    with suppress(TemporarilyUnavailable):  # what is left of it opens nothing
        ports.own_sign_in.drop_password(account.sub, account.password_id)
    return True


def _to_recovery_code(ports: Ports, request: Request, link: Link, account: Account, now: float) -> Response:
    """A mail gives no password to an account that has none: it is one of two proofs that open the page with the
    passkeys, and a recovery code is the other one (NIST SP 800-63B-4 §4.2.2.2).
    """
    browser = browser_secret(request, ports.cookies)
    if browser is None or not _can_recover(ports, account):
        return _page(ports, request, link, account)
    saved = save_request(
        account_visit(PASSKEYS),
        browser,
        ports.saved_requests,
        ports.settings,
        ports.random,
        created_at_ms=int(now * 1000),
    )
    prove(ports, saved, MAIL, account, means=normal_address(account.email), amr=(), now=now)
    return back_to_authorize(saved, request.issuer, proven_by=MAIL)  # which asks for the recovery code


def _can_recover(ports: Ports, account: Account) -> bool:
    return "recovery_codes" in ports.settings.features and bool(account.recovery_id)


def _find_account(ports: Ports, link: Link) -> Account | None:
    """The account that the mail was sent about, if it still is as it was then, and has the address."""
    account = ports.accounts.find_account(link.mail.sub)
    if account is None or account.is_disabled or account.epoch != link.mail.epoch or not account.email_verified:
        return None
    return account if normal_address(account.email) == normal_address(link.mail.address) else None


def _page(ports: Ports, request: Request, link: Link, account: Account, *, error: Sentence | None = None) -> Response:
    def page_of(_browser: str, csrf_token: str) -> Page:
        if account.has_no_password:
            return mails.without_password(
                link=link.parameters,
                csrf_token=csrf_token,
                address=account.email,
                can_recover=_can_recover(ports, account),
                ui_locales=link.mail.locale,
            )
        return mails.reset(
            link=link.parameters,
            csrf_token=csrf_token,
            address=account.email,
            minimum=minimum_for(account, ports.registry.policy()),
            error=error,
            ui_locales=link.mail.locale,
        )

    return shown(ports, request, link, page_of, status=400 if error else 200)
