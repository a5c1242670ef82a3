"""From a proof to a session. /authorize alone opens sessions: each with a proof of this saved request in this browser,
which the session spends (NIST SP 800-63B-4 §5).

The session is written first, and the cookie leaves only when the proof is spent by this very attempt. So a proof opens
one session at most, and an invocation that dies in between leaves a session whose secret is lost.

A second factor opens no session by itself. It was given for one session of this browser, and with that one it makes a
new session, of a higher level (docs/decisions/second-factors.md).
"""

from typing import Protocol

from valet.front_channel.assurance import ACR, acr_of, proof_stands
from valet.front_channel.proving import JOINED, MAIL, SECOND, UPSTREAM, place_of_proof
from valet.front_channel.saved_requests import Saved
from valet.front_channel.step_up import find_base, stepped_up
from valet.frozen import Frozen, replace
from valet.handles import digest, new_handle, new_id
from valet.http import Request
from valet.models.accounts import Account
from valet.models.proofs import Proof
from valet.models.sessions import Session
from valet.people.cookies import HasCookies, session_secret
from valet.people.sessions import end_recorded, replaced_by
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.factors import HasDevices
from valet.ports.proofs import HasProofs
from valet.ports.runtime import HasAudit, HasRandom, HasSettings
from valet.ports.sessions import HasSessions
from valet.ports.sign_outs import HasSignOuts
from valet.standing import session_stands

# Seconds that the way back to /authorize may take: the browser follows the redirect at once. A proof whose answer was
# lost must not wait in the history of a shared browser for the next end-user.
_FRESH = 60


class Ports(
    HasSettings,
    HasRandom,
    HasRegistry,
    HasAudit,
    HasSessions,
    HasCookies,
    HasAccounts,
    HasProofs,
    HasSignOuts,
    HasDevices,
    Protocol,
):
    """The ports that a session is opened through."""


class Opened(Frozen):
    """A session that this request has opened."""

    session: Session
    account: Account
    cookie: str  # the Set-Cookie that gives it to the browser
    # The sessions of other end-users, which it has ended. They have left this shared computer: the caller has to end
    # the grants that live by them, as if they had signed out themselves.
    left: tuple[Session, ...] = ()
    has_joined: bool = False  # the end-user has just made the account, and has chosen how to sign in

    def __repr__(self) -> str:
        return f"Opened({self.session!r})"  # the cookie is a secret


def open_by_proof(ports: Ports, request: Request, saved: Saved, kind: str, now: float) -> Opened | None:
    """Open a session by the proof of that kind, and end the one that this browser had.

    None: no such proof stands, it was left too long ago, or another request has spent it. Then the browser's own
    session decides what comes next.
    """
    found = _find(ports, saved, kind, now)
    if found is None:
        return None
    proof, account = found
    former_secret = session_secret(request, ports.cookies)
    former = ports.sessions.find_session(digest(former_secret)) if former_secret else None
    base = find_base(proof, former, account, now) if kind == SECOND else None
    if kind == SECOND and base is None:
        return None
    # The cookie's value is drawn now, so that no value from before the sign-in is good after it.
    secret, attempt = new_handle(ports.random), ports.random(16)
    replaced = () if former is None else (former, *replaced_by(former, ports.sessions))
    session = _session(ports, saved, proof, acr_of(kind, proof), digest(secret), replaced, now)
    session = _of_kind(_told_apart(session, request), kind, proof, saved)
    if base is not None:
        session = stepped_up(session, base, proof, account)
    elif not session_stands(session, account) and account.totp_id:
        session = _remembered(ports, saved, session, account, now)
    stands = session_stands(session, account)
    others = tuple(each for each in replaced if each.sub != session.sub)
    if not stands and others:
        session = replace(session, instead_of=others[0].digest)
    ports.sessions.open(session)
    is_spent = ports.proofs.spend_proof(place_of_proof(saved, kind), proof, attempt, now)
    if not is_spent or not _takes_over(ports, base, attempt, now):
        ports.sessions.end(session.digest, attempt, now)
        return None
    _end_own(ports, replaced if base is None else replaced[1:], session, now)
    left = others if stands else ()
    for each in left:
        _end_other(ports, each, request.issuer, now)
    ports.audit.record(
        "login.succeeded" if stands else "login.begun",
        client_id=saved.request.client_id,
        sub=session.sub,
        source_ip=request.source_ip,
        amr=" ".join(session.amr),
        provider=session.link.partition("#")[0] or None,
    )
    return Opened(session, account, ports.cookies.set_session(secret), left, has_joined=kind == JOINED)


