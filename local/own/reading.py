"""A developer's template, resolved as far as it can be here; the rest is named in `notices`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.own.choices import Choices
from local.own.notices import Notices
from local.system import with_globals
from local.template import Resource, Template, TemplateError, load

# The property that names the resource. For these types, Ref is the name.
_NAMED_BY = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Serverless::SimpleTable": "TableName",
}
_GLOBALS = {
    "AWS::Serverless::Function": "Function",
    "AWS::Serverless::HttpApi": "HttpApi",
    "AWS::Serverless::Api": "Api",
    "AWS::Serverless::LayerVersion": "LayerVersion",
}
MISSING = object()
"""What could not be resolved."""


class Reading:
    """One template with its parameters. `issuer` is what stands in for every issuer of a nested authorizer."""

    def __init__(self, path: Path, choices: Choices, issuer: str, notices: Notices) -> None:
        self.path, self.folder, self.notices = path, path.parent, notices
        self.stack = re.sub(r"[^A-Za-z0-9-]+", "-", path.parent.name).strip("-") or "own"
        self.document = _sound(load(path), notices)
        resources = self.document["Resources"]
        _add_implicit_apis(resources)
        self.known = Resources(self.document, self.stack)
        declared = self.document.get("Parameters", {})
        given = choices.parameters_of(path, declared)
        given |= {name: issuer for name in _issuer_parameters(resources) if name in declared}
        if missing := sorted(
            name for name, each in declared.items() if name not in given and "Default" not in (each or {})
        ):
            example = " ".join(f"{name}=…" for name in missing)
            raise TemplateError(
                f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no default and no value. "
                f'Write API_PARAMETERS="{example}", or parameter_overrides in {self.folder / "samconfig.toml"}.'
            )
        pseudo = {**PSEUDO_PARAMETERS, "AWS::StackName": self.stack}
        self.template = Template(self.document, given, pseudo, self.known)
        for resource in self.template.resources(*_NAMED_BY):
            if name := resource.properties.get(_NAMED_BY[resource.type]):
                self._learn_name(resource, name)

    def resources(self, *types: str) -> Iterator[tuple[Resource, dict[str, Any]]]:
        """The resources of these types whose condition holds, and their properties with the Globals', unresolved."""
        shared = self.document.get("Globals", {})
        for resource in self.template.resources(*types):
            own = resource.properties or {}
            yield resource, with_globals(shared.get(_GLOBALS.get(resource.type, ""), {}), own)

    def value(self, value: Any, where: str, instead: str) -> Any:
        """`value` resolved; MISSING, and a notice, where that is impossible."""
        try:
            return self.template.resolve(value, where)
        except TemplateError as error:
            text = str(error)
            self.notices.add(text if text.startswith(where) else f"{where}: {text}", instead)
            return MISSING

    def _learn_name(self, resource: Resource, name: Any) -> None:
        found = self.value(name, resource.logical_id, "its name is made up")
        if isinstance(found, str):
            self.known.learn(resource.logical_id, {"Ref": found})


def _sound(document: dict[str, Any], notices: Notices) -> dict[str, Any]:
    """The document with resources that are resources: Fn::ForEach and other macros stand among them as well."""
    if "AWS::Serverless-2016-10-31" not in str(document.get("Transform", "")):
        raise TemplateError("it has no Transform: AWS::Serverless-2016-10-31, so it is no SAM template")
    resources = document.get("Resources")
    if not isinstance(resources, dict):
        raise TemplateError("it has no Resources")
    kept = {}
    for name, body in resources.items():
        if isinstance(body, dict) and isinstance(body.get("Type"), str) and not str(name).startswith("Fn::"):
            kept[str(name)] = body
        else:
            notices.add(f"{name} among the Resources", "macros are not played; what it would make does not exist here")
    return {**document, "Resources": kept}


def _add_implicit_apis(resources: dict[str, Any]) -> None:
    """The APIs that SAM makes for events that name none."""
    kinds = {
        ("Api", "RestApiId"): (
            "ServerlessRestApi",
            {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "Prod"}},
        ),
        ("HttpApi", "ApiId"): ("ServerlessHttpApi", {"Type": "AWS::Serverless::HttpApi", "Properties": {}}),
    }
    for body in list(resources.values()):
        events = (body.get("Properties") or {}).get("Events") or {}
        for event in events.values():
            kind = event.get("Type")
            for (type_, member), (name, implicit) in kinds.items():
                if kind == type_ and member not in (event.get("Properties") or {}):
                    resources.setdefault(name, implicit)


def _issuer_parameters(resources: Mapping[str, Any]) -> Iterator[str]:
    """The template's own parameters that it hands to an authorizer of Valet's as the issuer."""
    for body in resources.values():
        properties = body.get("Properties") or {}
        variables = (properties.get("Environment") or {}).get("Variables") or {}
        for issuer in ((properties.get("Parameters") or {}).get("Issuer"), variables.get("ISSUER")):
            if isinstance(issuer, dict) and isinstance(issuer.get("Ref"), str):
                yield issuer["Ref"]
