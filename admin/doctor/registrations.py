"""The registrations: addresses, lifetimes, secrets and scopes that are wrong or risky (RFC 9700)."""

from collections.abc import Iterator

from valet.front_channel.interaction import is_remembered
from valet.models.clients import Client
from valet.protocol.scope import ISSUERS_OWN, closure
from valet.protocol.supported import PROFILES
from valet.registration.addresses import risk_of_localhost, risk_of_uri
from valet.registration.apis import refusal_of_audience, wrong_with_api
from valet.registration.rules import (
    Wrong,
    lifetimes_of,
    wrong_with_client,
    wrong_with_profile,
)
from valet.registration.scopes import needs_scope, wrong_with_scope

from admin.desk import moment, span
from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning
from admin.terminal.registrations import API, CLIENT, SCOPE, told
from admin.terminal.spelling import command

_UNUSED = 30 * 86_400
_LONG_ACCESS = 3600


def look_registration(evidence: Evidence) -> Iterator[Finding]:
    for client in evidence.clients:
        elsewhere = list(wrong_with_profile(client)) if client.profile in PROFILES else []  # fapi.clients tells of them
        wrong = [
            each
            for each in wrong_with_client(client, evidence.scopes, is_local=evidence.deployment.where.is_local)
            if not _is_of_web_address(each) and each not in elsewhere
        ]
        for reason in told(wrong, CLIENT):
            yield Finding(
                f"The client {client.client_id}: {reason}",
                "It would not be registered like this today.",
                _how("clients", client.client_id) + ", or register it anew",
            )


def _is_of_web_address(wrong: Wrong) -> bool:
    """The check of redirect URIs tells of it."""
    return wrong.member == "redirect_uris" and (wrong.value or "").startswith("http")


def look_redirect_uris(evidence: Evidence) -> Iterator[Finding]:
    is_local = evidence.deployment.where.is_local
    for client in evidence.clients:
        for uri in client.redirect_uris:
            if risk := risk_of_uri(uri, client.application_type):
                if is_local and _is_for_development(uri):
                    continue
                is_native_localhost = client.application_type == "native" and risk_of_localhost(uri) is not None
                yield Finding(
                    f"The client {client.client_id} has the redirect URI {uri}: {risk}",
                    "Codes go to any server or program that answers there (RFC 9700 section 4.1).",
                    _other_address(client, uri, is_native_localhost),
                    is_error=not (_is_for_development(uri) or is_native_localhost),
                )


def _other_address(client: Client, uri: str, is_native_localhost: bool) -> str:
    if is_native_localhost:
        instead = uri.replace("localhost", "127.0.0.1", 1)
        added = () if instead in client.redirect_uris else ("--add-redirect-uri", instead)
        return f"Let it listen on 127.0.0.1, then {_change(client, *added, '--remove-redirect-uri', uri)}"
    if len(client.redirect_uris) > 1:
        return _change(client, "--remove-redirect-uri", uri)
    return f"{_how('clients', client.client_id)}: --redirect-uri, with an https address of its own"


def look_lifetimes(evidence: Evidence) -> Iterator[Finding]:
    for client in evidence.clients:
        _, longest = lifetimes_of(client.application_type)
        if "refresh_token" in client.grant_types and client.refresh_absolute_lifetime > longest:
            yield warning(
                f"Refresh tokens of {client.client_id} live {span(client.refresh_absolute_lifetime)}",
                f"An attacker who keeps using a stolen one keeps access for as long; {span(longest)} is usual for a "
                f"{client.application_type} application.",
                _change(client, "--refresh-absolute", str(longest)),
            )
    for api in evidence.scopes.apis.values():
        if (api.access_token_lifetime or 0) > _LONG_ACCESS:
            yield warning(
                f"Access tokens for {api.audience} live {span(api.access_token_lifetime or 0)}",
                "An API that does not check the status list accepts a stolen one for as long.",
                command("valet apis change", api.audience, "--access-token", "15m"),
            )


