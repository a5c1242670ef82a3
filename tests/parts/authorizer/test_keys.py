"""The key set: which keys may verify, when they are asked for again, and what happens when nobody answers."""

import json
from typing import Any

import pytest
from valet.fetch import Fetched, FetchFailed
from valet.jose.jwk import UnusableKey, key_from_jwk
from valet.resource_server.keys import keys_from_list, own_uri
from valet.resource_server.outcomes import IssuerUnavailable

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, FakeIssuer, Stand, encoded, private_key, public_jwk

DISCOVERY, JWKS = "/.well-known/openid-configuration", "/.well-known/jwks.json"
RSA = public_jwk(private_key("RS256"), "k")
EC = public_jwk(private_key("ES256"), "k")
OKP = public_jwk(private_key("EdDSA"), "k")


@pytest.fixture
def stand() -> Stand:
    return Stand()


def outcome(stand: Stand, token: str) -> str:
    try:
        stand.ask(token)
    except IssuerUnavailable:
        return "outage"
    except Exception as error:
        return "refused" if str(error) == "Unauthorized" else repr(error)
    return "allowed"


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        (RSA, {"RS256", "PS256"}),
        ({**RSA, "alg": "RS256"}, {"RS256"}),
        ({**RSA, "alg": "PS256"}, {"PS256"}),
        ({**EC, "alg": "ES256"}, {"ES256"}),
        (EC, {"ES256"}),
        ({**OKP, "alg": "EdDSA"}, {"EdDSA"}),
        ({**OKP, "alg": "Ed25519"}, {"EdDSA"}),
        ({**RSA, "key_ops": ["verify"]}, {"RS256", "PS256"}),
    ],
)
def test_the_key_says_which_algorithms_it_is_for(jwk: dict[str, Any], algorithms: set[str]) -> None:
    assert key_from_jwk(jwk).verifiers.keys() == algorithms


@pytest.mark.parametrize(
    "changed",
    [
        {"use": "enc"},
        {"use": None},
        {"key_ops": ["encrypt"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"kid": None},
        {"kid": ""},
        {"kid": 7},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": None},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": "ES256"},
        {"alg": "RS512"},
        {"alg": None},
        {"alg": 7},
        {"n": "!!"},
        {"n": None},
        {"n": RSA["n"][:100]},
        {"n": RSA["n"] * 5},
        {"n": "AAAA" + RSA["n"]},
        {"e": encoded(b"\1" + bytes(4) + b"\1")},
        {"d": "AQAB"},
        {"n": "é"},
        {"e": "AQ"},
        {"e": "AA"},
        {"e": ""},
    ],
)
def test_a_key_that_cannot_verify_is_left_out(changed: dict[str, Any]) -> None:
    with pytest.raises(UnusableKey):
        key_from_jwk({**RSA, **changed})


@pytest.mark.parametrize(
    "jwk",
    [
        {**EC, "crv": "P-384"},
        {**EC, "crv": "secp256k1"},
        {**EC, "x": EC["y"]},
        {**EC, "x": EC["x"][:-4]},
        {**EC, "y": None},
        {**OKP, "crv": "X25519"},
        {**OKP, "crv": "Ed448"},
        {**OKP, "x": "AAAA"},
    ],
)
def test_a_curve_or_point_that_is_not_known_is_left_out(jwk: dict[str, Any]) -> None:
    with pytest.raises(UnusableKey):
        key_from_jwk(jwk)


def test_one_malformed_key_does_not_spoil_the_others() -> None:
    listed: list[object] = [{"kty": "RSA", "kid": "bad"}, 7, None, {**RSA, "kid": "good"}]
    assert keys_from_list(listed, {}).keys() == {"good"}


def test_a_key_without_a_kid_cannot_be_named_by_a_token_and_is_left_out() -> None:
    nameless = {name: value for name, value in RSA.items() if name != "kid"}
    assert keys_from_list([nameless, {**EC, "kid": "good"}], {}).keys() == {"good"}


def test_a_kid_that_names_two_keys_names_none() -> None:
    listed: list[object] = [{**RSA, "kid": "a"}, {**EC, "kid": "a"}, {**OKP, "kid": "b"}]
    assert keys_from_list(listed, {}).keys() == {"b"}


