"""docs/apis/: the index knows every page, every page says how it is tested, and no link is dead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

APIS = Path(__file__).resolve().parents[3] / "docs" / "apis"
PAGES = sorted(path for path in APIS.glob("*.md") if path.name != "README.md")


def test_the_index_names_every_page() -> None:
    named = set(re.findall(r"\]\((\w+\.md)\)", (APIS / "README.md").read_text(encoding="utf-8")))
    assert named == {path.name for path in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_page_says_how_it_is_tested(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "\n## How this page is tested\n" in text or "\nA test runs " in text


@pytest.mark.parametrize("page", [*PAGES, APIS / "README.md"], ids=lambda page: page.stem)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#h][^)]*)\)", page.read_text(encoding="utf-8")):
        path, _, heading = link.partition("#")
        text = (page.parent / path).resolve().read_text(encoding="utf-8")
        found = {
            re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in re.findall(r"^#+ (.*)$", text, re.M)
        }
        assert not heading or heading in found, link
