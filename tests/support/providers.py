"""Another provider that people sign in with, in this process: it signs by its own keys, and lies where a test says so.

joserfc makes its tokens, so no code of Valet's takes part in them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from valet.fetch import FetchFailed
from valet.frozen import replace
from valet.models.providers import Provider
from valet.outbound.asking import Answer

from tests.support.dpop_client import key_for

TENANT, OTHER_TENANT = "11111111-2222-3333-4444-555555555555", "99999999-8888-7777-6666-555555555555"
SECRET = "a secret/of the client+1"

_numbers = count(1)
_ENTRA = "https://login.microsoftonline.com/{tenantid}/v2.0"
_APPLE = "https://appleid.apple.com"
_GITHUB = "https://github.com/login/oauth"
_GOOGLE = "https://accounts.google.com"


@cache
def _apple_key() -> ECKey:
    return ECKey.generate_key("P-256")


def p8() -> bytes:
    """The private key that Apple gave out for Valet, as a .p8 file."""
    return bytes(_apple_key().as_pem(private=True))


class FakeProvider:
    """A provider and one person at it. `provider` is its record; `ask` answers what is asked of its addresses.

    The person's claims are in `claims`, and what a test changes of the ID token in `lies`: None leaves a claim out.
    """

    def __init__(self, kind: str = "oidc", now: Callable[[], float] = lambda: 1_800_000_000, **record: Any) -> None:
        self.number = next(_numbers)
        self.kind, self.now = kind, now
        self.host = f"https://idp{self.number}.example.com"
        self.provider = _record(kind, self.host, self.number, record)
        self.secret = p8() if kind == "apple" else SECRET.encode()
        self.claims: dict[str, Any] = _person(kind, self.number)
        self.lies: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.addresses: Any = [
            {"email": "old@example.com", "primary": False, "verified": True},
            {"email": f"person{self.number}@example.com", "primary": True, "verified": True},
        ]
        self.answers: dict[str, Answer | FetchFailed] = {}  # by the path: instead of the right one
        self.asked: list[str] = []  # paths
        self.signs: Callable[[dict[str, Any], dict[str, Any]], str] = self.signed
        self.key: RSAKey | ECKey = _first_key(self.provider.algs[0])
        self.kid = "first"
        self.published: list[tuple[str, RSAKey | ECKey]] = [(self.kid, self.key)]
        self._codes: dict[str, dict[str, str]] = {}

    # -- the browser ---------------------------------------------------------------------------------------------------

    def authorize(self, url: str) -> dict[str, str]:
        """What the browser brings back from the authorization endpoint: the person is signed in, and says yes."""
        asked = dict(parse_qsl(urlsplit(url).query, strict_parsing=True))
        assert url.startswith(f"{self.provider.authorization_endpoint}?"), url
        assert asked["client_id"] == self.provider.client_id
        code = f"code-{self.number}-{len(self._codes)}"
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"]}
        return {**answer, "iss": self.provider.issuer} if self.provider.sends_iss else answer

    # -- the network ---------------------------------------------------------------------------------------------------

    def ask(
        self, url: str, *, form: Mapping[str, str] | None, headers: Mapping[str, str], limit: int, timeout: float
    ) -> Answer:
        """Valet's question to one of its addresses: outbound/asking.Ask."""
        path = urlsplit(url).path
        self.asked.append(path)
        if path in self.answers:
            found = self.answers[path]
            if isinstance(found, FetchFailed):
                raise found
            return found
        addresses: dict[str, Callable[[Mapping[str, str], Mapping[str, str]], Answer]] = {
            self.provider.token_endpoint: self._token,
            self.provider.jwks_uri: lambda form, headers: _json({"keys": self.jwks()}),
            self.provider.userinfo_endpoint: self._person,
            f"{self.provider.userinfo_endpoint}/emails?per_page=100": self._emails,
        }
        assert url in addresses, f"{url} is none of the provider's addresses"
        return addresses[url](form or {}, headers)

    def fails(self, address: str, answer: Answer | FetchFailed) -> None:
        """Let one of the record's addresses, such as token_endpoint, answer so."""
        self.answers[urlsplit(getattr(self.provider, address)).path] = answer

    def jwks(self) -> list[dict[str, Any]]:
        return [{**key.as_dict(private=False), "kid": kid, "use": "sig"} for kid, key in self.published]

    def rotate(self, kid: str = "second", *, publishes: bool = True) -> None:
        """Sign by a new key, and publish it next to the former one."""
        self.key, self.kid = ECKey.generate_key("P-256"), kid
        if publishes:
            self.published.append((kid, self.key))

    # -- tokens --------------------------------------------------------------------------------------------------------

    def id_token(self, nonce: str) -> str:
        now = int(self.now())
        issuer = self.provider.issuer.replace("{tenantid}", str(self.claims.get("tid", "")))
        right = {"iss": issuer, "aud": self.provider.client_id, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {**right, **self.claims, **self.lies}
        header = {"alg": "ES256" if isinstance(self.key, ECKey) else "RS256", "kid": self.kid, **self.header}
        return self.signs(_present(header), _present(claims))

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return sign(header, claims, self.key)

    def _token(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        if not self._is_client(form, headers):
            return _json({"error": "invalid_client"}, 401)
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        is_right = asked is not None and form["redirect_uri"] == asked["redirect_uri"]
        if asked is None or not is_right or _base64url(challenge) != asked["code_challenge"]:
            is_github = self.kind == "github"  # which answers its errors with the status 200
            return _json(
                {"error": "bad_verification_code" if is_github else "invalid_grant"}, 200 if is_github else 400
            )
        answer = {"access_token": f"access-{self.number}", "token_type": "Bearer"}
        return _json(answer if self.kind == "github" else {**answer, "id_token": self.id_token(asked["nonce"])})

    def _is_client(self, form: Mapping[str, str], headers: Mapping[str, str]) -> bool:
        if self.kind == "apple":
            return form["client_id"] == self.provider.client_id and self._is_apples(form["client_secret"])
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        if self.provider.token_endpoint_auth_method == "client_secret_basic":
            assert "client_secret" not in form
            _, _, encoded = headers["Authorization"].partition("Basic ")
            name, _, secret = base64.b64decode(encoded).decode().partition(":")
            given = (unquote_plus(name), unquote_plus(secret))
        return given == (self.provider.client_id, SECRET)

    def _is_apples(self, client_secret: str) -> bool:
        found = jws.deserialize_compact(client_secret, _apple_key(), algorithms=["ES256"])
        claims = json.loads(found.payload)
        return bool(
            found.headers() == {"alg": "ES256", "kid": self.provider.key_id}
            and (claims["iss"], claims["sub"]) == (self.provider.team_id, self.provider.client_id)
            and claims["aud"] == _APPLE
            and claims["iat"] <= self.now() < claims["exp"] <= claims["iat"] + 15_777_000
        )

    def _person(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        if headers.get("Authorization") != f"Bearer access-{self.number}":
            return _json({"error": "invalid_token"}, 401)
        return _json(self.claims if self.kind == "github" else {"sub": self.claims["sub"], **self.userinfo})

    def _emails(self, form: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        assert headers["Authorization"] == f"Bearer access-{self.number}"
        return _json(self.addresses)


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: RSAKey | ECKey) -> str:
    """A JWS with this header and these claims, whatever they say."""
    alg = "ES256" if isinstance(key, ECKey) else "RS256"
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact({**header, "alg": alg}, json.dumps(claims).encode(), key, registry=registry)


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A token with alg none, and no signature."""
    return ".".join(_base64url(json.dumps(part).encode()) for part in ({**header, "alg": "none"}, claims)) + "."


def by_public_key(key: RSAKey | ECKey) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    """Signs HS256 with the public key as the secret, as an attacker can who knows what everybody knows."""

    def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
        parts = [_base64url(json.dumps(part).encode()) for part in ({**header, "alg": "HS256"}, claims)]
        mac = hmac.digest(bytes(key.as_pem(private=False)), ".".join(parts).encode(), "sha256")
        return ".".join((*parts, _base64url(mac)))

    return signed


def parameters_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def _record(kind: str, host: str, number: int, changes: Mapping[str, Any]) -> Provider:
    issuer = {"entra": _ENTRA, "apple": _APPLE, "github": _GITHUB, "google": _GOOGLE}.get(kind, host)
    made = Provider(
        f"idp{number}",
        f"Provider {number}",
        kind,
        issuer,
        f"{host}/authorize",
        f"{host}/token",
        "" if kind == "github" else f"{host}/keys",
        {"github": f"{host}/user", "oidc": f"{host}/userinfo"}.get(kind, ""),
        f"client-{number}",
        scope=("read:user", "user:email") if kind == "github" else ("openid", "email", "profile"),
        algs=("ES256",),
    )
    if kind == "entra":
        made = replace(made, tenants=frozenset({TENANT}))
    if kind == "apple":
        made = replace(made, key_id="KEY1234567", team_id="TEAM123456")
    return replace(made, **changes)


def _person(kind: str, number: int) -> dict[str, Any]:
    if kind == "github":
        return {"id": 1000 + number, "login": f"person{number}", "name": f"Person {number}"}
    claims: dict[str, Any] = {"sub": f"person-{number}", "email": f"person{number}@example.com"}
    if kind == "apple":
        return {**claims, "email_verified": "true"}
    claims["name"] = f"Person {number}"
    return {**claims, "tid": TENANT, "xms_edov": True} if kind == "entra" else {**claims, "email_verified": True}


def _first_key(alg: str) -> RSAKey | ECKey:
    key = key_for(alg)
    assert isinstance(key, (RSAKey, ECKey))
    return key


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
