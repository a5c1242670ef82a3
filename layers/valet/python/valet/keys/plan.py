"""The rotation of signing keys as a plan: announced, signing, retired, deleted, in one lane for each algorithm.

`plan` is a function of the records, the time and the settings: it answers the next step, or nothing. The module
rotation carries the steps out.
"""

from collections.abc import Iterator, Sequence

from valet.audit import EventName
from valet.frozen import Frozen, replace
from valet.keys.ring import ANNOUNCED, DROPPED, RETIRED, SIGNING, find_signing_key, signing_algs, signing_key
from valet.models.keys import KeyRing, SigningKey
from valet.settings import LONGEST_ACCESS_TOKEN, Settings

VERIFIER_CACHE = 2 * 3600  # the longest that a verifier keeps the JWK Set: API Gateway's own authorizers
MARGIN = 900  # our own caches and HTTP caches, differences of clocks, and a late hourly run

ANNOUNCED_FOR = VERIFIER_CACHE + MARGIN  # before the first signature; a new lane also before it signs by default
KEPT_FOR = LONGEST_ACCESS_TOKEN + VERIFIER_CACHE + MARGIN  # in the JWK Set after the last signature
SIGNS_ON = MARGIN  # an invocation that read the records before a change may still sign with the old key


class Make(Frozen):
    """Make a key for each algorithm, and put them into the ring by one write."""

    algs: tuple[str, ...]


class End(Frozen):
    """Make sure that the key cannot sign any more, and record that."""

    key: SigningKey


class Change(Frozen):
    """Write the records; `event`, `kid` and `reason` describe the change in the log."""

    keys: tuple[SigningKey, ...]
    event: EventName
    kid: str
    reason: str


Step = Make | End | Change


class Situation(Frozen):
    """What the next step depends on."""

    keys: tuple[SigningKey, ...]
    now: int
    settings: Settings
    unusable: frozenset[str] = frozenset()  # the kids of the keys that cannot sign according to KMS
    due: frozenset[str] = frozenset()  # the lanes that an operator rotates early


def plan(at: Situation) -> Step | None:
    """The next step, None where all is as it should be.

    The steps are in the order of their urgency, each for every lane: if KMS makes no key for one lane, the others still
    get a key that can sign, and rotate.
    """
    if not signing_algs(at.keys):
        # One write: a verifier that saw the first lane without the others would not know their keys for two hours.
        return Make(at.settings.signing_algs)
    urgency = (
        _dropped_to_end,
        _one_signs,
        _replacements,
        _first_lanes,
        _ends_of_lanes,
        _rotations,
        _missing_keys,
        _cleaned,
    )
    return next((step for steps in urgency for step in steps(at)), None)


def lanes(at: Situation) -> tuple[str, ...]:
    """The lanes that the ring keeps up: those that the settings want, and until these are in force, every other that
    signs. Otherwise a change of the algorithm would leave no key to sign for hours."""
    wanted = at.settings.signing_algs
    return wanted if _is_in_force(at) else (*wanted, *(alg for alg in signing_algs(at.keys) if alg not in wanted))


def _is_in_force(at: Situation) -> bool:
    """Whether every lane that the settings want has signed for so long that all clients know it from the metadata."""
    signing = [find_signing_key(at.keys, alg) for alg in at.settings.signing_algs]
    return all(key is not None and at.now - key.signing_since >= ANNOUNCED_FOR for key in signing)


def _dropped_to_end(at: Situation) -> Iterator[Step]:
    yield from (End(key) for key in at.keys if key.state == DROPPED and not key.ended_at)


def _one_signs(at: Situation) -> Iterator[Step]:
    """The release before may have let a second key of a lane sign. The first one is the one that signs."""
    for alg in signing_algs(at.keys):
        first = signing_key(at.keys, alg)
        for key in at.keys:
            if key.alg == alg and key.state == SIGNING and key is not first:
                changed = _with(at.keys, replace(key, state=RETIRED, retired_at=at.now))
                yield Change(changed, "key.rotated", key.kid, "settings")


def _replacements(at: Situation) -> Iterator[Step]:
    for alg in lanes(at):
        signing = find_signing_key(at.keys, alg)
        if signing is not None and not _can_sign(signing, at):
            # No client of this lane gets a token until another key signs. That is worse than a verifier that does not
            # know the new key yet.
            yield sign_instead(at, signing, RETIRED, "unusable")


