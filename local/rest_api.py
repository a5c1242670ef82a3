"""A REST API as a template describes it: routes, authorizers, gateway responses (AWS SAM, AWS::Serverless::Api).

The API has one stage. Its authorizers get a token or the whole request, and the template can change the responses that
the gateway gives by itself. Routes have the Lambda proxy integration, and are named by functions' events or in a
DefinitionBody. A property that this module does not know raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.cors import rest_preflight_headers
from local.definitions import rest_events
from local.template import Resource, Template, TemplateError

Find = Callable[[str], Any]
Answer = tuple[int, tuple[tuple[str, str], ...], bytes]

_IDENTITY = frozenset({"Header", "Headers", "QueryStrings", "Context", "ValidationExpression", "ReauthorizeEvery"})
_HEADER_VALUE = re.compile(r"'[^']*'|context\.[A-Za-z.]+|method\.request\.header\.[A-Za-z0-9-]+")


@dataclass(frozen=True, eq=False)
class RestAuthorizer:
    """A Lambda authorizer. An identity source is a kind (header, querystring or context) and a name."""

    name: str
    function: Any
    kind: str  # TOKEN or REQUEST
    identity_sources: tuple[tuple[str, str], ...]
    validation: str | None
    result_ttl: int


@dataclass(frozen=True, eq=False)
class RestRoute:
    """A method of a resource; `resource` is the path with its `{parameters}`."""

    method: str
    resource: str
    function: Any
    authorizer: RestAuthorizer | None
    answer: Answer | None = None  # the gateway's own (mock integration)


@dataclass(frozen=True)
class GatewayResponse:
    """A response that the gateway gives by itself. A header is a constant in quotes, or a request or context value."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"message":$context.error.messageString}'


@dataclass(frozen=True)
class RestApi:
    """One REST API with its one stage."""

    api_id: str
    stage: str
    routes: tuple[RestRoute, ...]
    responses: Mapping[str, GatewayResponse]


def rest_apis(
    template: Template, events: Iterable[tuple[Any, Mapping[str, Any]]], function_named: Find
) -> tuple[RestApi, ...]:
    """Every REST API of the template, with the routes that the functions' events of type Api name."""
    found, known = list(events), set()
    apis = []
    for resource in template.resources("AWS::Serverless::Api"):
        api = _api(resource, template, found, function_named)
        known.add(api.api_id)
        apis.append(api)
    for function, event in found:
        if event.get("RestApiId") not in known:
            raise TemplateError(f"{function.logical_id}: the RestApiId of an Api event names no API of this template")
    return tuple(apis)


def _api(
    resource: Resource, template: Template, events: Iterable[tuple[Any, Mapping[str, Any]]], function_named: Find
) -> RestApi:
    where = f"Resources.{resource.logical_id}"
    if "DefinitionUri" in resource.properties:
        raise TemplateError(f"{where}: the local stack does not know DefinitionUri")
    api_id = template.resolve({"Ref": resource.logical_id})
    body = {name: each for name, each in resource.properties.items() if name in ("DefinitionBody", "MergeDefinitions")}
    defined = rest_events(template.resolve(body, f"{where}.DefinitionBody"), api_id, where)
    events = (*events, *((function_named(arn), event) for arn, event in defined))
    auth = template.resolve(resource.properties.get("Auth", {}), f"{where}.Auth")
    authorizers = {name: _authorizer(name, each, function_named) for name, each in auth.get("Authorizers", {}).items()}
    routes = tuple(
        _route(function, event, authorizers, auth.get("DefaultAuthorizer"))
        for function, event in events
        if event.get("RestApiId") == api_id
    )
    cors = template.resolve(resource.properties.get("Cors", False), f"{where}.Cors")
    guard = authorizers.get(auth.get("DefaultAuthorizer") or "")
    if not auth.get("AddDefaultAuthorizerToCorsPreflight", True):
        guard = None
    responses = template.resolve(resource.properties.get("GatewayResponses", {}), f"{where}.GatewayResponses")
    return RestApi(
        api_id=api_id,
        stage=template.resolve(resource.properties["StageName"], f"{where}.StageName"),
        routes=(*routes, *_preflights(cors, routes, guard, where)),
        responses=_responses(responses),
    )


