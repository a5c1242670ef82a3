"""Each item of the FAPI 2.0 Security Profile has a test that exists, or the reason why only a deployment shows it."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.parts.fapi.sentences import ROOT, SENTENCES, Sentence, rows

# The lists of the sections that speak to authorization servers and resource servers, with their lengths.
LISTS = {"5.2.1": 5, "5.2.2": 1, "5.2.3": 3, "5.3.2.1": 14, "5.3.2.2": 14, "5.3.4": 5, "5.4.1": 4, "5.4.2": 3}


@cache
def _functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_")


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.item)
def test_a_sentence_has_its_tests_or_a_reason(sentence: Sentence) -> None:
    assert sentence.tests or sentence.elsewhere
    for test in sentence.tests:
        file, _, name = test.partition("::")
        assert _functions_of(file) if name == "*" else name in _functions_of(file), test


def test_no_item_of_a_list_is_left_out() -> None:
    for section, length in LISTS.items():
        items = [each.item.removeprefix(section) for each in SENTENCES if each.item.startswith(f"{section} (")]
        numbers = {int(number) for item in items for number in re.findall(r"\((\d+)", item)}
        assert numbers == set(range(1, length + 1)), section


def test_the_document_has_the_table() -> None:
    lines = (ROOT / "docs" / "fapi.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("| 5.")] == rows()
