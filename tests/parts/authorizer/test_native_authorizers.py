"""API Gateway's own JWT authorizers accept Valet's tokens (API Gateway Developer Guide, "JWT authorizers").

What they check, over the local stack's discovery document, key set and token: the discovery URL below the issuer, the
key by `kid`, RSA alone (HTTP API) or RSA and P-256 (REST), `iss`, `aud` (or `client_id` where there is no `aud`),
`exp`, `nbf`, `iat`, and any one of the route's scopes. No `typ`, no revocation, no roles: that is what ours is for.
"""

import time
from typing import Any

import httpx
import jwt
import pytest

from local.stack import LocalStack

RSA_ALGORITHMS = ("RS256", "RS384", "RS512")


def fetched(url: str) -> dict[str, Any]:
    answer = httpx.get(url, timeout=1.5)  # API Gateway waits no longer
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] in ("application/json", "application/jwk-set+json")
    document: dict[str, Any] = answer.json()
    return document


def token_of(stack: LocalStack) -> str:
    form = {"grant_type": "client_credentials", "scope": "admin"}
    answer = httpx.post(f"{stack.url}/token", data=form, auth=("api_service_789", "api_secret_abc"), timeout=10)
    token: str = answer.json()["access_token"]
    return token


def native(issuer: str, audience: list[str], scopes: list[str], token: str, kinds: tuple[str, ...]) -> bool:
    """What API Gateway does with a token."""
    discovery = fetched(f"{issuer}/.well-known/openid-configuration")
    assert discovery["issuer"] == issuer
    keys = fetched(discovery["jwks_uri"])["keys"]
    header = jwt.get_unverified_header(token)
    (jwk,) = [key for key in keys if key["kid"] == header["kid"]]
    if header["alg"] not in kinds or jwk["kty"] != {"R": "RSA", "E": "EC"}[header["alg"][0]]:
        return False
    claims = jwt.decode(token, jwt.PyJWK(jwk), algorithms=[header["alg"]], options={"verify_aud": False})
    named = claims["aud"] if isinstance(claims.get("aud"), list) else [claims.get("aud", claims.get("client_id"))]
    now = time.time()
    held = claims.get("scope", "").split() or claims.get("scp", [])
    return (
        claims["iss"] == issuer
        and bool(set(named) & set(audience))
        and claims["exp"] > now
        and claims.get("nbf", 0) <= now
        and claims["iat"] <= now
        and (not scopes or bool(set(held) & set(scopes)))
    )


@pytest.mark.parametrize("kinds", [RSA_ALGORITHMS, ("RS256", "ES256")], ids=["HTTP API", "REST API"])
def test_a_native_jwt_authorizer_accepts_a_token_of_ours(stack: LocalStack, kinds: tuple[str, ...]) -> None:
    token = token_of(stack)
    assert native(stack.issuer, [stack.audience], [], token, kinds)
    assert native(stack.issuer, [stack.audience], ["admin", "other"], token, kinds)
    assert native(stack.issuer, ["https://other.example", stack.audience], ["api_access"], token, kinds)
    assert not native(stack.issuer, [stack.audience], ["items"], token, kinds)
    assert not native(stack.issuer, ["https://other.example/api"], [], token, kinds)


def test_the_key_set_says_what_a_native_authorizer_looks_for(stack: LocalStack) -> None:
    discovery = fetched(f"{stack.issuer}/.well-known/openid-configuration")
    assert discovery["jwks_uri"].startswith(f"{stack.issuer}/")
    keys = fetched(discovery["jwks_uri"])["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
        assert {"n", "e"} <= key.keys()
        assert not {"d", "p", "q"} & key.keys()


def test_scope_is_one_text_and_aud_names_the_api(stack: LocalStack) -> None:
    claims = jwt.decode(token_of(stack), options={"verify_signature": False})
    assert set(claims["scope"].split()) == {"admin", "api_access"}, "the closure: any verifier understands it"
    assert claims["aud"] == stack.audience
    assert claims["client_id"] == "api_service_789"
    assert type(claims["exp"]) is type(claims["iat"]) is int
