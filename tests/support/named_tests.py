"""Tests that a table names as file::name, below tests/, or as file::* for all of a file: do they exist?"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def _functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_")


def is_there(test: str) -> bool:
    """Whether the test exists; of a whole file, whether it has tests."""
    file, _, name = test.partition("::")
    if not (ROOT / "tests" / file).is_file():
        return False
    return bool(_functions_of(file)) if name == "*" else name in _functions_of(file)


def link(test: str) -> str:
    """The test, as a document in docs/ links to it."""
    file, _, name = test.partition("::")
    return f"[{file if name == '*' else name}](../tests/{file})"
