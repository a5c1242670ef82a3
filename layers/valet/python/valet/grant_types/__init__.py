"""The grant types of the token endpoint: one file each, with `redeem`; none knows the others (RFC 6749 §4, §6).

A row of protocol/supported.py names the file. A token request imports the file of the grant type that it asks for, and
no other.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from valet.errors import UnauthorizedClient, UnsupportedGrantType, quoted
from valet.protocol.supported import GRANT_TYPES, grant_types

if TYPE_CHECKING:
    from valet.grant_types.request import Ports, TokenRequest
    from valet.models.clients import Client
    from valet.models.grants import Tokens
    from valet.settings import Settings

    Redeem = Callable[[TokenRequest, Ports], Tokens]


def named(grant_type: str, client: "Client", settings: "Settings") -> "Redeem":
    """The function that answers token requests with this grant type, in a deployment with these settings.

    Raises UnsupportedGrantType where no row has the name or the deployment does not have it, and UnauthorizedClient
    where the client is not registered for it (RFC 6749 §5.2).
    """
    row = GRANT_TYPES.get(grant_type)
    if row is None or (row.needs and row.needs not in settings.features):
        supported = ", ".join(grant_types(settings.features))
        raise UnsupportedGrantType(f"The grant_type {quoted(grant_type)} is not supported. Supported: {supported}.")
    if grant_type not in client.grant_types:
        raise UnauthorizedClient(f"This client is not registered for the grant type {grant_type}.")
    redeem: Redeem = import_module(row.module).redeem
    return redeem
