"""The section of the account page where a person proves their address, or changes it (docs/people.md).

The function credentials serves it. A code goes to the new address, and counts in the very session that asked for it. It
has no link: nobody can be made to prove their address for a stranger's account. The page says the same whether or not
an account has the address: the mailer tells its owner, and nobody else.
"""

from contextlib import suppress
from typing import Protocol

from valet.account import visit
from valet.account.visit import OUT_OF_DATE, Visit, at, out_of_date
from valet.errors import TemporarilyUnavailable
from valet.frozen import replace
from valet.http import Parameters, Response
from valet.models.accounts import Account
from valet.models.mails import ADDRESS, Letter
from valet.pages.words import Sentence
from valet.people import mail_throttling, notices
from valet.people.identifiers import is_address, names_of, normal_address, with_address
from valet.people.mail_codes import Refused, code_key, mail_of_code
from valet.people.mail_throttling import may_ask
from valet.people.notices import notify
from valet.ports.accounts import HasIdentifiers
from valet.ports.mails import HasMails
from valet.ports.own_sign_in import HasOwnSignIn


class Ports(visit.Ports, notices.Ports, mail_throttling.Ports, HasMails, HasIdentifiers, HasOwnSignIn, Protocol):
    """The ports that an address is proven through."""


def show(ports: Ports, visit: Visit) -> Response:
    account = visit.visitor.account
    _finish_what_is_left(ports, account, visit.now)
    return _page(visit, account, asks_code="code" in visit.request.query())


def act(ports: Ports, visit: Visit, form: Parameters) -> Response:
    """Send a code, or take one."""
    account, do = visit.visitor.account, form.get("do", "")
    if do not in ("send", "enter") or not visit.is_form(form, do):
        raise out_of_date(_page(visit, account, status=400, error=OUT_OF_DATE))
    return _enter(ports, visit, form) if do == "enter" else _send(ports, visit, form.get("address", "").strip())


def _send(ports: Ports, visit: Visit, address: str) -> Response:
    account = visit.visitor.account
    if refused := _refusal(account, address, visit.now):
        return _page(visit, account, status=400, error=refused, typed=address)
    shown = _page(
        visit, account, asks_code=True, typed=address, notice=Sentence("account.email.sent", {"address": address})
    )
    if ports.letters and may_ask(ports, ADDRESS, address, visit.request.source_ip, visit.now):
        ports.letters.send(
            Letter(
                ADDRESS,
                visit.request.issuer,
                int(visit.now * 1000),
                address=address,
                sub=account.sub,
                epoch=account.epoch,
                key=_key(visit).hex(),
                locale=visit.language_of(shown),
            )
        )
    return shown


def _refusal(account: Account, address: str, now: float) -> Sentence | None:
    """Why no code is sent to this address; None if one is."""
    if not is_address(address):
        return Sentence("sent.wrong_address")
    if normal_address(address) != normal_address(account.email):
        return Sentence("account.email.too_soon") if account.former_until > now else None
    return Sentence("account.email.same") if account.email_verified else None


def _enter(ports: Ports, visit: Visit, form: Parameters) -> Response:
    account = visit.visitor.account
    mail = mail_of_code(ports, _key(visit), frozenset({ADDRESS}), form.get("code", ""), visit.now)
    if isinstance(mail, Refused) or mail.sub != account.sub or mail.epoch != account.epoch:
        return _page(visit, account, status=400, error=Sentence("sent.wrong"), asks_code=True)
    name, names = normal_address(mail.address), names_of(account)
    is_change = name != normal_address(account.email)
    if not is_change and account.email_verified:
        return _page(visit, account, notice=Sentence("account.email.proven"))  # a second click
    if is_change and account.former_until > visit.now:
        return _page(visit, account, status=400, error=Sentence("account.email.too_soon"))
    if name not in names and not ports.own_sign_in.reserve_name(name, account.sub, visit.now):
        return _page(visit, account, status=400, error=Sentence("account.email.not_changed"))
    if is_change:
        notify(ports, account, "address.changed", visit.request.issuer, visit.now, mark=name)
    after = with_address(account, mail.address, visit.now)
    if not ports.own_sign_in.change_address(account, after, visit.now):
        raise out_of_date(_page(visit, account, status=400, error=Sentence("account.email.not_changed")))
    source_ip = visit.request.source_ip
    ports.audit.record("address.changed" if is_change else "address.proven", sub=account.sub, source_ip=source_ip)
    with suppress(TemporarilyUnavailable):  # the next look at the page finishes it
        _settle(ports, after, visit.now)
    return _page(visit, after, notice=Sentence(f"account.email.{'changed' if is_change else 'proven'}"))


def _finish_what_is_left(ports: Ports, account: Account, now: float) -> None:
    """Complete a change whose invocation died half-way: the account has the new address, and its name is still marked,
    or the former's is not.
    """
    names = names_of(account)
    for address in (account.email, account.former_email):
        name = normal_address(address)
        identifier = ports.identifiers.find_identifier(name) if address else None
        if identifier and identifier.sub == account.sub and (name in names) == bool(identifier.released_at):
            _settle(ports, account, now)


def _settle(ports: Ports, account: Account, now: float) -> None:
    """Give the account its address's name, and let go of the former one's."""
    names, former = names_of(account), normal_address(account.former_email)
    if account.email_verified:
        ports.own_sign_in.free_name(normal_address(account.email), account.sub, now)
    if former and former not in names:
        ports.own_sign_in.release_name(former, account.sub, now)


def _key(visit: Visit) -> bytes:
    """Of this session's codes: its cookie is a secret that no other browser has."""
    return code_key(visit.visitor.secret, ADDRESS)


def _page(
    visit: Visit,
    account: Account,
    *,
    status: int = 200,
    error: Sentence | None = None,
    notice: Sentence | None = None,
    asks_code: bool = False,
    typed: str = "",
) -> Response:
    fresh = visit._replace(visitor=replace(visit.visitor, account=account))
    until = at(account.former_until) if account.former_until > visit.now else ""
    return fresh.page(
        status=status,
        error=error,
        again={"code": "yes"} if asks_code else {},
        notice=notice,
        email=account.email,
        is_proven=account.email_verified,
        former=account.former_email if until else "",
        until=until,
        typed=typed or ("" if account.email_verified else account.email),
        asks_code=asks_code,
        send=visit.token("send"),
        enter=visit.token("enter"),
    )
