"""The APIs and routes of a developer's stack: which can be played, and why each other one is refused (AWS SAM)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.definitions import rest_events
from local.own.reading import MISSING, Reading
from local.rest_api import KINDS as RESPONSES
from local.template import TemplateError

KINDS = {"AWS::Serverless::HttpApi": "HttpApi", "AWS::Serverless::Api": "Api"}
API_OF = {"HttpApi": "ApiId", "Api": "RestApiId"}

_PLAYED = {
    "HttpApi": {"Auth", "CorsConfiguration"},
    "Api": {"Auth", "Cors", "GatewayResponses", "StageName"},
}
# They change no answer, or only how many there may be.
_WITHOUT_EFFECT = {
    "HttpApi": {
        "AccessLogSettings",
        "DefaultRouteSettings",
        "Description",
        "DisableExecuteApiEndpoint",
        "FailOnWarnings",
    }
    | {"Name", "PropagateTags", "RouteSettings", "Tags"},
    "Api": {
        "AccessLogSetting",
        "AlwaysDeploy",
        "CacheClusterEnabled",
        "CacheClusterSize",
        "CanarySetting",
        "Description",
    }
    | {
        "DisableExecuteApiEndpoint",
        "EndpointConfiguration",
        "FailOnWarnings",
        "MethodSettings",
        "MinimumCompressionSize",
    }
    | {"Name", "OpenApiVersion", "PropagateTags", "Tags", "TracingEnabled", "AlwaysDeploy"},
}
_INSTEAD = {
    "BinaryMediaTypes": "every body reaches the functions as text",
    "Domain": "call the address that is printed",
    "StageName": "served as its $default stage, so no stage in the path",
    "StageVariables": "the functions see none",
}
_HTTP_IDENTITY = {"Headers", "QueryStrings", "Context", "ReauthorizeEvery"}
_REST_IDENTITY = {"Header", "Headers", "QueryStrings", "Context", "ValidationExpression", "ReauthorizeEvery"}
_HTTP_CONTEXT = {"httpMethod", "path", "routeKey"}


@dataclass
class OwnApi:
    """One API: its properties as they are played, and what keeps its routes from being served."""

    logical_id: str
    kind: str
    api_id: str
    properties: dict[str, Any] = field(default_factory=dict)
    barred: str = ""  # why no route at all may be served
    unplayable: dict[str, str] = field(default_factory=dict)  # by the authorizer's name
    default: str | None = None
    defined: tuple[str, ...] = ()  # the routes that its DefinitionBody names

    def refusal(self, auth: Mapping[str, Any] | None) -> str:
        """Why a route with this `Auth` is refused; empty where it is served."""
        if self.barred:
            return self.barred
        if auth is None:
            return "its Auth cannot be resolved here"
        if guards := sorted({"ApiKeyRequired", "ResourcePolicy", "InvokeRole"} & {k for k, v in auth.items() if v}):
            return f"{guards[0]} is not played"
        name = auth.get("Authorizer", self.default)
        if name in (None, "NONE") or name in self.properties.get("Auth", {}).get("Authorizers", {}):
            return ""
        if name == "AWS_IAM":
            return "the authorizer AWS_IAM is not played"
        return self.unplayable.get(str(name), f"no authorizer is named {name}")


def apis_of(
    reading: Reading, playable: Mapping[str, str], stage: str, documents: frozenset[str] = frozenset()
) -> list[OwnApi]:
    """Every API of the template. `playable` are the ARNs of functions that run here, or empty texts with no reason;
    `documents` are those of Valet's functions that answer an API's metadata, which a DefinitionBody may name.
    """
    found = []
    for resource, properties in reading.resources(*KINDS):
        kind = KINDS[resource.type]
        api = OwnApi(resource.logical_id, kind, reading.template.resolve({"Ref": resource.logical_id}))
        _name_others(api, properties, reading)
        if api.kind == "Api" and "DefinitionBody" in properties:
            _read_definition(api, properties, reading, documents)
        for name in _PLAYED[kind] - {"Auth"}:
            if name in properties:
                value = reading.value(properties[name], f"{api.logical_id}.{name}", "left out")
                if value is not MISSING:
                    api.properties[name] = value
        if unknown := sorted(set(api.properties.get("GatewayResponses", {})) - RESPONSES):
            reading.notices.add(f"{api.logical_id}, gateway response {', '.join(unknown)}", "never answered here")
            for each in unknown:
                del api.properties["GatewayResponses"][each]
        if kind == "Api":
            api.properties["StageName"] = stage or api.properties.get("StageName", "Prod")
        _read_auth(api, properties.get("Auth", {}), reading, playable)
        if api.barred:
            reading.notices.add(api.logical_id, f"{api.barred}; all its routes answer 503")
        found.append(api)
    return found


def _name_others(api: OwnApi, properties: Mapping[str, Any], reading: Reading) -> None:
    for name in properties:
        if name == "DefinitionUri" or (name == "DefinitionBody" and api.kind != "Api"):
            api.barred = f"{name} is not played"
        elif name in ("DefinitionBody", "MergeDefinitions") or (name == "StageName" and properties[name] == "$default"):
            continue
        elif name not in _PLAYED[api.kind] | _WITHOUT_EFFECT[api.kind]:
            reading.notices.add(f"{api.logical_id}: {name}", _INSTEAD.get(name, "not played"))


def _read_definition(api: OwnApi, properties: Mapping[str, Any], reading: Reading, documents: frozenset[str]) -> None:
    """A definition that names nothing but the API's own metadata is played: any other may hold guards."""
    own = {name: properties[name] for name in ("DefinitionBody", "MergeDefinitions") if name in properties}
    resolved = reading.value(own, api.logical_id, "all its routes answer 503")
    try:
        events = list(rest_events({} if resolved is MISSING else resolved, api.api_id, api.logical_id))
    except (TemplateError, AttributeError, TypeError):
        events = []
    is_public = all(event.get("Auth") == {"Authorizer": "NONE"} for _, event in events)
    if not events or not is_public or not {arn for arn, _ in events} <= documents:
        api.barred = "DefinitionBody is not played"
        return
    api.properties.update(resolved)
    api.defined = tuple(f"{str(event['Method']).upper()} {event['Path']}" for _, event in events)


