"""Two APIs that the web app may call, and requests that name them by the parameter `resource` (RFC 8707)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt
from valet.models.clients import ProtectedApi, Scope

from tests.support.application import Application, Asked
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer, encoded, post_form

SHOP, BANK, OTHER = "https://shop.example", "https://bank.example/api", "https://other.example"
SCOPE = "openid buy pay offline_access"
# What names neither SHOP nor BANK.
WRONG = (OTHER, "https://nobody.example", f"{SHOP}#", "shop.example", f"{BANK}/", "https://id.example.com", "x")


def register(deployment: Deployment) -> None:
    """Register the two, and one that the web app may not call."""
    registrar = deployment.registrar
    for name in ("buy", "pay", "other"):
        registrar.put_scope(Scope(name, f"May {name} for you"))
    registrar.put_api(ProtectedApi(SHOP, "Shop", frozenset({"buy"}), frozenset({"user"})))
    registrar.put_api(ProtectedApi(BANK, "Bank", frozenset({"pay"}), frozenset({"admin"}), access_token_lifetime=300))
    registrar.put_api(ProtectedApi(OTHER, "Other", frozenset({"other"})))
    web_app = deployment.client("web_app_123")
    deployment.change_client("web_app_123", scope=web_app.scope | {"buy", "pay"})


def url_of(asked: Asked, *resources: str) -> str:
    """The address of the authorization request, with these resources."""
    return f"{asked.url}&{encoded(tuple(('resource', each) for each in resources))}"


def repeated(application: Application, *resources: str, **form: str) -> Answer:
    """A token request that names several resources."""
    pairs = (*form.items(), *(("resource", each) for each in resources))
    return post_form(application.send, f"{application.issuer}/token", pairs, application.authorization)


@dataclass(frozen=True)
class Allowed:
    """A code, and the request that it answers."""

    asked: Asked
    code: str

    def redeem(self, application: Application, **changes: str | None) -> Answer:
        return application.redeem(self.code, self.asked.code_verifier, **changes)

    @property
    def form(self) -> dict[str, str]:
        return {"grant_type": "authorization_code", "code": self.code, "code_verifier": self.asked.code_verifier}


def allow(browser: Browser, application: Application, *resources: str, scope: str = SCOPE) -> Allowed:
    """What john allows, signed in for it."""
    asked = application.ask(scope=scope)
    answer = browser.decide(browser.sign_in(browser.open(url_of(asked, *resources))))
    return Allowed(asked, answer.answered["code"])


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
