"""Devices that wait for a person's yes (RFC 8628)."""

from valet.frozen import Frozen


class DeviceCode(Frozen):
    """A device authorization request (RFC 8628 §3.1): what a device asks for, until a person has said yes or no.

    The person's answer is no part of it: that is the grant, or the tombstone of one (protocol/device_code.py).
    """

    device_id: str  # derived from the user code, and the first half of the device code
    client_id: str
    scope: tuple[str, ...]  # the closure
    secret_digest: bytes  # of the second half of the device code
    created_at_ms: int
    code_expires_at: int  # of both codes
    expires_at: int  # DynamoDB's TTL: the user code is not drawn again before
    resource: tuple[str, ...] = ()  # audiences of protected APIs (RFC 8707 §2); empty: the scope says which
    # For the person who is asked: where the device is, and what it calls itself, by families and systems that are known
    # (people/agents.py). Never the text of a header, which the page would show.
    source_ip: str = ""
    agent: str = ""
    polled_at_ms: int = 0
    poll: bytes = b""  # the attempt that polled last
