"""Keys that verify nothing: in a proof's header, or registered for the client and not fit for the algorithm."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from valet.jose import signed
from valet.jose.jwk import Key

from tests.parts.authorizer.issuer import encoded
from tests.parts.jose.clients import (
    ASSERTION,
    ASSERTION_CLAIMS,
    FAPI,
    PLAIN,
    PROOF_CLAIMS,
    Client,
    read_assertion,
    read_proof,
    refusal_of,
)

CLIENT = Client("ES256")
RSA = Client("PS256")
MARK = "stranger"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        *[({name: MARK}, "a private or symmetric key") for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")],
        ({"kty": "oct", "k": "c2VjcmV0"}, "a private or symmetric key"),
        ({"kty": "oct"}, "kty is not one of RSA, EC, OKP"),
        ({"kty": MARK}, "kty is not one of RSA, EC, OKP"),
        ({"y": CLIENT.own_jwk["x"]}, "malformed EC key"),
        ({"x": encoded(bytes(32)), "y": encoded(bytes(32))}, "malformed EC key"),
        ({"x": encoded(b"\xff" * 32)}, "malformed EC key"),
        ({"x": encoded(bytes(1)) + CLIENT.own_jwk["x"]}, "malformed EC key"),
        ({"x": CLIENT.own_jwk["x"] + "="}, "malformed EC key"),
        ({"x": f"é{MARK}"}, "malformed EC key"),
        ({"x": encoded(b"x" * 31)}, "not a key on P-256"),
        ({"x": None}, "x is missing"),
        ({"crv": "P-384"}, "not a key on P-256"),
        ({"crv": "secp256k1"}, "not a key on P-256"),
        ({"kty": "OKP", "crv": "X25519"}, "not a key on Ed25519"),
        ({"kty": "OKP", "crv": "Ed25519", "x": encoded(b"x" * 31)}, "malformed OKP key"),
        ({"kty": "OKP", "crv": "Ed25519", "x": encoded(b"x" * 33)}, "malformed OKP key"),
        ({"use": "enc"}, "use is not sig"),
        ({"key_ops": ["sign"]}, "key_ops lacks verify"),
        ({"key_ops": MARK}, "key_ops lacks verify"),
        ({"alg": "ES384"}, "alg is none of ES256, EdDSA, PS256, RS256"),
        ({"alg": "RS256"}, "alg is none of ES256, EdDSA, PS256, RS256"),
        ({"kid": 7}, "kid is not a name"),
    ],
)
def test_a_key_in_the_header_that_is_not_a_public_one(changed: dict[str, Any], reason: str) -> None:
    jws = CLIENT.proof({"jwk": {**CLIENT.own_jwk, **changed}})
    assert refusal_of(read_proof, jws) == f"jwk: {reason}"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"n": encoded((1 << 2048 | 1).to_bytes(257)[1:])}, "n begins with a zero byte"),
        ({"n": encoded((1 << 2046 | 1).to_bytes(256))}, "modulus is not 2048 to 8192 bits long"),
        ({"n": encoded((1 << 8192 | 1).to_bytes(1025))}, "modulus is not 2048 to 8192 bits long"),
        ({"n": encoded((1 << 16383 | 1).to_bytes(2048))}, "modulus is not 2048 to 8192 bits long"),
        ({"e": encoded((1 << 2046 | 1).to_bytes(256))}, "exponent is longer than 32 bits"),
        ({"e": encoded((1 << 32 | 1).to_bytes(5))}, "exponent is longer than 32 bits"),
        ({"e": "AAEAAQ"}, "e begins with a zero byte"),
        ({"e": "AQ"}, "malformed RSA key"),
        ({"e": "AQAA"}, "malformed RSA key"),
        ({"e": 65537}, "e is missing"),
    ],
)
def test_an_rsa_key_whose_numbers_are_not_those_of_a_key(changed: dict[str, Any], reason: str) -> None:
    jws = RSA.proof({"jwk": {**RSA.own_jwk, **changed}})
    assert refusal_of(read_proof, jws) == f"jwk: {reason}"


@pytest.mark.parametrize("sign", [0x00, 0x80])
@pytest.mark.parametrize(
    "point",
    [
        "01" + 31 * "00",  # order 1
        "ec" + 30 * "ff" + "7f",  # order 2
        32 * "00",  # order 4
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  # order 8
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  # order 8
        "ed" + 30 * "ff" + "7f",  # y is the field's size: 0 once more
        "ee" + 30 * "ff" + "7f",  # 1 once more
        31 * "ff" + "7f",
    ],
)
def test_an_ed25519_key_that_anybody_can_sign_for_or_in_a_second_encoding(point: str, sign: int) -> None:
    x = bytearray.fromhex(point)
    x[31] |= sign
    weak = {"kty": "OKP", "crv": "Ed25519", "x": encoded(bytes(x))}
    header = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": weak}
    signature = encoded((1).to_bytes(64, "little"))  # right for the first of these keys
    jws = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(PROOF_CLAIMS).encode())}.{signature}"
    assert refusal_of(read_proof, jws) == "jwk: a point of small order, or not in its only encoding"


def test_an_rsa_key_of_1024_bits() -> None:
    small = Client("PS256", key=rsa.generate_private_key(65537, 1024))  # noqa: S505, the key that is refused
    assert refusal_of(read_proof, small.proof()) == "jwk: modulus is not 2048 to 8192 bits long"


def test_a_key_in_the_header_that_is_null() -> None:
    jws = CLIENT.sign(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": None}).encode(), {})
    assert refusal_of(read_proof, jws) == "jwk is not an object"


@pytest.mark.parametrize("alg", ["HS256", "none"])
def test_no_key_verifies_hs256_or_none_even_for_a_caller_that_allows_them(alg: str) -> None:
    header = encoded(json.dumps({"alg": alg, "kid": RSA.kid}).encode())
    signing_input = f"{header}.{encoded(json.dumps(ASSERTION_CLAIMS).encode())}"
    public = RSA.key.public_key()
    generous = PLAIN | {"HS256", "none"}
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), RSA.jwk["n"].encode(), base64.urlsafe_b64decode(RSA.jwk["n"] + "==")):
        jws = f"{signing_input}.{encoded(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"
        assert refusal_of(read_assertion, jws, [RSA.jwk]) == "alg is not allowed"
        assert refusal_of(read_assertion, jws, [RSA.jwk], generous) == "no key has this alg and kid"


def test_rs256_where_the_caller_does_not_allow_it_or_the_key_is_for_ps256() -> None:
    client = Client("RS256")
    jws = client.assertion()
    assert read_assertion(jws, [client.jwk])
    assert refusal_of(read_assertion, jws, [client.jwk], FAPI) == "alg is not allowed"
    bound = {**client.jwk, "alg": "PS256"}
    assert refusal_of(read_assertion, jws, [bound]) == "no key has this alg and kid"
    assert refusal_of(read_assertion, client.assertion({"alg": "PS256"}), [client.jwk]) == "signature"


def test_an_assertion_by_the_key_in_its_own_header() -> None:
    stranger = Client("ES256")
    jws = stranger.assertion({"jwk": stranger.own_jwk})
    assert refusal_of(read_assertion, jws, [CLIENT.jwk]) == "signature"


def test_an_assertion_by_a_key_that_is_not_among_the_clients() -> None:
    for header in ({"kid": "other"}, {"kid": ""}):
        jws = CLIENT.assertion(header)
        assert refusal_of(read_assertion, jws, [CLIENT.jwk]) == "no key has this alg and kid"
    assert refusal_of(read_assertion, CLIENT.assertion(), []) == "no key has this alg and kid"
    for unusable in ({"use": "enc"}, {"key_ops": ["sign"]}, {"d": "AA"}, {"alg": "ES384"}):
        jwks = [{**CLIENT.jwk, **unusable}]
        assert refusal_of(read_assertion, CLIENT.assertion(), jwks) == "no key has this alg and kid"


@pytest.mark.parametrize(("keys", "tried", "reason"), [(4, 4, "signature"), (5, 0, "more than four keys")])
def test_a_jws_costs_four_signatures_at_most(keys: int, tried: int, reason: str) -> None:
    calls = []

    def verify(signature: bytes, message: bytes) -> None:
        calls.append(message)
        raise InvalidSignature

    unverified = signed.read(CLIENT.assertion({"kid": None}), ASSERTION, PLAIN)
    same = [Key("shared", {}, {"ES256": verify})] * keys
    assert refusal_of(signed.verify, unverified, same).startswith(reason)
    assert len(calls) == tried
