"""Where the visits of this server's own pages lead: the account page, and the device page."""

from valet.errors import InvalidRequest, quoted
from valet.frozen import replace
from valet.http import Parameters
from valet.models.saved_requests import AuthorizationRequest
from valet.ports.clients import Registry
from valet.protocol import account_visit, device_visit
from valet.protocol.authorization_request import Destination, find_client


def destination_of_visit(request: AuthorizationRequest, registry: Registry, issuer: str) -> Destination:
    """The destination of a visit. Raises InvalidRequest for a section of the account page that this release does not
    have, and for a device whose client is not registered any more.
    """
    if not request.is_device:
        if request.section not in account_visit.SECTIONS:
            raise InvalidRequest(f"The account page has no section {quoted(request.section)}.")
        address = account_visit.address(issuer, request.section)
        return Destination(account_visit.account_page(), address, None, issuer, is_account_page=True)
    client = device_visit.device_page()
    if request.has_client:
        client = find_client(Parameters({"client_id": request.client_id}), registry)
    address = device_visit.address(issuer, request.user_code)
    return replace(Destination(client, address, None, issuer, is_account_page=True), title="device.title")
