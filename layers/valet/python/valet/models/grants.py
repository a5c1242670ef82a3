"""The facts that Valet keeps and passes on; behaviour lies with the modules that use them.

Times are epoch seconds, save those named `_ms`. Digests are SHA-256, as bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Client:
    """A registered client (RFC 6749 §2, in the words of RFC 7591 §2)."""

    client_id: str
    client_name: str
    owner: str = ""  # who runs it, as the consent page names them
    application_type: str = "web"  # web (confidential) | native | browser
    token_endpoint_auth_method: str = "client_secret_basic"  # | client_secret_post | none
    secret_digests: tuple[bytes, ...] = ()  # two while a secret is replaced
    grant_types: frozenset[str] = frozenset()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    origins: frozenset[str] = frozenset()  # whose scripts may read our answers (CORS)
    scope: frozenset[str] = frozenset()  # what it may ask for
    default_scope: frozenset[str] = frozenset()  # what it gets where it asks for none
    introspects: frozenset[str] = frozenset()  # audiences whose tokens it may introspect
    first_party: bool = False  # the operator's word for people's consent, where it counts
    id_token_on_refresh: bool = False
    retry_window: int | None = None  # seconds; None: the deployment's
    refresh_idle_lifetime: int = 30 * 86_400
    refresh_absolute_lifetime: int = 90 * 86_400
    epoch: int = 0  # a grant of an older one is dead: revoking all of the client's grants raises it
    epoch_raised_at_ms: int = 0  # for operators to read
    # Grants issued before it are dead: a time that an operator named. Where it equals `epoch_raised_at_ms`, only the
    # release before goes by it.
    grants_not_before_ms: int = 0
    is_disabled: bool = False

    @property
    def is_confidential(self) -> bool:
        return self.token_endpoint_auth_method != "none"


@dataclass(frozen=True, slots=True)
class ProtectedApi:
    """A resource server's audience and the scopes and roles that belong to it."""

    audience: str
    name: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()  # the end-users' roles that it is told
    access_token_lifetime: int | None = None  # seconds; None: the deployment's


@dataclass(frozen=True, slots=True)
class Scope:
    """A registered scope: its sentence for the consent page, and the scopes it includes."""

    name: str
    description: str
    includes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A signing key's record; `state` is announced, signing, retired or dropped."""

    kid: str  # RFC 7638 thumbprint
    alg: str
    state: str
    public_jwk: Mapping[str, str]
    key_id: str = ""  # KMS: the signing key's ARN
    signing_roles: frozenset[str] = frozenset()  # KMS: whom the key's own policy lets sign
    wrapped_private_key: bytes = b""  # the wrapped signer's private key, PKCS #8 under KMS
    wrapping_key: str = ""  # the symmetric key that wraps it
    created_at: int = 0  # announced: in the JWK Set from then on
    signing_since: int = 0
    retired_at: int = 0
    dropped_at: int = 0  # an emergency ended it at once: no longer in the JWK Set
    ended_at: int = 0  # since then nobody can sign with it


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every signing key's record, kept as one item: one write makes one key sign in another's place."""

    keys: tuple[SigningKey, ...] = ()
    version: int = 0  # 0: there is no item yet


@dataclass(frozen=True, slots=True)
class Account:
    """An end-user, without a credential."""

    sub: str
    username: str
    name: str = ""
    email: str = ""
    email_verified: bool = False
    roles: frozenset[str] = frozenset()
    is_disabled: bool = False
    password_id: str = ""  # the credential that is in force; others are worth nothing
    epoch: int = 0  # a session or grant of another one is dead: revoking all that the end-user holds raises it
    epoch_raised_at_ms: int = 0  # for operators to read
    # What the release before goes by instead of the epoch. Where it is not `epoch_raised_at_ms`, that release wrote it,
    # and sessions that began before it are dead.
    sessions_not_before_ms: int = 0


@dataclass(frozen=True, slots=True)
class Credential:
    """What the login function alone may read."""

    username: str
    sub: str
    password_hash: str  # Argon2id, PHC string
    password_id: str = ""  # in force only while the account names it; a later one is a greater string


@dataclass(frozen=True, slots=True)
class Consent:
    """What an end-user allowed a client, remembered."""

    sub: str
    client_id: str
    scope: frozenset[str]
    granted_at: int


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A validated authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1)."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    code_challenge: str
    state: str | None = None
    nonce: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    hinted_sub: str | None = None  # of a verified id_token_hint


@dataclass(frozen=True, slots=True)
class SavedRequest:
    """An authorization request that waits for a login or a consent; it says nothing about a user."""

    digest: bytes  # of its handle
    request: AuthorizationRequest
    browser_digest: bytes  # of the browser cookie that began it; empty for one that came by POST
    created_at_ms: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser (OpenID Connect Session: `sid` is public, the cookie is not)."""

    digest: bytes  # of the cookie
    sid: str
    sub: str
    auth_time_ms: int
    acr: str
    amr: tuple[str, ...]
    idle_expires_at: int
    absolute_expires_at: int
    ended_at: int = 0
    ending: bytes = b""  # the attempt that ended it
    epoch: int = 0  # the account's, as it was read before the password was compared

    @property
    def auth_time(self) -> int:
        return self.auth_time_ms // 1000


