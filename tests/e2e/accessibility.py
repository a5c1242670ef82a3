"""Whether pages keep WCAG 2.2 AA, as axe-core finds it, and fit each width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.support.missing import is_missing

WIDTHS = (1280, 375, 320)
# Both themes, and both directions of writing.
looks = pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "ar")])
Theme = Literal["light", "dark"]
_DIRECTIONS = {"en": "ltr", "ar": "rtl"}
_AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => (await axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: {'target-size': {enabled: true}},
    resultTypes: ['violations'],
})).violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.html).join(' ')}`)"""


def names_of_sound_pages(
    browser: Browser, issuer: str, theme: Theme, language: str, walk: Callable[[Page], Iterator[str]]
) -> list[str]:
    """The names of the pages that `walk` shows, if nothing is wrong with any, and each is in that language."""
    context = browser.new_context(color_scheme=theme)
    context.add_cookies([{"name": "valet-lang", "value": language, "url": issuer}])
    page, wrong, names = context.new_page(), [], []
    for name in walk(page):
        names.append(name)
        written = page.locator("html")
        if (written.get_attribute("lang"), written.get_attribute("dir")) != (language, _DIRECTIONS[language]):
            wrong.append(f"{name} is in another language")
        wrong += [f"{name}: {each}" for each in faults_of(page)]
    context.close()
    assert wrong == []
    return names


def faults_of(page: Page) -> list[str]:
    """What is wrong with the page as it is shown, its languages unfolded. Leaves it at the narrowest width."""
    if not _AXE.exists():
        is_missing("axe-core is not there: npm ci in tests/e2e")
    if page.locator("footer summary").count():
        page.locator("footer summary").click()
    too_wide = [f"scrolls sideways at {width} px" for width in WIDTHS if not fits(page, width)]
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    return [*too_wide, *page.evaluate(_RUN)]


def fits(page: Page, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
