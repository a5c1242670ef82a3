"""Joining: who has proven an address makes an account with it (docs/people.md).

An account begins with its name, the last of three writes: until then nobody reaches what was put before it. In the
browser that asked, a proof of this very request leads on to the application, and nobody types a new password twice.
"""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Protocol

from valet.errors import TemporarilyUnavailable
from valet.front_channel import mail_links, proving
from valet.front_channel.forms import PageOutOfDate
from valet.front_channel.mail_links import (
    OUT_OF_DATE,
    Here,
    Link,
    find_here,
    is_form_of,
    shown,
    told,
    used_page,
    way_back,
)
from valet.front_channel.proving import JOINED, prove
from valet.front_channel.steps import back_to_authorize
from valet.frozen import replace
from valet.handles import base64url, new_id
from valet.http import Page, Request, Response, page
from valet.models.accounts import Account, Identifier, Password
from valet.models.clients import Client
from valet.models.mails import JOIN
from valet.pages import mails
from valet.pages.mails import MakingForm, Way
from valet.pages.passkeys import HEADERS
from valet.pages.words import Sentence
from valet.people.agents import agent_of
from valet.people.cookies import browser_secret
from valet.people.identifiers import EMAIL, TAKEN_AGAIN_AFTER, normal_address
from valet.people.new_passwords import minimum_for, wrong_with
from valet.people.passkeys import (
    ALGORITHMS,
    BY_JOINING,
    Ceremony,
    PasskeyRefused,
    challenge,
    digest_of,
    new_passkey,
    parse_issued_ms,
    parse_registration,
)
from valet.people.passwords import AMR, hash_password, next_password_id
from valet.ports.breaches import HasBreaches
from valet.ports.enrolment import HasEnrolment
from valet.ports.newcomers import HasNewcomers
from valet.ports.own_sign_in import HasOwnSignIn
from valet.ports.runtime import HasAudit
from valet.protocol.joining import OFF, is_name, is_open, takes_address

_AMR_OF_PASSKEY = ("user",)  # the authenticator verified its user; it has signed nothing that was asked of it


class Ports(mail_links.Ports, proving.Ports, HasNewcomers, HasOwnSignIn, HasEnrolment, HasBreaches, HasAudit, Protocol):
    """The ports that an account is made through."""


class _Refused(Exception):
    """The form cannot be taken, for this reason."""

    def __init__(self, reason: Sentence) -> None:
        super().__init__()
        self.reason = reason


def show(ports: Ports, request: Request, parameters: Mapping[str, str], now: float) -> Response:
    """The page of the link, or the one that asks for the code. It changes nothing."""
    if "token" not in parameters:
        return mail_links.code_page(ports, request, JOIN, parameters, now)
    link = mail_links.find_link(ports, JOIN, parameters, now)
    if link is None:
        return used_page(JOIN, parameters)
    return _closed(ports, request, link) or _taken(ports, request, link, now) or _page(ports, request, link, now)


def act(ports: Ports, request: Request, form: Mapping[str, str], now: float) -> Response:
    """Exchange a code for a link, or make the account. Raises PageOutOfDate."""
    if "token" not in form:
        return mail_links.exchange(ports, request, JOIN, form, now)
    link = mail_links.find_link(ports, JOIN, form, now)
    if link is None:
        return used_page(JOIN, form)
    if closed := _closed(ports, request, link):
        return closed
    name = form.get("name", "").strip()
    if not is_form_of(ports, request, link, form):
        raise PageOutOfDate(link.mail.client_id, _page(ports, request, link, now, name=name, error=OUT_OF_DATE))
    here = find_here(ports, request, link, now)
    try:
        account = _prepared(ports, request, link, form, name, now)
    except _Refused as refused:
        return _page(ports, request, link, now, name=name, error=refused.reason)
    ports.newcomers.keep_account(account)
    identifier = Identifier(account.sub, EMAIL, int(now))
    if ports.newcomers.take_identifier(normal_address(account.email), identifier, int(now) - TAKEN_AGAIN_AFTER):
        return _on(ports, request, link, here, account, now)
    with suppress(TemporarilyUnavailable):  # what is left of it can be reached by nobody
        _drop(ports, account)
    return _on_after_another(ports, request, link, here, now)


