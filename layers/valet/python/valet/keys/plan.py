"""The rotation of signing keys as a plan: announced, signing, retired, deleted.

`plan` is a function of the records, the time and the settings: it answers the next step, or nothing. The module
rotation carries the steps out.
"""

from collections.abc import Sequence

from valet.audit import EventName
from valet.frozen import Frozen, replace
from valet.keys.ring import ANNOUNCED, DROPPED, RETIRED, SIGNING, find_signing_key, signing_key
from valet.models.keys import KeyRing, SigningKey
from valet.settings import LONGEST_ACCESS_TOKEN, Settings

VERIFIER_CACHE = 2 * 3600  # the longest that a verifier keeps the JWK Set: API Gateway's own authorizers
MARGIN = 900  # our own caches and HTTP caches, differences of clocks, and a late hourly run

ANNOUNCED_FOR = VERIFIER_CACHE + MARGIN  # before the first signature
KEPT_FOR = LONGEST_ACCESS_TOKEN + VERIFIER_CACHE + MARGIN  # in the JWK Set after the last signature
SIGNS_ON = MARGIN  # an invocation that read the records before a change may still sign with the old key


class Make(Frozen):
    """Make a key, and put it into the ring."""


class End(Frozen):
    """Make sure that the key cannot sign any more, and record that."""

    key: SigningKey


class Change(Frozen):
    """Write the records; `event` and `kid` describe the change in the log."""

    keys: tuple[SigningKey, ...]
    event: EventName
    kid: str
    reason: str


Step = Make | End | Change


def plan(
    keys: Sequence[SigningKey], now: int, settings: Settings, unusable: frozenset[str], *, is_due: bool = False
) -> Step | None:
    """The next step, None where all is as it should be.

    `unusable` names the keys that cannot sign according to KMS; `is_due` asks for an early rotation.
    """
    signing = find_signing_key(keys)
    if signing is None:
        return Make()
    for key in keys:
        if key.state == DROPPED and not key.ended_at:
            return End(key)
    if not _can_sign(signing, settings, unusable):
        # No client gets a token until another key signs. That is worse than a verifier that does not know the new key
        # yet.
        return sign_instead(keys, signing, RETIRED, now, settings, unusable, "unusable")
    standby = _standby(keys, settings, unusable)
    if standby is None:
        return Make()
    is_due = is_due or now - signing.signing_since >= settings.rotation_period
    if (is_due or not is_wanted(signing, settings)) and _is_known(standby, now):
        reason = "period" if is_due else "settings"
        return sign_instead(keys, signing, RETIRED, now, settings, unusable, reason)
    return _cleaned(keys, now, standby, settings, unusable)


def _cleaned(
    keys: Sequence[SigningKey], now: int, standby: SigningKey, settings: Settings, unusable: frozenset[str]
) -> Step | None:
    """Remove standbys that the settings no longer want, private keys of the retired, and at last the records."""
    for key in keys:
        # Until verifiers know the new standby, an emergency needs the old one, which they know.
        is_needed = not _is_known(standby, now) and _can_sign(key, settings, unusable)
        if key.state == ANNOUNCED and key is not standby and not is_needed:
            return Change(_with(keys, dropped(key, now)), "key.withdrawn", key.kid, "settings")
        if key.state == RETIRED and not key.ended_at and now - key.retired_at >= SIGNS_ON:
            return End(key)
        if key.state in (RETIRED, DROPPED) and key.ended_at and now - max(key.retired_at, key.dropped_at) >= KEPT_FOR:
            return Change(tuple(other for other in keys if other is not key), "key.deleted", key.kid, key.state)
    return None


def drop(keys: Sequence[SigningKey], kid: str, now: int, settings: Settings, unusable: frozenset[str]) -> Step | None:
    """An emergency's next step: the key leaves the JWK Set at once, and if it signs, the standby signs instead, both in
    one write. None when it is done."""
    key = next((key for key in keys if key.kid == kid), None)
    if key is None or key.state == DROPPED:
        return None
    if key.state == SIGNING:
        return sign_instead(keys, key, DROPPED, now, settings, unusable, "emergency")
    return Change(_with(keys, dropped(key, now)), "key.dropped", kid, "emergency")


