"""Three thousand requests: their bodies, as JSON, and the headers that name them are those that botocore sends."""

import json
from typing import Any

import pytest
from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.table import Table
from valet.aws.dynamodb.wire import attribute

from tests.parts.aws import oracle
from tests.parts.aws.door import SIGNED, Door
from tests.parts.aws.parameters import Parameters

OPERATIONS = {
    "dynamodb": ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"),
    "kms": (
        *(
            "Sign",
            "Verify",
            "Encrypt",
            "Decrypt",
            "GenerateMac",
            "VerifyMac",
            "CreateKey",
            "DescribeKey",
            "GetPublicKey",
        ),
        *("DisableKey", "ScheduleKeyDeletion", "GenerateDataKeyPairWithoutPlaintext"),
    ),
}
OF_A_SERVICE = 1_500


@pytest.mark.parametrize("service", OPERATIONS)
def test_each_request_is_the_one_that_botocore_sends(service: str, door: Door) -> None:
    calls = AwsCalls(service, SIGNED)
    for seed in range(OF_A_SERVICE):
        operation = OPERATIONS[service][seed % len(OPERATIONS[service])]
        calls(operation, Parameters(seed, attribute).of(service, operation))
        sent = door.attempts.pop()
        expected = oracle.request(service, operation, Parameters(seed, oracle.attribute).of(service, operation))
        assert json.loads(sent.body) == json.loads(expected["body"]), seed
        headers = dict(sent.headers)
        assert headers["x-amz-target"] == expected["headers"]["X-Amz-Target"]
        assert headers["content-type"] == expected["headers"]["Content-Type"]
        assert (sent.service, sent.operation) == (service, operation)


@pytest.mark.parametrize(
    "value",
    [1.5, set(), {1, "a"}, 10**38, [{"deep": {"in": float("nan")}}], object()],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_dynamodb_does_not_hold_is_refused_before_anything_is_sent(value: Any, door: Door) -> None:
    table = Table(AwsCalls("dynamodb", SIGNED), "Grants")
    with pytest.raises(TypeError, match="DynamoDB"):
        table.put({"pk": "a", "sk": "b", "value": value})
    assert door.attempts == []


@pytest.mark.parametrize("value", [1.5j, {1, 2}, memoryview(b"a")], ids=lambda value: type(value).__name__)
def test_a_parameter_that_is_no_json_is_refused_before_anything_is_sent(value: Any, door: Door) -> None:
    with pytest.raises(TypeError, match="no value for AWS"):
        AwsCalls("kms", SIGNED)("Sign", {"Message": value})
    assert door.attempts == []
