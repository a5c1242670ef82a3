"""Every endpoint, one row each: what template.yaml routes, and what holds for it in every table of the tests.

A new endpoint costs one row here and its events in events/. Every test that goes through all endpoints reads the rows.
"""

from dataclasses import dataclass
from typing import Literal

from valet.protocol.supported import GRANT_TYPES

_CLIENT_ERRORS = frozenset({"invalid_request", "invalid_client"})


@dataclass(frozen=True)
class Endpoint:
    """One path of the API."""

    path: str  # as the template routes it
    function: str  # its folder in functions/
    methods: str  # as Allow names them
    what: str  # in docs/reference.md
    counts: tuple[str, ...]  # the rows of tests/promises/counts/table.py that have its AWS calls
    readable_by: Literal["nobody", "anybody", "registered origins"] = "nobody"  # whose scripts (CORS)
    is_page: bool = False  # what it refuses it refuses with a page; else with JSON
    errors: frozenset[str] = frozenset({"invalid_request"})  # what its function's JSON may say
    announced_as: str = ""  # its member of the discovery documents
    is_optional: bool = False  # it is there, and announced, only where a parameter switches it on
    stores: tuple[str, ...] = ()  # the partitions that a stranger's request, whatever it says, may be kept in

    @property
    def logical_id(self) -> str:
        return logical_id(self.function)

    @property
    def example(self) -> str:
        """A path that is routed there."""
        return self.path.replace("{id}", "unknown").replace("{section}", "profile").replace("{provider}", "idp")


def logical_id(function: str) -> str:
    """The function's name in template.yaml."""
    return "".join(word.capitalize() for word in function.split("_")) + "Function"


