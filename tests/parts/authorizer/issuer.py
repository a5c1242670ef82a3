"""An issuer in the process: keys, tokens, status lists, and a Fetch and a Clock that a test holds in its hand."""

import base64
import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from valet.clock import Moment
from valet.fetch import Fetched, FetchFailed
from valet.resource_server.api_gateway.authorizer import Authorizer
from valet.resource_server.api_gateway.configuration import parse

ISSUER = "https://issuer.example"
AUDIENCE = "https://issuer.example/api"
LIST = f"{ISSUER}/status-lists/1"
NOW = 1_800_000_000
ROUTES = {
    "GET /api/profile": {"scopes": ["profile"]},
    "GET /api/admin": {"scopes": ["admin"]},
    "GET /api/items": {"scopes": ["items"]},
    "GET /api/items/{id}": {"scopes": ["items"]},
    "DELETE /api/items/{id}": {"scopes": ["items"], "roles": ["admin"]},
}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_RSA_KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


def private_key(alg: str, which: int = 0) -> PrivateKey:
    if alg in ("RS256", "PS256"):
        return _RSA_KEYS[which]
    return ec.generate_private_key(ec.SECP256R1()) if alg == "ES256" else ed25519.Ed25519PrivateKey.generate()


def public_jwk(key: PrivateKey, kid: str, **more: object) -> dict[str, Any]:
    algorithm = {rsa.RSAPrivateKey: "RS256", ec.EllipticCurvePrivateKey: "ES256"}
    name = next((alg for kind, alg in algorithm.items() if isinstance(key, kind)), "EdDSA")
    jwk = json.loads(jwt.get_algorithm_by_name(name).to_jwk(key.public_key()))
    jwk.pop("key_ops", None)
    return {**jwk, "kid": kid, "use": "sig", **more}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class FakeClock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.monotonic = float(NOW), 1000.0

    def __call__(self) -> Moment:
        return Moment(self.wall, self.monotonic)

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


