"""Good requests to every endpoint, as API Gateway hands them over (payload format 2.0): what fuzzing begins with."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from valet.handles import base64url
from valet.protocol.supported import DEVICE_CODE

from tests.endpoints import endpoint_at
from tests.promises.model.acts import (
    BROWSER_COOKIE,
    CHALLENGE,
    CLIENT_SECRET,
    ISSUER,
    KEYS,
    REDIRECT_URI,
    SESSION_COOKIE,
    VERIFIER,
)
from tests.promises.model.world import START

Pairs = tuple[tuple[str, str], ...]
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Secrets:
    """What a good request carries; made by `deployment`, and never to be seen in a log or an error."""

    session: str
    browser: str
    handle: str
    csrf_token: str
    code: str
    refresh_token: str
    access_token: str
    client_token: str
    id_token: str
    request_uri: str

    @cached_property
    def all(self) -> frozenset[str]:
        """Each on its own: a part of a token is as secret as the whole."""
        tokens = (self.code, self.refresh_token, self.access_token, self.client_token, self.id_token)
        parts = (part for token in tokens for part in token.split(".") if len(part) >= 43)
        return frozenset((self.session, self.browser, self.request_uri, *parts, *CLIENT_SECRET.values()))


@dataclass(frozen=True)
class Sent:
    """A request before it is an event."""

    path: str  # the endpoint's
    method: str
    query: Pairs = ()
    form: Pairs | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    raw_query: str | None = None
    raw_body: bytes | None = None
    is_base64: bool = True
    beyond: str = ""  # what follows the path, on a route that the template does not make
    absent: frozenset[str] = frozenset()  # members that the gateway leaves out where there is nothing in them

    @property
    def function(self) -> str:
        return endpoint_at(self.path).function

    def event(self) -> dict[str, Any]:
        headers = {"host": "issuer.example", **self.headers}
        body = self.raw_body
        if body is None and self.form is not None:
            body = urlencode(self.form).encode()
            headers.setdefault("content-type", FORM)
        path = self.path + self.beyond
        made: dict[str, Any] = {
            "version": "2.0",
            "routeKey": f"ANY {path}",
            "rawPath": path,
            "rawQueryString": self.raw_query if self.raw_query is not None else urlencode(self.query),
            "headers": headers,
            "cookies": list(self.cookies),
            "requestContext": {
                "apiId": "api",
                "domainName": "issuer.example",
                "http": {"method": self.method, "path": path, "sourceIp": "192.0.2.1", "userAgent": "fuzz"},
                "requestId": "request-1",
            },
            "isBase64Encoded": bool(body) and self.is_base64,
        }
        if body:
            made["body"] = base64.b64encode(body).decode() if self.is_base64 else body.decode("utf-8", "replace")
        return {name: value for name, value in made.items() if name not in self.absent}


def _basic(client_id: str) -> dict[str, str]:
    pair = f"{client_id}:{CLIENT_SECRET[client_id]}"
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def _spa(authorization: Pairs) -> Pairs:
    """The same of a client that has no secret."""
    own = {"client_id": "spa", "redirect_uri": REDIRECT_URI["spa"]}
    return tuple((name, own.get(name, value)) for name, value in authorization)


def _proof(method: str, path: str) -> str:
    return KEYS["thief"].proof(method, f"{ISSUER}{path}", iat=int(START))


def good_requests(secrets: Secrets) -> tuple[Sent, ...]:
    """One of each kind; those that would spend something are spoilt, so that nothing may be spent."""
    basic, another, service = _basic("web"), _basic("strict"), _basic("service")
    bearer = {"authorization": f"Bearer {secrets.access_token}"}
    bound = {"authorization": f"DPoP {secrets.access_token}"}
    browser = (f"{BROWSER_COOKIE}={secrets.browser}",)
    signed_in = (f"{SESSION_COOKIE}={secrets.session}", *browser)
    authorization = (
        ("response_type", "code"),
        ("client_id", "web"),
        ("redirect_uri", REDIRECT_URI["web"]),
        ("scope", "openid items"),
        ("state", "state"),
        ("nonce", "nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "60"),
        ("id_token_hint", secrets.id_token),
    )
    wrong_verifier = VERIFIER[::-1]
    code = (("grant_type", "authorization_code"), ("code", secrets.code), ("code_verifier", wrong_verifier))
    refresh = (("grant_type", "refresh_token"), ("refresh_token", secrets.refresh_token), ("scope", "openid email"))
    login = (("request", secrets.handle), ("csrf_token", secrets.csrf_token), ("username", "john"), ("password", "no"))
    csrf = (("csrf_token", "wrong"),)
    second = (("request", secrets.handle), *csrf)
    authenticator_data = base64url(bytes(32) + b"\x05" + bytes(4))
    client_data = base64url(b'{"type": "webauthn.get", "challenge": "AAAA", "origin": "https://issuer.example"}')
    passkey = (
        ("request", secrets.handle),
        ("issued_ms", str(int(START * 1000))),
        ("credential_id", base64url(bytes(32))),
        ("client_data", client_data),
        ("authenticator_data", authenticator_data),
        ("signature", base64url(bytes(70))),
        ("user_handle", base64url(bytes(32))),
    )
    enrolment = (
        ("csrf_token", "wrong"),
        ("issued_ms", str(int(START * 1000))),
        ("new_user_handle", base64url(bytes(32))),
        ("client_data", client_data),
        ("authenticator_data", authenticator_data),
        ("public_key", base64url(bytes(91))),
        ("transports", "internal"),
    )
    state = f"{secrets.handle}.{int(START * 1000)}.{base64url(bytes(32))}"
    of_mail = (("token", "x" * 43), ("request", secrets.handle), ("csrf_token", "x"))
    code_of_mail = (("request", secrets.handle), ("csrf_token", secrets.csrf_token), ("code", "1234 5678"))
    asked = (("request", secrets.handle), ("csrf_token", "x"), ("address", "x@example.com"))
    join = (*of_mail, ("name", "Somebody"), ("new_password", "several words in a row"))
    consent = (("request", secrets.handle), ("csrf_token", "wrong"), ("decision", "allow"))
    tv = ("client_id", "tv")
    logout = (("id_token_hint", secrets.id_token), ("client_id", "web"), ("state", "s"))
    return (
        Sent("/authorize", "GET", authorization, cookies=signed_in),
        Sent("/authorize", "POST", form=authorization),
        Sent("/authorize", "GET", (("resume", secrets.handle),), cookies=browser),
        Sent("/login", "GET", (("request", secrets.handle),), cookies=browser),
        Sent("/login", "POST", form=login, cookies=browser),
        Sent("/login/passkey", "POST", form=passkey, cookies=browser),
        Sent("/join", "GET", (("request", secrets.handle),), cookies=browser),
        Sent("/join", "POST", form=asked, cookies=browser),
        Sent("/recover", "GET", (("request", secrets.handle), ("sent", "yes")), cookies=browser),
        Sent("/recover", "POST", form=asked, cookies=browser),
        Sent("/join/confirm", "GET", of_mail[:2], cookies=browser),
        Sent("/join/confirm", "POST", form=join, cookies=browser),
        Sent("/join/confirm", "POST", form=(*of_mail, *enrolment[1:]), cookies=browser),
        Sent("/join/confirm", "POST", form=code_of_mail, cookies=browser),
        Sent("/recover/confirm", "GET", of_mail[:2], cookies=browser),
        Sent("/recover/confirm", "POST", form=(*of_mail, ("new_password", "several words in a row")), cookies=browser),
        Sent("/login/second", "GET", (("request", secrets.handle), ("use", "recovery")), cookies=signed_in),
        Sent("/login/second", "POST", form=(*second, ("code", "1-AAAA-AAAA-AAAA-AAAA")), cookies=signed_in),
        Sent("/login/second", "POST", form=(*second, ("code", "123456"), ("remember", "yes")), cookies=signed_in),
        Sent("/undo", "GET", (("token", "x" * 43),)),
        Sent("/undo", "POST", form=(("token", "x" * 43), ("csrf_token", "x")), cookies=browser),
        Sent("/account/password", "GET", cookies=signed_in),
        Sent("/account/password", "POST", form=(("csrf_token", "x"), ("new_password", "x")), cookies=signed_in),
        Sent("/account/email", "GET", cookies=signed_in),
        Sent("/account/email", "POST", form=(("do", "send"), ("address", "x@example.com")), cookies=signed_in),
        Sent("/account/passkeys", "GET", cookies=signed_in),
        Sent("/account/passkeys", "POST", form=enrolment, cookies=signed_in),
        Sent("/account/passkeys", "POST", form=(("do", "remove"), ("passkey", "ab" * 32)), cookies=signed_in),
        Sent("/account/second", "GET", (("request", secrets.handle), ("required", "yes")), cookies=signed_in),
        Sent("/account/second", "POST", form=(*csrf, ("seed", "A" * 32), ("code", "123456")), cookies=signed_in),
        Sent("/account/second", "POST", form=(*csrf, ("do", "remove")), cookies=signed_in),
        Sent("/account/recovery", "GET", cookies=signed_in),
        Sent("/account/recovery", "POST", form=(*csrf, ("request", secrets.handle)), cookies=signed_in),
        Sent("/account/providers", "GET", cookies=signed_in),
        Sent("/account/providers", "POST", form=(("do", "remove"), ("link", "acme#" + "ab" * 32)), cookies=signed_in),
        Sent("/federate/acme", "GET", (("request", secrets.handle),), cookies=browser),
        Sent("/federate/acme/callback", "GET", (("state", state), ("code", "code"), ("iss", "i")), cookies=browser),
        Sent("/federate/acme/callback", "POST", form=(("state", state), ("code", "code"), ("user", "{}"))),
        Sent("/consent", "GET", (("request", secrets.handle),), cookies=signed_in),
        Sent("/consent", "POST", form=consent, cookies=signed_in),
        Sent("/authorize", "GET", (("client_id", "web"), ("request_uri", secrets.request_uri)), cookies=signed_in),
        Sent("/authorize", "POST", form=(("client_id", "web"), ("request_uri", secrets.request_uri))),
        Sent("/par", "POST", form=authorization, headers=basic),
        Sent("/par", "POST", form=(*_spa(authorization), ("claims", '{"id_token": {"sub": {"value": "s"}}}'))),
        Sent("/token", "POST", form=code, headers=basic),
        Sent("/token", "POST", form=refresh, headers=another),
        Sent("/token", "POST", form=(("grant_type", "client_credentials"), ("scope", "x")), headers=service),
        Sent("/token", "POST", form=refresh, headers={**another, "dpop": _proof("POST", "/token")}),
        Sent("/token", "POST", form=(("grant_type", DEVICE_CODE), ("device_code", "no device code"), tv)),
        Sent("/device_authorization", "POST", form=(tv, ("scope", "openid items"), ("resource", f"{ISSUER}/api"))),
        Sent("/device", "GET", (("user_code", "WDJB-MJHT"),), cookies=signed_in),
        Sent("/device", "POST", form=(("user_code", "WDJB-MJHT"), *csrf), cookies=signed_in),
        Sent("/device", "POST", form=(("user_code", "wdjb mjht"), *csrf, ("decision", "allow")), cookies=signed_in),
        # Where clients may register, tests/unit/test_unknown_clients.py has what they may send.
        Sent("/register", "POST", raw_body=b'{"redirect_uris": ["http://localhost/"]}', headers=bearer),
        Sent("/revoke", "POST", form=(("token", "token"), ("token_type_hint", "x")), headers=basic),
        Sent("/introspect", "POST", form=(("token", secrets.access_token),), headers=service),
        Sent("/introspect", "POST", form=(("token", f"vat_{'i' * 22}.{'s' * 43}"),), headers=service),
        Sent("/userinfo", "GET", headers=bearer),
        Sent("/userinfo", "GET", headers={**bound, "dpop": _proof("GET", "/userinfo")}),
        Sent("/userinfo", "POST", form=(("access_token", secrets.access_token),)),
        Sent("/logout", "GET", logout),
        Sent("/logout", "POST", form=logout, cookies=browser),
        Sent("/account", "GET", cookies=signed_in),
        Sent("/account/apps", "GET", cookies=signed_in),
        Sent("/account/sessions", "POST", form=(("csrf_token", "wrong"), ("end", "everywhere")), cookies=signed_in),
        Sent("/account/profile", "POST", form=(("csrf_token", "wrong"), ("name", "Somebody")), cookies=signed_in),
        Sent("/account/delete", "POST", form=(("csrf_token", "wrong"), ("confirm", "john")), cookies=signed_in),
        Sent("/.well-known/jwks.json", "GET"),
        Sent("/.well-known/openid-configuration", "GET"),
        Sent("/.well-known/oauth-authorization-server", "GET"),
        Sent("/status-lists", "GET"),
        Sent("/status-lists/abc", "GET"),
    )