def _first_lanes(at: Situation) -> Iterator[Step]:
    """The wanted lanes go before others, in the order of the settings, once they are in force."""
    wanted, before = at.settings.signing_algs, signing_algs(at.keys)
    if _is_in_force(at) and before[: len(wanted)] != wanted:
        first = signing_key(at.keys, wanted[0])
        yield Change(_in_order(at.keys, wanted), "lane.changed", first.kid, "first")


def _ends_of_lanes(at: Situation) -> Iterator[Step]:
    for alg in signing_algs(at.keys):
        if alg not in lanes(at):
            retired = replace(signing_key(at.keys, alg), state=RETIRED, retired_at=at.now)
            yield Change(_with(at.keys, retired), "lane.changed", retired.kid, "ended")


def _rotations(at: Situation) -> Iterator[Step]:
    for alg in lanes(at):
        signing, standby = find_signing_key(at.keys, alg), next(iter(_standbys(at, alg)), None)
        if standby is None or not _is_known(standby, at):
            continue
        if signing is None:
            begun = replace(standby, state=SIGNING, signing_since=at.now)
            changed = _in_order(_with(at.keys, begun), signing_algs(at.keys))
            yield Change(changed, "lane.changed", standby.kid, "begun")
        elif alg in at.due or at.now - signing.signing_since >= at.settings.rotation_period:
            yield sign_instead(at, signing, RETIRED, "period")
        elif not _is_wanted(signing, at.settings):
            yield sign_instead(at, signing, RETIRED, "settings")


def _missing_keys(at: Situation) -> Iterator[Step]:
    yield from (Make((alg,)) for alg in lanes(at) if len(_standbys(at, alg)) < _most_standbys(at, alg))


def _most_standbys(at: Situation, alg: str) -> int:
    """A new lane announces two keys, so that verifiers know a standby on the day when the first one signs."""
    return 2 if find_signing_key(at.keys, alg) is None else 1


def _cleaned(at: Situation) -> Iterator[Step]:
    """Remove standbys that the settings no longer want, private keys of the retired, and at last the records."""
    for key in at.keys:
        if key.state == ANNOUNCED and not _is_needed(key, at):
            yield Change(_with(at.keys, _dropped(key, at.now)), "key.withdrawn", key.kid, "settings")
        if key.state == RETIRED and not key.ended_at and at.now - key.retired_at >= SIGNS_ON:
            yield End(key)
        last_used = max(key.retired_at, key.dropped_at)
        if key.state in (RETIRED, DROPPED) and key.ended_at and at.now - last_used >= KEPT_FOR:
            yield Change(tuple(other for other in at.keys if other is not key), "key.deleted", key.kid, key.state)


def _is_needed(key: SigningKey, at: Situation) -> bool:
    """Whether an announced key stays.

    Until verifiers know its lane's new standby, an emergency needs the old one, which they know.
    """
    if key.alg not in lanes(at):
        return False
    kept = _standbys(at, key.alg)[: _most_standbys(at, key.alg)]
    return key in kept or (not _is_known(kept[0], at) and _can_sign(key, at))


def drop(at: Situation, kid: str) -> Step | None:
    """An emergency's next step: the key leaves the JWK Set at once, and if it signs, its lane's standby signs instead,
    both in one write. None when it is done."""
    key = next((key for key in at.keys if key.kid == kid), None)
    if key is None or key.state == DROPPED:
        return None
    if key.state == SIGNING and key.alg in lanes(at):
        return sign_instead(at, key, DROPPED, "emergency")
    return Change(_with(at.keys, _dropped(key, at.now)), "key.dropped", kid, "emergency")


def sign_instead(at: Situation, signing: SigningKey, state: str, reason: str) -> Step:
    """Another key of the lane signs from now on, and `signing` becomes retired or dropped."""
    able = [key for key in at.keys if key.state == ANNOUNCED and key.alg == signing.alg and _can_sign(key, at)]
    known = [key for key in able if _is_known(key, at)]
    # Among the keys that verifiers know, if there are any, one that the settings want.
    heirs = sorted(known or able, key=lambda key: (not _is_wanted(key, at.settings), key.created_at, key.kid))
    if not heirs:
        return Make((signing.alg,))
    former = _dropped(signing, at.now) if state == DROPPED else replace(signing, state=RETIRED, retired_at=at.now)
    changed = _with(at.keys, former, replace(heirs[0], state=SIGNING, signing_since=at.now))
    event: EventName = "key.dropped" if state == DROPPED else "key.rotated"
    return Change(_in_order(changed, signing_algs(at.keys)), event, signing.kid, reason)


