"""Attempts to sign in, and the work that they cause."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from valet.people import passwords

from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer


def anew(deployment: Deployment) -> Browser:
    return Browser(deployment.send, deployment.issuer)


def attempt(browser: Browser, page: Answer, username: str, password: str) -> Answer:
    """One POST of the sign-in form, no redirect followed."""
    form = form_of(page)
    return browser.post(form.action, {**form.hidden, "username": username, "password": password})


@contextmanager
def verifications(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The hashes that passwords are verified against while the block runs."""
    seen: list[str] = []
    hasher = passwords._hasher()

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            seen.append(password_hash)
            return hasher.verify(password_hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting)
    yield seen
    monkeypatch.undo()
