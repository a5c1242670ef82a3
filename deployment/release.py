"""Tag a release if tree, changelog and version agree: `make release VERSION=0.1.0`. Publishes nothing."""

import re
import subprocess
import sys
from pathlib import Path

from deployment.finish import BuildError, version

ROOT = Path(__file__).parents[1]
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class NotReleased(Exception):
    """Nothing was released; the message says why and what to do."""


def check(root: Path, wanted: str) -> None:
    """Raise NotReleased for the first problem. Changes nothing."""
    if not _VERSION.fullmatch(wanted):
        raise NotReleased(f"{wanted!r} is not a version: write three numbers, as in VERSION=1.2.3.")
    said = version(root / "layers" / "valet" / "python" / "valet")
    if said != wanted:
        raise NotReleased(f"The package says {said}: change __version__ in valet/__init__.py to {wanted} first.")
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    if not headings or not re.fullmatch(rf"{re.escape(wanted)} \(\d{{4}}-\d\d-\d\d\)", headings[0]):
        raise NotReleased(
            f'CHANGELOG.md begins with "{headings[0] if headings else ""}": write "{wanted} (YYYY-MM-DD)".'
        )
    if _git(root, "status", "--porcelain"):
        raise NotReleased("The working tree has changes that are not committed: commit or remove them first.")
    if _git(root, "tag", "--list", f"v{wanted}"):
        raise NotReleased(f"The tag v{wanted} exists already: a version is released once. Choose the next version.")


def release(root: Path, wanted: str) -> str:
    """Check, tag, and return a sentence that says what was done."""
    check(root, wanted)
    _git(root, "tag", "--annotate", f"v{wanted}", "--message", f"Valet {wanted}")
    return f"Tagged v{wanted}. Nothing is published: `git push origin v{wanted}` does that."


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotReleased(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    try:
        print(release(ROOT, sys.argv[1] if len(sys.argv) > 1 else ""))
    except (NotReleased, BuildError) as error:
        sys.exit(f"Not released. {error}")
