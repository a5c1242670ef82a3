"""The resources of the local stack: names for all, and those that emulated AWS holds are created there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from local.aws.aws import ACCOUNT, REGION, emulated
from local.aws.sqs import Queue
from local.template import Resource, Template, TemplateError

STACK = "valet-local"
PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/00000000-0000-0000-0000-000000000000",
    "AWS::StackName": STACK,
    "AWS::URLSuffix": "amazonaws.com",
}

# These types have no part in answering a request. A type that is neither here nor below raises: otherwise a developer
# could add a resource to the template and wrongly believe that the local stack runs it.
_WITHOUT_EFFECT = frozenset(
    {
        "AWS::ApiGatewayV2::ApiMapping",
        "AWS::ApiGatewayV2::DomainName",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::Lambda::EventSourceMapping",  # local/queues.py reads them
        "AWS::Lambda::Permission",
        "AWS::Logs::MetricFilter",
        "AWS::Logs::QueryDefinition",
        "AWS::Route53::RecordSetGroup",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::Serverless::Api",
        "AWS::Serverless::Function",
        "AWS::Serverless::HttpApi",
        "AWS::Serverless::LayerVersion",
    }
)
_TABLE_PROPERTIES = frozenset(
    {
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "KeySchema",
        "SSESpecification",
        "TableClass",
        "TableName",
        "Tags",
    }
)
_QUEUE_PROPERTIES = frozenset({"MessageRetentionPeriod", "RedrivePolicy", "SqsManagedSseEnabled", "VisibilityTimeout"})
_KEY_PROPERTIES = frozenset({"Description", "KeySpec", "KeyUsage", "MultiRegion", "Tags"})


class Resources:
    """The values of Ref and GetAtt. Names are known from the start, identifiers once the resource is created."""

    def __init__(self, document: Mapping[str, Any], stack: str = STACK) -> None:
        self._known: dict[str, dict[str, Any]] = {}
        for logical_id, body in document.get("Resources", {}).items():
            self._known[logical_id] = _predicted(logical_id, body["Type"], stack)
            if body["Type"] == "AWS::Serverless::Function":
                self._known[f"{logical_id}Role"] = _predicted(f"{logical_id}Role", "AWS::IAM::Role", stack)

    def ref(self, logical_id: str) -> str:
        return str(self.attribute(logical_id, "Ref"))

    def attribute(self, logical_id: str, name: str) -> Any:
        try:
            return self._known[logical_id][name]
        except KeyError:
            raise TemplateError(f"the local stack does not know {name} of {logical_id}") from None

    def add(self, logical_id: str, type_: str, stack: str = STACK) -> None:
        """A resource that the document does not have."""
        self._known[logical_id] = _predicted(logical_id, type_, stack)

    def learn(self, logical_id: str, attributes: Mapping[str, Any]) -> None:
        """Add attributes that exist only once the resource is created."""
        self._known[logical_id].update(attributes)


def create(template: Template, resources: Resources) -> None:
    """Create every table, key and log group of the template, with the calls that CloudFormation would make."""
    for resource in template.resources():
        if resource.type == "AWS::DynamoDB::Table":
            _create_table(resource, template, resources.ref(resource.logical_id))
        elif resource.type == "AWS::KMS::Key":
            resources.learn(resource.logical_id, _create_key(resource, template))
        elif resource.type == "AWS::Logs::LogGroup":
            resources.learn(resource.logical_id, _create_log_group(resource, template))
        elif resource.type == "AWS::SQS::Queue":
            _create_queue(resource, template, resources)
        elif not resource.type.startswith("Custom::") and resource.type not in _WITHOUT_EFFECT:
            raise TemplateError(f"{resource.logical_id}: the local stack does not know the type {resource.type}")


@cache
def _client(service: Any) -> Any:
    """boto3's client of the service. There are dozens of log groups, and a client takes longer than its calls."""
    import boto3

    return boto3.client(service)


