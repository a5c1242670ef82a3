"""A token function's first token, next to what other SDKs take before their first call (B16).

Every figure is one whole process, from its start to its end. The token function answers a client_credentials request;
AWS answers at once over loopback, mostly in plain HTTP. The other sides make their clients for DynamoDB and KMS, and
then end without a call: boto3, and AWS SDK v3 with jose in one file that esbuild bundled and minified for Node.js.
"""

import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import cold
from bench.at_once import answering
from bench.local_stack import environment, recorded
from bench.measure import Sample, process, sample
from bench.servers import NODE, node_is_there
from tests.e2e.landing import self_signed

TOKEN, TOKEN_TLS = "Valet, first token", "… with AWS over TLS"
BOTO3, AWS_SDK = "boto3, two clients", "AWS SDK v3 and jose, bundled"
_BARE = [sys.executable, "-I", "-S", "-c", "import os; os._exit(0)"]
_BARE_NODE = ["node", "--eval", "process.exit(0)"]
_TLS = [sys.executable, "-I", "-S", "-c", "import os, ssl; ssl.create_default_context(); os._exit(0)"]
# Without a preference for ES modules, esbuild finds less to leave out: the file is half as large again, and slower.
_ESBUILD = ("--bundle", "--minify", "--platform=node", "--target=node20", "--main-fields=module,main")


@dataclass(frozen=True)
class Whole:
    """Milliseconds of a whole process."""

    processor: Sample
    clock: Sample


def measure(folder: Path, rounds: int, on_progress: Callable[[], None] = lambda: None) -> dict[str, Whole]:
    """The processes by name, with the build of layer and functions in `folder`."""
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        known = recorded("client_credentials")
        trusted = _certificate(scratch)
        with answering(known.answers) as plain, answering(known.answers, scratch / "certificate.pem") as tls:
            token = {"environment": environment("token", plain), "event": known.event}
            over_tls = tls.replace("127.0.0.1", "localhost")  # which the certificate names
            token_tls = {
                "environment": {**environment("token", over_tls), "AWS_CA_BUNDLE": str(trusted)},
                "event": known.event,
            }
            (scratch / "tls").mkdir()
            commands: dict[str, Sequence[str | Path]] = {
                "bare Python": _BARE,
                "Python, TLS with the machine's authorities": _TLS,
                TOKEN: cold.function(folder, "token", token, scratch),
                TOKEN_TLS: cold.function(folder, "token", token_tls, scratch / "tls"),
                BOTO3: cold.boto3(scratch, "dynamodb", "kms"),
                **(_node(scratch) if node_is_there() else {}),
            }
            return _rounds(commands, rounds, on_progress)


def _rounds(
    commands: Mapping[str, Sequence[str | Path]], rounds: int, on_progress: Callable[[], None]
) -> dict[str, Whole]:
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            of = process(command, {"AWS_REGION": "us-east-1", "PATH": _path()})
            if turn:  # the first round loads every file into the page cache
                spent[name].append((of.processor, of.wall))
        if turn:
            on_progress()
    return {name: Whole(*(sample(values) for values in zip(*each, strict=True))) for name, each in spent.items()}


def _node(scratch: Path) -> dict[str, Sequence[str | Path]]:
    bundle = scratch / "first_call.cjs"
    esbuild = NODE / "node_modules" / ".bin" / "esbuild"
    options = [*_ESBUILD, "--format=cjs", "--log-level=error", f"--outfile={bundle}"]
    subprocess.run([esbuild, NODE / "first_call.mjs", *options], check=True)
    return {"bare Node.js": _BARE_NODE, AWS_SDK: ["node", bundle]}


def _path() -> str:
    node = shutil.which("node")
    return f"{Path(node).parent}:/usr/bin:/bin" if node else "/usr/bin:/bin"


def _certificate(folder: Path) -> Path:
    """A file with the machine's authorities and AWS's certificate here, which `folder` has afterwards."""
    self_signed("localhost", folder)
    machine = ssl.get_default_verify_paths().cafile
    authorities = Path(machine).read_bytes() if machine else b""
    trusted = folder / "trusted.pem"
    trusted.write_bytes(authorities + (folder / "certificate.pem").read_bytes())
    return trusted
