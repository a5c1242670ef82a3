"""Routes that a template names outside of its functions' events, where the functions are those of a nested stack.

A REST API names them in an OpenAPI document (DefinitionBody, with MergeDefinitions), an HTTP API by resources of their
own (AWS::ApiGatewayV2::Route). Each is read as the event that a function of the template would have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.template import Resource, Template, TemplateError

_INVOKED = re.compile(r"arn:[a-z-]+:apigateway:[^:]*:lambda:path/2015-03-31/functions/(?P<arn>.+)/invocations")
_INTEGRATION = "x-amazon-apigateway-integration"
_ANY = "x-amazon-apigateway-any-method"

# Anything else may be a guard, such as a resource policy or an API key.
_BODY = frozenset({"openapi", "swagger", "info", "paths"})
_OPERATION = frozenset({"security", _INTEGRATION, "responses", "summary", "description"})

Event = tuple[str, dict[str, Any]]
"""The ARN of the function, and the properties of its event."""


def rest_events(properties: Mapping[str, Any], api_id: str, where: str) -> Iterator[Event]:
    """The routes of a REST API's DefinitionBody, which is resolved already. Raises TemplateError for anything but
    Lambda proxy integrations with one authorizer, NONE, or the default one.
    """
    body = properties.get("DefinitionBody")
    if body is None:
        return
    if properties.get("MergeDefinitions") is not True:
        raise TemplateError(f"{where}: the local stack plays a DefinitionBody only with MergeDefinitions: true")
    if others := sorted(body.keys() - _BODY):
        raise TemplateError(f"{where}: the local stack does not know {', '.join(others)} in DefinitionBody")
    for path, methods in body.get("paths", {}).items():
        for method, operation in methods.items():
            route = f"{where}: {method.upper()} {path} in DefinitionBody"
            if unknown := sorted(operation.keys() - _OPERATION):
                raise TemplateError(f"{route}: the local stack does not know {', '.join(unknown)}")
            integration = operation.get(_INTEGRATION, {})
            found = _INVOKED.fullmatch(str(integration.get("uri")))
            if integration.get("type") != "aws_proxy" or found is None:
                raise TemplateError(f"{route} has no Lambda proxy integration, and the local stack plays no other")
            event = {"RestApiId": api_id, "Method": "ANY" if method == _ANY else method, "Path": path}
            yield found["arn"], {**event, **_auth(operation.get("security"), route)}


def _auth(security: Any, route: str) -> dict[str, Any]:
    if security is None:
        return {}
    if not isinstance(security, list) or len(security) != 1 or len(security[0]) != 1:
        raise TemplateError(f"{route} needs one authorizer, NONE, or none for the default one")
    return {"Auth": {"Authorizer": next(iter(security[0]))}}


def http_events(template: Template) -> Iterator[Event]:
    """The routes of HTTP APIs that are resources of their own. Raises TemplateError, as `http_event` does."""
    for resource in template.resources("AWS::ApiGatewayV2::Route"):
        yield http_event(template, resource)


def http_event(template: Template, resource: Resource) -> Event:
    """The event of a route that is a resource. Raises TemplateError for anything but a Lambda proxy integration without
    an authorizer.
    """
    where = f"Resources.{resource.logical_id}"
    route = template.resolve(resource.properties, where)
    if unknown := sorted(route.keys() - {"ApiId", "RouteKey", "Target", "AuthorizationType", "OperationName"}):
        raise TemplateError(f"{where}: the local stack does not know {', '.join(unknown)}")
    if route.get("AuthorizationType", "NONE") != "NONE":
        raise TemplateError(f"{where}: the local stack plays such a route only without an authorizer")
    integration = _integration(template, route, where)
    method, _, path = str(route["RouteKey"]).partition(" ")
    event = {"ApiId": route["ApiId"], "Method": method, "Path": path} if path else {"ApiId": route["ApiId"]}
    payload = str(integration.get("PayloadFormatVersion", "1.0"))
    return integration["IntegrationUri"], {**event, "PayloadFormatVersion": payload, "Auth": {"Authorizer": "NONE"}}


def _integration(template: Template, route: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    for each in template.resources("AWS::ApiGatewayV2::Integration"):
        if route.get("Target") == f"integrations/{template.resolve({'Ref': each.logical_id})}":
            found: Mapping[str, Any] = template.resolve(each.properties, f"Resources.{each.logical_id}")
            if found.get("IntegrationType") == "AWS_PROXY" and "IntegrationUri" in found:
                return found
    raise TemplateError(f"{where}: its Target is no Lambda proxy integration of this template")
