"""From a proof to a session. /authorize alone opens sessions: each with a proof of this saved request in this browser,
which the session spends (NIST SP 800-63B-4 §5).

The session is written first, and the cookie leaves only when the proof is spent by this very attempt. So a proof opens
one session at most, and an invocation that dies in between leaves a session whose secret is lost.
"""

from typing import Protocol

from valet.front_channel.assurance import ACR, acr_of, proof_stands
from valet.front_channel.proving import JOINED, UPSTREAM, place_of_proof
from valet.front_channel.saved_requests import Saved
from valet.frozen import Frozen, replace
from valet.handles import digest, new_handle, new_id
from valet.http import Request
from valet.models.accounts import Account
from valet.models.proofs import Proof
from valet.models.sessions import Session
from valet.people.cookies import HasCookies, session_secret
from valet.people.identifiers import proven_addresses
from valet.people.sessions import end_recorded
from valet.ports.accounts import HasAccounts
from valet.ports.mails import HasLetters
from valet.ports.proofs import HasProofs
from valet.ports.runtime import HasAudit, HasRandom, HasSettings
from valet.ports.sessions import HasSessions
from valet.ports.sign_outs import HasSignOuts

# Seconds that the way back to /authorize may take: the browser follows the redirect at once. A proof whose answer was
# lost must not wait in the history of a shared browser for the next end-user.
_FRESH = 60
_FIRST_DAY = 86_400  # seconds


class Ports(
    HasSettings,
    HasRandom,
    HasLetters,
    HasAudit,
    HasSessions,
    HasCookies,
    HasAccounts,
    HasProofs,
    HasSignOuts,
    Protocol,
):
    """The ports that a session is opened through."""


class Opened(Frozen):
    """A session that this request has opened."""

    session: Session
    account: Account
    cookie: str  # the Set-Cookie that gives it to the browser
    # The session of another end-user, which it has ended. They have left this shared computer: the caller has to end
    # the grants that live by it, as if they had signed out themselves.
    left: Session | None = None
    has_joined: bool = False  # the end-user has just made the account, and has chosen how to sign in

    def __repr__(self) -> str:
        return f"Opened({self.session!r})"  # the cookie is a secret


def open_by_proof(ports: Ports, request: Request, saved: Saved, kind: str, now: float) -> Opened | None:
    """Open a session by the proof of that kind, and end the one that this browser had.

    None: no such proof stands, it was left too long ago, or another request has spent it. Then the browser's own
    session decides what comes next.
    """
    if kind not in ACR:
        return None
    place = place_of_proof(saved, kind)
    proof = ports.proofs.find_proof(place)
    if proof is None or not proof.sub or proof.spent_by or min(proof.expires_at, proof.at_ms / 1000 + _FRESH) <= now:
        return None
    account = ports.accounts.find_account(proof.sub)
    if account is None or not proof_stands(kind, proof, account):
        return None
    former_secret = session_secret(request, ports.cookies)
    former = ports.sessions.find_session(digest(former_secret)) if former_secret else None
    # The cookie's value is drawn now, so that no value from before the sign-in is good after it.
    secret, attempt = new_handle(ports.random), ports.random(16)
    session = _session(ports, saved, proof, acr_of(kind, proof), digest(secret), former, now)
    if kind == UPSTREAM:
        from valet.front_channel.upstream import by_provider  # few deployments have another provider

        session = by_provider(session, proof, saved)
    session = replace(_told_apart(session, request), has_joined=kind == JOINED)
    ports.sessions.open(session)
    if not ports.proofs.spend_proof(place, proof, attempt, now):
        ports.sessions.end(session.digest, attempt, now)
        return None
    if proof.is_new_browser:
        _tell_of_new_browser(ports, account, request.issuer, now)
    left = _end_former(ports, former, session, request.issuer, now)
    ports.audit.record(
        "login.succeeded",
        client_id=saved.request.client_id,
        sub=session.sub,
        source_ip=request.source_ip,
        amr=" ".join(session.amr),
        provider=session.link.partition("#")[0] or None,
    )
    return Opened(session, account, ports.cookies.set_session(secret), left, has_joined=kind == JOINED)


def _session(
    ports: Ports,
    saved: Saved,
    proof: Proof,
    acr: str,
    secret_digest: bytes,
    former: Session | None,
    now: float,
) -> Session:
    # If it was the same end-user's, the new session goes on under its public `sid`, so that a later logout reaches the
    # grants of both. Not if an operator has revoked everything that the end-user held: a thief with a copy of the
    # former cookie can still sign out of the former session, and must not end grants of the new one.
    goes_on = former is not None and former.sub == proof.sub and former.epoch == proof.epoch
    return Session(
        digest=secret_digest,
        sid=former.sid if former is not None and goes_on else new_id(ports.random),
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


def _tell_of_new_browser(ports: Ports, account: Account, issuer: str, now: float) -> None:
    """Have the end-user told that somebody has signed in where nobody did before. The cookie has not left yet, so that
    no sign-in goes without it. Not on the account's first day, when its end-user signs in here and there.
    """
    if ports.letters is None or now - account.created_at < _FIRST_DAY or not proven_addresses(account, now):
        return
    from valet.people.notices import notify  # a browser is seldom new

    notify(ports, account, "browser.new", issuer, now)


def _end_former(ports: Ports, former: Session | None, session: Session, issuer: str, now: float) -> Session | None:
    """End the browser's former session; the session, if it was another end-user's."""
    if former is None:
        return None
    if former.sub == session.sub:
        ports.sessions.end(former.digest, ports.random(16), now)  # not recorded: the end-user goes on in the new one
        return None
    from valet.people.announcing import announce_end  # people seldom share a computer

    announce_end(ports, former, issuer, "other_sign_in")
    end_recorded(ports, former, now)
    return former
