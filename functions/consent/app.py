"""GET, POST /consent: what the end-user allows a client, by scope, in words (OpenID Connect Core §3.1.2.4)."""

from contextlib import suppress
from dataclasses import replace

from valet import pages
from valet.endpoint import endpoint, refused_to
from valet.errors import AccessDenied, InvalidRequest, InvalidScope, OAuthError, TemporarilyUnavailable
from valet.front_channel.code import issue_code
from valet.front_channel.consent import remaining_scope, remember
from valet.front_channel.forms import csrf_token, is_csrf_token
from valet.front_channel.interaction import needs_login
from valet.front_channel.saved_requests import AlreadyAnswered, Saved, require_saved
from valet.handles import grant_id_of
from valet.http import Request, Response, page, redirect
from valet.models.accounts import Account
from valet.models.sessions import Session
from valet.people.cookies import session_secret
from valet.people.sessions import current_session
from valet.protocol.authorization_request import Destination, destination_of
from valet.protocol.redirect_uri import destination as destination_in_words
from valet.protocol.scope import in_reading_order
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server
from valet.standing import session_stands


def consent(request: Request, server: Server) -> Response:
    now = server.clock()
    parameters = request.form() if request.method == "POST" else request.query()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, now)
    destination = destination_of(saved.request, server.registry, request.issuer)
    session = current_session(request, server.cookies, server.sessions, server.settings, now)
    if session is None or needs_login(saved.request, session, saved.created_at_ms, now):
        return redirect(f"{request.issuer}/authorize?resume={saved.handle}")
    account = server.accounts.find_account(session.sub)
    if not session_stands(session, account):
        return redirect(f"{request.issuer}/authorize?resume={saved.handle}")
    try:
        scope = remaining_scope(saved.request.scope, destination.client, server.registry.scopes())
    except InvalidScope as error:
        return refused_to(destination, error)
    # The page, the grant and what is remembered are of one scope, also where a registration changes in between.
    saved = replace(saved, request=replace(saved.request, scope=scope))
    secret = session_secret(request, server.cookies) or ""  # current_session has found it
    shown = f"{saved.handle} {' '.join(sorted(scope))}"
    if request.method != "POST":
        return _form(saved, destination, account, csrf_token(secret, shown), server)
    if not is_csrf_token(parameters.get("csrf_token", ""), secret, shown):
        why = "This form was not made for this session, or the application may ask for something else by now."
        raise InvalidRequest(why, client_id=saved.request.client_id)
    if parameters.require("decision") != "allow":
        server.audit.record("consent.denied", client_id=saved.request.client_id, sub=session.sub)
        return destination.refuse(AccessDenied("The end-user denied the request."))
    return _allow(saved, destination, session, server)


def _allow(saved: Saved, destination: Destination, session: Session, server: Server) -> Response:
    """The grant is built from the saved request, never from the form."""
    try:
        grant_id = grant_id_of(saved.handle)
        code = issue_code(server, saved.request, destination.client, session, grant_id, server.clock())
    except OAuthError as error:
        return refused_to(destination, error)
    if code is None:
        raise AlreadyAnswered(saved.request.client_id)
    with suppress(TemporarilyUnavailable):  # the code is issued; who is not remembered is asked again
        remember(saved.request, destination.client, session.sub, server.consents, server.clock())
    facts = {"client_id": saved.request.client_id, "sub": session.sub, "grant_id": code.grant_id}
    server.audit.record("consent.granted", **facts, scope=" ".join(saved.request.scope))
    server.audit.record("code.issued", **facts)
    return destination.answer({"code": str(code)})


def _form(saved: Saved, destination: Destination, account: Account | None, token: str, server: Server) -> Response:
    known = server.registry.scopes().scopes
    html = pages.consent(
        action="/consent",
        request_handle=saved.handle,
        csrf_token=token,
        client_name=destination.client.client_name,
        owner=destination.client.owner,
        answer_host=destination_in_words(saved.request.redirect_uri),
        username=account.username if account else "",
        scopes=[(name, known[name].description) for name in in_reading_order(saved.request.scope)],
        switch_account=f"/login?request={saved.handle}",
    )
    targets = ("'self'", pages.form_action_source(destination.redirect_uri))
    return page(200, html, pages.content_security_policy(targets))


handler = endpoint(consent, "GET", "POST", server=SERVER, refuse=refuse_as_page)
