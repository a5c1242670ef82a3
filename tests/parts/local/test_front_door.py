"""The local stack's own address: localhost and https lead the developer to it, and nobody anywhere else."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from local.front_door import FrontDoor, Seldom
from local.server import Server, listen

TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


@dataclass
class Front:
    """The door at a port of its own, with an application behind it that notes what reaches it."""

    port: int = 0
    reached: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.reached.append((environ["REQUEST_METHOD"], environ["REQUEST_URI"]))
        start_response("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    def ask(self, host: str, target: str = "/", method: str = "GET") -> httpx.Response:
        return httpx.request(method, f"http://127.0.0.1:{self.port}{target}", headers={"Host": host})

    def ask_raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(request)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            return answer


@pytest.fixture
def front() -> Iterator[Front]:
    front, listener = Front(), listen(0)
    front.port = listener.getsockname()[1]
    door = FrontDoor(front.application, f"http://127.0.0.1:{front.port}", front.said.append)
    server = Server(listener, door, threads=4, on_tls=lambda: front.said.append("https"))
    server.start()
    yield front
    server.stop()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ["localhost", "LocalHost"])
def test_a_browser_that_was_sent_to_localhost_goes_on_where_its_cookies_belong(
    front: Front, name: str, method: str
) -> None:
    target = "/authorize?client_id=a&state=%2F%20+&x=//evil.example"
    answer = front.ask(f"{name}:{front.port}", target, method)
    assert (answer.status_code, answer.headers["location"]) == (307, f"http://127.0.0.1:{front.port}{target}")
    assert answer.headers["cache-control"] == "no-store"  # another program may listen on this port tomorrow
    assert front.reached == []
    (sentence,) = front.said
    assert sentence == (
        f"localhost:{front.port} is another origin than the issuer: going on at http://127.0.0.1:{front.port}. "
        "Use 127.0.0.1 everywhere."
    )


@pytest.mark.parametrize(
    "target", ["//evil.example/", "/\\evil.example", "/@evil.example", "/.evil.example", "/%0d%0aX:1"]
)
def test_the_redirect_leads_to_no_other_host(front: Front, target: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: localhost:{front.port}\r\nConnection: close\r\n\r\n"
    lines = front.ask_raw(head.encode()).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    (location,) = (line for line in lines if line.lower().startswith("location:"))
    assert location.partition(": ")[2] == f"http://127.0.0.1:{front.port}{target}"


@pytest.mark.parametrize("target", ["http://evil.example/", "*", "/\xff"])
def test_a_target_that_is_no_path_is_not_redirected(front: Front, target: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: localhost:{front.port}\r\nConnection: close\r\n\r\n"
    assert b"location:" not in front.ask_raw(head.encode("latin-1")).lower()
    assert front.said == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:{port}",
        "evil.example:{port}",
        "localhost:1",
        "localhost",
        "localhost.evil.example:{port}",
        "localhost@evil.example:{port}",
    ],
)
def test_no_other_host_is_redirected(front: Front, host: str) -> None:
    assert front.ask(host.format(port=front.port)).status_code == 200
    assert front.reached == [("GET", "/")]
    assert front.said == []


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
def test_a_program_that_posts_to_localhost_is_answered_where_it_is(front: Front, method: str) -> None:
    assert front.ask(f"localhost:{front.port}", "/token", method).status_code == 200
    assert front.reached == [(method, "/token")]


def test_a_browser_that_tries_https_is_not_kept_waiting(front: Front) -> None:
    context = ssl.create_default_context()
    refused = (ssl.SSLError, ConnectionError)  # and not TimeoutError: waitress alone waits for a head that never ends
    with socket.create_connection(("127.0.0.1", front.port), timeout=5) as plain, pytest.raises(refused):
        context.wrap_socket(plain, server_hostname="localhost")
    assert front.said == ["https"]
    assert front.reached == []


def test_the_handshake_byte_means_nothing_later_in_a_connection(front: Front) -> None:
    head = f"POST /token HTTP/1.1\r\nHost: 127.0.0.1:{front.port}\r\nContent-Length: 11\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", front.port), timeout=5) as connection:
        connection.sendall(head.encode())
        time.sleep(0.1)
        connection.sendall(TLS_HELLO)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert front.said == []


def test_a_log_that_says_so_once_a_minute_is_enough() -> None:
    said: list[str] = []
    now = [0.0]
    seldom = Seldom(said.append, lambda: now[0])
    for moment, sentence in ((0, "https"), (1, "https"), (2, "localhost"), (59, "https"), (60, "https"), (61, "https")):
        now[0] = moment
        seldom(sentence)
    assert said == ["https", "localhost", "https"]


def test_where_the_issuer_is_localhost_the_address_leads_there(front: Front) -> None:
    """HOST=localhost make run: passkeys work there, and cookies are of one name."""
    door = FrontDoor(front.application, f"http://localhost:{front.port}", front.said.append)
    environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/login?request=a", "HTTP_HOST": f"127.0.0.1:{front.port}"}
    answered: list[tuple[str, dict[str, str]]] = []
    door(environ, lambda status, headers: answered.append((status, dict(headers))))
    ((status, headers),) = answered
    assert status.startswith("307")
    assert headers["location"] == f"http://localhost:{front.port}/login?request=a"
