"""A provider that nobody here wrote: its description is read, its people sign in, and its ID tokens are verified."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest
from valet.errors import UpstreamRefused
from valet.frozen import replace
from valet.models.providers import Identity, Provider
from valet.outbound import guarded
from valet.outbound.providers import authorization_url, check_iss, redeem
from valet.registration.providers import wrong_with_provider

from admin.records.discovery import described
from local.this_machine import reach_this_machine
from tests.e2e.other_provider import CLIENT_ID, SECRET, other_provider
from tests.support.trips import NONCE, VERIFIER, challenge_of

pytestmark = pytest.mark.xdist_group("browser")

REDIRECT_URI = "http://127.0.0.1:3000/federate/other/callback"


@pytest.fixture
def wall() -> float:
    """The provider has the clock of the wall."""
    return time.time()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """Its record, as `valet providers add` makes it."""
    reach_this_machine()
    with other_provider(REDIRECT_URI) as issuer:
        begun = Provider("other", "Other", issuer=issuer, client_id=CLIENT_ID)
        found = described(begun, has_userinfo=True, is_local=True)
        # It would also take the secret in the body, but this client is registered for the other way.
        yield replace(found, token_endpoint_auth_method="client_secret_basic", secret=b"sealed")


def brought_back(provider: Provider, **more: Any) -> dict[str, str]:
    """What a browser brings back from there."""
    challenge = challenge_of(VERIFIER)
    url = authorization_url(
        provider, redirect_uri=REDIRECT_URI, state="state", nonce=NONCE, code_challenge=challenge, **more
    )
    with httpx.Client() as browser:
        for _ in range(20):
            if url.startswith(REDIRECT_URI):
                return dict(parse_qsl(urlsplit(url).query))
            answer = browser.get(url)
            assert answer.is_redirect, answer.text
            url = urljoin(url, answer.headers["location"])
    raise AssertionError(f"no end: {url}")


def redeemed(provider: Provider, code: str, now: float, **changes: str) -> Identity:
    request = {"redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER, "nonce": NONCE, **changes}
    return redeem(provider, SECRET.encode(), code=code, now=now, fetch=guarded.ask, **request)


def test_its_record_keeps_the_rules_and_it_names_itself_in_each_answer(provider: Provider) -> None:
    assert wrong_with_provider(provider, is_local=True) == []
    assert provider.sends_iss
    assert provider.algs == ("RS256",)


def test_a_person_signs_in_and_their_address_comes_from_userinfo(provider: Provider, wall: float) -> None:
    brought = brought_back(provider, login_hint="ann@example.com")
    assert brought["state"] == "state"
    check_iss(provider, brought["iss"])
    identity = redeemed(provider, brought["code"], wall)
    assert (identity.issuer, identity.subject) == (provider.issuer, "ann")
    assert (identity.email, identity.name, identity.given_name) == ("ann@example.com", "Ann Archer", "Ann")


def test_an_address_that_it_has_not_proven_is_not_told(provider: Provider, wall: float) -> None:
    brought = brought_back(provider, login_hint="bob@example.com")
    identity = redeemed(provider, brought["code"], wall)
    assert (identity.subject, identity.email, identity.name) == ("bob", "", "Bob")


def test_a_code_is_good_once_and_for_its_own_trip(provider: Provider, wall: float) -> None:
    code = brought_back(provider)["code"]
    with pytest.raises(UpstreamRefused) as refused:
        redeemed(provider, code, wall, code_verifier="w" * 43)
    assert refused.value.detail == "the token endpoint: status 400, invalid_grant"
    code = brought_back(provider)["code"]
    with pytest.raises(UpstreamRefused) as refused:
        redeemed(provider, code, wall, nonce="another")
    assert refused.value.detail == "ID token: another nonce"
    with pytest.raises(UpstreamRefused):
        redeemed(provider, code, wall)
