"""The guarded GET: it reaches public IPv4 addresses by TLS, and nothing else, within its time and its size (S8)."""

from __future__ import annotations

import ast
import gzip
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from valet.fetch import FetchFailed
from valet.outbound import guarded

from tests.endpoints import FUNCTIONS
from tests.parts.outbound.internet import FakeInternet, page

ROOT = Path(__file__).parents[3]
PUBLIC = "93.184.216.34"
URL = "https://client.example.com/jwks.json"
LIMIT = 1000
# The functions that go out. Of those with a route there is one, which asks the providers that operators registered;
# and one goes to addresses that strangers choose.
GOING_OUT = {"fetch_client_keys", "fetch", "notify_clients", "federate"}


def get(internet: FakeInternet, url: str = URL, timeout: float = 2.0) -> bytes:
    return guarded.get(url, limit=LIMIT, timeout=timeout, network=internet)


def failure(internet: FakeInternet, url: str = URL, timeout: float = 2.0) -> str:
    with pytest.raises(FetchFailed) as failed:
        get(internet, url, timeout)
    return str(failed.value)


def test_a_public_server_is_asked_by_its_name_at_the_address_that_was_checked(internet: FakeInternet) -> None:
    server = internet.serve("client.example.com", PUBLIC, page(b"{}"))
    assert get(internet) == b"{}"
    assert internet.connected == [(PUBLIC, 443)]
    (head,) = server.asked
    assert head.startswith(b"GET /jwks.json HTTP/1.1\r\nHost: client.example.com\r\n")
    assert b"User-Agent: valet\r\n" in head


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - nothing binds to it
        "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.254", "127.0.0.1", "127.8.8.8",
        "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.9", "192.0.0.170",
        "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1",
        "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255",
        # IPv6, with the many ways to write an IPv4 address.
        "::1", "::", "::ffff:10.0.0.1", "::ffff:a00:1", "64:ff9b::a00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::a00:1",
        "2002:a00:1::", "fec0::1", "fe80::1", "fd00::1", "2001::1", "2001:db8::1", "ff02::1", "2606:2800:220:1::1",
        # What only some readers take for an address.
        "", "localhost", "0x7f.1", "2130706433", "127.1", "010.0.0.1", "93.184.216.34 ", "93.184.216.34%0",
    ],
)  # fmt: skip
def test_no_other_address_is_connected_to(internet: FakeInternet, address: str) -> None:
    internet.names["client.example.com"] = [[address]]
    assert failure(internet) == f"{address} is not a public address"
    assert internet.connected == []


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "8.8.8.8", "172.15.0.1", "172.32.0.1", "223.255.255.1"]
)
def test_public_addresses(address: str) -> None:
    assert guarded.is_public(address)


@pytest.mark.parametrize("addresses", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC]])
def test_one_address_of_a_name_that_is_not_public_refuses_all(internet: FakeInternet, addresses: list[str]) -> None:
    internet.serve("client.example.com", PUBLIC, page(b"{}"))
    internet.names["client.example.com"] = [addresses]
    assert failure(internet) == "10.0.0.1 is not a public address"
    assert internet.connected == []


def test_a_name_that_changes_its_address_is_asked_once(internet: FakeInternet) -> None:
    """DNS rebinding: the second answer would lead inside."""
    internet.serve("client.example.com", PUBLIC, page(b"{}"))
    internet.names["client.example.com"] = [[PUBLIC], ["169.254.169.254"], ["10.0.0.1"]]
    assert get(internet) == b"{}"
    assert internet.connected == [(PUBLIC, 443)]
    assert failure(internet) == "169.254.169.254 is not a public address"


def test_a_name_without_an_address(internet: FakeInternet) -> None:
    assert "Name or service not known" in failure(internet)
    internet.names["client.example.com"] = [[]]
    assert failure(internet) == "the name has no IPv4 address"


