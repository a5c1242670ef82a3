"""The authorizer's time for a token that is bound to a key: budgets B11 and B12, next to the raw verification of ES256.

Both time the whole handler, from event to policy, with the token known and the status list in memory. Each proof is
new. B11: the client's key is known, as it is after its first proof. B12: the key was never seen.
"""

import base64
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from bench.measure import Deed, microseconds
from tests.parts.authorizer.issuer import Stand, http_2
from tests.support.dpop_client import DpopClient

ECDSA = ec.ECDSA(hashes.SHA256())
ROUTE = "GET /api/profile"


def raw_verify(client: DpopClient, proof: str) -> Callable[[], None]:
    """The primitive alone, with everything parsed beforehand."""
    key = client.key.public_key
    assert isinstance(key, ec.EllipticCurvePublicKey)
    text, _, encoded = proof.rpartition(".")
    message, signature = text.encode(), base64.urlsafe_b64decode(encoded + "==")
    der = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    return lambda: key.verify(der, message, ECDSA)


def event_of(token: str, client: DpopClient, now: int) -> dict[str, Any]:
    """An HTTP API's event with `token` and a new proof of it."""
    event = http_2(token, ROUTE)
    address = f"https://{event['requestContext']['domainName']}{event['rawPath']}"
    proof = client.proof("GET", address, token=token, iat=now)
    event["headers"] |= {"authorization": f"DPoP {token}", "dpop": proof}
    return event


def warm(many: int) -> Mapping[str, float]:
    """Medians in µs over `many` proofs of each kind."""
    now = int(time.time())
    stand = Stand("RS256")
    stand.clock.wall = float(now)
    found: dict[str, list[float]] = {"raw": [], "known key": [], "new key": []}
    client = DpopClient()
    token = stand.issuer.token(cnf={"jkt": client.jkt})
    for _ in range(5):
        stand.answer(event_of(token, client, now))
    calls: list[dict[str, Deed]] = []
    for number in range(many):
        other = DpopClient()
        others = stand.issuer.token(cnf={"jkt": other.jkt}, jti=f"jti-{number}")
        with suppress(Exception):  # without a proof it is refused: then the token is known, and the key is not
            stand.answer(http_2(others, ROUTE))
        event, strangers = event_of(token, client, now), event_of(others, other, now)
        raw = raw_verify(client, event["headers"]["dpop"])
        calls.append(
            {"raw": raw, "known key": partial(stand.answer, event), "new key": partial(stand.answer, strangers)}
        )
    for each in calls:
        for name, call in each.items():
            found[name].append(microseconds(call))
    return {name: statistics.median(values) for name, values in found.items()}
