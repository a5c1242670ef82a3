"""Forged, foreign and stale ID tokens of other providers, and the keys that they are verified by."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from joserfc.jwk import ECKey
from valet.errors import TemporarilyUnavailable, UpstreamRefused
from valet.fetch import FetchFailed
from valet.outbound.asking import Answer
from valet.outbound.providers.id_token import AHEAD, LONGEST, OLDEST
from valet.outbound.providers.keys import LIFETIME, PAUSE

from tests.support.deployment import Clock
from tests.support.mutated_jws import TextChanges, legible, odd_json
from tests.support.providers import FakeProvider, by_public_key, sign, unsigned
from tests.support.trips import NONCE, redeemed

NOW = 1_800_000_000


@pytest.fixture
def idp() -> FakeProvider:
    return FakeProvider(now=lambda: NOW)


def refusal(idp: FakeProvider) -> str:
    with pytest.raises(UpstreamRefused) as refused:
        redeemed(idp)
    return refused.value.detail


@pytest.mark.parametrize(
    ("lies", "reason"),
    [
        ({"iss": "https://evil.example"}, "another iss"),
        ({"iss": None}, "another iss"),
        ({"iss": ["https://idp.example.com"]}, "another iss"),
        ({"aud": "another-client"}, "another aud"),
        ({"aud": None}, "another aud"),
        ({"aud": []}, "another aud"),
        ({"azp": "another-client"}, "another azp"),
        ({"exp": NOW}, "expired"),
        ({"exp": NOW - 1}, "expired"),
        ({"exp": None}, "exp or iat is missing"),
        ({"exp": "4000000000"}, "exp, iat or nbf is not a number"),
        ({"iat": None}, "exp or iat is missing"),
        ({"iat": NOW + AHEAD + 1}, "iat is not of this moment"),
        ({"iat": NOW - OLDEST - 1}, "iat is not of this moment"),
        ({"nbf": NOW + AHEAD + 1}, "nbf is ahead"),
        ({"auth_time": NOW + AHEAD + 1}, "auth_time is ahead"),
        ({"nonce": None}, "another nonce"),
        ({"nonce": "another"}, "another nonce"),
        ({"nonce": [NONCE]}, "another nonce"),
        ({"sub": None}, "sub is not 1 to 255 visible ASCII characters"),
        ({"sub": ""}, "sub is not 1 to 255 visible ASCII characters"),
        ({"sub": 7}, "sub is not 1 to 255 visible ASCII characters"),
        ({"sub": "x" * 256}, "sub is not 1 to 255 visible ASCII characters"),
        ({"sub": "\u00e4nn"}, "sub is not 1 to 255 visible ASCII characters"),
    ],
    ids=str,
)
def test_a_forged_or_foreign_id_token_is_refused(idp: FakeProvider, lies: dict[str, Any], reason: str) -> None:
    idp.lies = lies
    assert refusal(idp) == f"ID token: {reason}"


def test_the_borders_are_good(idp: FakeProvider) -> None:
    for lies in (
        {"aud": [idp.provider.client_id], "azp": idp.provider.client_id},
        {"iat": NOW + AHEAD, "nbf": NOW + AHEAD, "exp": NOW + 1},
        {"iat": NOW - OLDEST, "sub": "x" * 255},
    ):
        idp.lies = lies
        assert redeemed(idp).issuer == idp.provider.issuer


def test_a_token_for_another_audience_too_is_refused(idp: FakeProvider) -> None:
    idp.lies = {"aud": [idp.provider.client_id, "another-client"], "azp": idp.provider.client_id}
    assert refusal(idp) == "ID token: another aud"


def test_an_id_token_that_another_provider_signed_is_refused(idp: FakeProvider) -> None:
    """Under the honest one's issuer and the name of its key."""
    evil = FakeProvider(now=lambda: NOW)
    idp.signs = evil.signed
    assert refusal(idp) == "ID token: signature"


def test_alg_none_is_refused(idp: FakeProvider) -> None:
    for signature in ("", "AAAA"):
        idp.signs = lambda header, claims, signature=signature: unsigned(header, claims) + signature  # type: ignore[misc]
        assert refusal(idp) == "ID token: alg is not allowed"


def test_the_public_key_is_no_secret_of_hs256(idp: FakeProvider) -> None:
    idp.signs = by_public_key(idp.key)
    assert refusal(idp) == "ID token: alg is not allowed"


def test_an_algorithm_that_is_not_registered_is_refused_though_the_key_set_has_its_key() -> None:
    idp = FakeProvider(algs=("RS256",))
    assert redeemed(idp).subject
    idp.rotate()  # to a key of ES256
    assert refusal(idp) == "ID token: alg is not allowed"


def test_a_key_in_the_header_is_not_used(idp: FakeProvider) -> None:
    evil = ECKey.generate_key("P-256")
    idp.header = {"jwk": evil.as_dict(private=False), "jku": "https://evil.example/keys"}
    idp.signs = lambda header, claims: sign(header, claims, evil)
    assert refusal(idp) == "ID token: signature"
    assert idp.asked == ["/token", "/keys"]


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt", "dpop+jwt"])
def test_a_token_of_another_type_is_no_id_token(idp: FakeProvider, typ: str) -> None:
    idp.header = {"typ": typ}
    assert refusal(idp) == "ID token: typ is not an expected one"
    idp.header = {"typ": "JWT"}
    assert redeemed(idp).subject


