"""Passkeys: discoverable WebAuthn credentials of end-users (WebAuthn Level 3 §4, "credential record")."""

from enum import Enum

from valet.frozen import Frozen


class Passkey(Frozen):
    """What is kept of a passkey. It is worth nothing until its account names it by the digest of its id."""

    sub: str
    credential_id: bytes
    public_key: bytes  # SubjectPublicKeyInfo, DER
    sign_count: int  # as the authenticator last told it; 0: it does not count
    challenge_ms: int  # when the challenge was issued that it answered last
    backup_eligible: bool = False  # it may be on several devices; never changes
    backed_up: bool = False
    transports: tuple[str, ...] = ()
    aaguid: bytes = b""  # the model of the authenticator, as it says itself
    name: str = ""
    created_at: int = 0
    last_used_at: int = 0  # 0: never

    def __repr__(self) -> str:
        return f"Passkey(sub={self.sub!r}, name={self.name!r})"


class Use(Enum):
    """What became of an assertion that was verified."""

    USED = "it is used"
    STALE = "a page as old or newer was answered with this passkey before"
    COUNTER = "the signature counter went back: there may be a copy of the key"