@pytest.mark.parametrize(
    ("issuer", "uri", "found"),
    [
        (ISSUER, f"{ISSUER}/jwks", f"{ISSUER}/jwks"),
        (ISSUER, "https://issuer.example:443/jwks", f"{ISSUER}/jwks"),
        (ISSUER, "HTTPS://issuer.example/jwks", None),
        (ISSUER, "https://ISSUER.example/jwks?v=1", f"{ISSUER}/jwks?v=1"),
        (ISSUER, "https://issuer.example", None),
        (ISSUER, "https://issuer.example:8443/jwks", None),
        (ISSUER, "https://issuer.example.evil.example/jwks", None),
        (ISSUER, "https://evil.example/issuer.example/jwks", None),
        (ISSUER, "https://issuer.example@evil.example/jwks", None),
        (ISSUER, "https://issuer.example\\@evil.example/jwks", None),
        (ISSUER, "http://issuer.example/jwks", None),
        (ISSUER, "file:///etc/passwd", None),
        (ISSUER, "/jwks", None),
        (ISSUER, "https://issuer.example/jwks#x", None),
        (ISSUER, "https://issuer.example/jwks\r\nX: y", None),
        (ISSUER, None, None),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000/jwks", "http://127.0.0.1:3000/jwks"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3001/jwks", None),
        ("http://127.0.0.1", "http://127.0.0.1:80/jwks", "http://127.0.0.1/jwks"),
        ("http://[::1]:3000", "http://[::1]:3000/jwks", "http://[::1]:3000/jwks"),
    ],
)
def test_the_key_set_is_on_the_issuers_origin(issuer: str, uri: object, found: str | None) -> None:
    if found is None:
        with pytest.raises(FetchFailed):
            own_uri(issuer, uri)
    else:
        assert own_uri(issuer, uri) == found


def test_a_discovery_document_of_another_issuer_is_not_believed(stand: Stand) -> None:
    stand.issuer.issuer_metadata["issuer"] = "https://other.example"
    assert outcome(stand, stand.issuer.token()) == "outage"
    assert stand.issuer.fetches[JWKS] == 0


def test_rfc_8414_metadata_serves_where_there_is_no_openid_configuration(stand: Stand) -> None:
    document = json.dumps(stand.issuer.issuer_metadata).encode()
    stand.issuer.faults[DISCOVERY] = lambda: Fetched(404, b"", None)
    stand.issuer.faults["/.well-known/oauth-authorization-server"] = lambda: Fetched(200, document, None)
    assert outcome(stand, stand.issuer.token()) == "allowed"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [], "keys": []}', b"<html>", b"\xff"])
def test_a_key_set_that_is_none_is_an_outage(stand: Stand, body: bytes) -> None:
    stand.issuer.faults[JWKS] = lambda: Fetched(200, body, None)
    assert outcome(stand, stand.issuer.token()) == "outage"


def test_keys_are_asked_for_once_and_again_after_300_seconds(stand: Stand) -> None:
    for number in range(10):
        assert outcome(stand, stand.issuer.token(jti=str(number))) == "allowed"
        stand.clock.advance(29.9)
    assert stand.issuer.fetches[JWKS] == 1
    stand.clock.advance(1)
    assert outcome(stand, stand.issuer.token()) == "allowed"
    assert stand.issuer.fetches[JWKS] == 2


def test_jitter_only_ever_shortens_the_refresh(stand: Stand) -> None:
    stand.jitter = 0.999
    assert outcome(stand, stand.issuer.token()) == "allowed"
    stand.clock.advance(241)
    assert outcome(stand, stand.issuer.token()) == "allowed"
    assert stand.issuer.fetches[JWKS] == 2


def test_a_new_key_works_at_once(stand: Stand) -> None:
    assert outcome(stand, stand.issuer.token()) == "allowed"
    stand.clock.advance(1)
    stand.issuer.add_key("key-2", "ES256")
    assert outcome(stand, stand.issuer.sign(stand.issuer.claims(), kid="key-2")) == "allowed"
    assert stand.issuer.fetches[JWKS] == 2


def test_unknown_kids_cause_one_refetch_in_60_seconds(stand: Stand) -> None:
    assert outcome(stand, stand.issuer.token()) == "allowed"
    for number in range(600):
        stand.clock.advance(0.1)
        assert outcome(stand, stand.issuer.sign(stand.issuer.claims(), {"kid": f"made-up-{number}"})) == "refused"
    assert stand.issuer.fetches[JWKS] == 2
    stand.clock.advance(1)
    assert outcome(stand, stand.issuer.sign(stand.issuer.claims(), {"kid": "made-up"})) == "refused"
    assert stand.issuer.fetches[JWKS] == 3


