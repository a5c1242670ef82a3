"""The functions of a developer's stack: where their code is, and what it is run with (AWS SAM, Function)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from local.own.choices import Choices
from local.own.process import Code
from local.own.reading import MISSING, Reading
from local.template import as_text

_VENVS = (".venv", "venv")
# They change no answer here; docs/local-api.md says so of roles, networks and tracing.
_WITHOUT_EFFECT = frozenset(
    {"Architectures", "AssumeRolePolicyDocument", "AutoPublishAlias", "AutoPublishAliasAllProperties"}
    | {"AutoPublishCodeSha256", "CodeSigningConfigArn", "DeadLetterQueue", "DeploymentPreference", "Description"}
    | {"EphemeralStorage", "EventInvokeConfig", "FunctionName", "KmsKeyArn", "LoggingConfig", "PermissionsBoundary"}
    | {"Policies", "PropagateTags", "ProvisionedConcurrencyConfig", "RecursiveLoop", "ReservedConcurrentExecutions"}
    | {"Role", "RolePath", "RuntimeManagementConfig", "SnapStart", "Tags", "Tracing", "VersionDescription", "VpcConfig"}
)
_PLAYED = frozenset(
    {"CodeUri", "Environment", "Events", "Handler", "InlineCode", "Layers", "MemorySize", "Runtime"}
) | {
    "PackageType",
    "Timeout",
    "ImageUri",
    "ImageConfig",
}
_REFUSED = "its routes answer 503"


@dataclass(frozen=True)
class OwnCode:
    """One function: its properties in plain values, how it is run, and why it cannot be, if it cannot."""

    arn: str
    properties: Mapping[str, Any]
    code: Code
    reason: str = ""


def code_of(reading: Reading, choices: Choices) -> dict[str, OwnCode]:
    """Every function of the template, by its logical id."""
    python = _python(reading, choices)
    layers = _layers(reading)
    found = {}
    for resource, properties in reading.resources("AWS::Serverless::Function"):
        name = resource.logical_id
        for other in sorted(set(properties) - _PLAYED - _WITHOUT_EFFECT):
            reading.notices.add(f"{name}: {other}", "not played")
        arn = reading.template.resolve({"Fn::GetAtt": [name, "Arn"]})
        try:
            kept, folders = _resolved(reading, name, properties, layers)
            variables = choices.environment_of(name)
            found[name] = OwnCode(arn, kept, Code(python, tuple(folders), variables))
            _compare_version(reading, name, properties.get("Runtime"), python)
        except _CannotRun as reason:
            reading.notices.add(f"{name}: {reason}", _REFUSED)
            kept = {"Handler": "index.handler", "InlineCode": ""}
            found[name] = OwnCode(arn, kept, Code(python, (), {}), f"{name} cannot run here: {reason}")
    return found


class _CannotRun(Exception):
    """Why a function cannot be run here."""


def _resolved(
    reading: Reading, name: str, properties: Mapping[str, Any], layers: Mapping[str, Path]
) -> tuple[dict[str, Any], list[Path]]:
    kept: dict[str, Any] = {}
    for member in ("Handler", "Runtime", "PackageType", "Timeout", "MemorySize"):
        if member in properties:
            value = reading.value(properties[member], f"{name}.{member}", "the default is used")
            if value is not MISSING:
                kept[member] = value
    if kept.pop("PackageType", "Zip") == "Image":
        raise _CannotRun("it is a container image")
    if not str(kept.get("Runtime", "")).startswith("python"):
        raise _CannotRun(f"its Runtime is {kept.get('Runtime', 'not given')}, and only Python is played")
    if "." not in str(kept.get("Handler", "")):
        raise _CannotRun("it has no Handler of the form module.function")
    kept["Environment"] = {"Variables": _variables(reading, name, properties)}
    own = [_folder(reading, name, properties, kept)]
    for layer in properties.get("Layers") or []:
        arn = reading.value(layer, f"{name}.Layers", "your environment has to have what the layer holds")
        if arn in layers:
            own.append(layers[arn])
        elif arn is not MISSING:
            reading.notices.add(f"{name}: layer {arn}", "your environment has to have what it holds")
    return kept, own


def _folder(reading: Reading, name: str, properties: Mapping[str, Any], kept: dict[str, Any]) -> Path:
    if "InlineCode" in properties:
        kept["InlineCode"] = reading.template.resolve(properties["InlineCode"], name)
        kept["CodeUri"] = "."
        return reading.folder
    uri = reading.value(properties.get("CodeUri", MISSING), f"{name}.CodeUri", _REFUSED)
    if not isinstance(uri, str) or "://" in uri:
        raise _CannotRun("its CodeUri is no folder on this machine")
    folder = reading.folder / uri
    if not folder.is_dir():
        raise _CannotRun(f"its CodeUri {uri} is no folder")
    module = str(kept["Handler"]).rpartition(".")[0].replace("/", ".").replace(".", "/")
    if not (folder / f"{module}.py").is_file() and not (folder / module / "__init__.py").is_file():
        reading.notices.add(f"{name}: there is no {uri.rstrip('/')}/{module}.py", "each call fails until there is one")
    kept["CodeUri"] = uri
    return folder


def _variables(reading: Reading, name: str, properties: Mapping[str, Any]) -> dict[str, str]:
    given = (properties.get("Environment") or {}).get("Variables") or {}
    if not isinstance(given, dict):
        return {}
    kept = {}
    for variable, value in given.items():
        found = reading.value(value, f"{name}, variable {variable}", "left out; API_ENV can give it")
        if found is not MISSING:
            kept[variable] = as_text(found)
    return kept


def _layers(reading: Reading) -> dict[str, Path]:
    """The folders of the template's own layers that go on the path, by the layers' ARNs."""
    found = {}
    for resource, properties in reading.resources("AWS::Serverless::LayerVersion"):
        uri = reading.value(properties.get("ContentUri", ""), f"{resource.logical_id}.ContentUri", "not on the path")
        folder = reading.folder / uri if isinstance(uri, str) and uri and "://" not in uri else None
        if folder is None or not folder.is_dir():
            reading.notices.add(f"{resource.logical_id}: its ContentUri is no folder here", "not on the path")
            continue
        # Built, a layer has its modules in python/; `sam build` moves them there from the ContentUri itself.
        below = folder / "python"
        found[reading.template.resolve({"Ref": resource.logical_id})] = below if below.is_dir() else folder
    return found


def _python(reading: Reading, choices: Choices) -> str:
    """API_PYTHON, else the environment next to the template, else the one that plays the stack."""
    if choices.python:
        return choices.python
    for folder in (reading.folder, *list(reading.folder.parents)[:2]):
        for name in _VENVS:
            if (folder / name / "bin" / "python").is_file() and (folder / name) != Path(sys.prefix):
                return str(folder / name / "bin" / "python")
    reading.notices.add(
        f"no .venv next to {reading.path.name}",
        "Valet's Python runs your functions, with boto3 and without your packages; make a .venv, or give API_PYTHON",
    )
    return sys.executable


def _compare_version(reading: Reading, name: str, runtime: Any, python: str) -> None:
    found = _version(python)
    if isinstance(runtime, str) and found and runtime != f"python{found}":
        reading.notices.add(f"{name}: Runtime {runtime}", f"runs with Python {found} ({python})")


@lru_cache(maxsize=16)
def _version(python: str) -> str:
    try:
        ask = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603  theirs to choose
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()
