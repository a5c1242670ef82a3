"""Signatures by a private key in this process's memory (RFC 7518 §3, RFC 8037 §3.1)."""

from collections.abc import Callable, Mapping
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from valet.errors import SigningFailed
from valet.frozen import Frozen
from valet.jose.ecdsa import joined
from valet.jose.p256 import ES256
from valet.jose.public import jwk_from_public_key
from valet.models.keys import SigningKey

_PADDINGS: Mapping[str, AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size),  # RFC 7518 §3.5: a salt as long as the hash
}


class UnwrappedSigner(Frozen):
    """A private key in this process's memory."""

    alg: str
    kid: str
    sign: Callable[[bytes], bytes]


def signer_of(key: SigningKey, der: bytes) -> UnwrappedSigner:
    """The signer with the private key of `key`, PKCS #8."""
    private_key = load_der_private_key(der, password=None)
    public_key = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if jwk_from_public_key(public_key, key.alg)["kid"] != key.kid:
        raise SigningFailed(detail=f"what is wrapped under {key.kid} is another key")
    return UnwrappedSigner(key.alg, key.kid, _signature_by(private_key, key.alg))


def _signature_by(private_key: object, alg: str) -> Callable[[bytes], bytes]:
    match private_key:
        case rsa.RSAPrivateKey() if alg in _PADDINGS:
            return partial(_rsa_signature, private_key, _PADDINGS[alg])
        case ec.EllipticCurvePrivateKey() if alg == "ES256":
            return partial(_ecdsa_signature, private_key)
        case ed25519.Ed25519PrivateKey() if alg == "EdDSA":
            return private_key.sign
    raise SigningFailed(detail=f"{type(private_key).__name__} is no key for {alg}")


def _rsa_signature(key: rsa.RSAPrivateKey, pad: AsymmetricPadding, message: bytes) -> bytes:
    return key.sign(message, pad, SHA256())


def _ecdsa_signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    return joined(key.sign(message, ES256))
