"""One JWT, signed and verified by the JWT libraries that an API could use, and by the bare primitive."""

import json
import statistics
import subprocess
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from bench.authorizer import raw_verify
from bench.measure import Deed, Sample, interleaved, sample
from bench.servers import NODE, node_is_there
from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, Stand

ALGS = ("RS256", "ES256")


def measure(rounds: int = 5, tokens: int = 200) -> dict[str, dict[str, Sample]]:
    """Microseconds by algorithm, library and operation."""
    return {alg: _measure(alg, rounds, tokens) for alg in ALGS}


def _measure(alg: str, rounds: int, many: int) -> dict[str, Sample]:
    stand = Stand(alg)
    stand.clock.wall = float(int(time.time()))
    tokens = [stand.issuer.token(jti=f"jti-{number}") for number in range(many)]
    of_node: dict[str, list[float]] = {}
    found: dict[str, list[Sample]] = {}
    for _ in range(rounds):
        for name, each in interleaved(_deeds(stand, alg, tokens), many // rounds).items():
            found.setdefault(name, []).append(each)
        if node_is_there():
            for name, micros in _node(stand, alg, tokens).items():
                of_node.setdefault(name, []).append(micros)
    merged = {
        name: Sample(statistics.median(each.median for each in samples), samples[0].spread, many)
        for name, samples in found.items()
    }
    return merged | {name: sample(values) for name, values in of_node.items()}


def _deeds(stand: Stand, alg: str, tokens: list[str]) -> dict[str, Callable[[], Deed]]:
    private = stand.issuer.keys["key-1"]
    public = private.public_key()
    claims = stand.issuer.claims()
    signing = _signer(private, b"x" * 500)
    joserfc_public = joserfc_jwk.import_key(stand.issuer.jwks[0])
    joserfc_private = joserfc_jwk.import_key(_pem(private), stand.issuer.jwks[0]["kty"])
    registry = joserfc_jwt.JWTClaimsRegistry(iss={"value": ISSUER}, aud={"value": AUDIENCE})
    header = {"kid": "key-1", "typ": "at+jwt"}
    turn = iter(tokens * 4)

    def joserfc_verify(token: str) -> Deed:
        return lambda: registry.validate(joserfc_jwt.decode(token, joserfc_public, algorithms=[alg]).claims)

    def pyjwt_verify(token: str) -> Deed:
        return lambda: jwt.decode(token, public, algorithms=[alg], audience=AUDIENCE, issuer=ISSUER)

    return {
        "cryptography, nothing around it sign": lambda: signing,
        "cryptography, nothing around it verify": lambda: raw_verify(stand, next(turn)),
        "joserfc sign": lambda: lambda: joserfc_jwt.encode({"alg": alg, **header}, claims, joserfc_private, [alg]),
        "joserfc verify": lambda: joserfc_verify(next(turn)),
        "PyJWT, key object sign": lambda: lambda: jwt.encode(claims, private, alg, header),
        "PyJWT, key object verify": lambda: pyjwt_verify(next(turn)),
    }


def _signer(private: Any, message: bytes) -> Deed:
    if isinstance(private, rsa.RSAPrivateKey):
        return lambda: private.sign(message, padding.PKCS1v15(), SHA256())
    return lambda: private.sign(message, ec.ECDSA(SHA256()))


def _pem(private: Any) -> str:
    encoded: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return encoded.decode()


def _node(stand: Stand, alg: str, tokens: list[str]) -> dict[str, float]:
    given = {
        "alg": alg,
        "tokens": tokens,
        "jwk": stand.issuer.jwks[0],
        "pem": _pem(stand.issuer.keys["key-1"]),
        "issuer": ISSUER,
        "audience": AUDIENCE,
    }
    command = ["node", str(NODE / "jwt.mjs")]
    out = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True).stdout
    medians: dict[str, float] = json.loads(out)
    return medians
