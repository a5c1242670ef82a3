"""`valet doctor`: whether people's mails go out."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from valet.aws.dynamodb.table import item_from_model
from valet.models.policy import ITEM, Policy

from admin.doctor import examine, mails
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.conftest import Operator

GOOD = {"VerifiedForSendingStatus": True, "DkimAttributes": {"Status": "SUCCESS"}}
OPEN = {"ProductionAccessEnabled": True, "SendingEnabled": True}
MAIL = "arn:aws:sqs:us-east-1:123456789012:valet-local-Mail"


class Ses:
    """SES's answers about one account."""

    def __init__(self, account: dict[str, Any], **identities: dict[str, Any]) -> None:
        self.account, self.identities = account, identities

    def get_account(self) -> dict[str, Any]:
        return self.account

    def get_email_identity(self, *, EmailIdentity: str) -> dict[str, Any]:  # noqa: N803  boto3's word
        if EmailIdentity not in self.identities:
            raise ClientError({"Error": {"Code": "NotFoundException", "Message": ""}}, "GetEmailIdentity")
        return self.identities[EmailIdentity]


def said(account: dict[str, Any], identities: dict[str, dict[str, Any]], **parameters: str) -> list[str]:
    """What the doctor finds of SES."""
    deployment = Deployment(Where(stack="valet", region="us-east-1"), bytes, lambda: 0.0)
    given = {"MailFrom": "id@mail.example.com", "MailIdentity": "", **parameters}
    deployment.__dict__.update(parameters=given, outputs={}, client=lambda service: Ses(account, **identities))
    evidence = Evidence(deployment, 0)
    return [each.what for look in (mails.look_identity, mails.look_account) for each in look(evidence)]


@pytest.mark.parametrize("named", ["", "mail.example.com", "example.com", "id@mail.example.com"])
def test_an_identity_that_may_send_is_found_well(named: str) -> None:
    assert said(OPEN, {named or "mail.example.com": GOOD}, MailIdentity=named) == []


def test_a_deployment_without_mail_is_asked_nothing() -> None:
    assert said({}, {}, MailFrom="") == []


@pytest.mark.parametrize(
    ("identities", "what"),
    [
        ({}, "SES has not verified mail.example.com"),
        ({"mail.example.com": {**GOOD, "VerifiedForSendingStatus": False}}, "SES has not verified mail.example.com"),
        ({"mail.example.com": {**GOOD, "DkimAttributes": {"Status": "PENDING"}}}, "are not signed (DKIM)"),
        ({"mail.example.com": {**GOOD, "ConfigurationSetName": "ours"}}, "has the default configuration set ours"),
        ({"mail.example.com": GOOD, "id@mail.example.com": GOOD}, "SES has an identity id@mail.example.com next to"),
    ],
)
def test_an_identity_that_cannot_send_is_named(identities: dict[str, dict[str, Any]], what: str) -> None:
    (found,) = said(OPEN, identities)
    assert what in found


@pytest.mark.parametrize("named", ["example.org", "ail.example.com", "other@mail.example.com"])
def test_an_identity_that_is_not_the_addresss_is_named(named: str) -> None:
    (found,) = said(OPEN, {named: GOOD}, MailIdentity=named)
    assert found == f"MailIdentity is {named}, which is neither id@mail.example.com nor a domain of it"


@pytest.mark.parametrize(
    ("account", "what"),
    [
        ({**OPEN, "ProductionAccessEnabled": False}, "The account is in the sandbox of SES in this Region"),
        ({**OPEN, "SendingEnabled": False}, "SES sends no mail of this account now"),
        (
            {**OPEN, "SendQuota": {"Max24HourSend": 1_000.0, "SentLast24Hours": 800.0}},
            "The account has sent 800 of 1000 mails that it may send in a day",
        ),
    ],
)
def test_an_account_that_sends_nothing_or_soon_nothing_is_named(account: dict[str, Any], what: str) -> None:
    assert said(account, {"mail.example.com": GOOD}) == [what]


def test_the_local_stack_has_no_identity_to_look_at(valet: Operator) -> None:
    deployment = Deployment(
        Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2])), bytes, valet.clock
    )
    for look in (mails.look_identity, mails.look_account):
        with pytest.raises(CannotLook):
            list(look(Evidence(deployment, 0)))


def test_mails_that_wait_are_counted(valet: Operator) -> None:
    only = ("doctor", "--only", "mails.queue")
    assert valet.json(*only)["findings"] == []
    queue = valet.stack.aws.queues.named(MAIL)
    for _ in range(51):
        body = json.dumps({"QueueUrl": queue.url, "MessageBody": "{}", "DelaySeconds": 900})
        valet.stack.aws.queues.answer("SendMessage", body.encode())
    (finding,) = valet.json(*only)["findings"]
    assert finding["what"] == "51 mails wait to be sent"


def test_joining_without_mail_is_named(valet: Operator) -> None:
    deployment = Deployment(
        Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2])), bytes, valet.clock
    )
    check = [each for each in mails.CHECKS if each.name == "mails.wanted"]
    deployment.registry.put(item_from_model(Policy(registration="on"), *ITEM))
    assert examine(Evidence(deployment, 0), check) == ([], [])
    deployment.__dict__["parameters"] = {**deployment.parameters, "MailFrom": ""}
    ((finding,), _) = examine(Evidence(deployment, 0), check)
    assert finding.what == "The policy lets people join, and the deployment sends no mail"


@pytest.mark.parametrize(
    ("registration", "parameters", "count"),
    [
        ("on", {"BehindProxy": "off"}, 1),
        ("domains", {"BehindProxy": "off"}, 1),
        ("on", {"BehindProxy": "on"}, 0),
        ("on", {"BehindProxy": "off", "MailFrom": ""}, 0),  # then mails.wanted says more
        ("off", {"BehindProxy": "off"}, 0),
    ],
)
def test_joining_without_a_firewall_is_named(registration: str, parameters: dict[str, str], count: int) -> None:
    deployment = Deployment(Where(stack="valet", region="us-east-1"), bytes, lambda: 0.0)
    deployment.__dict__["parameters"] = {"MailFrom": "id@mail.example.com", **parameters}
    evidence = Evidence(deployment, 0)
    evidence.__dict__["register"] = SimpleNamespace(policy=lambda: Policy(registration=registration))
    found = list(mails.look_strangers(evidence))
    assert len(found) == count
    assert not any(each.is_error for each in found)