def announced(keys: Sequence[SigningKey], made: Sequence[SigningKey], now: int) -> tuple[SigningKey, ...]:
    """The ring with new keys. The very first ones sign at once: no verifier can have cached a JWK Set without them."""
    if not signing_algs(keys):
        return (*keys, *(replace(key, state=SIGNING, created_at=now, signing_since=now) for key in made))
    return _in_order((*keys, *(replace(key, state=ANNOUNCED, created_at=now) for key in made)), signing_algs(keys))


def ended(keys: Sequence[SigningKey], kid: str, now: int) -> tuple[SigningKey, ...]:
    """The ring in which the key is known to have ended."""
    return tuple(replace(key, ended_at=now, wrapped_private_key=b"") if key.kid == kid else key for key in keys)


def longest_signing(ring: KeyRing) -> SigningKey | None:
    """Of the keys that sign, the one that has signed longest; None before the first key is made."""
    signing = [key for key in ring.keys if key.state == SIGNING]
    return min(signing, key=lambda key: key.signing_since, default=None)


def overdue_days(ring: KeyRing, now: float, settings: Settings) -> float:
    """By how much a signing key is over its period. An alarm on this shows that a rotation did not happen."""
    key = longest_signing(ring)
    over = now - key.signing_since - settings.rotation_period if key is not None else 0.0
    return round(max(0.0, over) / 86_400, 2)


def _dropped(key: SigningKey, now: int) -> SigningKey:
    # A wrapped private key is deleted with its record; the next step ends a key in KMS.
    return replace(key, state=DROPPED, dropped_at=now, wrapped_private_key=b"")


def _is_wanted(key: SigningKey, settings: Settings) -> bool:
    """Whether the key is of the kind that the settings ask for in each lane."""
    is_wrapped = bool(key.wrapping_key)
    if is_wrapped != (settings.signer == "wrapped"):
        return False
    return key.wrapping_key == settings.wrapping_key if is_wrapped else key.signing_roles == settings.key_roles


def _can_sign(key: SigningKey, at: Situation) -> bool:
    """Whether each of today's signing functions may sign with it. A renamed function has a new role.

    A function that can wait does not count: replacing the key at once would let a key sign that verifiers do not know.
    """
    if key.kid in at.unusable:
        return False
    if key.wrapping_key and at.settings.wrapping_key:
        return key.wrapping_key == at.settings.wrapping_key  # whose policy CloudFormation keeps in step with the roles
    return at.settings.signing_role_arns <= key.signing_roles


def _standbys(at: Situation, alg: str) -> list[SigningKey]:
    """The lane's announced keys that the settings want and that can sign, the one first that verifiers know longest."""
    found = [key for key in at.keys if key.state == ANNOUNCED and key.alg == alg and _is_wanted(key, at.settings)]
    return sorted((key for key in found if _can_sign(key, at)), key=lambda key: (key.created_at, key.kid))


def _is_known(key: SigningKey, at: Situation) -> bool:
    """Whether no verifier can have a JWK Set any more that is older than the key."""
    return at.now - key.created_at >= ANNOUNCED_FOR


def _with(keys: Sequence[SigningKey], *changed: SigningKey) -> tuple[SigningKey, ...]:
    after = {key.kid: key for key in changed}
    return tuple(after.get(key.kid, key) for key in keys)


def _in_order(keys: Sequence[SigningKey], first: Sequence[str]) -> tuple[SigningKey, ...]:
    """The ring lane by lane: those in `first`, then the others that sign, then those that do not sign yet or any more.

    In a ring of one lane no key changes its place.
    """
    order = tuple(dict.fromkeys((*first, *signing_algs(keys))))
    return tuple(sorted(keys, key=lambda key: order.index(key.alg) if key.alg in order else len(order)))
