"""The system that template.yaml describes: functions, routes and authorizers (AWS SAM, HTTP APIs).

This module reads SAM's event sources and Globals, so routes, authorizers, timeouts and the environment are described
in the template alone. A property of a route or an authorizer that this module does not know raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local.cors import Cors, cors_from_configuration
from local.definitions import http_events
from local.rest_api import RestApi, rest_apis
from local.template import Resource, Template, TemplateError, as_text

_LONGEST_INTEGRATION = 30.0  # seconds; an HTTP API waits no longer
_KNOWN_EVENTS = frozenset({"Api", "HttpApi", "Schedule", "ScheduleV2"})


@dataclass(frozen=True, eq=False)  # compared by identity
class Function:
    """One Lambda function as deployed."""

    logical_id: str
    name: str
    arn: str
    folder: Path
    handler: str
    environment: Mapping[str, str]
    timeout: float
    memory: int
    log_group: str = ""
    inline_code: str | None = None
    title: str = ""

    @property
    def shown_as(self) -> str:
        """Its name in the log."""
        return self.title or self.folder.name


@dataclass(frozen=True, eq=False)
class Authorizer:
    """A Lambda authorizer of an HTTP API."""

    name: str
    function: Function
    identity_sources: tuple[str, ...]
    result_ttl: int
    simple_responses: bool
    payload: str = "2.0"


@dataclass(frozen=True, eq=False)
class Route:
    """One route: `GET /items/{id}`, or `$default`."""

    method: str
    path: str
    function: Function
    timeout: float
    authorizer: Authorizer | None
    payload: str = "2.0"

    @property
    def key(self) -> str:
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True)
class Api:
    """One HTTP API with its `$default` stage."""

    logical_id: str
    api_id: str
    routes: tuple[Route, ...]
    cors: Cors | None = None


@dataclass(frozen=True)
class System:
    """Everything that runs."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    apis: tuple[Api, ...] = ()
    rest_apis: tuple[RestApi, ...] = ()

    def function_named(self, arn: str) -> Function:
        """The function with this ARN, as an authorizer or a custom resource names it."""
        for function in self.functions.values():
            if function.arn == arn:
                return function
        raise TemplateError(f"no function of the template has the ARN {arn}")

    def environment(self) -> dict[str, str]:
        """The variables of all functions. They run in one process, so two functions may not need different values."""
        merged: dict[str, str] = {}
        owner: dict[str, str] = {}
        for function in self.functions.values():
            for name, value in function.environment.items():
                if merged.setdefault(name, value) != value:
                    raise TemplateError(
                        f"{owner[name]} and {function.logical_id} have different values of {name}, but the local stack "
                        "runs them in one process: give them one value"
                    )
                owner.setdefault(name, function.logical_id)
        return merged


def system_from_template(
    template: Template, root: Path, nested: Mapping[str, Function] | None = None, *, titled: bool = False
) -> System:
    """Read the functions first, then the APIs with the routes that the functions' events name.

    `nested` are the functions of nested stacks, which the template's authorizers may name. `titled` functions have
    their logical ids as names in the log, and not their folders.
    """
    shared = template.document.get("Globals", {})
    functions: dict[str, Function] = dict(nested or {})
    events: list[tuple[Function, Mapping[str, Any]]] = []
    rest_events: list[tuple[Function, Mapping[str, Any]]] = []
    for resource in template.resources("AWS::Serverless::Function"):
        properties = template.resolve(
            with_globals(shared.get("Function", {}), resource.properties), f"Resources.{resource.logical_id}"
        )
        function = _function(resource, properties, template, root)
        function = replace(function, title=resource.logical_id if titled else "")
        functions[resource.logical_id] = function
        events.extend((function, event) for event in _events(resource, template, "HttpApi"))
        rest_events.extend((function, event) for event in _events(resource, template, "Api"))
    system = System(functions)
    events.extend((system.function_named(arn), event) for arn, event in http_events(template))
    apis = tuple(
        _api(resource, template, system, events) for resource in template.resources("AWS::Serverless::HttpApi")
    )
    _refuse_lost_routes(apis, events)
    return System(functions, apis, rest_apis(template, rest_events, system.function_named))


def _function(resource: Resource, properties: Mapping[str, Any], template: Template, root: Path) -> Function:
    arn = template.resolve({"Fn::GetAtt": [resource.logical_id, "Arn"]})
    name = template.resolve({"Ref": resource.logical_id})
    return Function(
        logical_id=resource.logical_id,
        name=name,
        arn=arn,
        folder=root / properties.get("CodeUri", resource.logical_id),
        handler=properties["Handler"],
        environment={
            name: as_text(value) for name, value in properties.get("Environment", {}).get("Variables", {}).items()
        },
        timeout=float(properties.get("Timeout", 3)),
        memory=int(properties.get("MemorySize", 128)),
        log_group=properties.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{name}"),
        inline_code=properties.get("InlineCode"),
    )


