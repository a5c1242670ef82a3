"""Stepping up: a session of this browser, and a second factor that was given for it, make a session of a higher level
(RFC 9470 §4).

A second factor that was given for another session is worth nothing. Otherwise, in a shared browser, a person who knows
the password of the end-user before would find their second factor still fresh.
"""

from collections.abc import Iterable

from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.proofs import Proof
from valet.models.sessions import Session
from valet.people.sessions import is_over
from valet.protocol.supported import MULTI_FACTOR_ACR, rank
from valet.standing import account_stands

# RFC 8176 §2. A recovery code is a one-time password too.
AMR = ("otp", "mfa")


def find_base(proof: Proof, session: Session | None, account: Account, now: float) -> Session | None:
    """The browser's session, if the second factor was given for it, and if it may go on."""
    if session is None or proof.on != session.digest or session.sub != proof.sub or is_over(session, now):
        return None
    return session if account_stands(account, session.epoch, session.auth_time_ms) else None


def stepped_up(session: Session, base: Session, proof: Proof, account: Account) -> Session:
    """The new session with what the two rest on. It is as old as the first factor is, and lives no longer."""
    return replace(
        base,
        digest=session.digest,
        acr=_acr(base.acr),
        amr=tuple(_once((*base.amr, *proof.amr))),
        idle_expires_at=min(session.idle_expires_at, base.absolute_expires_at),
        is_recovered=base.is_recovered or proof.means == account.recovery_id,
        remembered="",
        instead_of=b"",
        agent=session.agent,
        network=session.network,
    )


def _acr(first: str) -> str:
    """The level of a first factor with a second one. What has no level gets none by a second one."""
    return MULTI_FACTOR_ACR if rank(first) == 0 else first


def _once(methods: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(methods)
