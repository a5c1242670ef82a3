"""Whole servers side by side, each in one process with ES256, on equal requests, client and connections.

The Python servers run in one WSGI server, granian, with one worker and one thread. Stores and signing keys are in
memory: emulated AWS would take most of the time, and no deployment uses it. aws_calls.py measures what one call to
AWS adds. Everything runs on 127.0.0.1, and is bounded.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bench import load
from bench.measure import LAYER, ROOT, Sample, sample
from bench.token_endpoint import CLIENT_CREDENTIALS
from bench.valet_in_memory import CODE_CHALLENGE, SECRET, basic, redemption_form, refresh_form
from tests.support.ports import free_port

KINDS = ("client_credentials", "code + PKCE", "refresh", "introspection")
NODE = ROOT / "bench" / "node"
_PATIENCE = 20.0


@dataclass(frozen=True)
class Server:
    port: int
    introspected: str  # a token that it knows


def node_is_there() -> bool:
    return shutil.which("node") is not None and all((NODE / "node_modules" / name).is_dir() for name in node_packages())


def node_packages() -> list[str]:
    """The packages in package.json."""
    named: dict[str, str] = json.loads((NODE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return list(named)


def measure(
    rounds: int, requests: int, on_progress: Callable[[], None] = lambda: None
) -> Mapping[str, Mapping[str, Sample]]:
    """The requests a second, by server and kind."""
    names = ["Valet", "Authlib + Flask", *(["oidc-provider"] if node_is_there() else [])]
    found: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in KINDS} for name in names}
    with serving(*names) as servers:
        for turn in range(rounds + 1):
            names.append(names.pop(0))
            for name in names:
                for kind, per_second in _round(servers[name], requests if turn else 50).items():
                    if turn:
                        found[name][kind].append(per_second)
            on_progress()
    return {name: {kind: sample(values) for kind, values in kinds.items()} for name, kinds in found.items()}


def _round(server: Server, many: int) -> dict[str, float]:
    service, web = basic("service_0"), basic("web_0")
    tokens = load.run(server.port, [load.post("/token", service, CLIENT_CREDENTIALS)] * many)
    codes = json.loads(load.run(server.port, [load.post(f"/bench/codes/{many}", service, "")]).bodies[0])
    redeemed = load.run(server.port, [load.post("/token", web, redemption_form(code)) for code in codes])
    refresh_tokens = [json.loads(body)["refresh_token"] for body in redeemed.bodies]
    refreshed = load.run(server.port, [load.post("/token", web, refresh_form(token)) for token in refresh_tokens])
    introspected = load.run(server.port, [introspection(server)] * many)
    assert all(json.loads(body)["active"] is True for body in introspected.bodies)
    loads = (tokens, redeemed, refreshed, introspected)
    return {kind: each.per_second for kind, each in zip(KINDS, loads, strict=True)}


def introspection(server: Server) -> bytes:
    return load.post("/introspect", basic("service_0"), f"token={server.introspected}")


@contextmanager
def serving(*names: str) -> Iterator[dict[str, Server]]:
    """Run each server in a process of its own until the block ends."""
    processes: list[subprocess.Popen[bytes]] = []
    try:
        ports = {}
        for name in names:
            ports[name] = free_port()
            processes.append(_start(name, ports[name]))
        yield {name: _ready(name, port) for name, port in ports.items()}
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


def _start(name: str, port: int) -> subprocess.Popen[bytes]:
    if name == "oidc-provider":
        command = ["node", "provider.mjs", str(port), SECRET, CODE_CHALLENGE]
        folder, environment = NODE, {"NODE_ENV": "production"}
    else:
        app = "valet" if name == "Valet" else "authlib"
        options = ["--interface", "wsgi", "--host", load.HOST, "--port", str(port), "--no-log", "--factory"]
        command = [sys.executable, "-m", "granian", *options, "--workers", "1", "--blocking-threads", "1"]
        command.append(f"bench.apps:{app}")
        folder, environment = ROOT, {"AUTHLIB_INSECURE_TRANSPORT": "1", "PYTHONPATH": f"{ROOT}:{LAYER}"}
    path = {"PATH": "/usr/local/bin:/usr/bin:/bin", "AWS_DEFAULT_REGION": "us-east-1"}
    node = shutil.which("node")
    if node:
        path["PATH"] = f"{node.rpartition('/')[0]}:{path['PATH']}"
    return subprocess.Popen(
        command, cwd=folder, env={**path, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _ready(name: str, port: int) -> Server:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return Server(port, _introspected(name, port))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _introspected(name: str, port: int) -> str:
    if name == "oidc-provider":
        made = load.run(port, [load.post("/bench/opaque/1", basic("service_0"), "")]).bodies[0]
        return str(json.loads(made)[0])
    code = json.loads(load.run(port, [load.post("/bench/codes/1", basic("service_0"), "")]).bodies[0])[0]
    redeemed = load.run(port, [load.post("/token", basic("web_0"), redemption_form(code))]).bodies[0]
    return str(json.loads(redeemed)["access_token"])
