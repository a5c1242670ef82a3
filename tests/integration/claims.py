"""Claims as client applications find them: in the ID token and at /userinfo."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import jwt
from valet.models.accounts import Address

from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment

WEB_APP = "web_app_123"
# Every claim of OpenID Connect Core §5.1 that an operator can set, next to those of the demo data.
SET = {
    "given_name": "John",
    "family_name": "Doe",
    "middle_name": "Q.",
    "nickname": "Johnny",
    "profile": "https://people.example.com/john",
    "picture": "https://people.example.com/john.png",
    "website": "https://john.example.com",
    "gender": "male",
    "birthdate": "0000-02-29",
    "zoneinfo": "Europe/Paris",
    "locale": "en-GB",
    "updated_at": 1_700_000_000,
    "phone_number": "+14255550100",
    "phone_number_verified": False,
}
ADDRESS = Address(street_address="1 Main Street\nFlat 2", locality="London", country="UK")


def fill(deployment: Deployment, username: str = "john") -> None:
    """As an operator does who tells the server everything about a person."""
    users = deployment.users()
    account = users.find_account(f"demo-{username}")
    assert account is not None
    from valet.aws.dynamodb.table import item_from_model

    filled = replace(account, **SET, address=ADDRESS)  # type: ignore[arg-type]
    deployment.table("Users").put(item_from_model(filled, f"account#{account.sub}", "account"))


def asking(**members: Any) -> str:
    """The parameter `claims`."""
    return json.dumps(members)


@dataclass(frozen=True)
class Told:
    """What a client has after a sign-in."""

    application: Application
    tokens: dict[str, Any]
    page: str  # the consent page

    @property
    def id_token(self) -> dict[str, Any]:
        return decoded(self.tokens["id_token"])

    @property
    def userinfo(self) -> dict[str, Any]:
        answer = self.application.userinfo(self.tokens["access_token"])
        assert answer.status == 200, answer
        claims: dict[str, Any] = answer.json()
        return claims

    def refreshed(self, **form: str) -> Told:
        answer = self.application.refresh(self.tokens["refresh_token"], **form)
        assert answer.status == 200, answer
        return replace(self, tokens={**self.tokens, **answer.json()})


def decoded(id_token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(id_token, options={"verify_signature": False})
    return claims


def sign_in(application: Application, browser: Browser, username: str = "john", **asked: str | None) -> Told:
    """A person signs in, where that is needed, and allows everything."""
    wanted = application.ask(**asked)
    answer = browser.open(wanted.url)
    if answer.is_page and 'name="password"' in answer.body:
        answer = browser.sign_in(answer, username)
    page = answer.body if answer.is_page else ""
    answer = browser.decide(answer) if answer.is_page else answer
    redeemed = application.redeem(answer.answered["code"], wanted.code_verifier)
    assert redeemed.status == 200, redeemed
    return Told(application, redeemed.json(), page)
