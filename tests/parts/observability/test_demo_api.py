"""The demo API says in its log who deleted what, in a line that is read like Valet's own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import load

EVENTS = Path(__file__).resolve().parents[3] / "events" / "demo_api"


def _event(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


@pytest.fixture
def answered() -> Any:
    """The answer to an event, and the lines of the log that it left."""
    module = load("demo_api")

    def answer(event: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        stream = io.StringIO()
        module.LOGGER.registered_handler.setStream(stream)
        found: dict[str, Any] = module.handler(event, None)
        return found, [json.loads(line) for line in stream.getvalue().splitlines()]

    return answer


def test_a_deletion_is_logged_with_the_end_user_and_the_client(answered: Any) -> None:
    answer, [line] = answered(_event("delete_item"))
    assert answer["statusCode"] == 200
    assert {name: line[name] for name in ("level", "message", "item", "sub", "client_id")} == {
        "level": "INFO",
        "message": "item.deleted",
        "item": "1",
        "sub": "demo-jane",
        "client_id": "web_app_123",
    }
    assert line["timestamp"].endswith("+00:00")


@pytest.mark.parametrize("name", ["profile", "admin", "items", "item", "unknown_item"])
def test_what_changes_nothing_leaves_no_line(name: str, answered: Any) -> None:
    assert answered(_event(name))[1] == []


def test_an_item_that_is_not_there_is_not_deleted(answered: Any) -> None:
    event = _event("delete_item")
    event["pathParameters"]["id"] = "99"
    answer, lines = answered(event)
    assert (answer["statusCode"], lines) == (404, [])


def test_a_route_that_the_api_does_not_have_is_404(answered: Any) -> None:
    answer, _ = answered({**_event("profile"), "routeKey": "GET /api/other"})
    assert answer["statusCode"] == 404
