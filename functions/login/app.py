"""GET, POST /login: check a password, open the browser session. The only function that reads credentials."""

from valet import pages
from valet.endpoint import endpoint
from valet.errors import InvalidRequest
from valet.front_channel.forms import csrf_token, is_csrf_token
from valet.front_channel.saved_requests import Saved, require_saved
from valet.handles import digest
from valet.http import Request, Response, page, redirect
from valet.models.accounts import Account
from valet.people import passwords
from valet.people.cookies import browser_secret
from valet.people.sessions import open_session
from valet.people.throttling import Attempt, Throttled
from valet.protocol.authorization_request import destination_of
from valet.protocol.supported import PASSWORD_ACR
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server

_WRONG = "That username and password do not match. Please try again."


def login(request: Request, server: Server) -> Response:
    parameters = request.form() if request.method == "POST" else request.query()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, server.clock())
    browser = browser_secret(request, server.cookies) or ""  # require_saved has matched it
    if request.method != "POST":
        return _form(request, saved, browser, server, username=saved.request.login_hint or "")
    if not is_csrf_token(parameters.get("csrf_token", ""), browser, saved.handle):
        raise InvalidRequest("This form was not made for this browser.", client_id=saved.request.client_id)
    username = parameters.get("username", "")
    attempt = Attempt(username, parameters.get("password", ""), request.source_ip, digest(browser))
    outcome = passwords.authenticate(
        attempt, server.credentials, server.accounts, server.throttles, server.settings, server.clock()
    )
    if isinstance(outcome, Account):
        return _signed_in(request, saved, outcome, server)
    if isinstance(outcome, Throttled):
        server.audit.record("login.throttled", client_id=saved.request.client_id, source_ip=request.source_ip)
        minutes = -(-outcome.retry_after // 60)
        words = f"Too many attempts. Please try again in {minutes} minute{'s' if minutes > 1 else ''}."
        response = _form(request, saved, browser, server, username=username, error=words, status=429)
        return response.with_headers({"Retry-After": str(outcome.retry_after)})
    server.audit.record("login.failed", client_id=saved.request.client_id, source_ip=request.source_ip)
    return _form(request, saved, browser, server, username=username, error=_WRONG, status=401)


def _signed_in(request: Request, saved: Saved, account: Account, server: Server) -> Response:
    secret = open_session(
        request,
        account,
        PASSWORD_ACR,
        passwords.AMR,
        cookies=server.cookies,
        sessions=server.sessions,
        settings=server.settings,
        random=server.random,
        now=server.clock(),
    )
    server.audit.record(
        "login.succeeded", client_id=saved.request.client_id, sub=account.sub, source_ip=request.source_ip
    )
    location = f"{request.issuer}/authorize?resume={saved.handle}"
    return redirect(location).with_cookies(server.cookies.set_session(secret))


def _form(
    request: Request,
    saved: Saved,
    browser: str,
    server: Server,
    *,
    username: str,
    error: str | None = None,
    status: int = 200,
) -> Response:
    destination = destination_of(saved.request, server.registry, request.issuer)
    html = pages.sign_in(
        action="/login",
        request_handle=saved.handle,
        csrf_token=csrf_token(browser, saved.handle),
        client_name=destination.client.client_name,
        username=username,
        error=error,
    )
    # Browsers hold the redirects after a form to form-action as well, and where nobody has to be asked the way leads
    # from here to the client.
    targets = ("'self'", pages.form_action_source(destination.redirect_uri))
    return page(status, html, pages.content_security_policy(targets))


handler = endpoint(login, "GET", "POST", server=SERVER, refuse=refuse_as_page)
