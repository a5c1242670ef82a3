"""Every module and every handler can be read in one go: their sizes have bounds."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HANDLERS = sorted(ROOT.glob("functions/*/app.py"))
MODULES = sorted(
    path
    for part in ("layers/valet/python/valet", "admin", "local", "configuration")
    for path in ROOT.glob(f"{part}/**/*.py")
)


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.parent.name)
def test_a_handler_shows_its_phases_in_80_lines(path: Path) -> None:
    assert lines(path) <= 80


def test_no_module_is_longer_than_300_lines() -> None:
    assert len(MODULES) > 100
    assert [str(path.relative_to(ROOT)) for path in MODULES if lines(path) > 300] == []