def sign_instead(
    keys: Sequence[SigningKey],
    signing: SigningKey,
    state: str,
    now: int,
    settings: Settings,
    unusable: frozenset[str],
    reason: str,
) -> Step:
    """Another key signs from now on, and `signing` becomes retired or dropped."""
    able = [key for key in keys if key.state == ANNOUNCED and _can_sign(key, settings, unusable)]
    known = [key for key in able if _is_known(key, now)]
    heir = _standby(known or able, settings, unusable) or _oldest(known or able)
    if heir is None:
        return Make()
    former = dropped(signing, now) if state == DROPPED else replace(signing, state=RETIRED, retired_at=now)
    changed = _with(keys, former, replace(heir, state=SIGNING, signing_since=now))
    return Change(changed, "key.dropped" if state == DROPPED else "key.rotated", signing.kid, reason)


def announced(keys: Sequence[SigningKey], key: SigningKey, now: int) -> tuple[SigningKey, ...]:
    """The ring with a new key. The very first key signs at once: no verifier can have cached a JWK Set without it."""
    if find_signing_key(keys) is None:
        return (*keys, replace(key, state=SIGNING, created_at=now, signing_since=now))
    return (*keys, replace(key, state=ANNOUNCED, created_at=now))


def dropped(key: SigningKey, now: int) -> SigningKey:
    # A wrapped private key is deleted with its record; the next step ends a key in KMS.
    return replace(key, state=DROPPED, dropped_at=now, wrapped_private_key=b"")


def ended(keys: Sequence[SigningKey], kid: str, now: int) -> tuple[SigningKey, ...]:
    """The ring in which the key is known to have ended."""
    return tuple(replace(key, ended_at=now, wrapped_private_key=b"") if key.kid == kid else key for key in keys)


def overdue_days(ring: KeyRing, now: float, settings: Settings) -> float:
    """By how much the signing key is over its period. An alarm on this shows that a rotation did not happen."""
    over = now - signing_key(ring.keys).signing_since - settings.rotation_period
    return round(max(0.0, over) / 86_400, 2)


def is_wanted(key: SigningKey, settings: Settings) -> bool:
    """Whether the key is of the kind that the settings ask for."""
    is_wrapped = bool(key.wrapping_key)
    if key.alg != settings.signing_alg or is_wrapped != (settings.signer == "wrapped"):
        return False
    if is_wrapped:
        return key.wrapping_key == settings.wrapping_key
    return key.signing_roles == settings.signing_role_arns


def _can_sign(key: SigningKey, settings: Settings, unusable: frozenset[str]) -> bool:
    """Whether each of today's signing functions may sign with it. A renamed function has a new role."""
    if key.kid in unusable:
        return False
    if key.wrapping_key and settings.wrapping_key:
        return key.wrapping_key == settings.wrapping_key  # whose policy CloudFormation keeps in step with the roles
    return settings.signing_role_arns <= key.signing_roles


def _standby(keys: Sequence[SigningKey], settings: Settings, unusable: frozenset[str]) -> SigningKey | None:
    """Of the announced keys that the settings want and that can sign, the one that verifiers have known longest."""
    wanted = [key for key in keys if key.state == ANNOUNCED and is_wanted(key, settings)]
    return _oldest([key for key in wanted if _can_sign(key, settings, unusable)])


def _oldest(keys: Sequence[SigningKey]) -> SigningKey | None:
    return min(keys, key=lambda key: (key.created_at, key.kid), default=None)


def _is_known(key: SigningKey, now: int) -> bool:
    """Whether no verifier can have a JWK Set any more that is older than the key."""
    return now - key.created_at >= ANNOUNCED_FOR


def _with(keys: Sequence[SigningKey], *changed: SigningKey) -> tuple[SigningKey, ...]:
    after = {key.kid: key for key in changed}
    return tuple(after.get(key.kid, key) for key in keys)
