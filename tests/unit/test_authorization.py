"""The Authorization header's scheme and credentials (RFC 9110 §11.1, §11.4): one parser for Basic and Bearer."""

import ast
from pathlib import Path

import pytest
from valet.authorization import find_credentials

VALET = Path(__file__).parents[2] / "layers" / "valet" / "python" / "valet"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEARER"])
@pytest.mark.parametrize("spaces", [" ", "  ", "        "])
@pytest.mark.parametrize("around", ["", " ", "\t "])
def test_a_scheme_has_no_case_and_one_or_more_spaces_follow_it(scheme: str, spaces: str, around: str) -> None:
    assert find_credentials(f"{around}{scheme}{spaces}abc{around}", "bearer") == "abc"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        " ",
        "Basic abc",
        "Bearerabc",
        "Bearer\tabc",
        "Bearer\u00a0abc",
        "Bearer,abc",
        "Bearer=abc",
        "\u212aearer a",
        "B",
    ],
)
def test_another_scheme_has_no_credentials_of_this_one(authorization: str) -> None:
    assert find_credentials(authorization, "bearer") is None


def test_credentials_are_handed_on_as_they_are_and_may_be_missing() -> None:
    assert find_credentials("Bearer", "bearer") == ""
    assert find_credentials("Bearer ", "bearer") == ""
    assert find_credentials("Bearer a b", "bearer") == "a b"
    assert find_credentials("Bearer  \ta", "bearer") == "\ta"
    assert find_credentials("Bearer a,Bearer b", "bearer") == "a,Bearer b"


def test_no_other_module_reads_a_scheme() -> None:
    for path in VALET.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        written = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        texts = {node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in written}
        assert not texts & {"Bearer ", "bearer ", "Basic ", "basic "}, path
        if texts & {"bearer", "basic"}:
            assert "import find_credentials" in path.read_text(), path
