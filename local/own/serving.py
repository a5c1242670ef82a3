"""The APIs of the developer's stacks, each on a port of its own, read anew when their templates change."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local.functions import Crash
from local.gateway.authorizers import HttpApiAuthorizers
from local.gateway.gateway import Gateway, Served
from local.gateway.http_events import HttpRequest, HttpResponse, message
from local.gateway.rest_gateway import RestGateway
from local.own.choices import Choices
from local.own.functions import OnLine, OwnFunctions
from local.own.plan import Plan, plan
from local.own.sources import Fingerprint, fingerprint
from local.server import HOST, PortTaken, Server, listen
from local.system import System
from local.template import TemplateError

_THREADS = 32
_TRIED_PORTS = 100
_NAMES = frozenset({"localhost", "host.docker.internal"})


@dataclass(frozen=True)
class Events:
    """What is told to the console."""

    on_served: Callable[[Served], None] = lambda served: None
    on_line: OnLine = lambda function, line: None
    on_crash: Callable[[Crash], None] = lambda crash: None
    on_read: Callable[[OwnStack], None] = lambda stack: None
    on_wrong: Callable[[Path, str], None] = lambda path, error: None


@dataclass
class OwnStack:
    """One template: how it is played now, and the addresses of its APIs by their logical ids."""

    plan: Plan
    functions: OwnFunctions
    gateways: Mapping[str, Gateway]
    version: Fingerprint
    urls: dict[str, str] = field(default_factory=dict)


class OwnStacks:
    """All of them. `issuer` is the local stack; ports are taken from `first_port` on, or any free ones if it is 0."""

    def __init__(self, choices: Choices, root: Path, issuer: str, first_port: int, events: Events) -> None:
        self._choices, self._root, self._issuer, self._events = choices, root, issuer, events
        self._next_port = first_port
        self._lock = threading.Lock()
        self._servers: list[Server] = []
        self.stacks: list[OwnStack] = []

    def start(self, on_planned: Callable[[Plan], None] = lambda plan: None) -> None:
        """Reads every template, then serves their APIs. Raises TemplateError, which begins with the file's name."""
        for path in self._choices.templates:
            try:
                stack = self._read(path)
            except TemplateError as error:
                raise TemplateError(f"{path}: {error}") from None
            self.stacks.append(stack)
            on_planned(stack.plan)
            self._serve(stack)

    def stop(self) -> None:
        for server in self._servers:
            server.stop()
        for stack in self.stacks:
            stack.functions.stop()

    def _read(self, path: Path) -> OwnStack:
        version = fingerprint(self._files_of(path))
        played = plan(path, self._choices, self._root, self._issuer, self._events.on_crash)
        authorizers = {each.logical_id: valet.functions for valet in played.valets.values() for each in valet.played}
        functions = OwnFunctions(played.code, authorizers, played.refused, self._events.on_line)
        return OwnStack(played, functions, _gateways(played, functions, self._events.on_served), version)

    def _files_of(self, path: Path) -> list[Path]:
        variables = [self._choices.variables] if self._choices.variables else []
        return [path, path.parent / "samconfig.toml", *variables]

    def _serve(self, stack: OwnStack) -> None:
        for logical_id in stack.gateways:
            if logical_id not in stack.urls:
                listener = self._listen()
                stack.urls[logical_id] = f"http://{HOST}:{listener.getsockname()[1]}"
                server = Server(listener, _OwnApi(self, stack, logical_id), threads=_THREADS)
                server.start()
                self._servers.append(server)
        stages = {stack.plan.titles[rest.api_id]: f"/{rest.stage}" for rest in stack.plan.system.rest_apis}
        addresses = tuple(f"{url}{stages.get(name, '')}" for name, url in stack.urls.items())
        for valet in stack.plan.valets.values():
            valet.learn(addresses)

    def _listen(self) -> Any:
        if not self._next_port:
            return listen(0)
        for port in range(self._next_port, min(self._next_port + _TRIED_PORTS, 65536)):
            try:
                listener = listen(port)
            except PortTaken:
                continue
            self._next_port = port + 1
            return listener
        raise PortTaken(f"no port is free from {self._next_port} on. Choose another PORT.")

    def refresh(self, stack: OwnStack) -> None:
        """Reads the template again if it has changed. While it is wrong, the one before is played on."""
        with self._lock:
            version = fingerprint(self._files_of(stack.plan.path))
            if version == stack.version:
                return
            stack.version = version
            try:
                read = self._read(stack.plan.path)
            except TemplateError as error:
                self._events.on_wrong(stack.plan.path, str(error))
                return
            before = stack.functions
            stack.plan, stack.functions, stack.gateways = read.plan, read.functions, read.gateways
            before.stop()
            self._serve(stack)
            self._events.on_read(stack)


class _OwnApi:
    """The WSGI application on one port: the API as its template describes it at this moment."""

    def __init__(self, stacks: OwnStacks, stack: OwnStack, logical_id: str) -> None:
        self._stacks, self._stack, self._logical_id = stacks, stack, logical_id

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _is_own_host(environ.get("HTTP_HOST", "")):
            # A name that resolves to this machine may be another site's (DNS rebinding). API Gateway also answers
            # 403 to a Host that is none of the API's.
            return _answer(message(403, "Forbidden"), start_response)
        self._stacks.refresh(self._stack)
        gateway = self._stack.gateways.get(self._logical_id)
        if gateway is None:
            return _answer(message(404, "Not Found"), start_response)
        return gateway(environ, start_response)


def _is_own_host(host: str) -> bool:
    """A rebound address is reached by a name, so an address and the names of this machine are the API's own."""
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.lower() in _NAMES or name.lower().endswith(".localhost")
    return True


def _answer(response: HttpResponse, start_response: Any) -> Iterable[bytes]:
    start_response(f"{response.status} Refused", [*response.headers, ("content-length", str(len(response.body)))])
    return [response.body]


def _gateways(played: Plan, functions: OwnFunctions, on_served: Callable[[Served], None]) -> dict[str, Gateway]:
    """A gateway for each API: each has an origin of its own, as at AWS."""
    gateways = {}
    for api in played.system.apis:
        own = System(played.system.functions, (api,))
        authorizers = HttpApiAuthorizers(functions)
        gateways[api.logical_id] = Gateway(own, functions, authorizers, on_served=on_served, infers=True)
    for rest in played.system.rest_apis:
        found = (RestGateway((rest,), functions),)
        gateways[played.titles[rest.api_id]] = Gateway(
            System(played.system.functions),
            functions,
            HttpApiAuthorizers(functions),
            fallback=_no_stage,
            on_served=on_served,
            rest=found,
        )
    return gateways


def _no_stage(request: HttpRequest) -> HttpResponse:
    """What a REST API answers where the path does not begin with its stage."""
    return replace(message(403, "Forbidden"))