def look_retry_windows(evidence: Evidence) -> Iterator[Finding]:
    timeout = evidence.timeout("TokenFunction")
    deployed = int(evidence.environment("TokenFunction").get("RETRY_WINDOW") or 60)
    windows = [("The deployment", deployed, "Deploy with RetryWindow=60: `make deploy`")]
    for client in evidence.clients:
        # A client that keeps its refresh token may send it again at any time.
        rotates = client.refresh_token_rotation or not client.is_confidential
        if client.retry_window is not None and rotates:
            mend = _change(client, "--retry-window", "60")
            windows.append((f"The client {client.client_id}", client.retry_window, mend))
    for whose, window, mend in windows:
        if window == 0:
            yield warning(
                f"{whose} has no retry window",
                "A client that loses the answer to a refresh, or refreshes in two tabs, loses its grant.",
                mend,
            )
        elif window <= timeout:
            yield Finding(
                f"{whose} has a retry window of {window} s, but the token function runs up to {timeout} s",
                "A client's retry after a slow answer comes after the window, and counts as theft.",
                mend,
            )
        elif window > 120:
            yield warning(
                f"{whose} has a retry window of {window} s",
                "An attacker who presents a refresh token within the window after its use is taken for the client.",
                mend,
            )


def look_secrets(evidence: Evidence) -> Iterator[Finding]:
    for client in evidence.clients:
        if client.has_secret and not client.secret_digests:
            yield Finding(
                f"{client.client_id} is confidential but has no secret",
                "It cannot authenticate, so Valet refuses it.",
                command("valet clients rotate-secret", client.client_id),
            )
        if len(client.secret_digests) > 1:
            yield warning(
                f"{client.client_id} has {len(client.secret_digests)} live secrets",
                "The older secret is accepted until an operator ends it.",
                command("valet clients end-old-secret", client.client_id),
            )
        if client.token_endpoint_auth_method == "client_secret_post":
            yield warning(
                f"{client.client_id} sends its secret in the form",
                "Forms are logged more often than headers; client_secret_basic is for all that can (RFC 6749 2.3.1).",
                _change(client, "--auth", "client_secret_basic"),
            )


def look_pkce(evidence: Evidence) -> Iterator[Finding]:
    for client in evidence.clients:
        if client.may_omit_pkce:
            yield warning(
                f"The client {client.client_id} ({client.client_name}) may leave out PKCE",
                "Whether an attacker can inject a stolen code into its sign-in depends on the client's own check of "
                "state and nonce (RFC 9700 section 2.1.1).",
                f"Let it send code_challenge and code_verifier, then {_change(client, '--pkce', 'required')}",
            )


def look_unused(evidence: Evidence) -> Iterator[Finding]:
    """Looks only at clients that end-users use: no record of client credentials is kept longer than a day."""
    last: dict[str, int] = {}
    for grant in evidence.grants:
        used = max(grant.issued_at_ms, grant.redeemed_at_ms, grant.rotated_at_ms)
        last[grant.client_id] = max(used, last.get(grant.client_id, 0))
    registry = evidence.described_table(evidence.deployment.output("RegistryTable"))
    for client in evidence.clients:
        since = max(last.get(client.client_id, 0), client.grants_not_before_ms) / 1000
        # No client is older than the table that it is in.
        latest = max(since, registry["CreationDateTime"].timestamp())
        is_for_people = "authorization_code" in client.grant_types and not client.is_disabled
        if is_for_people and evidence.now - latest > _UNUSED:
            told = f"since {moment(since)}" if since else "as far as the stored grants show"
            yield warning(
                f"The client {client.client_id} was not used {told}",
                "The owner of an unused client may not notice its misuse.",
                f"{command('valet clients disable', client.client_id)}, and later {_delete(client)}",
            )


def look_impersonation(evidence: Evidence) -> Iterator[Finding]:
    for client in evidence.clients:
        if evidence.deployment.users.get(f"account#{client.client_id}", "account"):
            yield Finding(
                f"The client_id {client.client_id} is also the sub of an end-user",
                "A token that the client gets for itself passes for that end-user's (RFC 9700 section 4.15).",
                f"Register it anew, then {_delete(client)}",
            )


def look_first_party(evidence: Evidence) -> Iterator[Finding]:
    is_local = evidence.deployment.where.is_local
    for client in evidence.clients:
        is_asked = not all(is_remembered(uri, client, is_local=is_local) for uri in client.redirect_uris)
        if client.first_party and is_asked:
            yield warning(
                f"{client.client_id} is first-party, but end-users are asked for consent all the same",
                "Any program on the device can claim a loopback port or a private scheme, so Valet "
                "asks the end-user each time (RFC 8252 section 8.6).",
                _change(client, "--third-party"),
            )


