"""GET, POST /login: check a password, open the browser session. The only function that reads credentials."""

from valet.endpoint import endpoint
from valet.front_channel.saved_requests import Saved, require_saved
from valet.front_channel.sign_in import is_sign_in_form, out_of_date, sign_in_page, throttled_page, wrong_password_page
from valet.front_channel.steps import back_to_authorize
from valet.handles import digest
from valet.http import Request, Response
from valet.models.accounts import Account
from valet.people import passwords
from valet.people.sessions import open_session, others_session
from valet.people.throttling import Attempt, Throttled
from valet.protocol.authorization_request import Destination, destination_of
from valet.protocol.supported import PASSWORD_ACR
from valet.refusals import refuse_as_page
from valet.revocation import end_grants
from valet.server import SERVER, Server


def login(request: Request, server: Server) -> Response:
    parameters = request.form() if request.method == "POST" else request.query()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, server.clock())
    if request.method != "POST":
        return sign_in_page(saved, _destination(saved, request, server), username=saved.request.login_hint or "")
    username = parameters.get("username", "")
    if not is_sign_in_form(parameters, saved):
        raise out_of_date(saved, _destination(saved, request, server), username=username)
    attempt = Attempt(username, parameters.get("password", ""), request.source_ip, digest(saved.browser))
    outcome = passwords.authenticate(
        attempt, server.credentials, server.accounts, server.throttles, server.settings, server.clock()
    )
    if isinstance(outcome, Account):
        return _signed_in(request, saved, outcome, server)
    if isinstance(outcome, Throttled):
        server.audit.record("login.throttled", client_id=saved.request.client_id, source_ip=request.source_ip)
        destination = _destination(saved, request, server)
        return throttled_page(saved, destination, username=username, retry_after=outcome.retry_after)
    server.audit.record("login.failed", client_id=saved.request.client_id, source_ip=request.source_ip)
    return wrong_password_page(saved, _destination(saved, request, server), username=username)


def _signed_in(request: Request, saved: Saved, account: Account, server: Server) -> Response:
    now = server.clock()
    if (other := others_session(request, account, server.cookies, server.sessions)) is not None:
        from valet.sign_outs import announce_end  # few sign-ins find another end-user's session

        announce_end(server, other, request.issuer, "other_sign_in")
    opened = open_session(
        request,
        account,
        PASSWORD_ACR,
        passwords.AMR,
        cookies=server.cookies,
        sessions=server.sessions,
        settings=server.settings,
        random=server.random,
        now=now,
    )
    if opened.other is not None:
        # On a shared computer the former end-user has left: end their grants as if they had signed out themselves.
        if opened.has_ended_other:
            server.audit.record("session.ended", sub=opened.other.sub)
        end_grants(server, opened.other, now, "other_sign_in")
    server.audit.record(
        "login.succeeded", client_id=saved.request.client_id, sub=account.sub, source_ip=request.source_ip
    )
    return back_to_authorize(saved, request.issuer).with_cookies(server.cookies.set_session(opened.secret))


def _destination(saved: Saved, request: Request, server: Server) -> Destination:
    return destination_of(saved.request, server.registry, request.issuer)


SERVER.prepare("pages")
handler = endpoint(login, "GET", "POST", server=SERVER, refuse=refuse_as_page)
