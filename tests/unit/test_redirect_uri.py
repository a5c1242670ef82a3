"""Which redirect URIs are a client's (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.protocol.redirect_uri import (
    destination,
    is_registered,
    is_remembered_for,
    leaves_port_open,
    takes_any_port,
)

HTTPS = "https://app.example.com/callback"
LOOPBACK = "http://127.0.0.1/callback"
LOOPBACK_6 = "http://[::1]/callback?a=b"
PRIVATE = "com.example.app:/callback"
REGISTERED = (HTTPS, LOOPBACK, LOOPBACK_6, PRIVATE)


@pytest.mark.parametrize("uri", REGISTERED)
@pytest.mark.parametrize("is_native", [True, False])
def test_what_is_registered_to_the_letter_is_the_clients(uri: str, is_native: bool) -> None:
    assert is_registered(uri, REGISTERED, is_native=is_native)


@given(uri=st.text(max_size=60))
def test_nothing_else_is(uri: str) -> None:
    assert is_registered(uri, REGISTERED, is_native=False) == (uri in REGISTERED)


@given(index=st.integers(0, len(HTTPS)), inserted=st.characters())
def test_no_character_may_be_added_anywhere(index: int, inserted: str) -> None:
    changed = HTTPS[:index] + inserted + HTTPS[index:]
    assert not is_registered(changed, REGISTERED, is_native=True)


@given(index=st.integers(0, len(HTTPS) - 1))
def test_no_character_may_be_left_out_or_change_its_case(index: int) -> None:
    assert not is_registered(HTTPS[:index] + HTTPS[index + 1 :], REGISTERED, is_native=True)
    swapped = HTTPS[:index] + HTTPS[index].swapcase() + HTTPS[index + 1 :]
    assert is_registered(swapped, REGISTERED, is_native=True) == (swapped == HTTPS)


@given(port=st.integers(1, 65_535))
def test_a_native_client_may_use_any_port_of_both_loopback_addresses_and_no_other_may(port: int) -> None:
    for uri in (f"http://127.0.0.1:{port}/callback", f"http://[::1]:{port}/callback?a=b"):
        assert is_registered(uri, REGISTERED, is_native=True)
        assert not is_registered(uri, REGISTERED, is_native=False)


@pytest.mark.parametrize(
    "port", ["0", "00080", "65536", "99999", "100000", "-1", "+80", " 80", "80 ", "８０", "8_0", ""]
)
def test_what_is_no_port_is_refused(port: str) -> None:
    assert not is_registered(f"http://127.0.0.1:{port}/callback", REGISTERED, is_native=True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:8080/callback",
        "http://127.0.0.2:8080/callback",
        "https://127.0.0.1:8080/callback",
        "http://127.0.0.1:8080/callback\n",
        "http://127.0.0.1:8080/callback?a=b",
        "http://[::1]:8080/callback",
        "http://[::1]:8080/callback?a=c",
        "http://[::2]:8080/callback?a=b",
        "http://127.0.0.1:8080@evil.test/callback",
        "http://127.0.0.1:8080\\@evil.test/callback",
        "https://app.example.com:8080/callback",
    ],
)
def test_the_port_is_the_one_exception(uri: str) -> None:
    assert not is_registered(uri, REGISTERED, is_native=True)


WEB = "https://webapp.example.com/callback"


@pytest.mark.parametrize(
    "uri",
    [
        # longer, shorter
        f"{WEB}/",
        f"{WEB}/more",
        f"{WEB}more",
        f"{WEB}?a=b",
        f"{WEB}?",
        f"{WEB}#",
        f"{WEB}#fragment",
        f"{WEB};a",
        WEB[:-1],
        "https://webapp.example.com/",
        "https://webapp.example.com",
        "",
        "/callback",
        "//webapp.example.com/callback",
        "callback",
        # another host
        "https://webapp.example.com.evil.test/callback",
        "https://webapp.example.com@evil.test/callback",
        "https://evil.test@webapp.example.com/callback",
        "https://user:word@webapp.example.com/callback",
        "https://evil.test/https://webapp.example.com/callback",
        "https://evil.test?https://webapp.example.com/callback",
        "https://evil.test#https://webapp.example.com/callback",
        "https://evil.test\\@webapp.example.com/callback",
        "https://webapp.example.com\\.evil.test/callback",
        "https:\\\\webapp.example.com\\callback",
        "https://evilwebapp.example.com/callback",
        "https://example.com/callback",
        "https://webapp.example.com./callback",
        "https://webapp。example.com/callback",
        "https://xn--webapp.example.com/callback",
        # port and scheme
        "https://webapp.example.com:443/callback",
        "https://webapp.example.com:8443/callback",
        "https://webapp.example.com:/callback",
        "http://webapp.example.com/callback",
        "HTTPS://webapp.example.com/callback",
        "javascript://webapp.example.com/callback",
        "javascript:alert(1)//webapp.example.com/callback",
        "data:text/html,webapp.example.com/callback",
        # case, dots, encodings
        "https://webapp.example.com/Callback",
        "https://WEBAPP.example.com/callback",
        "https://webapp.example.com/./callback",
        "https://webapp.example.com/callback/../callback",
        "https://webapp.example.com/callback/..",
        "https://webapp.example.com/../callback",
        "https://webapp.example.com//callback",
        "https://webapp.example.com/%63allback",
        "https://webapp.example.com/callback%2F",
        "https://webapp.example.com/callback%00",
        "https://webapp%2Eexample.com/callback",
        f" {WEB}",
        f"{WEB} ",
        f"{WEB}\t",
        f"{WEB}\n",
        f"{WEB}\r\nLocation: https://evil.test/",
        f"{WEB} https://evil.test/",
        # a loopback address of a client that is not native: to the letter, as any other
        "http://127.0.0.1:9877/callback",
        "http://127.0.0.1/callback",
        "http://localhost:9876/callback",
        "http://[::1]:9876/callback",
        "http://127.1:9876/callback",
        "http://2130706433:9876/callback",
        "http://0x7f.0.0.1:9876/callback",
        "http://0.0.0.0:9876/callback",
        "https://127.0.0.1:9876/callback",
        # of other clients
        "com.example.mobile:/callback",
        "https://id.example.com/demo/",
    ],
)
def test_what_is_not_registered_to_the_letter_is_not_a_web_clients(uri: str) -> None:
    assert not is_registered(uri, (WEB, "http://127.0.0.1:9876/callback"), is_native=False)


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost/callback",
        "http://localhost:8000/callback",
        "http://127.0.0.2:8000/callback",
        "http://127.0.0.1.evil.test:8000/callback",
        "http://127.0.0.1:8000@evil.test/callback",
        "http://evil.test:8000@127.0.0.1/callback",
        "http://evil.test@127.0.0.1:8000/callback",
        "http://127.0.0.1:8000:9000/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:08000/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:123456/callback",
        "http://127.0.0.1:８０/callback",
        "http://127.0.0.1:8000/callback/",
        "http://127.0.0.1:8000/callback?x=1",
        "http://127.0.0.1:8000/callback#x",
        "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/other",
        "http://127.0.0.1:8000/a/../callback",
        "https://127.0.0.1:8000/callback",
        "HTTP://127.0.0.1:8000/callback",
        "http://127.1:8000/callback",
        "http://0177.0.0.1:8000/callback",
        "http://2130706433:8000/callback",
        "http://[::1]:8000/callback",
        "http://[::1]/callback",
        "http://[::ffff:127.0.0.1]:8000/callback",
        "http://[0:0:0:0:0:0:0:1]:8000/callback",
        "com.example.mobile:/callback/",
        "com.example.mobile:/callback?x",
        "com.example.mobile://callback",
        "com.example.mobile:callback",
        "com.example.mobile:8000/callback",
        "com.example.mobile2:/callback",
        "COM.example.mobile:/callback",
        "xcom.example.mobile:/callback",
    ],
)
def test_a_native_client_may_change_nothing_but_the_port_of_its_loopback_address(uri: str) -> None:
    assert not is_registered(uri, ("com.example.mobile:/callback", "http://127.0.0.1/callback"), is_native=True)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.2", "127.1", "0.0.0.0", "[::]", "LOCALHOST", "a.localhost", "localhost.evil.test"],  # noqa: S104
)
def test_a_name_or_another_address_has_one_port_though_registered(host: str) -> None:
    registered = f"http://{host}/callback"
    assert is_registered(registered, [registered], is_native=True)
    assert not is_registered(f"http://{host}:8080/callback", [registered], is_native=True)


def test_only_a_native_clients_loopback_address_stands_for_every_port() -> None:
    assert takes_any_port(LOOPBACK, is_native=True)
    assert takes_any_port(LOOPBACK_6, is_native=True)
    assert not takes_any_port(LOOPBACK, is_native=False)
    assert takes_any_port("http://127.0.0.1:8080/callback", is_native=True)
    assert not takes_any_port("http://127.0.0.1:80800/callback", is_native=True)
    assert not takes_any_port(HTTPS, is_native=True)
    assert not takes_any_port(PRIVATE, is_native=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("", ""),
        ("", ":51004"),
        ("", "/"),
        ("", ":51004/"),
        ("/", ":51004"),
        (":8085", ":51004"),
        (":8085", ":51004/"),
        (":8085/", ":51004"),
        ("/callback", ":51004/callback"),
        (":8085/callback", ":51004/callback"),
        (":8085/callback", "/callback"),
        (":8085/callback?a=b", ":51004/callback?a=b"),
        ("?a=b", ":51004/?a=b"),
    ],
)
def test_my_cli_listens_on_another_port_than_the_registered_one_and_gets_its_answer(
    host: str, registered: str, asked: str
) -> None:
    """Whichever side names a port, and with the path "/" left out by either (RFC 8252 §8.4, RFC 3986 §6.2.3)."""
    uri = f"http://{host}{asked}"
    assert is_registered(uri, [f"http://{host}{registered}"], is_native=True)
    exact = uri == f"http://{host}{registered}"
    assert is_registered(uri, [f"http://{host}{registered}"], is_native=False) == exact


@pytest.mark.parametrize(
    ("registered", "asked"),
    [
        ("http://127.0.0.1", "http://127.0.0.1:51004/callback"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:51004//"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:51004/?a"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:51004?a"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:51004#"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:51004\n"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:51004@evil.test"),
        ("http://127.0.0.1:8085", "http://127.0.0.1:8085.evil.test"),
        ("http://127.0.0.1", "http://127.0.0.1.evil.test"),
        ("http://127.0.0.1", "http://127.0.0.1evil.test/"),
        ("http://127.0.0.1", "http://127.0.0.1:"),
        ("http://127.0.0.1", "http://127.0.0.1:0"),
        ("http://127.0.0.1", "http://127.0.0.1:65536"),
        ("http://127.0.0.1", "https://127.0.0.1:51004"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb/"),
        ("http://127.0.0.1/cb/", "http://127.0.0.1:51004/cb"),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb"),
        ("http://127.0.0.1/cb", "http://localhost:51004/cb"),
        ("http://localhost/cb", "http://127.0.0.1:51004/cb"),
        ("http://localhost/cb", "http://localhost.evil.test:51004/cb"),
        ("http://localhost/cb", "http://localhost:51004@evil.test/cb"),
        ("http://localhost/cb", "http://LOCALHOST:51004/cb"),
        ("http://[::1]:8085", "http://[::2]:51004"),
        ("https://app.example.com", "https://app.example.com/"),
        ("https://app.example.com/", "https://app.example.com"),
        ("http://127.0.0.1:99999/cb", "http://127.0.0.1:51004/cb"),
    ],
)
def test_nothing_but_the_port_and_the_empty_path_of_a_loopback_address_may_differ(registered: str, asked: str) -> None:
    assert not is_registered(asked, [registered], is_native=True)


@given(uri=st.text(max_size=60), registered=st.sampled_from(["http://127.0.0.1:8085", "http://localhost/cb"]))
def test_no_text_is_taken_for_a_loopback_address_that_begins_otherwise(uri: str, registered: str) -> None:
    host = registered[: registered.index(":", 5)] if registered.count(":") > 1 else "http://localhost"
    if not uri.startswith(host):
        assert not is_registered(uri, [registered], is_native=True)


def test_only_a_registered_uri_without_a_port_leaves_it_to_the_request() -> None:
    assert leaves_port_open(LOOPBACK, is_native=True)
    assert leaves_port_open("http://127.0.0.1", is_native=True)
    assert not leaves_port_open(LOOPBACK, is_native=False)
    assert not leaves_port_open("http://127.0.0.1:8080/callback", is_native=True)
    assert not leaves_port_open(PRIVATE, is_native=True)


def test_consent_is_remembered_for_https_only() -> None:
    assert [uri for uri in REGISTERED if is_remembered_for(uri)] == [HTTPS]


def test_the_consent_page_names_the_host_or_the_scheme() -> None:
    assert destination(HTTPS) == "app.example.com"
    assert destination("http://127.0.0.1:8080/callback") == "127.0.0.1:8080"
    assert destination(PRIVATE) == "com.example.app: (an app on this device)"
