"""GET, POST /login: check a password and leave a proof of it. The only function that reads credentials."""

from valet.endpoint import endpoint
from valet.front_channel.proving import PASSWORD, prove
from valet.front_channel.saved_requests import Saved, require_saved
from valet.front_channel.sign_in import (
    Offer,
    is_sign_in_form,
    offer_of,
    out_of_date,
    sign_in_page,
    throttled_page,
    wrong_password_page,
)
from valet.front_channel.steps import back_to_authorize
from valet.handles import digest
from valet.http import Request, Response, redirect
from valet.people import passwords
from valet.people.identifiers import SIGN_IN_WITH
from valet.people.passwords import RightPassword
from valet.people.throttling import Attempt, Throttled
from valet.protocol.authorization_request import Destination, destination_of
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def login(request: Request, server: Server) -> Response:
    parameters = request.form() if request.method == "POST" else request.query()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, server.clock())
    offer = offer_of(server, parameters, saved)
    if request.method != "POST":
        if offer.elsewhere.straight_on:
            return redirect(request.issuer + offer.elsewhere.straight_on)
        return _page(saved, request, server, offer, saved.request.login_hint or "")
    username = parameters.get("username", "")
    if not is_sign_in_form(parameters, saved):
        raise out_of_date(saved, _destination(saved, request, server), offer, username=username)
    if offer.elsewhere.asks_name_first and parameters.get("do") == "name":
        from valet.front_channel.home_realm import to_home  # few deployments have another provider

        home = to_home(server, saved, username)
        return redirect(request.issuer + home) if home else _page(saved, request, server, offer, username)
    attempt = Attempt(username, parameters.get("password", ""), request.source_ip, digest(saved.browser))
    kinds = SIGN_IN_WITH[server.registry.policy().sign_in_with]
    outcome = passwords.authenticate(
        attempt, server.credentials, server.accounts, server.throttles, server.settings, server.clock(), kinds
    )
    if isinstance(outcome, RightPassword):
        account, now = outcome.account, server.clock()
        if outcome.is_new_browser and server.letters is not None:
            from valet.people.new_browsers import tell_of_new_browser  # a browser is seldom new

            tell_of_new_browser(server, account, request.issuer, now)
        passwords.remember_browser(outcome, attempt.browser_digest, server.throttles, now)
        prove(server, saved, PASSWORD, account, means=account.password_id, amr=passwords.AMR, now=now)
        return back_to_authorize(saved, request.issuer, proven_by=PASSWORD)
    if isinstance(outcome, Throttled):
        server.audit.record("login.throttled", client_id=saved.request.client_id, source_ip=request.source_ip)
        destination = _destination(saved, request, server)
        return throttled_page(saved, destination, offer, username=username, retry_after=outcome.retry_after)
    server.audit.record("login.failed", client_id=saved.request.client_id, source_ip=request.source_ip)
    return wrong_password_page(saved, _destination(saved, request, server), offer, username=username)


def _page(saved: Saved, request: Request, server: Server, offer: Offer, username: str) -> Response:
    return sign_in_page(saved, _destination(saved, request, server), offer, username=username)


def _destination(saved: Saved, request: Request, server: Server) -> Destination:
    return destination_of(saved.request, server.registry, request.issuer)


SERVER.prepare("pages")
handler = endpoint(login, "GET", "POST", server=SERVER, refuse=refuse_as_page)
