"""The AWS account: alarms that reach the operator, logs that expire, and enough concurrency."""

from collections.abc import Iterator, Mapping
from typing import Any

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook, Finding, warning
from admin.records.audit import OUTPUT
from admin.terminal.spelling import command

_LEAST_CONCURRENCY = 100
_DEPLOY = "Deploy with AlarmEmail, the address that alarms go to: `make deploy`"
_PAGE = 100  # names that CloudWatch takes in one call


def look_alarms(evidence: Evidence) -> Iterator[Finding]:
    evidence.only_on_aws("alarms")
    names = evidence.deployment.named("AWS::CloudWatch::Alarm")
    if not names:
        yield Finding(
            "The stack has no alarms",
            "The operator does not learn of stolen tokens or failing signatures.",
            "`make deploy`",
        )
        return
    cloudwatch = evidence.deployment.client("cloudwatch")
    found: dict[str, Mapping[str, Any]] = {}
    for start in range(0, len(names), _PAGE):
        answer = cloudwatch.describe_alarms(AlarmNames=list(names[start : start + _PAGE]))
        found |= {alarm["AlarmName"]: alarm for alarm in answer["MetricAlarms"] + answer.get("CompositeAlarms", [])}
    for name in names:
        if name not in found:
            yield Finding(
                f"The alarm {name} is gone",
                "The operator does not learn of the failures that it watched for.",
                "`make deploy`",
            )
        elif not found[name].get("ActionsEnabled", True):
            mend = command("aws cloudwatch enable-alarm-actions --alarm-names", name)
            yield Finding(f"The alarm {name} is muted", "If it goes off, AWS tells no one.", mend)
        elif not found[name].get("AlarmActions"):
            yield Finding(
                f"The alarm {name} has no action",
                "If it goes off, AWS tells no one.",
                _DEPLOY,
            )


def look_subscriptions(evidence: Evidence) -> Iterator[Finding]:
    evidence.only_on_aws("topics")
    topics = evidence.deployment.named("AWS::SNS::Topic")
    if not topics:
        raise CannotLook("the stack has no topic")
    sns = evidence.deployment.client("sns")
    for topic in topics:
        subscriptions = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        confirmed = [each for each in subscriptions if each["SubscriptionArn"].startswith("arn:")]
        if not subscriptions:
            yield Finding(f"The topic {topic} has no subscription", "Alarms that go off reach no one.", _DEPLOY)
        elif len(confirmed) < len(subscriptions):
            yield Finding(
                f"A subscription to {topic} is not confirmed",
                "AWS sent a message with a link. No alarm arrives before the receiver follows it.",
                "Follow the link. If the message is lost, subscribe the same address again, and AWS sends another.",
            )


def look_retention(evidence: Evidence) -> Iterator[Finding]:
    names = evidence.deployment.named("AWS::Logs::LogGroup")
    if not names:
        raise CannotLook("the stack has no log groups")
    logs = evidence.deployment.client("logs")
    for name in names:
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        found = [group for group in groups if group["logGroupName"] == name]
        if not found:
            why = "Its audit events are lost. Without the log group of the operators, `valet` refuses every change."
            yield Finding(f"The log group {name} is gone", why, "`make deploy`")
        elif "retentionInDays" not in found[0]:
            mend = command("aws logs put-retention-policy --log-group-name", name, "--retention-in-days", "90")
            yield warning(f"{name} never expires", "It costs more each month, and shows who signed in when.", mend)


def look_operators_log(evidence: Evidence) -> Iterator[Finding]:
    if OUTPUT not in evidence.deployment.outputs:
        yield warning(
            "The stack has no log group for the changes of operators",
            "The stack is of an older release. No audit event names the operator of a change.",
            "`make deploy`",
        )


def look_concurrency(evidence: Evidence) -> Iterator[Finding]:
    evidence.only_on_aws("quotas")
    limit = evidence.deployment.client("lambda").get_account_settings()["AccountLimit"]
    if limit["ConcurrentExecutions"] < _LEAST_CONCURRENCY:
        yield Finding(
            f"The account runs at most {limit['ConcurrentExecutions']} functions at once",
            "A new account has ten for all its functions: if a few end-users sign in at once, some are refused.",
            "`aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
            "--desired-value 1000`",
        )


CHECKS = (
    Check("alarms.present", look_alarms),
    Check("alarms.heard", look_subscriptions),
    Check("logs.retention", look_retention),
    Check("logs.operators", look_operators_log),
    Check("account.concurrency", look_concurrency),
)
