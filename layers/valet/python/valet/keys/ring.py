"""Signing keys as their readers see them: which ones sign, and which are in the JWK Set (RFC 7517 §5).

The keys of one algorithm are a lane of the ring, and exactly one key signs in each lane. The order of the signing keys
is the order of the lanes: the first lane signs for every client and API that is registered for no algorithm.
"""

from collections.abc import Mapping, Sequence

from valet.errors import SigningFailed
from valet.models.keys import SigningKey

ANNOUNCED = "announced"  # in the JWK Set, so that verifiers know it before its first signature
SIGNING = "signing"  # exactly one in each lane
RETIRED = "retired"  # in the JWK Set until the last token that it signed has expired
DROPPED = "dropped"  # ended by an emergency: no longer in the JWK Set


def find_signing_key(keys: Sequence[SigningKey], alg: str = "") -> SigningKey | None:
    """The key that signs with `alg`, in the first lane if that is empty; None where no key does."""
    for key in keys:
        if key.state == SIGNING and alg in ("", key.alg):
            return key
    return None


def signing_key(keys: Sequence[SigningKey], alg: str = "") -> SigningKey:
    """The key that signs with `alg`, in the first lane if that is empty. Raises SigningFailed where no key does."""
    key = find_signing_key(keys, alg)
    if key is not None:
        return key
    if not (lanes := signing_algs(keys)):
        raise SigningFailed(detail="there is no signing key yet: rotate_keys has not made the first one")
    # Another lane's signature would be worse than none: the client may be bound to refuse it.
    raise SigningFailed(detail=f"no key signs with {alg}, only with {', '.join(lanes)}: `valet doctor` names who waits")


def published_keys(keys: Sequence[SigningKey]) -> tuple[SigningKey, ...]:
    """The keys whose signatures are good; our own endpoints verify tokens with them, too."""
    return tuple(key for key in keys if key.state != DROPPED)


def signing_algs(keys: Sequence[SigningKey]) -> tuple[str, ...]:
    """The lanes that sign, the first lane first."""
    return tuple(key.alg for key in keys if key.state == SIGNING)


def jwk_set(keys: Sequence[SigningKey]) -> Mapping[str, Sequence[Mapping[str, str]]]:
    """The JWK Set. The first lane's signing key is first, for verifiers that read only the first key."""
    ordered = sorted(published_keys(keys), key=lambda key: key.state != SIGNING)
    return {"keys": [key.public_jwk for key in ordered]}


def kids_by_state(keys: Sequence[SigningKey]) -> dict[str, list[str]]:
    """The kids of the keys in each state: the report of a rotation."""
    return {state: [key.kid for key in keys if key.state == state] for state in (SIGNING, ANNOUNCED, RETIRED, DROPPED)}
