"""Every refusal that Valet answers (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, OpenID Connect Core §3.1.2.6).

OAuthError
├── InvalidRequest            malformed, repeated or missing parameters
├── InvalidClient             the client could not be authenticated: 401
├── InvalidDpopProof          the DPoP proof is not good, or was used before (RFC 9449 §5)
├── UseDpopNonce              the DPoP proof needs the nonce that the answer brings (RFC 9449 §8)
├── InvalidGrant              the code or refresh token is not good
├── UnauthorizedClient        this client may not use this grant type
├── UnsupportedGrantType
├── UnsupportedResponseType
├── InvalidScope
├── InvalidTarget             the resource is no API that this client or this grant may have (RFC 8707 §2)
├── AccessDenied              the end-user said no
│   ├── UpstreamRefused       another provider did not say who the end-user is
│   └── DeviceElsewhere       a device in another network than its person: 403
├── AuthorizationPending · SlowDown · ExpiredToken      a device polls (RFC 8628 §3.5)
├── LoginRequired · ConsentRequired      prompt=none
├── UnmetAuthenticationRequirements      an essential acr that no sign-in here has
├── RequestNotSupported · RequestUriNotSupported · RegistrationNotSupported
├── InvalidRequestUri         no such pushed request for this client, no longer, or it was used (RFC 9126 §4)
├── InvalidToken              401 with a challenge (RFC 6750, RFC 9449 §7.1)
├── InsufficientScope         403 with a challenge
├── ServerError               500, logged with its request id
└── TemporarilyUnavailable    503; the client may try the same request again
    ├── SigningFailed         KMS did not sign
    └── TooManyRequests       429; this grant or this person, not the server, has had enough for the moment
InvalidClientMetadata · InvalidRedirectUri · UnapprovedSoftwareStatement      of /register (RFC 7591 §3.2.2)
NotFound · MethodNotAllowed · TooLarge     what HTTP says by itself

*Where* an error is caught decides what it becomes: JSON, a page, a redirect or a challenge.
"""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

# RFC 6749 §5.2: the characters that error_description may hold.
_ALLOWED = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
_FORBIDDEN = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_MOST_QUOTED = 5  # values
_LONGEST_QUOTED = 64  # characters


def quoted(*values: str) -> str:
    """Values that a client sent, as a description and a line of the log may quote them: few, short, and without
    characters that RFC 6749 §5.2 forbids. Never pass a secret.
    """
    cut = [value[:_LONGEST_QUOTED] + "..." * (len(value) > _LONGEST_QUOTED) for value in values[:_MOST_QUOTED]]
    more = len(values) - len(cut)
    return _FORBIDDEN.sub("?", ", ".join(cut)) + (f" and {more} more" if more else "")