def look_scopes(evidence: Evidence) -> Iterator[Finding]:
    issuer = evidence.deployment.issuer
    for scope in evidence.scopes.scopes.values():
        for reason in told(wrong_with_scope(scope, evidence.scopes), SCOPE):
            yield Finding(
                f"The scope {scope.name}: {reason}",
                "Tokens contain the scopes that it includes.",
                _how("scopes", scope.name),
            )
    for api in evidence.scopes.apis.values():
        for reason in told(wrong_with_api(api, evidence.scopes, issuer), API):
            mend = _how("apis", api.audience)
            yield Finding(f"The protected API {api.audience}: {reason}", "Its tokens depend on it.", mend)


def look_owners(evidence: Evidence) -> Iterator[Finding]:
    """Finds scopes that do not decide which API a token is for: those of no API, and the issuer's own in two APIs."""
    known, apis = evidence.scopes, evidence.scopes.apis.values()
    owned = frozenset[str]().union(*(api.scopes for api in apis))
    for name in sorted(known.scopes.keys() - ISSUERS_OWN):
        if not owned & set(closure([name], known)):
            yield warning(
                f"The scope {name} belongs to no protected API",
                "The issuer is the audience of a token with this scope alone.",
                _mend_of_nobodys(name, evidence),
            )
    sharing = {api.audience: sorted(api.scopes & ISSUERS_OWN) for api in apis if api.scopes & ISSUERS_OWN}
    if len(sharing) > 1:
        named = [(audience, " ".join(names)) for audience, names in sorted(sharing.items())]
        others = (command("valet apis change", audience, "--remove-scope", names) for audience, names in named[1:])
        yield Finding(
            "Scopes of the issuer belong to " + " and to ".join(f"{audience} ({names})" for audience, names in named),
            "No token is for two APIs, so a request for such scopes without an API's own is invalid_scope, "
            "even if the end-user only signs in (RFC 9700 section 2.3).",
            f"Remove them from all but one: {'; '.join(others)}",
        )


def look_audiences(evidence: Evidence) -> Iterator[Finding]:
    """Finds APIs of an earlier release that no request can name by `resource`. Their tokens are as good as before."""
    apis = evidence.scopes.apis
    for audience, api in sorted(apis.items()):
        if reason := refusal_of_audience(audience, (*apis, evidence.deployment.issuer)):
            yield warning(
                f"The audience {audience} of the API {api.name}: {reason}",
                "A client that names it by the parameter resource gets invalid_target; requests without it go on.",
                "Register the API again by the address that its clients call, with the options that "
                f"{command('valet apis add --help')} tells, move its scopes there, and let it expect that audience",
            )


def _mend_of_nobodys(name: str, evidence: Evidence) -> str:
    if not needs_scope(name, evidence.scopes, iter(evidence.clients)):
        return command("valet scopes delete", name)
    if len(evidence.scopes.apis) == 1:
        [audience] = evidence.scopes.apis
        return command("valet apis change", audience, "--add-scope", name)
    return (
        "Add it to the API that it belongs to: `valet apis list` lists the APIs, `valet apis change --help` tells how"
    )


def _change(client: Client, *options: str) -> str:
    return command("valet clients change", client.client_id, *options)


def _delete(client: Client) -> str:
    return command("valet clients delete", client.client_id)


def _how(noun: str, name: str) -> str:
    return f"Change {name} with the options that {command(f'valet {noun} change --help')} tells"


def _is_for_development(uri: str) -> bool:
    return uri.startswith(("http://127.0.0.1", "http://[::1]"))


CHECKS = (
    Check("clients.registration", look_registration),
    Check("clients.redirect-uris", look_redirect_uris),
    Check("clients.lifetimes", look_lifetimes),
    Check("clients.retry-window", look_retry_windows),
    Check("clients.secrets", look_secrets),
    Check("clients.pkce", look_pkce),
    Check("clients.unused", look_unused),
    Check("clients.impersonation", look_impersonation),
    Check("clients.first-party", look_first_party),
    Check("scopes.registration", look_scopes),
    Check("scopes.owners", look_owners),
    Check("apis.audiences", look_audiences),
)
