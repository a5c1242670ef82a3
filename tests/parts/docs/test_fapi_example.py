"""docs/examples/fapi.yaml: the stack in front of Valet's, and the parameters that it says for Valet's own."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from local.template import Attributes, Template, load

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "examples"
LINES = re.findall(r"^# (sam deploy .*)$", (EXAMPLES / "fapi.yaml").read_text(encoding="utf-8"), re.MULTILINE)


class _Named(Attributes):
    """Stands for every resource by its logical id."""

    def ref(self, logical_id: str) -> str:
        return logical_id

    def attribute(self, logical_id: str, name: str) -> str:
        return f"{logical_id}.{name}"


def given(line: str) -> dict[str, str]:
    """The parameters that the command sets."""
    words = shlex.split(line)
    return dict(word.split("=", 1) for word in words[words.index("--parameter-overrides") + 1 :])


VALET, FRONT = (given(line) for line in LINES)


@pytest.fixture(scope="module")
def valet() -> Template:
    pseudo = {"AWS::Region": "eu-west-1", "AWS::StackName": "valet"}
    return Template(load(ROOT / "template.yaml"), VALET, pseudo, _Named())


@pytest.fixture(scope="module")
def front() -> dict[str, Any]:
    return load(EXAMPLES / "fapi.yaml")


@pytest.mark.parametrize(("file", "chosen"), [(ROOT / "template.yaml", VALET), (EXAMPLES / "fapi.yaml", FRONT)])
def test_a_line_of_deployment_gives_values_that_the_template_takes(file: Path, chosen: dict[str, str]) -> None:
    parameters = load(file)["Parameters"]
    assert {each for each, parameter in parameters.items() if "Default" not in parameter} <= set(chosen)
    for name, value in chosen.items():
        assert re.fullmatch(parameters[name].get("AllowedPattern", ".*"), value), name
        assert value in parameters[name].get("AllowedValues", [value]), name


def test_the_two_stacks_name_each_other(front: dict[str, Any]) -> None:
    assert f"https://{FRONT['Domain']}" == VALET["IssuerUrl"]
    assert FRONT["Origin"] == VALET["CustomDomain"] != FRONT["Domain"]
    assert VALET["BehindProxy"] == "on"
    words = shlex.split(LINES[1])
    assert EXAMPLES / words[words.index("--template-file") + 1] == EXAMPLES / "fapi.yaml"
    assert words[words.index("--region") + 1] == "us-east-1"
    nested = front["Resources"]["Front"]["Properties"]
    cloudfront = load(EXAMPLES / nested["Location"])
    required = {name for name, parameter in cloudfront["Parameters"].items() if "Default" not in parameter}
    assert nested["Parameters"] == {name: {"Ref": name} for name in required}
    assert {"Target", "IssuerUrl"} <= set(cloudfront["Outputs"])


def test_valets_own_stack_has_the_profile_no_rs256_and_no_address_next_to_its_domain(valet: Template) -> None:
    environment = valet.resolve(valet.document["Globals"]["Function"]["Environment"]["Variables"])
    assert (environment["PROFILE"], environment["ISSUER_URL"]) == ("fapi2", VALET["IssuerUrl"])
    assert "RS256" not in environment["SIGNING_ALG"]
    api = valet.document["Resources"]["Api"]["Properties"]
    assert valet.resolve(api["DisableExecuteApiEndpoint"]) is True
    for rule in valet.document["Rules"].values():
        if valet.resolve(rule["RuleCondition"]):
            assert all(valet.resolve(each["Assert"]) for each in rule["Assertions"])


def test_of_tls_1_2_cloudfront_takes_only_what_the_profile_permits() -> None:
    distribution = load(EXAMPLES / "cloudfront.yaml")["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    # The policies before 2025 take ChaCha20 or CBC.
    assert distribution["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2025"


def test_the_domain_leads_to_cloudfront_and_only_its_authority_may_issue_certificates(front: dict[str, Any]) -> None:
    resources = front["Resources"]
    authorities, address = resources["Authorities"]["Properties"], resources["Address"]["Properties"]
    certificate = resources["Certificate"]
    assert {each["Name"]["Ref"] for each in (authorities, address)} == {"Domain"}
    assert certificate["Properties"]["DomainName"] == {"Ref": "Domain"}
    assert certificate["DependsOn"] == "Authorities"
    assert authorities["ResourceRecords"] == ['0 issue "amazon.com"', '0 issuewild ";"']
    # The zone of every distribution, by the id that AWS documents.
    assert address["AliasTarget"] == {
        "DNSName": {"Fn::GetAtt": "Front.Outputs.Target"},
        "HostedZoneId": "Z2FDTNDATAQYW2",
    }