class FakeIssuer:
    """Signs tokens and answers fetches; `fetches` counts them, `faults` makes a path fail."""

    def __init__(self, clock: FakeClock, alg: str = "RS256", *, kid: str = "key-1") -> None:
        self.clock = clock
        self.keys: dict[str, PrivateKey] = {}
        self.algs: dict[str, str] = {}
        self.jwks: list[dict[str, Any]] = []
        self.add_key(kid, alg)
        self.kid = kid
        self.fetches: Counter[str] = Counter()
        self.faults: dict[str, Callable[[], Fetched]] = {}
        self.is_down = False
        self.bits, self.statuses, self.ttl, self.list_life = 1, bytearray(2**17), 2, 600
        self.list_claims: dict[str, Any] = {}
        self.list_header: dict[str, Any] = {}
        self.issuer_metadata = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/.well-known/jwks.json"}

    def add_key(self, kid: str, alg: str = "RS256", which: int = 0) -> None:
        self.keys[kid], self.algs[kid] = private_key(alg, which), alg
        self.jwks.append(public_jwk(self.keys[kid], kid, alg=alg))

    def claims(self, **changed: object) -> dict[str, Any]:
        claims = {
            "iss": ISSUER,
            "sub": "john",
            "aud": AUDIENCE,
            "client_id": "web_app_123",
            "iat": int(self.clock.wall),
            "exp": int(self.clock.wall) + 900,
            "jti": "jti-1",
            "scope": "profile items",
            "roles": ["user"],
            "grant_id": "grant-1",
            "auth_time": int(self.clock.wall) - 5,
            "acr": "0",
            "amr": ["pwd"],
            "status": {"status_list": {"idx": 7, "uri": LIST}},
            **changed,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: Mapping[str, object], header: Mapping[str, object] | None = None, kid: str = "") -> str:
        kid = kid or self.kid
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return self.sign_bytes(payload, {"typ": "at+jwt", **(header or {})}, kid)

    def sign_bytes(self, payload: bytes, header: Mapping[str, object] | bytes, kid: str = "") -> str:
        kid = kid or self.kid
        if not isinstance(header, bytes):
            whole = {"alg": self.algs[kid], "kid": kid, **header}
            header = json.dumps({k: v for k, v in whole.items() if v is not None}, separators=(",", ":")).encode()
        signing_input = f"{encoded(header)}.{encoded(payload)}"
        algorithm = jwt.get_algorithm_by_name(self.algs[kid])
        return f"{signing_input}.{encoded(algorithm.sign(signing_input.encode(), self.keys[kid]))}"

    def token(self, **changed: object) -> str:
        return self.sign(self.claims(**changed))

    def revoke(self, idx: int, value: int = 1) -> None:
        at = idx * self.bits
        self.statuses[at >> 3] |= value << (at & 7)

    def status_list(self, uri: str = LIST) -> str:
        now = int(self.clock.wall)
        claims = {
            "iss": ISSUER,
            "sub": uri,
            "iat": now,
            "exp": now + self.list_life,
            "ttl": self.ttl,
            "status_list": {"bits": self.bits, "lst": encoded(zlib.compress(bytes(self.statuses)))},
            **self.list_claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign(claims, {"typ": "statuslist+jwt", **self.list_header})

    def fetch(self, url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        path = url.removeprefix(ISSUER)
        self.fetches[path] += 1
        if self.is_down:
            raise FetchFailed("down")
        if path in self.faults:
            return self.faults[path]()
        if path == "/.well-known/openid-configuration":
            return Fetched(200, json.dumps(self.issuer_metadata).encode(), None)
        if path == "/.well-known/jwks.json":
            return Fetched(200, json.dumps({"keys": self.jwks}).encode(), None)
        if path.startswith("/status-lists/"):
            current = encoded(zlib.compress(bytes(self.statuses)))[:64]
            return Fetched(304, b"", None) if etag == current else Fetched(200, self.status_list(url).encode(), current)
        return Fetched(404, b"", None)


class Lines(list[Mapping[str, object]]):
    """What was logged."""

    def events(self) -> list[object]:
        return [line["event"] for line in self]

    def reasons(self) -> list[object]:
        return [line.get("reason") for line in self]


def environment(routes: Mapping[str, object] | None = None, **changed: str) -> dict[str, str]:
    return {"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "ROUTES": json.dumps(routes or ROUTES), **changed}


class Stand:
    """An authorizer before a fake issuer, under a clock that stands still."""

    def __init__(self, alg: str = "RS256", routes: Mapping[str, object] | None = None, **env: str) -> None:
        self.clock = FakeClock()
        self.issuer = FakeIssuer(self.clock, alg)
        self.lines = Lines()
        self.jitter = 0.0
        configuration = parse(environment(routes, **env))
        self.authorizer = Authorizer(
            configuration, self.issuer.fetch, self.clock, lambda: self.jitter, self.lines.append
        )

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        return self.authorizer.answer(event)

    def ask(self, token: str, route: str = "GET /api/profile", path: str = "") -> dict[str, Any]:
        return self.answer(http_2(token, route, path))


ARN = "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/$default"


def http_2(token: str, route: str = "GET /api/profile", path: str = "") -> dict[str, Any]:
    method, _, template = route.partition(" ")
    path = path or template
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{ARN}/{method}{path}",
        "identitySource": [f"Bearer {token}"],
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "cookies": [],
        "headers": {
            "accept": "*/*",
            "authorization": f"Bearer {token}",
            "host": "abcdef1234.execute-api.eu-west-1.amazonaws.com",
            "user-agent": "curl/8.5.0",
            "x-amzn-trace-id": "Root=1-5f84c7a1-0123456789abcdef01234567",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "domainName": "abcdef1234.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": route,
            "stage": "$default",
        },
    }
