"""The local stack, put together: emulated AWS, everything in template.yaml, the demo data, two HTTP servers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Any

from local import custom_resources, template
from local.aws import resources, ses
from local.aws.aws import ACCOUNT, REGION, EmulatedAws, emulated
from local.aws.door import Door
from local.beside import Beside, stacks_beside
from local.control_plane import ControlPlane
from local.demo_page import DemoPage
from local.front_door import FrontDoor
from local.function_logs import FunctionLogs
from local.functions import Crash, Functions
from local.gateway.authorizers import HttpApiAuthorizers
from local.gateway.gateway import Gateway, Served
from local.mail_page import MailPage
from local.queues import Delivery, readers_from_template
from local.seeded import Seeded
from local.server import HOST, PortTaken, Server, listen
from local.system import System, system_from_template
from local.this_machine import reach_this_machine

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PORT = 3000


@dataclass(frozen=True)
class Ports:
    """Two listening sockets: the front door's and AWS's."""

    front: socket
    aws: socket

    @classmethod
    def open(cls, port: int, aws_port: int | None = None) -> Ports:
        """Open both ports. If `aws_port` is not given, AWS listens on the next one."""
        front = _listen(port, "PORT")
        try:
            aws = _listen(aws_port if aws_port is not None else (port and port + 1), "AWS_PORT")
        except PortTaken:
            front.close()
            raise
        return cls(front, aws)


@dataclass(frozen=True)
class LocalStack:
    """A running stack. A process can have only one, because the functions share the process's environment."""

    url: str
    aws_url: str
    aws: EmulatedAws
    system: System
    functions: Functions
    gateway: Gateway
    authorizers: HttpApiAuthorizers
    tables: Mapping[str, str]
    snapshot: Mapping[str, Any]
    seeded: Seeded
    servers: tuple[Server, ...]
    beside: tuple[Beside, ...]
    function_logs: FunctionLogs
    delivery: Delivery

    @property
    def issuer(self) -> str:
        return self.url

    @property
    def audience(self) -> str:
        """The demo API's identifier."""
        return f"{self.issuer}/api"

    def invoke(self, name: str, event: Mapping[str, Any]) -> Any:
        """The answer of the function in functions/<name>, invoked directly, as `sam local invoke` does."""
        for function in self.system.functions.values():
            if function.folder.name == name:
                return self.functions.invoke(function, event)
        raise KeyError(name)

    def reset(self) -> None:
        """Restore the demo data of the start, and make every port behind the functions anew.

        Status lists are kept: while a resource server holds a list with a bit set, its index may not be used again.
        """
        self.aws.restore(dict(self.snapshot), keep=("lease#", "status#"))
        self.aws.queues.clear()
        self.aws.queues.copies = 1
        self.aws.mailbox.clear()
        self.authorizers.forget()
        for each in self.beside:
            each.forget()
        self.forget()

    def forget(self, **kept: Any) -> None:
        """Drop the functions' caches: each port behind them is made anew on its next use, except those in `kept`."""
        from valet.server import SERVER

        vars(SERVER).clear()
        vars(SERVER).update(kept)

    def stop(self) -> None:
        self.delivery.stop()
        for server in self.servers:
            server.stop()
        for each in self.beside:
            each.stop()


