"""Signing in with another provider: whose account it is, by the rows of the table in docs/providers.md."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.federation import Federation, federated


@pytest.fixture
def federation(deployment: Deployment) -> Iterator[Federation]:
    with federated(deployment) as found:
        yield found


def test_row_1_a_link_signs_in_to_its_account(
    deployment: Deployment, federation: Federation, browser: Browser, web_app: Application
) -> None:
    idp = federation.add()
    federation.link(idp, "demo-john")
    page = browser.open(web_app.ask().url)
    came_back = federation.trip(browser, idp, page)
    assert came_back.location.endswith("&by=upstream"), came_back
    answer = browser.decide(browser.follow(came_back))
    assert "code" in answer.answered
    print(deployment.audit.events)
