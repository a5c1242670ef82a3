"""CloudFormation refuses circular dependencies, which cfn-lint sees only after the SAM transform."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts.template.cloudformation import EVERYTHING, TEMPLATE, circles, lint, translated

pytestmark = pytest.mark.slow


def test_the_translated_template_has_no_error_and_no_circle(tmp_path: Path) -> None:
    document = translated(*EVERYTHING)
    assert circles(document) == []
    assert lint(document, tmp_path) == ""


def test_with_its_defaults_the_template_is_a_part_of_the_one_with_everything() -> None:
    """So what the linter found of all of it, it found of this one too."""
    assert circles(translated()) == []
    assert list(_missing(translated(), translated(*EVERYTHING))) == []


def _missing(part: Any, whole: Any, place: str = "") -> Iterator[str]:
    if isinstance(part, dict) and isinstance(whole, dict):
        for name, value in part.items():
            yield from _missing(value, whole.get(name), f"{place}/{name}")
    elif isinstance(part, list) and isinstance(whole, list):
        yield from (f"{place}: {each}" for each in part if each not in whole)
    elif part != whole:
        yield place


CIRCLES = {
    "a function's environment names the API that names the function": (
        "!Sub 'https://${CustomDomain}', '']]",
        "!Sub 'https://${CustomDomain}', !Sub 'https://${Api}.execute-api.${AWS::Region}.amazonaws.com']]",
    ),
    "a role names the key whose policy names the role": (
        "                Action: kms:CreateKey\n                Resource: '*'",
        "                Action: kms:Decrypt\n                Resource: !GetAtt WrappingKey.Arn",
    ),
    "the authorizer's audience is the address of the API that it protects": (
        "          RESPONSE: policy\n",
        "          RESPONSE: !Sub 'https://${DemoApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}'\n",
    ),
}


@pytest.mark.parametrize("circle", CIRCLES)
def test_a_circle_put_in_on_purpose_is_found(circle: str, tmp_path: Path) -> None:
    before, after = CIRCLES[circle]
    text = TEMPLATE.read_text(encoding="utf-8")
    assert text.count(before) >= 1
    template = tmp_path / "template.yaml"
    template.write_text(text.replace(before, after, 1), encoding="utf-8")
    assert circles(translated("Demo=on", template=template))


def test_a_circle_is_an_error_of_the_whole_lint_too(tmp_path: Path) -> None:
    topics = {
        name: {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": [other, "TopicName"]}}}
        for name, other in (("A", "B"), ("B", "A"))
    }
    document = {"Resources": topics}
    assert circles(document)
    assert "E3004" in lint(document, tmp_path)
