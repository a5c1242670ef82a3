"""Bearer tokens in a request, and the challenge (RFC 6750)."""

import pytest
from valet.errors import InsufficientScope, InvalidClient, InvalidRequest, InvalidToken
from valet.http import Request
from valet.protocol.bearer import challenge, find_token

FORM = "application/x-www-form-urlencoded"


def request(method: str = "GET", query: str = "", body: bytes = b"", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, "/userinfo", "https://id.example.com", query_string=query, headers=named, body=body)


@pytest.mark.parametrize("authorization", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_a_token_is_found_in_the_header(authorization: str) -> None:
    assert find_token(request(authorization=authorization)) == "abc"


def test_a_token_is_found_in_a_form_of_a_post_only() -> None:
    assert find_token(request("POST", body=b"access_token=abc", content_type=FORM)) == "abc"
    assert find_token(request("GET", body=b"access_token=abc", content_type=FORM)) is None


@pytest.mark.parametrize("authorization", ["Basic eDp5", "Negotiate", ""])
def test_another_scheme_is_no_token(authorization: str) -> None:
    assert find_token(request(authorization=authorization)) is None
    assert find_token(request()) is None


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer a b", "Bearer ä", 'Bearer "a"', "Bearer a,b"])
def test_a_malformed_token_is_refused(authorization: str) -> None:
    with pytest.raises(InvalidRequest):
        find_token(request(authorization=authorization))


def test_two_tokens_or_one_in_the_query_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="two"):
        find_token(request("POST", body=b"access_token=a", content_type=FORM, authorization="Bearer a"))
    with pytest.raises(InvalidRequest, match="query"):
        find_token(request(query="access_token=a"))


def test_a_challenge_names_the_error_only_where_a_token_was_tried() -> None:
    assert challenge() == {"WWW-Authenticate": 'Bearer realm="valet"'}
    for error in (InvalidToken("Over."), InsufficientScope("Too little."), InvalidRequest("Bad.")):
        assert f'error="{error.error}"' in challenge(error)["WWW-Authenticate"]
    assert "error" not in challenge(InvalidClient("Who?"))["WWW-Authenticate"]
    assert challenge(scope="items")["WWW-Authenticate"].endswith('scope="items"')
