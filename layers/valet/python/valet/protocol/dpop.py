"""DPoP proofs that come to the authorization server itself (RFC 9449 §4.3, §5, §7.1, §8).

Requests to the token endpoint may need a nonce. At userinfo a proof goes with the access token whose `cnf` names its
key, and needs none.
"""

import hashlib
from collections.abc import Mapping

from valet.binding import confirmation, proof
from valet.binding.proof import KnownKeys, Proof
from valet.errors import InvalidDpopProof, InvalidToken, TemporarilyUnavailable, UseDpopNonce, quoted
from valet.http import Request
from valet.jose.public import base64url
from valet.jose.signed import Refused
from valet.models.once import OneTimeValue, Sender
from valet.ports.runtime import Audit
from valet.protocol.nonces import ACCEPTED_FOR, Nonces

# Seconds that a proof without a nonce is kept after its `iat`: as long as it is accepted, and the skew of two clocks.
_KEPT = proof.MAX_AGE + 90
# Seconds that `iat` may be ahead where a nonce says that the proof is new. Such a proof is kept until it could not be
# accepted for its time either, and nothing that a client writes keeps it for longer than that.
_CLOCK_AHEAD = 86_400
_KEYS = KnownKeys()


def prove(request: Request, nonces: Nonces | None, audit: Audit, *, is_nonce_required: bool, now: float) -> Sender:
    """Judge the proof of a request for tokens. `nonces` None: this deployment has none.

    Raises InvalidDpopProof, UseDpopNonce, and TemporarilyUnavailable if a nonce is required and none can be made.
    """
    found = _read(request)
    headers: Mapping[str, str] = {}
    is_fresh = False
    if nonces is not None:
        try:
            headers = _current(found, nonces, request.issuer, now)
            is_fresh = found.nonce is not None and nonces.is_good(found.nonce, request.issuer, now)
        except TemporarilyUnavailable as error:
            if is_nonce_required:
                raise
            # Without the key no nonce is known to be ours, and the proof is judged by its time, as any without nonce.
            # The client is answered, so only this line tells the operator that no nonces can be made.
            audit.record("nonce.failed", detail=error.detail)
            nonces = None
    try:
        if is_fresh:
            # The nonce says that the proof is new. So a client whose clock is wrong is let in.
            if found.iat > now + _CLOCK_AHEAD:
                raise Refused("proof: iat is more than a day ahead")
            proof.check_validity(found, now)
            expires_at = int(max(now + ACCEPTED_FOR, found.iat + _KEPT))
        else:
            if nonces is not None:
                _check_nonce(found, headers, is_required=is_nonce_required, now=now)
            proof.check_time(found, now)
            expires_at = int(found.iat) + _KEPT
        proof.verify(found)
    except Refused as refused:
        raise _refusal(refused, headers) from None
    return Sender(found.jkt, OneTimeValue("proof", found.jkt, found.jti, expires_at), headers)


def prove_token(request: Request, token: str, cnf: object, now: float) -> OneTimeValue:
    """Judge the proof of a request that presents `token`, whose claim `cnf` names a key. Returns what is to be spent.

    Raises InvalidToken if the proof is missing, or is for another key or another token, and InvalidDpopProof.
    """
    try:
        jkt = confirmation.jkt_of(cnf)
    except Refused as refused:
        raise InvalidToken("The access token is not bound to a key.", detail=str(refused)) from None
    if "dpop" not in request.headers:
        raise InvalidToken("The access token is bound to a key: send a DPoP proof with it.")
    found = _read(request)
    try:
        proof.check_time(found, now)
    except Refused as refused:
        raise _refusal(refused) from None
    try:
        proof.check_token(found, base64url(hashlib.sha256(token.encode()).digest()))
    except Refused as refused:
        raise InvalidToken(f"The DPoP proof is not for this access token: {refused}.", detail=str(refused)) from None
    if found.jkt != jkt:
        raise InvalidToken("The access token is bound to another key.", detail="the proof is by another key")
    try:
        proof.verify(found)
    except Refused as refused:
        raise _refusal(refused) from None
    return OneTimeValue("proof", found.jkt, found.jti, int(found.iat) + _KEPT)


def _read(request: Request) -> Proof:
    """The proof, if it was made for this request."""
    try:
        found = proof.read(request.headers["dpop"], _KEYS)
        proof.check_request(found, request.method, (f"{request.issuer}{request.path}",))
    except Refused as refused:
        own = f"{request.issuer}{quoted(request.path)}"
        raise _refusal(refused, expected=f" This request needs htm {request.method} and htu {own}.") from None
    return found


def _current(found: Proof, nonces: Nonces, issuer: str, now: float) -> Mapping[str, str]:
    """The header that brings the current nonce, unless the proof has it (RFC 9449 §8.2)."""
    current = nonces.current(issuer, now)
    return {} if found.nonce == current else {"DPoP-Nonce": current}


def _check_nonce(found: Proof, headers: Mapping[str, str], *, is_required: bool, now: float) -> None:
    """Raises UseDpopNonce for a proof whose nonce is not good, or that needs one. Raises Refused if it has expired."""
    if is_required or found.nonce is not None:
        raise _challenge(headers)
    proof.check_validity(found, now)
    try:
        proof.check_time(found, now)
    except Refused:
        # The client's clock is wrong, or the proof is old. With the nonce, its clock does not matter.
        raise _challenge(headers) from None


def _challenge(headers: Mapping[str, str]) -> UseDpopNonce:
    why = "The DPoP proof needs the nonce of the header DPoP-Nonce. Make a new proof with it; the rest of the request"
    return UseDpopNonce(f"{why} stays good.", headers=headers)


def _refusal(refused: Refused, headers: Mapping[str, str] | None = None, expected: str = "") -> InvalidDpopProof:
    reason = str(refused).removeprefix("proof: ")
    return InvalidDpopProof(f"The DPoP proof is not good: {reason}.{expected}", detail=reason, headers=headers)
