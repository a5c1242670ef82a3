"""A developer's stack as it will be played: a template without anything that the gateway does not know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.definitions import http_event
from local.functions import Crash
from local.own.apis import API_OF, OwnApi, apis_of
from local.own.choices import ChoiceError, Choices
from local.own.code import OwnCode, code_of
from local.own.needs import needs
from local.own.notices import Notice, Notices
from local.own.process import Code
from local.own.reading import MISSING, Reading
from local.own.valets import Valet, valet_from_function, valets_of
from local.system import System, system_from_template
from local.template import Resource, Template, TemplateError

# Where no request is answered. They are named, together, in one line for each type.
_WITHOUT_NAME = frozenset(
    {
        "AWS::Serverless::Api",
        "AWS::Serverless::Application",
        "AWS::Serverless::Function",
        "AWS::Serverless::HttpApi",
        "AWS::Serverless::LayerVersion",
    }
)
_HARMLESS = (
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::CloudWatch::",
    "AWS::IAM::",
    "AWS::Lambda::Permission",
    "AWS::Logs::",
)


@dataclass(frozen=True)
class Plan:
    """What is played of one template, and what is not."""

    path: Path
    system: System
    code: Mapping[str, Code]
    valets: Mapping[str, Valet]
    refused: Mapping[str, str]
    titles: Mapping[str, str]  # of the APIs, by their ids: logical ids
    routes: Mapping[str, tuple[tuple[str, str], ...]]  # of each API: the route, and what it asks or answers
    notices: tuple[Notice, ...]


def plan(
    path: Path, choices: Choices, root: Path, issuer: str, on_crash: Callable[[Crash], None] | None = None
) -> Plan:
    """Reads the template. Raises TemplateError where nothing of it can be played."""
    try:
        return _plan(path, choices, root, issuer, on_crash)
    except ChoiceError as error:
        raise TemplateError(str(error)) from None
    except (yaml.YAMLError, OSError, UnicodeError) as error:
        raise TemplateError(f"it cannot be read: {error}") from None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # A list where SAM has a map, a word where it has a number: `sam validate --lint` says where.
        raise TemplateError(f"it is not as AWS SAM has it: {type(error).__name__}: {error}") from error


def _plan(path: Path, choices: Choices, root: Path, issuer: str, on_crash: Callable[[Crash], None] | None) -> Plan:
    notices = Notices()
    reading = Reading(path, choices, issuer, notices)
    valets = valets_of(reading, root, issuer, on_crash)
    nested = {each.logical_id: each for valet in valets.values() for each in valet.played}
    codes = code_of(reading, choices)
    playable = {valet.function.arn: "" for valet in valets.values()}
    playable |= {each.arn: each.reason for each in codes.values()}
    documents = frozenset(valet.metadata.arn for valet in valets.values() if valet.metadata)
    apis = apis_of(reading, playable, choices.stage, documents)
    document, refused, shown = _played(reading, apis, codes)
    document["Resources"].update(_own_routes(reading, documents, shown))
    system = system_from_template(Template(document, {}, {}, reading.known), path.parent, nested, titled=True)
    for name, function in system.functions.items():
        if name in nested:
            continue
        try:
            valet = valet_from_function(function, root, reading.stack, issuer, on_crash)
        except TemplateError as error:
            notices.add(f"{name}: {error}", "the routes behind it answer 500")
            refused[name] = str(error)
            continue
        if valet is not None:
            valets[name] = valet
    asked = needs(system, valets)
    _name_resources(reading)
    return Plan(
        path=path,
        system=system,
        code={name: each.code for name, each in codes.items()},
        valets=valets,
        refused=refused,
        titles={api.api_id: api.logical_id for api in apis},
        routes={
            api_id: tuple((route, answer or asked.get((api_id, route), "")) for route, answer in routes)
            for api_id, routes in shown.items()
        },
        notices=tuple(notices.found),
    )


def _played(
    reading: Reading, apis: list[OwnApi], codes: Mapping[str, OwnCode]
) -> tuple[dict[str, Any], dict[str, str], dict[str, list[tuple[str, str]]]]:
    """The template that is played, in plain values; the functions that refuse; and each API's routes, with what those
    that are not served answer.
    """
    resources: dict[str, Any] = {}
    refused: dict[str, str] = {}
    routes: dict[str, list[tuple[str, str]]] = {api.api_id: [] for api in apis}
    by_id = {api.api_id: api for api in apis}
    for each in apis:
        routes[each.api_id] += [(route, "") for route in each.defined]
        resources[each.logical_id] = {
            "Type": f"AWS::Serverless::{each.kind}",
            "Properties": each.properties,
        }
    for resource, properties in reading.resources("AWS::Serverless::Function"):
        name, own = resource.logical_id, codes[resource.logical_id]
        events: dict[str, Any] = {}
        for event_name, kind, event in _events(reading, name, properties):
            found = by_id.get(event.get(API_OF[kind], ""))
            if found is None or found.kind != kind:
                reading.notices.add(f"{name}, event {event_name}: its API is not in this template", "not served")
                continue
            api, reason = found, own.reason or found.refusal(event.get("Auth", {}))
            routes[api.api_id].append((_route(event), f"answers 503: {reason}" if reason else ""))
            if not reason:
                events[event_name] = {"Type": kind, "Properties": event}
                continue
            stand_in = f"{name}, not served {len(refused) + 1}"  # no logical id: those have letters and digits only
            refused[stand_in] = f"The local stack does not serve this route: {reason}."
            resources[stand_in] = _stand_in(name, kind, event)
            reading.known.add(stand_in, "AWS::Serverless::Function", reading.stack)
            if not api.barred and not own.reason:
                reading.notices.add(f"{name}, {_route(event)}", f"answers 503: {reason}")
        resources[name] = {"Type": "AWS::Serverless::Function", "Properties": {**own.properties, "Events": events}}
    return {"Resources": resources}, refused, routes


def _own_routes(
    reading: Reading, documents: frozenset[str], routes: Mapping[str, list[tuple[str, str]]]
) -> dict[str, Any]:
    """The routes of HTTP APIs that are resources of their own and lead to an API's metadata, with their integrations,
    resolved. The others are named.
    """
    found: dict[str, Resource] = {}
    for resource in reading.template.resources("AWS::ApiGatewayV2::Route"):
        try:
            arn, event = http_event(reading.template, resource)
        except TemplateError as error:
            reading.notices.add(str(error), "not served")
            continue
        if arn not in documents or event["ApiId"] not in routes:
            reading.notices.add(f"{resource.logical_id} (AWS::ApiGatewayV2::Route)", "not served")
            continue
        found[resource.logical_id] = resource
        routes[event["ApiId"]].append((_route(event), ""))
    if found:
        found |= {each.logical_id: each for each in reading.template.resources("AWS::ApiGatewayV2::Integration")}
    return {
        name: {"Type": each.type, "Properties": reading.template.resolve(each.properties, name)}
        for name, each in found.items()
    }


def _events(reading: Reading, function: str, properties: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """The events that are routes, resolved; the others are named."""
    found = []
    for name, event in (properties.get("Events") or {}).items():
        where, kind = f"{function}, event {name}", event.get("Type")
        if "Condition" in event and not reading.template.condition(event["Condition"]):
            continue
        if kind not in API_OF:
            reading.notices.add(f"{where} ({kind})", "not played: nothing invokes the function by it")
            continue
        own = dict(event.get("Properties") or {})
        own.setdefault(API_OF[kind], {"Ref": "ServerlessHttpApi" if kind == "HttpApi" else "ServerlessRestApi"})
        auth = own.pop("Auth", None)
        resolved = reading.value(own, where, "not served")
        if resolved is MISSING:
            continue
        if auth is not None:
            known = reading.value(auth, f"{where}.Auth", "the route answers 503")
            resolved["Auth"] = None if known is MISSING else known
        for ignored in sorted(set(resolved) - _EVENT):
            reading.notices.add(f"{where}: {ignored}", "not played")
        found.append((name, kind, resolved))
    return found


_EVENT = {"ApiId", "RestApiId", "Path", "Method", "Auth", "PayloadFormatVersion", "TimeoutInMillis", "RouteSettings"}


def _stand_in(name: str, kind: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """A function that has the route instead of theirs, and that OwnFunctions never runs."""
    bare = {member: value for member, value in event.items() if member in ("ApiId", "RestApiId", "Path", "Method")}
    route = {"Type": kind, "Properties": {**bare, "Auth": {"Authorizer": "NONE"}}}
    properties = {"Handler": "index.handler", "InlineCode": "", "CodeUri": name, "Events": {"Route": route}}
    return {"Type": "AWS::Serverless::Function", "Properties": properties}


def _route(event: Mapping[str, Any]) -> str:
    method = str(event.get("Method", "ANY")).upper()
    return f"{'ANY' if method == '*' else method} {event['Path']}" if "Path" in event else "$default"


def _name_resources(reading: Reading) -> None:
    by_type: dict[str, list[str]] = {}
    for resource in reading.template.resources():
        if resource.type not in _WITHOUT_NAME and not resource.type.startswith(_HARMLESS):
            by_type.setdefault(resource.type, []).append(resource.logical_id)
    for type_, names in by_type.items():
        reading.notices.add(f"{', '.join(names)} ({type_})", "not made here")
