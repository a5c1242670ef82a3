"""GET, POST /login/second: check a second factor and leave a proof of it, for the session that asked for it.

A code of an authenticator app (RFC 6238) or a recovery code. It opens no session, and is the only function that can
open a seed.
"""

from valet.audit import EventName
from valet.endpoint import endpoint
from valet.front_channel.proving import SECOND, prove
from valet.front_channel.saved_requests import Saved, require_saved
from valet.front_channel.second import Asked, find_asked, is_second_form, out_of_date, refused_page, second_page, shown
from valet.front_channel.step_up import AMR
from valet.front_channel.steps import back_to_authorize
from valet.handles import digest
from valet.http import Parameters, Request, Response
from valet.people.devices import remember_device
from valet.people.second_factors import Attempt, Given, try_code
from valet.people.throttling import Throttled
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def second(request: Request, server: Server) -> Response:
    now = server.clock()
    parameters = request.form() if request.method == "POST" else request.query()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, now)
    asked = find_asked(server, request, now)
    if asked is None:
        return back_to_authorize(saved, request.issuer)
    if request.method != "POST":
        return second_page(shown(server, saved, asked, parameters, request.issuer))
    if not is_second_form(parameters, saved, asked):
        raise out_of_date(shown(server, saved, asked, parameters, request.issuer))
    attempt = Attempt(parameters.get("code", ""), digest(saved.browser), request.issuer)
    outcome = try_code(server, asked.may_use(), attempt, now)
    if isinstance(outcome, Given):
        return _given(saved, asked, outcome, parameters, request, server)
    event: EventName = "second.throttled" if isinstance(outcome, Throttled) else "second.failed"
    sub, client_id = asked.account.sub, saved.request.client_id
    server.audit.record(event, client_id=client_id, sub=sub, source_ip=request.source_ip)
    return refused_page(shown(server, saved, asked, parameters, request.issuer), outcome)


def _given(
    saved: Saved, asked: Asked, given: Given, parameters: Parameters, request: Request, server: Server
) -> Response:
    account, now = asked.account, server.clock()
    if given.left is not None:
        server.audit.record("recovery.used", sub=account.sub, source_ip=request.source_ip, left=given.left)
    elif parameters.get("remember", "") == "yes" and (days := server.registry.policy().remember_device):
        remember_device(server.devices, saved.browser, account, days, now)
    prove(server, saved, SECOND, account, means=given.means, amr=AMR, now=now, on=asked.session.digest)
    return back_to_authorize(saved, request.issuer, proven_by=SECOND)


SERVER.prepare("pages")
handler = endpoint(second, "GET", "POST", server=SERVER, refuse=refuse_as_page)