def _read_auth(api: OwnApi, auth: Any, reading: Reading, playable: Mapping[str, str]) -> None:
    where = f"{api.logical_id}.Auth"
    if not isinstance(auth, dict) or "Ref" in auth or any(str(key).startswith("Fn::") for key in auth):
        auth = reading.value(auth, where, "all its routes answer 503")
    if not isinstance(auth, dict):
        api.barred = "its Auth cannot be resolved here"
        return
    default = reading.value(auth.get("DefaultAuthorizer", "NONE"), where, "all its routes answer 503")
    if default is MISSING:
        api.barred = "its DefaultAuthorizer cannot be resolved here"
    api.default = None if default in (MISSING, "NONE") else default
    for guard in ("ApiKeyRequired", "ResourcePolicy", "InvokeRole"):
        if auth.get(guard) and auth[guard] != "NONE":
            api.barred = f"{guard} is not played"
    kept: dict[str, Any] = {}
    for name, definition in (auth.get("Authorizers") or {}).items():
        resolved = reading.value(definition, f"{api.logical_id}, authorizer {name}", "the routes behind it answer 503")
        reason = _why_not(api.kind, resolved, playable)
        if not reason:
            kept[name] = resolved
            continue
        api.unplayable[name] = f"the authorizer {name} is not played: {reason}"
        if resolved is not MISSING:
            reading.notices.add(f"{api.logical_id}, authorizer {name}: {reason}", "the routes behind it answer 503")
    api.properties["Auth"] = {"Authorizers": kept}
    if api.default in kept:
        api.properties["Auth"]["DefaultAuthorizer"] = api.default
    preflights = reading.value(auth.get("AddDefaultAuthorizerToCorsPreflight", True), where, "preflights are guarded")
    api.properties["Auth"]["AddDefaultAuthorizerToCorsPreflight"] = preflights is not False


def _why_not(kind: str, definition: Any, playable: Mapping[str, str]) -> str:
    """Why an authorizer cannot be played; empty where it can."""
    if definition is MISSING or not isinstance(definition, dict):
        return "it cannot be resolved here"
    if "UserPoolArn" in definition:
        return "it asks Cognito"
    if "JwtConfiguration" in definition:
        return "it is API Gateway's own JWT authorizer"
    arn = str(definition.get("FunctionArn"))
    if arn not in playable:
        return "its function is not in this template"
    if reason := playable[arn]:
        return reason
    return _why_not_of(kind, definition, definition.get("Identity") or {})


def _why_not_of(kind: str, definition: Mapping[str, Any], identity: Mapping[str, Any]) -> str:
    """Why a Lambda authorizer cannot be asked as the template says."""
    if unknown := sorted(set(identity) - (_HTTP_IDENTITY if kind == "HttpApi" else _REST_IDENTITY)):
        return f"its Identity has {', '.join(unknown)}"
    if kind == "HttpApi" and (unknown := sorted(set(identity.get("Context", [])) - _HTTP_CONTEXT)):
        return f"its Identity has the context's {', '.join(unknown)}"
    if kind == "HttpApi" and str(definition.get("AuthorizerPayloadFormatVersion")) not in ("1.0", "2.0"):
        return "it needs AuthorizerPayloadFormatVersion 1.0 or 2.0"
    is_request = kind == "Api" and definition.get("FunctionPayloadType", "TOKEN") == "REQUEST"
    if is_request and not any(identity.get(each) for each in ("Headers", "QueryStrings", "Context")):
        return "a REQUEST authorizer needs identity sources"
    return ""
