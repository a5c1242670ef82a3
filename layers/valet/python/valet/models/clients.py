"""The records that operators register: clients, and the scopes and protected APIs that clients ask for."""

from collections.abc import Mapping

from valet.frozen import NO_ENTRIES, Frozen

UNKNOWN_HOLDER = "unknown clients"  # no client_id that an operator may register


class Unknown(Frozen):
    """How a client came that no operator registered, and what it says of itself, which nobody vouches for."""

    kind: str  # document (its client_id is the address of its metadata) | registration (RFC 7591); empty: it is known
    told_name: str = ""  # what it calls itself, if a page may show that
    registered_at: int = 0  # when it registered itself; epoch seconds
    expires_at: int = 0  # when its registration ends unless it is used; epoch seconds
    is_trusted: bool = False  # an operator named the host of its document


REGISTERED = Unknown("")


class Client(Frozen):
    """A registered client (RFC 6749 §2, in the words of RFC 7591 §2)."""

    client_id: str
    client_name: str
    owner: str = ""  # the organisation that runs it, as the consent page names it
    application_type: str = "web"  # web (confidential) | native | browser
    token_endpoint_auth_method: str = "client_secret"  # either secret method | one of supported.AUTH_METHODS
    token_endpoint_auth_signing_alg: str = ""  # the one alg of its assertions (private_key_jwt); empty: any supported
    jwks: str = ""  # the JWK Set of its public keys, as JSON
    jwks_uri: str = ""  # where it publishes its keys, instead
    secret_digests: tuple[bytes, ...] = ()  # two while a secret is replaced
    secret_made_at_ms: int = 0  # the newest of them, for operators to read; 0: a release before made it
    grant_types: frozenset[str] = frozenset()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str = ""  # where it is told of logouts; empty: it is not
    backchannel_logout_session_required: bool = False  # it finds its sessions by `sid`; a logout token always has one
    logo: bytes = b""  # PNG or WebP, which the sign-in page and the consent page show
    client_uri: str = ""  # its home page, which error pages lead back to
    tos_uri: str = ""  # its terms of service, which the consent page links
    policy_uri: str = ""  # its privacy policy, which the consent page links
    translations: frozenset[str] = frozenset()  # of its name and links, such as client_name#de=Laden (RFC 7591 §2.2)
    origins: frozenset[str] = frozenset()  # whose scripts may read our answers (CORS)
    scope: frozenset[str] = frozenset()  # the scopes that it may ask for
    default_scope: frozenset[str] = frozenset()  # granted where it asks for none
    introspects: frozenset[str] = frozenset()  # audiences whose tokens it may introspect
    first_party: bool = False  # the operator's word for people's consent, where it counts
    id_token_on_refresh: bool = False
    id_token_signed_response_alg: str = ""  # empty: the first lane of the key ring
    id_token_claims: frozenset[str] = frozenset()  # the granted scopes whose claims its ID tokens have
    roles: frozenset[str] = frozenset()  # the end-users' roles that it is told, next to those of its APIs
    roles_claim: str = "roles"  # the name of the claim that tells them
    retry_window: int | None = None  # seconds; None: the deployment's
    refresh_token_rotation: bool = True  # False: a confidential client keeps the refresh token that it has
    refresh_idle_lifetime: int = 30 * 86_400
    refresh_absolute_lifetime: int = 90 * 86_400
    epoch: int = 0  # a grant of an older one is dead: revoking all of the client's grants raises it
    epoch_raised_at_ms: int = 0  # for operators to read
    # Grants issued before this time, which an operator named, are dead. If it equals `epoch_raised_at_ms`, only the
    # release before uses it.
    grants_not_before_ms: int = 0
    is_disabled: bool = False
    pkce: str = "required"  # | optional, for confidential clients
    dpop_bound_access_tokens: bool = False  # every token request needs a DPoP proof (RFC 9449 §5.2)
    require_pushed_authorization_requests: bool = False  # /authorize takes only what it has pushed (RFC 9126 §6)
    profile: str = "plain"  # | fapi2: every rule of protocol/profile.py holds for it
    # | same: people may not allow it a device in another network than their own (RFC 8628 §5.4)
    device_network: str = "any"
    required_acr: str = ""  # the least level of a sign-in for it; empty: any
    registration: str = ""  # off: people make no account on their way to it; empty: the policy says whether they may
    # How people sign in for it: providers, and "local" for a password or a passkey of this server; empty: all of them.
    providers: frozenset[str] = frozenset()
    unknown: Unknown = REGISTERED  # never stored; says how it came if no operator registered it

    @property
    def is_unknown(self) -> bool:
        """Whether no operator registered it."""
        return bool(self.unknown.kind)

    @property
    def holder(self) -> str:
        """The holder of its tokens' places in status lists. All unknown clients are one: each installation of a program
        may be a client of its own, and a block of places for each token would be too much.
        """
        return UNKNOWN_HOLDER if self.is_unknown else self.client_id

    @property
    def is_confidential(self) -> bool:
        return self.token_endpoint_auth_method != "none"

    @property
    def is_fapi2(self) -> bool:
        """Whether the FAPI 2.0 Security Profile holds for it. A value that Valet does not know loosens no rule."""
        return self.profile != "plain"

    @property
    def has_secret(self) -> bool:
        """Whether it authenticates by a secret, by either way of sending one."""
        return self.token_endpoint_auth_method.startswith("client_secret")

    @property
    def may_omit_pkce(self) -> bool:
        """A public client may not, whatever is registered: PKCE is all that protects its codes (RFC 9700 §2.1.1)."""
        return self.pkce == "optional" and self.is_confidential


class ProtectedApi(Frozen):
    """A resource server's audience and the scopes and roles that belong to it."""

    audience: str
    name: str
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()  # the end-users' roles that it is told
    access_token_lifetime: int | None = None  # seconds; None: the deployment's
    access_token_signing_alg: str = ""  # empty: the first lane of the key ring
    access_token_format: str = "jwt"  # (RFC 9068) | reference: the API introspects its tokens (RFC 7662)
    open_scopes: frozenset[str] = frozenset()  # of its scopes, those that a client may have that no operator registered


class Scope(Frozen):
    """A registered scope: its sentence for the consent page, and the scopes it includes."""

    name: str
    description: str
    includes: frozenset[str] = frozenset()
    translations: frozenset[str] = frozenset()  # such as description#de=…


class Scopes(Frozen):
    """The registered scopes and protected APIs, read together."""

    scopes: Mapping[str, Scope] = NO_ENTRIES
    apis: Mapping[str, ProtectedApi] = NO_ENTRIES
