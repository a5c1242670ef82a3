"""Signing keys: what signs, what makes and ends keys, and where their records are."""

from typing import Protocol

from valet.models.keys import KeyRing, SigningKey


class Signer(Protocol):
    """A signing key in use. `sign` answers a JWS signature value (RFC 7518 §3), never DER."""

    @property
    def alg(self) -> str: ...
    @property
    def kid(self) -> str: ...
    def sign(self, message: bytes, /) -> bytes: ...


class Signers(Protocol):
    def signer(self, key: SigningKey, /) -> Signer:
        """The signer behind a key record."""


class KeyMaker(Protocol):
    """Makes and ends signing keys; only rotate_keys has one."""

    def make_key(self, alg: str, now: float) -> SigningKey:
        """A new key, in the state announced, that nobody knows of until it is put into the ring."""

    def is_usable(self, key: SigningKey) -> bool:
        """False where it is certain that nobody can sign with it: disabled, or about to be deleted."""

    def end_key(self, key: SigningKey) -> bool:
        """Nobody can sign with it any more. Idempotent; False if it is not ours to end."""


class KeyRecords(Protocol):
    """The signing keys' records, changed all together by one conditional write at a time."""

    def key_ring(self) -> KeyRing:
        """Strongly consistent."""

    def change_ring(self, before: KeyRing, keys: tuple[SigningKey, ...]) -> bool:
        """If the ring is still `before`."""


class HasSigners(Protocol):
    @property
    def signers(self) -> Signers: ...
