"""Passwords at rest: Argon2id, at one cost (RFC 9106)."""

from typing import Any

import pytest
from valet.people import identifiers, passwords, throttling
from valet.settings import Settings


def test_a_hash_is_argon2id_with_the_cost_of_nobodys_hash() -> None:
    """Else an unknown user would be told from a wrong password by the time it takes."""
    hashed = passwords.hash_password("password123")
    parameters = hashed.rpartition("$")[0].rpartition("$")[0]
    assert (
        parameters == passwords._NOBODYS_HASH.rpartition("$")[0].rpartition("$")[0] == "$argon2id$v=19$m=19456,t=2,p=1"
    )
    assert f"{parameters}$" == passwords.HASH_PREFIX
    assert hashed != passwords.hash_password("password123")
    assert passwords._is_password(hashed, "password123")
    assert not passwords._is_password(hashed, "Password123")


def test_a_password_is_the_same_from_any_keyboard() -> None:
    composed, decomposed = "pässword", "pa\u0308ssword"
    assert passwords._is_password(passwords.hash_password(composed), decomposed)


def test_nobodys_hash_is_of_no_password_that_could_be_sent() -> None:
    for password in ("", "password", "valet"):
        assert not passwords._is_password(passwords._NOBODYS_HASH, password)


def test_an_endless_password_is_not_hashed() -> None:
    assert not passwords._is_password(passwords.hash_password("p" * 1025), "p" * 1025)
    assert passwords._is_password(passwords.hash_password("p" * 1024), "p" * 1024)


def test_a_long_username_costs_no_more_than_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unicode sorts marks by moving each past the others: the square of what is typed, before anything is counted."""
    seen: list[str] = []

    def normal(username: str) -> str:
        seen.append(username)
        return "a"

    monkeypatch.setattr(passwords, "normal_username", normal)
    attempt = throttling.Attempt("\u0301" * 5000 + "\u0316" * 5000, "x", "192.0.2.1", b"")
    with pytest.raises(ZeroDivisionError):  # the first port that is asked
        passwords.authenticate(attempt, _Stop(), _Stop(), _Stop(), Settings(), 0.0, ("username",))
    assert [len(username) for username in seen] == [1024]


class _Stop:
    def __getattr__(self, name: str) -> Any:
        return 1 / 0


def test_usernames_that_look_the_same_are_the_same() -> None:
    for username in ("John", " john ", "ｊｏｈｎ", "JOHN"):
        assert identifiers.normal_username(username) == "john"
