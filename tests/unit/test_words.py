"""The catalogues of the pages' sentences, and how a reader's language is found among them (RFC 4647 §3.4)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from valet.pages import words
from valet.pages.words import LANGUAGES, accept_language, find_language, offered, sentences, ui_locales

CATALOGUES = Path(words.__file__).parent / "catalogues"
NAMES = re.compile(r"\{(\w+)\}")


def test_each_language_has_a_catalogue_and_each_catalogue_a_language() -> None:
    assert {path.stem for path in CATALOGUES.iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_language_has_the_same_sentences_with_the_same_names(tag: str) -> None:
    english, found = sentences("en"), sentences(tag)
    assert list(found) == list(english)
    for key, sentence in found.items():
        assert sorted(NAMES.findall(sentence)) == sorted(NAMES.findall(english[key])), key
        assert sentence == sentence.strip() != "", key
        assert not set(NAMES.sub("", sentence)) & set("<>&{}"), f"{key} has HTML, or a brace too many"


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_catalogue_names_no_sentence_twice(tag: str) -> None:
    pairs: list[tuple[str, str]] = json.loads(
        (CATALOGUES / f"{tag}.json").read_text(encoding="utf-8"), object_pairs_hook=list
    )
    assert len(pairs) == len(dict(pairs))


@pytest.mark.parametrize(
    ("ranges", "tags", "found"),
    [
        (("de",), ("en", "de"), "de"),
        (("de-CH",), ("en", "de"), "de"),
        (("de-CH-1996",), ("de", "de-CH"), "de-CH"),
        (("DE-at",), ("en", "de"), "de"),
        (("xx", "de"), ("en", "de"), "de"),
        (("fr", "xx"), ("en", "de"), None),
        (("*",), ("en", "de"), None),
        ((), ("en",), None),
        (("d",), ("de",), None),
        # Shorter than the tag, as browsers in Brazil and China send them.
        (("pt-PT",), ("en", "pt-BR"), "pt-BR"),
        (("zh-CN",), ("en", "zh-Hans"), "zh-Hans"),
        (("zh-Hans-CN",), ("en", "zh-Hans"), "zh-Hans"),
        (("pt",), ("en",), None),
        # RFC 4647 §3.4: a single letter goes with the subtag that it introduces.
        (("zh-Hant-CN-x-private1",), ("zh-Hant-CN-x", "zh-Hant"), "zh-Hant"),
    ],
)
def test_a_range_is_cut_from_its_end_until_it_means_a_language(
    ranges: tuple[str, ...], tags: tuple[str, ...], found: str | None
) -> None:
    assert find_language(ranges, tags) == found


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("", ()),
        ("de", ("de",)),
        ("en;q=0.5, de, fr;q=0.7", ("de", "fr", "en")),
        ("de;q=0, en", ("en",)),
        ("de;q=nonsense, en;q=nan, fr;level=1, it", ("it",)),
        (", ".join(["de"] * 19 + ["en", "fr"]), ("de",) * 19 + ("en",)),
    ],
)
def test_accept_language_is_read_by_its_weights_and_a_broken_one_is_harmless(
    header: str, ranges: tuple[str, ...]
) -> None:
    assert tuple(each for each in accept_language(header) if each) == ranges


def test_ui_locales_are_read_in_their_order_and_a_long_list_is_cut() -> None:
    assert ui_locales(" fr-CA  de ") == ("fr-CA", "de")
    assert len(ui_locales("a " * 1000)) == 20


def test_a_policy_that_offers_no_language_that_is_shipped_offers_all() -> None:
    assert offered(frozenset({"de"})) == ("de",)
    assert offered(frozenset()) == offered(frozenset({"tlh"})) == tuple(LANGUAGES)
