"""Signing out, and whether somebody is signed in."""

from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.wire import Answer, encoded

BACK = "http://127.0.0.1:9876/signed-out"


def logout(browser: Browser, **parameters: str) -> Answer:
    return browser.get(f"/logout?{encoded(parameters)}")


def is_signed_in(browser: Browser, app: Application) -> bool:
    return "code" in browser.get(app.ask(prompt="none").url).answered