def _drop(ports: Ports, account: Account) -> None:
    """Delete an account that did not get its name, with what it signs in with."""
    ports.newcomers.drop_account(account.sub)
    if account.password_id:
        ports.own_sign_in.drop_password(account.sub, account.password_id)
    for digest in account.passkeys:
        ports.enrolment.delete_passkey(digest)


def _prepared(
    ports: Ports,
    request: Request,
    link: Link,
    form: Mapping[str, str],
    name: str,
    now: float,
) -> Account:
    """The account to be, whose password or passkey is kept already. Raises _Refused.

    Each form makes an account of its own, so that two that are sent at once never mix.
    """
    if not is_name(name):
        raise _Refused(Sentence("join.wrong_name"))
    account = Account(
        new_id(ports.random),
        "",
        name=name,
        email=link.mail.address,
        email_verified=True,
        locale=link.mail.locale,
        updated_at=int(now),
        created_at=int(now),
    )
    if "client_data" in form:
        return _with_passkey(ports, request, link, form, account, now)
    return _with_password(ports, link, form, account, now)


def _with_password(ports: Ports, link: Link, form: Mapping[str, str], account: Account, now: float) -> Account:
    client, password = _client(ports, link), form.get("new_password", "")
    if wrong := wrong_with(ports, password, account, ports.registry.policy(), client.client_name if client else ""):
        raise _Refused(wrong)
    password_id = next_password_id("", ports.random)
    ports.own_sign_in.put_password(Password(account.sub, password_id, hash_password(password), int(now)))
    return replace(account, password_id=password_id)


def _with_passkey(
    ports: Ports, request: Request, link: Link, form: Mapping[str, str], account: Account, now: float
) -> Account:
    browser, rp_id = browser_secret(request, ports.cookies) or "", ports.settings.rp_id
    try:
        # A mail's link lives for a day, and the page that it opens for as long as a challenge.
        issued_ms = parse_issued_ms(form.get("issued_ms", ""), 0, now)
        made = parse_registration(form, Ceremony(rp_id, request.issuer, _challenge(browser, link, issued_ms)))
        if not rp_id or not ports.enrolment.keep_rp_id(rp_id):
            raise PasskeyRefused("there are no passkeys here, or they are of another RP ID")
        digest, name = digest_of(made.credential_id), agent_of(request.headers.get("user-agent", ""))
        passkey = new_passkey(made, account.sub, form.get("transports", ""), name, issued_ms, now)
        # After a second click, the first one has made the account; after one that died half-way, there is none.
        is_kept = ports.enrolment.add_passkey(digest, passkey)
        if not is_kept and _holder(ports, link) is None:
            raise PasskeyRefused("there is a passkey with this credential id")
    except PasskeyRefused as refused:
        ports.audit.record("passkey.refused", source_ip=request.source_ip, detail=str(refused))
        raise _Refused(Sentence("account.passkeys.refused")) from None
    passkeys = frozenset({digest}) if is_kept else frozenset[str]()
    return replace(account, passkeys=passkeys, user_handle=_user_handle(link), has_no_password=True)


def _on(ports: Ports, request: Request, link: Link, here: Here, account: Account, now: float) -> Response:
    """On to the application, in the browser that asked; else the page that says where to go on."""
    facts = {"sub": account.sub, "client_id": link.mail.client_id, "source_ip": request.source_ip}
    ports.audit.record("address.proven", **facts)
    ports.audit.record("account.created", **facts)
    saved = here.to_go_on
    if saved is None:
        return mail_links.done_page(ports, request, "joined", link, here)
    by_password = bool(account.password_id)
    means = account.password_id if by_password else next(iter(account.passkeys))
    amr = AMR if by_password else _AMR_OF_PASSKEY
    with suppress(TemporarilyUnavailable):
        if prove(ports, saved, JOINED, account, means=means, amr=amr, now=now):
            return back_to_authorize(saved, request.issuer, proven_by=JOINED)
    # The account is made, and without the proof its end-user signs in. Whose proof stands in its place has joined here
    # before, and may not have gone on yet: it must not sign in this one.
    return back_to_authorize(saved, request.issuer)


