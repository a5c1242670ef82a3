"""Custom resources, created as CloudFormation creates them (CloudFormation User Guide, "Custom resources").

The function is invoked with a Create event and answers by a PUT to the event's ResponseURL, which is
an address of the local stack. CloudFormation ignores what the function returns.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.functions import FunctionFailed, Functions
from local.system import System
from local.template import Resource, Template, TemplateError

PATH = "/cloudformation-response/"
_LARGEST_ANSWER = 4096  # bytes, CloudFormation's limit


class CustomResources:
    """Invokes the functions behind custom resources, and receives their answers on a path of the AWS door."""

    def __init__(self, functions: Functions, door_url: str) -> None:
        self._functions = functions
        self._door_url = door_url
        self._lock = threading.Lock()
        self._answers: dict[str, bytes | None] = {}

    def create(self, template: Template, system: System, resources: Resources) -> None:
        """Create every custom resource of the template. If one fails, the stack fails."""
        for resource in template.resources():
            if resource.type.startswith("Custom::"):
                answer = self._create(resource, template, system)
                resources.learn(
                    resource.logical_id, {"Ref": answer["PhysicalResourceId"], **(answer.get("Data") or {})}
                )

    def _create(self, resource: Resource, template: Template, system: System) -> dict[str, Any]:
        properties = template.resolve(resource.properties, f"Resources.{resource.logical_id}")
        token = secrets.token_urlsafe(16)
        with self._lock:
            self._answers[token] = None
        event = {
            "RequestType": "Create",
            "ServiceToken": properties["ServiceToken"],
            "ResponseURL": f"{self._door_url}{PATH}{token}",
            "StackId": PSEUDO_PARAMETERS["AWS::StackId"],
            "RequestId": token,
            "LogicalResourceId": resource.logical_id,
            "ResourceType": resource.type,
            "ResourceProperties": properties,
        }
        with suppress(FunctionFailed):  # CloudFormation waits for the ResponseURL, whatever the invocation returns
            self._functions.invoke(system.function_named(properties["ServiceToken"]), event)
        with self._lock:
            body = self._answers.pop(token)
        if body is None:
            raise TemplateError(f"{resource.logical_id}: the function sent no answer to the ResponseURL")
        answer = json.loads(body)
        for name in ("StackId", "RequestId", "LogicalResourceId"):
            if answer.get(name) != event[name]:
                raise TemplateError(f"{resource.logical_id}: the function's answer has another {name} than the event")
        if answer.get("Status") != "SUCCESS" or not answer.get("PhysicalResourceId"):
            raise TemplateError(
                f"{resource.logical_id} could not be created: {answer.get('Reason', 'no reason given')}"
            )
        return dict(answer)

    def receive(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Take an answer: the WSGI application behind ResponseURL."""
        token = environ["PATH_INFO"].removeprefix(PATH)
        body = environ["wsgi.input"].read()
        with self._lock:
            expected = environ["REQUEST_METHOD"] == "PUT" and token in self._answers and len(body) <= _LARGEST_ANSWER
            if expected:
                self._answers[token] = body
        start_response("200 OK" if expected else "403 Forbidden", [("Content-Length", "0")])
        return []
