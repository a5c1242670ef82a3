"""Access tokens in a request, and the challenge (RFC 6750, RFC 9449 §7.1)."""

import pytest
from valet.errors import InsufficientScope, InvalidClient, InvalidDpopProof, InvalidRequest, InvalidToken, OAuthError
from valet.http import Request
from valet.protocol.presented_token import challenge, find_token

FORM = "application/x-www-form-urlencoded"


def request(method: str = "GET", query: str = "", body: bytes = b"", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, "/userinfo", "https://id.example.com", query_string=query, headers=named, body=body)


@pytest.mark.parametrize("authorization", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_a_bearer_token_is_found_in_the_header(authorization: str) -> None:
    assert find_token(request(authorization=authorization)) == ("abc", False)


@pytest.mark.parametrize("authorization", ["DPoP abc", "dpop abc", "DPOP  abc "])
def test_a_bound_token_is_found_in_the_header(authorization: str) -> None:
    assert find_token(request(authorization=authorization)) == ("abc", True)


def test_a_token_is_found_in_a_form_of_a_post_only_and_then_it_is_a_bearer_token() -> None:
    assert find_token(request("POST", body=b"access_token=abc", content_type=FORM)) == ("abc", False)
    assert find_token(request("GET", body=b"access_token=abc", content_type=FORM)) is None


@pytest.mark.parametrize("authorization", ["Basic eDp5", "Negotiate", ""])
def test_another_scheme_is_no_token(authorization: str) -> None:
    assert find_token(request(authorization=authorization)) is None
    assert find_token(request()) is None


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer a b", "Bearer ä", 'Bearer "a"', "Bearer a,b", "DPoP", "DPoP a b", "DPoP a,b"],
)
def test_a_malformed_token_is_refused(authorization: str) -> None:
    with pytest.raises(InvalidRequest):
        find_token(request(authorization=authorization))


def test_two_tokens_or_one_in_the_query_are_refused() -> None:
    for scheme in ("Bearer", "DPoP"):
        with pytest.raises(InvalidRequest, match="two"):
            find_token(request("POST", body=b"access_token=a", content_type=FORM, authorization=f"{scheme} a"))
    with pytest.raises(InvalidRequest, match="query"):
        find_token(request(query="access_token=a"))


_BEARER, _DPOP = 'Bearer realm="valet"', 'DPoP realm="valet", algs="PS256 ES256 EdDSA"'
_ERRORS = (InvalidToken("Bad."), InsufficientScope("Bad."), InvalidRequest("Bad."), InvalidDpopProof("Bad."))


def _said(error: OAuthError) -> str:
    return f', error="{error.error}", error_description="Bad."'


def test_a_request_without_token_is_told_both_schemes_and_no_error() -> None:
    assert challenge() == {"WWW-Authenticate": f"{_BEARER}, {_DPOP}"}
    assert challenge(request(), InvalidClient("Bad.")) == {"WWW-Authenticate": _BEARER}


@pytest.mark.parametrize("error", _ERRORS, ids=lambda error: error.error)
def test_a_refused_bearer_token_may_be_one_that_is_bound(error: OAuthError) -> None:
    told = challenge(request(authorization="Bearer abc"), error)["WWW-Authenticate"]
    also = f", {_DPOP}" if isinstance(error, InvalidToken) else ""
    assert told == f"{_BEARER}{_said(error)}{also}"


@pytest.mark.parametrize("error", _ERRORS, ids=lambda error: error.error)
def test_a_refused_bound_token_is_told_its_own_scheme_alone(error: OAuthError) -> None:
    assert challenge(request(authorization="dpop abc"), error) == {"WWW-Authenticate": f"{_DPOP}{_said(error)}"}
