"""The sentences of the pages, in each language: one flat JSON file, catalogues/<tag>.json.

To add a sentence, write it into every file under a key `<page>.<what>` (`sign_in.title`, `expired.text`), with `{name}`
for each value that is filled in, and without HTML; a test holds all files to the same keys and names. A template says
it by `say("sign_in.continue", app=name)`, and Python names it by `Sentence("sign_in.throttled", {"minutes": 5})`.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from os.path import dirname, join
from typing import Protocol

from valet.frozen import NO_ENTRIES, Frozen

# Each language by its tag (BCP 47), in its own words, in the order of the chooser. A file more needs a row more.
LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "it": "Italiano",
    "pt-BR": "Português (Brasil)",
    "nl": "Nederlands",
    "pl": "Polski",
    "ja": "日本語",
    "ko": "한국어",
    "zh-Hans": "简体中文",
    "ar": "العربية",
}
# Ranges that are no prefix of the tag that they mean.
_MEANT = {"pt": "pt-BR", "zh": "zh-Hans"}
_RIGHT_TO_LEFT = frozenset({"ar"})

_MOST_RANGES = 20  # of one header or parameter; later ones are ignored
_LONGEST_HEADER = 400  # characters
_CATALOGUES = join(dirname(__file__), "catalogues")


class Sentence(Frozen):
    """A sentence of the catalogues, chosen before its language is known."""

    key: str
    values: Mapping[str, object] = NO_ENTRIES


class Variants(Frozen):
    """A text that was registered in several languages (RFC 7591 §2.2): the one without a language, and by tag."""

    text: str
    by_language: Mapping[str, str] = NO_ENTRIES

    def in_language(self, tag: str) -> str:
        found = find_language((tag,), self.by_language) if self.by_language else None
        return self.text if found is None else self.by_language[found]


class Translated(Protocol):
    """A registration with members in other languages, such as `client_name#de=Laden`."""

    @property
    def translations(self) -> Collection[str]: ...


def variants(of: Translated, member: str) -> Variants:
    """The member in all of its languages."""
    prefix = f"{member}#"
    pairs = (each[len(prefix) :].partition("=") for each in of.translations if each.startswith(prefix))
    return Variants(getattr(of, member), {tag: value for tag, _, value in pairs})


@cache
def sentences(tag: str) -> Mapping[str, str]:
    """The sentences of one shipped language. Its file is read once in an execution environment."""
    with open(join(_CATALOGUES, f"{tag}.json"), encoding="utf-8") as file:
        found: Mapping[str, str] = json.load(file)
    return found


def direction(tag: str) -> str:
    """The value of the attribute `dir` of HTML."""
    return "rtl" if tag in _RIGHT_TO_LEFT else "ltr"


def offered(languages: Collection[str]) -> tuple[str, ...]:
    """The shipped languages among those that the policy offers, in the chooser's order; all of them for an empty one.

    A release before or after this one may ship other languages, so an unknown one is ignored.
    """
    return tuple(tag for tag in LANGUAGES if tag in languages) or tuple(LANGUAGES)


def ui_locales(value: str) -> tuple[str, ...]:
    """The language ranges of a `ui_locales` parameter, in order of preference (OpenID Connect Core §3.1.2.1)."""
    return tuple(value.split()[:_MOST_RANGES])


def accept_language(header: str) -> tuple[str, ...]:
    """The language ranges of an Accept-Language header, in order of preference (RFC 9110 §12.5.4).

    One with a weight of zero, or without a readable weight, is left out.
    """
    weighted = []
    for part in header[:_LONGEST_HEADER].split(",")[:_MOST_RANGES]:
        name, _, parameter = part.partition(";")
        weight = _weight(parameter)
        if weight > 0:
            weighted.append((weight, name.strip()))
    return tuple(name for _, name in sorted(weighted, key=lambda each: -each[0]))


def _weight(parameter: str) -> float:
    if not parameter.strip():
        return 1
    name, _, value = parameter.partition("=")
    try:
        return float(value) if name.strip().lower() == "q" else 0
    except ValueError:
        return 0


def find_language(ranges: Sequence[str], tags: Collection[str]) -> str | None:
    """The first of the tags that a range means, each range cut from its end until it does (RFC 4647 §3.4)."""
    known = {tag.lower(): tag for tag in tags}
    known |= {short: tag for short, tag in _MEANT.items() if tag in tags and short not in known}
    for each in ranges:
        for shorter in _shortened(each.lower()):
            if shorter in known:
                return known[shorter]
    return None


def _shortened(language_range: str) -> Iterator[str]:
    subtags = language_range.split("-")[:_MOST_RANGES]
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # a single letter introduces what was cut
            subtags.pop()
