"""Each item of the FAPI 2.0 Security Profile has a test that exists, or the reason why only a deployment shows it."""

from __future__ import annotations

import re

import pytest

from tests.parts.fapi.sentences import SENTENCES, Sentence, rows
from tests.support.named_tests import ROOT, is_there

# The lists of the sections that speak to authorization servers and resource servers, with their lengths.
LISTS = {"5.2.1": 5, "5.2.2": 1, "5.2.3": 3, "5.3.2.1": 14, "5.3.2.2": 14, "5.3.4": 5, "5.4.1": 4, "5.4.2": 3}


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.item)
def test_a_sentence_has_its_tests_or_a_reason(sentence: Sentence) -> None:
    assert sentence.tests or sentence.elsewhere
    assert [test for test in sentence.tests if not is_there(test)] == []


def test_no_item_of_a_list_is_left_out() -> None:
    for section, length in LISTS.items():
        items = [each.item.removeprefix(section) for each in SENTENCES if each.item.startswith(f"{section} (")]
        numbers = {int(number) for item in items for number in re.findall(r"\((\d+)", item)}
        assert numbers == set(range(1, length + 1)), section


def test_the_document_has_the_table() -> None:
    lines = (ROOT / "docs" / "fapi.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("| 5.")] == rows()
