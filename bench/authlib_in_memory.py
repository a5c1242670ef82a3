"""An authorization server made with Authlib as its documentation describes, with stores in memory.

It has JWT access tokens (RFC 9068) signed with ES256, PKCE, rotating refresh tokens and introspection. As in Valet,
keys are parsed once and secrets are compared by digest, so these make no difference.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenMixin, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import ECKey

from bench.valet_in_memory import API, CODE_CHALLENGE, ISSUER, REDIRECT_URI, SECRET


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    client_id: str
    secret_digest: bytes
    grant_types: frozenset[str]

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(name for name in (scope or "").split() if name in ("items", "offline_access"))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == REDIRECT_URI

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self.secret_digest, hashlib.sha256(client_secret.encode()).digest())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


@dataclass(frozen=True)
class User:
    sub: str

    def get_user_id(self) -> str:
        return self.sub


@dataclass(frozen=True)
class AuthorizationCode:
    code: str
    client_id: str
    sub: str
    scope: str
    code_challenge: str = CODE_CHALLENGE
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        return REDIRECT_URI

    def get_scope(self) -> str:
        return self.scope


@dataclass(frozen=True)
class Token(TokenMixin):  # type: ignore[misc]
    client_id: str
    sub: str
    scope: str
    expires_at: int
    refresh_token: str | None

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return self.expires_at < time.time()

    def is_revoked(self) -> bool:
        return False


@dataclass
class Stores:
    """The tables, each a dictionary."""

    clients: dict[str, Client]
    users: dict[str, User]
    codes: dict[str, AuthorizationCode]
    by_access_token: dict[str, Token]
    by_refresh_token: dict[str, Token]

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def save_token(self, token: Mapping[str, Any], request: Any) -> None:
        sub = request.user.sub if request.user else request.client.client_id
        kept = Token(
            request.client.client_id,
            sub,
            token.get("scope", ""),
            int(time.time()) + token["expires_in"],
            token.get("refresh_token"),
        )
        self.by_access_token[token["access_token"]] = kept
        if kept.refresh_token:
            self.by_refresh_token[kept.refresh_token] = kept

    def issue(self) -> str:
        code = generate_token(48)
        self.codes[code] = AuthorizationCode(code, "web_0", "user-0", "items offline_access")
        return str(code)


def new_stores() -> Stores:
    digest = hashlib.sha256(SECRET.encode()).digest()
    clients = (
        Client("service_0", digest, frozenset({"client_credentials"})),
        Client("web_0", digest, frozenset({"authorization_code", "refresh_token"})),
    )
    return Stores({each.client_id: each for each in clients}, {"user-0": User("user-0")}, {}, {}, {})


class _Tokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    def __init__(self, key: ECKey) -> None:
        super().__init__(
            ISSUER, alg="ES256", refresh_token_generator=lambda **_: generate_token(48), expires_generator=900
        )
        self._key = key

    def get_jwks(self) -> ECKey:
        return self._key

    def get_audiences(self, client: Client, user: User | None, scope: str) -> str:
        return API


def register(server: Any, stores: Stores, key: ECKey | None = None) -> None:
    """Register token generator, grants and introspection with an Authlib server, in any framework or none."""

    class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
            found = stores.codes.get(code)
            return found if found and found.client_id == client.client_id else None

        def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
            stores.codes.pop(authorization_code.code, None)

        def authenticate_user(self, authorization_code: AuthorizationCode) -> User | None:
            return stores.users.get(authorization_code.sub)

    class RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
            return stores.by_refresh_token.get(refresh_token)

        def authenticate_user(self, refresh_token: Token) -> User | None:
            return stores.users.get(refresh_token.sub)

        def revoke_old_credential(self, refresh_token: Token) -> None:
            stores.by_refresh_token.pop(str(refresh_token.refresh_token), None)

    class Introspection(IntrospectionEndpoint):  # type: ignore[misc]
        def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
            return stores.by_access_token.get(token_string) or stores.by_refresh_token.get(token_string)

        def check_permission(self, token: Token, client: Client, request: Any) -> bool:
            return True

        def introspect_token(self, token: Token) -> dict[str, object]:
            return {
                "active": True,
                "client_id": token.client_id,
                "token_type": "Bearer",
                "scope": token.scope,
                "sub": token.sub,
                "aud": API,
                "iss": ISSUER,
                "exp": token.expires_at,
            }

    server.register_token_generator("default", _Tokens(key or ECKey.generate_key("P-256")))
    server.register_grant(grants.ClientCredentialsGrant)
    server.register_grant(CodeGrant, [CodeChallenge(required=True)])
    server.register_grant(RefreshGrant)
    server.register_endpoint(Introspection)


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, headers: Mapping[str, str], body: str) -> None:
        super().__init__("POST", f"{ISSUER}/token", headers=headers)
        self._form = dict(parse_qsl(body, keep_blank_values=True))
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        return self._form


class AuthlibInMemory(AuthorizationServer):  # type: ignore[misc]
    """Authlib without a framework, its leanest form: takes headers and body, returns status, headers and body."""

    def __init__(self) -> None:
        super().__init__()
        self.stores = new_stores()
        register(self, self.stores)

    def query_client(self, client_id: str) -> Client | None:
        return self.stores.query_client(client_id)

    def save_token(self, token: Mapping[str, Any], request: Any) -> None:
        self.stores.save_token(token, request)

    def create_oauth2_request(self, request: tuple[Mapping[str, str], str]) -> _Request:
        return _Request(*request)

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, dict[str, str], str]:
        return status, dict(headers), json.dumps(body)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass


def answered(answer: tuple[int, dict[str, str], str]) -> dict[str, Any]:
    assert answer[0] == 200, answer
    members: dict[str, Any] = json.loads(answer[2])
    return members
