"""Signing keys: signers, the maker of keys, and the keys' records."""

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
        """Make a key, in the state announced. No reader knows of it until it is put into the ring."""

    def is_usable(self, key: SigningKey) -> bool:
        """False if it is certain that the key cannot sign: it is disabled, or about to be deleted."""

    def end_key(self, key: SigningKey) -> bool:
        """End the key, so that it cannot sign any more. Idempotent; False if we may not end it."""


class KeyRecords(Protocol):
    """The signing keys' records, changed all together by one conditional write at a time."""

    def key_ring(self) -> KeyRing:
        """Strongly consistent."""

    def change_ring(self, before: KeyRing, keys: tuple[SigningKey, ...]) -> bool:
        """Replace the ring, if it is still `before`."""


class HasSigners(Protocol):
    @property
    def signers(self) -> Signers: ...
