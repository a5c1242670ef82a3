"""New recovery codes: made with the first passkey or second factor, and whenever their owner wants, and shown once."""

from typing import Protocol

from valet.account import visit
from valet.account.errand import Errand, way_on
from valet.account.visit import Visit
from valet.handles import new_id
from valet.http import Response
from valet.models.accounts import Account
from valet.pages.passkeys import KEEP, script
from valet.pages.words import Sentence
from valet.people import notices, recovery_codes
from valet.people.notices import notify
from valet.ports.factors import HasOwnFactors
from valet.protocol.account_visit import RECOVERY


class Ports(visit.Ports, notices.Ports, HasOwnFactors, Protocol):
    """The ports that codes are made through."""


def make_codes(ports: Ports, visit: Visit, account: Account) -> tuple[str, ...]:
    """Make codes in place of those before. None of them, if the account was changed since it was read."""
    recovery_id, made = new_id(ports.random), recovery_codes.make(ports.random, visit.now)
    ports.own_factors.put_recovery_codes(account.sub, recovery_id, made.kept)
    # The first ones come with a passkey or a second factor, which is told. New ones are a way in that stays, for a
    # thief who has seen one code of the app.
    if account.recovery_id:
        notify(ports, account, "recovery.made", visit.request.issuer, visit.now, mark=recovery_id)
    if not ports.own_factors.name_recovery_codes(account, recovery_id):
        ports.own_factors.delete_factor(account.sub, recovery_id)
        return ()
    if account.recovery_id:
        ports.own_factors.delete_factor(account.sub, account.recovery_id)
    ports.audit.record("recovery.made", sub=account.sub, source_ip=visit.request.source_ip)
    return made.codes


def first_codes_page(ports: Ports, visit: Visit, account: Account, errand: Errand, added: Sentence) -> Response | None:
    """The page with the codes of an account that has none yet, after it was given a passkey or a second factor. None:
    it has some.
    """
    if account.recovery_id:
        return None
    codes = make_codes(ports, visit, account)
    return codes_page(visit, codes, errand, notice=added) if codes else None


def codes_page(visit: Visit, codes: tuple[str, ...], errand: Errand, *, notice: Sentence | None = None) -> Response:
    """The page that shows the codes, which cannot be shown again."""
    here = visit._replace(section=RECOVERY)
    return here.page(
        script=script(KEEP),
        notice=notice,
        codes=codes,
        way_on=way_on(visit, errand, f"/account/{visit.section}"),
    )
