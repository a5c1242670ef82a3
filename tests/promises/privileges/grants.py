"""Who may do what: the roles that SAM makes of template.yaml, and the policies of the keys that there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import parseaddr
from typing import Any

from local.aws.aws import ACCOUNT, REGION
from local.aws.calls import Call
from local.aws.resources import PSEUDO_PARAMETERS, STACK, Resources
from local.template import Template
from tests.endpoints import logical_id
from tests.parts.template.cloudformation import listed, translated
from tests.promises.privileges.iam import Permission, Request, permissions

POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_KEYS = ("pk", "sk")  # DynamoDB tells IAM of them in every request for one item
_KMS_CONTEXT = {
    "kms:KeyUsage": "KeyUsage",
    "kms:KeyOrigin": "Origin",
    "kms:KeySpec": "KeySpec",
    "kms:MultiRegion": "MultiRegion",
    "kms:BypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck",
    "kms:SigningAlgorithm": "SigningAlgorithm",
    "kms:MacAlgorithm": "MacAlgorithm",
}


# What SAM attaches to every role (AWS Managed Policy Reference Guide). One that is not listed here raises KeyError.
_MANAGED = {
    "AWSLambdaBasicExecutionRole": {
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": "*",
    }
}


@dataclass(frozen=True)
class Granted:
    """Every permission of each function, by its folder's name."""

    roles: Mapping[str, str]  # folder → the role's ARN
    by_role: Mapping[str, tuple[Permission, ...]] = field(default_factory=dict)  # from policies of roles and of keys

    def allows(self, request: Request) -> bool:
        """Something allows it, and nothing denies it."""
        covering = [each for each in self.by_role.get(request.principal, ()) if each.covers(request)]
        return bool(covering) and not any(each.is_deny for each in covering)

    def may(
        self, function: str, action: str, resource: str, *leading_keys: str, attributes: tuple[str, ...] = ()
    ) -> bool:
        """A question asked by hand; `attributes` are those that the request names besides the keys."""
        context = {"dynamodb:LeadingKeys": leading_keys, "dynamodb:Attributes": (*_KEYS, *attributes)}
        context = {key: values for key, values in context.items() if leading_keys}
        return self.allows(Request(self.roles[function], action, resource, context))

    def of(self, function: str) -> tuple[Permission, ...]:
        """What the role allows, but for its log and its queue: the platform writes the one and reads the other."""
        return _of_calls(self.by_role.get(self.roles[function], ()))

    def with_key(self, arn: str, policy: Mapping[str, Any]) -> Granted:
        """And what a key's own policy grants; in one account that alone is enough for a role."""
        extended = {role: list(held) for role, held in self.by_role.items()}
        for statement in policy["Statement"]:
            for principal in listed(statement["Principal"]["AWS"]):
                extended.setdefault(principal, []).extend(permissions(statement, arn))
        return Granted(self.roles, {role: tuple(held) for role, held in extended.items()})


def deployed(folders: Mapping[str, str], **parameters: str) -> tuple[Granted, Template]:
    """The roles of a stack with these parameters, and the translated template; `folders`: logical id → folder."""
    mail = {"MailFrom": "valet@example.com"}
    wanted = {"Demo": "on", "BackChannelLogout": "on", "Federation": "on", **mail}
    wanted |= {"DeviceAuthorization": "on", "ClientIdMetadata": "open", "ClientRegistration": "token", **parameters}
    given = {"IssuerUrl": "https://id.example.com", **wanted}
    document = translated(*(f"{name}={value}" for name, value in sorted(given.items())))
    resources = Resources(document)
    template = Template(document, given, PSEUDO_PARAMETERS, resources)
    for group in template.resources("AWS::Logs::LogGroup"):  # by the names that they are deployed with
        resources.learn(
            group.logical_id, {"Arn": f"{log_group_arn(template.resolve(group.properties['LogGroupName']))}:*"}
        )
    by_role, roles = {}, {}
    for role in template.resources("AWS::IAM::Role"):
        arn = template.resolve({"Fn::GetAtt": [role.logical_id, "Arn"]})
        owner = role.logical_id.removesuffix("Role")
        if owner in folders:
            roles[folders[owner]] = arn
        policies = template.resolve(role.properties.get("Policies", []))
        managed = [_MANAGED[each.rpartition("/")[2]] for each in template.resolve(role.properties["ManagedPolicyArns"])]
        own = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
        by_role[arn] = tuple(each for statement in (*managed, *own) for each in permissions(statement))
    return Granted(roles, by_role), template


