"""SnapStart and provisioned concurrency: off they add nothing, on the four functions of a sign-in have versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.template import load
from tests.parts.template.cloudformation import ROOT, TEMPLATE, resources, translated

SIGN_IN = {name: f"/{name.lower()}" for name in ("Authorize", "Login", "Consent", "Token")}
VERSIONED = ("HasVersions", "HasSnapStart", "HasProvisionedConcurrency")


def holds(document: dict[str, Any], condition: Any, given: dict[str, str]) -> bool:
    match condition:
        case str() as name:
            return holds(document, document["Conditions"][name], given)
        case {"Condition": name}:
            return holds(document, name, given)
        case {"Fn::Or": conditions}:
            return any(holds(document, each, given) for each in conditions)
        case {"Fn::Not": [negated]}:
            return not holds(document, negated, given)
        case {"Fn::Equals": [{"Ref": name}, value]}:
            return bool(given.get(name, str(document["Parameters"][name]["Default"])) == value)
    raise AssertionError(condition)


def deployed(**given: str) -> dict[str, Any]:
    """The resources that CloudFormation makes, with the conditions of versions decided."""
    document = translated("Demo=on")

    def decided(value: Any) -> Any:
        match value:
            case {"Fn::If": [name, one, other]} if name in VERSIONED:
                return decided(one if holds(document, name, given) else other)
            case dict():
                members = {key: decided(member) for key, member in value.items()}
                return {key: member for key, member in members.items() if member != {"Ref": "AWS::NoValue"}}
            case list():
                return [decided(each) for each in value]
        return value

    found: dict[str, Any] = decided(
        {
            name: each
            for name, each in document["Resources"].items()
            if each.get("Condition") not in VERSIONED or holds(document, each["Condition"], given)
        }
    )
    return found


def target(made: dict[str, Any], path: str) -> str:
    """The function, or its alias, that a path of the API leads to."""
    method = made["Api"]["Properties"]["Body"]["paths"][path]["x-amazon-apigateway-any-method"]
    address: str = method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    return address.partition("functions/${")[2].partition("}")[0]


def test_off_there_is_no_version_no_alias_and_every_route_leads_to_its_function() -> None:
    made = deployed()
    assert not [each for each in made.values() if each["Type"] in ("AWS::Lambda::Version", "AWS::Lambda::Alias")]
    assert not [name for name, each in made.items() if "SnapStart" in each.get("Properties", {})]
    assert {name: target(made, path) for name, path in SIGN_IN.items()} == {
        name: f"{name}Function.Arn" for name in SIGN_IN
    }
    permissions = [each for each in made.values() if each["Type"] == "AWS::Lambda::Permission"]
    assert not [each for each in permissions if "Alias" in json.dumps(each["Properties"]["FunctionName"])]


ON = [{"SnapStart": "on"}, {"ProvisionedConcurrency": "3"}]


@pytest.mark.parametrize("given", ON, ids=["SnapStart", "ProvisionedConcurrency"])
def test_on_the_functions_of_a_sign_in_are_called_by_their_published_version(given: dict[str, str]) -> None:
    made = deployed(**given)
    for name, path in SIGN_IN.items():
        assert target(made, path) == f"{name}Alias"
        alias, permission = (made[f"{name}{what}"]["Properties"] for what in ("Alias", "AliasPermission"))
        assert (
            alias["FunctionName"] == made[f"{name}Version"]["Properties"]["FunctionName"] == {"Ref": f"{name}Function"}
        )
        assert alias["FunctionVersion"] == {"Fn::GetAtt": [f"{name}Version", "Version"]}
        assert permission["FunctionName"] == {"Ref": f"{name}Alias"}
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert permission["SourceArn"]["Fn::Sub"].endswith(f":${{Api}}/*/*{path}")
        snapped = {"ApplyOn": "PublishedVersions"} if "SnapStart" in given else None
        assert made[f"{name}Function"]["Properties"].get("SnapStart") == snapped
        kept = {"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}} if snapped is None else None
        assert alias.get("ProvisionedConcurrencyConfig") == kept


@pytest.mark.parametrize("given", ON, ids=["SnapStart", "ProvisionedConcurrency"])
def test_on_everything_else_is_as_it_was(given: dict[str, str]) -> None:
    """Roles, key policies, log groups and other functions' routes know functions, not versions."""
    off, on = deployed(), deployed(**given)
    assert set(on) - set(off) == {
        f"{name}{what}" for name in SIGN_IN for what in ("Version", "Alias", "AliasPermission")
    }
    for name in SIGN_IN:
        on[f"{name}Function"]["Properties"].pop("SnapStart", None)
        for made in (off, on):
            del made["Api"]["Properties"]["Body"]["paths"][SIGN_IN[name]]
    assert {name: on[name] for name in off} == off