def _on_after_another(ports: Ports, request: Request, link: Link, here: Here, now: float) -> Response:
    """Another form has made the account. If it was this browser's, what that one has proven opens the session, else the
    end-user signs in.
    """
    saved, holder = here.to_go_on, _holder(ports, link)
    if saved is not None and holder is not None and not holder.released_at:
        return back_to_authorize(saved, request.issuer, proven_by=JOINED)
    return _taken(ports, request, link, now) or used_page(JOIN, link.parameters)


def _closed(ports: Ports, request: Request, link: Link) -> Response | None:
    """The page that says that this address cannot join by now: the policy may have changed since the mail was sent."""
    policy, client = ports.registry.policy(), _client(ports, link)
    is_closed = not is_open(policy, ports.settings.features) or not takes_address(policy, link.mail.address)
    if is_closed or (client is not None and client.registration == OFF):
        return page(404, told("no_joining", link, way_back(ports, request, link), is_error=True))
    return None


def _taken(ports: Ports, request: Request, link: Link, now: float) -> Response | None:
    """The page for an address that some account has, or has given up lately. Its reader has proven that the address is
    theirs.
    """
    holder = _holder(ports, link)
    if holder is None or 0 < holder.released_at < int(now) - TAKEN_AGAIN_AFTER:
        return None
    if holder.released_at:
        return page(400, told("reserved", link, way_back(ports, request, link), is_error=True))
    query = f"?request={link.handle}" if link.handle else ""
    forgot = Way(f"/recover{query}", Sentence("sign_in.forgot"))
    return page(200, told("has_account", link, way_back(ports, request, link), forgot, is_error=False))


def _holder(ports: Ports, link: Link) -> Identifier | None:
    """Who has the address, or had it last."""
    return ports.newcomers.find_identifier(normal_address(link.mail.address))


def _page(
    ports: Ports, request: Request, link: Link, now: float, *, name: str = "", error: Sentence | None = None
) -> Response:
    rp_id = ports.settings.rp_id

    def page_of(browser: str, csrf_token: str) -> Page:
        return mails.join(
            link=link.parameters,
            csrf_token=csrf_token,
            address=link.mail.address,
            name=name,
            minimum=minimum_for(None, ports.registry.policy()),
            error=error,
            passkey=_making(browser, link, rp_id, int(now * 1000)) if rp_id else None,
            ui_locales=link.mail.locale,
        )

    response = shown(ports, request, link, page_of, status=400 if error else 200)
    return response.with_headers(HEADERS) if rp_id else response


def _making(browser: str, link: Link, rp_id: str, issued_ms: int) -> MakingForm:
    return MakingForm(
        challenge=base64url(_challenge(browser, link, issued_ms)),
        issued_ms=issued_ms,
        rp_id=rp_id,
        user_handle=base64url(_user_handle(link)),
        algorithms=" ".join(map(str, ALGORITHMS)),
    )


def _challenge(browser: str, link: Link, issued_ms: int) -> bytes:
    return challenge(browser, BY_JOINING, link.digest.hex(), issued_ms)


def _user_handle(link: Link) -> bytes:
    """How the passkey calls the account. It follows from the mail, so that a second try replaces the first one's
    passkey in the authenticator (WebAuthn Level 3 §6.3.2).
    """
    return sha256(b"valet user handle" + link.digest).digest()


def _client(ports: Ports, link: Link) -> Client | None:
    return ports.registry.find_client(link.mail.client_id) if link.mail.client_id else None