def test_a_refresh_by_the_clock_does_not_count_against_a_new_key(stand: Stand) -> None:
    assert outcome(stand, stand.issuer.token()) == "allowed"
    stand.clock.advance(301)
    assert outcome(stand, stand.issuer.token(jti="2")) == "allowed"
    stand.clock.advance(1)
    stand.issuer.add_key("key-2", "ES256")
    assert outcome(stand, stand.issuer.sign(stand.issuer.claims(), kid="key-2")) == "allowed"


def test_a_cold_authorizer_asks_once_for_an_unknown_kid(stand: Stand) -> None:
    assert outcome(stand, stand.issuer.sign(stand.issuer.claims(), {"kid": "made-up"})) == "refused"
    assert stand.issuer.fetches[JWKS] == 1


def test_a_remembered_token_dies_with_its_kid(stand: Stand) -> None:
    stand.issuer.add_key("key-2", "ES256")
    token = stand.issuer.sign(stand.issuer.claims(), kid="key-2")
    assert outcome(stand, token) == "allowed"
    stand.issuer.jwks.pop()
    stand.clock.advance(299)
    assert outcome(stand, token) == "allowed", "the stated bound: keys are refreshed every 300 s"
    stand.clock.advance(1)
    assert outcome(stand, token) == "refused"


def test_a_remembered_token_dies_when_its_kid_names_another_key(stand: Stand) -> None:
    token = stand.issuer.token()
    assert outcome(stand, token) == "allowed"
    stand.issuer.jwks[0] = public_jwk(private_key("RS256", 1), "key-1")
    stand.clock.advance(301)
    assert outcome(stand, token) == "refused"


def test_a_remembered_token_lives_through_a_refresh_of_the_same_keys(stand: Stand) -> None:
    token = stand.issuer.token()
    assert outcome(stand, token) == "allowed"
    before = stand.authorizer._verifier._remembered.copy()
    stand.clock.advance(301)
    assert outcome(stand, token) == "allowed"
    assert stand.authorizer._verifier._remembered == before


def test_an_empty_key_set_is_believed(stand: Stand) -> None:
    token = stand.issuer.token()
    assert outcome(stand, token) == "allowed"
    stand.issuer.jwks.clear()
    stand.clock.advance(301)
    assert outcome(stand, token) == "refused"


def test_held_keys_serve_for_a_stated_time_and_then_it_fails_closed() -> None:
    stand = Stand(STATUS_OPTIONAL="true")
    token = stand.issuer.token(status=None)
    assert outcome(stand, token) == "allowed"
    stand.issuer.is_down = True
    stand.clock.advance(599)
    assert outcome(stand, token) == "allowed"
    stand.clock.advance(1.1)
    assert outcome(stand, token) == "outage"
    assert stand.lines[-1]["event"] == "issuer.unavailable"
    stand.issuer.is_down = False
    stand.clock.advance(1.1)
    assert outcome(stand, token) == "allowed", "recovery without restart"


def test_after_a_failure_the_next_attempt_is_a_second_later(stand: Stand) -> None:
    stand.issuer.is_down = True
    token = stand.issuer.token()
    for _ in range(5):
        assert outcome(stand, token) == "outage"
    assert stand.issuer.fetches[DISCOVERY] == 1
    stand.clock.advance(1.0)
    assert outcome(stand, token) == "outage"
    assert stand.issuer.fetches[DISCOVERY] == 2


def test_an_unknown_kid_during_an_outage_is_an_outage(stand: Stand) -> None:
    # Nobody can tell whether the key exists: a 401 would sign users out.
    assert outcome(stand, stand.issuer.token()) == "allowed"
    stand.clock.advance(1)
    stand.issuer.is_down = True
    assert outcome(stand, stand.issuer.sign(stand.issuer.claims(), {"kid": "key-2"})) == "outage"


def test_a_thawed_process_does_not_trust_what_it_held() -> None:
    # Frozen for an hour: the monotonic clock stood still.
    stand = Stand()
    token = stand.issuer.token(exp=int(stand.clock.wall) + 36_000)
    assert outcome(stand, token) == "allowed"
    stand.clock.wall += 3600
    assert outcome(stand, token) == "allowed"
    assert stand.issuer.fetches[JWKS] == 2
    # And set back: the wall clock says that no time has passed, the monotonic one that an hour has.
    stand.clock.wall -= 3600
    stand.clock.monotonic += 3600
    stand.issuer.jwks.clear()
    assert outcome(stand, token) == "refused"


def test_the_audience_is_one_of_ours_alone(stand: Stand) -> None:
    other = FakeIssuer(stand.clock)
    assert outcome(stand, other.token(aud=[AUDIENCE])) == "allowed"
    assert outcome(stand, other.token(aud=[ISSUER])) == "refused"
