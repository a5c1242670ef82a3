"""Pwned Passwords: whether a password is in a list of stolen ones (NIST SP 800-63B-4 §3.1.1.2, "compromised").

It is asked for the stolen passwords whose SHA-1 begins with the same five hex digits, of which there are many hundreds.
So it learns neither the password nor its hash, and padding keeps the length of the answer from telling the digits to
who sees the encrypted connection.
"""

import hashlib

from valet.fetch import FetchFailed
from valet.outbound import guarded
from valet.outbound.guarded import INTERNET, Network
from valet.ports.runtime import Audit

_RANGE = "https://api.pwnedpasswords.com/range/"
_PREFIX = 5  # hex digits
_TIMEOUT = 1.0  # seconds; a person waits
_LARGEST = 512 * 1024  # bytes; a padded answer has some 40 KB


def is_breached(password: str, audit: Audit, network: Network = INTERNET) -> bool:
    """Whether the password is in the list. False if there is no answer, which is logged: a person must not be kept from
    setting a password by another service that is down.
    """
    # Pwned Passwords keeps SHA-1. Nothing here rests on its strength.
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    url, headers = _RANGE + digest[:_PREFIX], {"Add-Padding": "true"}
    try:
        found = guarded.get(url, limit=_LARGEST, timeout=_TIMEOUT, network=network, headers=headers)
    except FetchFailed as failed:
        audit.record("password.unchecked", detail=str(failed))
        return False
    wanted = digest[_PREFIX:].encode()
    # Lines that are padding have a count of zero.
    return any(
        suffix.strip().upper() == wanted and count.strip() not in (b"", b"0")
        for suffix, _, count in (line.partition(b":") for line in found.splitlines())
    )
