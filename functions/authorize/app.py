"""GET, POST /authorize: begin or go on with an authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2).

Login and consent lead back here with the handle of the saved request, so that what comes next is decided in one place.
"""

from dataclasses import replace

from valet.endpoint import endpoint, refused_by_page, refused_to
from valet.errors import InvalidScope, LoginRequired, OAuthError
from valet.front_channel.code import issue_code
from valet.front_channel.interaction import Step, next_step
from valet.front_channel.saved_requests import AlreadyAnswered, Saved, find_to_resume, save_request
from valet.handles import grant_id_of, new_handle, new_id
from valet.http import Parameters, Request, Response, redirect
from valet.models.saved_requests import AuthorizationRequest
from valet.people.cookies import browser_secret
from valet.people.sessions import current_session
from valet.protocol.authorization_request import (
    Destination,
    destination_of,
    find_destination,
    parse_authorization_request,
)
from valet.protocol.scope import registered_names
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server
from valet.standing import session_stands


def authorize(request: Request, server: Server) -> Response:
    # What is malformed is told to the client, once it is known which (RFC 6749 §4.1.2.1).
    read = request.form if request.method == "POST" else request.query
    parameters = read(tolerates_malformed=True)
    if request.method != "POST" and "client_id" not in parameters and "resume" in parameters:
        return _resume(request, parameters["resume"], server)
    destination = find_destination(parameters, server.registry, request.issuer)
    try:
        asked = parse_authorization_request(parameters, destination, server.registry.scopes())
        asked = replace(asked, hinted_sub=_hinted_sub(parameters, asked.prompt, request, server))
        if request.method == "POST":
            # A form of another site carries no cookies of ours (SameSite=Lax): go on with a GET, which does.
            return _to_get(asked, request.issuer, server)
        return _go_on(request, asked, destination, None, server)
    except InvalidScope as error:
        names = registered_names(parameters, server.registry.scopes())
        server.audit.record("scope.refused", client_id=destination.client.client_id, scope=names)
        return destination.refuse(error)
    except OAuthError as error:
        return refused_to(destination, error)


def _resume(request: Request, handle: str, server: Server) -> Response:
    """Go on after a login, or with a request that came by POST."""
    saved, is_bound = find_to_resume(handle, request, server.cookies, server.saved_requests, server.clock())
    destination = destination_of(saved.request, server.registry, request.issuer)
    try:
        return _go_on(request, saved.request, destination, saved if is_bound else None, server)
    except OAuthError as error:
        return refused_to(destination, error)


def _go_on(
    request: Request, asked: AuthorizationRequest, destination: Destination, saved: Saved | None, server: Server
) -> Response:
    """The code, or what has to come before it."""
    now = server.clock()
    asked_at_ms = saved.created_at_ms if saved else int(now * 1000)
    session = current_session(request, server.cookies, server.sessions, server.settings, now)
    if session is not None and not session_stands(session, server.accounts.find_account(session.sub)):
        session = None
    consent = server.consents.find_consent(session.sub, asked.client_id) if session else None
    step = next_step(asked, destination.client, session, consent, asked_at_ms, now)
    if step is Step.ISSUE and session is not None:
        grant_id = grant_id_of(saved.handle) if saved else new_id(server.random)
        code = issue_code(server, asked, destination.client, session, grant_id, now)
        if code is None:
            return refused_by_page(AlreadyAnswered(asked.client_id), request, server)
        server.audit.record("code.issued", client_id=asked.client_id, sub=session.sub, grant_id=code.grant_id)
        return destination.answer({"code": str(code)})
    cookies: tuple[str, ...] = ()
    if saved is None:
        browser = browser_secret(request, server.cookies)
        if browser is None:
            browser = new_handle(server.random)
            cookies = (server.cookies.set_browser(browser),)
        saved = save_request(
            asked, browser, server.saved_requests, server.settings, server.random, created_at_ms=asked_at_ms
        )
    return redirect(f"{request.issuer}/{step.value}?request={saved.handle}").with_cookies(*cookies)


def _to_get(asked: AuthorizationRequest, issuer: str, server: Server) -> Response:
    now_ms = int(server.clock() * 1000)
    saved = save_request(asked, None, server.saved_requests, server.settings, server.random, created_at_ms=now_ms)
    return redirect(f"{issuer}/authorize?resume={saved.handle}")


def _hinted_sub(parameters: Parameters, prompt: frozenset[str], request: Request, server: Server) -> str | None:
    """Whom the client expects (OpenID Connect Core §3.1.2.1).

    None where a hint does not verify: keys go, and a client may hold an ID token for months. Who wants no page shown is
    then told that the end-user has to sign in, since nobody can say any more who was meant.
    """
    if "id_token_hint" not in parameters:
        return None
    # Few clients send one: PyJWT is imported for who does (see tokens/verify.py).
    from valet.tokens.verify import verify_id_token_hint

    hint = verify_id_token_hint(parameters["id_token_hint"], request.issuer, server.registry.signing_keys())
    if hint is None and "none" in prompt:
        raise LoginRequired("The id_token_hint is not an ID token of this server, or no longer.")
    return hint.sub if hint else None


handler = endpoint(authorize, "GET", "POST", server=SERVER, refuse=refuse_as_page)
