"""Secrets that have to be read again, as ciphertext: seeds of second factors, secrets at other providers."""

from typing import Protocol

SECOND_FACTOR, PROVIDER_SECRET = "second-factor", "provider-secret"  # uses: each is opened by one function


class Sealing(Protocol):
    """`use` and `about` (whose it is) are bound to the ciphertext: it opens with the same ones alone."""

    def seal(self, use: str, about: str, secret: bytes) -> bytes:
        """Raises TemporarilyUnavailable."""

    def open(self, use: str, about: str, sealed: bytes) -> bytes:
        """Raises TemporarilyUnavailable."""


class HasSealing(Protocol):
    @property
    def sealing(self) -> Sealing: ...
