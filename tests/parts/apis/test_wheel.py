"""`make wheel`: what is in the wheel, and that it needs nothing of Valet where it is installed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from valet import __version__

from deployment.wheel import build

ROOT = Path(__file__).resolve().parents[3]
MODULES = {
    "valet_resource_server/__init__.py",
    "valet_resource_server/_valet/__init__.py",
    "valet_resource_server/_valet/authorization.py",
    "valet_resource_server/_valet/binding/__init__.py",
    "valet_resource_server/_valet/binding/confirmation.py",
    "valet_resource_server/_valet/binding/proof.py",
    "valet_resource_server/_valet/binding/target_uri.py",
    "valet_resource_server/_valet/clock.py",
    "valet_resource_server/_valet/fetch.py",
    "valet_resource_server/_valet/jose/__init__.py",
    "valet_resource_server/_valet/jose/compact.py",
    "valet_resource_server/_valet/jose/jwk.py",
    "valet_resource_server/_valet/jose/p256.py",
    "valet_resource_server/_valet/jose/public.py",
    "valet_resource_server/_valet/jose/signed.py",
    "valet_resource_server/_valet/resource_server/__init__.py",
    "valet_resource_server/_valet/resource_server/identifiers.py",
    "valet_resource_server/_valet/resource_server/introspection.py",
    "valet_resource_server/_valet/resource_server/keys.py",
    "valet_resource_server/_valet/resource_server/outcomes.py",
    "valet_resource_server/_valet/resource_server/proofs.py",
    "valet_resource_server/_valet/resource_server/proofs_seen.py",
    "valet_resource_server/_valet/resource_server/status.py",
    "valet_resource_server/_valet/resource_server/status_list.py",
    "valet_resource_server/_valet/resource_server/step_up.py",
    "valet_resource_server/_valet/resource_server/verify.py",
    "valet_resource_server/arguments.py",
    "valet_resource_server/refusals.py",
    "valet_resource_server/step_up.py",
    "valet_resource_server/verifier.py",
}
LOADED = """
import gc, json, sys
threshold = gc.get_threshold()
import valet_resource_server as package
verifier = package.Verifier("https://id.example.com", "https://api.example.com")
try:
    verifier.verify("Bearer x")
except package.InvalidToken:
    pass
print(json.dumps({"modules": sorted(sys.modules), "is_same": gc.get_threshold() == threshold, "at": package.__file__}))
"""


@pytest.fixture(scope="module")
def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_these_modules_their_types_and_nothing_else(contents: dict[str, bytes]) -> None:
    information = f"valet_resource_server-{__version__}.dist-info"
    metadata = {f"{information}/{name}" for name in ("METADATA", "RECORD", "WHEEL")}
    assert set(contents) == MODULES | metadata | {"valet_resource_server/py.typed"}


def test_its_version_is_valets_and_it_depends_on_cryptography_alone(wheel: Path, contents: dict[str, bytes]) -> None:
    assert wheel.name == f"valet_resource_server-{__version__}-py3-none-any.whl"
    metadata = message_from_bytes(contents[f"valet_resource_server-{__version__}.dist-info/METADATA"])
    assert (metadata["Name"], metadata["Version"]) == ("valet-resource-server", __version__)
    (dependency,) = metadata.get_all("Requires-Dist", [])
    assert dependency.startswith("cryptography>=")
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Private :: Do Not Upload" in metadata.get_all("Classifier", [])


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_module_imports_anything_of_valet_outside_the_wheel(contents: dict[str, bytes], name: str) -> None:
    tree = ast.parse(contents[name])
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "." for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    roots = {module.partition(".")[0] for module in imported}
    assert roots - set(sys.stdlib_module_names) <= {"cryptography", "valet_resource_server"}


def test_the_modules_are_valets_own_except_for_their_imports(contents: dict[str, bytes]) -> None:
    for name in MODULES - {"valet_resource_server/_valet/__init__.py"}:
        source = ROOT / name.replace("valet_resource_server/_valet/", "layers/valet/python/valet/")
        text = contents[name].decode().replace("valet_resource_server._valet", "valet")
        assert text == source.read_text(encoding="utf-8")


def test_two_builds_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_an_api_loads_neither_valet_nor_boto3_nor_pyjwt_and_keeps_its_garbage_collector(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=installed,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    loaded = {name.partition(".")[0] for name in told["modules"]}
    assert not loaded & {"valet", "boto3", "botocore", "jwt", "aws_lambda_powertools", "pydantic", "tests"}
    assert told["is_same"]
    assert Path(told["at"]).is_relative_to(installed)


def test_it_stands_next_to_the_layer_in_one_function(installed: Path) -> None:
    script = (
        "from valet.resource_server.outcomes import TokenRefused as layers\n"
        "from valet_resource_server._valet.resource_server.outcomes import TokenRefused as own\n"
        "assert layers is not own\n"
    )
    path = os.pathsep.join((str(ROOT / "layers/valet/python"), str(installed)))
    subprocess.run([sys.executable, "-c", script], cwd=installed, env={"PYTHONPATH": path}, check=True, timeout=60)


def test_make_wheel_builds_into_dist_which_is_ignored_and_which_clean_removes() -> None:
    def said(*command: str) -> str:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "-m deployment.wheel dist\n" in said("make", "--dry-run", "wheel")
    assert "rm -rf dist " in said("make", "--dry-run", "clean")
    assert "dist/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
