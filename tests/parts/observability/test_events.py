"""The table of events, and the lines that are made of it (CloudWatch Embedded Metric Format specification)."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from aws_lambda_powertools import Logger
from valet.audit import EVENTS, EVERYWHERE, EventName, Metric
from valet.aws import observability
from valet.errors import InvalidClient, SigningFailed

ROOT = Path(__file__).resolve().parents[3]
LAYER = ROOT / "layers" / "valet" / "python" / "valet"


def _sources() -> Iterator[Path]:
    yield from (path for path in LAYER.rglob("*.py") if path.name != "audit.py" and "resource_server" not in path.parts)
    yield from (ROOT / "functions").glob("*/app.py")
    yield from (ROOT / "admin").rglob("*.py")


def _recorded() -> Iterator[tuple[str, set[str]]]:
    """Each call of `record` with a name written out, and the fields that it is given by name."""
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "record" and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    yield str(name.value), {word.arg for word in node.keywords if word.arg}


def test_the_table_and_the_type_name_the_same_events_and_metrics() -> None:
    assert set(EVENTS) == set(get_args(EventName))
    assert {event.metric for event in EVENTS.values() if event.metric} == set(get_args(Metric))


def test_every_event_is_logged_somewhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in _sources())
    assert [event for event in EVENTS if f'"{event}"' not in text] == []


@pytest.mark.parametrize(("event", "fields"), sorted({(name, frozenset(fields)) for name, fields in _recorded()}))
def test_an_event_has_no_field_that_the_table_does_not_name(event: EventName, fields: frozenset[str]) -> None:
    assert fields <= EVENTS[event].fields | EVERYWHERE


@pytest.mark.parametrize("event", EVENTS)
def test_no_field_takes_the_place_of_one_of_the_loggers_own(event: EventName) -> None:
    own = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "level", "location", "timestamp", "service"}
    assert not (EVENTS[event].fields | EVERYWHERE | {EVENTS[event].metric}) & own


def test_no_more_metrics_than_are_paid_for_and_names_that_say_what_happened() -> None:
    assert len(get_args(Metric)) <= 10
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", event) for event in EVENTS)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """What a call writes to standard output, as Lambda would have it."""
    stream = io.StringIO()
    # A logger of the same name would be the same one, with its first stream.
    logger = Logger(
        service=request.node.name, stream=stream, location=None, xray_trace_id=None, utc=True, use_rfc3339=True
    )
    monkeypatch.setattr(observability, "_LOGGER", logger)

    def written() -> dict[str, Any]:
        lines = stream.getvalue().splitlines()
        assert len(lines) == 1
        found: dict[str, Any] = json.loads(lines[0])
        return found

    return written


def test_a_line_says_which_request_it_belongs_to_and_whom_it_is_about(line: Any) -> None:
    observability.begin("request-1", "192.0.2.1")
    observability.LoggedAudit().record("grant.revoked", client_id="web", sub="john", grant_id="g", revoked_for=None)
    observability.begin()
    written = line()
    assert {name: written[name] for name in EVERYWHERE} == {
        "event": "grant.revoked",
        "request_id": "request-1",
        "source_ip": "192.0.2.1",
        "client_id": "web",
        "sub": "john",
        "grant_id": "g",
    }
    assert written["level"] == "INFO"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", written["timestamp"])
    assert "_aws" not in written  # it counts in no metric
    assert "revoked_for" not in written


def test_an_event_is_its_own_metric_in_one_dimension(line: Any) -> None:
    observability.LoggedAudit().record("refresh.reused", client_id="web", sub="john", grant_id="g")
    written = line()
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Valet"
    assert directive["Dimensions"] == [["service"]]
    assert written["service"].startswith("test_an_event_is")
    assert directive["Metrics"] == [{"Name": "ReplaysDetected", "Unit": "Count"}]
    assert written["ReplaysDetected"] == 1
    assert isinstance(written["_aws"]["Timestamp"], int)


def test_how_far_a_key_is_over_its_period_is_a_value_and_not_a_count(line: Any) -> None:
    observability.LoggedAudit().record("keys.checked", kid="k", overdue_days=1.5)
    assert line()["KeyOverdue"] == 1.5


def test_a_signature_that_failed_is_told_from_other_refusals(line: Any) -> None:
    observability.log_refusal(SigningFailed(detail="KMS Sign with key: ThrottlingException"))
    written = line()
    assert (written["event"], written["level"]) == ("signing.failed", "WARNING")
    assert written["detail"] == "KMS Sign with key: ThrottlingException"
    assert written["SigningsFailed"] == 1


def test_a_refusal_says_what_the_client_is_not_told(line: Any) -> None:
    observability.log_refusal(InvalidClient("The client could not be authenticated.", detail="wrong secret"))
    assert {name: line()[name] for name in ("event", "error", "detail")} == {
        "event": "request.refused",
        "error": "invalid_client",
        "detail": "wrong secret",
    }


def test_a_mistake_of_ours_is_told_by_its_place_and_not_by_its_words(line: Any) -> None:
    try:
        raise ValueError("password123")
    except ValueError as failure:
        observability.log_failure(failure)
    written = line()
    assert written["failure"] == "ValueError"
    assert written["at"][-1].startswith("test_events.py:")
    assert "password123" not in json.dumps(written)


def test_a_line_is_short(line: Any) -> None:
    """Log ingestion is a good part of what a token costs."""
    observability.begin("JKJaXmPLvHcESHA=", "203.0.113.217")
    fields = {"client_id": "web_app_123", "sub": "3f0c7c1e-40a5-4a3c-9d57-3f1d9d2f6f7e", "grant_id": "x" * 22}
    observability.LoggedAudit().record(
        "token.issued", **fields, grant_type="authorization_code", scope="openid profile email items offline_access"
    )
    observability.begin()
    assert len(json.dumps(line(), separators=(",", ":"))) < 672
