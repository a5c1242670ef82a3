"""The issuer's metadata and keys as it publishes them (RFC 8414 §3.3, RFC 7517 §5), and the headers of its pages."""

from collections.abc import Callable, Iterable, Iterator

from valet.keys.ring import published_keys, signing_algs
from valet.pages.words import offered
from valet.protocol import metadata

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook, Finding, warning
from admin.doctor.passkeys import features_of
from admin.doctor.strangers import modes
from admin.terminal.spelling import command

_OIDC, _OAUTH = "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"
_JWKS = "/.well-known/jwks.json"
_DNS = (
    "Check that the host name leads to the output CustomDomainTarget (or set HostedZone), and that the stack is "
    "deployed: `aws cloudformation describe-stacks`"
)
_REDEPLOY = "Deploy this release again: `make deploy`"


def look_reachable(evidence: Evidence) -> Iterator[Finding]:
    for path in (_OIDC, _OAUTH):
        try:
            status = evidence.fetch(path).status
        except CannotLook as error:
            yield Finding(str(error), "No end-user can sign in, and no verifier finds the keys.", _DNS)
            return
        if status != 200:
            yield Finding(
                f"{path} answers {status}", "Clients and verifiers find every other endpoint by it.", _REDEPLOY
            )


def look_issuer(evidence: Evidence) -> Iterator[Finding]:
    issuer = evidence.deployment.issuer
    document = _metadata(evidence, _OIDC)
    if document.get("issuer") != issuer:
        yield Finding(
            f"The metadata names the issuer {document.get('issuer')}, but the stack has {issuer}",
            "Client libraries refuse tokens and answers of an issuer that they were not configured with (RFC 9207).",
            "Set the parameter IssuerUrl or CustomDomain to what clients use: `make deploy`",
        )


def look_https(evidence: Evidence) -> Iterator[Finding]:
    issuer = evidence.deployment.issuer
    if not issuer.startswith("https://"):
        if evidence.deployment.where.is_local:
            raise CannotLook("the local stack uses plain http, on this machine only")
        yield Finding(
            f"The issuer {issuer} is not https",
            "Codes, tokens and passwords are sent without encryption (RFC 9700 section 2.6).",
            "Set CustomDomain and Certificate, or an https IssuerUrl: `make deploy`",
        )


def look_consistent(evidence: Evidence) -> Iterable[Finding]:
    return _settled(evidence, _differences)


def _differences(evidence: Evidence) -> Iterator[Finding]:
    oidc, oauth = _metadata(evidence, _OIDC), _metadata(evidence, _OAUTH)
    if oidc != oauth:
        yield Finding(
            "The two metadata documents differ",
            "A client behaves differently depending on which document it reads.",
            _REDEPLOY,
        )
    expected = metadata.document(
        evidence.deployment.issuer,
        evidence.scopes,
        signing_algs(evidence.ring.keys),
        features=features_of(evidence),
        levels_elsewhere=_levels_elsewhere(evidence),
        languages=offered(evidence.register.policy().languages),
        tells_logouts=evidence.deployment.parameters.get("BackChannelLogout") == "on",
        takes_documents=modes(evidence)[0] != "off",
        registers_clients=modes(evidence)[1] != "off",
    )
    for name in sorted(expected.keys() | oidc.keys()):
        if expected.get(name) != oidc.get(name):
            yield Finding(
                f"The metadata says {name} = {oidc.get(name)!r}, but this release has {expected.get(name)!r}",
                "Clients get wrong metadata.",
                _REDEPLOY,
            )


def _levels_elsewhere(evidence: Evidence) -> frozenset[str]:
    """The levels that the word of another provider may stand for."""
    every = evidence.providers if "providers" in features_of(evidence) else ()
    return frozenset(each.rpartition("=")[2] for one in every if not one.is_disabled for each in one.acr_values)


def look_key_set(evidence: Evidence) -> Iterable[Finding]:
    return _settled(evidence, _wrong_keys)


def _wrong_keys(evidence: Evidence) -> Iterator[Finding]:
    answer = evidence.fetch(_JWKS)
    served = {str(key.get("kid")): key for key in answer.json().get("keys", ()) if isinstance(key, dict)}
    recorded = {key.kid: dict(key.public_jwk) for key in published_keys(evidence.ring.keys)}
    for kid in sorted(recorded.keys() - served.keys()):
        yield Finding(
            f"The key {kid} is on record, but not in the JWK Set",
            "Verifiers refuse valid tokens that it signed.",
            _REDEPLOY,
        )
    for kid in sorted(served.keys() - recorded.keys()):
        yield Finding(
            f"The JWK Set has the key {kid}, which is not on record",
            "The holder of that key can sign tokens that every verifier accepts.",
            "Find out which server answers at that address; then `valet keys emergency`",
        )
    for kid in sorted(served.keys() & recorded.keys()):
        if {**served[kid]} != recorded[kid]:
            yield Finding(
                f"The key {kid} in the JWK Set differs from the record",
                "It verifies no token of the issuer.",
                _REDEPLOY,
            )
        if "d" in served[kid]:
            yield Finding(
                f"The JWK Set shows the private key {kid}", "Anyone can sign tokens.", "`valet keys emergency`"
            )


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
            f"The page at /authorize lacks {', '.join(missing)}",
            "Other sites can frame it, or learn its address from the Referer (RFC 9700 sections 4.2 and 4.16).",
            "Configure the proxy in front of the API to pass its headers on",
        )
    if "access-control-allow-origin" in headers:
        yield Finding(
            "The authorization endpoint allows scripts of other origins (CORS)",
            "Clients redirect to it and never call it (RFC 9700 section 2.6).",
            "Remove CorsConfiguration from the API, or the header from the proxy in front of it",
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
            f"Remove it from the client and add it again, which writes the union again: {without}, then {again}",
        )
    for origin in sorted(kept - needed):
        yield warning(
            f"Preflights from {origin} are answered, an origin of no client",
            "No client needs it. It is harmless, because the answer itself is only for a client's own origins.",
            "It disappears when the next client is deleted or loses an origin",
        )


def _settled(evidence: Evidence, look: Callable[[Evidence], Iterable[Finding]]) -> list[Finding]:
    """The findings of `look`. If it has any, wait once and look again: functions learn of a change within seconds."""
    found = list(look(evidence))
    return list(look(evidence)) if found and evidence.has_waited_now() else found


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
