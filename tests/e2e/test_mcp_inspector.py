"""MCP Inspector in Chromium: it registers itself at Valet, signs a person in, and calls a tool.

Version 2 asks from a program of its own; version 1 from its page, so each answer needs CORS.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from local.stack import LocalStack
from tests.e2e.people import decide, sign_in
from tests.support.missing import is_missing
from tests.support.ports import free_port

pytestmark = pytest.mark.xdist_group("browser")

PACKAGES = Path(__file__).parent / "node_modules" / "@modelcontextprotocol"
LAUNCHER = PACKAGES / "inspector" / "clients" / "launcher" / "build" / "index.js"
PAGE_OF_1 = PACKAGES / "inspector-client" / "dist"


@contextmanager
def inspector(folder: Path, url: str, era: str) -> Iterator[str]:
    """The address that it prints, with one server in its list. What it keeps, it keeps in the folder."""
    if not LAUNCHER.exists() or not shutil.which("node"):
        is_missing("MCP Inspector or node is not there: (cd tests/e2e && npm ci)")
    words = ["--web", "--transport", "http", "--server-url", url, "--protocol-era", era]
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_SECRET_STORE": "memory",
        "MCP_SANDBOX_PORT": "0",
        "MCP_APP_ORIGIN_PORT": "0",
    }
    for _ in range(5):  # it takes no port 0 for its page, and another program may be quicker
        with subprocess.Popen(
            ["node", LAUNCHER, *words],
            env={**settings, "CLIENT_PORT": str(free_port())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            said = ""
            try:
                for line in process.stdout:
                    if "?MCP_INSPECTOR_API_TOKEN=" in line:
                        yield line.strip()
                        return
                    said += line
            finally:
                process.kill()
        assert "PORT IS IN USE" in said, said
    raise AssertionError("no port is free")


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_mcp_inspector_registers_itself_signs_in_and_calls_a_tool(
    page: Page, fresh_stack: LocalStack, tmp_path: Path, era: str
) -> None:
    """In the revisions up to 2025-11-25, which it speaks unless it is told otherwise, and in 2026-07-28."""
    with inspector(tmp_path, f"{fresh_stack.url}/tools/mcp", era) as address:
        page.goto(address)
        page.get_by_role("switch").press("Space")
        page.wait_for_url(f"{fresh_stack.issuer}/login?*")
        sign_in(page, "john")
        expect(page.get_by_text("a program on this computer")).to_be_visible()
        decide(page, "Allow")
        page.get_by_text("Tools", exact=True).click()
        page.get_by_role("button", name="list_items").click()
        page.get_by_role("button", name="Execute Tool").click()
        expect(page.get_by_text("Rice").first).to_be_visible()
        expect(page.get_by_text(era.capitalize(), exact=True)).to_be_visible()


class _PageOf1(SimpleHTTPRequestHandler):
    """Its built page, at every address that is no file, as its own server has it."""

    def send_head(self) -> Any:
        if not Path(self.translate_path(self.path)).is_file():
            self.path = "/index.html"
        return super().send_head()

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def inspector_1() -> Iterator[str]:
    """Where its page is."""
    if not PAGE_OF_1.exists():
        is_missing("MCP Inspector 1 is not there: (cd tests/e2e && npm ci)")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_PageOf1, directory=str(PAGE_OF_1))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_mcp_inspector_1_does_the_same_from_a_page_of_another_origin(
    page: Page, fresh_stack: LocalStack, inspector_1: str
) -> None:
    page.add_init_script('localStorage.setItem("lastConnectionType", "direct")')
    page.goto(f"{inspector_1}/?transport=streamable-http&serverUrl={fresh_stack.url}/tools/mcp")
    page.get_by_role("button", name="Connect", exact=True).click()
    sign_in(page, "john")
    expect(page.get_by_text("a program on this computer")).to_be_visible()
    decide(page, "Allow")
    page.get_by_role("tab", name="Tools").click()
    page.get_by_role("button", name="List Tools").click()
    page.get_by_text("list_items").first.click()
    page.get_by_role("button", name="Run Tool").click()
    expect(page.get_by_text("Rice").first).to_be_visible()