class LiveToken(NamedTuple):
    """An access token that may be alive: when it expires, and its place in a status list."""

    exp: int
    list_id: str
    idx: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What an end-user allowed a client: one item, on which each step is one conditional write."""

    grant_id: str
    client_id: str
    sub: str
    sid: str
    scope: tuple[str, ...]  # the closure, frozen at consent
    aud: tuple[str, ...]  # protected APIs; the issuer is in it by the scope openid
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    nonce: str | None
    redirect_uri: str
    code_challenge: str
    issued_at_ms: int
    code_digest: bytes
    absolute_expires_at: int
    expires_at: int  # DynamoDB's TTL
    code_expires_at: int = 0  # and the nonce: forgotten when the code is redeemed
    redemption: bytes = b""  # the attempt that redeemed the code
    redeemed_at_ms: int = 0
    family_digest: bytes = b""
    refresh_digest: bytes = b""
    generation: int = 0
    previous_digest: bytes = b""
    retry_key: bytes = b""
    rotated_at_ms: int = 0
    paced_until: int = 0  # when its refreshes would be over at the steady pace (grant_types/pace.py)
    idle_expires_at: int = 0
    live: tuple[LiveToken, ...] = ()
    revoked_at: int = 0
    revoked_for: str = ""
    revocation: bytes = b""  # the attempt that revoked it
    epoch: int = 0  # the session's
    client_epoch: int = 0  # the client's, as it was known when the code was issued


@dataclass(frozen=True, slots=True)
class GrantPointer:
    """Where an end-user's grants are; without its grant it is harmless. Until the code is redeemed, it ends with it."""

    sub: str
    sid: str
    grant_id: str
    ends_with_session: bool
    expires_at: int
    redeemed_at: int = 0  # 0: not yet, or written by the release before


@dataclass(frozen=True, slots=True)
class Lease:
    """A block of status indices that belongs to one client."""

    client_id: str
    list_id: str
    start: int
    length: int
    expires_at: int
    client_epoch: int = 0  # the client's `epoch` as the leaseholder knew it


@dataclass(frozen=True, slots=True)
class StatusListContent:
    """What a status list says: the indices that are set, and how many are leased."""

    leased: int = 0
    revoked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token response carries (RFC 6749 §5.1)."""

    access_token: str
    expires_in: int
    scope: tuple[str, ...]
    refresh_token: str | None = None
    id_token: str | None = None


@dataclass(frozen=True, slots=True)
class Scopes:
    """The registered scopes and protected APIs, read together."""

    scopes: Mapping[str, Scope] = field(default_factory=dict)
    apis: Mapping[str, ProtectedApi] = field(default_factory=dict)
