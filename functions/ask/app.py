"""GET, POST /join, /recover: take an address, and have a mail sent to it. Its role can see no account (promise P12)."""

from valet.endpoint import endpoint
from valet.errors import NotFound
from valet.front_channel.asking import PURPOSES, Asking, ask, ask_page, begin, closed_page, is_closed, sent_page
from valet.front_channel.saved_requests import RequestLost, RequestTooOld, Saved, require_saved
from valet.http import Parameters, Request, Response
from valet.protocol.authorization_request import destination_of
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def ask_for_mail(request: Request, server: Server) -> Response:
    purpose, now = PURPOSES.get(request.path), server.clock()
    if purpose is None:
        raise NotFound("There is no such page.")
    if request.method == "POST":
        form = request.form()
        asking = _asking(server, request, purpose, _saved(server, request, form, now))
        return closed_page(asking.saved) if is_closed(server, asking) else ask(server, asking, request, form, now)
    parameters = request.query()
    try:
        saved = _saved(server, request, parameters, now)
    except RequestTooOld as error:
        return begin(server, request, purpose, now, error.saved)
    except RequestLost:  # a link in a mail may be opened in another browser
        return begin(server, request, purpose, now)
    asking = _asking(server, request, purpose, saved)
    if is_closed(server, asking):
        return closed_page(saved)
    # The page with the field for the code, in another language: nothing is sent again.
    return sent_page(purpose, saved, again={"sent": "yes"}) if "sent" in parameters else ask_page(asking)


def _saved(server: Server, request: Request, parameters: Parameters, now: float) -> Saved:
    return require_saved(parameters.get("request", ""), request, server.cookies, server.saved_requests, now)


def _asking(server: Server, request: Request, purpose: str, saved: Saved) -> Asking:
    destination = destination_of(saved.request, server.registry, request.issuer)
    return Asking(purpose, saved, destination, server.registry.policy())


SERVER.prepare("pages")
handler = endpoint(ask_for_mail, "GET", "POST", server=SERVER, refuse=refuse_as_page)
