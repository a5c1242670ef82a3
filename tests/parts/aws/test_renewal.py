"""Credentials that end: renewed in time, kept if the renewal fails, never used after their end."""

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from valet.aws.calls import AwsCalls, CallFailed
from valet.aws.connection import Address, NoAnswer
from valet.aws.credentials import CredentialSource, NoCredentials
from valet.aws.reply import Reply

from tests.parts.aws.door import Door
from tests.parts.aws.listener import listener

NOW = 1_790_000_000.0
ENVIRONMENT = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9001/2021-04-23/credentials"}


def told(key_id: str, expires_at: float) -> dict[str, Any]:
    expiration = datetime.fromtimestamp(expires_at, UTC).isoformat()
    return {"AccessKeyId": key_id, "SecretAccessKey": "s", "Token": "t", "Expiration": expiration}


class Endpoint:
    """Gives the named credentials, or refuses if there are none."""

    def __init__(self) -> None:
        self.asked = 0
        self.gives: bytes | NoAnswer = b""
        self.status = 200

    def give(self, key_id: str, expires_at: float) -> None:
        self.gives, self.status = json.dumps(told(key_id, expires_at)).encode(), 200

    def __call__(self, address: Address, target: str, headers: list[tuple[str, str]]) -> Reply:
        self.asked += 1
        if isinstance(self.gives, NoAnswer):
            raise self.gives
        return Reply(self.status, {}, self.gives)


@pytest.fixture
def endpoint() -> Endpoint:
    made = Endpoint()
    made.give("first", NOW + 3600)
    return made


@pytest.fixture
def source(endpoint: Endpoint) -> CredentialSource:
    found = CredentialSource(ENVIRONMENT, endpoint)
    assert found(NOW).access_key_id == "first"
    return found


def test_credentials_are_asked_for_once_and_renewed_ten_minutes_before_their_end(
    source: CredentialSource, endpoint: Endpoint
) -> None:
    endpoint.give("second", NOW + 7200)
    assert {source(NOW + seconds).access_key_id for seconds in range(0, 3000, 10)} == {"first"}
    assert endpoint.asked == 1
    assert source(NOW + 3000).access_key_id == "second"
    assert source(NOW + 3001).access_key_id == "second"
    assert endpoint.asked == 2


FAILURES: dict[str, tuple[int, bytes | NoAnswer]] = {
    "no answer": (200, NoAnswer("ReadTimeout")),
    "a refusal": (500, b"{}"),
    "no JSON": (200, b"<html>"),
    "a list": (200, b"[]"),
    "no credentials": (200, b'{"Code": "AssumeRoleUnauthorizedAccess"}'),
    "a number for a key": (200, json.dumps({**told("a", NOW + 9999), "AccessKeyId": 1}).encode()),
    "an empty token": (200, json.dumps({**told("a", NOW + 9999), "Token": ""}).encode()),
    "a line break in a token": (200, json.dumps({**told("a", NOW + 9999), "Token": "t\r\nX-Evil: 1"}).encode()),
    "no time": (200, json.dumps({**told("a", NOW + 9999), "Expiration": "soon"}).encode()),
    "a number for a time": (200, json.dumps({**told("a", NOW + 9999), "Expiration": 1}).encode()),
    "expired ones": (200, json.dumps(told("old", NOW + 2999)).encode()),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_renewal_that_fails_keeps_good_credentials_and_is_not_tried_at_every_call(
    failure: str, source: CredentialSource, endpoint: Endpoint
) -> None:
    endpoint.status, endpoint.gives = FAILURES[failure]
    assert {source(NOW + 3000 + seconds).access_key_id for seconds in range(300)} == {"first"}
    assert endpoint.asked == 1 + 10  # every 30 seconds
    endpoint.give("second", NOW + 9000)
    assert source(NOW + 3330).access_key_id == "second"


@pytest.mark.parametrize("failure", FAILURES)
def test_expired_credentials_are_an_error_and_never_used(
    failure: str, source: CredentialSource, endpoint: Endpoint
) -> None:
    endpoint.status, endpoint.gives = FAILURES[failure]
    assert source(NOW + 3599).access_key_id == "first"
    for seconds in (3600, 3601, 9000):
        with pytest.raises(NoCredentials, match="their endpoint"):
            source(NOW + seconds)
    endpoint.give("second", NOW + 9999)
    assert source(NOW + 9001).access_key_id == "second"


@pytest.mark.parametrize("failure", FAILURES)
def test_an_endpoint_that_fails_at_first_is_an_error_that_tells_no_secret(failure: str, endpoint: Endpoint) -> None:
    endpoint.status, endpoint.gives = FAILURES[failure]
    with pytest.raises(NoCredentials, match="their endpoint") as failed:
        CredentialSource(ENVIRONMENT, endpoint)(NOW + 3000)
    assert "X-Evil" not in str(failed.value)


def test_credentials_that_soon_end_are_used_and_the_endpoint_is_asked_every_half_minute(endpoint: Endpoint) -> None:
    endpoint.give("short", NOW + 300)
    source = CredentialSource(ENVIRONMENT, endpoint)
    assert {source(NOW + seconds).access_key_id for seconds in range(60)} == {"short"}
    assert endpoint.asked == 2


def test_a_clock_that_was_set_back_does_not_stop_the_renewal(source: CredentialSource, endpoint: Endpoint) -> None:
    endpoint.gives = NoAnswer("ReadTimeout")
    assert source(NOW + 3500).access_key_id == "first"
    endpoint.give("second", NOW + 9000)
    assert source(NOW + 3100).access_key_id == "second"


def test_two_threads_renew_once(source: CredentialSource, endpoint: Endpoint) -> None:
    entered, twice, release = threading.Event(), threading.Event(), threading.Event()
    give = endpoint.__call__

    def slow(address: Address, target: str, headers: list[tuple[str, str]]) -> Reply:
        (twice if entered.is_set() else entered).set()
        assert release.wait(5)
        return give(address, target, headers)

    source._get = slow
    endpoint.give("second", NOW + 9000)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(source(NOW + 3590).access_key_id)) for _ in range(2)]
    threads[0].start()
    assert entered.wait(5)
    threads[1].start()
    assert not twice.wait(0.1)
    release.set()
    for thread in threads:
        thread.join()
    assert found == ["second", "second"]
    assert endpoint.asked == 2


def test_under_snapstart_the_variables_are_read_at_the_first_call(door: Door) -> None:
    """At import time, which the snapshot holds, there are none yet."""
    environment = {"AWS_REGION": "eu-central-1"}
    calls = AwsCalls("kms", environment)
    with pytest.raises(CallFailed, match="no credentials"):
        calls("Sign", {})
    assert door.attempts == []
    with listener() as server:
        server.answer = told("ASIARESTORED", 4_000_000_000)
        environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.url
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "restored"
        calls("Sign", {})
        calls("Sign", {})
    assert [b"Authorization: restored" in message for message in server.received] == [True]
    signed = [dict(attempt.headers)["authorization"] for attempt in door.attempts]
    assert ["Credential=ASIARESTORED/" in authorization for authorization in signed] == [True, True]


def test_a_failed_endpoint_fails_the_call_with_its_reason_and_nothing_is_sent(door: Door) -> None:
    with listener() as server:
        server.status = 404
        environment = {"AWS_REGION": "eu-central-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url}
        with pytest.raises(CallFailed) as failed:
            AwsCalls("kms", environment)("Sign", {})
    assert failed.value.code == "no credentials: their endpoint: HTTP 404"
    assert (door.attempts, door.pauses) == ([], [])
