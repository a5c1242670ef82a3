"""The operations of CloudFormation, Lambda and API Gateway that the operator's command line calls.

moto knows nothing of this stack in these three services, since they did not deploy it. The answers come from
template.yaml, so the command line works the same way here and on AWS. Every other operation is refused, and moto is
never asked: its CloudFormation and its Lambda would make the machine's Docker run an image.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from valet.aws.reply import Reply as AwsReply

from local.aws.door import Application
from local.aws.resources import PSEUDO_PARAMETERS, STACK, Resources
from local.functions import EventTooLarge, FunctionFailed, Functions, FunctionTimedOut
from local.system import Authorizer, Function, System
from local.template import Template

_FUNCTION = re.compile(r"/2015-03-31/functions/([^/]+)/(configuration|invocations)")
_AUTHORIZERS = re.compile(r"/v2/apis/([^/]+)/authorizers")
_METHODS = {"configuration": "GET", "invocations": "POST"}
_LIVING = (
    "AWS::DynamoDB::Table",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::SQS::Queue",
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
    """Answers for CloudFormation, Lambda and API Gateway about this stack."""

    def __init__(self, template: Template, resources: Resources, system: System, functions: Functions) -> None:
        self._template = template
        self._resources = resources
        self._system = system
        self._functions = functions

    def services(self) -> dict[str, Application]:
        """A WSGI application for each of the three, by its name in a signature's scope."""
        asked = {"cloudformation": self._cloudformation, "lambda": self._lambda, "apigateway": self._api_gateway}
        return {service: partial(_answer, replies) for service, replies in asked.items()}

    # -- Lambda --------------------------------------------------------------------------------------------------------

    def _lambda(self, method: str, path: str, body: bytes) -> Reply:
        found = _FUNCTION.fullmatch(path)
        if found is None or method != _METHODS[found[2]]:
            return _refused_json(400, "InvalidAction", "The local stack answers Invoke and GetFunctionConfiguration.")
        name, deed = unquote(found[1]), found[2]
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

    def invoked(self, path: str, body: bytes) -> AwsReply:
        """The answer to a function of this process that invokes another one."""
        status, content_type, answer, headers = self._lambda("POST", path, body)
        named = {name.lower(): value for name, value in headers.items()}
        return AwsReply(status, {"content-type": content_type, **named}, answer.encode())

    # -- API Gateway ---------------------------------------------------------------------------------------------------

    def _api_gateway(self, method: str, path: str, body: bytes) -> Reply:
        found = _AUTHORIZERS.fullmatch(path)
        if found is None or method != "GET":
            return _refused_json(400, "InvalidAction", "The local stack answers GetAuthorizers only.")
        api_id = found[1]
        for api in self._system.apis:
            if api.api_id == api_id:
                named = {route.authorizer.name: route.authorizer for route in api.routes if route.authorizer}
                return 200, _JSON, json.dumps({"items": [_authorizer(each) for each in named.values()]}), {}
        return _refused_json(404, "NotFoundException", f"Invalid API identifier specified {api_id}")

    # -- CloudFormation ------------------------------------------------------------------------------------------------

    def _cloudformation(self, method: str, path: str, body: bytes) -> Reply:
        form = dict(parse_qsl(body.decode(errors="replace"))) if (method, path) == ("POST", "/") else {}
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
        """The resources that the local stack creates; alarms and roles are not among them."""
        return [
            _element("LogicalResourceId", resource.logical_id)
            + _element("PhysicalResourceId", self._resources.ref(resource.logical_id))
            + _element("ResourceType", _DEPLOYED_AS.get(resource.type, resource.type))
            + _element("ResourceStatus", "CREATE_COMPLETE")
            + _element("LastUpdatedTimestamp", "2000-01-01T00:00:00Z")
            for resource in self._template.resources()
            if resource.type in _LIVING
        ]


def _answer(
    replies: Callable[[str, str, bytes], Reply], environ: Mapping[str, Any], start_response: Any
) -> Iterable[bytes]:
    status, content_type, body, headers = replies(
        environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["wsgi.input"].read()
    )
    content = body.encode()
    fields = {"Content-Type": content_type, "Content-Length": str(len(content)), **headers}
    start_response(f"{status} {'OK' if status < 400 else 'Refused'}", list(fields.items()))
    return [content]


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
