"""A question to another provider: a form or a GET, and a bounded answer, whatever its status."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import pytest
from valet.fetch import FetchFailed
from valet.outbound import guarded
from valet.outbound.asking import Answer

from tests.parts.outbound.internet import FakeInternet, page

PUBLIC = "93.184.216.34"
URL = "https://idp.example.com/token"
LIMIT = 1000


def ask(
    internet: FakeInternet, form: Mapping[str, str] | None = None, url: str = URL, timeout: float = 2.0, **headers: str
) -> Answer:
    return guarded.ask(url, form=form, headers=headers, limit=LIMIT, timeout=timeout, network=internet)


def failure(internet: FakeInternet, url: str = URL, timeout: float = 2.0) -> str:
    with pytest.raises(FetchFailed) as failed:
        ask(internet, {"code": "x"}, url, timeout)
    return str(failed.value)


def test_a_form_is_posted_and_the_whole_answer_comes_back(internet: FakeInternet) -> None:
    server = internet.serve("idp.example.com", PUBLIC, page(b'{"id_token": "x"}'))
    assert ask(internet, {"code": "a b+c"}, Accept="application/json") == Answer(200, b'{"id_token": "x"}')
    (asked,) = server.asked
    assert asked.startswith(b"POST /token HTTP/1.1\r\nHost: idp.example.com\r\n")
    for header in (b"Content-Type: application/x-www-form-urlencoded", b"Accept: application/json"):
        assert header + b"\r\n" in asked
    assert asked.endswith(b"\r\n\r\ncode=a+b%2Bc")


def test_without_a_form_it_is_a_get(internet: FakeInternet) -> None:
    server = internet.serve("idp.example.com", PUBLIC, page(b"[]"))
    assert ask(internet, url="https://idp.example.com/user?a=b", Authorization="Bearer x") == Answer(200, b"[]")
    (asked,) = server.asked
    assert asked.startswith(b"GET /user?a=b HTTP/1.1\r\nHost: idp.example.com\r\n")
    assert b"Authorization: Bearer x\r\n" in asked
    assert b"User-Agent: valet\r\n" in asked


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary", "400 Bad Request", "503 Unavailable"])
def test_any_status_is_an_answer_and_no_redirect_is_followed(internet: FakeInternet, status: str) -> None:
    inside = internet.serve("inside.example.com", "1.1.1.1", page(b"{}"))
    internet.serve("idp.example.com", PUBLIC, page(b"{}", status, "Location: https://inside.example.com/token"))
    assert ask(internet, {"code": "x"}) == Answer(int(status[:3]), b"{}")
    assert inside.asked == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1"])
def test_no_code_goes_to_an_address_that_is_not_public(internet: FakeInternet, address: str) -> None:
    """Server-side request forgery by a registered address, also one whose name changes its address afterwards."""
    internet.serve("idp.example.com", PUBLIC, page(b"{}"))
    internet.names["idp.example.com"] = [[PUBLIC], [address]]
    assert ask(internet, {"code": "x"}).status == 200
    assert failure(internet) == f"{address} is not a public address"
    assert internet.connected == [(PUBLIC, 443)]


@pytest.mark.parametrize("url", ["http://idp.example.com/token", "https://idp.example.com:8443/token", "/token"])
def test_nothing_but_https_with_a_plain_name_is_asked(internet: FakeInternet, url: str) -> None:
    internet.serve("idp.example.com", PUBLIC, page(b"{}"))
    assert failure(internet, url) == "not an https address with a path, and without a port"
    assert internet.connected == []


def test_ten_megabytes_are_cut(internet: FakeInternet) -> None:
    internet.serve("idp.example.com", PUBLIC, page(b"x" * 10_000_000))
    assert failure(internet) == f"more than {LIMIT} bytes"


def test_an_answer_that_is_cut_short_is_none(internet: FakeInternet) -> None:
    internet.serve(
        "idp.example.com", PUBLIC, lambda peer, _: peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")
    )
    assert failure(internet) == "the answer is cut short"


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_byte_by_byte_ends_in_time(internet: FakeInternet, part: str) -> None:
    def drip(peer: ssl.SSLSocket, _: bytes) -> None:
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 999\r\n\r\n" if part == "body" else b""))
        while not server.stopped.wait(0.05):
            peer.sendall(b"x")

    server = internet.serve("idp.example.com", PUBLIC, drip)
    assert failure(internet, timeout=0.3) == "no answer within 0.3 s"
