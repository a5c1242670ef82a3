"""One trip to another provider and back, without the pages: what functions/federate does between its two requests."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from valet.models.providers import Identity
from valet.outbound.providers import authorization_url, check_iss, redeem

from tests.support.providers import FakeProvider

VERIFIER = "v" * 43
NONCE = "a nonce of this trip"


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def redirect_uri_of(idp: FakeProvider) -> str:
    return f"https://id.example.com/federate/{idp.provider.provider_id}/callback"


def url_of(idp: FakeProvider, **more: Any) -> str:
    return authorization_url(
        idp.provider,
        redirect_uri=redirect_uri_of(idp),
        state="state",
        nonce=NONCE,
        code_challenge=challenge_of(VERIFIER),
        **more,
    )


def code_of(idp: FakeProvider, **more: Any) -> str:
    """A code that the person at the provider brings back."""
    brought = idp.authorize(url_of(idp, **more))
    check_iss(idp.provider, brought.get("iss"))
    return brought["code"]


def redeemed(idp: FakeProvider, code: str = "", **changes: Any) -> Identity:
    """Who the provider says the person is."""
    request = {"redirect_uri": redirect_uri_of(idp), "code_verifier": VERIFIER, "nonce": NONCE, "now": idp.now()}
    return redeem(idp.provider, idp.secret, code=code or code_of(idp), fetch=idp.ask, **{**request, **changes})
