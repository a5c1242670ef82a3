"""Opaque secrets, what is kept of them, and what follows from them."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.front_channel.forms import csrf_token, is_csrf_token
from valet.handles import (
    Code,
    RefreshToken,
    digest,
    grant_id_of,
    is_digest_of,
    is_handle,
    new_handle,
    new_id,
    parse_code,
    parse_refresh_token,
    successor,
)

HANDLE = st.binary(min_size=32, max_size=32).map(lambda drawn: new_handle(lambda length: drawn))
TOKEN = st.builds(RefreshToken, st.just("A" * 22), HANDLE, HANDLE)


def test_a_handle_is_256_random_bits_and_an_id_128() -> None:
    asked: list[int] = []

    def random(length: int) -> bytes:
        asked.append(length)
        return os.urandom(length)

    assert is_handle(new_handle(random))
    assert len(new_id(random)) == 22
    assert asked == [32, 16]


@given(value=st.text(max_size=60))
def test_whatever_else_is_no_handle(value: str) -> None:
    if is_handle(value):
        assert len(value) == 43
        assert value.isascii()


@pytest.mark.parametrize("value", ["", "A" * 42, "A" * 44, "A" * 43 + "\n", "A" * 42 + "=", "A" * 42 + "+", "Ａ" * 43])
def test_a_handle_has_43_characters_of_base64url(value: str) -> None:
    assert not is_handle(value)


def test_what_is_kept_is_the_sha_256_and_nothing_is_the_secret_of_nothing() -> None:
    assert digest("secret") == hashlib.sha256(b"secret").digest()
    assert is_digest_of(digest("secret"), "secret")
    assert not is_digest_of(digest("secret"), "secret ")
    assert not is_digest_of(b"", "")
    assert not is_digest_of(b"", "secret")


@given(token=TOKEN)
def test_codes_and_refresh_tokens_are_read_as_they_are_written(token: RefreshToken) -> None:
    code = Code(token.grant_id, token.secret)
    assert parse_code(str(code)) == code
    assert parse_refresh_token(str(token)) == token
    assert parse_code(str(token)) is None
    assert parse_refresh_token(str(code)) is None


@given(value=st.text(max_size=150))
def test_whatever_else_is_neither(value: str) -> None:
    assert parse_code(value) is None
    assert parse_refresh_token(value) is None


@given(token=TOKEN, other=TOKEN, key=st.binary(min_size=32, max_size=32))
def test_a_token_has_one_successor_by_its_key_which_tells_nothing_of_its_own(
    token: RefreshToken, other: RefreshToken, key: bytes
) -> None:
    following = successor(token, key)
    assert following == successor(token, key)
    assert (following.grant_id, following.family) == (token.grant_id, token.family)
    assert is_handle(following.secret)
    assert following.secret != token.secret
    assert following.secret != successor(token, bytes(32 * [1]) if key != bytes(32 * [1]) else bytes(32)).secret
    if other.secret != token.secret:
        assert following.secret != successor(other, key).secret


@given(first=HANDLE, second=HANDLE)
def test_a_saved_request_ends_in_one_grant(first: str, second: str) -> None:
    assert grant_id_of(first) == grant_id_of(first)
    assert len(grant_id_of(first)) == 22
    assert (grant_id_of(first) == grant_id_of(second)) == (first == second)
    assert grant_id_of(first) not in first


@given(cookie=HANDLE, handle=HANDLE, other=HANDLE, garbage=st.text(max_size=50))
def test_a_csrf_token_is_for_one_cookie_and_one_request(cookie: str, handle: str, other: str, garbage: str) -> None:
    token = csrf_token(cookie, handle)
    assert is_csrf_token(token, cookie, handle)
    assert not is_csrf_token(garbage, cookie, handle)
    if other not in (cookie, handle):
        assert not is_csrf_token(token, other, handle)
        assert not is_csrf_token(token, cookie, other)
