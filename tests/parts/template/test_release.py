"""`make release`: a tag once tree, changelog and version agree, and never anything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from valet import __version__

from admin.cli import valet

ROOT = Path(__file__).resolve().parents[3]


def git(tree: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(tree), "-c", "user.name=Test", "-c", "user.email=test@example.com", *arguments],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed tree with what a release looks at."""
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "Test")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "test@example.com")
    for path in ("deployment/release.py", "deployment/finish.py", "layers/valet/python/valet/__init__.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## {__version__} (2026-11-28)\n\nThe first.\n")
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "All")
    return tmp_path


def release(tree: Path, version: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "deployment.release", version], cwd=tree, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_release_is_a_tag_and_is_made_once(tree: Path) -> None:
    status, told = release(tree, __version__)
    assert (status, git(tree, "tag")) == (0, f"v{__version__}")
    assert "Nothing is published" in told
    assert git(tree, "cat-file", "-t", f"v{__version__}") == "tag"
    status, told = release(tree, __version__)
    assert status == 1
    assert "already" in told


@pytest.mark.parametrize("version", ["", "1", "v0.1.0", "0.1.0-rc1", "01.0.0", "0.1.0; id"])
def test_what_is_no_version_is_refused(tree: Path, version: str) -> None:
    status, told = release(tree, version)
    assert (status, git(tree, "tag")) == (1, "")
    assert "not a version" in told


def test_what_does_not_agree_is_told_and_nothing_is_tagged(tree: Path) -> None:
    assert "__version__" in release(tree, "9.9.9")[1]
    (tree / "new.txt").write_text("new")
    assert "not committed" in release(tree, __version__)[1]
    (tree / "new.txt").unlink()
    for heading in ("Unreleased", "9.9.9 (2026-11-28)", __version__):
        (tree / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n")
        assert "CHANGELOG.md begins with" in release(tree, __version__)[1]
    assert git(tree, "tag") == ""


def test_the_command_line_says_the_version() -> None:
    assert CliRunner().invoke(valet, ["--version"]).output == f"Valet {__version__}\n"


def test_the_changelog_begins_with_the_version_of_the_package_or_with_what_follows_it() -> None:
    headings = [line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")]
    assert any(line.startswith(f"## {__version__} (") for line in headings[:2])
