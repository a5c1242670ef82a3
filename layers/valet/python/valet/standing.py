"""Whether a client, an account, a session or a grant is still good, and the pointer by which a grant can be found and
ended.

Revoking all that an end-user or a client holds raises a counter, the epoch, in one write. Everything that was made
under an older epoch is dead from that write on. No clock matters. A single grant is revoked by its id, which a pointer
keeps for its end-user and session.
"""

from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.grants import Grant, GrantPointer
from valet.models.sessions import Session
from valet.protocol.scope import OFFLINE_ACCESS
from valet.protocol.supported import MULTI_FACTOR_ACR, reaches


def account_stands(account: Account | None, epoch: int, auth_time_ms: int) -> bool:
    """Whether what was made for this account, in that epoch and after a sign-in at that time, is still good."""
    if account is None or account.is_disabled or epoch != account.epoch:
        return False
    is_marked_by_release_before = account.sessions_not_before_ms != account.epoch_raised_at_ms
    return not is_marked_by_release_before or auth_time_ms >= account.sessions_not_before_ms


def session_stands(session: Session, account: Account | None) -> bool:
    """Whether the end-user may go on by this session. It may be over for other reasons (see sessions.is_over)."""
    if account is None or not account_stands(account, session.epoch, session.auth_time_ms):
        return False
    return has_reached(session, account.required_acr, own_acr(account), account.totp_id)


def own_acr(account: Account) -> str:
    """The level that the account itself wants: who has a second factor is asked for it at each sign-in."""
    return MULTI_FACTOR_ACR if account.totp_id else ""


def has_reached(session: Session, required: str, own: str, totp_id: str) -> bool:
    """Whether the session is of both levels. For the account's own one it is enough that the browser was remembered
    for the second factor in force, `totp_id`.
    """
    if session.is_by_mail or not reaches(session.acr, required):
        return False
    return reaches(session.acr, own) or (bool(totp_id) and session.remembered == totp_id)


def is_time_taken_as_told(account: Account) -> bool:
    """Whether, at the account page, the time of a trip to another provider counts as that of the sign-in there: the
    end-user has no other way to show that they are here.
    """
    return account.has_no_password and not account.passkeys


def grant_stands(grant: Grant, client: Client, account: Account | None) -> bool:
    """Whether a code or a refresh token of this grant may still be exchanged, and its access tokens be used."""
    return outlives(grant, account) and _client_stands(grant, client)


def outlives(grant: Grant, account: Account | None) -> bool:
    """Whether the grant comes from a sign-in that the end-user's account still stands by."""
    # A grant keeps the time of the sign-in in whole seconds: count it as the second's last millisecond.
    return account_stands(account, grant.epoch, grant.auth_time * 1000 + 999)


def pointer_to(grant: Grant, expires_at: int, redeemed_at: int = 0) -> GrantPointer:
    """Where the grant can be found until then, to be revoked."""
    return GrantPointer(
        sub=grant.sub,
        sid=grant.sid,
        grant_id=grant.grant_id,
        ends_with_session=OFFLINE_ACCESS not in grant.scope,
        expires_at=expires_at,
        redeemed_at=redeemed_at,
        client_id=grant.client_id,
    )


def _client_stands(grant: Grant, client: Client) -> bool:
    # The client's record may be ten seconds old. A grant of a later epoch than the record says is a new one.
    if client.is_disabled or grant.client_epoch < client.epoch:
        return False
    is_time_named = client.grants_not_before_ms != client.epoch_raised_at_ms
    return not is_time_named or grant.issued_at_ms >= client.grants_not_before_ms
