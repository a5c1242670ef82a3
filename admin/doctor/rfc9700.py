"""Best Current Practice for OAuth 2.0 Security, by rule (RFC 9700): how Valet keeps it, and which checks show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin.doctor.findings import Finding, Skipped

KEPT, BROKEN, UNSEEN = "kept", "see findings", "not looked at"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. A finding of one of its `checks` breaks it. A rule without checks is kept by the design of Valet."""

    section: str
    rule: str
    how: str
    checks: tuple[str, ...] = ()


_META = "metadata.consistent"
RULES = (
    Rule("2.1", "Redirect URIs are compared exactly", "to the letter, except a native app's loopback port",
         ("clients.redirect-uris", "clients.registration")),
    Rule("2.1", "No open redirectors", "only a registered URI is ever redirected to", ("clients.redirect-uris",)),
    Rule("2.1", "Defence against CSRF and mix-up", "PKCE, iss in every answer (RFC 9207)", (_META, "clients.pkce")),
    Rule("2.1.1", "PKCE, with S256 only",
         "required, except of confidential clients with --pkce optional; plain is refused", (_META, "clients.pkce")),
    Rule("2.1.2", "No implicit grant", "response_type code alone", (_META,)),
    Rule("2.2.1", "Sender-constrained access tokens", "a DPoP proof binds a token; --bound dpop makes it a duty",
         ("fapi.clients", "gateways.jwt-authorizers", "gateways.cache")),
    Rule("2.2.2", "Refresh tokens of public clients are rotated", "all are, at every use",
         ("clients.retry-window",)),
    Rule("2.3", "Access tokens for one audience and the least scope", "aud is the one API, and with openid the issuer",
         ("authorizer.routes", "scopes.registration", "scopes.owners")),
    Rule("2.4", "No password grant", "refused", (_META,)),
    Rule("2.5", "Clients are authenticated", "by generated secrets, kept as digests, or by keys (private_key_jwt)",
         ("clients.secrets", "clients.keys")),
    Rule("2.6", "Metadata is published and right", "discovery and RFC 8414 documents",
         ("metadata.reachable", "metadata.issuer", _META)),
    Rule("2.6", "TLS from end to end", "API Gateway ends it", ("metadata.https",)),
    Rule("2.6", "No CORS at the authorization endpoint", "none", ("pages.headers",)),
    Rule("4.2", "Codes and state do not leak by Referer", "Referrer-Policy: no-referrer", ("pages.headers",)),
    Rule("4.3", "Nothing secret stays in the browser's history", "codes work once, no token in a query"),
    Rule("4.5", "Injected codes are refused", "code, client, redirect_uri and verifier belong together",
         ("clients.pkce",)),
    Rule("4.8", "No PKCE downgrade", "a verifier is refused for a code without a challenge"),
    Rule("4.10", "Access tokens cannot be replayed elsewhere",
         "aud is never two APIs, and the authorizer checks it", ("authorizer.routes", "scopes.owners")),
    Rule("4.11", "The authorization server is no open redirector", "errors of unknown clients are a page",
         ("clients.redirect-uris",)),
    Rule("4.12", "Redirects after a form are 303", "all are"),
    Rule("4.13", "Headers of proxies are not trusted", "the request context is; with BehindProxy, one address",
         ("proxy.address",)),
    Rule("4.14", "Reuse of a refresh token ends the grant", "the whole grant, access tokens within 5 s",
         ("authorizer.cache", "tables.expiry")),
    Rule("4.14", "Refresh tokens expire", "idle and absolute lifetimes", ("clients.lifetimes",)),
    Rule("4.15", "No client passes for an end-user", "sub is random, and no client_id equals one",
         ("clients.impersonation",)),
    Rule("4.16", "Pages cannot be framed", "frame-ancestors 'none'", ("pages.headers",)),
)  # fmt: skip


def judged(findings: Sequence[Finding], skipped: Sequence[Skipped]) -> list[dict[str, str]]:
    """Each rule with its status according to the checks."""
    found, unseen = {finding.check for finding in findings}, {each.check for each in skipped}
    rows = []
    for rule in RULES:
        status = KEPT
        if unseen & set(rule.checks):
            status = UNSEEN
        if found & set(rule.checks):
            status = BROKEN
        rows.append({"section": rule.section, "rule": rule.rule, "status": status, "how": rule.how})
    return rows
