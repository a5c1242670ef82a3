"""Debian's Chromium, with nothing downloaded and nothing reached but this machine.

Its headless shell draws and runs pages as the whole browser does, and takes half of the processor time.
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, BrowserType

from tests.support.missing import is_missing

CHROMIUM = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))


def launched(kind: BrowserType, *hosts: str, without: tuple[str, ...] = ()) -> Browser:
    """A browser that reaches this machine alone. `hosts` are names that lead here, each with an address of this
    machine; `without` are features of Chromium that are switched off.
    """
    path = next((each for each in CHROMIUM if each.exists()), None)
    if path is None:
        is_missing("Chromium is not there: apt-get install chromium-headless-shell")
    rules = [*(f"MAP {host}" for host in hosts), "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE localhost"]
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    arguments.append(f"--host-resolver-rules={', '.join(rules)}")
    if without:
        arguments.append(f"--disable-features={','.join(without)}")
    return kind.launch(executable_path=path, args=arguments)