@pytest.mark.parametrize(
    "url",
    [
        "http://client.example.com/jwks.json",
        "https://client.example.com:8443/jwks.json",
        "https://client.example.com:443/jwks.json",
        "https://user@client.example.com/jwks.json",
        "https://client.example.com",
        "https://Client.example.com/jwks.json",
        "https:///jwks.json",
        "file:///etc/passwd",
        "//client.example.com/jwks.json",
        "https://[::ffff:10.0.0.1]/jwks.json",
    ],
)
def test_nothing_but_https_with_a_plain_name_is_asked(internet: FakeInternet, url: str) -> None:
    internet.serve("client.example.com", PUBLIC, page(b"{}"))
    assert failure(internet, url)
    assert internet.connected == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(internet: FakeInternet, status: str) -> None:
    there = internet.serve("other.example.com", "1.1.1.1", page(b"{}"))
    internet.serve("client.example.com", PUBLIC, page(b"", status, "Location: https://other.example.com/jwks.json"))
    assert failure(internet) == f"status {status[:3]}"
    assert there.asked == []


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "404 Not Found", "500 Error"])
def test_no_other_status_is_taken(internet: FakeInternet, status: str) -> None:
    internet.serve("client.example.com", PUBLIC, page(b"", status))
    assert failure(internet) == f"status {status[:3]}"


