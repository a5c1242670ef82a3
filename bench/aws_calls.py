"""What one call to AWS takes of the processor, whatever AWS itself takes: boto3, and the leanest that could be.

The other side is a stub: botocore is stopped just before it would send, and for the lean path so is urllib3. Lean is
botocore's own SigV4 signer over urllib3's pool, nothing else: no retries, no endpoint rules, no credentials that renew
themselves, no models that check and convert (docs/decisions/aws-calls.md).
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials

from bench.measure import Deed, Sample, interleaved, process, sample

ITEM = {
    "pk": {"S": "grant#0af3"},
    "sk": {"S": "grant"},
    "client_id": {"S": "web_app_123"},
    "scope": {"S": "items offline_access"},
    "issued_at_ms": {"N": "1800000000000"},
    "refresh_digest": {"B": "c" * 44},
}
KEY = {"pk": {"S": "grant#0af3"}, "sk": {"S": "grant"}}
# Nothing is ever sent there: a loopback address is what an emulator in this process keeps its hands off.
_NOWHERE = "http://127.0.0.1:9"
_CLIENT = {
    "region_name": "us-east-1",
    "endpoint_url": _NOWHERE,
    "aws_access_key_id": "stub",
    "aws_secret_access_key": "stub",
}
_ENDPOINT = "https://dynamodb.us-east-1.amazonaws.com/"


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body

    def release_conn(self) -> None:
        pass


def stubbed(service: Any, answer: dict[str, Any]) -> Any:
    """A boto3 client that is answered before anything is sent."""
    client = boto3.client(service, config=Config(retries={"mode": "standard"}), **_CLIENT)  # type: ignore[call-overload]
    body = json.dumps(answer).encode()

    def before_send(request: Any, **_: Any) -> AWSResponse:
        headers = HTTPHeaders()
        headers["content-type"] = "application/x-amz-json-1.0"
        return AWSResponse(request.url, 200, headers, _Raw(body))

    client.meta.events.register("before-send", before_send)
    return client


def _lean() -> Callable[[], object]:
    credentials = Credentials("stub", "stub")
    body = json.dumps({"TableName": "Grants", "Key": KEY, "ConsistentRead": True})
    answer = json.dumps({"Item": ITEM}).encode()

    class Pool(urllib3.HTTPSConnectionPool):
        def _make_request(self, *_args: Any, **_kwargs: Any) -> Any:
            return urllib3.HTTPResponse(answer, status=200, preload_content=True)

    pool = Pool("dynamodb.us-east-1.amazonaws.com")

    def call() -> object:
        request = AWSRequest("POST", _ENDPOINT, data=body)
        request.headers["X-Amz-Target"] = "DynamoDB_20120810.GetItem"
        request.headers["Content-Type"] = "application/x-amz-json-1.0"
        SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
        response = pool.urlopen("POST", "/", body=body, headers=dict(request.headers))
        return json.loads(response.data)

    return call


def measure(rounds: int = 200) -> dict[str, Sample]:
    """µs a call."""
    dynamodb, kms, lean = stubbed("dynamodb", {"Item": ITEM}), stubbed("kms", {"Signature": "c" * 344}), _lean()
    update = {"UpdateExpression": "SET a = :a", "ConditionExpression": "b = :b"}
    values = {":a": {"S": "x" * 40}, ":b": {"B": b"y" * 32}}

    def read() -> object:
        return dynamodb.get_item(TableName="Grants", Key=KEY, ConsistentRead=True)

    def write() -> object:
        return dynamodb.update_item(TableName="Grants", Key=KEY, ExpressionAttributeValues=values, **update)

    def sign() -> object:
        signing = {"MessageType": "RAW", "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}
        return kms.sign(KeyId="arn:aws:kms:us-east-1:123456789012:key/stub", Message=b"x" * 500, **signing)

    deeds: dict[str, Callable[[], Deed]] = {
        "boto3 get_item": lambda: read,
        "boto3 update_item": lambda: write,
        "boto3 kms sign": lambda: sign,
        "SigV4 signer and urllib3, GetItem": lambda: lean,
    }
    return interleaved(deeds, rounds)


_IMPORTS = {
    "bare": "",
    "boto3, two clients": "import boto3; boto3.client('dynamodb'); boto3.client('kms')",
    "SigV4 signer and urllib3": "import urllib3, json; from botocore.auth import SigV4Auth; "
    "from botocore.awsrequest import AWSRequest; urllib3.HTTPSConnectionPool('dynamodb.us-east-1.amazonaws.com')",
}


def cold(rounds: int = 5) -> dict[str, Sample]:
    """ms of processor time over a bare interpreter."""
    found: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "stub", "AWS_SECRET_ACCESS_KEY": "stub"}
    for turn in range(rounds + 1):
        for name, source in _IMPORTS.items():
            spent = process([sys.executable, "-s", "-c", source], environment).processor
            if turn:
                found[name].append(spent)
    bare = sample(found.pop("bare"))
    return {name: sample(values).less(bare) for name, values in found.items()}
