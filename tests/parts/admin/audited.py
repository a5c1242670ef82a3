"""What commands log of their changes, and what they ask of AWS, in its order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from valet.audit import EVENTS, EVERYWHERE

from admin.records.deployment import Deployment

GROUP = "/valet/valet-local/operator"
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_OF_EVERY_LINE = {"level", "message", "timestamp", "service"}


@dataclass
class Logged:
    """The operators' log, from the moment that somebody begins to read it."""

    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lines()

    def lines(self) -> list[dict[str, Any]]:
        """What came since the last look; every line is one of the table's, in the functions' form."""
        pages = boto3.client("logs").get_paginator("filter_log_events").paginate(logGroupName=GROUP)
        fresh = [event for page in pages for event in page["events"] if event["eventId"] not in self.seen]
        self.seen |= {event["eventId"] for event in fresh}
        return [_checked(json.loads(event["message"])) for event in fresh]

    def deeds(self) -> list[str]:
        """`client.changed disabled shop`, in the order of the log."""
        return [_told(line) for line in self.lines()]


def _checked(line: dict[str, Any]) -> dict[str, Any]:
    assert line["message"] == line["event"]
    assert (line["level"], line["service"]) == ("INFO", "valet-local")
    assert line["operator"] == "arn:aws:sts::123456789012:user/moto"
    assert set(line) <= _OF_EVERY_LINE | EVERYWHERE | EVENTS[line["event"]].fields
    return line


def _told(line: dict[str, Any]) -> str:
    about = next(
        (line[name] for name in ("client_id", "audience", "scope", "provider", "sub") if name in line),
        f"the {line['event'].partition('.')[0]}",
    )
    return f"{line['event']} {line['deed']} {about}" if "deed" in line else f"{line['event']} {line.get('sub')}"


@dataclass
class Asked:
    """The operations that commands ask of AWS, in their order; those that `answers` names are never sent."""

    operations: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)

    @property
    def writes(self) -> list[str]:
        return [name for name in self.operations if name in WRITES]

    def denied(self, operation: str) -> None:
        message = f"not authorized to perform: logs:{operation}"
        self.answers[operation] = (403, {"Error": {"Code": "AccessDeniedException", "Message": message}})

    def hear(self, model: Any, **_: Any) -> Any:
        self.operations.append(model.name)
        if model.name not in self.answers:
            return None
        status, answer = self.answers[model.name]
        return SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}


@contextmanager
def asked_of_aws() -> Iterator[Asked]:
    """Listens to every client that a deployment makes while the block runs."""
    asked = Asked()
    make: Callable[[Deployment, Any], Any] = Deployment.client
    heard: dict[int, Any] = {}  # a client may be made once for several commands

    def client(deployment: Deployment, service: Any) -> Any:
        made = make(deployment, service)
        if id(made) not in heard:
            made.meta.events.register("before-call", asked.hear)
            heard[id(made)] = made
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deployment, "client", client)
        yield asked
    for made in heard.values():
        made.meta.events.unregister("before-call", asked.hear)
