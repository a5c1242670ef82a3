"""Forged and ambiguous JWS of clients are refused, each with its reason, which repeats nothing of the JWS."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.parts.authorizer.issuer import encoded
from tests.parts.jose.clients import (
    PROOF_CLAIMS,
    Client,
    read_assertion,
    read_proof,
    refusal_of,
)

CLIENT = Client("ES256")
RSA = Client("PS256")
HEADER: Mapping[str, object] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": CLIENT.own_jwk}
MARK = "stranger"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "none"}, "alg is not allowed"),
        ({"alg": "HS256"}, "alg is not allowed"),
        ({"alg": "RS256"}, "alg is not allowed"),
        ({"alg": "es256"}, "alg is not allowed"),
        ({"alg": MARK}, "alg is not allowed"),
        ({"alg": None}, "alg is not allowed"),
        ({"alg": 7}, "alg is not text"),
        ({"alg": ["ES256"]}, "alg is not text"),
        ({"alg": "EdDSA"}, "no key has this alg and kid"),
        ({"alg": "PS256"}, "no key has this alg and kid"),
        ({"typ": None}, "typ is not an expected one"),
        ({"typ": ""}, "typ is not an expected one"),
        ({"typ": "JWT"}, "typ is not an expected one"),
        ({"typ": "at+jwt"}, "typ is not an expected one"),
        ({"typ": "client-authentication+jwt"}, "typ is not an expected one"),
        ({"typ": "text/dpop+jwt"}, "typ is not an expected one"),
        ({"typ": f"dpop+jwt {MARK}"}, "typ is not an expected one"),
        ({"typ": 7}, "typ is not text"),
        ({"kid": 7}, "kid is not text"),
        ({"kid": {MARK: 1}}, "kid is not text"),
        ({"crit": ["exp"]}, "crit or b64: an extension that this server does not have"),
        ({"crit": []}, "crit or b64: an extension that this server does not have"),
        ({"crit": ["b64"], "b64": False}, "crit or b64: an extension that this server does not have"),
        ({"b64": True}, "crit or b64: an extension that this server does not have"),
        ({"jwk": None}, "jwk is missing"),
        ({"jwk": MARK}, "jwk is not an object"),
        ({"jwk": [CLIENT.own_jwk]}, "jwk is not an object"),
        ({"jwk": Client("ES256").own_jwk}, "signature"),
        ({"jwk": RSA.own_jwk}, "no key has this alg and kid"),
        ({MARK: "\ud800"}, "half a surrogate pair"),
        ({"a": json.loads("[" * 127 + "]" * 127)}, "too many objects and arrays"),
    ],
)
def test_a_header_that_is_not_a_proofs(header: dict[str, Any], reason: str) -> None:
    jws = CLIENT.proof(header)
    assert refusal_of(read_proof, jws) == reason


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"jti": "\ud800"}, "half a surrogate pair"),
        ({"a": [{"\udfff": 1}]}, "half a surrogate pair"),
        ({"exp": "1800000000"}, "exp, iat or nbf is not a number"),
        ({"nbf": True}, "exp, iat or nbf is not a number"),
        ({"a": json.loads("[" * 128 + "]" * 128)}, "too many objects and arrays"),
        ({"iat": [MARK]}, "exp, iat or nbf is not a number"),
    ],
)
def test_claims_that_cannot_be_used(payload: dict[str, Any], reason: str) -> None:
    assert refusal_of(read_proof, CLIENT.proof(**payload)) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"iat":1e999}', "a JSON number is too large"),
        ('{"extra":-1e999}', "a JSON number is too large"),
        ('{"iat":null}', "exp, iat or nbf is not a number"),
        ('{"iat":' + "1" * 4301 + "}", "not JSON"),
        ('{"iat":NaN}', "NaN and Infinity are not JSON"),
        ('{"jti":"a","jti":"b"}', "a JSON member is repeated"),
        ('{"jti":"a","\\u006ati":"b"}', "a JSON member is repeated"),
        ('{"a":{"b":1,"b":1}}', "a JSON member is repeated"),
        ('{"jti":"stranger"', "not JSON"),
        ('{"jti":"stranger"}{}', "not one JSON object"),
        ('["stranger"]', "not one JSON object"),
        ('"stranger"', "not one JSON object"),
        ("stranger", "not JSON"),
        ('{"jti":"\n"}', "not JSON"),
        ("\ufeff{}", "not JSON"),
        ('{"jti":"' + "a" * 1_000_000 + '"}', "longer than 8 KB"),
        ("[" * 1_000_000, "longer than 8 KB"),
    ],
)
def test_a_payload_that_readers_read_differently(text: str, reason: str) -> None:
    jws = CLIENT.sign(HEADER, text.encode())
    assert refusal_of(read_proof, jws) == reason


def test_a_payload_that_is_not_utf_8() -> None:
    assert refusal_of(read_proof, CLIENT.sign(HEADER, b'{"jti":"\xc3\x28"}')) == "not JSON"
    assert refusal_of(read_proof, CLIENT.sign(HEADER, '{"jti":"a"}'.encode("utf-16"))) == "not JSON"


@pytest.mark.parametrize(
    "header",
    [
        json.dumps(HEADER)[:-1] + ',"alg":"ES256"}',
        json.dumps(HEADER)[:-1] + ',"typ":"JWT"}',
        json.dumps(HEADER).replace('"kty"', '"kty": "EC", "kty"'),
    ],
    ids=["alg", "typ", "kty"],
)
def test_a_repeated_member_of_the_header_or_its_key(header: str) -> None:
    jws = CLIENT.sign(header.encode(), PROOF_CLAIMS)
    assert refusal_of(read_proof, jws) == "a JSON member is repeated"


def _der(jws: str) -> str:
    signing_input = jws.rpartition(".")[0]
    signature = CLIENT.key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))  # type: ignore[arg-type, call-arg]
    return f"{signing_input}.{encoded(signature)}"


def _last_bit(segment: str) -> str:
    return segment[:-1] + chr(ord(segment[-1]) + 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda jws: jws + "==", "not base64url"),
        (lambda jws: jws.replace(".", "=.", 1), "not base64url"),
        (_last_bit, "not base64url"),
        (lambda jws: jws + "A", "signature"),
        (lambda jws: jws + "\n", "not base64url"),
        (lambda jws: " " + jws, "not base64url"),
        (lambda jws: jws[:100] + "+" + jws[101:], "not base64url"),
        (lambda jws: jws + "é", "not ASCII"),
        (lambda jws: jws + ".", "not three parts"),
        (lambda jws: jws + ".e30.AA", "not three parts"),
        (lambda jws: jws.rpartition(".")[0], "not three parts"),
        (lambda jws: jws.rpartition(".")[0] + ".", "not base64url"),
        (lambda jws: "." + jws.partition(".")[2], "not base64url"),
        (lambda jws: "..", "not base64url"),
        (lambda jws: "", "not three parts"),
        (lambda jws: json.dumps({"payload": "e30", "signatures": []}), "not three parts"),
        (lambda jws: jws.rpartition(".")[0] + "." + encoded(bytes(64)), "signature"),
        (lambda jws: jws + "AAAA", "signature"),
        (_der, "signature"),
    ],
)
def test_another_spelling_of_a_good_proof(change: Callable[[str], str], reason: str) -> None:
    # A signature of 64 bytes ends in a character with four spare bits, which are zero.
    good = CLIENT.proof()
    assert read_proof(good)
    assert refusal_of(read_proof, change(good)) == reason


def test_an_assertion_is_no_proof_and_a_proof_no_assertion() -> None:
    proof, assertion = CLIENT.proof({"kid": "key-1"}), CLIENT.assertion({"jwk": CLIENT.own_jwk})
    assert refusal_of(read_assertion, proof, [CLIENT.jwk]) == "typ is not an expected one"
    assert refusal_of(read_proof, assertion) == "typ is not an expected one"


def test_no_reason_repeats_what_the_stranger_wrote() -> None:
    for header in ({"alg": MARK}, {"typ": MARK}, {"kid": [MARK]}, {"jwk": {"kty": MARK}}, {MARK: [MARK] * 900}):
        jws = CLIENT.proof(header)
        assert MARK not in refusal_of(read_proof, jws)
    for payload in (b'{"stranger":1,"stranger":2}', b"stranger", b'{"stranger":1e999}', b'{"exp":"stranger"}'):
        jws = CLIENT.sign(HEADER, payload)
        assert MARK not in refusal_of(read_proof, jws)
