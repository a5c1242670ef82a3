"""The table of events, and the lines that are made of it (CloudWatch Embedded Metric Format specification)."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from valet import log
from valet.audit import EVENTS, EVERYWHERE, EventName, Metric
from valet.aws import observability
from valet.errors import InvalidClient, SigningFailed
from valet.resource_server.api_gateway.authorizer import print_line

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
def test_no_field_takes_the_place_of_one_that_every_line_has(event: EventName) -> None:
    own = {"timestamp", "level", "message", "service", "_aws"}
    assert not (EVENTS[event].fields | EVERYWHERE | {EVENTS[event].metric}) & own


def test_no_more_metrics_than_are_paid_for_and_names_that_say_what_happened() -> None:
    assert len(get_args(Metric)) <= 10
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", event) for event in EVENTS)


class Output(io.StringIO):
    """A standard output that keeps what each call wrote, and what was flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []
        self.flushed = ""

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)

    def flush(self) -> None:
        self.flushed = self.getvalue()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines of the log since the test began."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(log, "write", lambda line: found.append(json.loads(line)))
    return found


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set the environment of the function, which reads it with its first line."""

    def tell(**variables: str) -> None:
        for name in ("AWS_LAMBDA_LOG_LEVEL", "POWERTOOLS_LOG_LEVEL", "LOG_LEVEL", "POWERTOOLS_SERVICE_NAME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        observability._settings.cache_clear()

    yield tell
    observability._settings.cache_clear()


@pytest.fixture
def line(lines: list[dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """The one line."""

    def written() -> dict[str, Any]:
        [found] = lines
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


def test_an_event_is_its_own_metric_in_one_dimension(line: Any, told: Callable[..., None]) -> None:
    told(POWERTOOLS_SERVICE_NAME="valet-of-tests")
    observability.LoggedAudit().record("refresh.reused", client_id="web", sub="john", grant_id="g")
    written = line()
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Valet"
    assert directive["Dimensions"] == [["service"]]
    assert written["service"] == "valet-of-tests"
    assert directive["Metrics"] == [{"Name": "ReplaysDetected", "Unit": "Count"}]
    assert written["ReplaysDetected"] == 1
    counted_at = datetime.fromtimestamp(written["_aws"]["Timestamp"] / 1000, UTC)
    assert counted_at.isoformat(timespec="milliseconds") == written["timestamp"]


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


@pytest.mark.parametrize(
    ("now", "timestamp"),
    [
        (0.0, "1970-01-01T00:00:00.000+00:00"),
        (1_700_000_000.0625, "2023-11-14T22:13:20.062+00:00"),
        (4_102_444_799.999, "2099-12-31T23:59:59.999+00:00"),
    ],
)
def test_a_line_has_its_instant_in_utc_to_the_millisecond(now: float, timestamp: str, line: Any) -> None:
    log.print_line({"event": "any"}, now)
    assert line() == {"timestamp": timestamp, "event": "any"}


def test_a_line_is_one_write_and_at_once_with_lambda() -> None:
    """Lambda freezes the process after the answer, and lines of two threads that are written in parts could mix."""
    with redirect_stdout(Output()) as output:
        observability.LoggedAudit().record("code.issued", client_id="web")
    [written] = output.writes
    assert json.loads(written)["event"] == "code.issued"
    assert written.endswith("}\n")
    assert output.flushed == written


@pytest.mark.parametrize(
    ("variables", "levels"),
    [
        ({}, ["INFO", "WARNING", "ERROR"]),
        ({"LOG_LEVEL": "DEBUG"}, ["INFO", "WARNING", "ERROR"]),
        ({"LOG_LEVEL": "INFO", "AWS_LAMBDA_LOG_LEVEL": "INFO"}, ["INFO", "WARNING", "ERROR"]),
        ({"LOG_LEVEL": "warning"}, ["WARNING", "ERROR"]),
        ({"LOG_LEVEL": "INFO", "POWERTOOLS_LOG_LEVEL": "ERROR"}, ["ERROR"]),
        ({"LOG_LEVEL": "INFO", "AWS_LAMBDA_LOG_LEVEL": "WARN"}, ["WARNING", "ERROR"]),
        ({"LOG_LEVEL": "ERROR", "AWS_LAMBDA_LOG_LEVEL": "TRACE"}, ["INFO", "WARNING", "ERROR"]),
        ({"LOG_LEVEL": "INFO", "AWS_LAMBDA_LOG_LEVEL": "FATAL"}, []),
        ({"LOG_LEVEL": "", "POWERTOOLS_LOG_LEVEL": "loud"}, ["INFO", "WARNING", "ERROR"]),
    ],
)
def test_lines_below_the_functions_level_are_not_printed(
    variables: dict[str, str], levels: list[str], told: Callable[..., None], lines: list[dict[str, Any]]
) -> None:
    told(**variables)
    observability.LoggedAudit().record("code.issued", client_id="web")
    observability.log_refusal(InvalidClient("The client could not be authenticated."))
    observability.log_failure(ValueError())
    assert [line["level"] for line in lines] == levels


def test_the_authorizer_prints_its_lines_in_the_same_way(line: Any) -> None:
    print_line({"level": "INFO", "event": "token.refused", "reason": "x" * 600, "sub": "jo\u2028hn\ud800"})
    written = line()
    assert datetime.fromisoformat(written.pop("timestamp")).utcoffset() == timedelta(0)
    assert written == {
        "level": "INFO",
        "event": "token.refused",
        "reason": "x" * 511 + "…",
        "sub": "jo\N{REPLACEMENT CHARACTER}hn\N{REPLACEMENT CHARACTER}",
    }


def test_a_line_is_short(line: Any) -> None:
    """Log ingestion is a good part of what a token costs."""
    observability.begin("JKJaXmPLvHcESHA=", "203.0.113.217")
    fields = {"client_id": "web_app_123", "sub": "3f0c7c1e-40a5-4a3c-9d57-3f1d9d2f6f7e", "grant_id": "x" * 22}
    observability.LoggedAudit().record(
        "token.issued", **fields, grant_type="authorization_code", scope="openid profile email items offline_access"
    )
    observability.begin()
    assert len(json.dumps(line(), separators=(",", ":"))) < 560
