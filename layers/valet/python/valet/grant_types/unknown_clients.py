"""A client that registered itself lives on by being used."""

from contextlib import suppress
from typing import Protocol

from valet.errors import TemporarilyUnavailable
from valet.models.clients import Client
from valet.models.unknown_clients import REGISTRATION
from valet.ports.unknown_clients import HasDynamicClients

USED_FOR = 90 * 86_400  # seconds that a client is kept after its last token
_DAY = 86_400


class Ports(HasDynamicClients, Protocol):
    """The ports that a client is kept by."""


def keep(client: Client, ports: Ports, now: float) -> None:
    """Keep the client for 90 days from now; it is written once a day at most.

    The client has its tokens: if the write fails, the next ones prolong its life.
    """
    unknown = client.unknown
    if unknown.kind != REGISTRATION or unknown.expires_at > now + USED_FOR - _DAY:
        return
    with suppress(TemporarilyUnavailable):
        ports.dynamic_clients.prolong(client.client_id, int(now) + USED_FOR, now)
