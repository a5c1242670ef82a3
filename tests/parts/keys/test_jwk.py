"""JSON Web Keys and their thumbprints, against the RFCs' own examples."""

from base64 import urlsafe_b64decode
from itertools import count

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from valet.jose.public import jwk_from_public_key, thumbprint

RFC_7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3o"
    "knjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
    "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqD"
    "Kgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}


def public_der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    assert thumbprint(RFC_7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_thumbprint_of_an_ed25519_key_is_that_of_rfc_8037() -> None:
    key = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_another_library_reads_the_jwk_as_the_same_key(alg: str) -> None:
    public_key = private_key(alg).public_key()
    jwk = jwk_from_public_key(public_der(public_key), alg)
    assert public_der(jwt.PyJWK(jwk).key) == public_der(public_key)
    assert jwk["kid"] == thumbprint(jwk)
    assert (jwk["use"], jwk["alg"]) == ("sig", alg)


def test_the_jwk_holds_nothing_private() -> None:
    jwk = jwk_from_public_key(public_der(private_key("RS256").public_key()), "RS256")
    assert set(jwk) == {"kty", "n", "e", "kid", "use", "alg"}


def test_a_coordinate_keeps_its_leading_zeros() -> None:
    # RFC 7518 §6.2.1.2: always the curve's full length. One key in 128 has a coordinate that begins with a zero byte.
    for scalar in count(1):
        point = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
        if point.public_numbers().x < 1 << 248:
            break
    jwk = jwk_from_public_key(public_der(point), "ES256")
    assert len(urlsafe_b64decode(jwk["x"] + "=")) == 32


def test_a_key_on_another_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="no signing key of ours"):
        jwk_from_public_key(public_der(ec.generate_private_key(ec.SECP384R1()).public_key()), "ES256")


def private_key(alg: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey:
    match alg:
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)
