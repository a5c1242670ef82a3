"""The step that an authorization request needs before its code: a login, a consent, or none (OpenID Connect Core
§3.1.2.3 and §3.1.2.4).
"""

from collections.abc import Collection
from enum import Enum

from valet.errors import ConsentRequired, LoginRequired, UnmetAuthenticationRequirements
from valet.frozen import Frozen
from valet.models.accounts import Consent
from valet.models.clients import Client
from valet.models.providers import LOCAL
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.protocol.claims import consent_scope
from valet.protocol.redirect_uri import is_loopback, is_remembered_for
from valet.protocol.supported import ACR_VALUES, CREATE, MULTI_FACTOR_ACR, PASSKEY_ACR, rank, reaches
from valet.standing import has_reached

_SIGN_IN = "The end-user is not signed in, or has to sign in again."
_NOT_FRESH = (
    "The provider that the end-user signed in with did not say that the sign-in is as recent as the request asks."
)


class Step(Enum):
    LOGIN = "login"
    JOIN = "join"  # in its place, for an end-user who is to make an account
    SECOND = "login/second"  # the end-user has shown one factor, and has a second one
    ENROL = "account"  # the end-user lacks the means for a level that the operator requires
    CONSENT = "consent"
    ISSUE = "issue"


class Level(Frozen):
    """What a sign-in for a request has to be (RFC 9470 §5)."""

    required: str = ""  # the least `acr`; empty: any
    own: str = ""  # the least `acr` that the account itself wants; a browser that was remembered is enough for it
    enough: tuple[str, ...] = ACR_VALUES  # those that the end-user can reach and that are enough, the lowest first
    ways: frozenset[str] = frozenset()  # providers, and LOCAL: one of them the sign-in has to be by; empty: any
    best: str = ""  # the highest that the end-user can reach
    enrol: str = ""  # the section of the account page where the end-user can get the means for one that is enough
    totp_id: str = ""  # of the account's second factor
    can_recover: bool = False  # the account has recovery codes


_ANY = Level()
_FRESH = 300  # seconds that a sign-in is enough for enrolling; account_visit.FRESH


def needs_login(
    request: AuthorizationRequest, session: Session | None, asked_at_ms: int, now: float, level: Level = _ANY
) -> bool:
    """Whether the end-user has to sign in (again) for a request that was made at `asked_at_ms`.

    A login after the request satisfies prompt=login and max_age, so the way back from it neither loops nor can be
    skipped.
    """
    if session is None or not _is_meant(request, session) or not _is_enough(request, session, level):
        return True
    return _asks_again(request, session, asked_at_ms, now)


def acr_to_reach(request: AuthorizationRequest, session: Session | None, level: Level) -> str:
    """The level to ask an end-user for who is signed in, but not well enough; empty: any."""
    if session is None or not _is_meant(request, session) or _has_acr(request, session, level):
        return ""
    lowest = level.enough[0] if level.enough else ""
    # Any first factor will do before a second one, and a passkey instead of both, if the request takes that.
    return "" if lowest == MULTI_FACTOR_ACR and PASSKEY_ACR in level.enough else lowest


def _before_enrolling(session: Session, level: Level, now: float) -> Step:
    """To make the means for a level takes a fresh sign-in of the best level that there are means for."""
    if now - session.auth_time > _FRESH:
        return Step.LOGIN
    if reaches(session.acr, level.best):
        return Step.ENROL
    return Step.SECOND if _needs_second(session, (level.best,), level) else Step.LOGIN


def _asks_again(request: AuthorizationRequest, session: Session, asked_at_ms: int, now: float) -> bool:
    """Whether the request wants a sign-in that is newer than the session's (OpenID Connect Core §3.1.2.1). One whose
    time nobody knows is not new enough for any such request.
    """
    is_known = not session.is_time_unknown
    if is_known and session.auth_time_ms >= asked_at_ms:
        return False
    if request.prompt & {"login", "select_account", CREATE}:
        return True
    return request.max_age is not None and not (is_known and now - session.auth_time <= request.max_age)


def step_to_show(
    step: Step, request: AuthorizationRequest, session: Session | None, asked_at_ms: int, level: Level
) -> tuple[Step, str]:
    """The step in whose page the next one begins; and the level to ask an end-user for who is signed in, but not well
    enough (empty: any), or the section of the account page where they get the means for it.

    Where the client asks for a new account, that takes the place of a sign-in (OpenID Connect Prompt Create §4.1). Not
    after a sign-in for this very request: the end-user has joined, or had an account after all.
    """
    if step is not Step.LOGIN:
        return step, level.enrol if step is Step.ENROL else ""
    if CREATE in request.prompt and (session is None or session.auth_time_ms < asked_at_ms):
        return Step.JOIN, ""
    return step, acr_to_reach(request, session, level)


