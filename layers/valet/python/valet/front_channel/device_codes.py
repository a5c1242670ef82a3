"""What a device asks for: the request is kept, and the device gets its two codes (RFC 8628 §3.1, §3.2)."""

from typing import Protocol

from valet.errors import TemporarilyUnavailable, TooManyRequests
from valet.handles import digest, new_handle
from valet.http import Request
from valet.models.clients import Client
from valet.models.device_codes import DeviceCode
from valet.people.agents import agent_of
from valet.people.throttling import network_of
from valet.ports.device_codes import HasDeviceCodes
from valet.ports.runtime import HasAudit, HasRandom
from valet.ports.throttles import HasThrottles
from valet.protocol.device_code import INTERVAL, KEPT, LIFETIME, device_id_of, new_user_code, shown
from valet.protocol.device_visit import address

# The most devices that may ask in a lifetime of their codes. Anybody can pass for a public client: who fills its bound
# keeps its new devices out, and nobody else. Few pending codes leave a guess at a user code no chance.
_MOST_OF_ADDRESS, _MOST_OF_CLIENT = 60, 10_000
_MOST_DRAWN = 3


class Ports(HasRandom, HasDeviceCodes, HasThrottles, HasAudit, Protocol):
    """The ports that a device asks through."""


def count_device(ports: Ports, client: Client, source_ip: str, now: float) -> None:
    """Count the device to come. Raises TooManyRequests; then nothing is kept and nothing is spent."""
    number = int(now) // LIFETIME
    ends_at = (number + 1) * LIFETIME
    of_client = f"devices#{client.client_id}#{number}"
    # The client's count comes second, so that an address that is refused uses up nothing of it.
    for count, most in ((f"{of_client}#{network_of(source_ip)}", _MOST_OF_ADDRESS), (of_client, _MOST_OF_CLIENT)):
        if ports.throttles.count(count, ends_at) > most:
            raise TooManyRequests(
                "Too many devices of this client have asked.",
                detail=f"more than {most} devices",
                retry_after=ends_at - int(now),
            )


def keep_device(
    ports: Ports, client: Client, scope: tuple[str, ...], resource: tuple[str, ...], request: Request, now: float
) -> dict[str, object]:
    """Keep the request, and return the members of its answer (§3.2). Raises TemporarilyUnavailable."""
    secret = new_handle(ports.random)
    for _ in range(_MOST_DRAWN):
        user_code = new_user_code(ports.random)
        device = DeviceCode(
            device_id=device_id_of(user_code),
            client_id=client.client_id,
            scope=scope,
            secret_digest=digest(secret),
            created_at_ms=int(now * 1000),
            code_expires_at=int(now) + LIFETIME,
            expires_at=int(now) + LIFETIME + KEPT,
            resource=resource,
            source_ip=request.source_ip,
            agent=agent_of(request.headers.get("user-agent", "")),
        )
        if ports.device_codes.keep(device, now):
            ports.audit.record("device.asked", client_id=client.client_id, scope=" ".join(scope))
            return {
                "device_code": f"{device.device_id}.{secret}",
                "user_code": shown(user_code),
                "verification_uri": address(request.issuer),
                "verification_uri_complete": address(request.issuer, user_code),
                "expires_in": LIFETIME,
                "interval": INTERVAL,
            }
    raise TemporarilyUnavailable(detail="every user code that was drawn is taken")
