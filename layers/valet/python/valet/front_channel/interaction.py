"""The step that an authorization request needs before its code: a login, a consent, or none (OpenID Connect Core
§3.1.2.3 and §3.1.2.4).
"""

from enum import Enum

from valet.errors import ConsentRequired, LoginRequired, UnmetAuthenticationRequirements
from valet.models.accounts import Consent
from valet.models.clients import Client
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.protocol.claims import consent_scope
from valet.protocol.redirect_uri import is_loopback, is_remembered_for

_SIGN_IN = "The end-user is not signed in, or has to sign in again."


class Step(Enum):
    LOGIN = "login"
    CONSENT = "consent"
    ISSUE = "issue"


def needs_login(request: AuthorizationRequest, session: Session | None, asked_at_ms: int, now: float) -> bool:
    """Whether the end-user has to sign in (again) for a request that was made at `asked_at_ms`.

    A login after the request satisfies prompt=login and max_age, so the way back from it neither loops nor can be
    skipped.
    """
    if session is None or not _is_meant(request, session):
        return True
    if session.auth_time_ms >= asked_at_ms:
        return False
    if request.prompt & {"login", "select_account"}:
        return True
    return request.max_age is not None and now - session.auth_time > request.max_age


def _is_meant(request: AuthorizationRequest, session: Session) -> bool:
    """Whether it is the end-user, and the kind of sign-in, that the client named (OpenID Connect Core §3.1.2.2)."""
    if request.hinted_sub is not None and request.hinted_sub != session.sub:
        return False
    if request.subs and session.sub not in request.subs:
        return False
    return not request.acr_values or session.acr in request.acr_values


def needs_consent(request: AuthorizationRequest, client: Client, consent: Consent | None, *, is_local: bool) -> bool:
    """Whether the end-user has to be asked. `is_local`: the issuer is the local stack's."""
    if "consent" in request.prompt or not is_remembered(request.redirect_uri, client, is_local=is_local):
        return True
    if client.first_party:
        return False
    return consent is None or not consent_scope(request) <= consent.scope


def is_remembered(redirect_uri: str, client: Client, *, is_local: bool) -> bool:
    """Whether a consent may replace the next one, and an operator's word a consent: only if no other program than the
    client can receive the answer. Any program can listen on a loopback port or a private scheme (RFC 8252 §8.6).

    The local stack treats a single-page app on a loopback address as its deployment treats it on https. Otherwise the
    developer could not try silent renewal. `is_local` comes from the issuer: no deployment's can be plain http.
    """
    if client.is_confidential or is_remembered_for(redirect_uri):
        return True
    return is_local and client.application_type == "browser" and is_loopback(redirect_uri)


def next_step(
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    consent: Consent | None,
    asked_at_ms: int,
    now: float,
    *,
    is_local: bool = False,
) -> Step:
    """The next step. Raises LoginRequired or ConsentRequired where prompt=none forbids it."""
    if needs_login(request, session, asked_at_ms, now):
        if "none" in request.prompt:
            raise LoginRequired(_SIGN_IN)
        if session is not None and session.auth_time_ms >= asked_at_ms:
            # After a sign-in for this very request, ignore the hint. Otherwise the redirects could loop: an app may
            # hold the ID token of a deleted account, as which no end-user can sign in any more.
            if request.acr_values and session.acr not in request.acr_values:
                raise UnmetAuthenticationRequirements("No sign-in has an acr that the parameter claims requires.")
            raise LoginRequired("The end-user signed in as another than the id_token_hint or the claims name.")
        return Step.LOGIN
    if needs_consent(request, client, consent, is_local=is_local):
        if "none" in request.prompt:
            if request.subs:
                # The client named an end-user. The answer is the one that it gets for any other end-user: a client to
                # which they have allowed nothing must not learn who is signed in.
                raise LoginRequired(_SIGN_IN)
            raise ConsentRequired("The end-user has to be asked first.")
        return Step.CONSENT
    return Step.ISSUE
