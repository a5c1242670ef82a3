"""Passkeys, and the one use of what they have signed."""

from typing import Protocol

from valet.models.passkeys import Passkey, Use


class Passkeys(Protocol):
    def find_passkey(self, digest: str) -> Passkey | None:
        """The passkey whose credential id has this SHA-256 digest, in hex. Strongly consistent."""

    def use_passkey(
        self, digest: str, *, challenge_ms: int, sign_count: int, backed_up: bool, attempt: bytes, now: float
    ) -> Use:
        """Use an assertion, once: only if its challenge is younger than the one that was answered last, and if the
        counter has risen, or does not count at all (WebAuthn Level 3 §7.2).
        """


class HasPasskeys(Protocol):
    @property
    def passkeys(self) -> Passkeys: ...
