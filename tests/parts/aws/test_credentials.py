"""Where credentials come from: the environment, or a container's endpoint, which here is a real server."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from valet.aws.connection import Address
from valet.aws.credentials import CredentialSource, NoCredentials
from valet.aws.reply import Reply
from valet.aws.signature import Credentials
from valet.aws.transport import get

from tests.parts.aws.listener import Listener, listener

NOW = 1_790_000_000.0
FULL, RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
TOKEN, TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
GOOD: dict[str, Any] = {
    "AccessKeyId": "ASIACONTAINER",
    "SecretAccessKey": "container/secret",
    "Token": "container+token",
    "Expiration": datetime.fromtimestamp(NOW + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
}
FOUND = Credentials("ASIACONTAINER", "container/secret", "container+token", NOW + 3600)


@pytest.fixture(scope="module")
def running() -> Iterator[Listener]:
    with listener() as server:
        yield server


@pytest.fixture
def endpoint(running: Listener) -> Listener:
    running.status, running.answer, running.received = 200, GOOD, []
    return running


def source(**environment: str) -> CredentialSource:
    return CredentialSource(environment, get)


def test_the_environments_credentials_are_used_as_they_are(endpoint: Listener) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert source(**keys)(NOW) == Credentials("AKID", "secret")
    assert source(**keys, AWS_SESSION_TOKEN="token")(NOW) == Credentials("AKID", "secret", "token")
    # They come before the container's, as they do for botocore.
    assert source(**keys, **{FULL: endpoint.url})(NOW).access_key_id == "AKID"
    assert endpoint.received == []


def test_a_full_uri_is_asked_with_its_path_and_query(endpoint: Listener) -> None:
    assert source(**{FULL: f"{endpoint.url}/v4/role?id=1"})(NOW) == FOUND
    head = endpoint.received[0].decode()
    assert head.startswith("GET /v4/role?id=1 HTTP/1.1\r\n")
    assert f"\r\nHost: {endpoint.url.removeprefix('http://')}\r\n" in head
    assert "authorization" not in head.lower()


def test_a_relative_uri_is_asked_of_ecs_and_comes_before_the_full_one(endpoint: Listener) -> None:
    asked: list[tuple[Address, str]] = []

    def redirected(address: Address, target: str, headers: list[tuple[str, str]]) -> Reply:
        asked.append((address, target))
        return get(Address("127.0.0.1", int(endpoint.server_address[1]), is_tls=False), target, headers)

    environment = {RELATIVE: "/v2/credentials/1", FULL: "http://127.0.0.1:1/", TOKEN: "Basic abc"}
    assert CredentialSource(environment, redirected)(NOW) == FOUND
    assert asked == [(Address("169.254.170.2", 80, is_tls=False), "/v2/credentials/1")]
    assert b"\r\nHost: 169.254.170.2\r\n" in endpoint.received[0]
    assert b"\r\nAuthorization: Basic abc\r\n" in endpoint.received[0]


def test_the_token_is_sent_and_its_file_comes_first_and_is_read_anew(endpoint: Listener, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from the file")
    environment = {FULL: endpoint.url, TOKEN: "from the variable", TOKEN_FILE: str(file)}
    of_file = CredentialSource(environment, get)
    of_file(NOW)
    file.write_text("from the file, replaced")
    of_file(NOW + 3590)
    CredentialSource({FULL: endpoint.url, TOKEN: "from the variable"}, get)(NOW)
    sent = [message.decode().partition("Authorization: ")[2].partition("\r\n")[0] for message in endpoint.received]
    assert sent == ["from the file", "from the file, replaced", "from the variable"]


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\n", "\0", "ü", "t\r"], ids=repr)
def test_a_token_that_would_break_the_header_is_not_sent(token: str, endpoint: Listener, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(token.encode())
    for environment in ({TOKEN: token}, {TOKEN_FILE: str(file)}):
        with pytest.raises(NoCredentials, match="header"):
            source(**{FULL: endpoint.url}, **environment)(NOW)
    assert endpoint.received == []


def test_a_token_file_that_cannot_be_read_is_an_error_and_the_variable_does_not_stand_in(
    endpoint: Listener, tmp_path: Path
) -> None:
    with pytest.raises(NoCredentials, match=f"{TOKEN_FILE}: FileNotFoundError"):
        source(**{FULL: endpoint.url, TOKEN: "token", TOKEN_FILE: str(tmp_path / "none")})(NOW)
    assert endpoint.received == []


MAY_NOT_SEE_THE_TOKEN = (
    *(
        "http://example.com/",
        "http://127.example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
    ),
    *("http://169.254.169.254/latest", "http://169.254.170.20/", "http://10.0.0.1/", "http://0.0.0.0/", "http://[::]/"),
    *("http://127.0.0.1@example.com/", "http://[fd00:ec2::24]/", "ftp://127.0.0.1/", "127.0.0.1/", "//127.0.0.1/"),
    *(
        "http:///path",
        "http://2130706433/",
        "http://127.1/",
        "http://[::1",
        "http://127.0.0.1:port/",
        "https://ж.example/",
    ),
    *("http://127.0.0.1:1/a b", "http://127.0.0.1:1/ü", "http://127.0.0.1:1/\x7f"),
)


@pytest.mark.parametrize("url", MAY_NOT_SEE_THE_TOKEN)
def test_a_host_that_may_not_see_the_token_is_refused_before_anything_is_sent(url: str) -> None:
    asked: list[Address] = []

    def never(address: Address, *_: object) -> Reply:
        asked.append(address)
        raise AssertionError

    with pytest.raises(NoCredentials, match="their endpoint is "):
        CredentialSource({FULL: url, TOKEN: "token"}, never)(NOW)
    assert asked == []


@pytest.mark.parametrize("relative", ["@example.com/", ".example.com/", ":80@example.com/", "example/", ":99999/"])
def test_a_relative_uri_cannot_lead_to_another_host(relative: str) -> None:
    with pytest.raises(NoCredentials, match="their endpoint is "):
        CredentialSource({RELATIVE: relative, TOKEN: "token"}, lambda *_: pytest.fail("asked"))(NOW)


ALLOWED = {
    "http://127.0.0.1:9001/": Address("127.0.0.1", 9001, is_tls=False),
    "http://127.9.9.9/": Address("127.9.9.9", 80, is_tls=False),
    "http://localhost:1/": Address("localhost", 1, is_tls=False),
    "http://[::1]:1/": Address("::1", 1, is_tls=False),
    "http://169.254.170.23/v1/credentials": Address("169.254.170.23", 80, is_tls=False),
    "http://[fd00:ec2::23]/v1/credentials": Address("fd00:ec2::23", 80, is_tls=False),
    "https://vault.example/role": Address("vault.example", 443, is_tls=True),
}


@pytest.mark.parametrize("url", ALLOWED)
def test_a_host_that_botocore_allows_is_asked(url: str) -> None:
    asked: list[Address] = []

    def refuse(address: Address, *_: object) -> Reply:
        asked.append(address)
        return Reply(403, {}, b"")

    with pytest.raises(NoCredentials, match="HTTP 403"):
        CredentialSource({FULL: url}, refuse)(NOW)
    assert asked == [ALLOWED[url]]


NONE: dict[str, dict[str, str]] = {
    "nothing": {},
    "a key id alone": {"AWS_ACCESS_KEY_ID": "AKID"},
    "a secret alone": {"AWS_SECRET_ACCESS_KEY": "secret"},
    "empty ones": {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    "a line break in a key id": {"AWS_ACCESS_KEY_ID": "AKID\r\nX-Evil: 1", "AWS_SECRET_ACCESS_KEY": "secret"},
    "a letter of no token": {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "Ж"},
}


@pytest.mark.parametrize("kind", NONE)
def test_without_credentials_the_error_names_the_variable_and_no_value(kind: str) -> None:
    with pytest.raises(NoCredentials, match="AWS_ACCESS_KEY_ID") as refused:
        source(**NONE[kind])(NOW)
    assert "AKID" not in str(refused.value)
    assert "secret" not in str(refused.value)
