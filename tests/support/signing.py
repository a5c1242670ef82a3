"""Signing keys in memory: real keys and real signatures behind the port Signers, without KMS."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from valet.jose.public import jwk_from_public_key
from valet.keys.ring import SIGNING
from valet.models.keys import SigningKey


@dataclass(frozen=True)
class MemorySigner:
    """The port Signer: a private key of its own."""

    alg: str
    kid: str
    sign: Callable[[bytes], bytes]
    public_jwk: dict[str, str]

    @classmethod
    def new(cls, alg: str) -> "MemorySigner":
        private_key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
        if alg == "RS256":
            private_key = rsa.generate_private_key(65537, 2048)
            sign = _rsa(private_key)
        elif alg == "ES256":
            private_key = ec.generate_private_key(ec.SECP256R1())
            sign = _ecdsa(private_key)
        else:
            raise ValueError(f"no signer for {alg}")
        public = private_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        jwk = jwk_from_public_key(public, alg)
        return cls(alg, jwk["kid"], sign, jwk)


@dataclass
class MemorySigners:
    """The port Signers."""

    signers: dict[str, MemorySigner] = field(default_factory=dict)

    def new_key(self, alg: str = "ES256") -> SigningKey:
        """The record, already signing, of a new key whose signer is found by it."""
        signer = MemorySigner.new(alg)
        self.signers[signer.kid] = signer
        return SigningKey(signer.kid, alg, SIGNING, signer.public_jwk)

    def signer(self, key: SigningKey, /) -> MemorySigner:
        return self.signers[key.kid]


def _rsa(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda message: key.sign(message, PKCS1v15(), SHA256())


def _ecdsa(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign
