"""import-linter holds the arrows: on a copy of the code, one forbidden import at a time breaks the contract against it.

The contracts are in pyproject.toml. Without this test, a contract that matches nothing would pass as well.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.parts.structure.copies import ROOT, VALET, copy_of_the_repository, python

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("arrows")]  # all plants are linted in one process

ARROWS = "Arrows point inwards"
FUNCTIONS = "Functions stand on valet; nothing that is deployed knows the command line or the local stack"
APART = "No function knows another"
RESOURCE_SERVER = "Only the authorizer, the doctor and the Python package judge tokens as a resource server"
OUTBOUND = (
    "Only what fetches clients' keys, tells clients of logouts or asks other providers goes to addresses that others "
    "named"
)
AWS = "No function knows boto3, and only the demo API knows Powertools"
ADMIN_CIRCLE = "The operator's command line has no circle"
ADMIN_LAYERS = "The operator's command line reads its records last"
LOCAL_CIRCLE = "The local stack has no circle"

# Each layer of valet, and what it may not import: the next layer up, or a neighbour that it may not know.
FORBIDDEN: Mapping[str, str] = {
    "clock": "fetch",
    "frozen": "clock",
    "log": "frozen",
    "jose": "fetch",
    "fetch": "jose",
    "authorization": "fetch",
    "binding": "models",
    "resource_server": "models",
    "models": "http",
    "errors": "settings",
    "audit": "ports",
    "http": "keys",
    "ports": "keys",
    "settings": "keys",
    "handles": "keys",
    "environment": "keys",
    "keys": "protocol",
    "people": "protocol",
    "protocol": "people",
    "pages": "people",
    "standing": "tokens",
    "client_authentication": "tokens",
    "front_channel": "registration",
    "registration": "client_authentication",
    "tokens": "front_channel",
    "introspection": "grant_types",
    "revocation": "grant_types",
    "sign_outs": "grant_types",
    "finishing": "sign_outs",
    "mails": "sign_outs",
    "refusals": "grant_types",
    "grant_types": "aws",
    "account": "aws",
    "aws": "surroundings",
    "surroundings": "server",
    "outbound": "aws",
    "server": "endpoint",
    "endpoint": "stray",  # nothing in valet is above it; a stray module has no layer
}


@dataclass(frozen=True)
class Plant:
    """One import that is added to one file, the contract against it, and another that it breaks on its way."""

    file: str
    line: str
    contract: str
    also: str | None = None


def _of_layer(name: str) -> Plant:
    package = ROOT / VALET / name
    file = sorted(package.rglob("*.py"))[-1] if package.is_dir() else package.with_suffix(".py")
    return Plant(str(file.relative_to(ROOT)), f"import valet.{FORBIDDEN[name]}", ARROWS)


PLANTS: Mapping[str, Plant] = {
    **{f"valet.{name}": _of_layer(name) for name in FORBIDDEN if name != "endpoint"},
    "a module without a layer": Plant(f"{VALET}/stray.py", "import json", ARROWS),
    "a package without a layer": Plant(f"{VALET}/stray/__init__.py", "", ARROWS),
    "valet knows a function": Plant(f"{VALET}/endpoint.py", "import functions.token.app", FUNCTIONS, APART),
    "valet knows the local stack": Plant(f"{VALET}/http.py", "import local.template", FUNCTIONS),
    "valet knows the command line": Plant(f"{VALET}/registration/rules.py", "import admin.terminal.layout", FUNCTIONS),
    "a function knows the command line": Plant("functions/token/app.py", "import admin.desk", FUNCTIONS),
    "a function knows the local stack": Plant("functions/demo_api/app.py", "import local.stack", FUNCTIONS),
    "a function knows the Python package": Plant(
        "functions/token/app.py", "import valet_resource_server.verifier", FUNCTIONS
    ),
    "the command line knows the local stack": Plant("admin/desk.py", "import local.stack", FUNCTIONS),
    "a function knows another": Plant("functions/token/app.py", "import functions.login.app", APART),
    "a new function knows another": Plant("functions/new/app.py", "import functions.login.app", APART),
    "a function judges as a resource server": Plant(
        "functions/token/app.py", "import valet.resource_server.verify", RESOURCE_SERVER
    ),
    "the command line judges as a resource server": Plant(
        "admin/commands/tail.py", "import valet.resource_server.verify", RESOURCE_SERVER
    ),
    "a function goes to addresses that strangers named": Plant(
        "functions/token/app.py", "def late():\n    import valet.outbound.guarded", OUTBOUND
    ),
    "boto3 in the middle": Plant(f"{VALET}/keys/plan.py", "def late():\n    import boto3", AWS),
    "boto3 in the registration": Plant(f"{VALET}/registration/rules.py", "import boto3", AWS),
    "botocore in a grant type": Plant(f"{VALET}/grant_types/refresh_token.py", "import botocore.config", AWS),
    "Powertools in the door": Plant(f"{VALET}/endpoint.py", "from aws_lambda_powertools import Logger", AWS),
    "Powertools in the log": Plant(f"{VALET}/aws/observability.py", "from aws_lambda_powertools import Logger", AWS),
    "Powertools in a function": Plant("functions/token/app.py", "def late():\n    import aws_lambda_powertools", AWS),
    "boto3 in the way to AWS": Plant(f"{VALET}/aws/calls.py", "def late():\n    import boto3", AWS),
    "boto3 in the package itself": Plant(f"{VALET}/__init__.py", "import boto3", AWS),
    "boto3 in a function": Plant("functions/metadata/app.py", "import boto3", AWS),
    "botocore in a new function": Plant("functions/new/app.py", "from botocore.config import Config", AWS),
    "a circle in the command line": Plant("admin/records/audit.py", "import admin.records.deployment", ADMIN_CIRCLE),
    "a record knows the desk": Plant("admin/records/register.py", "import admin.desk", ADMIN_LAYERS, ADMIN_CIRCLE),
    "a stray module of the command line": Plant("admin/stray.py", "", ADMIN_LAYERS),
    "a circle in the local stack": Plant("local/system.py", "import local.gateway.gateway", LOCAL_CIRCLE),
}
# One process for all plants: starting import-linter takes longer than what it does.
_LINT = """
import contextlib, io, json, pathlib, sys
from importlinter.cli import lint_imports

