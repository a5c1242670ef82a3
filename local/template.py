"""template.yaml, read and resolved as CloudFormation would (AWS CloudFormation, intrinsic functions).

samtranslator and moto both have readers of their own. samtranslator turns routes into the body of an OpenAPI document.
moto creates what it can and silently ignores the rest. This reader knows few functions and raises on all others: a
local stack that guesses is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

# The last line of them is read only: a reference to one of those is refused.
_TAGS = (
    *("And", "Equals", "FindInMap", "GetAtt", "If", "Join", "Not", "Or", "Select", "Split", "Sub"),
    *("Base64", "Cidr", "GetAZs", "ImportValue", "Length", "ToJsonString", "Transform"),
)
_LONG_NAMES = {
    **{tag: f"Fn::{tag}" for tag in _TAGS},
    "Condition": "Condition",
    "Ref": "Ref",
}
_NO_VALUE = object()
_CONDITIONAL = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


class TemplateError(Exception):
    """The template has something that the local stack cannot run."""


class Attributes(Protocol):
    """The values of Ref and GetAtt for the resources of a stack."""

    def ref(self, logical_id: str) -> str: ...

    def attribute(self, logical_id: str, name: str) -> Any: ...


@dataclass(frozen=True)
class Resource:
    """One resource whose condition holds, its intrinsic functions still unresolved."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    body: Mapping[str, Any]


