"""Every file that goes into the layer is the one whose hash the lock file knows, for both processors."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.built.conftest import Attempt, AttemptBuild
from tests.built.emulator import ARCHITECTURE, OTHER, PYTHON
from tests.built.locked import LAYER, MACHINES, PLATFORMS, linked, only, tampered
from tests.parts.template.cloudformation import ROOT

AUTHORIZER = ROOT / "functions" / "authorizer" / "template.yaml"


def _assert_nothing_is_built(folder: Path) -> None:
    assert not list(folder.rglob("template.yaml")), "there is nothing that could be deployed"
    assert not list(folder.rglob("tampered_with.py"))
    assert not list(folder.glob("*Layer/*"))


def _assert_refused(attempt: Attempt, package: str) -> None:
    assert attempt.status != 0
    assert "DO NOT MATCH THE HASHES" in attempt.output
    assert re.search(rf"^ *{package}==\S+ from file://", attempt.output, re.MULTILINE), attempt.output
    _assert_nothing_is_built(attempt.folder)


@pytest.mark.parametrize("processor", PLATFORMS)
def test_a_wheel_that_was_tampered_with_is_refused_by_name_and_nothing_is_built(
    processor: str, attempt_build: AttemptBuild, wheels: Path, tmp_path: Path
) -> None:
    """The wheels of both processors are there: none may be taken for its name and version, whichever the machine is."""
    settings = only(tampered(wheels, tmp_path / "wheels", "cryptography", processor))
    _assert_refused(attempt_build(processor, settings), "cryptography")


def test_the_same_wheels_are_built_while_they_are_as_locked(other_build: Path) -> None:
    """The refusals above are for the tampering: here it is the wheel of the processor that is not built for."""
    assert (other_build / "ValetLayer" / "python" / "cryptography").is_dir()
    assert not list(other_build.rglob("tampered_with.py"))


def test_the_authorizer_in_another_teams_stack_is_built_from_locked_wheels_too(wheels: Path, tmp_path: Path) -> None:
    """There `sam build` runs alone, without Valet's command line, and in a folder of the team's own. Was: it looked for
    the layer's folder from there, and failed.
    """
    settings = only(tampered(wheels, tmp_path / "wheels", "cryptography", OTHER))
    folder, template = tmp_path / "build", tmp_path / "template.yaml"
    location = os.path.relpath(AUTHORIZER, tmp_path)
    parameters = f"{{Architecture: {OTHER}, Issuer: https://id.example.com, Audience: a, Routes: '{{}}'}}"
    nested = f"{{Location: {location}, Parameters: {parameters}}}"
    template.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        f"Resources: {{Valet: {{Type: AWS::Serverless::Application, Properties: {nested}}}}}\n",
        encoding="utf-8",
    )
    command: list[str | Path] = [PYTHON.with_name("sam"), "build", "--template", template, "--build-dir", folder]
    environment = {"PATH": f"{PYTHON.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "SAM_CLI_TELEMETRY": "0"}
    run = subprocess.run(
        command, cwd=tmp_path, env={**environment, **settings}, capture_output=True, text=True, check=False
    )
    _assert_refused(Attempt(folder, run.returncode, run.stdout + run.stderr), "cryptography")


@pytest.mark.parametrize(
    ("package", "processor"), [("cffi", OTHER), ("argon2_cffi_bindings", ARCHITECTURE), ("markupsafe", OTHER)]
)
def test_no_compiled_wheel_is_taken_for_its_name(package: str, processor: str, wheels: Path, tmp_path: Path) -> None:
    """The layer's own target, as sam runs it."""
    attempt = _make_layer(processor, only(tampered(wheels, tmp_path / "wheels", package, processor)), tmp_path / "out")
    _assert_refused(attempt, package.replace("_", "-"))


def test_a_source_distribution_is_never_built(wheels: Path, tmp_path: Path) -> None:
    """Whatever the developer's own settings prefer."""
    folder = linked(wheels, tmp_path / "wheels")
    for wheel in folder.glob("markupsafe-*.whl"):
        wheel.unlink()
    (folder / "markupsafe-3.0.4.tar.gz").touch()
    attempt = _make_layer(ARCHITECTURE, {**only(folder), "PIP_NO_BINARY": ":all:"}, tmp_path / "out")
    assert attempt.status != 0
    assert "No matching distribution found for markupsafe==" in attempt.output
    _assert_nothing_is_built(attempt.folder)


