"""What a developer is told about a redirect URI that is not registered, and what a stranger is not told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.models.clients import Client
from valet.protocol.unregistered import refusal

SECRET_HOST = "https://staging-7.internal.example.com/callback"
WEB = ("https://app.example.com/callback", "https://app.example.com/silent?tenant=1", SECRET_HOST)
NATIVE = ("http://127.0.0.1/callback", "com.example.app:/callback")
PRINTABLE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")


def told(uri: str, registered: tuple[str, ...] = WEB, application_type: str = "web") -> tuple[str, str]:
    """What the page says, and what the log says."""
    client = Client("app", "App", application_type=application_type)
    error = refusal("redirect_uri", uri, registered, client)
    assert error.client_id == "app"
    return error.description, error.detail


@pytest.mark.parametrize(
    ("uri", "nearest", "difference"),
    [
        ("http://app.example.com/callback", WEB[0], "the scheme"),
        ("https://app.example.com:8443/callback", WEB[0], "the port"),
        ("https://app.example.com/callback/", WEB[0], "the slash at the end of the path"),
        ("https://app.example.com/Callback", WEB[0], "the path"),
        ("https://app.example.com", WEB[0], "the path"),
        ("https://app.example.com/callback?x=1", WEB[0], "the query"),
        ("https://app.example.com/silent", "https://app.example.com/silent?...", "the query"),
        ("https://APP.example.com/callback", WEB[0], "a fragment, a user, or how the characters are written"),
    ],
)
def test_my_redirect_uri_is_nearly_right_and_the_page_says_what_differs(
    uri: str, nearest: str, difference: str
) -> None:
    description, detail = told(uri)
    assert f"The nearest one that is: {nearest}. What differs: {difference}." in description
    assert description == detail
    assert uri.partition("?")[0] in description


def test_my_laptop_calls_the_loopback_address_localhost_and_the_page_says_which_is_registered() -> None:
    description, _ = told("http://localhost:5173/callback", NATIVE, "native")
    assert "The nearest one that is: http://127.0.0.1/callback (any port). What differs: the host." in description


def test_the_port_of_a_native_app_never_differs() -> None:
    description, _ = told("http://127.0.0.1:49152/cb", NATIVE, "native")
    assert "The nearest one that is: http://127.0.0.1/callback (any port). What differs: the path." in description


def test_a_private_scheme_is_compared_with_the_registered_one() -> None:
    description, _ = told("com.example.app:/oauth/callback", NATIVE, "native")
    assert "com.example.app:/oauth/callback is not registered" in description
    assert "The nearest one that is: com.example.app:/callback. What differs: the path." in description


@pytest.mark.parametrize("uri", ["https://evil.test/callback", "https://example.com/", "custom:/callback", "//", "x"])
def test_a_stranger_who_names_no_registered_host_learns_none_and_the_operator_reads_the_nearest(uri: str) -> None:
    description, detail = told(uri)
    assert "None that is registered is at this host." in description
    assert not any(part in description for part in ("app.example.com", "internal", "/callback"))
    assert "The nearest one that is: https://" in detail


@given(st.text(max_size=300) | st.from_regex(r"https?://[a-z]{0,9}(\.example\.com)?(:[0-9]{0,6})?[/?#@a-z]{0,99}"))
def test_nobody_learns_a_registered_host_without_naming_it(uri: str) -> None:
    description, detail = told(uri)
    assert "staging" not in description or "staging-7.internal.example.com" in uri.lower()
    for said in (description, detail):
        assert PRINTABLE.fullmatch(said)
        assert len(said) <= 512


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.com/callback?code=opensesame",
        "https://john:opensesame@app.example.com/callback",
        "https://app.example.com/callback#opensesame",
        "https://evil.test/opensesame",
        "https://app.example.com\\@evil.test/opensesame",
    ],
)
def test_a_secret_in_what_was_sent_is_repeated_nowhere(uri: str) -> None:
    assert not any("opensesame" in said for said in told(uri))


def test_a_client_without_redirect_uris_is_told_that_it_has_none() -> None:
    assert all("It has none." in said for said in told("https://app.example.com/callback", ()))


def test_a_registered_uri_with_a_long_path_is_cut() -> None:
    description, _ = told("https://app.example.com/b", ("https://app.example.com/" + "a" * 4000,))
    assert len(description) < 512
