"""GET, POST /account/passkeys: where an end-user makes, names and removes passkeys (WebAuthn Level 3 §7.1).

The only function that changes what a person signs in with. It opens no session.
"""

from valet.account import passkeys
from valet.account.visit import Visit
from valet.endpoint import endpoint
from valet.errors import NotFound
from valet.front_channel.visits import find_visitor, to_sign_in
from valet.http import Request, Response
from valet.protocol.account_visit import PASSKEYS
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def credentials(request: Request, server: Server) -> Response:
    if not server.settings.rp_id:  # the local stack's address is none that browsers let passkeys work at
        raise NotFound("There are no passkeys here.")
    now = server.clock()
    form = request.form() if request.method == "POST" else None
    visitor = find_visitor(server, request, PASSKEYS, now)
    if visitor is None:
        return to_sign_in(server, request, PASSKEYS, now)
    visit = Visit(server, request, PASSKEYS, visitor, now)
    return passkeys.show(server, visit) if form is None else passkeys.act(server, visit, form)


SERVER.prepare("pages")
handler = endpoint(credentials, "GET", "POST", server=SERVER, refuse=refuse_as_page)
