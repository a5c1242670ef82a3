"""template.yaml is resolved as CloudFormation would, and whatever is unknown raises."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.template import Template, TemplateError, load

SKELETON = """\
Parameters:
  Colour: {Type: String, Default: red, AllowedValues: [red, blue]}
  Lifetime: {Type: Number, Default: 900}
  Subnets: {Type: CommaDelimitedList, Default: 'a,b,c'}
  Empty: {Type: String, Default: ''}
Conditions:
  IsRed: !Equals [!Ref Colour, red]
  IsBlue: !Not [!Condition IsRed]
  IsBoth: !And [!Condition IsRed, !Condition IsBlue]
  IsEither: !Or [!Condition IsRed, !Condition IsBlue]
  IsNineHundred: !Equals [!Ref Lifetime, 900]
Resources:
  Registry: {Type: AWS::DynamoDB::Table}
  Hidden: {Type: AWS::DynamoDB::Table, Condition: IsBlue}
  TokenFunction: {Type: AWS::Serverless::Function}
"""


def template_from(text: str, tmp_path: Path, **parameters: str) -> Template:
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    document = load(path)
    return Template(document, parameters, PSEUDO_PARAMETERS, Resources(document))


def resolve(yaml_value: str, tmp_path: Path, **parameters: str) -> Any:
    template = template_from(SKELETON + "Outputs:\n  Value: " + yaml_value + "\n", tmp_path, **parameters)
    return template.resolve(template.document["Outputs"]["Value"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!Ref Colour", "red"),
        ("!Ref Lifetime", "900"),
        ("!Ref Subnets", ["a", "b", "c"]),
        ("!Ref AWS::AccountId", "123456789012"),
        ("!Ref Registry", "valet-local-Registry"),
        ("!GetAtt Registry.Arn", "arn:aws:dynamodb:us-east-1:123456789012:table/valet-local-Registry"),
        ("!GetAtt [Registry, Arn]", "arn:aws:dynamodb:us-east-1:123456789012:table/valet-local-Registry"),
        ("!GetAtt TokenFunctionRole.Arn", "arn:aws:iam::123456789012:role/valet-local-TokenFunctionRole"),
        ("!If [IsRed, warm, cold]", "warm"),
        ("!If [IsBlue, warm, cold]", "cold"),
        ("!If [IsNineHundred, 1, 2]", 1),
        ("!Join ['-', [a, !Ref Colour, 3]]", "a-red-3"),
        ("!Join ['-', !Ref Subnets]", "a-b-c"),
        ("!Select [1, !Ref Subnets]", "b"),
        ("!Select ['2', [a, b, c]]", "c"),
        ("!Split ['/', a/b]", ["a", "b"]),
        ("!Select [0, !Split ['/', a/b]]", "a"),
        ("!Sub 'https://${Colour}.example/${AWS::Region}'", "https://red.example/us-east-1"),
        (
            "!Sub '${TokenFunction.Arn}'",
            "arn:aws:lambda:us-east-1:123456789012:function:valet-local-TokenFunction",
        ),
        ("!Sub ['${Own}-${Colour}', {Own: !Ref Lifetime}]", "900-red"),
        ("!Sub '${!Literal} ${Colour}'", "${Literal} red"),
        ("{Fn::Sub: '${Colour}'}", "red"),
        ("{a: !Ref AWS::NoValue, b: 1}", {"b": 1}),
        ("[!Ref AWS::NoValue, 1]", [1]),
        ("[!If [IsRed, !Ref AWS::NoValue, 1], 2]", [2]),
        ("{Version: 2012-10-17}", {"Version": "2012-10-17"}),
        ("{Condition: {StringEquals: {a: !Ref Colour}}}", {"Condition": {"StringEquals": {"a": "red"}}}),
    ],
)
def test_each_intrinsic_function_gives_what_cloudformation_gives(value: str, expected: Any, tmp_path: Path) -> None:
    assert resolve(value, tmp_path) == expected


@pytest.mark.parametrize(("colour", "both", "either"), [("red", False, True), ("blue", False, True)])
def test_conditions_are_evaluated_with_the_parameters_given(
    colour: str, both: bool, either: bool, tmp_path: Path
) -> None:
    template = template_from(SKELETON, tmp_path, Colour=colour)
    assert template.condition("IsRed") is (colour == "red")
    assert template.condition("IsBlue") is (colour == "blue")
    assert template.condition("IsBoth") is both
    assert template.condition("IsEither") is either


@pytest.mark.parametrize(
    "value",
    [
        "!Ref Nobody",
        "!Ref TokenFunctionRoles",
        "!Ref RegistryRole",
        "!GetAtt Registry.Colour",
        "!GetAtt Registry",
        "!GetAtt Nobody.Arn",
        "!Ref Hidden",
        "!If [IsGreen, 1, 2]",
        "!If [IsRed, 1]",
        "!Select [3, [a, b]]",
        "!Select [-1, [a, b]]",
        "!Split ['', a]",
        "!Join [1, [a]]",
        "!Sub '${Nobody}'",
        "!Sub '${Subnets}'",
        "!Sub [1, {}]",
        "{Fn::FindInMap: [a, b, c]}",
        "{Fn::ImportValue: a}",
        "{Fn::Not: [red]}",
        "!Ref AWS::NoValue",
    ],
)
def test_what_is_unknown_or_ill_formed_raises(value: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        resolve(value, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {A: {Type: !Cider [a, b]}}",
        "Resources: {A: 1, A: 2}",
        "[]",
        "Resources:\n  A: {Type: !Transforms {Name: x}}",
    ],
)
def test_a_document_with_unknown_tags_or_repeated_keys_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        template_from(text, tmp_path)


@pytest.mark.parametrize(
    "parameters", [{"Colour": "green"}, {"Shape": "round"}], ids=["value not allowed", "unknown parameter"]
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        template_from(SKELETON, tmp_path, **parameters)


def test_a_parameter_without_default_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="Name has no default"):
        template_from(dedent("Parameters: {Name: {Type: String}}"), tmp_path)


def test_a_resource_whose_condition_does_not_hold_is_not_there(tmp_path: Path) -> None:
    template = template_from(SKELETON, tmp_path)
    assert [resource.logical_id for resource in template.resources()] == ["Registry", "TokenFunction"]


def test_only_the_branch_taken_is_resolved(tmp_path: Path) -> None:
    assert resolve("!If [IsRed, 1, !Ref Hidden]", tmp_path) == 1
