"""A client application: what it asks for, and what it does with the answer."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote_plus

from tests.support.wire import Answer, Send, encoded, post_form

SCOPE = "openid profile email items offline_access"


@dataclass(frozen=True)
class Asked:
    """An authorization request: its address, and what its answer has to match."""

    url: str
    parameters: Mapping[str, str]
    code_verifier: str

    @property
    def state(self) -> str:
        return self.parameters["state"]


@dataclass(frozen=True)
class Application:
    """A registered client, as its developer has set it up."""

    send: Send
    issuer: str
    client_id: str
    secret: str | None = None
    redirect_uri: str = ""
    scope: str = SCOPE
    in_body: bool = False  # client_secret_post
    headers: Mapping[str, str] = field(default_factory=dict)

    def ask(self, **changes: str | None) -> Asked:
        """An authorization request with PKCE; a parameter that is None is left out."""
        code_verifier = secrets.token_urlsafe(32)
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.scope,
            "state": secrets.token_urlsafe(8),
            "nonce": secrets.token_urlsafe(8),
            "code_challenge": challenge_of(code_verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        sent = {name: value for name, value in parameters.items() if value is not None}
        return Asked(f"{self.issuer}/authorize?{encoded(sent)}", sent, code_verifier)

    def push(self, **changes: str | None) -> tuple[Answer, Asked]:
        """The same request, pushed (RFC 9126); `url` of what was asked brings it, if it was taken."""
        asked = self.ask(**changes)
        answer = self.post("/par", **asked.parameters)
        pushed = {"client_id": self.client_id, "request_uri": answer.json().get("request_uri", "")}
        return answer, replace(asked, url=f"{self.issuer}/authorize?{encoded(pushed)}")

    def token(self, **form: str | None) -> Answer:
        return self.post("/token", **form)

    def redeem(self, code: str, code_verifier: str, /, **changes: str | None) -> Answer:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": code_verifier,
        }
        return self.token(**{**form, **changes})

    def refresh(self, refresh_token: str, /, **changes: str | None) -> Answer:
        return self.token(**{"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    def client_credentials(self, **changes: str | None) -> Answer:
        return self.token(**{"grant_type": "client_credentials", **changes})

    def revoke(self, token: str, /, **changes: str | None) -> Answer:
        return self.post("/revoke", **{"token": token, **changes})

    def introspect(self, token: str, /, **changes: str | None) -> Answer:
        return self.post("/introspect", **{"token": token, **changes})

    def userinfo(self, access_token: str) -> Answer:
        return self.send("GET", f"{self.issuer}/userinfo", {"authorization": f"Bearer {access_token}", **self.headers})

    def post(self, path: str, /, **form: str | None) -> Answer:
        """A form to an endpoint that authenticates the client, by the client's own method."""
        sent = {name: value for name, value in {**self.credentials, **form}.items() if value is not None}
        return post_form(self.send, f"{self.issuer}{path}", sent, {**self.headers, **self.authorization})

    @property
    def credentials(self) -> dict[str, str]:
        if self.secret is None:
            return {"client_id": self.client_id}
        return {"client_id": self.client_id, "client_secret": self.secret} if self.in_body else {}

    @property
    def authorization(self) -> dict[str, str]:
        if self.secret is None or self.in_body:
            return {}
        return {"authorization": basic(self.client_id, self.secret)}


@dataclass(frozen=True)
class DemoApplications:
    """The clients of the demo data (local/demo_data), as their developers have set them up."""

    send: Send
    issuer: str

    @property
    def web_app(self) -> Application:
        redirect_uri = "https://webapp.example.com/callback"
        return Application(self.send, self.issuer, "web_app_123", "web_secret_456", redirect_uri)

    @property
    def legacy_app(self) -> Application:
        return replace(self.web_app, client_id="legacy_app_321", secret="legacy_secret_654", in_body=True)

    @property
    def mobile_app(self) -> Application:
        redirect_uri = "com.example.mobile:/callback"
        return replace(self.web_app, client_id="mobile_app", secret=None, redirect_uri=redirect_uri)

    @property
    def spa(self) -> Application:
        return replace(self.web_app, client_id="spa_demo", secret=None, redirect_uri=f"{self.issuer}/demo/")

    @property
    def service(self) -> Application:
        return Application(self.send, self.issuer, "api_service_789", "api_secret_abc")


def challenge_of(code_verifier: str) -> str:
    digest = hashlib.sha256(code_verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def basic(client_id: str, secret: str) -> str:
    """RFC 6749 §2.3.1: form-encoded, then Basic."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
