"""The section of the account page where a person sets a new password (NIST SP 800-63B-4 §3.1.1.2).

The function credentials serves it. One write puts the password in force and ends everything that was opened until now,
also this browser's session: the page after it leads to a sign-in with the new password.
"""

from contextlib import suppress
from functools import partial
from typing import Protocol

from valet.account import first_means, visit
from valet.account.first_means import NOT_NEEDED, FirstMeans
from valet.account.visit import OUT_OF_DATE, Visit, announce_everything, out_of_date
from valet.errors import TemporarilyUnavailable
from valet.http import Parameters, Response, page
from valet.models.accounts import Password
from valet.pages import messages
from valet.pages.passwords import script
from valet.pages.words import Sentence
from valet.people import notices
from valet.people.new_passwords import is_short, minimum_for, wrong_with
from valet.people.notices import notify
from valet.people.passwords import hash_password, next_password_id
from valet.ports.breaches import HasBreaches
from valet.ports.own_sign_in import HasOwnSignIn


class Ports(visit.Ports, notices.Ports, first_means.Ports, HasOwnSignIn, HasBreaches, Protocol):
    """The ports that a password is set through."""


def show(ports: Ports, visit: Visit) -> Response:
    return _page(ports, visit)


def act(ports: Ports, visit: Visit, form: Parameters) -> Response:
    """Set the password, unless the account was changed since the page was made."""
    account, proof = visit.visitor.account, form.get(first_means.FIELD, "")
    if form.get("do", "") in (first_means.SEND, first_means.ENTER):
        return first_means.act(ports, visit, form, partial(_page_of_first_means, ports, visit))
    if not visit.is_form(form, account.password_id, str(account.epoch), proof):
        raise out_of_date(_page(ports, visit, status=400, error=OUT_OF_DATE))
    # An account may have none, and be signed in to by another provider alone: then a password is a further means.
    if account.has_no_password and not first_means.is_proven(ports, visit, proof):
        return _page(ports, visit, status=400, error=Sentence("first_means.needed"))
    typed, policy = form.get("new_password", ""), ports.registry.policy()
    if wrong := wrong_with(ports, typed, account, policy):
        return _page(ports, visit, status=400, error=wrong, first=first_means.asked(ports, visit, proof=proof))
    password_id = next_password_id(account.password_id, ports.random)
    ports.own_sign_in.put_password(Password(account.sub, password_id, hash_password(typed), int(visit.now)))
    notify(ports, account, "password.changed", visit.request.issuer, visit.now, mark=password_id)
    announce_everything(visit, "password_changed")
    short = is_short(typed, policy)
    if not ports.own_sign_in.name_password(account, password_id, visit.now, is_short=short):
        ports.own_sign_in.drop_password(account.sub, password_id)
        raise out_of_date(_page(ports, visit, status=400, error=Sentence("account.password.not_changed")))
    ports.audit.record("password.changed", sub=account.sub, source_ip=visit.request.source_ip)
    with suppress(TemporarilyUnavailable):  # what is left of it opens nothing
        ports.own_sign_in.drop_password(account.sub, account.password_id)
    return page(200, messages.password_changed(f"{visit.request.issuer}/account"))


def _page_of_first_means(ports: Ports, visit: Visit, first: FirstMeans, error: Sentence | None) -> Response:
    return _page(ports, visit, status=400 if error else 200, error=error, first=first)


def _page(
    ports: Ports,
    visit: Visit,
    *,
    status: int = 200,
    error: Sentence | None = None,
    first: FirstMeans | None = None,
) -> Response:
    account = visit.visitor.account
    first = (first or first_means.asked(ports, visit)) if account.has_no_password else NOT_NEEDED
    return visit.page(
        status=status,
        error=error,
        again=first.again,
        script="" if first.is_open else script(),
        first=first,
        carried={},
        csrf_token=visit.token(account.password_id, str(account.epoch), first.proof),
        minimum=minimum_for(account, ports.registry.policy()),
    )