def _events(resource: Resource, template: Template, kind: str) -> Iterable[Mapping[str, Any]]:
    for name, event in resource.properties.get("Events", {}).items():
        where = f"Resources.{resource.logical_id}.Events.{name}"
        if "Condition" in event and not template.condition(event["Condition"]):
            continue
        if event["Type"] == kind:
            yield template.resolve(event.get("Properties", {}), where)
        elif event["Type"] not in _KNOWN_EVENTS:
            raise TemplateError(f"{where}: the local stack does not know the event type {event['Type']}")


def _api(
    resource: Resource, template: Template, system: System, events: Iterable[tuple[Function, Mapping[str, Any]]]
) -> Api:
    api_id = template.resolve({"Ref": resource.logical_id})
    auth = template.resolve(resource.properties.get("Auth", {}), f"Resources.{resource.logical_id}.Auth")
    configuration = template.resolve(resource.properties.get("CorsConfiguration", False), resource.logical_id)
    authorizers = {
        name: _authorizer(name, definition, system) for name, definition in auth.get("Authorizers", {}).items()
    }
    routes = tuple(
        _route(function, event, authorizers, auth.get("DefaultAuthorizer"))
        for function, event in events
        if event.get("ApiId") == api_id
    )
    keys = [route.key for route in routes]
    if repeated := {key for key in keys if keys.count(key) > 1}:
        raise TemplateError(f"{resource.logical_id}: two functions have the route {', '.join(sorted(repeated))}")
    return Api(resource.logical_id, api_id, routes, cors_from_configuration(configuration, resource.logical_id))


def _authorizer(name: str, definition: Mapping[str, Any], system: System) -> Authorizer:
    version = _payload(definition.get("AuthorizerPayloadFormatVersion", "none"), f"authorizer {name}")
    identity = definition.get("Identity", {})
    sources = [
        *(f"$request.header.{header}" for header in identity.get("Headers", [])),
        *(f"$request.querystring.{parameter}" for parameter in identity.get("QueryStrings", [])),
        *(f"$context.{variable}" for variable in identity.get("Context", [])),
    ]
    if unknown := sorted(set(identity) - {"Headers", "QueryStrings", "Context", "ReauthorizeEvery"}):
        raise TemplateError(f"authorizer {name}: the local stack does not know {', '.join(unknown)} in Identity")
    return Authorizer(
        name=name,
        function=system.function_named(definition["FunctionArn"]),
        identity_sources=tuple(sources),
        result_ttl=int(identity.get("ReauthorizeEvery", 0)),
        simple_responses=definition.get("EnableSimpleResponses", False),
        payload=version,
    )


def _payload(version: Any, where: str) -> str:
    if (text := as_text(version)) not in ("1.0", "2.0"):
        raise TemplateError(f"{where}: the local stack does not know payload format {text}, only 1.0 and 2.0")
    return text


def _route(
    function: Function, event: Mapping[str, Any], authorizers: Mapping[str, Authorizer], default: str | None
) -> Route:
    path, method = event.get("Path", "$default"), str(event.get("Method", "ANY")).upper()
    name = event.get("Auth", {}).get("Authorizer", default)
    if name not in (None, "NONE", *authorizers):
        raise TemplateError(f"{function.logical_id}: a route names the authorizer {name}, which its API does not have")
    return Route(
        method="ANY" if method == "*" else method,
        path=path,
        function=function,
        timeout=min(_LONGEST_INTEGRATION, event.get("TimeoutInMillis", 1000 * _LONGEST_INTEGRATION) / 1000),
        authorizer=authorizers.get(name) if name else None,
        payload=_payload(event.get("PayloadFormatVersion", "2.0"), function.logical_id),
    )


def _refuse_lost_routes(apis: Iterable[Api], events: Iterable[tuple[Function, Mapping[str, Any]]]) -> None:
    known = {api.api_id for api in apis}
    for function, event in events:
        if event.get("ApiId") not in known:
            raise TemplateError(f"{function.logical_id}: the ApiId of an HttpApi event names no API of this template")


def with_globals(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Globals with a resource's own properties: maps are merged, lists joined, and else the resource's value wins."""
    merged = {**shared, **own}
    for key in set(shared) & set(own):
        if isinstance(shared[key], dict) and isinstance(own[key], dict):
            merged[key] = with_globals(shared[key], own[key])
        elif isinstance(shared[key], list) and isinstance(own[key], list):
            merged[key] = [*shared[key], *own[key]]
    return merged
