"""Other teams' stacks next to Valet's: the examples of docs/examples, with the authorizer's template nested in them.

Their REST APIs are served on Valet's own origin, below their stages (http://127.0.0.1:3000/v1/items), and trust the
local issuer.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.functions import Crash, Functions
from local.gateway.http_events import HttpRequest, HttpResponse
from local.gateway.rest_gateway import RestGateway
from local.own.functions import OwnFunctions
from local.own.process import Code
from local.system import Function, System, system_from_template
from local.template import Template, TemplateError, as_text, load

EXAMPLE = Path("docs/examples/rest-api.yaml")
STAGE = "v1"
MCP_EXAMPLE = Path("docs/examples/mcp-server.yaml")
MCP_STAGE = "tools"
MCP_SERVER = "ServerFunction"
MCP_PACKAGE = "mcp"
WELL_KNOWN = ".well-known/oauth-protected-resource"


class Beside(Protocol):
    """A stack next to Valet's, as the front door asks it."""

    def answer(self, request: HttpRequest) -> tuple[HttpResponse, str | None] | None:
        """The response and the function that gave it; None if the path is not this stack's."""

    def forget(self) -> None:
        """Empties the gateway's cache."""

    def stop(self) -> None:
        """Ends what the stack has started."""


def stacks_beside(root: Path, url: str, on_crash: Callable[[Crash], None]) -> tuple[Beside, ...]:
    """The examples' stacks; empty if `root` has no examples."""
    found: list[Beside] = []
    if (root / EXAMPLE).is_file():
        found.append(_rest_api(root, url, on_crash))
    if (root / MCP_EXAMPLE).is_file():
        found.append(McpServer(root, url, on_crash))
    return tuple(found)


def _rest_api(root: Path, url: str, on_crash: Callable[[Crash], None]) -> RestGateway:
    metadata = f"{url}/{STAGE}/{WELL_KNOWN}"
    parameters = {"Issuer": url, "Audience": f"{url}/api", "MetadataUrl": metadata, "Stage": STAGE}
    parameters["PublicUrl"] = f"{url}/{STAGE}"
    system = system_from_file(root / EXAMPLE, parameters)
    return RestGateway(system.rest_apis, Functions(system.functions, on_crash, "beside"))


class McpServer:
    """The MCP server's stack, read when it is asked first. The server runs in a process of its own, because it takes a
    second to import the packages that it needs.
    """

    def __init__(self, root: Path, url: str, on_crash: Callable[[Crash], None], scopes: str = "all") -> None:
        """`scopes` is the template's parameter Scopes."""
        self._root, self._url, self._on_crash, self._scopes = root, url, on_crash, scopes
        self._lock = threading.Lock()
        self._gateway: RestGateway | None = None
        self._functions: OwnFunctions | None = None

    def answer(self, request: HttpRequest) -> tuple[HttpResponse, str | None] | None:
        if request.target.startswith(f"/{WELL_KNOWN}/{MCP_STAGE}/"):
            # Clients that pass over the challenge look there, at the root of the host (RFC 9728 §3.1).
            request = replace(request, target=f"/{MCP_STAGE}{request.target}")
        path = request.target.partition("?")[0]
        if path != f"/{MCP_STAGE}" and not path.startswith(f"/{MCP_STAGE}/"):
            return None
        with self._lock:
            gateway = self._gateway = self._gateway or self._read()
        return gateway.answer(request)

    def forget(self) -> None:
        if self._gateway is not None:
            self._gateway.forget()

    def stop(self) -> None:
        with self._lock:
            if self._functions is not None:
                self._functions.stop()

    def _read(self) -> RestGateway:
        base, path = f"{self._url}/{MCP_STAGE}", self._root / MCP_EXAMPLE
        parameters = {"Issuer": self._url, "Audience": f"{base}/mcp", "MetadataUrl": f"{base}/{WELL_KNOWN}"}
        parameters |= {"Stage": MCP_STAGE, "PublicUrl": base, "Scopes": self._scopes}
        system = system_from_file(path, parameters)
        nested = {name: function for name, function in system.functions.items() if name != MCP_SERVER}
        loaded = Functions(nested, self._on_crash, "beside.tools")
        code = {MCP_SERVER: Code(sys.executable, (system.functions[MCP_SERVER].folder,), {})}
        refused = {}
        if importlib.util.find_spec(MCP_PACKAGE) is None:
            refused[MCP_SERVER] = f"the Python package {MCP_PACKAGE} is not installed: `make run` installs it"
        self._functions = OwnFunctions(code, dict.fromkeys(nested, loaded), refused, _print_line)
        return RestGateway(system.rest_apis, self._functions)


def _print_line(function: str, line: str) -> None:
    print(f"{function}: {line}")


def system_from_file(path: Path, parameters: Mapping[str, str]) -> System:
    """A stack that has only functions and APIs, its nested stacks included."""
    document = load(path)
    known = Resources(document)
    template = Template(document, parameters, PSEUDO_PARAMETERS, known)
    return system_from_template(template, path.parent, _nested(template, path.parent, known))


def _nested(template: Template, folder: Path, known: Resources) -> dict[str, Function]:
    """The functions of every nested stack. Adds the outputs of each to `known`."""
    functions: dict[str, Function] = {}
    for resource in template.resources("AWS::Serverless::Application"):
        where = f"Resources.{resource.logical_id}"
        given = template.resolve(resource.properties.get("Parameters", {}), where)
        path = folder / template.resolve(resource.properties["Location"], where)
        document = load(path)
        inner = Template(
            document, {name: as_text(each) for name, each in given.items()}, PSEUDO_PARAMETERS, Resources(document)
        )
        system = system_from_template(inner, path.parent)
        if repeated := set(functions) & set(system.functions):
            raise TemplateError(f"{where}: another nested stack already has {', '.join(sorted(repeated))}: rename it")
        functions.update(system.functions)
        outputs = document.get("Outputs", {}).items()
        known.learn(resource.logical_id, {f"Outputs.{name}": inner.resolve(each["Value"]) for name, each in outputs})
    return functions