def test_a_configuration_file_of_pip_cannot_switch_the_hashes_off(wheels: Path, tmp_path: Path) -> None:
    folder = tampered(wheels, tmp_path / "wheels", "cryptography", OTHER)
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nno-index = true\nfind-links = {folder}\nrequire-hashes = false\n", encoding="utf-8")
    attempt = _make_layer(OTHER, {"PIP_CONFIG_FILE": str(file), "PIP_REQUIRE_HASHES": "0"}, tmp_path / "out")
    _assert_refused(attempt, "cryptography")


@pytest.mark.parametrize("setting", ["variable", "configuration file"])
@pytest.mark.parametrize(("package", "processor"), [("cryptography", OTHER), ("another", ARCHITECTURE)])
def test_a_lock_file_that_pips_settings_add_brings_nothing_into_the_layer(
    package: str, setting: str, processor: str, wheels: Path, tmp_path: Path
) -> None:
    """pip reads `requirement` in its settings in addition to the command's own, and takes either file's hashes."""
    wheel = _another(tmp_path)
    if package == "cryptography":
        folder = tampered(wheels, tmp_path / "tampered", package, processor)
        (wheel,) = folder.glob(f"{package}-*{MACHINES[processor]}.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock, file = tmp_path / "lock.txt", tmp_path / "pip.conf"
    lock.write_text(f"{package} @ {wheel.as_uri()} --hash=sha256:{digest}\n", encoding="utf-8")
    file.write_text(f"[install]\nrequirement = {lock}\n[download]\nrequirement = {lock}\n", encoding="utf-8")
    settings = {"variable": {"PIP_REQUIREMENT": str(lock)}, "configuration file": {"PIP_CONFIG_FILE": str(file)}}
    attempt = _make_layer(processor, {**only(wheels), **settings[setting]}, tmp_path / "out")
    assert not list(attempt.folder.rglob("tampered_with.py"))
    if package == "cryptography":  # the fitting wheel was not fetched
        assert attempt.status != 0
        assert not list(attempt.folder.glob("*/python/cryptography"))
    else:
        assert attempt.status == 0, attempt.output
        assert (attempt.folder / "ValetLayer" / "python" / "cryptography").is_dir()


def test_pips_settings_cannot_leave_the_packages_out(wheels: Path, tmp_path: Path) -> None:
    """Each of them alone would: the packages elsewhere, or none, or a contradiction to the target."""
    settings = dict.fromkeys(("PIP_ROOT", "PIP_DRY_RUN", "PIP_PREFIX"), f"{tmp_path}/elsewhere")
    attempt = _make_layer("arm64", {**only(wheels), **settings}, tmp_path / "out")
    assert attempt.status == 0, attempt.output
    assert (attempt.folder / "ValetLayer" / "python" / "cryptography").is_dir()
    assert not (tmp_path / "elsewhere").exists()


def _another(folder: Path) -> Path:
    """A wheel of a package that the lock file does not name."""
    wheel, described = folder / "another-1.0-py3-none-any.whl", "another-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tampered_with.py", "raise SystemExit('tampered with')")
        archive.writestr(f"{described}/METADATA", "Metadata-Version: 2.1\nName: another\nVersion: 1.0\n")
        archive.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{described}/RECORD", "")
    return wheel


def _make_layer(processor: str, environment: Mapping[str, str], folder: Path) -> Attempt:
    layer = folder / "ValetLayer"
    layer.mkdir(parents=True)
    run = subprocess.run(
        ["make", "--makefile", LAYER / "Makefile", "build-ValetLayer"],
        cwd=LAYER / processor,
        env={"PATH": f"{PYTHON.parent}:{os.environ['PATH']}", "ARTIFACTS_DIR": str(layer), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return Attempt(folder, run.returncode, run.stdout + run.stderr)
