"""MCP Inspector in Chromium: a page of another origin registers itself, signs a person in, and calls the tools."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from local.stack import LocalStack
from tests.e2e.people import decide, sign_in
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")
DIST = Path(__file__).parent / "node_modules" / "@modelcontextprotocol" / "inspector-client" / "dist"


class _Inspector(SimpleHTTPRequestHandler):
    """Its built page, at every address that is no file, as its own server has it."""

    def send_head(self) -> Any:
        if not Path(self.translate_path(self.path)).is_file():
            self.path = "/index.html"
        return super().send_head()

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def inspector() -> Iterator[str]:
    """Where its page is."""
    if not DIST.exists():
        is_missing("MCP Inspector is not there: (cd tests/e2e && npm ci)")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Inspector, directory=str(DIST))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_mcp_inspector_registers_itself_signs_in_and_calls_a_tool(
    page: Page, fresh_stack: LocalStack, inspector: str
) -> None:
    page.add_init_script('localStorage.setItem("lastConnectionType", "direct")')
    page.goto(f"{inspector}/?transport=streamable-http&serverUrl={fresh_stack.url}/tools/mcp")
    page.get_by_role("button", name="Connect", exact=True).click()
    sign_in(page, "john")
    expect(page.get_by_text("a program on this computer")).to_be_visible()
    decide(page, "Allow")
    page.get_by_role("tab", name="Tools").click()
    page.get_by_role("button", name="List Tools").click()
    page.get_by_text("list_items").first.click()
    page.get_by_role("button", name="Run Tool").click()
    expect(page.get_by_text("Rice").first).to_be_visible()
