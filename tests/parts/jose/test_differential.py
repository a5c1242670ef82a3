"""Twenty thousand mutated JWS of clients: ours takes none that PyJWT or joserfc refuses, and says why it refuses more.

The libraries are called as their documents say: the client's key by `kid`, or the key in the header, and the allowed
algorithms. None of the three compares a time or another claim here, because that is the caller's part. A JWS is judged
as a proof if its `typ` says so, else as an assertion. `alg` "Ed25519" is left out, because PyJWT does not know it.
"""

import json
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import joserfc.jwk
import joserfc.jwt
import jwt
import pytest
from joserfc.jws import JWSRegistry
from valet.jose import signed

from tests.parts.jose.clients import PLAIN, Client, read_assertion, read_proof
from tests.parts.jose.mutations import Mutations
from tests.support.mutated_jws import legible

SHARDS, OF_TEXT, SIGNED_AGAIN = 4, 2_500, 2_500  # 4 × 5,000 = 20,000
ALGORITHMS = sorted(PLAIN)

NO_CLAIMS: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}

STRICTER = {
    "not JSON": "RFC 8259 §8.1: UTF-8 without a mark; Python's json.loads also takes UTF-16 and UTF-32",
    "NaN and Infinity are not JSON": "RFC 8259 §6; Python's json.loads takes them",
    "a JSON number is too large": "RFC 8259 §6; Python makes 1e999 infinite, and an infinite time never passes",
    "a JSON member is repeated": "RFC 7515 §4, RFC 7519 §4: names are unique; two readers may choose differently",
    "half a surrogate pair": "RFC 8259 §8.2: it is no character, and a jti is digested as UTF-8",
    "too many objects and arrays": "reading costs no more than a signature, and no reader's recursion limit decides",
    "exp, iat or nbf is not a number": "RFC 7519 §2; the libraries leave times to their callers",
    "crit or b64: an extension that this server does not have": "RFC 7515 §4.1.11; both libraries know b64",
    "typ is not an expected one": "RFC 8725 §3.11: the libraries leave typ to their callers",
    "jwk: a private or symmetric key": "RFC 9449 §4.3: a private key in a header is not its owner's alone",
}


class Judges:
    """Each says None to a JWS that it accepts, else the refusal's name. The libraries are given key and algorithm."""

    def __init__(self, clients: list[Client]) -> None:
        self.jwks = [client.jwk for client in clients]
        self.registered: dict[Any, Any] = {client.kid: (client.jwk, client.alg) for client in clients}
        self.registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        self.registry.max_header_length = signed.LONGEST  # its default is shorter than a header with an RSA key

    def verdicts(self, jws: str) -> tuple[str | None, str | None, str | None]:
        """Ours, PyJWT's and joserfc's."""
        try:
            header = jwt.get_unverified_header(jws)
        except jwt.PyJWTError:
            header = {}
        if str(header.get("typ")).lower().endswith("dpop+jwt"):
            jwk, alg = header.get("jwk"), header.get("alg")
            mine = _outcome(lambda: read_proof(jws, PLAIN))
        else:
            jwk, alg = self.registered.get(header.get("kid", header.get("alg")), (None, None))
            mine = _outcome(lambda: read_assertion(jws, self.jwks))
        key = json.dumps(jwk), alg
        return (
            mine,
            _outcome(lambda: jwt.decode(jws, _pyjwt_key(*key), algorithms=ALGORITHMS, options=NO_CLAIMS)),
            _outcome(lambda: joserfc.jwt.decode(jws, _joserfc_key(key[0]), registry=self.registry)),
        )


def _outcome(judge: Callable[[], object]) -> str | None:
    try:
        judge()
    except signed.Refused as refused:
        return str(refused)
    except Exception as error:
        return type(error).__name__
    return None


@cache
def _pyjwt_key(jwk: str, alg: str) -> jwt.PyJWK:
    return jwt.PyJWK(json.loads(jwk), alg)


@cache
def _joserfc_key(jwk: str) -> Any:
    return joserfc.jwk.import_key(json.loads(jwk))


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_nothing_is_accepted_that_another_library_refuses(shard: int) -> None:
    clients = [Client(alg, kid=alg) for alg in ALGORITHMS]
    judges, mutations = Judges(clients), Mutations(clients, shard)
    accepted, refused_by_ours_alone = 0, Counter[str]()
    for many, draw in ((OF_TEXT, mutations.changed_text), (SIGNED_AGAIN, mutations.signed_again)):
        for _ in range(many):
            jws = draw()
            ours, *theirs = judges.verdicts(jws)
            if ours is None:
                assert theirs == [None, None], f"PyJWT and joserfc say {theirs} to {legible(jws)}"
                accepted += 1
            elif theirs == [None, None]:
                refused_by_ours_alone[ours] += 1
    print(accepted, sorted(refused_by_ours_alone.items()))
    assert accepted > 500, "if ours refused everything, the comparison would show nothing"
    assert refused_by_ours_alone.keys() == STRICTER.keys()
