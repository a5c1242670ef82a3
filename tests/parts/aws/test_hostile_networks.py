"""Handshakes, names and addresses that fail: each call ends in time, says why, and leaves nothing open."""

import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from valet.aws import connection
from valet.aws.authorities import tls_context
from valet.aws.connection import Address, Connection, NoAnswer
from valet.aws.transport import Transport

from tests.parts.aws.certificates import Authority
from tests.parts.aws.failing import assert_fails, calls_to
from tests.parts.aws.scripted import Peer, answer, server

pytestmark = pytest.mark.usefixtures("nothing_stays_open", "real_door")
STAY, HANG_UP = True, False


def test_over_tls_a_server_that_the_authority_vouches_for_is_answered_to(trusted: Authority) -> None:
    with server(lambda peer: peer.send(answer(peer.body())), trusted.server()) as running:
        with calls_to(running.url) as calls:
            assert calls("GetItem", {"Key": {"pk": {"S": "a"}}}) == {"Key": {"pk": {"S": "a"}}}


@pytest.mark.parametrize(
    ("name", "age", "word"),
    [("127.0.0.2", 0, "IP address mismatch"), ("aws.example", 0, "mismatch"), ("127.0.0.1", 2, "has expired")],
)
def test_a_server_with_another_name_or_an_old_certificate_gets_no_request(
    name: str, age: int, word: str, trusted: Authority
) -> None:
    with server(lambda peer: peer.send(answer(peer.body())), trusted.server(name, timedelta(days=age))) as running:
        assert_fails(running.url, f"SSLCertVerificationError: .*{word}")
    assert running.requests == []


def test_a_server_of_an_unknown_authority_gets_no_request(trusted: Authority, tmp_path: Path) -> None:
    with server(lambda peer: peer.send(answer(peer.body())), Authority(tmp_path, "theirs").server()) as running:
        assert_fails(running.url, "SSLCertVerificationError: .*issuer certificate")
    assert running.requests == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("said", "stays", "word"),
    [
        (b"", STAY, "ConnectTimeout"),
        (b"\x16\x03\x03", STAY, "ConnectTimeout"),
        (b"", HANG_UP, "SSLEOFError|SSLZeroReturnError|ConnectionResetError"),
        (answer(b"{}", status=400), STAY, "SSLError: .*WRONG_VERSION_NUMBER|SSLError: .*record"),
    ],
    ids=["silent", "half a record", "hangs up", "plain HTTP"],
)
def test_a_handshake_that_does_not_end_well_is_given_up(said: bytes, stays: bool, word: str) -> None:
    def behave(peer: Peer) -> None:
        peer.send(said)
        if stays:
            peer.wait()

    with server(behave) as running:
        assert_fails(running.url.replace("http:", "https:"), word)


def test_a_tls_server_that_is_spoken_to_in_plain_is_named(trusted: Authority) -> None:
    with server(lambda peer: None, trusted.server()) as running:
        word = "this is not HTTP/1.1|closed before an answer|ConnectionResetError"
        assert_fails(running.url.replace("https:", "http:"), word)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bundle_that_cannot_be_read_is_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content:
        (tmp_path / "bundle").write_text(content, encoding="utf-8")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "bundle"))
    tls_context.cache_clear()
    with server(lambda peer: peer.wait()) as running:
        assert_fails(running.url.replace("http:", "https:"), f"^OSError: AWS_CA_BUNDLE is '{tmp_path}/bundle': ")


def test_a_port_where_nobody_listens() -> None:
    with server(lambda peer: None) as running:
        pass
    assert_fails(running.url, "^ConnectionRefusedError: ")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "a\0b"])
def test_a_host_that_is_no_name(host: str) -> None:
    with pytest.raises(NoAnswer, match=r"(UnicodeError|ValueError|UnicodeEncodeError|gaierror): "):
        Connection(Address(host, 443, is_tls=True))


def test_a_name_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert_fails("https://dynamodb.example", "Name or service not known$")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [])
    assert_fails("https://dynamodb.example", "the name has no address$")


def test_a_lookup_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(5))
    assert_fails("https://dynamodb.example", "^LookupTimeout$")
    released.set()
    for thread in threading.enumerate():
        if thread.name == "lookup":
            thread.join()


def test_an_address_that_is_dead_or_of_no_use_leaves_the_next_one_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_WITHIN", 0.5)
    with server(lambda peer: peer.send(answer(peer.body()))) as running:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as dead:
            waiting = [socket.socket() for _ in range(3)]  # they fill the queue, so that no other gets an answer
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(dead.getsockname())
            candidates = [
                (socket.AF_APPLETALK, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1)),  # as IPv6, where there is none
                (socket.AF_INET, socket.SOCK_STREAM, 0, "", dead.getsockname()),
                (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", running.port)),
            ]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: candidates)
            transport = Transport(Address("aws.example", 80, is_tls=False))
            assert transport.post([], b"mine").body == b"mine"
            transport.close()
            del candidates[2]
            with pytest.raises(NoAnswer, match="ConnectTimeout"):
                transport.post([], b"mine")
            for each in waiting:
                each.close()


def test_an_ipv6_address_is_written_in_brackets_and_looked_up_without(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[bytes] = []
    with server(lambda peer: peer.send(answer(peer.body()))) as running:

        def look_up(host: bytes, port: int, **_: Any) -> Any:
            looked_up.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        with calls_to(f"http://[::1]:{running.port}") as calls:
            assert calls("GetItem", {"a": 1}) == {"a": 1}
    assert looked_up == [b"::1"]
    assert f"host: [::1]:{running.port}\r\n".encode() in running.requests[0]
