"""GET /federate/{provider}, GET, POST /federate/{provider}/callback: sign in with another provider (docs/providers.md).

The only function that asks other providers and opens their secrets. It leaves a proof, and opens no session.
"""

from valet.endpoint import endpoint
from valet.errors import NotFound, UpstreamRefused
from valet.front_channel import coming_back
from valet.front_channel.arriving import Arrived, arrive, arrived_before
from valet.front_channel.saved_requests import require_saved
from valet.front_channel.steps import DENIED, UNAVAILABLE
from valet.front_channel.trips import Trip, asked, back_from, begin, exchanged, may_use
from valet.http import Parameters, Request, Response, redirect
from valet.models.providers import Provider
from valet.outbound import guarded, providers
from valet.ports.sealing import PROVIDER_SECRET
from valet.refusals import refuse_as_page
from valet.server import SERVER, Server

_PATH, _CALLBACK = "/federate/", "/callback"


def federate(request: Request, server: Server) -> Response:
    name = request.path.removeprefix(_PATH)
    provider = server.providers.find_provider(name.removesuffix(_CALLBACK))
    if provider is None:
        raise NotFound("There is no such provider here.")
    if not name.endswith(_CALLBACK):
        return _leave(request, request.query(), provider, server)
    if request.method == "POST":
        return coming_back.to_get(request, provider, request.form(tolerates_malformed=True))
    parameters, trip = request.query(tolerates_malformed=True), None
    try:
        trip = back_from(server, request, parameters, provider.provider_id, server.clock())
        return _come_back(request, parameters, trip, provider, server)
    except UpstreamRefused as error:
        return coming_back.refuse(server, request, trip.saved if trip else None, provider, error.detail)


def _leave(request: Request, parameters: Parameters, provider: Provider, server: Server) -> Response:
    """Send the browser to the provider, for the saved request."""
    now = server.clock()
    saved = require_saved(parameters.require("request"), request, server.cookies, server.saved_requests, now)
    if not may_use(server, saved, provider):
        return coming_back.back(saved, provider, UNAVAILABLE, request.issuer)
    trip = begin(saved, provider.provider_id, now)
    return redirect(providers.authorization_url(provider, **asked(trip, parameters, request.issuer)))


def _come_back(request: Request, parameters: Parameters, trip: Trip, provider: Provider, server: Server) -> Response:
    """Ask the provider who the person is, and go on to where that leads. Raises UpstreamRefused."""
    providers.check_iss(provider, parameters.get("iss"))
    if coming_back.is_denial(parameters):
        return coming_back.back(trip.saved, provider, DENIED, request.issuer)
    if not may_use(server, trip.saved, provider):
        return coming_back.back(trip.saved, provider, UNAVAILABLE, request.issuer)
    arrived = _arrive(request, parameters, trip, provider, server)
    return coming_back.onward(server, request, trip.saved, provider, arrived)


def _arrive(request: Request, parameters: Parameters, trip: Trip, provider: Provider, server: Server) -> Arrived:
    told = exchanged(trip, parameters, request.issuer)
    secret = server.sealing.open(PROVIDER_SECRET, provider.provider_id, provider.secret)
    try:
        identity = providers.redeem(provider, secret, **told, now=server.clock(), fetch=guarded.ask)
    except UpstreamRefused:
        if (before := arrived_before(server, trip)) is None:
            raise
        return before
    return arrive(server, trip, provider, identity, request.issuer, server.clock())


SERVER.prepare()
handler = endpoint(federate, "GET", "POST", server=SERVER, refuse=refuse_as_page)
