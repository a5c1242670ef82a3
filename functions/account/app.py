"""GET, POST /account, /account/{section}: where an end-user looks after their account (docs/people.md)."""

from valet.account import find_section
from valet.account.ending import finish_what_is_left
from valet.account.visit import Visit
from valet.endpoint import endpoint
from valet.front_channel.visits import find_visitor, to_sign_in
from valet.http import Request, Response
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server

_PATH = "/account"


def account(request: Request, server: Server) -> Response:
    name, now = request.path.removeprefix(_PATH).strip("/") or "overview", server.clock()
    section = find_section(name)
    form = request.form() if request.method == "POST" else None
    visitor = find_visitor(server, request, name, now)
    if visitor is None:
        return finish_what_is_left(server, request, name, form, now) or to_sign_in(server, request, name, now)
    visit = Visit(server, request, name, visitor, now)
    return section.show(visit) if form is None else section.act(visit, form)


SERVER.prepare("pages")
handler = endpoint(account, "GET", "POST", server=SERVER, refuse=refuse_as_page)
