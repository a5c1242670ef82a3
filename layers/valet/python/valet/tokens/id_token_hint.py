"""The end-user that a client expects, by an ID token that it shows (OpenID Connect Core §3.1.2.1, id_token_hint)."""

from valet.errors import LoginRequired
from valet.frozen import replace
from valet.http import Parameters
from valet.models.saved_requests import AuthorizationRequest
from valet.ports.clients import Registry


def with_hinted_sub(
    asked: AuthorizationRequest, parameters: Parameters, issuer: str, registry: Registry
) -> AuthorizationRequest:
    """The request with the end-user that its id_token_hint names.

    A hint that does not verify counts as none: signing keys are dropped, and a client may hold an ID token for months.
    With prompt=none the client is told that the end-user has to sign in, by LoginRequired: it is no longer known which
    end-user it means.
    """
    if "id_token_hint" not in parameters:
        return asked
    # Few clients send a hint: PyJWT is imported for those only (see tokens/verify.py).
    from valet.tokens.verify import verify_id_token_hint

    hint = verify_id_token_hint(parameters["id_token_hint"], issuer, registry.signing_keys())
    if hint is None and "none" in asked.prompt:
        raise LoginRequired("The id_token_hint is not an ID token of this server, or no longer.")
    return replace(asked, hinted_sub=hint.sub if hint else None)
