"""Proof Key for Code Exchange, S256 only (RFC 7636)."""

import hashlib
import hmac
import re

from valet.errors import InvalidRequest
from valet.handles import base64url
from valet.http import Parameters
from valet.protocol.supported import CODE_CHALLENGE_METHODS

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256, §4.2
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # §4.1


def parse_challenge(parameters: Parameters, *, is_optional: bool = False) -> str:
    """The request's code_challenge; empty if there is none and the client is registered with PKCE as optional.

    Raises InvalidRequest (§4.4.1) if it is missing, and for any method but S256.
    """
    challenge = parameters.get("code_challenge")
    if challenge is None:
        if not is_optional:
            raise InvalidRequest("The parameter code_challenge is missing: PKCE is required of this client.")
        if "code_challenge_method" in parameters:
            raise InvalidRequest("The parameter code_challenge_method is there, but code_challenge is missing.")
        return ""
    # An absent method means plain (§4.3), which reveals the verifier to an attacker who sees the request.
    if parameters.get("code_challenge_method") not in CODE_CHALLENGE_METHODS:
        raise InvalidRequest("The code_challenge_method must be " + ", ".join(CODE_CHALLENGE_METHODS) + ".")
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("The code_challenge must be the base64url-encoded SHA-256 of the code_verifier.")
    return challenge


def check_verifier(code_verifier: str) -> None:
    """Raises InvalidRequest for a code_verifier that no challenge can be made of: it is malformed, whatever the code is
    worth. Call this before the code is looked up, so that the client can correct it and send the code again.
    """
    if is_verifier(code_verifier):
        return
    if 43 <= len(code_verifier) <= 128:
        raise InvalidRequest("The code_verifier may have only A-Z a-z 0-9 - . _ ~ (RFC 7636 section 4.1).")
    length = len(code_verifier)
    raise InvalidRequest(f"The code_verifier has {length} characters, but needs 43 to 128 (RFC 7636 section 4.1).")


def is_verifier(value: str) -> bool:
    return _VERIFIER.fullmatch(value) is not None


def is_verified(code_challenge: str, code_verifier: str) -> bool:
    """Whether the verifier belongs to the challenge (§4.6)."""
    computed = base64url(hashlib.sha256(code_verifier.encode()).digest())
    return is_verifier(code_verifier) and hmac.compare_digest(computed, code_challenge)
