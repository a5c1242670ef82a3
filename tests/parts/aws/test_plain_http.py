"""Over plain HTTP no real credential is used: only an emulated AWS answers there."""

import json

import pytest
from valet.aws.calls import OUTSIDE, AwsCalls
from valet.clock import Moment

from tests.parts.aws.door import Door
from tests.parts.aws.listener import listener

KEY_ID, SECRET, TOKEN = "ASIAREALDEVELOPER", "real/developer/secret", "real+session+token"
REAL = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "real-container-token",
}
SERVICES = ("dynamodb", "kms")


@pytest.mark.parametrize("service", SERVICES)
def test_no_real_credential_is_in_the_bytes_that_a_server_on_plain_http_receives(service: str) -> None:
    with listener() as server, listener() as container:
        for variable in ("AWS_ENDPOINT_URL", f"AWS_ENDPOINT_URL_{service.upper()}"):
            environment = {**REAL, variable: server.url, "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url}
            calls = AwsCalls(service, environment)
            assert calls("Operation", {"Message": b"\x00\xff"}) == {}
            calls.close()
    assert len(server.received) == 2
    for message in server.received:
        head, _, body = message.partition(b"\r\n\r\n")
        assert json.loads(body) == {"Message": "AP8="}
        assert b"authorization: AWS4-HMAC-SHA256 Credential=local/" in head
        assert b"security-token" not in head.lower()
        for secret in (KEY_ID, SECRET, TOKEN, "real-container-token"):
            assert secret.encode() not in message
    assert container.received == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_signature_over_plain_http_does_not_depend_on_the_real_secret(
    service: str, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valet.aws.calls.system_clock", lambda: Moment(1_790_000_000.0, 0.0))
    for environment in (REAL, {"AWS_REGION": "eu-central-1"}, {**REAL, "AWS_SECRET_ACCESS_KEY": "another"}):
        AwsCalls(service, {**environment, "AWS_ENDPOINT_URL": "http://aws.example:4001"})("Operation", {})
    assert len({str(attempt.headers) for attempt in door.attempts}) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_over_tls_the_real_credentials_sign(service: str, door: Door) -> None:
    AwsCalls(service, {**REAL, "AWS_ENDPOINT_URL": "https://vpce.example"})("Operation", {})
    AwsCalls(service, REAL)("Operation", {})
    hosts = ["vpce.example", f"{service}.eu-central-1.amazonaws.com"]
    for attempt, host in zip(door.attempts, hosts, strict=True):
        headers = dict(attempt.headers)
        assert attempt.transport.address.is_tls
        assert (headers["host"], headers["x-amz-security-token"]) == (host, TOKEN)
        assert f"Credential={KEY_ID}/" in headers["authorization"]
        assert SECRET not in str(attempt.headers)


def test_the_door_is_given_back_after_each_test() -> None:
    assert not isinstance(getattr(OUTSIDE.send, "__self__", None), Door)
