"""template.yaml as CloudFormation is given it: translated by SAM, and judged by cfn-lint."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "template.yaml"
SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"

WHERE_TOLD = {  # the role that signs logout tokens, in a list of roles
    "Fn::If": ["TellsLogouts", {"Fn::GetAtt": ["NotifyClientsFunctionRole", "Arn"]}, {"Ref": "AWS::NoValue"}]
}
EVERYTHING = (
    "BackChannelLogout=on",
    "MailFrom=id@example.com",
    "CustomDomain=auth.example.com",
    "Certificate=arn:aws:acm:eu-west-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef",
    "HostedZone=Z0123456789ABC",
    "Demo=on",
    "Signer=wrapped",
    "SigningAlgorithm=ES256",
    "Tracing=Active",
)
"""Every optional part of the template at once."""


@cache
def translated(*parameters: str, template: Path = TEMPLATE) -> dict[str, Any]:
    """What SAM makes of the template with these parameters, conditions still in it."""
    if not SAM_PYTHON.exists():
        pytest.skip("aws-sam-cli has an environment of its own, which `make check` makes")
    document: dict[str, Any] = _translator().translated(template, parameters)
    return document


@cache
def _translator() -> _Translator:
    return _Translator()


class _Translator:
    """translate.py, running: its imports take as long as a translation."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [SAM_PYTHON, Path(__file__).with_name("translate.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"AWS_EC2_METADATA_DISABLED": "true"},
        )
        atexit.register(self._end)

    def translated(self, template: Path, parameters: tuple[str, ...]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(template), *parameters]) + "\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        assert isinstance(found, dict), found
        return found

    def _end(self) -> None:
        self._process.communicate()


def lint(document: Mapping[str, Any], folder: Path) -> str:
    """cfn-lint's errors; empty if there are none."""
    path = folder / "translated.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    run = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), "--non-zero-exit-code", "error", "--format", "parseable", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not run.stderr, run.stderr
    return run.stdout if run.returncode else ""


def circles(document: Mapping[str, Any]) -> list[str]:
    """What cfn-lint's rule about circular dependencies (E3004) says, in a hundredth of the time of all rules."""
    from cfnlint.rules.resources.CircularDependency import CircularDependency
    from cfnlint.template import Template

    # cfn-lint puts the operands of conditions in order, in the document that it is given.
    return [
        match.message for match in CircularDependency().match(Template("", deepcopy(dict(document)), ["us-east-1"]))
    ]


def resources(document: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → resource, of one type."""
    return {name: each for name, each in document["Resources"].items() if each["Type"] == kind}


def statements(role: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every statement of a role's own policies; one under a condition as it stands when that holds."""
    for policy in role["Properties"].get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield from _unconditional(statement)


def _unconditional(statement: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Fn::If" not in statement:
        yield statement
        return
    for branch in statement["Fn::If"][1:]:
        if branch != {"Ref": "AWS::NoValue"}:
            yield from _unconditional(branch)


def listed(value: Any) -> list[Any]:
    """IAM writes one of a thing without its list. A member under a condition counts as it stands when that holds."""
    if not isinstance(value, list):
        return [value]
    branches = [each["Fn::If"][1:] if isinstance(each, dict) and "Fn::If" in each else [each] for each in value]
    return [branch for each in branches for branch in each if branch != {"Ref": "AWS::NoValue"}]
