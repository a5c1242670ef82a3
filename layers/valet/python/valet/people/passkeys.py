"""Passkeys: the challenges that we draw, and what authenticators answer to them (WebAuthn Level 3 §7.1 and §7.2).

A challenge is kept nowhere. It follows from the browser's cookie, from what is signed for, and from the time that the
page carries in the open: the function that checks an answer computes it again.

No CBOR is parsed here. Attestation is not asked for, so browsers give a new public key as a SubjectPublicKeyInfo
(§5.2.1.1), and the rest of the authenticator data has a fixed form (§6.1): docs/decisions/passkeys.md.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from valet.frozen import Frozen
from valet.handles import base64url
from valet.jose.compact import Malformed, decode
from valet.models.passkeys import Passkey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey

# RFC 8176 §2: the end-user proved to hold a key, and the authenticator verified who they are.
# `pop` is also what OpenID Connect EAP ACR Values calls for.
AMR = ("pop", "user", "mfa")
SIGN_IN, ENROL, BY_JOINING = "sign-in", "enrol", "join"  # what a challenge is for
ALGORITHMS = (-7, -8, -257)  # COSE: ES256, EdDSA, RS256

# Those of §5.8.4. Others are kept out: they are of no use before browsers know them.
_TRANSPORTS = frozenset({"ble", "hybrid", "internal", "nfc", "smart-card", "usb"})

_GET, _CREATE = "webauthn.get", "webauthn.create"  # §5.8.1
_PRESENT, _VERIFIED, _BACKUP_ELIGIBLE, _BACKED_UP, _ATTESTED, _EXTENDED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80  # §6.1
_HEADER = 37  # bytes of the authenticator data before what is optional
_AAGUID = 16  # bytes
_LONGEST_ID = 1023  # bytes of a credential id (§7.1)
_LONGEST = 4096  # characters of one member of an answer
_RSA_BITS = (2048, 4096)
_CHALLENGE_LIFETIME = 600_000  # milliseconds; the request's pages live as long


class PasskeyRefused(Exception):
    """The answer of an authenticator is not good; the message, for our log, says why, and `sub` whose passkey it is."""

    def __init__(self, why: str, *, sub: str | None = None) -> None:
        super().__init__(why)
        self.sub = sub


class Ceremony(Frozen):
    """What an answer has to be for."""

    rp_id: str
    origin: str
    challenge: bytes

    def __repr__(self) -> str:
        return f"Ceremony(rp_id={self.rp_id!r})"  # the challenge follows from a secret


class Assertion(Frozen):
    """A browser's answer to a sign-in page (§5.2.2)."""

    credential_id: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes
    user_handle: bytes


class Signed(Frozen):
    """What the authenticator has vouched for."""

    sign_count: int
    backup_eligible: bool
    backed_up: bool


class Made(Frozen):
    """A passkey that an authenticator has made."""

    credential_id: bytes
    public_key: bytes  # SubjectPublicKeyInfo, DER
    aaguid: bytes
    signed: Signed


def challenge(browser: str, purpose: str, subject: str, issued_ms: int) -> bytes:
    """The challenge of one page. `browser` is the browser cookie's value, `subject` what the page is about."""
    about = f"valet passkey\n{purpose}\n{subject}\n{issued_ms}"
    return hmac.digest(browser.encode(), about.encode(), "sha256")


def parse_issued_ms(value: str, begun_ms: int, now: float) -> int:
    """When the page of an answer was made. Raises PasskeyRefused for a time in the future, before the request began,
    or too long ago.
    """
    if not value.isascii() or not value.isdecimal() or len(value) > 15:
        raise PasskeyRefused("issued_ms is no time")
    issued_ms, now_ms = int(value), int(now * 1000)
    if not max(begun_ms, now_ms - _CHALLENGE_LIFETIME) <= issued_ms <= now_ms:
        raise PasskeyRefused("the page is too old, or of another time than its request")
    return issued_ms


def digest_of(credential_id: bytes) -> str:
    """The name of a passkey: the SHA-256 of its credential id, in hex."""
    return hashlib.sha256(credential_id).hexdigest()


def parse_assertion(form: Mapping[str, str]) -> Assertion:
    """The members of a sign-in form. Raises PasskeyRefused for one that is missing, malformed or too long."""
    return Assertion(**{name: member(form, name) for name in Assertion.FIELDS})


def member(form: Mapping[str, str], name: str) -> bytes:
    """The bytes of one member of a form, which is base64url. Raises PasskeyRefused."""
    value = form.get(name, "")
    if not 0 < len(value) <= _LONGEST:
        raise PasskeyRefused(f"{name} is missing or too long")
    try:
        return decode(value.encode())
    except Malformed:
        raise PasskeyRefused(f"{name} is not base64url") from None


