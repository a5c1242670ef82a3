"""A visit of the device page: a saved request of a third kind, of a page that is part of this server (RFC 8628 §3.3).

It asks for a sign-in, and leads back to that page with the user code that the person brought, if any.
"""

from valet.http import add_to_query
from valet.models.clients import Client
from valet.models.saved_requests import AuthorizationRequest
from valet.protocol.device_code import shown

# No client can be registered under this id, because it has colons.
DEVICE_PAGE = "urn:valet:device"


def device_visit(user_code: str = "", client_id: str = DEVICE_PAGE) -> AuthorizationRequest:
    """A visit with that user code. `client_id`: the client whose device asks, where it is known already, because its
    registration may require more of the sign-in.
    """
    return AuthorizationRequest(
        client_id=client_id, redirect_uri="", scope=(), code_challenge="", is_device=True, user_code=user_code
    )


def device_page() -> Client:
    """The device page as a client: without a scope, so that no grant can be issued to it."""
    return Client(client_id=DEVICE_PAGE, client_name="Device page", first_party=True)


def address(issuer: str, user_code: str = "") -> str:
    """Where the page is, with the user code filled in if there is one."""
    return add_to_query(f"{issuer}/device", {"user_code": shown(user_code) if user_code else None})
