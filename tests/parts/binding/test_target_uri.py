"""The address in a proof, compared with the address that was called (RFC 9449 §4.3, RFC 3986 §6.2)."""

import pytest
from valet.binding.target_uri import is_same

OWN = "https://api.example/v1/items"


@pytest.mark.parametrize(
    "htu",
    [
        OWN,
        "HTTPS://API.Example/v1/items",
        "https://api.example:443/v1/items",
        "https://api.example:/v1/items",
        f"{OWN}?page=2",
        f"{OWN}#top",
        f"{OWN}?a=/b#c?d",
        "https://api.example/v1/%69tems",
    ],
)
def test_spellings_of_one_address_are_the_same(htu: str) -> None:
    assert is_same(htu, OWN)
    assert is_same(htu, OWN, is_decoded=True)


@pytest.mark.parametrize(
    "htu",
    [
        "",
        "/v1/items",
        "//api.example/v1/items",
        "http://api.example/v1/items",
        "wss://api.example/v1/items",
        "ftp://api.example/v1/items",
        "https://api.example:8443/v1/items",
        "https://api.example:80/v1/items",
        "https://api.example./v1/items",
        "https://other.example/v1/items",
        "https://john@api.example/v1/items",
        "https://api.example@other.example/v1/items",
        "https://api.example\\@other.example/v1/items",
        "https://api.example/v1/Items",
        "https://api.example/v1/items/",
        "https://api.example/v1/items/1",
        "https://api.example/v1//items",
        "https://api.example/v1/./items",
        "https://api.example/v2/../v1/items",
        "https://api.example/v1%2Fitems",
        "https://api.example/v1/%2569tems",
        "https://api.example/v1/item%73%",
        "https://api.example/v1/items%",
        "https://api.example/v1/items%zz",
        "https://api.example/v1/items ",
        "https://api.example/v1/items\n",
        "https://api.example?/v1/items",
        "https:/api.example/v1/items",
        "https://apі.example/v1/items",
    ],
)
def test_any_other_address_is_another(htu: str) -> None:
    assert not is_same(htu, OWN)
    # Decoding joins `%2F` and a slash, because the API sees no difference either; nothing else of these.
    assert is_same(htu, OWN, is_decoded=True) is (htu == "https://api.example/v1%2Fitems")


@pytest.mark.parametrize(
    ("htu", "own"),
    [
        ("https://api.example", "https://api.example/"),
        ("https://api.example/", "https://api.example"),
        ("https://api.example?x", "https://api.example/"),
        ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
        ("http://127.0.0.1:3000/x", "http://127.0.0.1:3000/x"),
        ("http://[::1]:3000/x", "http://[::1]:3000/x"),
        ("wss://ws.example:443/prod", "wss://ws.example/prod"),
    ],
)
def test_an_empty_path_and_a_default_port_are_left_out(htu: str, own: str) -> None:
    assert is_same(htu, own)


@pytest.mark.parametrize(
    ("htu", "own", "is_one"),
    [
        ("/a%2fb", "/a%2Fb", True),
        ("/a%2Fb", "/a/b", False),
        ("/a%252Fb", "/a%2Fb", False),
        ("/a%2Fb", "/a%252Fb", False),
        ("/%7Ejohn", "/~john", True),
        ("/~john", "/%7ejohn", True),
        ("/a%3Fb", "/a", False),
        ("/a%20b", "/a+b", False),
        ("/caf%C3%A9", "/caf%c3%a9", True),
        ("/x%", "/x%", False),
    ],
)
def test_escapes_are_normalized_where_the_gateway_hands_them_on(htu: str, own: str, is_one: bool) -> None:
    assert is_same(f"https://api.example{htu}", f"https://api.example{own}") is is_one


@pytest.mark.parametrize(
    ("sent", "another"),
    [("/a%252Fb", "/a%2Fb"), ("/a%3Fb", "/a?b"), ("/a%23b", "/a#b"), ("/a%2520b", "/a%20b"), ("/a%25b", "/a%b")],
)
def test_where_the_gateway_decodes_a_proof_for_one_path_serves_no_other(sent: str, another: str) -> None:
    decoded = another  # of the event: what the client sent, decoded once
    assert is_same(f"https://api.example{sent}", f"https://api.example{decoded}", is_decoded=True)
    assert not is_same(f"https://api.example{another}", f"https://api.example{decoded}", is_decoded=True)


def test_a_decoded_path_is_compared_as_text() -> None:
    assert is_same("https://api.example/caf%C3%A9", "https://api.example/café", is_decoded=True)
    assert is_same("https://api.example/a%20b", "https://api.example/a b", is_decoded=True)
    for not_utf8 in ("%C3", "%ED%A0%80", "%C0%AF"):
        assert not is_same(f"https://api.example/{not_utf8}", "https://api.example/\ufffd", is_decoded=True)
    assert not is_same("https://api.example/a%20b", "https://api.example/a%20b", is_decoded=True)
