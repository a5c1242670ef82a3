"""The section of the account page with the person's passkeys: add one, name it, remove it (WebAuthn Level 3 §7.1).

The function credentials serves it. It can open no session and end none: removing a lost passkey raises the epoch, and
the account page, to which the browser goes next, ends what is left.
"""

from functools import partial
from typing import Protocol

from valet.account import first_means, new_codes
from valet.account.errand import NO_ERRAND, Errand, errand_of, go_on
from valet.account.first_means import FirstMeans
from valet.account.new_codes import first_codes_page
from valet.account.visit import OUT_OF_DATE, Visit, announce_everything, at, out_of_date
from valet.frozen import Frozen, replace
from valet.handles import base64url
from valet.http import Parameters, Response, redirect
from valet.models.accounts import Account
from valet.models.passkeys import Passkey
from valet.pages.passkeys import MAKE, script
from valet.pages.words import Sentence
from valet.people import notices
from valet.people.identifiers import called
from valet.people.notices import notify
from valet.people.passkeys import (
    ALGORITHMS,
    ENROL,
    Ceremony,
    PasskeyRefused,
    challenge,
    digest_of,
    member,
    new_passkey,
    parse_issued_ms,
    parse_registration,
)
from valet.ports.enrolment import MOST, HasEnrolment

_LONGEST_NAME = 60
_HANDLE = 32  # bytes
_LATELY = 30 * 86_400  # seconds before a password was given back in which a thief may have made a passkey


class Ports(new_codes.Ports, notices.Ports, first_means.Ports, HasEnrolment, Protocol):
    """The ports that passkeys are looked after through."""


class _Enrolled(Frozen):
    """A passkey that the account names."""

    digest: str
    passkey: Passkey


def show(ports: Ports, visit: Visit) -> Response:
    return _page(ports, visit, errand_of(visit.request.query()))


def act(ports: Ports, visit: Visit, form: Parameters) -> Response:
    """Add, name or remove a passkey, or go on without one."""
    errand = errand_of(form)
    match form.get("do", "add"):
        case "add":
            return _add(ports, visit, form, errand)
        case first_means.SEND | first_means.ENTER:
            return first_means.act(ports, visit, form, partial(_page_of_first_means, ports, visit, errand))
        case "reviewed" if visit.is_form(form, "reviewed", str(visit.visitor.account.recovered_at), errand.handle):
            ports.enrolment.confirm_passkeys(visit.visitor.account)
            return go_on(visit, errand)
        case "later" if visit.is_form(form, "later", errand.handle):
            return go_on(visit, errand).with_cookies(ports.cookies.decline_passkey())
        case "rename" if visit.is_form(form, "change", form.get("passkey", "")):
            return _rename(ports, visit, form)
        case "remove" if visit.is_form(form, "change", form.get("passkey", "")):
            return _remove(ports, visit, form)
    raise out_of_date(_page(ports, visit, errand, status=400, error=OUT_OF_DATE))


def _add(ports: Ports, visit: Visit, form: Parameters, errand: Errand) -> Response:
    account, session, rp_id = visit.visitor.account, visit.visitor.session, ports.settings.rp_id
    proof, first = form.get(first_means.FIELD, ""), None
    try:
        user_handle = member(form, "new_user_handle") if not account.user_handle else account.user_handle
        if not visit.is_form(form, "add", base64url(user_handle), errand.handle, proof):
            raise PasskeyRefused("the form is not of this session's page")
        if not first_means.is_proven(ports, visit, proof):
            return _page(ports, visit, errand, status=400, error=Sentence("first_means.needed"))
        first = first_means.asked(ports, visit, proof=proof)
        issued_ms = parse_issued_ms(form.get("issued_ms", ""), session.auth_time_ms, visit.now)
        ceremony = Ceremony(rp_id, visit.request.issuer, _challenge(visit, issued_ms))
        made = parse_registration(form, ceremony)
        if not ports.enrolment.keep_rp_id(rp_id):
            raise PasskeyRefused(f"there are passkeys of another RP ID than {rp_id}")
        digest = digest_of(made.credential_id)
        name = session.agent[:_LONGEST_NAME]
        passkey = new_passkey(made, account.sub, form.get("transports", ""), name, issued_ms, visit.now)
        if not ports.enrolment.add_passkey(digest, passkey):
            raise PasskeyRefused("there is a passkey with this credential id")
    except PasskeyRefused as refused:
        ports.audit.record("passkey.refused", sub=account.sub, source_ip=visit.request.source_ip, detail=str(refused))
        return _page(ports, visit, errand, status=400, error=Sentence("account.passkeys.refused"), first=first)
    notify(ports, account, "passkey.added", visit.request.issuer, visit.now, mark=digest)
    if not ports.enrolment.name_passkey(account, digest, user_handle):
        ports.enrolment.delete_passkey(digest)
        raise out_of_date(_page(ports, visit, errand, status=400, error=Sentence("account.passkeys.not_added")))
    ports.audit.record("passkey.added", sub=account.sub, source_ip=visit.request.source_ip)
    named = replace(account, passkeys=account.passkeys | {digest}, user_handle=user_handle)
    added = Sentence("account.passkeys.added")
    codes = first_codes_page(ports, visit, named, errand, added)
    if codes is not None:
        return codes
    if errand.handle:
        return go_on(visit, errand)
    # The page itself, and no redirect to it: the account can do better than this sign-in now, so that a redirect would
    # lead to another sign-in at once.
    return _page(ports, visit.by(named), NO_ERRAND, notice=added)


