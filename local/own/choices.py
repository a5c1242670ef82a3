"""The developer's choices: API, API_STAGE, API_PARAMETERS, API_ENV and API_PYTHON of `make run`."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.template import TemplateError, as_text


class ChoiceError(Exception):
    """One line that says which choice is wrong, and what to write instead."""


@dataclass(frozen=True)
class Choices:
    """The stacks to play, and what they are given."""

    templates: tuple[Path, ...] = ()
    stage: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    variables: Path | None = None
    python: str = ""

    def environment_of(self, logical_id: str) -> dict[str, str]:
        """The variables that API_ENV gives to a function: those under "Parameters", then its own."""
        if self.variables is None:
            return {}
        document = _read_json(self.variables)
        chosen = {**document.get("Parameters", {}), **document.get(logical_id, {})}
        return {name: as_text(value) for name, value in chosen.items()}

    def parameters_of(self, template: Path, declared: Mapping[str, Any]) -> dict[str, str]:
        """Of API_PARAMETERS, else of the samconfig.toml next to the template. Only those that the template declares."""
        given = {**_of_samconfig(template.parent / "samconfig.toml"), **self.parameters}
        return {name: value for name, value in given.items() if name in declared}


def choices_from_environment(environ: Mapping[str, str]) -> Choices:
    """Reads and checks them. Raises ChoiceError."""
    paths = tuple(Path(each).expanduser().resolve() for each in environ.get("API", "").replace(",", " ").split())
    for path in paths:
        if not path.is_file():
            raise ChoiceError(f"API: there is no file {path}. Give the path of your template.yaml.")
    if len(set(paths)) < len(paths):
        raise ChoiceError("API names the same template twice.")
    variables = Path(environ["API_ENV"]).expanduser().resolve() if environ.get("API_ENV") else None
    if variables is not None:
        _read_json(variables)
    python = environ.get("API_PYTHON", "")
    if python and not Path(python).expanduser().is_file():
        raise ChoiceError(f"API_PYTHON: there is no file {python}. Give the path of a Python interpreter.")
    stage = environ.get("API_STAGE", "")
    if stage and not stage.replace("_", "").replace("-", "").isalnum():
        raise ChoiceError(f"API_STAGE is {stage!r}. A stage has letters, digits, - and _ only.")
    parameters = _pairs(environ.get("API_PARAMETERS", ""), "API_PARAMETERS")
    return Choices(paths, stage, parameters, variables, str(Path(python).expanduser()) if python else "")


def _read_json(path: Path) -> Any:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ChoiceError(f"API_ENV: {path} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict) or not all(isinstance(each, dict) for each in document.values()):
        raise ChoiceError(f'API_ENV: {path} must look like {{"Parameters": {{"NAME": "value"}}}}.')
    return document


def _pairs(text: str, where: str) -> dict[str, str]:
    """`A=1 B="two words"`, and `ParameterKey=A,ParameterValue=1`, as sam takes them."""
    pairs = {}
    for each in shlex.split(text):
        name, separator, value = each.partition("=")
        if name == "ParameterKey" and ",ParameterValue=" in value:
            name, _, value = value.partition(",ParameterValue=")
        if not separator or not name:
            raise ChoiceError(f"{where}: {each!r} is not NAME=VALUE.")
        pairs[name] = value
    return pairs


def _of_samconfig(path: Path) -> dict[str, str]:
    """`parameter_overrides` of the default environment, the deployment's before the global one."""
    if not path.is_file():
        return {}
    try:
        default = tomllib.loads(path.read_text(encoding="utf-8")).get("default", {})
        found: dict[str, str] = {}
        for command in ("global", "deploy"):
            overrides = default.get(command, {}).get("parameters", {}).get("parameter_overrides", "")
            found |= _pairs(overrides if isinstance(overrides, str) else shlex.join(overrides), str(path))
    except (ValueError, AttributeError, TypeError, ChoiceError) as error:
        raise TemplateError(f"{path} cannot be read: {error}") from None
    return found
