"""The caller's own time for one call to AWS, without AWS's time: Valet's calls and boto3's (B17).

The other side answers at once over plain HTTP on 127.0.0.1, on a connection that both keep. So the figure has all of
the caller's work except TLS.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from valet.aws.calls import AwsCalls, Calls

from admin.records.boto_calls import BotoCalls
from bench.at_once import answering, name_of
from bench.measure import Deed, Sample, interleaved

VALET, BOTO3 = "Valet", "boto3"
KEY = {"pk": {"S": "grant#0af3"}, "sk": {"S": "grant"}}
ITEM = {
    **KEY,
    "client_id": {"S": "web_app_123"},
    "scope": {"S": "items offline_access"},
    "issued_at_ms": {"N": "1800000000000"},
    "refresh_digest": {"B": "c" * 44},
}
READ: Mapping[str, Any] = {"TableName": "Grants", "Key": KEY, "ConsistentRead": True}
_WRITE: Mapping[str, Any] = {
    "TableName": "Grants",
    "Key": KEY,
    "UpdateExpression": "SET a = :a",
    "ConditionExpression": "b = :b",
    "ExpressionAttributeValues": {":a": {"S": "x" * 40}, ":b": {"B": b"y" * 32}},
}
_SIGN: Mapping[str, Any] = {
    "KeyId": "arn:aws:kms:us-east-1:123456789012:key/stub",
    "Message": b"x" * 500,
    "MessageType": "RAW",
    "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
}
_MADE: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Any]]] = {
    "GetItem": ("dynamodb", READ, {"Item": ITEM}),
    "UpdateItem": ("dynamodb", _WRITE, {"Attributes": ITEM}),
    "Sign": ("kms", _SIGN, {"Signature": "c" * 344}),
}


@contextmanager
def aws() -> Iterator[str]:
    """The address of an AWS that answers the calls which are measured here."""
    with answering({name_of(name, asked): json.dumps(answer) for name, (_, asked, answer) in _MADE.items()}) as url:
        yield url


def valet(service: str, url: str) -> Calls:
    return AwsCalls(service, {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": url})


def with_boto3(service: str, url: str) -> Calls:
    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
    keys = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return BotoCalls(boto3.client(service, endpoint_url=url, config=config, **keys))  # type: ignore[call-overload]


def measure(rounds: int = 200) -> dict[str, dict[str, Sample]]:
    """Microseconds a call, by caller and operation."""
    deeds: dict[str, Callable[[], Deed]] = {}
    with aws() as url:
        for caller, to in ((VALET, valet), (BOTO3, with_boto3)):
            calls = {service: to(service, url) for service in ("dynamodb", "kms")}
            for operation, (service, asked, _) in _MADE.items():
                deeds[f"{caller} {operation}"] = _prepared(calls[service], operation, asked)
        found = interleaved(deeds, rounds)
    return {caller: {name: found[f"{caller} {name}"] for name in _MADE} for caller in (VALET, BOTO3)}


def _prepared(call: Calls, operation: str, parameters: Mapping[str, Any]) -> Callable[[], Deed]:
    return lambda: lambda: call(operation, parameters)
