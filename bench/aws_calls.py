"""The client's own time for one call to AWS, without AWS's time: boto3, and the leanest possible client.

The other side is a stub in a process of its own, over plain HTTP on 127.0.0.1, so the figure has all of the client's
work except TLS. The lean client is botocore's SigV4 signer over urllib3's pool and nothing else: no retries, no
endpoint rules, no credentials that renew themselves, no models that check and convert (docs/decisions/aws-calls.md).
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
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
_CLIENT = {"region_name": "us-east-1", "aws_access_key_id": "stub", "aws_secret_access_key": "stub"}

# Answers every request with one body, which has the members that GetItem, UpdateItem and Sign read.
_STUB = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
body = sys.argv[1].encode()
lines = "HTTP/1.1 200 OK", "Content-Type: application/x-amz-json-1.0", f"Content-Length: {len(body)}", "", ""
head = "\\r\\n".join(lines).encode()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(head + body)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def stub() -> Iterator[str]:
    """The address of an AWS that answers at once."""
    answer = json.dumps({"Item": ITEM, "Signature": "c" * 344})
    server = subprocess.Popen([sys.executable, "-c", _STUB, answer], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.communicate(timeout=10)


def client(service: str, url: str) -> Any:
    """A boto3 client whose AWS is the stub."""
    config = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
    return boto3.client(service, endpoint_url=url, config=config, **_CLIENT)  # type: ignore[call-overload]


def _lean(url: str) -> Callable[[], object]:
    credentials, pool = Credentials("stub", "stub"), urllib3.connection_from_url(url)
    body = json.dumps({"TableName": "Grants", "Key": KEY, "ConsistentRead": True})

    def call() -> object:
        request = AWSRequest("POST", f"{url}/", data=body)
        request.headers["X-Amz-Target"] = "DynamoDB_20120810.GetItem"
        request.headers["Content-Type"] = "application/x-amz-json-1.0"
        SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
        return json.loads(pool.urlopen("POST", "/", body=body, headers=dict(request.headers)).data)

    return call


def measure(rounds: int = 200) -> dict[str, Sample]:
    """Microseconds a call, by client and operation."""
    with stub() as url:
        return _measure(url, rounds)


def _measure(url: str, rounds: int) -> dict[str, Sample]:
    dynamodb, kms, lean = client("dynamodb", url), client("kms", url), _lean(url)
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
    """Milliseconds of processor time to import and make each client, beyond a bare interpreter."""
    found: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    environment = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "stub", "AWS_SECRET_ACCESS_KEY": "stub"}
    for turn in range(rounds + 1):
        for name, source in _IMPORTS.items():
            spent = process([sys.executable, "-s", "-c", source], environment).processor
            if turn:
                found[name].append(spent)
    bare = sample(found.pop("bare"))
    return {name: sample(values).less(bare) for name, values in found.items()}