def start(
    ports: Ports,
    parameters: Mapping[str, str] | None = None,
    root: Path = ROOT,
    seed: Callable[[str, Mapping[str, str]], Seeded] | None = None,
    on_served: Callable[[Served], None] = lambda served: None,
    on_crash: Callable[[Crash], None] = lambda crash: None,
    function_logs: FunctionLogs | None = None,
    say: Callable[[str], None] = lambda sentence: None,
    host: str = HOST,
) -> LocalStack:
    """Start a stack from `root`'s template.yaml. Seed it by `seed`, if given, and else with the demo data.

    The caller passes each line that the functions print to `function_logs`. `say`: called with a sentence for the
    developer who uses another address than the issuer's. `host`: the issuer's name for this machine.
    """
    url = f"http://{host}:{ports.front.getsockname()[1]}"
    aws_url = f"http://{HOST}:{ports.aws.getsockname()[1]}"
    aws = emulated()
    document = template.load(root / "template.yaml")
    _tell_public_url(document, url)
    known = resources.Resources(document)
    deployment = template.Template(
        document, _parameters(document, url, parameters or {}), resources.PSEUDO_PARAMETERS, known
    )
    resources.create(deployment, known)
    if mail_from := deployment.parameters.get("MailFrom"):
        ses.verify(mail_from, ACCOUNT, REGION)
    system = system_from_template(deployment, root)
    os.environ.update(system.environment())
    _import_layer(root)
    reach_this_machine()
    functions = Functions(system.functions, on_crash)
    authorizers = HttpApiAuthorizers(functions)
    beside = stacks_beside(root, url, on_crash)
    demo_page = DemoPage(root / "local" / "demo", MailPage(aws.mailbox, url))
    gateway = Gateway(system, functions, authorizers, demo_page, on_served, beside)
    custom = custom_resources.CustomResources(functions, aws_url)
    control_plane = ControlPlane(deployment, known, system, functions)
    aws.invoked = control_plane.invoked
    logs = function_logs or FunctionLogs()
    door = _door(ports.aws.getsockname()[1], aws, custom, control_plane, logs)
    aws_server = Server(ports.aws, door, threads=32, on_tls=lambda: say(_no_https(aws_url)))
    is_issuer = system.environment().get("ISSUER_URL") == url  # IssuerUrl may name another address, even localhost
    front = FrontDoor(gateway, url, say) if is_issuer else gateway
    front_server = Server(ports.front, front, on_tls=lambda: say(_no_https(url)))
    servers = (aws_server, front_server)
    aws_server.start()
    nothing = Seeded((), (), {})
    stack = LocalStack(
        url,
        aws_url,
        aws,
        system,
        functions,
        gateway,
        authorizers,
        _tables(deployment),
        {},
        nothing,
        servers,
        beside,
        logs,
        Delivery(aws.queues, readers_from_template(deployment, system), functions),
    )
    try:
        custom.create(deployment, system, known)
        seeded = (seed or _demo_data)(url, stack.tables)
        front_server.start()  # last: an earlier request waits, and is not refused because its client is not seeded yet
    except BaseException:
        stack.stop()
        raise
    return replace(stack, snapshot=aws.snapshot(stack.tables.values()), seeded=seeded)


def _no_https(url: str) -> str:
    return f"A client asked for {url.replace('http', 'https', 1)}, but this port speaks plain http: use {url}"


def _door(
    port: int,
    aws: EmulatedAws,
    custom: custom_resources.CustomResources,
    control_plane: ControlPlane,
    function_logs: FunctionLogs,
) -> Door:
    """The second port: emulated AWS, this stack's control plane, and the addresses for custom resources' answers."""
    services = aws.services()
    logs = services["logs"]

    def delivered(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        function_logs.deliver()
        return logs(environ, start_response)

    services |= {"logs": delivered, **control_plane.services()}
    return Door(port, services, unsigned={custom_resources.PATH: custom.receive})


def _parameters(document: Mapping[str, Any], url: str, given: Mapping[str, str]) -> dict[str, str]:
    declared = document.get("Parameters", {})
    wanted = {"IssuerUrl": url, "Demo": "on", "BackChannelLogout": "on", "MailFrom": "valet@example.com"}
    wanted |= {"Federation": "on", "SecondFactor": "on", "DeviceAuthorization": "on"}
    wanted |= {"ClientIdMetadata": "open", "ClientRegistration": "open"}
    own = {name: value for name, value in wanted.items() if name in declared}
    return {**own, **given}


def _tell_public_url(document: Mapping[str, Any], url: str) -> None:
    """Tell the demo API's authorizer where the API is called. At AWS it knows this by the API's domain name."""
    authorizer = document.get("Resources", {}).get("AuthorizerFunction")
    if authorizer:
        authorizer["Properties"]["Environment"]["Variables"]["PUBLIC_URL"] = url


def _import_layer(root: Path) -> None:
    """Put the layer first on sys.path, as Lambda does."""
    layer = str(root / "layers" / "valet" / "python")
    with suppress(ValueError):
        sys.path.remove(layer)
    sys.path.insert(0, layer)


def _tables(deployment: template.Template) -> dict[str, str]:
    found = deployment.resources("AWS::DynamoDB::Table")
    return {table.logical_id: deployment.resolve({"Ref": table.logical_id}) for table in found}


def _demo_data(url: str, tables: Mapping[str, str]) -> Seeded:
    from local.demo_data import seed  # imports the layer, which is on the path only now

    return seed(url, tables)


def _listen(port: int, variable: str) -> socket:
    try:
        return listen(port)
    except PortTaken:
        raise PortTaken(
            f"Port {port} is taken. Stop the process that listens there, or choose another: {variable}=<port>"
        ) from None
