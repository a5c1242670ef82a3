"""Codes and secrets in mails: eight digits for the browser that asked, and a link's secret for any browser.

A code is kept under a key that follows from the asking browser's cookie, so that only this browser can try it, and so
that a copy of the tables is worth nothing. A right code is exchanged for a secret as a link has it: from there on there
is one way for both.
"""

import hashlib
import hmac
import unicodedata
from enum import Enum
from typing import Protocol

from valet.handles import digest, is_handle, new_handle
from valet.models.mails import Mail
from valet.ports.mails import HasMails
from valet.ports.runtime import HasRandom, Random

_DIGITS = 8
_LONGEST_TYPED = 64


class Ports(HasMails, HasRandom, Protocol):
    """The ports that a mail is used through."""


class Refused(Enum):
    """Why a code or a link is not accepted."""

    WRONG = "the code is wrong"
    ENDED = "there is no such code, it is too old, or it was tried too often"


def code_key(secret: str, about: str) -> bytes:
    """The key of a code: `secret` is the value of the browser's or the session's cookie, `about` what the code is for,
    such as the saved request's handle.
    """
    return hmac.digest(secret.encode(), b"valet mail code" + about.encode(), "sha256")


def place_of_code(key: bytes) -> bytes:
    """Where the code of that key is kept."""
    return hashlib.sha256(key).digest()


def new_code(random: Random) -> str:
    return f"{int.from_bytes(random(16)) % 10**_DIGITS:0{_DIGITS}}"


def hmac_of_code(key: bytes, code: str) -> bytes:
    return hmac.digest(key, code.encode(), "sha256")


def mail_of_code(ports: HasMails, key: bytes, purposes: frozenset[str], typed: str, now: float) -> Mail | Refused:
    """The mail whose code was typed. Each try is counted before it is compared."""
    found = ports.mails.try_code(place_of_code(key), now)
    if found is None:
        return Refused.ENDED
    if not hmac.compare_digest(found.code_hmac, hmac_of_code(key, _plain(typed))):
        return Refused.WRONG
    mail = ports.mails.find_mail(bytes.fromhex(found.mail))
    if mail is None or mail.expires_at <= now or mail.purpose not in purposes:
        return Refused.ENDED
    return mail


def exchange_code(ports: Ports, key: bytes, purposes: frozenset[str], typed: str, now: float) -> str | Refused:
    """The secret of a mail for its code. The mail is copied under a secret that is new, because only the digest of the
    link's own is kept.
    """
    mail = mail_of_code(ports, key, purposes, typed, now)
    if isinstance(mail, Refused):
        return mail
    secret = new_handle(ports.random)
    ports.mails.put_mail(digest(secret), mail)
    return secret


def find_mail(ports: HasMails, secret: str, purposes: frozenset[str], now: float) -> Mail | None:
    """The mail with this secret in its link, if it is for one of these purposes and has not expired. Spends nothing."""
    mail = ports.mails.find_mail(digest(secret)) if is_handle(secret) else None
    return mail if mail is not None and mail.purpose in purposes and mail.expires_at > now else None


def _plain(typed: str) -> str:
    """The digits of what was typed or pasted, also with spaces between them, and in the digits of any script."""
    return "".join(
        str(unicodedata.digit(letter))
        for letter in typed[:_LONGEST_TYPED]
        if unicodedata.digit(letter, None) is not None
    )
