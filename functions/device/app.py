"""GET, POST /device: ask a person about the device whose code they type (RFC 8628 §3.3)."""

from valet.endpoint import endpoint
from valet.front_channel.device import (
    LINK,
    Network,
    Pending,
    Person,
    answer,
    find_pending,
    find_person,
    has_signed_in,
    network,
    to_sign_in,
)
from valet.front_channel.device_showing import (
    OUT_OF_DATE,
    answered_page,
    ask_page,
    code_page,
    is_answer_form,
    is_code_form,
    looked_up,
)
from valet.front_channel.forms import PageOutOfDate
from valet.http import Parameters, Request, Response
from valet.protocol.device_code import typed_code
from valet.protocol.device_visit import DEVICE_PAGE, device_visit
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def device(request: Request, server: Server) -> Response:
    now = server.clock()
    parameters = request.form() if request.method == "POST" else request.query()
    user_code = typed_code(parameters.get("user_code", ""))
    person = find_person(server, request, now)
    if person is None:
        return to_sign_in(server, request, device_visit(user_code), now)
    if request.method != "POST":
        return code_page(person, _to_fill_in(server, person, user_code, now))
    is_answer = "decision" in parameters
    if not is_answer and not is_code_form(parameters, person):
        raise PageOutOfDate(DEVICE_PAGE, code_page(person, status=400, error=OUT_OF_DATE))
    pending = looked_up(server, person, user_code, now)
    if isinstance(pending, Response):
        return pending
    if not has_signed_in(server, person, now, pending.client):
        return to_sign_in(server, request, device_visit(user_code, pending.client.client_id), now)
    return _answered(server, parameters, pending, person, now) if is_answer else ask_page(server, pending, person, now)


def _to_fill_in(server: Server, person: Person, user_code: str, now: float) -> str:
    """The code of a link, if the device that it is of is in the person's own network."""
    if not user_code:
        return ""
    found = find_pending(server, person, user_code, now, came_by=LINK)
    is_near = isinstance(found, Pending) and network(found, person) is Network.SAME
    return user_code if is_near else ""


def _answered(server: Server, form: Parameters, pending: Pending, person: Person, now: float) -> Response:
    if not is_answer_form(form, pending, person):
        again = ask_page(server, pending, person, now, error=OUT_OF_DATE)
        raise PageOutOfDate(pending.client.client_id, again)
    is_yes = form.require("decision") == "allow"
    return answered_page(answer(server, pending, person, server.clock(), is_yes=is_yes))


SERVER.prepare("pages")
handler = endpoint(device, "GET", "POST", server=SERVER, refuse=refuse_as_page)
