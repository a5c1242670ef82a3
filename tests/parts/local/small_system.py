"""A system of a few lines, for tests of the gateway: a template, functions, and requests to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.functions import Functions
from local.gateway.authorizers import HttpApiAuthorizers
from local.gateway.gateway import Gateway
from local.gateway.http_events import HttpRequest, HttpResponse
from local.system import System, system_from_template
from local.template import Template, load

ECHO = """\
import json

events = []

def handler(event, context):
    events.append(event)
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(event)}
"""


@dataclass
class SmallSystem:
    """The gateway and the modules behind it."""

    system: System
    functions: Functions
    authorizers: HttpApiAuthorizers
    gateway: Gateway
    now: list[float]

    def send(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        request = HttpRequest(method, target, headers or {}, body, "203.0.113.7")
        return self.gateway.answer(request)[0]

    def event(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
        """The event that an echoing function was called with."""
        response = self.send(method, target, headers, body)
        assert response.status == 200, response
        return json.loads(response.body)


def small_system(folder: Path, template: str, **functions: str) -> SmallSystem:
    """A system whose functions are named after their folders; each is the text of an app.py."""
    (folder / "template.yaml").write_text(template, encoding="utf-8")
    for name, text in functions.items():
        (folder / "functions" / name).mkdir(parents=True)
        (folder / "functions" / name / "app.py").write_text(text, encoding="utf-8")
    document = load(folder / "template.yaml")
    system = system_from_template(Template(document, {}, PSEUDO_PARAMETERS, Resources(document)), folder)
    loaded = Functions(system.functions)
    now = [1000.0]
    authorizers = HttpApiAuthorizers(loaded, lambda: now[0])
    return SmallSystem(system, loaded, authorizers, Gateway(system, loaded, authorizers), now)