def _is_meant(request: AuthorizationRequest, session: Session) -> bool:
    """Whether it is the end-user that the client named (OpenID Connect Core §3.1.2.2)."""
    if request.hinted_sub is not None and request.hinted_sub != session.sub:
        return False
    return not request.subs or session.sub in request.subs


def _is_enough(request: AuthorizationRequest, session: Session, level: Level) -> bool:
    """Whether the session is by a way that the client takes, and of the levels that are required."""
    return _has_acr(request, session, level) and _is_by_way(session, level)


def _is_by_way(session: Session, level: Level) -> bool:
    return not level.ways or (session.link.partition("#")[0] or LOCAL) in level.ways


def _has_acr(request: AuthorizationRequest, session: Session, level: Level) -> bool:
    """Whether the session is of the level that is required, and of one that the client called essential."""
    if not has_reached(session, level.required, level.own, level.totp_id):
        return False
    return not request.acr_values or session.acr in request.acr_values


def _needs_second(session: Session, enough: Collection[str], level: Level) -> bool:
    """Whether a second factor is what this session lacks. It is never asked for after a passkey."""
    if session.is_by_mail:  # which a recovery code makes good for a new passkey
        return level.can_recover and not session.is_recovered
    return rank(session.acr) == 0 and MULTI_FACTOR_ACR in enough and _is_by_way(session, level)


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

    Nobody vouches that an unknown client's key is in one place, so its key does not count.

    The local stack treats a single-page app on a loopback address as its deployment treats it on https. Otherwise the
    developer could not try silent renewal. `is_local` comes from the issuer: no deployment's can be plain http.
    """
    if is_remembered_for(redirect_uri) or (client.is_confidential and not client.is_unknown):
        return True
    return is_local and client.application_type == "browser" and is_loopback(redirect_uri)


def _refuse_in_vain(
    request: AuthorizationRequest, session: Session, level: Level, asked_at_ms: int, now: float, *, is_new: bool
) -> None:
    """After a sign-in for this very request, raise LoginRequired where another one would come to the same. Otherwise
    the redirects could loop: an app may hold the ID token of a deleted account, as which no end-user can sign in any
    more; and a provider that has a session of the end-user sends them back at once.
    """
    if not _is_meant(request, session) and (is_new or session.auth_time_ms >= asked_at_ms):
        raise LoginRequired("The end-user signed in as another than the id_token_hint or the claims name.")
    is_all_it_can_be = _is_enough(request, session, level) or _needs_second(session, level.enough, level)
    if is_new and is_all_it_can_be and _asks_again(request, session, asked_at_ms, now):
        raise LoginRequired(_NOT_FRESH)


def _to_sign_in(
    request: AuthorizationRequest, session: Session | None, asked_at_ms: int, now: float, level: Level
) -> Step:
    """The step by which an end-user reaches what the request needs."""
    asks_anyway = session is None or _asks_again(request, session, asked_at_ms, now)
    # Another end-user may sign in if the request asks for a sign-in anyway, and may reach more than this one.
    if not level.enough and (session is None or not asks_anyway):
        if session is not None and level.enrol:
            return _before_enrolling(session, level, now)
        raise UnmetAuthenticationRequirements(
            "The end-user cannot sign in with an acr that the request or the registration requires."
        )
    if session is None or asks_anyway:
        return Step.LOGIN
    return Step.SECOND if _needs_second(session, level.enough, level) else Step.LOGIN


def next_step(
    request: AuthorizationRequest,
    client: Client,
    session: Session | None,
    consent: Consent | None,
    asked_at_ms: int,
    now: float,
    *,
    is_local: bool = False,
    level: Level = _ANY,
    is_new: bool = False,
) -> Step:
    """The next step. `is_new`: another provider's word has opened the session for this request a moment ago.

    Raises LoginRequired or ConsentRequired where prompt=none forbids it, and LoginRequired also where a new sign-in by
    another provider is not as recent as the request asks: a second trip would tell nothing else. Raises
    UnmetAuthenticationRequirements where no sign-in would be enough.
    """
    if needs_login(request, session, asked_at_ms, now, level):
        if "none" in request.prompt:
            raise LoginRequired(_SIGN_IN)
        if session is not None:
            _refuse_in_vain(request, session, level, asked_at_ms, now, is_new=is_new)
            if not _is_meant(request, session):
                return Step.LOGIN
        return _to_sign_in(request, session, asked_at_ms, now, level)
    if needs_consent(request, client, consent, is_local=is_local):
        if "none" in request.prompt:
            if request.subs:
                # The client named an end-user. The answer is the one that it gets for any other end-user: a client to
                # which they have allowed nothing must not learn who is signed in.
                raise LoginRequired(_SIGN_IN)
            raise ConsentRequired("The end-user has to be asked first.")
        return Step.CONSENT
    return Step.ISSUE
