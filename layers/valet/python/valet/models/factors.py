"""Second factors: the seed of an authenticator app, and recovery codes. Each is worth nothing until its account names
it by its id.
"""

from valet.frozen import Frozen


class Totp(Frozen):
    """The seed of an authenticator app, and how far it was used (RFC 6238)."""

    sealed_seed: bytes  # only the function second can open it
    last_step: int  # of the code that was accepted last: no code of it, or of an earlier one, is accepted again
    failures: int = 0  # attempts since a code was accepted, counted before they are looked at
    added_at: int = 0

    def __repr__(self) -> str:
        return f"Totp(last_step={self.last_step}, failures={self.failures})"


class RecoveryCodes(Frozen):
    """What is kept of a set of recovery codes."""

    salt: bytes
    hashes: tuple[bytes, ...]  # the code with the number 1 first
    spent: frozenset[int] = frozenset()  # the numbers of those that were used
    made_at: int = 0

    def __repr__(self) -> str:
        return f"RecoveryCodes(spent={sorted(self.spent)})"


class Device(Frozen):
    """A browser that is not asked for the second factor of one account for some days."""

    sub: str
    epoch: int  # the account's
    totp_id: str  # the second factor that it gave
    second_at: int  # when it did
    expires_at: int
