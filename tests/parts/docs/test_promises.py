"""Each promise and each attack of docs/promises.md has tests that exist, and tests cite only promises of it."""

from __future__ import annotations

import re

import pytest

from tests.parts.docs.account_attacks import ACCOUNT_ATTACKS, account_attacks
from tests.parts.docs.agent_attacks import AGENT_ATTACKS, agent_attacks
from tests.parts.docs.attacks import ATTACKS, attacks
from tests.parts.docs.device_attacks import DEVICE_ATTACKS, device_attacks
from tests.parts.docs.promises import PROMISES, Row, promises
from tests.support.named_tests import ROOT, is_there

_CITED = re.compile(r"\((?:promises? )?([PSM]\d+)(?: (?:and|to) ([PSM]\d+))?\)")


@pytest.mark.parametrize(
    "row",
    [*PROMISES, *ATTACKS, *ACCOUNT_ATTACKS, *AGENT_ATTACKS, *DEVICE_ATTACKS],
    ids=lambda row: row.name or row.says,
)
def test_a_promise_or_a_refusal_has_its_tests(row: Row) -> None:
    assert row.tests
    assert [test for test in row.tests if not is_there(test)] == []


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert is_there("parts/docs/test_promises.py::test_a_test_that_does_not_exist_is_noticed")
    assert not is_there("parts/docs/test_promises.py::test_of_another_name")
    assert not is_there("parts/docs/promises.py::*")
    assert not is_there("parts/docs/no_such_file.py::*")


def test_every_promise_that_a_test_cites_is_in_the_table() -> None:
    cited = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        if "node_modules" not in path.parts
        for match in _CITED.findall(path.read_text(encoding="utf-8"))
        for name in match
        if name
    }
    assert {"P1", "P10", "S3", "S10"} <= cited <= {each.name for each in PROMISES}


def test_the_document_has_all_tables() -> None:
    lines = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("| ") and not line.startswith(("| ---", "| promise", "| attack"))]
    assert rows == [*promises(), *attacks(), *account_attacks(), *agent_attacks(), *device_attacks()]
