"""Five thousand requests: their Authorization is, byte for byte, what botocore's SigV4Auth makes."""

import string
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from valet.aws.signature import Credentials, Signature

COUNT = 5_000
START = 1_790_000_000.0
REGIONS = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "us-isob-east-1", "eusc-de-east-1")
TYPES = {
    "dynamodb": "application/x-amz-json-1.0",
    "kms": "application/x-amz-json-1.1",
    "ses": "application/json",
    "lambda": "application/json",
}
PATHS = {"ses": "/v2/email/outbound-emails", "lambda": "/2015-03-31/functions/valet-Fetch-1a_B/invocations"}
HOSTS = (
    "dynamodb.eu-central-1.amazonaws.com",
    "127.0.0.1:4001",
    "[::1]:4001",
    "kms-fips.us-east-1.api.aws",
    "localhost",
)
NOW = [datetime.now(UTC)]


@pytest.fixture(autouse=True)
def _botocore_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "get_current_datetime", lambda *_: NOW[0])


def expected(
    headers: list[tuple[str, str]],
    body: bytes,
    of: Credentials,
    region: str,
    service: str,
    now: float,
    path: str = "/",
) -> Any:
    NOW[0] = datetime.fromtimestamp(now, UTC)
    plain = {name: value for name, value in headers if name in ("content-type", "host", "x-amz-target")}
    request = AWSRequest("POST", f"https://{plain['host']}{path}", headers=plain, data=body)
    signer = auth.SigV4Auth(BotoCredentials(of.access_key_id, of.secret_access_key, of.token), service, region)
    signer.add_auth(request)
    return request.headers


def drawn_credentials(random: Random) -> Credentials:
    def word(alphabet: str, length: int) -> str:
        return "".join(random.choices(alphabet, k=length))

    secret = word(string.ascii_letters + string.digits + "/+=!\"$%&'()*,-.:;<>?@[]^_`{|}~# ", 40)
    token = (
        word(string.ascii_letters + string.digits + "/+=", random.choice((16, 800))) if random.random() < 0.5 else ""
    )
    return Credentials(f"ASIA{word(string.ascii_uppercase + string.digits, 16)}", secret, token)


def test_each_authorization_is_botocores() -> None:
    random = Random(1)
    people = [drawn_credentials(random) for _ in range(50)]
    signatures = [
        (service, region, Signature(service, region, TYPES[service])) for service in TYPES for region in REGIONS
    ]
    for _ in range(COUNT):
        (service, region, signature), of = random.choice(signatures), random.choice(people)
        body = random.randbytes(random.choice((0, 2, 100, 1_000)))
        now = START + random.uniform(0, 5 * 86_400)
        target = f"{random.choice(('DynamoDB_20120810', 'TrentService'))}.{random.choice(('GetItem', 'Sign'))}"
        path = "/"
        if service in PATHS:  # which name the operations
            target, path = "", PATHS[service]
        headers = signature.headers(random.choice(HOSTS), target, body, of, now, path)
        theirs = expected(headers, body, of, region, service, now, path)
        assert ("x-amz-target" in dict(headers)) is (service not in PATHS)
        assert dict(headers)["authorization"] == theirs["Authorization"]
        assert dict(headers)["x-amz-date"] == theirs["X-Amz-Date"]
        assert dict(headers).get("x-amz-security-token") == theirs.get("X-Amz-Security-Token")


MIDNIGHT = 1_790_035_200.0
ONE = Credentials("AKIDONE", "secret one")


@pytest.mark.parametrize(
    ("credentials", "now"),
    [
        (ONE, MIDNIGHT),
        (ONE._replace(secret_access_key="secret two"), MIDNIGHT - 1),
        (ONE._replace(access_key_id="AKIDTWO"), MIDNIGHT - 1),
        (ONE._replace(token="token"), MIDNIGHT - 1),
    ],
    ids=["day", "secret", "key id", "token"],
)
def test_a_remembered_key_is_used_for_its_own_day_and_secret_only(credentials: Credentials, now: float) -> None:
    assert MIDNIGHT % 86_400 == 0
    signature = Signature("kms", "us-east-1", TYPES["kms"])
    for of, at in ((ONE, MIDNIGHT - 1), (credentials, now), (ONE, MIDNIGHT - 1)):
        headers = signature.headers("kms.us-east-1.amazonaws.com", "TrentService.Sign", b"{}", of, at)
        theirs = expected(headers, b"{}", of, "us-east-1", "kms", at)
        assert dict(headers)["authorization"] == theirs["Authorization"]


@pytest.mark.parametrize("other", [("dynamodb", "us-east-1"), ("kms", "us-east-2")], ids=["service", "Region"])
def test_another_service_or_region_has_another_signature(other: tuple[str, str]) -> None:
    one, two = (
        dict(Signature(service, region, TYPES["kms"]).headers("host", "a.B", b"{}", ONE, START))
        for service, region in (("kms", "us-east-1"), other)
    )
    assert one["authorization"].partition("Signature=")[2] != two["authorization"].partition("Signature=")[2]


def test_the_secret_is_in_no_header() -> None:
    headers = Signature("kms", "us-east-1", TYPES["kms"]).headers("host", "a.B", b"{}", ONE, START)
    assert ONE.secret_access_key not in str(headers)
