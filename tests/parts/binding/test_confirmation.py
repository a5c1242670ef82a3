"""The claim cnf: each of its members is proven, or the token is refused (RFC 7800 §3.1)."""

import pytest
from valet.binding.confirmation import jkt_of
from valet.jose.signed import Refused


def test_the_thumbprint_of_the_key() -> None:
    assert jkt_of({"jkt": "thumbprint"}) == "thumbprint"


@pytest.mark.parametrize(
    "cnf",
    [
        None,
        {},
        [],
        "jkt",
        {"jkt": ""},
        {"jkt": None},
        {"jkt": 1},
        {"jkt": ["thumbprint"]},
        {"x5t#S256": "certificate"},
        {"jwk": {"kty": "EC"}},
        {"kid": "key"},
        {"jkt": "thumbprint", "x5t#S256": "certificate"},
        {"jkt": "thumbprint", "kid": "key"},
        {"jkt": "thumbprint", "later": None},
        {"JKT": "thumbprint"},
    ],
)
def test_a_member_that_is_unknown_or_empty_refuses(cnf: object) -> None:
    with pytest.raises(Refused, match=r"^cnf"):
        jkt_of(cnf)
