"""Passwords at rest: Argon2id, at one cost (RFC 9106)."""

from valet import users


def test_a_hash_is_argon2id_with_the_cost_of_nobodys_hash() -> None:
    """Else an unknown user would be told from a wrong password by the time it takes."""
    hashed = users.hash_password("password123")
    parameters = hashed.rpartition("$")[0].rpartition("$")[0]
    assert parameters == users._NOBODYS_HASH.rpartition("$")[0].rpartition("$")[0] == "$argon2id$v=19$m=19456,t=2,p=1"
    assert hashed != users.hash_password("password123")
    assert users._is_password(hashed, "password123")
    assert not users._is_password(hashed, "Password123")


def test_a_password_is_the_same_from_any_keyboard() -> None:
    composed, decomposed = "pässword", "pa\u0308ssword"
    assert users._is_password(users.hash_password(composed), decomposed)


def test_nobodys_hash_is_of_no_password_that_could_be_sent() -> None:
    for password in ("", "password", "valet"):
        assert not users._is_password(users._NOBODYS_HASH, password)


def test_an_endless_password_is_not_hashed() -> None:
    assert not users._is_password(users.hash_password("p" * 1025), "p" * 1025)
    assert users._is_password(users.hash_password("p" * 1024), "p" * 1024)


def test_usernames_that_look_the_same_are_the_same() -> None:
    for username in ("John", " john ", "ｊｏｈｎ", "JOHN"):
        assert users.normal_username(username) == "john"
