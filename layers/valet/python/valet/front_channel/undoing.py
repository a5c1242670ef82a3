"""Undoing a change: where the link of a notice leads, "this was not me". Looking at the page spends nothing (P16).

One write takes the address and the password back from the thief, and ends every session and grant. It comes
too late where another one was first. No thief outruns it: while the former address can undo a change of address, there
is no second one, and an undoing from the new address leaves the former one its own.
"""

from collections.abc import Mapping
from typing import Protocol

from valet.front_channel import mail_links
from valet.front_channel.forms import PageOutOfDate
from valet.front_channel.mail_links import OUT_OF_DATE, Link, is_form_of, shown
from valet.http import Page, Request, Response, page
from valet.models.accounts import Account
from valet.models.mails import UNDO
from valet.models.sign_outs import SignOut
from valet.pages import mails
from valet.pages.mails import Way
from valet.pages.words import Sentence
from valet.people import announcing
from valet.people.announcing import announce
from valet.people.identifiers import names_of, normal_address
from valet.people.passwords import next_password_id
from valet.people.undoing import is_of, undone
from valet.ports.accounts import HasAccounts
from valet.ports.own_sign_in import HasOwnSignIn


class Ports(mail_links.Ports, announcing.Ports, HasAccounts, HasOwnSignIn, Protocol):
    """The ports that a change is undone through."""


def show(ports: Ports, request: Request, parameters: Mapping[str, str], now: float) -> Response:
    """The page of the link. It changes nothing."""
    link = mail_links.find_link(ports, UNDO, parameters, now)
    account = _find_account(ports, link, now) if link else None
    return _ended_page() if link is None or account is None else _page(ports, request, link)


def act(ports: Ports, request: Request, form: Mapping[str, str], now: float) -> Response:
    """Undo whatever was changed. Raises PageOutOfDate."""
    link = mail_links.find_link(ports, UNDO, form, now)
    account = _find_account(ports, link, now) if link else None
    if link is None or account is None:
        return _ended_page()
    if not is_form_of(ports, request, link, form):
        raise PageOutOfDate("", _page(ports, request, link, error=OUT_OF_DATE))
    after = undone(account, link.mail.address, next_password_id(account.password_id, ports.random), now)
    if not _take_names_back(ports, account, after, now):
        return _ended_page()  # an operator has given the address to another account
    announce(ports, SignOut(account.sub, request.issuer, "change_undone", epoch=account.epoch))
    if not ports.own_sign_in.undo_change(account, after, now):
        raise PageOutOfDate("", _page(ports, request, link, error=Sentence("undo.not_undone")))
    ports.audit.record("change.undone", sub=account.sub, source_ip=request.source_ip)
    return page(200, _undone_page(link, account))


def _take_names_back(ports: Ports, account: Account, after: Account, now: float) -> bool:
    """Let the address of before be the account's name again, and the other one no more. This comes first, and counts
    for nothing by itself: the account's word decides. So no invocation that dies in between keeps a name for ever.
    """
    name = normal_address(after.email)
    if name == normal_address(account.email):
        return True
    if name not in names_of(account):
        if not ports.own_sign_in.reserve_name(name, account.sub, now):
            return False
        ports.own_sign_in.free_name(name, account.sub, now)
    if (given_up := normal_address(account.email)) not in names_of(after):
        ports.own_sign_in.release_name(given_up, account.sub, now)
    return True


def _find_account(ports: Ports, link: Link, now: float) -> Account | None:
    """The account that the notice was about, while the address that it went to is or was lately the account's. What
    else has changed since does not matter: it may have been the thief.
    """
    account = ports.accounts.find_account(link.mail.sub)
    return account if account is not None and is_of(account, link.mail.address, now) else None


def _page(ports: Ports, request: Request, link: Link, *, error: Sentence | None = None) -> Response:
    def page_of(_browser: str, csrf_token: str) -> Page:
        return mails.undo(link=link.parameters, csrf_token=csrf_token, address=link.mail.address, error=error)

    return shown(ports, request, link, page_of, status=400 if error else 200)


def _undone_page(link: Link, account: Account) -> Page:
    """How it ended, and the way to a new password, for an account that has one."""
    recover = Way("/recover", Sentence("undone.recover"))
    sign_in = Way("/account", Sentence("sign_in.title"))
    ways = (sign_in if account.has_no_password else recover,)
    return mails.told("undone", ways, is_error=False, address=link.mail.address, again=link.parameters)


def _ended_page() -> Response:
    """The page for a link that is too old, or of an address that is not the account's any more."""
    ways = (Way("/recover", Sentence("undone.recover")),)
    return page(400, mails.told("undo_ended", ways, is_error=True, again={}))
