"""The section of the account page with the recovery codes: make ten new ones (NIST SP 800-63B-4 §3.1.2).

The function credentials serves it. Who has used a code comes here next, and goes on to what they have lost.
"""

from typing import Protocol

from valet.account import new_codes
from valet.account.errand import Errand, errand_of, way_on
from valet.account.new_codes import codes_page, make_codes
from valet.account.visit import OUT_OF_DATE, Visit, out_of_date
from valet.http import Parameters, Response
from valet.pages.words import Sentence
from valet.people import recovery_codes
from valet.protocol.account_visit import PASSKEYS, SECOND_FACTOR, SECTIONS


class Ports(new_codes.Ports, Protocol):
    """The ports that recovery codes are looked after through."""


def show(ports: Ports, visit: Visit) -> Response:
    return _page(ports, visit, errand_of(visit.request.query()))


def act(ports: Ports, visit: Visit, form: Parameters) -> Response:
    """Make new codes: those before are worth nothing then."""
    account, errand = visit.visitor.account, errand_of(form)
    if not visit.is_form(form, account.recovery_id, errand.handle) or not _may_make(visit):
        raise out_of_date(_page(ports, visit, errand, status=400, error=OUT_OF_DATE))
    codes = make_codes(ports, visit, account)
    if not codes:
        raise out_of_date(_page(ports, visit, errand, status=400, error=OUT_OF_DATE))
    return codes_page(visit, codes, errand)


def _may_make(visit: Visit) -> bool:
    """Whether there is something to lose, which this sign-in has shown; or the end-user has used a code.

    Codes that are left of an account without a passkey or second factor are not enough: its password alone opens this
    page, and with new codes a stolen one would be two factors.
    """
    account = visit.visitor.account
    return bool(account.passkeys or account.totp_id) or visit.visitor.session.is_recovered


def _page(ports: Ports, visit: Visit, errand: Errand, *, status: int = 200, error: Sentence | None = None) -> Response:
    account, features = visit.visitor.account, ports.settings.features
    kept = ports.own_factors.find_recovery_codes(account.sub, account.recovery_id) if account.recovery_id else None
    # Who has used a code has lost something: a passkey or a second factor.
    means = (PASSKEYS, SECOND_FACTOR) if visit.visitor.session.is_recovered else ()
    suffix = f"?request={errand.handle}" if errand.handle else ""
    return visit.page(
        status=status,
        error=error,
        notice=None,
        codes=(),
        left=recovery_codes.left(kept) if kept else 0,
        can_make=_may_make(visit),
        lost=[(name, f"/account/{name}{suffix}") for name in means if SECTIONS[name].needs in features],
        way_on=way_on(visit, errand) if errand.handle else "",
        request_handle=errand.handle,
        csrf_token=visit.token(account.recovery_id, errand.handle),
    )
