"""A proxy in front of the API: the way around it, and the headers that it has to pass on (RFC 9449 §4.1, §8)."""

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from json import dumps
from urllib.parse import urlencode, urlsplit

from admin.doctor.check import Check
from admin.doctor.evidence import Answer, Evidence, ask
from admin.doctor.fapi import held
from admin.doctor.findings import CannotLook, Finding

_METADATA = "/.well-known/openid-configuration"
_PASS = "Configure the proxy in front of the API to pass this header on under its name"
# The example key of RFC 9449 §4.1. No signature is made by it: the request cannot succeed.
_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
}
_ARRIVED = ("invalid_dpop_proof", "use_dpop_nonce")
_WITHOUT_PROOF = ("invalid_grant", "invalid_request")


def look_address(evidence: Evidence) -> Iterator[Finding]:
    """Finds that the API answers at its own address, though clients use another."""
    issuer, own = evidence.deployment.issuer, evidence.deployment.output("ApiUrl")
    if urlsplit(issuer).netloc == urlsplit(own).netloc:
        return
    evidence.only_on_aws("other address of its API")
    if ask(own, _METADATA).status != 200:
        return
    is_behind_proxy = bool(evidence.environment("TokenFunction").get("BEHIND_PROXY"))
    why = f"It is a way around {issuer}."
    if is_behind_proxy:
        why += " An attacker who uses it writes any client address into X-Forwarded-For, and no firewall sees it."
    if is_held := bool(held(evidence)):
        why += " It takes TLS 1.2 suites that the FAPI 2.0 Security Profile forbids (section 5.2.2)."
    yield Finding(
        f"The API answers at its own address {own} too",
        why,
        "Deploy with CustomDomain and Certificate, which switch that address off: `make deploy`",
        is_error=is_behind_proxy or is_held,
    )


def look_challenge(evidence: Evidence) -> Iterator[Finding]:
    """Finds that a refusal of /userinfo arrives without its challenge."""
    answer = evidence.fetch("/userinfo")
    if answer.status != 401:
        raise CannotLook(f"/userinfo without an access token answers {answer.status}, not 401")
    if "www-authenticate" not in answer.headers:
        yield Finding(
            f"The refusal of /userinfo arrives without WWW-Authenticate{_renamed(answer, 'www-authenticate')}",
            "Clients do not learn why their access token is refused, or that it needs a proof (RFC 6750 section 3).",
            _PASS,
        )


def look_proofs(evidence: Evidence) -> Iterator[Finding]:
    """Finds that DPoP proofs do not arrive at /token, or that the nonces for them do not arrive at clients.

    The request names a public client, a code that does not exist, and a proof without a good signature, so it is
    refused and spends nothing. A function logs the refusal.
    """
    public = [
        client
        for client in evidence.clients
        if not client.is_confidential and not client.is_disabled and "authorization_code" in client.grant_types
    ]
    if not public:
        raise CannotLook("only the request of a public client gets as far as its proof, and none is registered")
    form = urlencode({"grant_type": "authorization_code", "code": "none", "client_id": public[0].client_id})
    answer = ask(evidence.deployment.issuer, "/token", {"DPoP": _proof(evidence)}, form)
    error = answer.json().get("error")
    if error in _WITHOUT_PROOF:
        yield Finding(
            "A DPoP proof does not arrive at /token",
            "Access tokens that a client asks for with a proof are bound to no key, or refused.",
            _PASS.replace("this header", "the header DPoP"),
        )
    elif error not in _ARRIVED:
        raise CannotLook(f"/token answers {answer.status}")
    elif error == "use_dpop_nonce" and "dpop-nonce" not in answer.headers:
        yield Finding(
            f"The refusal of a proof without a nonce arrives without DPoP-Nonce{_renamed(answer, 'dpop-nonce')}",
            "Clients that need a nonce never get one, so they get no tokens (RFC 9449 section 8).",
            _PASS,
        )


def _proof(evidence: Evidence) -> str:
    """A proof for /token that has all its parts, and a signature of zeros."""
    header: Mapping[str, object] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": _KEY}
    htu = f"{evidence.deployment.issuer}/token"
    claims = {"jti": "doctor", "htm": "POST", "htu": htu, "iat": int(evidence.now)}
    parts = (dumps(header).encode(), dumps(claims).encode(), bytes(64))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _renamed(answer: Answer, name: str) -> str:
    other = next((each for each in answer.headers if each.endswith(f"-{name}")), None)
    return f", as {other}" if other else ""


CHECKS = (
    Check("proxy.address", look_address),
    Check("proxy.challenge", look_challenge),
    Check("proxy.proofs", look_proofs),
)
