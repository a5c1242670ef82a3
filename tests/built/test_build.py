"""What the build holds: bytecode, one processor's libraries, nothing that Lambda brings along or nobody imports."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from valet import __version__

from bench.layer import MOST_ZIPPED_BYTES, zipped_bytes
from deployment.finish import BuildError, describe_layer, digest_of, pin_architecture, processor
from local.template import load
from tests.built.emulator import ARCHITECTURE, OTHER
from tests.endpoints import FUNCTIONS


def _layer(build: Path) -> Path:
    return build / "ValetLayer" / "python"


def _architectures(build: Path) -> list[str]:
    values: list[str] = load(build / "template.yaml")["Parameters"]["Architecture"]["AllowedValues"]
    return values


def test_every_function_is_built(build: Path) -> None:
    assert {path.name for path in build.glob("*Function")} == set(FUNCTIONS)
    for function in FUNCTIONS:
        assert (build / function / "app.py").is_file()


def test_every_module_has_bytecode_that_no_date_makes_stale(build: Path) -> None:
    modules = list(build.rglob("*.py"))
    assert len(modules) > 100
    for module in modules:
        bytecode = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        assert bytecode.is_file(), module
        (flags,) = struct.unpack_from("<I", bytecode.read_bytes(), 4)
        assert flags == 0b01, f"{bytecode}: by its source's hash, and that unchecked"


def test_bytecode_names_the_place_where_the_source_will_lie(build: Path) -> None:
    for bytecode in build.rglob("*.pyc"):
        assert str(build).encode() not in bytecode.read_bytes(), bytecode


def test_the_layer_is_small_and_holds_no_aws_sdk(build: Path) -> None:
    assert zipped_bytes(_layer(build).parent) <= MOST_ZIPPED_BYTES
    assert not {"boto3", "botocore", "s3transfer", "share"} & {path.name for path in _layer(build).iterdir()}


def test_the_layer_holds_what_is_not_code_as_well(build: Path) -> None:
    templates = _layer(build) / "valet" / "pages" / "templates"
    assert {"page.html", "style.css"} <= {path.name for path in templates.iterdir()}


@pytest.mark.parametrize("architecture", [ARCHITECTURE, OTHER])
def test_a_build_is_for_the_processor_that_was_asked_for(architecture: str, build: Path, other_build: Path) -> None:
    folder = build if architecture == ARCHITECTURE else other_build
    assert processor(_layer(folder).rglob("*.so")) == architecture
    assert _architectures(folder) == [architecture], "it can be deployed to no other"


def test_libraries_for_two_processors_are_no_build(tmp_path: Path) -> None:
    for name, machine in (("a.so", 62), ("b.so", 183)):
        (tmp_path / name).write_bytes(b"\x7fELF".ljust(18, b"\0") + struct.pack("<H", machine))
    with pytest.raises(BuildError, match="arm64"):
        processor(tmp_path.glob("*.so"))


def test_a_template_without_its_parameter_is_not_passed_over(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Parameters:\n  Other:\n    Type: String\n", encoding="utf-8")
    with pytest.raises(BuildError, match="Architecture"):
        pin_architecture(template, "arm64")


def test_the_layer_says_its_version(tmp_path: Path, build: Path) -> None:
    functions = digest_of(build.glob("*Function"))
    described = f"Description: Valet {__version__}, what the functions {functions} share"
    assert described in (build / "template.yaml").read_text()
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {}\n")
    with pytest.raises(BuildError):
        describe_layer(template, "1.2.3", functions)


def test_other_code_of_a_function_has_another_digest(tmp_path: Path) -> None:
    """It is a part of the layer's description, so that a function's code is published with the layer."""
    source = tmp_path / "TokenFunction" / "app.py"
    source.parent.mkdir()
    source.write_text("handler = None")
    before = digest_of(tmp_path.glob("*Function"))
    assert before == digest_of(tmp_path.glob("*Function"))
    source.write_text("handler = print")
    assert digest_of(tmp_path.glob("*Function")) != before
