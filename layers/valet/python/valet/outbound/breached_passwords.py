"""Pwned Passwords: whether a password is in a list of stolen ones (NIST SP 800-63B-4 §3.1.1.2, "compromised").

It is asked for the stolen passwords whose SHA-1 begins with the same five hex digits, of which there are many hundreds.
So it learns neither the password nor its hash, and padding keeps the length of the answer from telling the digits to
who sees the encrypted connection.
"""

import hashlib

from valet.fetch import FetchFailed
from valet.frozen import Frozen
from valet.outbound import guarded
from valet.ports.runtime import Audit

_RANGE = "https://api.pwnedpasswords.com/range/"
_PREFIX = 5  # hex digits
_TIMEOUT = 1.0  # seconds; a person waits
_LARGEST = 512 * 1024  # bytes; a padded answer has some 40 KB


class PwnedPasswords(Frozen):
    """The port Breaches. If there is no answer, that is logged, and the password counts as not stolen: a person must
    not be kept from setting one by another service that is down.
    """

    audit: Audit
    network: guarded.Network = guarded.INTERNET

    def has(self, password: str) -> bool:
        # Pwned Passwords keeps SHA-1. Nothing here rests on its strength.
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        url, headers = _RANGE + digest[:_PREFIX], {"Add-Padding": "true"}
        try:
            answer = guarded.ask(
                url, form=None, headers=headers, limit=_LARGEST, timeout=_TIMEOUT, network=self.network
            )
            if answer.status != 200:
                raise FetchFailed(f"status {answer.status}")
        except FetchFailed as failed:
            self.audit.record("password.unchecked", detail=str(failed))
            return False
        return _counted(answer.body, digest[_PREFIX:].encode())


def _counted(answer: bytes, wanted: bytes) -> bool:
    """Whether the answer counts the rest of a hash. Lines that are padding have a count of zero."""
    return any(
        suffix.strip().upper() == wanted and count.strip() not in (b"", b"0")
        for suffix, _, count in (line.partition(b":") for line in answer.splitlines())
    )
