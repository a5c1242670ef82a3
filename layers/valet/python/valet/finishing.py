"""Sign-outs, finished: what was announced is ended even if a function dies half-way, and each client is told once it
has ended (OpenID Connect Back-Channel Logout §2.3, §2.7).

The message comes before the write that ends something, so it may describe a write that never happens. The item is the
truth: nothing is revoked that the session or the account does not say has ended. Everything here may be repeated.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from valet import revocation
from valet.frozen import Frozen, replace
from valet.models.accounts import Account
from valet.models.grants import GrantPointer
from valet.models.sign_outs import LogoutNotice, SignOut
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.sessions import HasSessions
from valet.ports.sign_outs import HasLogoutNotices, HasSignOuts
from valet.revocation import revocation_for
from valet.standing import outlives

AGAIN = 30  # seconds until the next look, longer than any function runs that reads or writes what is looked at
_LOOKS = 2  # the second one finds what requests under way put behind the first one's back
_MOST_LOOKS = 4  # as long as a code may be redeemed, for a grant that outlives its session
# Grants that a message names, so that it is never too large for the queue. The clients of more are told at each look.
_MOST_TOLD = 1_000
_AT_ONCE = 20  # pointers that are finished and forgotten before the next ones: each run makes some way


class Ports(revocation.Ports, HasAccounts, HasRegistry, HasSessions, HasSignOuts, HasLogoutNotices, Protocol):
    """The ports that a sign-out is finished through."""


class _Ended(Frozen):
    """What the item says has ended. `account`: all that it does not stand by; None, and a `sid`: that session."""

    sid: str | None
    account: Account | None = None


class _Held(Frozen):
    """What one pointer leads to: whose it is, and whether its client may know of the end-user's session."""

    pointer: GrantPointer
    client_id: str
    is_over: bool  # its grant has ended with the session
    is_redeemed: bool  # its client got tokens, or may be getting them now


def finish(ports: Ports, sign_out: SignOut, now: float) -> None:
    """End what the message is about, if its write was done, and send a notice for each client that has to be told.

    Looks again after 30 seconds: first for a write that was not done yet, then for what was under way. Raises
    TemporarilyUnavailable, and then the message has to come again.
    """
    ended = _ended(ports, sign_out)
    if ended is None:
        if sign_out.look < _LOOKS:
            ports.sign_outs.send(replace(sign_out, look=sign_out.look + 1), AGAIN)
        return
    told, is_awaited, clients = set(sign_out.told), False, set[tuple[str, str]]()
    pointers = iter(ports.grants.pointers(sign_out.sub, ended.sid))
    while some := list(islice(pointers, _AT_ONCE)):
        held = list(_held(ports, sign_out, ended, some, now))
        is_awaited |= any(not each.is_over and not each.is_redeemed for each in held)
        _notify(ports, sign_out, [each for each in held if each.pointer.grant_id not in told], clients)
        told |= {each.pointer.grant_id for each in held if each.is_redeemed and not each.is_over}
        for each in held:
            if each.is_over:
                ports.grants.forget(each.pointer)
    if sign_out.look < (_MOST_LOOKS if is_awaited else _LOOKS):
        again = replace(sign_out, look=sign_out.look + 1, told=tuple(sorted(told)[:_MOST_TOLD]))
        ports.sign_outs.send(again, AGAIN)


def _ended(ports: Ports, sign_out: SignOut) -> _Ended | None:
    """What has ended, by the session's or the account's own item; None if the write was not done."""
    if sign_out.session:
        session = ports.sessions.find_session(bytes.fromhex(sign_out.session))
        if session is None or session.sub != sign_out.sub or not session.ended_at:
            return None
        return _Ended(session.sid)
    account = ports.accounts.find_account(sign_out.sub)
    is_standing = account is not None and not account.is_disabled and account.epoch <= sign_out.epoch
    return None if is_standing else _Ended(None, account)


def _held(
    ports: Ports, sign_out: SignOut, ended: _Ended, pointers: Sequence[GrantPointer], now: float
) -> Iterator[_Held]:
    """What the pointers lead to, with every grant ended that has to end."""
    for pointer in pointers:
        client_id, is_redeemed = pointer.client_id, bool(pointer.redeemed_at)
        is_over = pointer.ends_with_session
        if ended.sid is None or not client_id:
            grant = ports.grants.find(pointer.grant_id)
            if grant is not None and grant.client_id:
                client_id, is_redeemed = grant.client_id, bool(grant.redeemed_at_ms)
                if ended.sid is None and outlives(grant, ended.account):
                    continue  # of a sign-in that came after the write
            elif ended.sid is None and not is_redeemed:
                continue  # not issued yet, or never: the account's epoch refuses the code
            is_over = is_over or ended.sid is None
        if is_over:
            revocation_ = revocation_for(ports, now, sign_out.revoked_for)
            revoked = ports.grants.bury(pointer.grant_id, sign_out.sub, revocation_)
            if revoked is not None:
                # A code that is buried before its redemption has told its client nothing.
                is_redeemed = is_redeemed or bool(revoked.grant.redeemed_at_ms)
                revocation.finish(ports, revoked, now, revoked_for=sign_out.revoked_for)
        yield _Held(pointer, client_id, is_over, is_redeemed)


def _notify(ports: Ports, sign_out: SignOut, held: Sequence[_Held], clients: set[tuple[str, str]]) -> None:
    """Send a notice for each client and session that this run has not sent one for. `clients` keeps them."""
    for each in held:
        about = each.client_id, each.pointer.sid
        if not each.is_redeemed or about in clients or ports.logout_notices is None:
            continue
        client = ports.registry.find_client(each.client_id)
        if client is not None and client.backchannel_logout_uri:
            ports.logout_notices.send(LogoutNotice(each.client_id, sign_out.sub, each.pointer.sid, sign_out.issuer))
        clients.add(about)