def lint():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = lint_imports(no_cache=True, no_logo=True)
    return [status, out.getvalue()]

found = {"": lint()}
for name, (file, line) in json.load(sys.stdin).items():
    path = pathlib.Path(file)
    is_new, is_new_folder = not path.exists(), not path.parent.exists()
    before = None if is_new else path.read_bytes()
    path.parent.mkdir(exist_ok=True)
    path.write_text((before or b"").decode() + "\\n" + line + "\\n")
    found[name] = lint()
    path.unlink() if is_new else path.write_bytes(before)
    if is_new_folder: path.parent.rmdir()
found["again"] = lint()
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[int, str]]:
    """Exit status and output of lint-imports: on the clean copy, with each plant alone, and on the clean copy again."""
    copy = copy_of_the_repository(tmp_path_factory.mktemp("arrows") / "valet")
    plants = json.dumps({name: (plant.file, plant.line) for name, plant in PLANTS.items()})
    ran = python(copy, "-c", _LINT, given=plants)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, tuple[int, str]] = json.loads(ran.stdout)
    return found


def broken(output: str) -> set[str]:
    return set(re.findall(r"^(.*) BROKEN", output, re.MULTILINE))


@pytest.mark.parametrize("when", ["", "again"])
def test_the_code_as_it_is_keeps_every_contract(when: str, linted: Mapping[str, tuple[int, str]]) -> None:
    status, output = linted[when]
    assert (status, broken(output)) == (0, set()), output
    for plant in PLANTS.values():
        assert f"\n{plant.contract} KEPT" in output


@pytest.mark.parametrize("name", PLANTS)
def test_a_forbidden_import_breaks_its_contract(name: str, linted: Mapping[str, tuple[int, str]]) -> None:
    status, output = linted[name]
    assert status == 1, output
    assert broken(output) == {PLANTS[name].contract, PLANTS[name].also} - {None}, output


def test_every_layer_of_valet_has_a_plant() -> None:
    children = {
        path.stem for path in (ROOT / VALET).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert children - {"__init__"} == set(FORBIDDEN)


def test_every_contract_has_a_plant() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert {contract["name"] for contract in contracts} == {plant.contract for plant in PLANTS.values()}