def verify_assertion(assertion: Assertion, public_key: bytes, ceremony: Ceremony) -> Signed:
    """Verify what the passkey's key has signed (§7.2). Raises PasskeyRefused."""
    _check_client_data(assertion.client_data, _GET, ceremony)
    signed, _, flags = _authenticator_data(assertion.authenticator_data, ceremony)
    if not flags & _EXTENDED and len(assertion.authenticator_data) != _HEADER:
        raise PasskeyRefused("the authenticator data has bytes that no flag announces")
    about = assertion.authenticator_data + hashlib.sha256(assertion.client_data).digest()
    _verify_signature(load_public_key(public_key), assertion.signature, about)
    return signed


def verify_registration(client_data: bytes, authenticator_data: bytes, public_key: bytes, ceremony: Ceremony) -> Made:
    """Check a new passkey (§7.1, without attestation). Raises PasskeyRefused."""
    _check_client_data(client_data, _CREATE, ceremony)
    signed, rest, flags = _authenticator_data(authenticator_data, ceremony)
    if not flags & _ATTESTED or len(rest) < _AAGUID + 2:
        raise PasskeyRefused("the authenticator data has no credential")
    length = int.from_bytes(rest[_AAGUID : _AAGUID + 2])
    credential_id = rest[_AAGUID + 2 : _AAGUID + 2 + length]
    if not 0 < length <= _LONGEST_ID or len(credential_id) != length:
        raise PasskeyRefused("the credential id is missing, cut off or too long")
    load_public_key(public_key)
    return Made(credential_id, public_key, rest[:_AAGUID], signed)


def parse_registration(form: Mapping[str, str], ceremony: Ceremony) -> Made:
    """The new passkey in a form (§7.1). Raises PasskeyRefused."""
    client_data, authenticator_data = member(form, "client_data"), member(form, "authenticator_data")
    return verify_registration(client_data, authenticator_data, member(form, "public_key"), ceremony)


def new_passkey(made: Made, sub: str, transports: str, name: str, issued_ms: int, now: float) -> Passkey:
    """What is kept of a new passkey. `transports`: how the browser says that it can be reached, by spaces."""
    return Passkey(
        sub=sub,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.signed.sign_count,
        challenge_ms=issued_ms,
        backup_eligible=made.signed.backup_eligible,
        backed_up=made.signed.backed_up,
        transports=tuple(sorted(_TRANSPORTS.intersection(transports.split()))),
        aaguid=made.aaguid,
        name=name,
        created_at=int(now),
    )


def load_public_key(der: bytes) -> "PublicKey":
    """A key of one of ALGORITHMS, which follows from the kind of the key. Raises PasskeyRefused for any other."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(der)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise PasskeyRefused("the public key cannot be read") from None
    match key:
        case Ed25519PublicKey() | EllipticCurvePublicKey(curve=SECP256R1()):
            return key
        case RSAPublicKey() if _RSA_BITS[0] <= key.key_size <= _RSA_BITS[1]:
            return key
    raise PasskeyRefused("the public key is of another algorithm than ES256, EdDSA and RS256")


def _check_client_data(data: bytes, kind: str, ceremony: Ceremony) -> None:
    """§5.8.1; §7.1 steps 5 to 11, §7.2 steps 8 to 14."""
    try:
        collected: Any = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise PasskeyRefused("the client data is no JSON") from None
    if not isinstance(collected, dict) or collected.get("type") != kind:
        raise PasskeyRefused(f"the client data is not of type {kind}")
    found = collected.get("challenge")
    if not isinstance(found, str) or not hmac.compare_digest(found.encode(), base64url(ceremony.challenge).encode()):
        raise PasskeyRefused("the challenge is another page's")
    if collected.get("origin") != ceremony.origin:
        raise PasskeyRefused("the origin is another one")
    # No page of ours is framed.
    if collected.get("crossOrigin", False) is not False or "topOrigin" in collected:
        raise PasskeyRefused("the page was in a frame of another origin")


def _authenticator_data(data: bytes, ceremony: Ceremony) -> tuple[Signed, bytes, int]:
    """What the authenticator says, what follows the header, and the flags (§6.1)."""
    if len(data) < _HEADER:
        raise PasskeyRefused("the authenticator data is cut off")
    if not hmac.compare_digest(data[:32], hashlib.sha256(ceremony.rp_id.encode()).digest()):
        raise PasskeyRefused("the RP ID is another one")
    flags = data[32]
    if not flags & _PRESENT or not flags & _VERIFIED:
        raise PasskeyRefused("the authenticator did not verify its user")
    if flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE:
        raise PasskeyRefused("the passkey is backed up, though it cannot be")
    signed = Signed(int.from_bytes(data[33:_HEADER]), bool(flags & _BACKUP_ELIGIBLE), bool(flags & _BACKED_UP))
    return signed, data[_HEADER:], flags


def _verify_signature(key: "PublicKey", signature: bytes, about: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, about, ECDSA(SHA256()))
        elif isinstance(key, RSAPublicKey):
            key.verify(signature, about, PKCS1v15(), SHA256())
        else:
            key.verify(signature, about)
    except InvalidSignature:
        raise PasskeyRefused("the signature is not the passkey's") from None
