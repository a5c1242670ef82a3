"""GET, POST /login/second: check a second factor and leave a proof of it, for the session that asked for it.

A code of an authenticator app (RFC 6238) or a recovery code. It opens no session, and is the only function that can
open a seed.
"""

from valet.endpoint import endpoint
from valet.front_channel.proving import SECOND, prove
from valet.front_channel.saved_requests import Saved, require_saved
from valet.front_channel.second import Asked, find_asked, is_second_form, out_of_date, refused_page, second_page
from valet.front_channel.second import throttled_page as throttled
from valet.front_channel.step_up import AMR
from valet.front_channel.steps import back_to_authorize
from valet.handles import digest
from valet.http import Parameters, Request, Response
from valet.people.devices import remember_device
from valet.people.second_factors import Attempt, Given, try_code
from valet.people.throttling import Throttled
from valet.protocol.authorization_request import destination_of
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def second(request: Request, server: Server) -> Response:
    now = server.clock()
    parameters = request.form() if request.method == "POST" else request.query()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, now)
    asked = find_asked(server, request, now)
    if asked is None:
        return back_to_authorize(saved, request.issuer)
    destination = destination_of(saved.request, server.registry, request.issuer)
    if request.method != "POST":
        return second_page(saved, destination, asked, parameters)
    if not is_second_form(parameters, saved, asked):
        raise out_of_date(saved, destination, asked, parameters)
    attempt = Attempt(parameters.get("code", ""), digest(saved.browser), request.issuer)
    outcome = try_code(server, asked.may_use(), attempt, now)
    client_id, sub = saved.request.client_id, asked.account.sub
    if isinstance(outcome, Throttled):
        server.audit.record("second.throttled", client_id=client_id, sub=sub, source_ip=request.source_ip)
        return throttled(saved, destination, asked, parameters, outcome.retry_after)
    if not isinstance(outcome, Given):
        server.audit.record("second.failed", client_id=client_id, sub=sub, source_ip=request.source_ip)
        return refused_page(saved, destination, asked, parameters, outcome)
    return _given(saved, asked, outcome, parameters, request, server)


def _given(
    saved: Saved, asked: Asked, given: Given, parameters: Parameters, request: Request, server: Server
) -> Response:
    account, now = asked.account, server.clock()
    if given.left is not None:
        server.audit.record("recovery.used", sub=account.sub, source_ip=request.source_ip, left=given.left)
    elif asked.days and parameters.get("remember", "") == "yes":
        remember_device(server.devices, saved.browser, account, asked.days, now)
    prove(server, saved, SECOND, account, means=given.means, amr=AMR, now=now, on=asked.session.digest)
    return back_to_authorize(saved, request.issuer, proven_by=SECOND)


SERVER.prepare("pages")
handler = endpoint(second, "GET", "POST", server=SERVER, refuse=refuse_as_page)
