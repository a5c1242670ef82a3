"""What the contracts are tried with: a grant and what happens to it, and many threads that want the same thing."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from time import sleep
from typing import TypeVar

from valet.aws.reply import Reply
from valet.handles import new_id
from valet.models.grants import Grant, GrantPointer, LiveToken
from valet.ports.grants import Done, Grants, Redemption, Refused, Renewal, Revocation, Rotation

from local.aws.aws import Forward, emulated
from local.aws.calls import Call

NOW = 1_800_000_000.25
DAY = 86_400
THREADS = 64

Outcome = TypeVar("Outcome")
random = os.urandom


def revocation(revoked_for: str = "user", now: float = NOW) -> Revocation:
    return Revocation(random(16), int(now), revoked_for)


def at_once(deed: Callable[[int], Outcome], threads: int = THREADS) -> list[Outcome]:
    """The results of `deed` in so many threads that begin at the same moment."""
    ready = Barrier(threads)

    def run(number: int) -> Outcome:
        ready.wait()
        return deed(number)

    with ThreadPoolExecutor(threads) as pool, emulated().intercept(_pausing):
        return list(pool.map(run, range(threads)))


def _pausing(_: Call, forward: Forward) -> Reply:
    """Wait after the answer. An implementation in this process answers within one turn of a thread. Without the wait,
    no thread would come between two calls of another, and a read and a write would pass for one conditional write.
    """
    reply = forward()
    sleep(0.002)
    return reply


def live(idx: int, exp: int = int(NOW) + 900) -> LiveToken:
    return LiveToken(exp, "aost", idx)


def new_grant(**changes: object) -> Grant:
    """A grant whose code has just been issued."""
    grant = Grant(
        grant_id=new_id(random),
        client_id="web_app_123",
        sub="sub-of-john",
        sid="sid-of-john",
        scope=("items", "openid"),
        aud=("https://api.example.com", "https://issuer.example.com"),
        auth_time=int(NOW) - 60,
        acr="urn:valet:acr:password",
        amr=("pwd",),
        nonce=None,
        redirect_uri="https://webapp.example.com/callback",
        code_challenge="E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        issued_at_ms=int(NOW * 1000),
        code_digest=random(32),
        retry_key=random(32),
        code_expires_at=int(NOW) + 60,
        absolute_expires_at=int(NOW) + 90 * DAY,
        expires_at=int(NOW) + 91 * DAY,
    )
    return replace(grant, **changes)  # type: ignore[arg-type]  # each test names members of Grant


def pointer_to(grant: Grant) -> GrantPointer:
    return GrantPointer(grant.sub, grant.sid, grant.grant_id, ends_with_session=True, expires_at=grant.expires_at)


def issue(grants: Grants, grant: Grant) -> Done | Refused:
    """As a consent issues it."""
    grants.point_to(pointer_to(grant))
    return grants.issue(grant)


def redemption(idx: int = 1, attempt: bytes | None = None) -> Redemption:
    return Redemption(
        attempt=attempt or random(16),
        redeemed_at_ms=int(NOW * 1000) + 500,
        live=(live(idx),),
        family_digest=random(32),
        refresh_digest=random(32),
        idle_expires_at=int(NOW) + 30 * DAY,
        expires_at=int(NOW) + 92 * DAY,
    )


def rotation_of(presented_digest: bytes, idx: int = 2) -> Rotation:
    return Rotation(
        presented_digest=presented_digest,
        refresh_digest=random(32),
        retry_key=random(32),
        rotated_at_ms=int(NOW * 1000) + 900,
        live=(live(1), live(idx)),
        idle_expires_at=int(NOW) + 31 * DAY,
        expires_at=int(NOW) + 93 * DAY,
    )


def renewal_of(presented_digest: bytes, idx: int = 2) -> Renewal:
    return Renewal(
        presented_digest=presented_digest,
        live=(live(1), live(idx)),
        idle_expires_at=int(NOW) + 31 * DAY,
        expires_at=int(NOW) + 93 * DAY,
        paced_until=int(NOW) + 10,
    )


def has_redeemed(outcome: Done | Refused, mine: Redemption) -> bool:
    """Whether the code was redeemed by this very attempt, perhaps by its first try, whose answer was lost."""
    return isinstance(outcome, Done) or (outcome.found is not None and outcome.found.redemption == mine.attempt)


def has_rotated(outcome: Done | Refused, mine: Rotation) -> bool:
    return isinstance(outcome, Done) or (outcome.found is not None and outcome.found.retry_key == mine.retry_key)
