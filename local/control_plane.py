"""The stack and its functions as AWS tells of them: CloudFormation, Lambda and API Gateway, for who operates the stack.

moto has none of the three here, since nothing was deployed by them. Answered is what the operator's command line asks,
from template.yaml, so that it works alike on both; all else is moto's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from local.functions import EventTooLarge, FunctionFailed, Functions, FunctionTimedOut
from local.resources import PSEUDO_PARAMETERS, STACK, Resources
from local.system import Authorizer, Function, System
from local.template import Template

_FUNCTION = re.compile(r"/2015-03-31/functions/([^/]+)/(configuration|invocations)")
_AUTHORIZERS = re.compile(r"/v2/apis/([^/]+)/authorizers")
_LIVING = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::Serverless::Function",
    "AWS::Serverless::HttpApi",
)
_DEPLOYED_AS = {
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::HttpApi": "AWS::ApiGatewayV2::Api",
}
_JSON, _XML = "application/json", "text/xml"

Reply = tuple[int, str, str, Mapping[str, str]]  # status, content type, body, more headers


class ControlPlane:
    """What CloudFormation, Lambda and API Gateway say of this stack."""

    def __init__(self, template: Template, resources: Resources, system: System, functions: Functions) -> None:
        self._template = template
        self._resources = resources
        self._system = system
        self._functions = functions

    def is_asked(self, environ: Mapping[str, Any]) -> bool:
        path = environ["PATH_INFO"]
        return (
            "/cloudformation/aws4_request" in environ.get("HTTP_AUTHORIZATION", "")
            or _FUNCTION.fullmatch(path) is not None
            or _AUTHORIZERS.fullmatch(path) is not None
        )

    def answer(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI side of all three."""
        status, content_type, body, headers = self._reply(environ)
        content = body.encode()
        fields = {"Content-Type": content_type, "Content-Length": str(len(content)), **headers}
        start_response(f"{status} {'OK' if status < 400 else 'Refused'}", list(fields.items()))
        return [content]

    def _reply(self, environ: Mapping[str, Any]) -> Reply:
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        if found := _FUNCTION.fullmatch(path):
            return self._lambda(unquote(found[1]), found[2], body)
        if found := _AUTHORIZERS.fullmatch(path):
            return self._authorizers(found[1])
        return self._cloudformation(dict(parse_qsl(body.decode())))

    # -- Lambda --------------------------------------------------------------------------------------------------------

    def _lambda(self, name: str, deed: str, body: bytes) -> Reply:
        function = next((each for each in self._system.functions.values() if name in (each.name, each.arn)), None)
        if function is None:
            return _refused_json(404, "ResourceNotFoundException", f"Function not found: {name}")
        if deed == "configuration":
            return 200, _JSON, json.dumps(_configuration(function)), {}
        try:
            return 200, _JSON, json.dumps(self._functions.invoke(function, json.loads(body or b"{}"))), {}
        except FunctionFailed as failed:
            error = {"errorType": failed.error_type, "errorMessage": failed.error_message}
        except FunctionTimedOut as timed_out:
            error = {"errorType": "Sandbox.Timedout", "errorMessage": str(timed_out)}
        except (ValueError, EventTooLarge) as wrong:
            return _refused_json(400, "InvalidRequestContentException", str(wrong))
        return 200, _JSON, json.dumps(error), {"X-Amz-Function-Error": "Unhandled"}

    # -- API Gateway ---------------------------------------------------------------------------------------------------

    def _authorizers(self, api_id: str) -> Reply:
        for api in self._system.apis:
            if api.api_id == api_id:
                found = {route.authorizer.name: route.authorizer for route in api.routes if route.authorizer}
                return 200, _JSON, json.dumps({"items": [_authorizer(each) for each in found.values()]}), {}
        return _refused_json(404, "NotFoundException", f"Invalid API identifier specified {api_id}")

    # -- CloudFormation ------------------------------------------------------------------------------------------------

    def _cloudformation(self, form: Mapping[str, str]) -> Reply:
        name = form.get("StackName", STACK)
        if name not in (STACK, PSEUDO_PARAMETERS["AWS::StackId"]):
            return _refused_xml("ValidationError", f"Stack with id {name} does not exist")
        match form.get("Action"):
            case "DescribeStacks":
                return _answered("DescribeStacks", _member("Stacks", [self._stack()]))
            case "ListStackResources":
                return _answered("ListStackResources", _member("StackResourceSummaries", self._living()))
        return _refused_xml("InvalidAction", "The local stack answers DescribeStacks and ListStackResources only.")

    def _stack(self) -> str:
        outputs = [
            _element("OutputKey", name) + _element("OutputValue", str(self._template.resolve(output["Value"], name)))
            for name, output in self._template.document.get("Outputs", {}).items()
            if "Condition" not in output or self._template.condition(output["Condition"])
        ]
        parameters = [
            _element("ParameterKey", name) + _element("ParameterValue", str(self._template.resolve({"Ref": name})))
            for name in self._template.document.get("Parameters", {})
        ]
        return (
            _element("StackName", STACK)
            + _element("StackId", PSEUDO_PARAMETERS["AWS::StackId"])
            + _element("StackStatus", "CREATE_COMPLETE")
            + _element("CreationTime", "2000-01-01T00:00:00Z")
            + _member("Parameters", parameters)
            + _member("Outputs", outputs)
        )

    def _living(self) -> list[str]:
        """The resources that exist here; alarms and roles do not."""
        return [
            _element("LogicalResourceId", resource.logical_id)
            + _element("PhysicalResourceId", self._resources.ref(resource.logical_id))
            + _element("ResourceType", _DEPLOYED_AS.get(resource.type, resource.type))
            + _element("ResourceStatus", "CREATE_COMPLETE")
            + _element("LastUpdatedTimestamp", "2000-01-01T00:00:00Z")
            for resource in self._template.resources()
            if resource.type in _LIVING
        ]


def _configuration(function: Function) -> dict[str, Any]:
    return {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Handler": function.handler,
        "Timeout": int(function.timeout),
        "MemorySize": function.memory,
        "Environment": {"Variables": dict(function.environment)},
    }


def _authorizer(authorizer: Authorizer) -> dict[str, Any]:
    return {
        "authorizerId": authorizer.name,
        "name": authorizer.name,
        "authorizerType": "REQUEST",
        "authorizerResultTtlInSeconds": authorizer.result_ttl,
        "identitySource": list(authorizer.identity_sources),
    }


def _refused_json(status: int, code: str, message: str) -> Reply:
    return status, _JSON, json.dumps({"message": message}), {"X-Amzn-ErrorType": code}


def _refused_xml(code: str, message: str) -> Reply:
    error = _element("Type", "Sender") + _element("Code", code) + _element("Message", message)
    return 400, _XML, f"<ErrorResponse><Error>{error}</Error></ErrorResponse>", {}


def _answered(action: str, result: str) -> Reply:
    return 200, _XML, f"<{action}Response><{action}Result>{result}</{action}Result></{action}Response>", {}


def _element(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"


def _member(name: str, members: Iterable[str]) -> str:
    """A list of members that are XML already."""
    return f"<{name}>" + "".join(f"<member>{member}</member>" for member in members) + f"</{name}>"
