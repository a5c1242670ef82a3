"""The content of one call to AWS: enough to count calls, to compare them with a role, and to make one fail."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from valet.aws.reply import Reply

_EQUALS = re.compile(r"(#?\w+)\s*=\s*(:\w+)")
_PARTITION_KEY = "pk"
_EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "FilterExpression",
)
_NAME = re.compile(r"(?<![:#.\w])#?[A-Za-z_]\w*")  # the first name of a path, but no placeholder of a value
_WORDS = frozenset(  # reserved in the expression language
    (
        *("SET", "ADD", "REMOVE", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"),
        *("attribute_exists", "attribute_not_exists", "attribute_type", "if_not_exists", "list_append"),
        *("begins_with", "contains", "size"),
    )
)


@dataclass(frozen=True)
class Call:
    """One request as it is sent; each retry is a call of its own."""

    function: str | None
    service: str
    action: str
    body: bytes

    @classmethod
    def from_request(cls, function: str | None, event_name: str, body: Any) -> Call:
        """From botocore's event `before-send.<service>.<action>` and the prepared body."""
        _, service, action = event_name.split(".", 2)
        return cls(function, service, action, body.encode() if isinstance(body, str) else bytes(body or b""))

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """The request's members; empty for services that do not speak JSON."""
        try:
            parameters = json.loads(self.body)
        except ValueError:
            return {}
        return parameters if isinstance(parameters, dict) else {}

    @property
    def iam_action(self) -> str:
        """The action as a policy names it; API operations and actions have one name in DynamoDB and KMS."""
        if (self.service, self.action) == ("lambda", "Invoke"):
            return "lambda:InvokeFunction"
        return f"{self.service}:{self.action}"

    @property
    def table(self) -> str | None:
        """The table that a call to DynamoDB names; None for other calls."""
        name = self.parameters.get("TableName")
        return name if isinstance(name, str) else None

    @property
    def partition_key(self) -> str | None:
        """The value that IAM compares with dynamodb:LeadingKeys; None if the call names no partition, as a Scan."""
        for place in ("Key", "Item"):
            if _PARTITION_KEY in (item := self.parameters.get(place, {})):
                return str(item[_PARTITION_KEY]["S"])
        names = self.parameters.get("ExpressionAttributeNames", {})
        for name, value in _EQUALS.findall(self.parameters.get("KeyConditionExpression", "")):
            if names.get(name, name) == _PARTITION_KEY:
                return str(self.parameters["ExpressionAttributeValues"][value]["S"])
        return None

    @property
    def attributes(self) -> frozenset[str]:
        """The names that IAM compares with dynamodb:Attributes: each top-level attribute of the call, keys included."""
        names = self.parameters.get("ExpressionAttributeNames", {})
        text = " ".join(str(self.parameters.get(member, "")) for member in _EXPRESSIONS)
        in_expressions = {names.get(name, name) for name in _NAME.findall(text) if name not in _WORDS}
        return frozenset(in_expressions.union(*(self.parameters.get(place, {}) for place in ("Key", "Item"))))

    @property
    def partition_prefix(self) -> str | None:
        """`grant#` of `grant#0af3`, and `keys` of `keys`."""
        if self.partition_key is None:
            return None
        head, separator, _ = self.partition_key.partition("#")
        return head + separator


def refusal(code: str, message: str = "", status: int = 400) -> Reply:
    """A JSON service's refusal."""
    body = json.dumps({"__type": f"com.amazonaws#{code}", "message": message or code})
    return Reply(status, {"content-type": "application/x-amz-json-1.0"}, body.encode())
