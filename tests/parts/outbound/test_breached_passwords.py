"""Pwned Passwords is told five digits, and is never a reason why a person can set no password."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest
from valet.outbound.breached_passwords import PwnedPasswords

from tests.parts.outbound.internet import Behaviour, FakeInternet, page
from tests.support.deployment import Audit

HOST, PUBLIC = "api.pwnedpasswords.com", "104.17.172.13"
PASSWORD = "correct horse battery"
SHA1 = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).hexdigest().upper()
PREFIX, SUFFIX = SHA1[:5], SHA1[5:]
OTHERS = "".join(f"{'0' * 34}{digit}:{digit}\r\n" for digit in range(1, 9))


def has(internet: FakeInternet, heard: Audit) -> bool:
    return PwnedPasswords(heard, internet).has(PASSWORD)


def listing(suffix: str, count: str) -> Behaviour:
    return page(f"{OTHERS}{suffix}:{count}\r\n{OTHERS}".encode())


@pytest.mark.parametrize("suffix", [SUFFIX, SUFFIX.lower()])
def test_a_password_that_was_stolen_is_known_by_the_rest_of_its_hash(internet: FakeInternet, suffix: str) -> None:
    heard = Audit()
    internet.serve(HOST, PUBLIC, listing(suffix, "3"))
    assert has(internet, heard)
    assert heard.events == []


def test_five_digits_of_the_hash_are_all_that_is_told(internet: FakeInternet) -> None:
    server = internet.serve(HOST, PUBLIC, listing(SUFFIX, "3"))
    has(internet, Audit())
    (asked,) = server.asked
    assert asked.startswith(f"GET /range/{PREFIX} HTTP/1.1\r\nHost: {HOST}\r\n".encode())
    assert b"Add-Padding: true\r\n" in asked
    assert SUFFIX.encode() not in asked.upper()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        OTHERS.encode(),
        f"{SUFFIX}:0\r\n".encode(),  # padding
        f"{SUFFIX}:\r\n".encode(),
        f"{SUFFIX}\r\n".encode(),
        f"{SUFFIX[:-1]}:7\r\n".encode(),
        f"{PREFIX}{SUFFIX}:7\r\n".encode(),
    ],
)
def test_any_other_password_is_good(internet: FakeInternet, body: bytes) -> None:
    heard = Audit()
    internet.serve(HOST, PUBLIC, page(body))
    assert not has(internet, heard)
    assert heard.events == []


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        (page(f"{SUFFIX}:7\r\n".encode(), "503 Unavailable"), "status 503"),
        (page(b"", "302 Found", "Location: https://elsewhere.example/"), "status 302"),
        (page(f"{SUFFIX}:7\r\n".encode() + b" " * 600_000), "more than 524288 bytes"),
    ],
)
def test_what_is_no_answer_lets_the_password_be_set_and_is_logged(
    internet: FakeInternet, behaviour: Behaviour, detail: str
) -> None:
    heard = Audit()
    internet.serve(HOST, PUBLIC, behaviour)
    assert not has(internet, heard)
    assert heard.events == [("password.unchecked", {"detail": detail})]


def test_a_name_that_leads_inside_is_not_asked(internet: FakeInternet) -> None:
    heard = Audit()
    internet.names[HOST] = [["169.254.169.254"]]
    assert not has(internet, heard)
    assert internet.connected == []
    assert heard.names == ["password.unchecked"]


def test_a_person_waits_a_second_and_no_longer(internet: FakeInternet) -> None:
    heard, answered = Audit(), threading.Event()

    def silence(*_: object) -> None:
        answered.wait(5)

    internet.serve(HOST, PUBLIC, silence)
    before = time.monotonic()
    assert not has(internet, heard)
    assert time.monotonic() - before < 2.5
    answered.set()
    assert heard.names == ["password.unchecked"]


def test_no_line_of_the_log_tells_the_password_or_its_hash(internet: FakeInternet) -> None:
    heard = Audit()
    internet.names[HOST] = [[]]
    has(internet, heard)
    ((_, facts),) = heard.events
    assert not {PASSWORD, PREFIX, SUFFIX, SHA1.lower()} & set(facts.values())
    assert set(facts) == {"detail"}
