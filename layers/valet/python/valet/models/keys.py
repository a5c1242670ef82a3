"""Signing keys, and the ring that holds all of them."""

from collections.abc import Mapping

from valet.frozen import Frozen


class SigningKey(Frozen):
    """A signing key's record; `state` is announced, signing, retired or dropped."""

    kid: str  # RFC 7638 thumbprint
    alg: str
    state: str
    public_jwk: Mapping[str, str]
    key_id: str = ""  # KMS: the signing key's ARN
    signing_roles: frozenset[str] = frozenset()  # KMS: the roles that the key's own policy lets sign
    wrapped_private_key: bytes = b""  # the wrapped signer's private key, PKCS #8 under KMS
    wrapping_key: str = ""  # the symmetric key that wraps it
    created_at: int = 0  # announced: in the JWK Set from then on
    signing_since: int = 0
    retired_at: int = 0
    dropped_at: int = 0  # an emergency ended it at once: no longer in the JWK Set
    ended_at: int = 0  # since then nobody can sign with it


class KeyRing(Frozen):
    """Every signing key's record, kept as one item: one write makes one key sign in another's place."""

    keys: tuple[SigningKey, ...] = ()
    version: int = 0  # 0: there is no item yet
