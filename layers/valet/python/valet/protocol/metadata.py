"""What the server says of itself (OpenID Connect Discovery §3, RFC 8414 §2): only what really works."""

from valet.models.clients import Scopes


def document(issuer: str, known: Scopes, algs: tuple[str, ...]) -> dict[str, object]:
    """The discovery document, the same at both well-known addresses; `algs` are those of the keys that sign."""
    authenticated = ["client_secret_basic", "client_secret_post"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "end_session_endpoint": f"{issuer}/logout",
        "status_list_aggregation_endpoint": f"{issuer}/status-lists",
        "scopes_supported": sorted(known.scopes),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(algs),
        "token_endpoint_auth_methods_supported": [*authenticated, "none"],
        "revocation_endpoint_auth_methods_supported": [*authenticated, "none"],
        "introspection_endpoint_auth_methods_supported": authenticated,
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "at_hash",
            "sid",
            "name",
            "preferred_username",
            "email",
            "email_verified",
        ],
        "acr_values_supported": ["urn:valet:acr:password"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