class OAuthError(Exception):
    """A refusal in the specifications' words.

    `description` is for the client's developer and is answered; `detail` and `client_id` (of a registered client) are
    for our log and never answered. None of them may hold a secret.
    """

    error: ClassVar[str] = "server_error"
    status: ClassVar[int] = 400

    def __init__(
        self, description: str, *, detail: str = "", client_id: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        if not _ALLOWED.fullmatch(description):
            raise ValueError("an error_description has a character that RFC 6749 §5.2 forbids")
        super().__init__(description)
        self.description = description
        self.detail = detail
        self.client_id = client_id
        self.headers = dict(headers or {})
        self.cookies: tuple[str, ...] = ()  # that the refusal sets, whatever form it takes


class InvalidRequest(OAuthError):
    error = "invalid_request"


class InvalidClient(OAuthError):
    error = "invalid_client"
    status = 401


class InvalidDpopProof(OAuthError):
    error = "invalid_dpop_proof"


class UseDpopNonce(OAuthError):
    error = "use_dpop_nonce"


class InvalidGrant(OAuthError):
    error = "invalid_grant"


class UnauthorizedClient(OAuthError):
    error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    error = "unsupported_response_type"


class InvalidScope(OAuthError):
    """`scope` has the names at fault, as the log may quote them."""

    error = "invalid_scope"

    def __init__(self, description: str, *, names: Iterable[str] = ()) -> None:
        super().__init__(description)
        self.scope = quoted(*names)


class InvalidTarget(OAuthError):
    """`resource` has the values at fault, as the log may quote them."""

    error = "invalid_target"

    def __init__(self, description: str, *, resources: Iterable[str] = ()) -> None:
        super().__init__(description)
        self.resource = quoted(*resources)


class AccessDenied(OAuthError):
    error = "access_denied"


class UpstreamRefused(AccessDenied):
    """Another provider refused, or its answer is not good. `detail` is for the log: it never holds an address."""

    def __init__(self, detail: str) -> None:
        super().__init__("The other provider did not say who the end-user is.", detail=detail)


class DeviceElsewhere(AccessDenied):
    """A device is in another network than its person, which its client's registration refuses (RFC 8628 §5.4)."""

    status = 403

    def __init__(self, client_id: str) -> None:
        super().__init__(
            "The device is in another network than the end-user.",
            detail="the registration takes devices in the end-user's own network only",
            client_id=client_id,
        )


class AuthorizationPending(OAuthError):
    """RFC 8628 §3.5: the person has not answered yet, and the device goes on polling."""

    error = "authorization_pending"


class SlowDown(OAuthError):
    """RFC 8628 §3.5: the device polls too often, and waits five seconds longer from now on."""

    error = "slow_down"


class ExpiredToken(OAuthError):
    """RFC 8628 §3.5: the device code has expired, and the device asks for a new one."""

    error = "expired_token"


class LoginRequired(OAuthError):
    error = "login_required"


class ConsentRequired(OAuthError):
    error = "consent_required"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0, §1."""

    error = "unmet_authentication_requirements"


class RequestNotSupported(OAuthError):
    error = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    error = "request_uri_not_supported"


class InvalidRequestUri(OAuthError):
    """OpenID Connect Core §3.1.2.6, RFC 9101 §7."""

    error = "invalid_request_uri"


class RegistrationNotSupported(OAuthError):
    error = "registration_not_supported"


class InvalidToken(OAuthError):
    error = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    error = "insufficient_scope"
    status = 403


class ServerError(OAuthError):
    error = "server_error"
    status = 500


class TemporarilyUnavailable(OAuthError):
    """Nothing was decided: the client may send the same request again, after `retry_after` seconds."""

    error = "temporarily_unavailable"
    status = 503

    def __init__(self, description: str = "Please try again.", *, detail: str = "", retry_after: int = 1) -> None:
        super().__init__(description, detail=detail, headers={"Retry-After": str(retry_after)})


class SigningFailed(TemporarilyUnavailable):
    """KMS was throttled or unreachable, or the key is disabled or denied."""


class TooManyRequests(TemporarilyUnavailable):
    """One grant or one person asked too often (RFC 6585 §4). It is not a 5xx, because the server works, also for
    everybody else.
    """

    status = 429


class InvalidClientMetadata(OAuthError):
    """RFC 7591 §3.2.2."""

    error = "invalid_client_metadata"


class InvalidRedirectUri(OAuthError):
    """RFC 7591 §3.2.2."""

    error = "invalid_redirect_uri"


class UnapprovedSoftwareStatement(OAuthError):
    """RFC 7591 §3.2.2."""

    error = "unapproved_software_statement"


class NotFound(OAuthError):
    error = "not_found"
    status = 404


class MethodNotAllowed(OAuthError):
    """RFC 9110 §15.5.6: `Allow` names the methods that the path accepts."""

    error = "invalid_request"
    status = 405

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"This endpoint takes {' and '.join(allowed)} only.", headers={"Allow": ", ".join(allowed)})


class TooLarge(OAuthError):
    error = "invalid_request"
    status = 413
