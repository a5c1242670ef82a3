"""The logout request of a relying party (OpenID Connect RP-Initiated Logout §2 and §3)."""

from collections.abc import Mapping

from valet.errors import InvalidRequest, quoted
from valet.frozen import Frozen
from valet.http import Parameters, add_to_query
from valet.models.clients import Client
from valet.models.sessions import Hint, Session
from valet.ports.clients import Registry
from valet.protocol.redirect_uri import is_registered
from valet.protocol.unregistered import refusal

_CARRIED = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
_BACK = "post_logout_redirect_uri"
_LONGEST_STATE = 2048  # bytes: it travels in a Location header, and a gateway takes ten kilobytes of those


class LogoutRequest(Frozen):
    """A logout request, checked."""

    hint: Hint | None
    client: Client | None
    back: str | None  # where to redirect the browser afterwards
    carried: Mapping[str, str]  # the parameters that the page carries on

    def is_about(self, session: Session) -> bool:
        """Whether the request proves that the client wants this session to end. Without a hint, any site could have
        sent the end-user here (§6).
        """
        return self.hint is not None and self.hint.sid == session.sid


def parse_logout_request(parameters: Parameters, hint: Hint | None, registry: Registry) -> LogoutRequest:
    """The request, checked; `hint` is what its id_token_hint says, None if it has none that verifies.

    Raises InvalidRequest, which is shown as a page: nothing has ended.
    """
    client_id = parameters.get("client_id", hint.client_id if hint else None)
    if hint is not None and client_id != hint.client_id:
        raise InvalidRequest("The client_id is not the one that the id_token_hint was issued to.")
    client = registry.find_client(client_id) if client_id else None
    if len(parameters.get("state", "").encode()) > _LONGEST_STATE:
        raise InvalidRequest(f"A state has at most {_LONGEST_STATE} bytes.")
    back = _parse_back(parameters, hint, client)
    # Drop the values that match no client or hint: their length is unchecked.
    found = {"id_token_hint": hint, "client_id": client, "post_logout_redirect_uri": back}
    dropped = {name for name, value in found.items() if value is None}
    carried = {name: parameters[name] for name in _CARRIED if name in parameters and name not in dropped}
    return LogoutRequest(hint, client, back, carried)


def _parse_back(parameters: Parameters, hint: Hint | None, client: Client | None) -> str | None:
    """The registered post_logout_redirect_uri, with the client's `state`; None if there is none to go back to."""
    uri = parameters.get(_BACK)
    if uri is None:
        return None
    if client is None and hint is None and "id_token_hint" in parameters:
        # The hint does not verify any more, so it cannot show which client registered this address. The end-user can
        # still sign out.
        return None
    if client is None and "client_id" not in parameters:
        # Any site could send the end-user on to an address of any client: the request has to say whose it is (§2).
        raise InvalidRequest(
            f"The {_BACK} needs an id_token_hint or a client_id: without one, nothing says which client registered it."
        )
    if client is None:
        raise InvalidRequest(f"The client_id {quoted(parameters['client_id'])} is not registered at this server.")
    is_native = client.application_type == "native"
    if not is_registered(uri, client.post_logout_redirect_uris, is_native=is_native):
        raise refusal(_BACK, uri, client.post_logout_redirect_uris, client)
    return add_to_query(uri, {"state": parameters.get("state")})
