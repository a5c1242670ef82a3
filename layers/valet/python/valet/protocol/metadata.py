"""The server's metadata (OpenID Connect Discovery §3, RFC 8414 §2). It announces only what the endpoints accept."""

from collections.abc import Collection

from valet.models.clients import Scopes
from valet.protocol.supported import (
    ACR_VALUES,
    ASSERTION_SIGNING_ALGS,
    AUTH_METHODS,
    CLAIMS_OF_SCOPE,
    CODE_CHALLENGE_METHODS,
    CONFIDENTIAL_METHODS,
    CREATE,
    DPOP_ALGORITHMS,
    FAPI2_ALGORITHMS,
    ID_TOKEN_CLAIMS,
    PRIVATE_KEY_JWT,
    PROMPTS,
    RESPONSE_MODES,
    RESPONSE_TYPES,
    grant_types,
    reachable_acr_values,
)

# OpenID Connect Back-Channel Logout §2.1. A logout token always has a sid.
_BACK_CHANNEL_LOGOUT = {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}


def document(
    issuer: str,
    known: Scopes,
    algs: tuple[str, ...],
    profile: str = "plain",
    languages: tuple[str, ...] = (),
    *,
    features: Collection[str] = (),
    levels_elsewhere: Collection[str] = (),
    tells_logouts: bool = False,
    may_join: bool = False,
    takes_documents: bool = False,
    registers_clients: bool = False,
) -> dict[str, object]:
    """The discovery document, the same at both well-known addresses; `algs` are those of the keys that sign, and
    `languages` those of the pages. `profile` and `features` (settings.Settings.features) are the deployment's, and
    `levels_elsewhere` those that its other providers' words may stand for. `tells_logouts`: whether clients are told of
    logouts. `may_join`: whether people may make their own accounts. `takes_documents`, `registers_clients`: whether
    clients that no operator registered may come, by the address of their metadata or by registering themselves.
    """
    auth_methods: tuple[str, ...] = AUTH_METHODS
    confidential_methods: tuple[str, ...] = CONFIDENTIAL_METHODS
    assertion_algs: tuple[str, ...] = ASSERTION_SIGNING_ALGS
    if profile != "plain":
        auth_methods = confidential_methods = (PRIVATE_KEY_JWT,)
        algs = tuple(alg for alg in algs if alg in FAPI2_ALGORITHMS)
        assertion_algs = FAPI2_ALGORITHMS
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "end_session_endpoint": f"{issuer}/logout",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "status_list_aggregation_endpoint": f"{issuer}/status-lists",
        "scopes_supported": sorted(known.scopes),
        "response_types_supported": list(RESPONSE_TYPES),
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(grant_types(features)),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(algs),
        "token_endpoint_auth_methods_supported": list(auth_methods),
        "token_endpoint_auth_signing_alg_values_supported": list(assertion_algs),
        "revocation_endpoint_auth_methods_supported": list(auth_methods),
        "revocation_endpoint_auth_signing_alg_values_supported": list(assertion_algs),
        "introspection_endpoint_auth_methods_supported": list(confidential_methods),
        "introspection_endpoint_auth_signing_alg_values_supported": list(assertion_algs),
        "code_challenge_methods_supported": list(CODE_CHALLENGE_METHODS),
        "prompt_values_supported": [*PROMPTS, CREATE] if may_join else list(PROMPTS),
        "claims_supported": [*ID_TOKEN_CLAIMS, *(claim for claims in CLAIMS_OF_SCOPE.values() for claim in claims)],
        "acr_values_supported": _acr_values(features, levels_elsewhere),
        "ui_locales_supported": list(languages),
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": True,
        "dpop_signing_alg_values_supported": list(DPOP_ALGORITHMS),
        "require_pushed_authorization_requests": profile != "plain",
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        **(_BACK_CHANNEL_LOGOUT if tells_logouts else {}),
        # RFC 8628 §4
        **({"device_authorization_endpoint": f"{issuer}/device_authorization"} if "devices" in features else {}),
        **({"client_id_metadata_document_supported": True} if takes_documents else {}),
        **({"registration_endpoint": f"{issuer}/register"} if registers_clients else {}),
    }


def _acr_values(features: Collection[str], levels_elsewhere: Collection[str]) -> list[str]:
    reached = reachable_acr_values(
        has_passkeys="passkeys" in features,
        has_second_factor="second_factor" in features,
        has_providers="providers" in features,
    )
    return [acr for acr in ACR_VALUES if acr in reached or acr in levels_elsewhere]