def test_a_token_that_asks_for_an_extension_is_refused(idp: FakeProvider) -> None:
    pem = idp.key.as_pem(private=True)
    header = {"kid": idp.kid, "crit": ["exp"]}
    idp.signs = lambda _, claims: jwt.encode(claims, pem, "ES256", header)  # joserfc makes no such token
    assert refusal(idp) == "ID token: crit or b64: an extension that this server does not have"


def test_a_long_token_is_read_up_to_a_bound(idp: FakeProvider) -> None:
    idp.lies = {"groups": [f"{number:036}" for number in range(200)]}  # as many as Entra names
    assert redeemed(idp).subject
    idp.lies = {"groups": ["x" * LONGEST]}
    assert refusal(idp) == "ID token: longer than 32 KB"


def test_no_changed_token_is_believed(idp: FakeProvider) -> None:
    """A thousand good tokens whose text was changed, and payloads that readers read differently."""
    good = idp.id_token(NONCE)
    changes = TextChanges([good], seed=18)
    for _ in range(1000):
        changed = changes.changed_text()
        idp.signs = lambda header, claims, changed=changed: changed  # type: ignore[misc]
        if changed != good:
            assert refusal(idp), legible(changed)


def test_no_payload_that_is_read_in_two_ways_is_believed(idp: FakeProvider) -> None:
    from joserfc import jws

    right = json.loads(json.dumps({"iss": idp.host, "aud": idp.provider.client_id, "sub": "x", "nonce": NONCE}))
    for payload in odd_json(json.dumps({**right, "iat": NOW, "exp": NOW + 300})):
        token = jws.serialize_compact({"alg": "ES256", "kid": idp.kid}, payload, idp.key, algorithms=["ES256"])
        idp.signs = lambda header, claims, token=token: token  # type: ignore[misc]
        try:
            assert redeemed(idp).subject == "x"  # blanks around it are JSON
            assert payload.strip().startswith(b"{")
        except UpstreamRefused:
            pass


# -- keys --------------------------------------------------------------------------------------------------------------


def test_the_keys_are_fetched_once_an_hour() -> None:
    clock = Clock()
    idp = FakeProvider(now=clock)
    for _ in range(3):
        redeemed(idp)
        clock.advance(LIFETIME / 3 - 1)
    assert idp.asked.count("/keys") == 1
    clock.advance(4)
    redeemed(idp)
    assert idp.asked.count("/keys") == 2


def test_a_new_key_is_found_at_once() -> None:
    clock = Clock()
    idp = FakeProvider(now=clock)
    redeemed(idp)
    idp.rotate()
    clock.advance(PAUSE)
    assert redeemed(idp).subject
    assert idp.asked.count("/keys") == 2


def test_unknown_kids_cause_one_fetch_a_minute() -> None:
    clock = Clock()
    idp = FakeProvider(now=clock)
    redeemed(idp)
    for number in range(5):
        idp.rotate(f"unknown-{number}", publishes=False)
        assert refusal(idp) == "ID token: no key has this alg and kid"
    assert idp.asked.count("/keys") == 1
    clock.advance(PAUSE)
    for number in range(5):
        idp.rotate(f"unknown-{number}", publishes=False)
        assert refusal(idp) == "ID token: no key has this alg and kid"
    assert idp.asked.count("/keys") == 2


def test_a_withdrawn_key_is_refused_after_an_hour() -> None:
    clock = Clock()
    idp = FakeProvider(now=clock)
    redeemed(idp)
    idp.published = [("second", ECKey.generate_key("P-256"))]
    clock.advance(LIFETIME)
    assert refusal(idp) == "ID token: no key has this alg and kid"


def test_a_key_without_a_name_verifies_a_token_without_one() -> None:
    clock = Clock()
    idp = FakeProvider(now=clock)
    idp.header = {"kid": None}
    nameless = {name: value for name, value in idp.jwks()[0].items() if name != "kid"}
    idp.fails("jwks_uri", Answer(200, json.dumps({"keys": [nameless]}).encode()))
    assert redeemed(idp).subject


def test_keys_out_of_reach_refuse_nobody_and_the_next_person_asks_again() -> None:
    idp = FakeProvider()
    idp.fails("jwks_uri", FetchFailed("no answer within 2.0 s"))
    with pytest.raises(TemporarilyUnavailable):
        redeemed(idp)
    idp.answers.clear()
    assert redeemed(idp).subject


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"keys": {}}', b"{}", json.dumps({"keys": [{}] * 101}).encode()])
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    idp = FakeProvider()
    idp.fails("jwks_uri", Answer(200, body))
    assert refusal(idp).startswith("the key set: ")


def test_keys_of_two_providers_do_not_mix() -> None:
    """The attacker's provider publishes a key under the name of the honest one's."""
    honest, evil = FakeProvider(), FakeProvider()
    redeemed(evil)
    redeemed(honest)
    honest.signs = evil.signed
    assert refusal(honest) == "ID token: signature"
