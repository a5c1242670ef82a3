"""The key that makes the nonces of DPoP proofs."""

from typing import Protocol


class NonceKey(Protocol):
    def mac(self, message: bytes, /) -> bytes:
        """The HMAC with SHA-256 of `message`: the same in every execution environment. Raises TemporarilyUnavailable
        if the key cannot be used now.
        """