def request_of(call: Call, granted: Granted) -> Request:
    """The call, as IAM is asked about it."""
    assert call.function is not None
    parameters = call.parameters
    context: dict[str, tuple[str, ...]] = {}
    if call.service == "dynamodb":
        resource = table_arn(str(call.table))
        if call.partition_key is not None:
            context["dynamodb:LeadingKeys"] = (call.partition_key,)
        if call.attributes:
            context["dynamodb:Attributes"] = tuple(sorted(call.attributes))
        if call.action == "GetItem":
            is_part = "ProjectionExpression" in parameters
            context["dynamodb:Select"] = ("SPECIFIC_ATTRIBUTES" if is_part else "ALL_ATTRIBUTES",)
    elif call.service == "sqs":
        resource = queue_arn(str(parameters["QueueUrl"]))
    elif call.service == "ses":
        _, address = parseaddr(str(parameters["FromEmailAddress"]))
        resource = identity_arn(address.partition("@")[2])
        context["ses:FromAddress"] = (address,)
    else:
        resource = _of_another_service(call)
        for key, member in _KMS_CONTEXT.items():
            if member in parameters:
                context[key] = (_text(parameters[member]),)
        for name, value in parameters.get("EncryptionContext", {}).items():
            context[f"kms:EncryptionContext:{name}"] = (value,)
    return Request(granted.roles[call.function], call.iam_action, resource, context)


def _of_another_service(call: Call) -> str:
    if call.service == "lambda":  # the one function that another one invokes
        return function_arn("fetch")
    return key_arn(str(call.parameters["KeyId"])) if "KeyId" in call.parameters else "*"


def function_arn(folder: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{STACK}-{logical_id(folder)}"


def missing(calls: Iterable[Call], granted: Granted) -> list[str]:
    """The calls that a role does not allow, each told once."""
    return sorted({_told(call, granted) for call in calls if not granted.allows(request_of(call, granted))})


def _told(call: Call, granted: Granted) -> str:
    """Which call it is, and which attributes the statement lacks that would allow it otherwise."""
    request = request_of(call, granted)
    held = _of_calls(granted.by_role.get(request.principal, ()))
    lists = [each.attributes or frozenset() for each in held if each.of_any_attribute.covers(request)]
    lacking = min((call.attributes - listed for listed in lists), key=len, default=frozenset[str]())
    told = f"{call.function}: {call.iam_action} {call.table or ''} {call.partition_prefix or ''}".strip()
    if not lacking:
        return told
    return (
        f"{told} names {', '.join(sorted(lacking))}: add that to dynamodb:Attributes in template.yaml, in the statement"
        f" of this function that allows {call.iam_action} on '{call.partition_prefix}*'"
    )


def unused(calls: Iterable[Call], granted: Granted) -> list[str]:
    """The permissions of a function that none of the calls needed."""
    requests = [request_of(call, granted) for call in calls]
    found = []
    for function, role in granted.roles.items():
        own = [request for request in requests if request.principal == role]
        held = granted.of(function)
        found += [
            f"{function}: {each.action} {each.resource} {each.leading_keys or ''}".strip()
            for each in held
            if not any(each.covers(_of_any_key(request, each)) for request in own)
        ]
        found += [
            f"{function}: {each.action} on '{each.leading_keys}' allows {name}, which the function never names: remove"
            " that from dynamodb:Attributes of this statement in template.yaml"
            for each in held
            if (named := _named(each, own))  # else the whole permission is told above
            for name in sorted((each.attributes or frozenset()) - named)
        ]
    return sorted(set(found))


def _of_calls(held: Iterable[Permission]) -> tuple[Permission, ...]:
    return tuple(
        each for each in held if not each.is_deny and not each.action.startswith("logs:") and each.action not in POLLING
    )


def _named(permission: Permission, requests: Iterable[Request]) -> frozenset[str]:
    """The attributes named by the requests that the permission is for."""
    return frozenset(
        name
        for request in requests
        if permission.covers(request)
        for name in request.context.get("dynamodb:Attributes", ())
    )


def _of_any_key(request: Request, permission: Permission) -> Request:
    """Keys are made from one policy: what one of them needs, the others are given."""
    is_key = ":kms:" in permission.resource and ":kms:" in request.resource
    return replace(request, resource=permission.resource) if is_key else request


def table_arn(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


def queue_arn(url: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"


def identity_arn(name: str) -> str:
    return f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/{name}"


def log_group_arn(name: str) -> str:
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}"


def log_stream_arn(group: str) -> str:
    return f"{log_group_arn(group)}:log-stream:any"


def key_arn(key_id: str) -> str:
    return key_id if key_id.startswith("arn:") else f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key_id}"


def key_policies() -> dict[str, dict[str, Any]]:
    """The policy of every key that there is in emulated KMS, by its ARN."""
    import boto3

    kms = boto3.client("kms")
    ids = [key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    return {key_arn(each): json.loads(kms.get_key_policy(KeyId=each, PolicyName="default")["Policy"]) for each in ids}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
