"""What the issuer says of itself and of its keys (RFC 8414 §3.3, RFC 7517 §5), and how its pages are guarded."""

from collections.abc import Iterator

from valet.keys.ring import published_keys, signing_algs
from valet.protocol import metadata

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook, Finding, warning
from admin.terminal.spelling import command

_OIDC, _OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
_JWKS = "/.well-known/jwks.json"
_DNS = (
    "See that the host name leads to the output CustomDomainTarget (or set HostedZone), and that the stack is "
    "deployed: `aws cloudformation describe-stacks`"
)
_REDEPLOY = "Deploy this release again: `make deploy`"


def look_reachable(evidence: Evidence) -> Iterator[Finding]:
    for path in (_OIDC, _OAUTH):
        try:
            status = evidence.fetch(path).status
        except CannotLook as error:
            yield Finding(str(error), "Nobody can sign in, and no verifier finds the keys.", _DNS)
            return
        if status != 200:
            yield Finding(f"{path} answers {status}", "Clients and verifiers find everything else by it.", _REDEPLOY)


def look_issuer(evidence: Evidence) -> Iterator[Finding]:
    issuer = evidence.deployment.issuer
    document = _metadata(evidence, _OIDC)
    if document.get("issuer") != issuer:
        yield Finding(
            f"The metadata names the issuer {document.get('issuer')}, the stack {issuer}",
            "Every library refuses tokens and answers of an issuer that it was not configured with (RFC 9207).",
            "Set the parameter IssuerUrl or CustomDomain to what clients use: `make deploy`",
        )


def look_https(evidence: Evidence) -> Iterator[Finding]:
    issuer = evidence.deployment.issuer
    if not issuer.startswith("https://"):
        if evidence.deployment.where.is_local:
            raise CannotLook("the local stack speaks plain http, on this machine only")
        yield Finding(
            f"The issuer {issuer} is not https",
            "Codes, tokens and passwords travel in clear (RFC 9700 section 2.6).",
            "Set CustomDomain and Certificate, or an https IssuerUrl: `make deploy`",
        )


def look_consistent(evidence: Evidence) -> Iterator[Finding]:
    oidc, oauth = _metadata(evidence, _OIDC), _metadata(evidence, _OAUTH)
    if oidc != oauth:
        yield Finding("The two metadata documents differ", "What a client may do depends on which it reads.", _REDEPLOY)
    expected = metadata.document(evidence.deployment.issuer, evidence.scopes, signing_algs(evidence.ring.keys))
    for name in sorted(expected.keys() | oidc.keys()):
        # The functions may know what an operator changed ten seconds later.
        if expected.get(name) != oidc.get(name):
            yield Finding(
                f"The metadata says {name} = {oidc.get(name)!r}, and this release has {expected.get(name)!r}",
                "Clients are told what is not so. (A change of scopes or keys takes ten seconds.)",
                _REDEPLOY,
            )


def look_key_set(evidence: Evidence) -> Iterator[Finding]:
    answer = evidence.fetch(_JWKS)
    served = {str(key.get("kid")): key for key in answer.json().get("keys", ()) if isinstance(key, dict)}
    recorded = {key.kid: dict(key.public_jwk) for key in published_keys(evidence.ring.keys)}
    for kid in sorted(recorded.keys() - served.keys()):
        yield Finding(
            f"The key {kid} is on record, and not in the JWK Set", "Good tokens that it signed are refused.", _REDEPLOY
        )
    for kid in sorted(served.keys() - recorded.keys()):
        yield Finding(
            f"The JWK Set has the key {kid}, which is not on record",
            "Whoever holds it signs tokens that every verifier takes for ours.",
            "Find out who serves that address; then `valet keys emergency`",
        )
    for kid in sorted(served.keys() & recorded.keys()):
        if {**served[kid]} != recorded[kid]:
            yield Finding(f"The key {kid} is served otherwise than recorded", "It verifies nothing of ours.", _REDEPLOY)
        if "d" in served[kid]:
            yield Finding(f"The JWK Set shows the private key {kid}", "Anybody can sign.", "`valet keys emergency`")


def look_pages(evidence: Evidence) -> Iterator[Finding]:
    headers = evidence.fetch("/authorize").headers
    policy = headers.get("content-security-policy", "")
    missing = [
        name
        for name, is_there in (
            ("Content-Security-Policy with frame-ancestors 'none'", "frame-ancestors 'none'" in policy),
            ("Referrer-Policy: no-referrer", headers.get("referrer-policy") == "no-referrer"),
            ("Cache-Control: no-store", "no-store" in headers.get("cache-control", "")),
        )
        if not is_there
    ]
    if missing:
        yield Finding(
            f"The page at /authorize comes without {', '.join(missing)}",
            "It can be framed by others, or tell others where people come from (RFC 9700 sections 4.2 and 4.16).",
            "Let whatever stands in front of the API pass its headers on",
        )
    if "access-control-allow-origin" in headers:
        yield Finding(
            "The authorization endpoint answers scripts of other origins (CORS)",
            "Clients redirect to it and never call it (RFC 9700 section 2.6).",
            "Remove CorsConfiguration from the API, or the header from what stands in front of it",
        )


def look_origins(evidence: Evidence) -> Iterator[Finding]:
    kept = evidence.register.origins()
    needed = frozenset().union(*(client.origins for client in evidence.clients))
    for origin in sorted(needed - kept):
        whose = next(client for client in evidence.clients if origin in client.origins)
        without, again = (
            command("valet clients change", whose.client_id, "--origin", " ".join(sorted(origins)))
            for origins in (whose.origins - {origin}, whose.origins)
        )
        yield Finding(
            f"Preflights from {origin} are refused, an origin of {whose.client_id}",
            "The union of origins lacks it, so the application's scripts cannot get tokens.",
            f"Take it from the client and give it back, which writes the union again: {without}, then {again}",
        )
    for origin in sorted(kept - needed):
        yield warning(
            f"Preflights from {origin} are answered, an origin of no client",
            "Harmless, since the answer itself is for a client's own origins, but nobody needs it.",
            "It goes with the next client that is deleted or loses an origin",
        )


def _metadata(evidence: Evidence, path: str) -> dict[str, object]:
    answer = evidence.fetch(path)
    if answer.status != 200:
        raise CannotLook(f"{path} answers {answer.status}")
    return answer.json()


CHECKS = (
    Check("metadata.reachable", look_reachable),
    Check("metadata.issuer", look_issuer),
    Check("metadata.https", look_https),
    Check("metadata.consistent", look_consistent),
    Check("metadata.key-set", look_key_set),
    Check("pages.headers", look_pages),
    Check("cors.union", look_origins),
)
