"""Whether pages keep WCAG 2.2 AA, as axe-core and a keyboard find it, and fit each width."""

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

# What a person can act on, except what a closed `details` hides.
_ACTIVE = """() => [...document.querySelectorAll('a[href], button:enabled, input:not([type=hidden]), summary')]
    .filter(each => each.checkVisibility()).map(each => each.outerHTML)"""
# What has the focus, and whether it is seen to have it.
_FOCUSED = """() => { const it = document.activeElement, box = it.getBoundingClientRect();
    const on_top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return it === document.body ? ['', true] : [it.outerHTML,
        getComputedStyle(it).outlineStyle === 'solid' && (it.contains(on_top) || on_top.contains(it))]; }"""


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
    """What is wrong with the page as it is shown. Leaves it at the narrowest width."""
    if not _AXE.exists():
        is_missing("axe-core is not there: npm ci in tests/e2e")
    found = _faults_of_the_keyboard(page)
    if page.locator("footer summary").count():
        page.locator("footer summary").click()  # the languages as well
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    too_wide = [f"scrolls sideways at {width} px" for width in WIDTHS if not fits(page, width)]
    return [*found, *too_wide, *page.evaluate(_RUN)]


def _faults_of_the_keyboard(page: Page) -> list[str]:
    """Tab reaches everything in the order of the page, and the focus is seen (WCAG 2.2 §2.1.1, §2.4.3, §2.4.7)."""
    active: list[str] = page.evaluate(_ACTIVE)
    reached, unseen = [], []
    for _ in range(len(active) + 1):  # once around, and out of the page's end into its beginning
        page.keyboard.press("Tab")
        focused, is_seen = page.evaluate(_FOCUSED)
        reached += [focused] if focused else []
        unseen += [] if is_seen else [f"the focus is not seen on {focused}"]
    first = active.index(reached[0]) if reached and reached[0] in active else 0
    around = [*active[first:], *active[:first]]
    return unseen if reached[: len(active)] == around else [*unseen, f"the keyboard goes by {reached}"]


def fits(page: Page, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
