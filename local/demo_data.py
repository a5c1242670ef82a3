"""The demo data: people, clients, the demo API. Its secrets are public, so it exists in the local stack only."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import Table
from valet.handles import digest
from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.people.passwords import hash_password
from valet.protocol.supported import DEVICE_CODE

from local.seeded import Seeded

_HOUR = 3600
_CODE_FLOW = frozenset({"authorization_code", "refresh_token"})
_PERSONAL = frozenset({"openid", "profile", "email", "items", "offline_access"})


@dataclass(frozen=True)
class User:
    """A demo end-user with a public password."""

    username: str
    password: str
    roles: frozenset[str]

    @property
    def sub(self) -> str:
        """Differs from the username, which may later belong to another person."""
        return f"demo-{self.username}"


USERS = (
    User("john", "password123", frozenset({"user"})),
    User("jane", "password456", frozenset({"user", "admin"})),
    User("jim", "password789", frozenset({"user"})),
)

SECRETS = {
    "web_app_123": "web_secret_456",
    "legacy_app_321": "legacy_secret_654",
    "api_service_789": "api_secret_abc",
}

_WEB_APP = Client(
    "web_app_123",
    "Web App",
    owner="Example Inc.",
    grant_types=_CODE_FLOW,
    redirect_uris=("http://127.0.0.1:9876/callback", "https://webapp.example.com/callback"),
    post_logout_redirect_uris=("http://127.0.0.1:9876/signed-out",),
    client_uri="https://webapp.example.com/",
    scope=_PERSONAL,
)

CLIENTS = (
    _WEB_APP,
    replace(
        _WEB_APP,
        client_id="legacy_app_321",
        client_name="Legacy App",
        token_endpoint_auth_method="client_secret_post",  # for clients that cannot do better
    ),
    Client(
        "api_service_789",
        "API Service",
        owner="Example Inc.",
        grant_types=frozenset({"client_credentials"}),
        scope=frozenset({"admin", "api_access"}),
        default_scope=frozenset({"admin", "api_access"}),
    ),
    Client(
        "mobile_app",
        "Mobile App",
        owner="Example Inc.",
        application_type="native",
        token_endpoint_auth_method="none",
        grant_types=_CODE_FLOW,
        redirect_uris=("http://127.0.0.1/callback", "com.example.mobile:/callback"),
        post_logout_redirect_uris=("http://127.0.0.1/signed-out",),
        client_uri="com.example.mobile:/",
        scope=_PERSONAL,
    ),
    Client(
        "tv_demo",
        "Demo TV",
        owner="Example Inc.",
        application_type="native",
        token_endpoint_auth_method="none",
        grant_types=frozenset({DEVICE_CODE, "refresh_token"}),
        scope=_PERSONAL,
        default_scope=frozenset({"openid", "profile", "items"}),
    ),
    Client(
        "spa_demo",
        "Demo Page",
        owner="Example Inc.",
        application_type="browser",
        token_endpoint_auth_method="none",
        grant_types=_CODE_FLOW,
        scope=_PERSONAL,
        refresh_idle_lifetime=8 * _HOUR,
        refresh_absolute_lifetime=24 * _HOUR,
    ),
    Client(
        "mcp_demo",
        "Agent",
        owner="Example Inc.",
        application_type="native",
        token_endpoint_auth_method="none",
        grant_types=_CODE_FLOW,
        redirect_uris=("http://127.0.0.1/callback",),
        scope=frozenset({"tools.read", "tools.write", "offline_access"}),
    ),
)

SCOPES = (
    Scope("items", "See your items, and change them where your role allows it"),
    Scope("api_access", "Call the demo API on your behalf"),
    Scope("admin", "Administer the demo API", includes=frozenset({"api_access"})),
    Scope("tools.read", "See the list of the demo's items"),
    Scope("tools.write", "Delete items from the demo's list"),
)


def clients(issuer: str) -> tuple[Client, ...]:
    """The demo clients, with the addresses that they have at this issuer."""
    return tuple(_here(registered, issuer) for registered in CLIENTS)


def seed(issuer: str, tables: Mapping[str, str]) -> Seeded:
    """Write the demo data through the modules that the operator's command line uses."""
    dynamodb = AwsCalls("dynamodb", os.environ)
    registrar = Registrar(Table(dynamodb, tables["Registry"]))
    for scope in SCOPES:
        registrar.put_scope(scope)
    registrar.put_api(
        ProtectedApi(
            audience=f"{issuer}/api",
            name="Demo API",
            scopes=frozenset({"profile", "items", "api_access", "admin"}),
            roles=frozenset({"user", "admin"}),
            open_scopes=frozenset({"items"}),
        )
    )
    registrar.put_api(
        ProtectedApi(
            audience=f"{issuer}/tools/mcp",
            name="Demo Tools",
            scopes=frozenset({"tools.read", "tools.write"}),
            open_scopes=frozenset({"tools.read", "tools.write"}),
        )
    )
    for registered in clients(issuer):
        registrar.put_client(registered)
    seed_users(DynamoUsers(Table(dynamodb, tables["Users"])))
    return Seeded(_people(), clients(issuer), SECRETS)


def seed_users(users: DynamoUsers) -> tuple[tuple[str, str, str], ...]:
    """Write the demo people, and return them as the terminal shows them."""
    for user in USERS:
        users.add_user(
            Account(
                sub=user.sub,
                username=user.username,
                name=f"{user.username.capitalize()} Doe",
                email=f"{user.username}@example.com",
                email_verified=True,
                roles=user.roles,
            ),
            hash_password(user.password),
            time.time(),
        )
    return _people()


def _people() -> tuple[tuple[str, str, str], ...]:
    return tuple((user.username, user.password, " ".join(sorted(user.roles))) for user in USERS)


def _here(registered: Client, issuer: str) -> Client:
    """The client with its secret, and with the addresses that depend on the issuer."""
    if registered.client_id in SECRETS:
        registered = replace(registered, secret_digests=(digest(SECRETS[registered.client_id]),))
    if registered.client_id == "spa_demo":
        page = (f"{issuer}/demo/",)
        return replace(
            registered,
            redirect_uris=page,
            post_logout_redirect_uris=page,
            client_uri=page[0],
            origins=frozenset({issuer}),
        )
    if registered.client_id == "api_service_789":
        return replace(registered, introspects=frozenset({f"{issuer}/api"}))
    return registered
