"""GET, POST /account/password and its neighbours: where an end-user changes what they sign in with (docs/people.md).

The only function that end-users reach and that changes what a person signs in with. It opens no session.
"""

from valet.account import find_credentials_section
from valet.account.visit import Visit
from valet.endpoint import endpoint
from valet.errors import NotFound
from valet.front_channel.visits import find_visitor, to_sign_in
from valet.http import Request, Response
from valet.protocol.account_visit import sections
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server

_PATH = "/account/"


def credentials(request: Request, server: Server) -> Response:
    name, now = request.path.removeprefix(_PATH), server.clock()
    section = find_credentials_section(name)
    if name not in sections(server.settings.features):
        raise NotFound("Your account has no such page here.")
    form = request.form() if request.method == "POST" else None
    visitor = find_visitor(server, request, name, now)
    if visitor is None:
        return to_sign_in(server, request, name, now)
    visit = Visit(server, request, name, visitor, now)
    return section.show(server, visit) if form is None else section.act(server, visit, form)


SERVER.prepare("pages")
handler = endpoint(credentials, "GET", "POST", server=SERVER, refuse=refuse_as_page)
