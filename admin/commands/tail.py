"""`valet tail`: the audit events of a deployment as they arrive, from the stack's log groups (CloudWatch Logs)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

import click
from rich.text import Text
from valet.audit import EVENTS
from valet.log import printable

from admin.desk import Desk, moment
from admin.options import MOMENT, words
from admin.terminal.endings import Refused

_PAUSE = 2  # seconds between two polls
_LATE = 30  # seconds that CloudWatch may take to show a line; each poll begins that much earlier
_ANY_EVENT = '{ $.event = "*" }'
_METRICS = {kind.metric for kind in EVENTS.values() if kind.metric}
_NOISE = frozenset({"level", "location", "message", "timestamp", "service", "event", "_aws", "at", *_METRICS})
_NEAREST = 3  # event names that a misspelled one is answered with
_LOUD = ("reused", "replayed", "throttled", "failed", "emergency", "dropped", "by_hand")


def _events(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> frozenset[str] | None:
    """The events to show; an unknown name would show nothing, for ever."""
    wanted = words(ctx, param, value)
    for name in sorted((wanted or frozenset()) - EVENTS.keys()):
        near = get_close_matches(name, EVENTS, _NEAREST, cutoff=0.5)
        hint = f"The nearest names: {', '.join(near)}." if near else f"The events: {', '.join(sorted(EVENTS))}."
        raise click.BadParameter(f"there is no event {name}. {hint}")
    return wanted


@click.command()
@click.option("--since", type=MOMENT, help="Begin at this time, such as 2h (default: now).")
@click.option(
    "--event",
    "wanted",
    multiple=True,
    callback=_events,
    help="Show only these events, such as grant.revoked (repeat, or separate by spaces).",
)
@click.option("--client", "client_id", help="Show only events about this client.")
@click.option("--sub", help="Show only events about this user.")
@click.option(
    "--follow/--no-follow", default=True, help="Go on until stopped, or show what is there and end (default: --follow)."
)
@click.pass_obj
def tail(
    desk: Desk, since: float | None, wanted: frozenset[str] | None, client_id: str | None, sub: str | None, follow: bool
) -> None:
    """Show audit events as they arrive, one a line."""
    groups = [name for name in desk.deployment.named("AWS::Logs::LogGroup") if "/vendedlogs/" not in name]
    if not groups:
        raise Refused(f"The stack {desk.deployment.stack_name} has no log groups.")
    with suppress(KeyboardInterrupt):  # the operator stops it with Ctrl-C
        for event in events(desk, desk.deployment.client("logs"), groups, since, follow=follow):
            asked = (("client_id", client_id), ("sub", sub))
            if (wanted is None or event["event"] in wanted) and all(
                value in (None, event.get(name)) for name, value in asked
            ):
                _print(desk, event)


def events(
    desk: Desk, logs: Any, groups: Sequence[str], since: float | None, *, follow: bool
) -> Iterator[dict[str, Any]]:
    """The events of all groups, each once, sorted by time within one poll."""
    start = since if since is not None else desk.clock()
    seen: dict[str, float] = {}
    while True:
        looked_at = desk.clock()
        found = []
        for group in groups:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(start * 1000), filterPattern=_ANY_EVENT
            )
            found += [each for page in pages for each in page["events"] if each["eventId"] not in seen]
        for each in sorted(found, key=lambda each: each["timestamp"]):
            seen[each["eventId"]] = each["timestamp"] / 1000
            if (event := _event_of(each)) is not None:
                yield event
        if not follow:
            return
        start = max(start, looked_at - _LATE)
        seen = {name: time for name, time in seen.items() if time >= start}
        desk.sleep(_PAUSE)


def _event_of(line: dict[str, Any]) -> dict[str, Any] | None:
    try:
        record = json.loads(line["message"])
    except ValueError:
        return None
    if not isinstance(record, dict) or "event" not in record:
        return None
    return {**record, "at": moment(line["timestamp"] / 1000)}


def _print(desk: Desk, event: dict[str, Any]) -> None:
    if desk.is_json:
        click.echo(json.dumps(event))
        return
    facts = " ".join(f"{name}={value}" for name, value in _facts_of(event))
    name = str(event["event"])
    style = "red" if any(word in name for word in _LOUD) else "bold"
    line = Text.assemble((event["at"], "dim"), " ", (printable(name), style), " ", printable(facts))
    desk.out.print(line, soft_wrap=True)


def _facts_of(event: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    """The event's names and values. A nested value is named by its path, as in a query."""
    for name, value in event.items():
        if isinstance(value, dict) and name not in _NOISE:
            yield from _facts_of(value, f"{name}.")
        elif within or name not in _NOISE:
            yield f"{within}{name}", value
