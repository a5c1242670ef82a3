"""Second factors: how a code is used, and what an end-user changes of their own."""

from typing import Protocol

from valet.models.accounts import Account
from valet.models.factors import Device, RecoveryCodes, Totp

MOST_FAILURES = 100  # in a row; then only a recovery code or an operator helps (NIST SP 800-63B-4 §3.2.2)


class Factors(Protocol):
    """What the function second uses. Every write is recognised by the mark of its attempt, if its answer is lost."""

    def try_totp(self, sub: str, totp_id: str) -> Totp | None:
        """Count an attempt, before anything is opened or compared. None: there is no such factor, or it had
        MOST_FAILURES.
        """

    def accept_totp(self, sub: str, totp_id: str, step: int, attempt: bytes) -> bool:
        """Accept the code of that step, once. False: this code, or a later one, was accepted before."""

    def find_recovery_codes(self, sub: str, recovery_id: str) -> RecoveryCodes | None: ...
    def spend_recovery_code(self, sub: str, recovery_id: str, number: int, attempt: bytes) -> bool:
        """Spend the code, once. False: it was used before, or the codes are gone."""


class OwnFactors(Protocol):
    """What an end-user changes of the second factors of their own account. `account` is the account as it was read:
    each write on it is refused if its epoch is another by now, or if it names another factor of that kind.
    """

    def find_recovery_codes(self, sub: str, recovery_id: str) -> RecoveryCodes | None: ...
    def put_totp(self, sub: str, totp_id: str, totp: Totp) -> None:
        """Keep a second factor that no account names yet."""

    def put_recovery_codes(self, sub: str, recovery_id: str, codes: RecoveryCodes) -> None:
        """Keep recovery codes that no account names yet."""

    def name_totp(self, account: Account, totp_id: str) -> bool:
        """Let the account name the factor instead of the one before: from now on it is in force."""

    def name_recovery_codes(self, account: Account, recovery_id: str) -> bool:
        """Let the account name the codes instead of those before: from now on they are in force."""

    def drop_totp(self, account: Account) -> bool:
        """Take the second factor out of force."""

    def delete_factor(self, sub: str, factor_id: str) -> None:
        """Delete what is left of a factor or codes that the account does not name."""


class Devices(Protocol):
    def put_device(self, place: bytes, device: Device) -> None:
        """Remember a browser for an account, by the digest of the browser's secret."""

    def find_device(self, place: bytes, sub: str) -> Device | None:
        """It may have expired. Strongly consistent."""


class HasFactors(Protocol):
    @property
    def factors(self) -> Factors: ...


class HasOwnFactors(Protocol):
    @property
    def own_factors(self) -> OwnFactors: ...


class HasDevices(Protocol):
    @property
    def devices(self) -> Devices: ...
