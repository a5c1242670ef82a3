"""Ending all that an account has opened, once the account itself says so (docs/people.md).

One write on the account raises its epoch, and everything of an older one is dead at this server. What follows ends the
sessions and grants one by one, so that APIs refuse the access tokens too. It may be done again at any time.
"""

from collections.abc import Mapping

from valet.account.visit import Ports, is_form_of
from valet.handles import digest
from valet.http import Request, Response, page
from valet.models.accounts import Account
from valet.pages import messages
from valet.people.cookies import session_secret
from valet.people.sessions import end_recorded
from valet.revocation import end_grants, finish, revocation_for


def end_everything(ports: Ports, account: Account, now: float, revoked_for: str) -> None:
    """End every session and grant of an older epoch than the account's. Those of its epoch come from a sign-in after
    the write, and go on. The grants that were redeemed last come first: an attacker may have just got tokens of them.
    """
    for session in ports.sessions.sessions_of(account.sub, now):
        if session.epoch < account.epoch:
            end_recorded(ports, session, now)
    pointers = ports.grants.pointers(account.sub)
    for pointer in sorted(pointers, key=lambda pointer: pointer.redeemed_at, reverse=True):
        outline = ports.grants.outline(pointer.grant_id)
        if outline is not None and outline.sub == account.sub and outline.epoch < account.epoch:
            end_grant(ports, pointer.grant_id, now, revoked_for)


def end_grant(ports: Ports, grant_id: str, now: float, revoked_for: str) -> None:
    """End the grant, and set the status bits of its access tokens."""
    revoked = ports.grants.revoke(grant_id, revocation_for(ports, now, revoked_for))
    if revoked is not None:
        finish(ports, revoked, now, revoked_for=revoked_for)


def finish_deletion(ports: Ports, account: Account, now: float) -> None:
    """End what a deleted account has opened, and forget its consents. May be done again at any time.

    The credential stays, and opens nothing: the account is disabled and names no credential. No function that end-users
    reach may write one. Until an operator deletes the user, it also keeps the username from being given to another.
    """
    end_everything(ports, account, now, "account_deleted")
    for consent in ports.consents.consents_of(account.sub):
        ports.consents.forget_consent(account.sub, consent.client_id)


def finish_what_is_left(
    ports: Ports, request: Request, section: str, form: Mapping[str, str] | None, now: float
) -> Response | None:
    """Complete what an earlier request began, if this browser's session is dead by that: its invocation may have died
    half-way. The page that says so, where the account is deleted.
    """
    secret = session_secret(request, ports.cookies)
    session = ports.sessions.find_session(digest(secret)) if secret else None
    account = ports.accounts.find_account(session.sub) if session else None
    if secret is None or session is None or account is None:
        return None
    if session.epoch >= account.epoch:
        # A session that has ended may go on in a newer one, whose grants live: its form alone says that it was to end.
        if session.ended_at and form and is_form_of(secret, section, form, session.sid, ""):
            end_grants(ports, session, now, "account")
        return None
    if not account.deleted_at:
        end_everything(ports, account, now, "signed_out_everywhere")
        return None
    finish_deletion(ports, account, now)
    return page(200, messages.account_deleted()).with_cookies(ports.cookies.end_session())
