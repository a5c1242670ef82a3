"""GET, POST /join/confirm, /recover/confirm, /undo: where the links and codes of mails lead (docs/people.md).

A GET spends nothing (promise P16). A POST may make an account, give one a new password, or undo a
change; it opens no session.
"""

from collections.abc import Mapping
from types import ModuleType
from typing import cast

from valet.endpoint import endpoint
from valet.errors import NotFound
from valet.front_channel import joining, recovering, undoing
from valet.http import Request, Response
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server

# Each has `show` for its page and `act` for its form.
_MODULES: Mapping[str, ModuleType] = {"/join/confirm": joining, "/recover/confirm": recovering, "/undo": undoing}


def confirm(request: Request, server: Server) -> Response:
    found, now = _MODULES.get(request.path), server.clock()
    if found is None:
        raise NotFound("There is no such page.")
    if request.method != "POST":
        return cast(Response, found.show(server, request, request.query(), now))
    return cast(Response, found.act(server, request, request.form(), now))


SERVER.prepare("pages")
handler = endpoint(confirm, "GET", "POST", server=SERVER, refuse=refuse_as_page)
