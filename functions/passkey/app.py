"""POST /login/passkey: check what a passkey has signed, and leave a proof of it (WebAuthn Level 3 §7.2)."""

from valet.endpoint import endpoint
from valet.front_channel.passkeys import use_assertion
from valet.front_channel.proving import PASSKEY, prove
from valet.front_channel.saved_requests import require_saved
from valet.front_channel.sign_in import offer_of, refused_passkey_page
from valet.front_channel.steps import back_to_authorize
from valet.http import Request, Response
from valet.people.passkeys import AMR, PasskeyRefused
from valet.protocol.authorization_request import destination_of
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server


def passkey(request: Request, server: Server) -> Response:
    form, now = request.form(), server.clock()
    saved = require_saved(form.require("request"), request, server.cookies, server.saved_requests, now)
    try:
        # The challenge follows from the browser's cookie, so that no other site can send this form.
        used = use_assertion(server, form, saved, request.issuer, now)
    except PasskeyRefused as refused:
        server.audit.record(
            "passkey.refused",
            client_id=saved.request.client_id,
            sub=refused.sub,
            source_ip=request.source_ip,
            detail=str(refused),
        )
        destination = destination_of(saved.request, server.registry, request.issuer)
        return refused_passkey_page(saved, destination, offer_of(server, form, saved))
    prove(server, saved, PASSKEY, used.account, means=used.digest, amr=AMR, now=now)
    return back_to_authorize(saved, request.issuer, proven_by=PASSKEY)


SERVER.prepare()
handler = endpoint(passkey, "POST", server=SERVER, refuse=refuse_as_page)
