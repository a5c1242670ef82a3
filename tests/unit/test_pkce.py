"""Proof Key for Code Exchange (RFC 7636)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.errors import InvalidRequest
from valet.handles import base64url
from valet.http import Parameters
from valet.protocol import pkce

# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_example_of_the_specification_is_verified() -> None:
    assert pkce.is_verified(CHALLENGE, VERIFIER)


def test_the_challenge_is_no_verifier_of_itself() -> None:
    assert not pkce.is_verified(CHALLENGE, CHALLENGE)


@given(verifier=st.text(alphabet="abcXYZ019-._~", min_size=43, max_size=128))
def test_any_other_verifier_is_refused(verifier: str) -> None:
    assert not pkce.is_verified(CHALLENGE, verifier)


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 42 + "=", "a" * 42 + "+", "a" * 42 + "ä"])
def test_what_the_specification_does_not_allow_is_no_verifier_though_it_matches(verifier: str) -> None:
    import hashlib

    challenge = base64url(hashlib.sha256(verifier.encode()).digest())
    assert not pkce.is_verified(challenge, verifier)


@pytest.mark.parametrize(
    ("verifier", "description"),
    [
        ("a" * 42, "has 42 characters, but needs 43 to 128"),
        ("a" * 129, "has 129 characters, but needs 43 to 128"),
        ("opensesame+" * 5, "may have only A-Z a-z 0-9 - . _ ~"),
    ],
)
def test_a_malformed_verifier_is_told_what_is_wrong_with_it_and_not_its_value(verifier: str, description: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        pkce.check_verifier(verifier)
    assert description in refused.value.description
    assert "aaa" not in refused.value.description
    assert "opensesame" not in refused.value.description


@pytest.mark.parametrize("length", [43, 128])
def test_a_verifier_has_43_to_128_characters(length: int) -> None:
    assert pkce.is_verifier("a" * length)


def test_a_client_with_optional_pkce_may_send_no_challenge_and_is_held_to_the_one_that_it_sends() -> None:
    assert pkce.parse_challenge(Parameters({}), is_optional=True) == ""
    good = Parameters({"code_challenge": CHALLENGE, "code_challenge_method": "S256"})
    assert pkce.parse_challenge(good, is_optional=True) == CHALLENGE
    for bad in (
        {"code_challenge_method": "S256"},
        {"code_challenge_method": "plain"},
        {"code_challenge": CHALLENGE},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
        {"code_challenge": "short", "code_challenge_method": "S256"},
    ):
        with pytest.raises(InvalidRequest):
            pkce.parse_challenge(Parameters(bad), is_optional=True)


def test_a_challenge_with_s256_is_taken() -> None:
    parameters = Parameters({"code_challenge": CHALLENGE, "code_challenge_method": "S256"})
    assert pkce.parse_challenge(parameters) == CHALLENGE


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE},
        {"code_challenge": CHALLENGE, "code_challenge_method": "plain"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "s256"},
        {"code_challenge": CHALLENGE + "=", "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE[:-1], "code_challenge_method": "S256"},
        {"code_challenge": CHALLENGE + "\n", "code_challenge_method": "S256"},
    ],
)
def test_anything_else_is_refused(parameters: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        pkce.parse_challenge(Parameters(parameters))