def test_a_proxy_of_the_environment_is_not_asked(internet: FakeInternet, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    internet.serve("client.example.com", PUBLIC, page(b"{}"))
    assert get(internet) == b"{}"


def test_a_certificate_of_another_name_is_refused(internet: FakeInternet) -> None:
    server = internet.serve("client.example.com", PUBLIC, page(b"{}"), certificate="other.example.com")
    assert "certificate is not valid for 'client.example.com'" in failure(internet)
    assert server.asked == []


def test_a_certificate_of_an_unknown_authority_is_refused(internet: FakeInternet) -> None:
    server = internet.serve("client.example.com", PUBLIC, page(b"{}"))
    internet._tls = ssl.create_default_context()
    assert "CERTIFICATE_VERIFY_FAILED" in failure(internet)
    assert server.asked == []


def test_an_answer_that_is_too_large_is_cut(internet: FakeInternet) -> None:
    internet.serve("client.example.com", PUBLIC, page(b"x" * 10_000_000))
    assert failure(internet) == f"more than {LIMIT} bytes"


def test_an_answer_that_grows_when_it_is_inflated_is_cut(internet: FakeInternet) -> None:
    bomb = gzip.compress(b"x" * 1_000_000)[: LIMIT * 10]
    internet.serve("client.example.com", PUBLIC, page(bomb, "200 OK", "Content-Encoding: gzip"))
    assert "bytes" in failure(internet)


def test_an_answer_without_a_length_is_cut(internet: FakeInternet) -> None:
    def pour(peer: ssl.SSLSocket, _head: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            peer.sendall(b"x" * 65_536)

    internet.serve("client.example.com", PUBLIC, pour)
    assert failure(internet) == f"more than {LIMIT} bytes"


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_byte_by_byte_ends_in_time(internet: FakeInternet, part: str) -> None:
    def drip(peer: ssl.SSLSocket, _: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 999\r\n\r\n" if part == "body" else b""))
        while not server.stopped.wait(0.05):
            peer.sendall(b"x")

    server = internet.serve("client.example.com", PUBLIC, drip)
    assert failure(internet, timeout=0.3) == "no answer within 0.3 s"


def test_a_handshake_that_never_ends_is_given_up_and_its_socket_closed(internet: FakeInternet) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    internet.serve("client.example.com", PUBLIC, page(b"{}"))
    internet.servers[PUBLIC].stop()
    internet.servers[PUBLIC].port = listener.getsockname()[1]
    with listener:
        said = failure(internet, timeout=0.3)
        # The socket has the same time as the fetch, and may be the first to give up.
        assert said == "no answer within 0.3 s" or "handshake operation timed out" in said
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(5)
            while peer.recv(65_536):  # the client's greeting, and then its end
                pass


def test_a_look_up_that_hangs_is_given_up_and_nothing_is_asked_afterwards(internet: FakeInternet) -> None:
    server = internet.serve("client.example.com", PUBLIC, page(b"{}"))
    known = internet.addresses

    def slow(host: str, /) -> list[str]:
        time.sleep(0.4)
        return known(host)

    internet.addresses = slow  # type: ignore[method-assign]
    assert failure(internet, timeout=0.1) == "no answer within 0.1 s"
    server.stopped.wait(0.6)
    assert server.asked == []


# -- POST --------------------------------------------------------------------------------------------------------------

OUT = "https://client.example.com/logged-out?of=valet"


def post(internet: FakeInternet, url: str = OUT, timeout: float = 2.0) -> int:
    return guarded.post(url, {"logout_token": "a.b+c"}, timeout=timeout, network=internet)


def failed_post(internet: FakeInternet, url: str = OUT, timeout: float = 2.0) -> str:
    with pytest.raises(FetchFailed) as failed:
        post(internet, url, timeout)
    return str(failed.value)


@pytest.mark.parametrize(
    ("answer", "status"),
    [("200 OK", 200), ("204 No Content", 204), ("400 Bad Request", 400), ("302 Found", 302), ("500 Error", 500)],
)
def test_a_form_is_posted_and_its_status_is_the_answer_whatever_it_is(
    internet: FakeInternet, answer: str, status: int
) -> None:
    """A redirect is not followed either: no second server is asked."""
    server = internet.serve("client.example.com", PUBLIC, page(b"", answer, "Location: https://elsewhere.example.com/"))
    assert post(internet) == status
    assert internet.connected == [(PUBLIC, 443)]
    (head,) = server.asked
    assert head.startswith(b"POST /logged-out?of=valet HTTP/1.1\r\nHost: client.example.com\r\n")
    assert b"Content-Type: application/x-www-form-urlencoded\r\n" in head
    assert head.endswith(b"\r\n\r\nlogout_token=a.b%2Bc")


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "100.64.0.1", "::1"])
def test_no_logout_token_goes_to_an_address_that_is_not_public(internet: FakeInternet, address: str) -> None:
    """Server-side request forgery by a registered address: of Lambda's runtime, of instance metadata, of a network."""
    internet.names["client.example.com"] = [[address]]
    assert failed_post(internet) == f"{address} is not a public address"
    assert internet.connected == []


@pytest.mark.parametrize(
    "url", ["http://client.example.com/x", "https://client.example.com:8443/x", "https://a@client.example.com/x", "x"]
)
def test_nothing_is_posted_but_to_https_with_a_plain_name(internet: FakeInternet, url: str) -> None:
    internet.serve("client.example.com", PUBLIC, page(b""))
    assert failed_post(internet, url) == "not an https address with a path, and without a port"
    assert internet.connected == []


def test_nothing_is_posted_under_another_name_of_the_certificate(internet: FakeInternet) -> None:
    server = internet.serve("client.example.com", PUBLIC, page(b""), certificate="other.example.com")
    assert "CERTIFICATE_VERIFY_FAILED" in failed_post(internet)
    assert server.asked == []


def test_an_answer_that_never_comes_is_given_up_in_time(internet: FakeInternet) -> None:
    def silent(peer: ssl.SSLSocket, asked: bytes) -> None:
        server.stopped.wait(3)

    server = internet.serve("client.example.com", PUBLIC, silent)
    assert failed_post(internet, timeout=0.2) == "no answer within 0.2 s"


def test_what_the_other_side_sends_is_quoted_in_part_only(internet: FakeInternet) -> None:
    internet.serve("client.example.com", PUBLIC, lambda peer, _: peer.sendall(b"x" * 5000 + b"\r\n\r\n"))
    assert len(failed_post(internet)) <= 200


# -- who may go out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS.values()) - {*GOING_OUT, "demo_api"}))
def test_no_function_that_answers_requests_can_reach_the_package(name: str) -> None:
    """Nor by an import inside a function: no module that it can name goes there (import-linter holds the rest)."""
    tree = ast.parse((ROOT / "functions" / name / "app.py").read_text(encoding="utf-8"))
    named = {
        each
        for node in ast.walk(tree)
        for each in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [f"{node.module}"]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not [each for each in named if each.startswith("valet.outbound")]


def test_a_request_with_an_assertion_loads_nothing_that_goes_out() -> None:
    code = "import sys; import valet.client_authentication.assertion; print('valet.outbound' in sys.modules, " \
        "'http.client' in sys.modules, 'jwt' in sys.modules)"  # fmt: skip
    layer = ROOT / "layers" / "valet" / "python"
    ran = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(layer)}, capture_output=True, text=True)
    assert ran.stdout == "False False False\n", ran.stderr