def _find(ports: Ports, saved: Saved, kind: str, now: float) -> tuple[Proof, Account] | None:
    """The proof of that kind, if it still stands and nobody has spent it, and the account that it is of."""
    if kind not in ACR and kind != SECOND:
        return None
    proof = ports.proofs.find_proof(place_of_proof(saved, kind))
    if proof is None or not proof.sub or proof.spent_by or min(proof.expires_at, proof.at_ms / 1000 + _FRESH) <= now:
        return None
    account = ports.accounts.find_account(proof.sub)
    return (proof, account) if account is not None and proof_stands(kind, proof, account) else None


def _session(
    ports: Ports,
    saved: Saved,
    proof: Proof,
    acr: str,
    secret_digest: bytes,
    replaced: tuple[Session, ...],
    now: float,
) -> Session:
    # If it was the same end-user's, the new session goes on under its public `sid`, so that a later logout reaches the
    # grants of both. Not if an operator has revoked everything that the end-user held: a thief with a copy of the
    # former cookie can still sign out of the former session, and must not end grants of the new one.
    own = next((each.sid for each in replaced if each.sub == proof.sub and each.epoch == proof.epoch), "")
    return Session(
        digest=secret_digest,
        sid=own or new_id(ports.random),
        sub=proof.sub,
        # The proof was made for this request, so not before it: clocks that differ must not ask for a second sign-in.
        auth_time_ms=max(proof.at_ms, saved.created_at_ms),
        acr=acr,
        amr=proof.amr,
        idle_expires_at=int(now) + ports.settings.session_idle_lifetime,
        absolute_expires_at=int(now) + ports.settings.session_absolute_lifetime,
        epoch=proof.epoch,
    )


def _told_apart(session: Session, request: Request) -> Session:
    """The session with what its end-user can tell it by, among all others."""
    # Few of the requests to /authorize open a session: import what this takes for those only.
    from valet.people.agents import agent_of
    from valet.people.throttling import network_of

    agent = agent_of(request.headers.get("user-agent", ""))
    return replace(session, agent=agent, network=network_of(request.source_ip))


def _of_kind(session: Session, kind: str, proof: Proof, saved: Saved) -> Session:
    """The session with what its kind of a first proof adds."""
    if kind == UPSTREAM:
        from valet.front_channel.upstream import by_provider  # few deployments have another provider

        session = by_provider(session, proof, saved)
    return replace(session, has_joined=kind == JOINED, is_by_mail=kind == MAIL)


def _remembered(ports: Ports, saved: Saved, session: Session, account: Account, now: float) -> Session:
    """The session, which says so if this browser has given the second factor of late."""
    days = ports.registry.policy().remember_device
    if not days:
        return session
    from valet.people.devices import is_remembered

    is_known = is_remembered(ports.devices, saved.browser, account, days, now)
    return replace(session, remembered=account.totp_id) if is_known else session


def _takes_over(ports: Ports, base: Session | None, attempt: bytes, now: float) -> bool:
    """Whether the session that a second factor was given for ends by this very attempt: an end-user who signs out
    meanwhile stays signed out.
    """
    if base is None:
        return True
    ended = ports.sessions.end(base.digest, attempt, now)
    return ended is not None and ended.ending == attempt


def _end_own(ports: Ports, replaced: tuple[Session, ...], session: Session, now: float) -> None:
    """End the browser's sessions of the same end-user. Not recorded: the end-user goes on in the new one."""
    for each in replaced:
        if each.sub == session.sub:
            ports.sessions.end(each.digest, ports.random(16), now)


def _end_other(ports: Ports, former: Session, issuer: str, now: float) -> None:
    """End a session of another end-user, who has left this browser."""
    from valet.people.announcing import announce_end  # people seldom share a computer

    announce_end(ports, former, issuer, "other_sign_in")
    end_recorded(ports, former, now)
