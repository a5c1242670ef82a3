"""Signing keys as their readers see them: which one signs, and which are in the JWK Set (RFC 7517 §5)."""

from collections.abc import Mapping, Sequence

from valet.errors import SigningFailed
from valet.models.keys import SigningKey

ANNOUNCED = "announced"  # in the JWK Set, so that verifiers know it before its first signature
SIGNING = "signing"  # exactly one
RETIRED = "retired"  # in the JWK Set until the last token that it signed has expired
DROPPED = "dropped"  # ended by an emergency: no longer in the JWK Set


def find_signing_key(keys: Sequence[SigningKey]) -> SigningKey | None:
    """The key that signs now; None only before the first key is made."""
    return next((key for key in keys if key.state == SIGNING), None)


def signing_key(keys: Sequence[SigningKey]) -> SigningKey:
    """The key that signs now."""
    key = find_signing_key(keys)
    if key is None:
        raise SigningFailed(detail="there is no signing key yet: rotate_keys has not made the first one")
    return key


def published_keys(keys: Sequence[SigningKey]) -> tuple[SigningKey, ...]:
    """The keys whose signatures are good; our own endpoints verify tokens with them, too."""
    return tuple(key for key in keys if key.state != DROPPED)


def signing_algs(keys: Sequence[SigningKey]) -> tuple[str, ...]:
    """The algorithms that tokens are signed with, now and next: two while a change is under way."""
    return tuple(sorted({key.alg for key in keys if key.state in (SIGNING, ANNOUNCED)}))


def jwk_set(keys: Sequence[SigningKey]) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The JWK Set. The signing key is first, for verifiers that read only the first key."""
    ordered = sorted(published_keys(keys), key=lambda key: key.state != SIGNING)
    return {"keys": [key.public_jwk for key in ordered]}


def kids_by_state(keys: Sequence[SigningKey]) -> dict[str, list[str]]:
    """The kids of the keys in each state: the report of a rotation."""
    return {state: [key.kid for key in keys if key.state == state] for state in (SIGNING, ANNOUNCED, RETIRED, DROPPED)}
