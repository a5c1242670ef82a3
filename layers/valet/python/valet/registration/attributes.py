"""What the claims about a user must be (OpenID Connect Core §5.1), and when an operator last changed one."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from valet.frozen import replace
from valet.models.accounts import Account, Address

LONGEST = 256
# All claims together. An item of DynamoDB is paid by the kilobyte at a write, and by four at a read.
MAXIMUM_BYTES = 2048
URLS = ("profile", "picture", "website")
TEXTS = ("name", "given_name", "family_name", "middle_name", "nickname", "gender", *URLS)
FORMS = ("birthdate", "zoneinfo", "locale", "phone_number")
FLAGS = ("email_verified", "phone_number_verified")
CLAIMS = (*TEXTS, *FORMS, "email", *FLAGS, "address")

_PHONE = re.compile(r"\+[1-9][0-9]{1,14}(;ext=[0-9]{1,15})?")  # E.164, and RFC 3966 for an extension
_LOCALE = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,6}")  # BCP 47, or with the underscore of older systems
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_BIRTHDATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})-([0-9]{2}))?")


def wrong_with_claims(account: Account) -> Iterator[str]:
    """What is wrong with the claims of an account."""
    for claim in (*TEXTS, "email"):
        value = getattr(account, claim)
        if not value.isprintable() or value != value.strip() or len(value) > LONGEST:
            yield f"{claim}: must be printable, without blanks around it, at most {LONGEST} characters"
    for claim, (is_right, reason) in _FORMS.items():
        if (value := getattr(account, claim)) and not is_right(value):
            yield f"{claim} {value!r}: {reason}"
    for flag in FLAGS:
        claim = flag.removesuffix("_verified")
        if getattr(account, flag) and not getattr(account, claim):
            yield f"{flag}: the user has no {claim}"
    yield from _wrong_with_address(account.address)
    texts = [getattr(account, claim) for claim in (*TEXTS, *FORMS, "email")]
    size = sum(len(value.encode()) for value in (*texts, *members_of(account.address).values()))
    if size > MAXIMUM_BYTES:
        yield f"all claims together have {size} bytes, and may have {MAXIMUM_BYTES}: shorten some"


def is_claim(claim: str, value: str) -> bool:
    """Whether the value may be that of the claim, by itself: all of an account together may still be too long."""
    if not value.isprintable() or value != value.strip() or len(value) > LONGEST:
        return False
    return claim not in _FORMS or bool(_FORMS[claim][0](value))


def dated(before: Account | None, after: Account, now: float) -> Account:
    """The account with the time of the change, if one of the claims changed."""
    if before is not None and all(getattr(before, claim) == getattr(after, claim) for claim in CLAIMS):
        return after
    return replace(after, updated_at=int(now))


def parse_address(value: str | Mapping[str, Any]) -> Address:
    """An address from a JSON object, or from a text, which becomes its member `formatted`. Raises ValueError."""
    if isinstance(value, str):
        text = value.strip()
        if not text.startswith("{"):
            return Address(formatted=text)
        try:
            value = json.loads(text)
        except ValueError:
            raise ValueError("address: not a JSON object") from None
    names = list(Address.FIELDS)
    if not isinstance(value, Mapping) or not set(value) <= set(names):
        raise ValueError(f"address: must be a text, or a JSON object with {', '.join(names)}")
    if not all(isinstance(each, str) for each in value.values()):
        raise ValueError("address: each member must be a text")
    return Address(**value)


def members_of(address: Address) -> dict[str, str]:
    """The members that have a value."""
    return {name: value for name, value in vars(address).items() if value}


def _wrong_with_address(address: Address) -> Iterator[str]:
    for name, value in members_of(address).items():
        # The two that are written on an envelope may have several lines (§5.1.1).
        lines = value.split("\n") if name in ("formatted", "street_address") else [value]
        if not all(line.isprintable() for line in lines) or len(value) > LONGEST:
            yield f"address, {name}: must be printable, at most {LONGEST} characters"


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    has_host = bool(parts.hostname) and "@" not in parts.netloc
    return parts.scheme in ("https", "http") and has_host and not re.search(r"[\s\\\"<>]", value)


def _is_birthdate(value: str) -> bool:
    found = _BIRTHDATE.fullmatch(value)
    if found is None or value == "0000":
        return False
    year, month, day = (int(part or 1) for part in found.groups())
    try:
        date(year or 2000, month, day)  # a birthday without its year may be the 29th of February
    except ValueError:
        return False
    return True


def _is_zone(value: str) -> bool:
    known = _zones()
    return bool(_ZONE.fullmatch(value)) and (not known or value in known)


@cache
def _zones() -> frozenset[str]:
    """The time zones that this machine knows; none if it has no such database."""
    return frozenset(available_timezones())


def _is_email(value: str) -> bool:
    return value.count("@") == 1 and " " not in value and value[0] != "@"


_URL = (_is_url, "not a web address such as https://www.example.com/ann")
_FORMS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "email": (_is_email, "not an email address"),
    "birthdate": (_is_birthdate, "must be YYYY-MM-DD, YYYY, or 0000-MM-DD without the year"),
    "zoneinfo": (_is_zone, "not a time zone such as Europe/Paris"),
    "locale": (_LOCALE.fullmatch, "not a language tag such as en-US"),
    "phone_number": (_PHONE.fullmatch, "must be in E.164 form, such as +14255550100"),
    **dict.fromkeys(URLS, _URL),
}
