"""The parameters: each described, each held to what it may be; and samconfig.toml, which gives them."""

import re
import tomllib
from typing import Any

import pytest

from local.template import load
from tests.parts.template.cloudformation import ROOT, TEMPLATE

PARAMETERS: dict[str, Any] = load(TEMPLATE)["Parameters"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_described_and_refuses_what_it_cannot_be(name: str) -> None:
    parameter = PARAMETERS[name]
    assert len(parameter["Description"]) > 20
    assert "Default" in parameter, "a stack deploys without a question"
    if parameter["Type"] == "String":
        assert "AllowedPattern" in parameter or "AllowedValues" in parameter
    else:
        assert "MinValue" in parameter or "AllowedValues" in parameter
    if "AllowedPattern" in parameter:
        assert "ConstraintDescription" in parameter
        assert _allows(name, str(parameter["Default"]))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_offered_in_a_group(name: str) -> None:
    groups = load(TEMPLATE)["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sum(group["Parameters"].count(name) for group in groups) == 1


def _allows(name: str, value: str) -> bool:
    return re.fullmatch(PARAMETERS[name]["AllowedPattern"], value) is not None


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "IssuerUrl",
            [
                "https://auth.example.com",
                "https://auth.example.com:8443",
                "http://127.0.0.1:3000",
                "http://localhost:3000",
            ],
            [
                "http://localhost.evil.test:3000",
                "http://auth.example.com",
                "https://auth.example.com/",
                "https://auth.example.com/path",
                "auth.example.com",
            ],
        ),
        (
            "CustomDomain",
            ["auth.example.com"],
            ["https://auth.example.com", "auth", "-auth.example.com", "Auth.example.com"],
        ),
        (
            "Certificate",
            ["arn:aws:acm:eu-west-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"],
            ["arn:aws:iam::123456789012:server-certificate/x", "certificate"],
        ),
        ("PasskeyDomain", ["example.com", ""], ["localhost", "https://example.com", "Example.com", "example.com/"]),
        ("HostedZone", ["Z0123456789ABC"], ["example.com", "/hostedzone/Z0123456789ABC"]),
        ("RetryWindow", ["0", "11", "60", "300"], ["10", "301", "-1", "60s"]),
        ("RegistryTable", ["valet-Registry-1ABC"], ["a", "arn:aws:dynamodb:eu-west-1:123456789012:table/x"]),
        ("UsersTable", ["valet-Users-1ABC"], ["a b c"]),
    ],
)
def test_a_pattern_tells_good_from_bad(name: str, good: list[str], bad: list[str]) -> None:
    assert all(_allows(name, value) for value in good)
    assert not any(_allows(name, value) for value in bad)


_DOMAIN = {"CustomDomain": "id.example.com"}
_PROXY = {"BehindProxy": "on"}
_SNAPSTART = {"SnapStart": "on"}
_FAPI2 = {"Profile": "fapi2"}


@pytest.mark.parametrize(
    ("given", "is_refused"),
    [
        ({}, False),
        (_DOMAIN, True),
        ({**_DOMAIN, "Certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/0"}, False),
        (_PROXY, True),
        ({**_PROXY, "IssuerUrl": "https://id.example.com"}, False),
        (_SNAPSTART, False),
        ({**_SNAPSTART, "ProvisionedConcurrency": "1"}, True),
        (_FAPI2, True),
        *(({**_FAPI2, "SigningAlgorithm": alg}, False) for alg in ("PS256", "ES256")),
        *(({**_FAPI2, "SigningAlgorithm": alg}, True) for alg in ("RS256+PS256", "RS256+ES256")),
    ],
)
def test_parameters_that_make_no_sense_without_another_or_with_it_are_refused(
    given: dict[str, str], is_refused: bool
) -> None:
    """A custom domain has its certificate, a proxy the address that clients know it by. SnapStart stands alone. The
    profile fapi2 takes no RS256.
    """
    values = {**{name: str(each.get("Default", "")) for name, each in PARAMETERS.items()}, **given}

    def holds(expression: Any) -> Any:
        match expression:
            case {"Ref": name}:
                return values[name]
            case {"Fn::Equals": [one, other]}:
                return holds(one) == holds(other)
            case {"Fn::Or": several}:
                return any(holds(each) for each in several)
            case {"Fn::Not": [negated]}:
                return not holds(negated)
            case str():
                return expression
        raise AssertionError(expression)

    rules = [rule for rule in load(TEMPLATE)["Rules"].values() if holds(rule["RuleCondition"])]
    assertions = [each["Assert"] for rule in rules for each in rule["Assertions"]]
    assert bool(assertions) == bool(given)
    assert any(not holds(each) for each in assertions) == is_refused


def test_the_overrides_are_the_same_to_build_and_to_deploy() -> None:
    """A layer built for one processor and deployed for the other fails at its first import."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))["default"]
    assert config["global"]["parameters"]["parameter_overrides"] == ["Architecture=arm64"]
    assert not any("Architecture" in str(config[section]) for section in config if section != "global")
