"""A sign-in by a passkey: from the form to the account whose passkey it is (WebAuthn Level 3 §7.2)."""

import hmac
from collections.abc import Mapping
from typing import Protocol

from valet.front_channel.saved_requests import Saved
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.passkeys import Use
from valet.people.passkeys import (
    SIGN_IN,
    Ceremony,
    PasskeyRefused,
    challenge,
    digest_of,
    parse_assertion,
    parse_issued_ms,
    verify_assertion,
)
from valet.ports.accounts import HasAccounts
from valet.ports.passkeys import HasPasskeys
from valet.ports.runtime import HasRandom, HasSettings


class Ports(HasSettings, HasRandom, HasAccounts, HasPasskeys, Protocol):
    """The ports that an assertion is checked and used through."""


class SignedIn(Frozen):
    """Whose passkey it is, as the account was read before the assertion was used; and the passkey's digest."""

    account: Account
    digest: str


def use_assertion(ports: Ports, form: Mapping[str, str], saved: Saved, issuer: str, now: float) -> SignedIn:
    """Verify the assertion in the form of a sign-in page, and use it. Raises PasskeyRefused, and nothing is spent."""
    issued_ms = parse_issued_ms(form.get("issued_ms", ""), saved.created_at_ms, now)
    assertion = parse_assertion(form)
    digest = digest_of(assertion.credential_id)
    passkey = ports.passkeys.find_passkey(digest)
    account = ports.accounts.find_account(passkey.sub) if passkey else None
    # The account says which passkeys are in force: one that was removed, or was never finished, is worth nothing.
    if passkey is None or account is None or digest not in account.passkeys:
        raise PasskeyRefused("no account has this passkey")
    if not hmac.compare_digest(account.user_handle, assertion.user_handle):
        raise PasskeyRefused("the user handle is another account's", sub=account.sub)
    if account.is_disabled:
        raise PasskeyRefused("the account is disabled", sub=account.sub)
    ceremony = Ceremony(ports.settings.rp_id, issuer, challenge(saved.browser, SIGN_IN, saved.handle, issued_ms))
    signed = verify_assertion(assertion, passkey.public_key, ceremony)
    if signed.backup_eligible != passkey.backup_eligible:
        raise PasskeyRefused("the backup eligibility has changed", sub=account.sub)
    use = ports.passkeys.use_passkey(
        digest,
        challenge_ms=issued_ms,
        sign_count=signed.sign_count,
        backed_up=signed.backed_up,
        attempt=ports.random(16),
        now=now,
    )
    if use is not Use.USED:
        raise PasskeyRefused(use.value, sub=account.sub)
    return SignedIn(account, digest)
