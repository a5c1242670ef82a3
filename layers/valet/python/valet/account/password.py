"""The section of the account page where a person sets a new password (NIST SP 800-63B-4 §3.1.1.2).

The function credentials serves it. One write puts the password in force and ends everything that was opened until now,
also this browser's session: the page after it leads to a sign-in with the new password.
"""

from contextlib import suppress
from typing import Protocol

from valet.account import visit
from valet.account.visit import OUT_OF_DATE, Visit, announce_everything, out_of_date
from valet.errors import TemporarilyUnavailable
from valet.http import Parameters, Response, page
from valet.models.accounts import Password
from valet.pages import messages
from valet.pages.passwords import script
from valet.pages.words import Sentence
from valet.people import notices
from valet.people.new_passwords import minimum_for, wrong_with
from valet.people.notices import notify
from valet.people.passwords import hash_password, next_password_id
from valet.ports.breaches import HasBreaches
from valet.ports.own_sign_in import HasOwnSignIn


class Ports(visit.Ports, notices.Ports, HasOwnSignIn, HasBreaches, Protocol):
    """The ports that a password is set through."""


def show(ports: Ports, visit: Visit) -> Response:
    return _page(ports, visit)


def act(ports: Ports, visit: Visit, form: Parameters) -> Response:
    """Set the password, unless the account was changed since the page was made."""
    account = visit.visitor.account
    if not visit.is_form(form, account.password_id, str(account.epoch)):
        raise out_of_date(_page(ports, visit, status=400, error=OUT_OF_DATE))
    typed, policy = form.get("new_password", ""), ports.registry.policy()
    if wrong := wrong_with(ports, typed, account, policy):
        return _page(ports, visit, status=400, error=wrong)
    password_id = next_password_id(account.password_id, ports.random)
    ports.own_sign_in.put_password(Password(account.sub, password_id, hash_password(typed), int(visit.now)))
    notify(ports, account, "password.changed", visit.request.issuer, visit.now, mark=password_id)
    announce_everything(visit, "password_changed")
    if not ports.own_sign_in.name_password(account, password_id, visit.now):
        ports.own_sign_in.drop_password(account.sub, password_id)
        raise out_of_date(_page(ports, visit, status=400, error=Sentence("account.password.not_changed")))
    ports.audit.record("password.changed", sub=account.sub, source_ip=visit.request.source_ip)
    with suppress(TemporarilyUnavailable):  # what is left of it opens nothing
        ports.own_sign_in.drop_password(account.sub, account.password_id)
    return page(200, messages.password_changed(f"{visit.request.issuer}/account"))


def _page(ports: Ports, visit: Visit, *, status: int = 200, error: Sentence | None = None) -> Response:
    account = visit.visitor.account
    return visit.page(
        status=status,
        error=error,
        script=script(),
        csrf_token=visit.token(account.password_id, str(account.epoch)),
        minimum=minimum_for(account, ports.registry.policy()),
        has_password=not account.has_no_password,
    )
