"""GET, POST /consent: ask the end-user what the client may do, by scope, in words (OpenID Connect Core §3.1.2.4)."""

from valet.endpoint import endpoint, refused_to
from valet.errors import AccessDenied, InvalidScope, OAuthError
from valet.front_channel.assurance import level_for, told_of
from valet.front_channel.code import Allowed, issue_code
from valet.front_channel.consent import consent_page, is_consent_form, narrowed
from valet.front_channel.forms import PageOutOfDate
from valet.front_channel.interaction import needs_login
from valet.front_channel.saved_requests import require_saved
from valet.front_channel.steps import back_to_authorize
from valet.http import Request, Response
from valet.people.cookies import session_secret
from valet.people.sessions import current_session
from valet.protocol.authorization_request import destination_of
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server
from valet.standing import session_stands


def consent(request: Request, server: Server) -> Response:
    now = server.clock()
    parameters = request.form() if request.method == "POST" else request.query()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, now)
    destination = destination_of(saved.request, server.registry, request.issuer)
    session = current_session(request, server.cookies, server.sessions, server.settings, now)
    if session is None:
        return back_to_authorize(saved, request.issuer)
    account = server.accounts.find_account(session.sub)
    if not session_stands(session, account):
        return back_to_authorize(saved, request.issuer)
    told, features = told_of(session, account), server.settings.features
    level = level_for(saved.request, destination.client, account, server.registry, features, told)
    if needs_login(saved.request, session, saved.created_at_ms, now, level):
        return back_to_authorize(saved, request.issuer)
    known = server.registry.scopes()
    try:
        saved = narrowed(saved, destination.client, known)
    except InvalidScope as error:
        return refused_to(destination, error)
    secret = session_secret(request, server.cookies) or ""  # current_session has found it
    if request.method != "POST":
        return consent_page(saved, destination, account, secret, known)
    if not is_consent_form(parameters, saved, secret):
        again = consent_page(saved, destination, account, secret, known, is_again=True)
        raise PageOutOfDate(saved.request.client_id, again)
    if parameters.require("decision") != "allow":
        server.audit.record("consent.denied", client_id=saved.request.client_id, sub=session.sub)
        return destination.refuse(AccessDenied("The end-user denied the request."))
    allowed = Allowed(saved.request, destination, session, saved, was_asked=True)
    try:
        return issue_code(server, allowed, server.clock())
    except OAuthError as error:
        return refused_to(destination, error)


SERVER.prepare("pages")
handler = endpoint(consent, "GET", "POST", server=SERVER, refuse=refuse_as_page, starts_ahead=True)