def _authorizer(name: str, definition: Mapping[str, Any], function_named: Find) -> RestAuthorizer:
    kind, identity = definition.get("FunctionPayloadType", "TOKEN"), definition.get("Identity", {})
    if unknown := sorted(set(identity) - _IDENTITY):
        raise TemplateError(f"authorizer {name}: the local stack does not know {', '.join(unknown)} in Identity")
    sources = (
        *(("header", header) for header in identity.get("Headers", [])),
        *(("querystring", parameter) for parameter in identity.get("QueryStrings", [])),
        *(("context", variable) for variable in identity.get("Context", [])),
    )
    if kind == "TOKEN":
        sources = (("header", identity.get("Header", "Authorization")),)
    elif kind != "REQUEST" or not sources:
        raise TemplateError(
            f"authorizer {name}: FunctionPayloadType is {kind}. Use TOKEN, or REQUEST with identity sources."
        )
    return RestAuthorizer(
        name=name,
        function=function_named(definition["FunctionArn"]),
        kind=kind,
        identity_sources=sources,
        validation=identity.get("ValidationExpression"),
        result_ttl=int(identity.get("ReauthorizeEvery", 300)),  # a REST API caches answers by default
    )


def _route(
    function: Any, event: Mapping[str, Any], authorizers: Mapping[str, RestAuthorizer], default: str | None
) -> RestRoute:
    name = event.get("Auth", {}).get("Authorizer", default)
    if name not in (None, "NONE", *authorizers):
        raise TemplateError(f"{function.logical_id}: a route names the authorizer {name}, which its API does not have")
    method = str(event["Method"]).upper()
    return RestRoute("ANY" if method == "*" else method, event["Path"], function, authorizers.get(name or ""))


def _preflights(
    cors: Any, routes: tuple[RestRoute, ...], guard: RestAuthorizer | None, where: str
) -> Iterable[RestRoute]:
    """What SAM's `Cors` adds: OPTIONS on each resource, answered by the gateway, behind the default authorizer."""
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(route.resource, []).append(route.method)
    for resource, own in methods.items() if cors else ():
        if "OPTIONS" not in own:
            yield RestRoute("OPTIONS", resource, None, guard, (200, rest_preflight_headers(cors, own, where), b"{}\n"))


def _responses(given: Mapping[str, Any]) -> dict[str, GatewayResponse]:
    """Those of the template; DEFAULT_4XX and DEFAULT_5XX are for every kind that it does not name."""
    if unknown := sorted(set(given) - KINDS):
        raise TemplateError(f"the local stack does not know the gateway response {', '.join(unknown)}")
    found = {}
    for kind, default in DEFAULTS.items():
        definition = given.get(kind) or given.get("DEFAULT_4XX" if default.status < 500 else "DEFAULT_5XX")
        if definition:
            found[kind] = _response(kind, definition)
    return found


def _response(kind: str, definition: Mapping[str, Any]) -> GatewayResponse:
    headers = definition.get("ResponseParameters", {}).get("Headers", {})
    for name, value in headers.items():
        if not _HEADER_VALUE.fullmatch(value):
            raise TemplateError(
                f"{kind}: header {name} is {value}. Use a constant in quotes, or one value such as context.requestId."
            )
    status = int(definition.get("StatusCode", DEFAULTS[kind].status))
    body = definition.get("ResponseTemplates", {}).get("application/json", GatewayResponse.body)
    return GatewayResponse(status, headers, body)


DEFAULTS = {
    "ACCESS_DENIED": GatewayResponse(403),
    "AUTHORIZER_CONFIGURATION_ERROR": GatewayResponse(500),
    "AUTHORIZER_FAILURE": GatewayResponse(500),
    "INTEGRATION_FAILURE": GatewayResponse(502),
    "INTEGRATION_TIMEOUT": GatewayResponse(504),
    "MISSING_AUTHENTICATION_TOKEN": GatewayResponse(403),
    "REQUEST_TOO_LARGE": GatewayResponse(413),
    "UNAUTHORIZED": GatewayResponse(401),
}
"""The responses that a REST API gives by itself if the template does not change them (Gateway response types)."""

KINDS = frozenset({*DEFAULTS, "DEFAULT_4XX", "DEFAULT_5XX"})
"""The kinds that a template may change here."""
