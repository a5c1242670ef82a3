"""The one list of what Valet supports, in the registered words (RFC 7591 §2, RFC 8414 §2, OpenID Connect Discovery §3).

The endpoints accept it, the metadata announces it, and the rules of registration let clients be registered for it.
"""

from collections.abc import Collection, Mapping

from valet.frozen import Frozen


class GrantType(Frozen):
    """A grant type of the token endpoint, and its requirements for a client that is registered for it."""

    name: str
    module: str  # its function `redeem` answers the token request
    has_end_user: bool = False  # an end-user signs in: refresh tokens and the scopes of an end-user come from it
    uses_redirect_uri: bool = False
    confidential_only: bool = False
    needs: str = ""  # it is there only where the deployment has this (settings.Settings.features)


DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 §3.4
GRANT_TYPES: Mapping[str, GrantType] = {
    row.name: row
    for row in (
        GrantType(
            "authorization_code",
            "valet.grant_types.authorization_code",
            has_end_user=True,
            uses_redirect_uri=True,
        ),
        GrantType("client_credentials", "valet.grant_types.client_credentials", confidential_only=True),
        GrantType("refresh_token", "valet.grant_types.refresh_token"),
        GrantType(DEVICE_CODE, "valet.grant_types.device_code", has_end_user=True, needs="devices"),
    )
}


def grant_types(features: Collection[str]) -> tuple[str, ...]:
    """The grant types that a deployment with these features answers."""
    return tuple(row.name for row in GRANT_TYPES.values() if not row.needs or row.needs in features)


# Client authentication. Introspection takes confidential clients alone (RFC 7662 §2.1).
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
PRIVATE_KEY_JWT = "private_key_jwt"
CONFIDENTIAL_METHODS = (*SECRET_METHODS, PRIVATE_KEY_JWT)
AUTH_METHODS = (*CONFIDENTIAL_METHODS, "none")
# What may sign an assertion of private_key_jwt. EdDSA is also sent by its other name, Ed25519 (RFC 9864).
ASSERTION_SIGNING_ALGS = ("PS256", "ES256", "EdDSA", "RS256")
# A client is registered for one method, or for either of SECRET_METHODS: the one word that no specification registers.
EITHER_SECRET_METHOD = "client_secret"
REGISTERED_AUTH_METHODS = (EITHER_SECRET_METHOD, *AUTH_METHODS)

# The parameters of requests to the token, revocation and introspection endpoints, and tokens and passwords of requests
# that Valet does not support. They belong in the body, never in a query.
BODY_PARAMETERS = frozenset(
    (
        "access_token",
        "assertion",
        "client_assertion",
        "client_assertion_type",
        "client_id",
        "client_secret",
        "code",
        "code_verifier",
        "device_code",
        "grant_type",
        "password",
        "redirect_uri",
        "refresh_token",
        "resource",
        "scope",
        "token",
        "token_type_hint",
        "username",
    )
)

DPOP_ALGORITHMS = ("PS256", "ES256", "EdDSA")  # of proofs (RFC 9449 §5.1)
# What a client's ID tokens and an API's access tokens may be registered to be signed with (RFC 7518 §3.1).
SIGNING_ALGS = ("RS256", "ES256", "PS256")
# What signs every JWT of a client with the profile fapi2, its own and those for it (FAPI 2.0 Security Profile §5.4.1).
FAPI2_ALGORITHMS = ("PS256", "ES256", "EdDSA")

RESPONSE_TYPES = ("code",)
QUERY, FORM_POST = "query", "form_post"  # how an answer travels; the first is the default of the response_type code
RESPONSE_MODES = (QUERY, FORM_POST)
CODE_CHALLENGE_METHODS = ("S256",)
PKCE = ("required", "optional")  # what a client is registered for
DEVICE_NETWORKS = ("any", "same")  # what a client is registered for
PROFILES = ("plain", "fapi2")  # what a client is registered for
PROMPTS = ("none", "login", "consent", "select_account")
CREATE = "create"  # and where people may make accounts: OpenID Connect Prompt Create §4.1

# The forms of access tokens: what an API may be registered for.
JWT, REFERENCE = TOKEN_FORMATS = ("jwt", "reference")

# The claims about an end-user, by the scope that they belong to (OpenID Connect Core §5.1, §5.4). The scope roles and
# its claim are Valet's own: a client may be told the claim by another name.
CLAIMS_OF_SCOPE: Mapping[str, tuple[str, ...]] = {
    "profile": (
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
    "roles": ("roles",),
}
# The claims of an ID token about itself and about the sign-in (§2).
ID_TOKEN_CLAIMS = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid")

# The levels of a sign-in, the lowest first. `phr` is a passkey's (OpenID Connect EAP ACR Values): "phishing-resistant".
PASSWORD_ACR = "urn:valet:acr:password"
UPSTREAM_ACR = "urn:valet:acr:upstream"  # another provider's word
MULTI_FACTOR_ACR = "urn:valet:acr:multi-factor"  # one of the former and a second factor
PASSKEY_ACR = "phr"
_RANKS: Mapping[str, int] = {PASSWORD_ACR: 0, UPSTREAM_ACR: 0, MULTI_FACTOR_ACR: 1, PASSKEY_ACR: 2}
ACR_VALUES = tuple(_RANKS)


def reachable_acr_values(
    *, has_passkeys: bool, has_second_factor: bool = False, has_providers: bool = False
) -> tuple[str, ...]:
    """The levels that some sign-in reaches in a deployment, or those of an account, the lowest first."""
    reached = {
        PASSWORD_ACR: True,
        UPSTREAM_ACR: has_providers,
        MULTI_FACTOR_ACR: has_second_factor,
        PASSKEY_ACR: has_passkeys,
    }
    return tuple(acr for acr in ACR_VALUES if reached[acr])


def rank(acr: str) -> int:
    """Where the level stands. One that this release does not know is above all others: no sign-in reaches it."""
    return _RANKS.get(acr, len(_RANKS)) if acr else -1


def reaches(acr: str, required_acr: str) -> bool:
    """Whether a sign-in of this level is enough. A level that this release does not know is reached by none."""
    if not required_acr or acr == required_acr:
        return True
    return acr in _RANKS and required_acr in _RANKS and _RANKS[acr] >= _RANKS[required_acr]