def _create_table(resource: Resource, template: Template, name: str) -> None:
    properties = template.resolve(resource.properties, f"Resources.{resource.logical_id}")
    ttl = properties.pop("TimeToLiveSpecification", None)
    recovery = properties.pop("PointInTimeRecoverySpecification", None)
    _refuse_others(resource, properties, _TABLE_PROPERTIES)
    dynamodb = _client("dynamodb")
    dynamodb.create_table(**{"TableName": name, **properties})
    if ttl:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    if recovery:
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)


def _create_key(resource: Resource, template: Template) -> dict[str, str]:
    properties = template.resolve(resource.properties, f"Resources.{resource.logical_id}")
    policy, rotation = properties.pop("KeyPolicy", None), properties.pop("EnableKeyRotation", False)
    _refuse_others(resource, properties, _KEY_PROPERTIES)
    # moto cuts the longer id of a multi-Region key in a ciphertext, and then does not find the key.
    properties.pop("MultiRegion", None)
    kms = _client("kms")
    if policy:
        properties["Policy"] = json.dumps(policy)
    metadata = kms.create_key(**properties)["KeyMetadata"]
    if rotation:
        kms.enable_key_rotation(KeyId=metadata["KeyId"])
    return {"Ref": metadata["KeyId"], "KeyId": metadata["KeyId"], "Arn": metadata["Arn"]}


def _create_log_group(resource: Resource, template: Template) -> dict[str, str]:
    properties = template.resolve(resource.properties, f"Resources.{resource.logical_id}")
    name, retention = properties.pop("LogGroupName"), properties.pop("RetentionInDays", None)
    _refuse_others(resource, properties, frozenset())
    logs = _client("logs")
    logs.create_log_group(logGroupName=name)
    if retention is not None:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(retention))
    return {"Ref": name, "Arn": _log_group_arn(name)}


def _create_queue(resource: Resource, template: Template, resources: Resources) -> None:
    properties = template.resolve(resource.properties, f"Resources.{resource.logical_id}")
    _refuse_others(resource, properties, _QUEUE_PROPERTIES)
    redrive = properties.get("RedrivePolicy", {})
    emulated().queues.add(
        Queue(
            resources.ref(resource.logical_id),
            resources.attribute(resource.logical_id, "Arn"),
            float(properties.get("VisibilityTimeout", 30)),
            int(redrive.get("maxReceiveCount", 0)),
            redrive.get("deadLetterTargetArn", ""),
        )
    )


def _refuse_others(resource: Resource, properties: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := sorted(set(properties) - known):
        raise TemplateError(f"{resource.logical_id}: the local stack does not know {', '.join(unknown)}")


def _predicted(logical_id: str, type_: str, stack: str) -> dict[str, Any]:
    """The names that CloudFormation would generate. Here they are readable, and none is a real host."""
    name = f"{stack}-{logical_id}"
    match type_:
        case "AWS::Serverless::Function" | "AWS::Lambda::Function":
            return {"Ref": name, "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"}
        case "AWS::IAM::Role":
            return {"Ref": name, "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "RoleId": name}
        case "AWS::DynamoDB::Table":
            return {"Ref": name, "Arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"}
        case "AWS::Serverless::Api" | "AWS::Serverless::HttpApi":
            return {"Ref": f"local-{logical_id.lower()}"}
        case "AWS::ApiGatewayV2::Integration":
            return {"Ref": f"local-{logical_id.lower()}"}
        case "AWS::Serverless::LayerVersion":
            return {"Ref": f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}:1"}
        case "AWS::Logs::LogGroup":
            return {"Ref": name, "Arn": _log_group_arn(name)}
        case "AWS::SQS::Queue":
            return {
                "Ref": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
                "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
                "QueueName": name,
            }
        case "AWS::SNS::Topic":
            return {"Ref": f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}", "TopicName": name}
    return {}


def _log_group_arn(name: str) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"