ENDPOINTS = (
    Endpoint(
        "/authorize",
        "authorize",
        "GET, POST",
        "RFC 6749 §4.1.1, OpenID Connect Core §3.1.2: asks for login and consent, answers a code",
        (
            "authorize_stranger",
            "authorize_by_post",
            "authorize_to_consent",
            "authorize_remembered",
            "authorize_resumed",
            "authorize_half_way",
            "authorize_stepped_up",
            "authorize_pushed",
            "authorize_pushed_remembered",
            "authorize_pushed_by_post",
            "authorize_pushed_again",
            "authorize_told",
            "authorize_document",
            "authorize_known_document",
        ),
        is_page=True,
        announced_as="authorization_endpoint",
    ),
    Endpoint(
        "/login",
        "login",
        "GET, POST",
        "checks a password",
        ("login_page", "login", "login_again", "login_wrong"),
        is_page=True,
    ),
    Endpoint(
        "/login/passkey",
        "passkey",
        "POST",
        "WebAuthn Level 3 §7.2: checks what a passkey has signed",
        ("passkey", "passkey_refused"),
        is_page=True,
    ),
    Endpoint(
        "/login/second",
        "second",
        "GET, POST",
        "RFC 6238: checks a second factor or a recovery code",
        ("second_page", "second", "second_wrong", "second_recovery"),
        is_page=True,
    ),
    Endpoint(
        "/join",
        "ask",
        "GET, POST",
        "takes an address, and has a mail sent to it by which its owner makes an account",
        ("join_begun", "join_page", "join_asked", "join_throttled"),
        is_page=True,
        stores=("request#",),  # a visit of the account page
    ),
    Endpoint(
        "/join/confirm",
        "confirm",
        "GET, POST",
        "where the mail's link or code leads: makes an account",
        (
            "join_code",
            "join_code_wrong",
            "join_link",
            "joined",
            "joined_elsewhere",
            "joined_by_passkey",
            "joined_too_late",
        ),
        is_page=True,
    ),
    Endpoint(
        "/federate/{provider}/callback",
        "federate",
        "GET, POST",
        "OpenID Connect Core §3.1.2.5: what the browser brings back from another provider",
        (
            "federate_by_post",
            "federate_sign_in",
            "federate_new_account",
            "federate_linked",
            "federate_has_account",
            "federate_to_link",
            "federate_refused",
            "federate_denied",
        ),
        is_page=True,
    ),
    Endpoint(
        "/federate/{provider}",
        "federate",
        "GET, POST",
        "sends the browser to another provider, to sign in there",
        ("federate_begun",),
        is_page=True,
    ),
    Endpoint(
        "/recover",
        "ask",
        "GET, POST",
        "takes an address, and has a mail sent to it by which the account gets a new password",
        ("recover_asked",),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/recover/confirm",
        "confirm",
        "GET, POST",
        "where the mail's link or code leads: sets a new password",
        ("recover_link", "recovered", "recovered_without_password"),
        is_page=True,
    ),
    Endpoint(
        "/consent",
        "consent",
        "GET, POST",
        "asks what the client may do, by scope",
        (
            "consent_page",
            "consent",
            "consent_until_logout",
            "consent_not_remembered",
            "consent_denied",
            "consent_stranger",
        ),
        is_page=True,
    ),
    Endpoint(
        "/device_authorization",
        "device_authorization",
        "POST",
        "RFC 8628 §3.1: keeps what a device asks for, answers its two codes",
        ("device_asked",),
        errors=_CLIENT_ERRORS | {"invalid_scope", "invalid_target", "unauthorized_client", "temporarily_unavailable"},
        announced_as="device_authorization_endpoint",
        stores=("device_code#", "throttle#devices#"),
    ),
    Endpoint(
        "/device",
        "device",
        "GET, POST",
        "RFC 8628 §3.3: asks a person about the device whose code they type",
        ("device_stranger", "device_link", "device_typed", "device_guessed", "device_allowed", "device_denied"),
        is_page=True,
        stores=("request#",),  # the visit, which waits for a sign-in
    ),
    # RFC 9126 §2.3: what /token says of clients, and what /authorize says of requests
    Endpoint(
        "/par",
        "par",
        "POST",
        "RFC 9126: keeps an authorization request, answers its request_uri",
        ("push", "push_with_assertion", "push_with_proof", "push_hinted"),
        readable_by="registered origins",
        errors=_CLIENT_ERRORS
        | {"invalid_scope", "login_required", "registration_not_supported", "request_not_supported"}
        | {"unauthorized_client", "unmet_authentication_requirements", "unsupported_response_type"}
        | {"invalid_target", "invalid_dpop_proof", "use_dpop_nonce"},
        announced_as="pushed_authorization_request_endpoint",
    ),
    # RFC 6749 §5.2
    Endpoint(
        "/token",
        "token",
        "POST",
        "RFC 6749 §3.2: " + ", ".join(GRANT_TYPES),
        (
            "client_credentials",
            "client_credentials_with_proof",
            "code",
            "code_with_proof",
            "code_with_claims",
            "code_without_openid",
            "code_replayed",
            "refresh",
            "refresh_with_proof",
            "refresh_without_window",
            "refresh_retried",
            "renew",
            "renew_race_lost",
            "refresh_race_lost",
            "refresh_stolen",
            "refresh_soon",
            "refresh_too_often",
            "client_credentials_as_reference",
            "code_as_reference",
            "refresh_as_reference",
            "client_credentials_with_assertion",
            "client_credentials_with_published_keys",
            "code_with_assertion",
            "refresh_with_assertion",
            "poll_pending",
            "poll_too_fast",
            "poll_denied",
            "poll_expired",
            "poll",
            "code_of_document",
        ),
        readable_by="registered origins",
        errors=_CLIENT_ERRORS
        | {"invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
        | {"invalid_target", "invalid_dpop_proof", "use_dpop_nonce"}
        | {"authorization_pending", "slow_down", "expired_token", "access_denied"},
        announced_as="token_endpoint",
    ),
    # RFC 7591 §3.2.2
    Endpoint(
        "/register",
        "register",
        "POST",
        "RFC 7591: a client registers itself",
        ("register", "register_invited", "register_refused"),
        readable_by="anybody",
        errors=frozenset({"invalid_request", "invalid_client_metadata", "invalid_redirect_uri", "invalid_token"})
        | {"unapproved_software_statement", "not_found"},
        announced_as="registration_endpoint",
        is_optional=True,
        stores=("dynamic#",),
    ),
    # RFC 7009 §2.2.1
    Endpoint(
        "/revoke",
        "revoke",
        "POST",
        "RFC 7009",
        ("revoke_refresh_token", "revoke_access_token", "revoke_reference", "revoke_with_assertion"),
        readable_by="registered origins",
        errors=_CLIENT_ERRORS | {"unsupported_token_type"},
        announced_as="revocation_endpoint",
    ),
    # RFC 7662 §2.3
    Endpoint(
        "/introspect",
        "introspect",
        "POST",
        "RFC 7662",
        (
            "introspect_access_token",
            "introspect_clients_own_token",
            "introspect_refresh_token",
            "introspect_reference",
            "introspect_unknown_reference",
            "introspect_with_assertion",
        ),
        errors=_CLIENT_ERRORS,
        announced_as="introspection_endpoint",
    ),
    # RFC 6750 §3.1
    Endpoint(
        "/userinfo",
        "userinfo",
        "GET, POST",
        "OpenID Connect Core §5.3",
        ("userinfo", "userinfo_with_claims", "userinfo_with_proof", "userinfo_with_reference"),
        readable_by="registered origins",
        errors=frozenset({"invalid_request", "invalid_token", "insufficient_scope", "invalid_dpop_proof"}),
        announced_as="userinfo_endpoint",
    ),
    Endpoint(
        "/logout",
        "logout",
        "GET, POST",
        "OpenID Connect RP-Initiated Logout",
        ("logout",),
        is_page=True,
        announced_as="end_session_endpoint",
    ),
    Endpoint(
        "/undo",
        "confirm",
        "GET, POST",
        'takes an account back by the link of a notice: "this was not me"',
        ("undo_page", "undo", "undo_of_address"),
        is_page=True,
    ),
    Endpoint(
        "/account",
        "account",
        "GET, POST",
        "where an end-user looks after their account",
        ("account_stranger", "account_overview"),
        is_page=True,
        stores=("request#",),  # the visit, which waits for a sign-in
    ),
    Endpoint(
        "/account/password",
        "credentials",
        "GET, POST",
        "sets a new password",
        ("password_page", "password_changed", "password_refused"),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/account/email",
        "credentials",
        "GET, POST",
        "proves an address by a code, or changes it",
        ("email_page", "email_code_sent", "email_changed", "email_proven"),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/account/passkeys",
        "credentials",
        "GET, POST",
        "WebAuthn Level 3 §7.1: makes, names and removes passkeys",
        (
            "passkeys_page",
            "first_means_sent",
            "first_means_proven",
            "first_passkey_added",
            "passkey_added",
            "passkey_removed",
        ),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/account/providers",
        "credentials",
        "GET, POST",
        "links identities at other providers, and removes them",
        ("providers_page", "provider_begun", "provider_linked", "provider_removed"),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/account/second",
        "credentials",
        "GET, POST",
        "RFC 6238: adds, changes and removes a second factor",
        ("second_section", "second_added", "second_removed"),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/account/recovery",
        "credentials",
        "GET, POST",
        "makes recovery codes",
        ("recovery_section", "recovery_made"),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/account/{section}",
        "account",
        "GET, POST",
        "one section of it",
        (
            "account_sessions",
            "account_apps",
            "account_profile",
            "account_end_session",
            "account_sign_out_everywhere",
            "account_revoke",
            "account_download",
            "account_delete",
            "account_deleted",
        ),
        is_page=True,
        stores=("request#",),
    ),
    Endpoint(
        "/.well-known/jwks.json",
        "jwks",
        "GET",
        "RFC 7517: the keys that verify tokens",
        ("jwks",),
        readable_by="anybody",
        announced_as="jwks_uri",
    ),
    Endpoint(
        "/.well-known/openid-configuration",
        "metadata",
        "GET",
        "OpenID Connect Discovery",
        ("metadata",),
        readable_by="anybody",
    ),
    Endpoint(
        "/.well-known/oauth-authorization-server",
        "metadata",
        "GET",
        "RFC 8414",
        ("metadata",),
        readable_by="anybody",
    ),
    Endpoint(
        "/status-lists",
        "status_list",
        "GET",
        "Token Status List §9.3: the addresses of all lists",
        ("status_lists",),
        readable_by="anybody",
        errors=frozenset({"invalid_request", "not_found"}),
        announced_as="status_list_aggregation_endpoint",
    ),
    Endpoint(
        "/status-lists/{id}",
        "status_list",
        "GET",
        "Token Status List §8: one list, signed",
        ("status_list",),
        readable_by="anybody",
        errors=frozenset({"invalid_request", "not_found"}),
    ),
)
PATHS = tuple(each.example for each in ENDPOINTS)
# Functions that no path of this API leads to: schedules, queues, and the demo, which is an API of its own.
OTHER_FUNCTIONS = (
    *("rotate_keys", "fetch_client_keys", "fetch", "finish", "notify_clients", "mailer", "authorizer", "demo_api"),
)
# Of the authorizer's template, which is nested into the stack of an API.
NESTED_FUNCTIONS = ("resource_metadata",)
FUNCTIONS = {logical_id(name): name for name in (*(each.function for each in ENDPOINTS), *OTHER_FUNCTIONS)}


def endpoint_at(path: str) -> Endpoint:
    """The endpoint that a request's path is routed to. A variable may hold a slash: API Gateway decodes %2F."""
    for each in ENDPOINTS:
        before, variable, rest = each.path.partition("{")
        if path == each.path or (variable and path.startswith(before) and path.endswith(rest.partition("}")[2])):
            return each
    raise LookupError(path)


def with_method(method: str) -> tuple[Endpoint, ...]:
    return tuple(each for each in ENDPOINTS if method in each.methods.split(", "))


def readable_by(whom: str) -> tuple[str, ...]:
    return tuple(each.example for each in ENDPOINTS if each.readable_by == whom)
