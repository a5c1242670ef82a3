"""Members in other languages, as `client_name#de=Laden` (RFC 7591 §2.2)."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping

Check = Callable[[str], str | None]  # why the value cannot be registered; None if it can

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MOST = 100


def wrong_with_translations(
    translations: Collection[str], checks: Mapping[str, Check]
) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with the translations, among the members that may have some: (member, reason, value)."""
    if len(translations) > _MOST:
        yield "translations", f"at most {_MOST}", None
    seen: set[str] = set()
    for each in sorted(translations):
        key, _, value = each.partition("=")
        member, _, tag = key.partition("#")
        if member not in checks:
            yield "translations", f"translate one of {', '.join(checks)}", each
        elif not _TAG.fullmatch(tag):
            yield "translations", f"write {member}#de=…, with a language tag (BCP 47)", each
        elif key.lower() in seen:
            yield "translations", "the same language twice", each
        elif reason := checks[member](value) if value else "empty":
            yield "translations", reason, each
        seen.add(key.lower())