def load(path: Path) -> dict[str, Any]:
    """The document with every short tag written out long, so that `!Ref X` is `{"Ref": "X"}`."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506  a SafeLoader underneath
    if not isinstance(document, dict):
        raise TemplateError(f"{path} is not a template: it must be a YAML mapping")
    return document


class Template:
    """A document together with its parameters and the attributes of its resources."""

    def __init__(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, str],
        pseudo_parameters: Mapping[str, str],
        attributes: Attributes,
    ) -> None:
        self.document = document
        self.parameters = _parameter_values(document.get("Parameters", {}), parameters)
        self._pseudo_parameters = dict(pseudo_parameters)
        self._attributes = attributes
        self._functions: dict[str, Callable[[Any, str], Any]] = {
            "Ref": self._ref,
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::Sub": self._sub,
        }

    def resources(self, *types: str) -> Iterator[Resource]:
        """The resources whose condition holds, of these types if any are given, in the template's order."""
        for logical_id, body in self.document.get("Resources", {}).items():
            if types and body["Type"] not in types:
                continue
            if "Condition" in body and not self.condition(body["Condition"]):
                continue
            yield Resource(logical_id, body["Type"], body.get("Properties", {}), body)

    def resolve(self, value: Any, where: str = "template") -> Any:
        """`value` with every intrinsic function replaced by its result."""
        resolved = self._resolve(value, where)
        if resolved is _NO_VALUE:
            raise TemplateError(f"{where} is AWS::NoValue, but needs a value")
        return resolved

    def condition(self, name: str) -> bool:
        """Whether the named condition holds."""
        try:
            expression = self.document["Conditions"][name]
        except KeyError:
            raise TemplateError(f"no condition is named {name!r}") from None
        return self._holds(expression, f"Conditions.{name}")

    def _resolve(self, value: Any, where: str) -> Any:
        if isinstance(value, dict):
            if (name := _intrinsic(value)) is not None:
                return self._call(name, value[name], where)
            members = ((key, self._resolve(member, f"{where}.{key}")) for key, member in value.items())
            return {key: member for key, member in members if member is not _NO_VALUE}
        if isinstance(value, list):
            items = (self._resolve(item, f"{where}[{index}]") for index, item in enumerate(value))
            return [item for item in items if item is not _NO_VALUE]
        return value

    def _call(self, name: str, argument: Any, where: str) -> Any:
        if name in _CONDITIONAL:
            return self._holds({name: argument}, where)
        if name not in self._functions:
            raise TemplateError(f"{where}: {name} is not known to the local stack")
        return self._functions[name](argument, where)

    def _holds(self, expression: Any, where: str) -> bool:
        match expression:
            case {"Condition": str(name), **rest} if not rest:
                return self.condition(name)
            case {"Fn::Equals": [left, right], **rest} if not rest:
                return as_text(self.resolve(left, where)) == as_text(self.resolve(right, where))
            case {"Fn::Not": [inner], **rest} if not rest:
                return not self._holds(inner, where)
            case {"Fn::And": [_, _, *_] as inner, **rest} if not rest:
                every = [self._holds(each, where) for each in inner]  # evaluate all, so that each unknown part raises
                return all(every)
            case {"Fn::Or": [_, _, *_] as inner, **rest} if not rest:
                every = [self._holds(each, where) for each in inner]
                return any(every)
        raise TemplateError(f"{where}: the local stack cannot read {expression!r} as a condition")

    def _ref(self, name: Any, where: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self.parameters:
            return self.parameters[name]
        if name in self._pseudo_parameters:
            return self._pseudo_parameters[name]
        return self._attributes.ref(self._existing(name, where))

    def _get_att(self, argument: Any, where: str) -> Any:
        match argument.split(".", 1) if isinstance(argument, str) else argument:
            case [str(logical_id), str(attribute)]:
                return self._attributes.attribute(self._existing(logical_id, where), attribute)
        raise TemplateError(f"{where}: Fn::GetAtt needs a resource and an attribute, not {argument!r}")

    def _find_in_map(self, argument: Any, where: str) -> Any:
        match self.resolve(argument, where):
            case [str(name), top, second]:
                found = self.document.get("Mappings", {}).get(name, {}).get(as_text(top), {}).get(as_text(second))
                if found is not None:
                    return found
        raise TemplateError(f"{where}: Mappings has nothing for Fn::FindInMap {argument!r}")

    def _existing(self, logical_id: Any, where: str) -> str:
        """A name that Ref or GetAtt may use. SAM generates `<function>Role`, which the template does not list."""
        resources = self.document.get("Resources", {})
        owner = logical_id
        if logical_id not in resources and isinstance(logical_id, str) and logical_id.endswith("Role"):
            owner = logical_id.removesuffix("Role")
            if resources.get(owner, {}).get("Type") != "AWS::Serverless::Function":
                owner = logical_id
        if owner not in resources:
            raise TemplateError(f"{where}: the template has no resource or parameter {logical_id!r}")
        condition = resources[owner].get("Condition")
        if condition is not None and not self.condition(condition):
            raise TemplateError(f"{where}: {logical_id} is not created, because its condition {condition} is false")
        return str(logical_id)

    def _if(self, argument: Any, where: str) -> Any:
        match argument:
            case [str(name), yes, no]:
                return self._resolve(yes if self.condition(name) else no, where)
        raise TemplateError(f"{where}: Fn::If needs a condition and two values, not {argument!r}")

    def _join(self, argument: Any, where: str) -> str:
        match self.resolve(argument, where):
            case [str(delimiter), [*parts]]:
                return delimiter.join(as_text(part) for part in parts)
        raise TemplateError(f"{where}: Fn::Join needs a delimiter and a list, not {argument!r}")

    def _select(self, argument: Any, where: str) -> Any:
        match self.resolve(argument, where):
            case [int() | str() as index, [*items]] if str(index).isdecimal() and int(index) < len(items):
                return items[int(index)]
        raise TemplateError(f"{where}: Fn::Select needs an index within a list, not {argument!r}")

    def _split(self, argument: Any, where: str) -> list[str]:
        match self.resolve(argument, where):
            case [str(delimiter), str(text)] if delimiter:
                return text.split(delimiter)
        raise TemplateError(f"{where}: Fn::Split needs a delimiter and a string, not {argument!r}")

    def _sub(self, argument: Any, where: str) -> str:
        match argument:
            case str(text):
                own: dict[str, Any] = {}
            case [str(text), {**variables}]:
                own = {str(name): self.resolve(value, where) for name, value in variables.items()}
            case _:
                raise TemplateError(f"{where}: Fn::Sub needs a string, not {argument!r}")

        def replacement(match: re.Match[str]) -> str:
            literal, name = match.group(1), match.group(2)
            if literal:
                return "${" + name + "}"
            if name in own:
                return as_text(own[name])
            value = self._get_att(name, where) if "." in name else self._ref(name, where)
            if not isinstance(value, str | int | float):
                raise TemplateError(f"{where}: ${{{name}}} is neither a string nor a number")
            return as_text(value)

        return _PLACEHOLDER.sub(replacement, text)


def as_text(value: Any) -> str:
    """A scalar as CloudFormation writes it: `true`, not Python's `True`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"{value!r} is not a string, number or boolean")


def _intrinsic(value: Mapping[Any, Any]) -> str | None:
    if len(value) != 1:
        return None
    (name,) = value
    return name if name == "Ref" or (isinstance(name, str) and name.startswith("Fn::")) else None


def _parameter_values(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    if unknown := sorted(set(given) - set(declared)):
        raise TemplateError(f"the template has no parameter {', '.join(unknown)}")
    values: dict[str, Any] = {}
    for name, declaration in declared.items():
        if name not in given and "Default" not in declaration:
            raise TemplateError(f"parameter {name} has no default: give it with --parameter {name}=VALUE")
        value = as_text(given.get(name, declaration.get("Default")))
        allowed = [as_text(each) for each in declaration.get("AllowedValues", [])]
        if allowed and value not in allowed:
            raise TemplateError(f"parameter {name} is {value!r}: use one of {', '.join(allowed)}")
        values[name] = value.split(",") if declaration["Type"] == "CommaDelimitedList" else value
    return values


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml if the wheel has it
    """Reads YAML with the short tags. Timestamps stay strings, as a policy's Version is one. Repeated keys raise."""

    yaml_implicit_resolvers = {  # noqa: RUF012  the name and shape are PyYAML's
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if repeated := {key for key in keys if keys.count(key) > 1}:
            raise TemplateError(f"{node.start_mark}: the key {', '.join(map(str, repeated))} is repeated")
        return dict(super().construct_mapping(node, deep=deep))


def _construct_tag(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if suffix not in _LONG_NAMES:
        raise TemplateError(f"{node.start_mark}: the local stack does not know the tag !{suffix}")
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {_LONG_NAMES[suffix]: value}


_Loader.add_multi_constructor("!", _construct_tag)