def _rename(ports: Ports, visit: Visit, form: Parameters) -> Response:
    name, digest = form.get("name", "").strip(), form["passkey"]
    if not name or not name.isprintable() or len(name) > _LONGEST_NAME:
        return _page(ports, visit, NO_ERRAND, status=400, error=Sentence("account.passkeys.wrong_name"))
    if digest in visit.visitor.account.passkeys:
        ports.enrolment.rename_passkey(visit.visitor.account, digest, name)
    return visit.back()


def _remove(ports: Ports, visit: Visit, form: Parameters) -> Response:
    account, digest, is_lost = visit.visitor.account, form["passkey"], form.get("lost", "") == "yes"
    if digest not in account.passkeys:
        return visit.back()  # a second click
    notify(ports, account, "passkey.removed", visit.request.issuer, visit.now, mark=digest)
    if is_lost:
        announce_everything(visit, "signed_out_everywhere")
    if not ports.enrolment.drop_passkey(account, digest, visit.now, is_lost=is_lost):
        raise out_of_date(_page(ports, visit, NO_ERRAND, status=400, error=Sentence("account.passkeys.not_removed")))
    ports.enrolment.delete_passkey(digest)
    ports.audit.record("passkey.removed", sub=account.sub, source_ip=visit.request.source_ip)
    if is_lost:
        return redirect(f"{visit.request.issuer}/account")  # it ends the sessions and grants, this one included
    return visit.back()


def _challenge(visit: Visit, issued_ms: int) -> bytes:
    """Of this session: the cookie is a secret that no other browser has."""
    return challenge(visit.visitor.secret, ENROL, visit.visitor.session.digest.hex(), issued_ms)


def _page_of_first_means(
    ports: Ports, visit: Visit, errand: Errand, first: FirstMeans, error: Sentence | None
) -> Response:
    notice = Sentence("first_means.proven") if first.proof else None
    return _page(ports, visit, errand, status=400 if error else 200, error=error, notice=notice, first=first)


def _page(
    ports: Ports,
    visit: Visit,
    errand: Errand,
    *,
    first: FirstMeans | None = None,
    status: int = 200,
    error: Sentence | None = None,
    notice: Sentence | None = None,
) -> Response:
    account, session = visit.visitor.account, visit.visitor.session
    enrolled = _enrolled(ports, account)
    user_handle = base64url(account.user_handle or ports.random(_HANDLE))
    issued_ms = max(int(visit.now * 1000), session.auth_time_ms)
    can_add, is_review = len(account.passkeys) < MOST, bool(account.recovered_at and account.passkeys)
    first = first or first_means.asked(ports, visit)
    return visit.page(
        status=status,
        error=error,
        notice=notice,
        script=script(MAKE) if can_add and not first.is_open else "",
        again={**errand.parameters, **first.again},
        first=first,
        carried=errand.parameters,
        can_add=can_add,
        request_handle=errand.handle,
        is_required=errand.is_required,
        csrf_token=visit.token("add", user_handle, errand.handle, first.proof),
        later=visit.token("later", errand.handle),
        reviewed=visit.token("reviewed", str(account.recovered_at), errand.handle) if is_review else "",
        issued_ms=issued_ms,
        challenge=base64url(_challenge(visit, issued_ms)),
        rp_id=ports.settings.rp_id,
        user_handle=user_handle,
        display_name=account.name or called(account),
        algorithms=" ".join(map(str, ALGORITHMS)),
        exclude=" ".join(base64url(each.passkey.credential_id) for each in enrolled),
        rows=[
            (
                each.digest,
                each.passkey.name,
                at(each.passkey.created_at),
                at(each.passkey.last_used_at) if each.passkey.last_used_at else "",
                each.passkey.backed_up,
                visit.token("change", each.digest),
                is_review and each.passkey.created_at > account.recovered_at - _LATELY,
            )
            for each in enrolled
        ],
    )


def _enrolled(ports: Ports, account: Account) -> list[_Enrolled]:
    """The passkeys in force, the oldest first."""
    found = ((digest, ports.enrolment.find_passkey(digest)) for digest in account.passkeys)
    kept = [_Enrolled(digest, passkey) for digest, passkey in found if passkey is not None]
    return sorted(kept, key=lambda each: (each.passkey.created_at, each.digest))