def refs(document: dict[str, Any], value: Any) -> Iterator[str]:
    """The parameters that a value depends on, by its conditions as well."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key in ("Ref", "Condition") and member in document["Parameters"]:
                yield member
            elif key == "Condition" or (key == "Fn::If" and member[0] in document["Conditions"]):
                yield from refs(document, document["Conditions"][member if key == "Condition" else member[0]])
            if key == "Fn::Sub":
                yield from (name for name in document["Parameters"] if f"${{{name}}}" in str(member))
            yield from refs(document, member)
    elif isinstance(value, list):
        for each in value:
            yield from refs(document, each)


@pytest.mark.parametrize("name", SIGN_IN)
def test_whatever_changes_a_function_s_configuration_publishes_a_version(name: str) -> None:
    """CloudFormation publishes if the version's own properties change, and only then."""
    document = load(TEMPLATE)
    function = dict(document["Resources"][f"{name}Function"]["Properties"])
    for apart in ("Events", "Policies", "LoggingConfig"):  # routes, the role, the log group of its own
        del function[apart]
    configuration = {**document["Globals"]["Function"], **function}
    del configuration["Architectures"]  # a layer for another processor is another layer
    description = document["Resources"][f"{name}Version"]["Properties"]["Description"]
    assert set(refs(document, configuration)) <= set(refs(document, description))


@pytest.mark.parametrize("name", SIGN_IN)
def test_a_change_of_the_layer_alone_publishes_a_version(name: str, tmp_path: Path) -> None:
    """`make build` writes the digest of all functions' code into the layer's description, so a change of a function's
    code is a change of the layer as well."""
    changed = tmp_path / "template.yaml"
    text = TEMPLATE.read_text(encoding="utf-8")
    changed.write_text(
        text.replace("Description: Code that the functions share", "Description: another"), encoding="utf-8"
    )
    before, after = (translated(template=each) for each in (TEMPLATE, changed))
    (layer,), (other,) = (resources(each, "AWS::Lambda::LayerVersion") for each in (before, after))
    descriptions = [json.dumps(each["Resources"][f"{name}Version"]["Properties"]) for each in (before, after)]
    assert f'"{layer}"' in descriptions[0]
    assert descriptions[0].replace(layer, other) == descriptions[1] != descriptions[0]


@pytest.mark.parametrize("parameter", ["SnapStart", "ProvisionedConcurrency"])
def test_the_parameter_says_the_price_that_the_table_has(parameter: str) -> None:
    from bench.costs import PROVISIONED, SIGN_IN_MEMORY, SNAPSHOT_KEPT, of_started_functions

    memory = {
        name: document["Properties"]["MemorySize"]
        for name, document in resources(translated(), "AWS::Lambda::Function").items()
    }
    assert {f"{name.title()}Function": each for name, each in SIGN_IN_MEMORY.items()}.items() <= memory.items()
    price = of_started_functions(SNAPSHOT_KEPT if parameter == "SnapStart" else PROVISIONED)
    assert f"${price:.2f}" in load(ROOT / "template.yaml")["Parameters"][parameter]["Description"]
