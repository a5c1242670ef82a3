"""Mails that strangers may ask for, counted before the message is sent, also for addresses that nobody has."""

from hashlib import sha256

from valet.models.policy import Policy
from valet.people.identifiers import normal_address
from valet.people.throttling import network_of
from valet.ports.throttles import Throttles

_HOUR, _DAY = 3600, 86_400
_HOURLY, _DAILY, _OF_NETWORK = 3, 10, 20


def bound_reached(throttles: Throttles, address: str, source_ip: str, policy: Policy, now: float) -> str:
    """Count a mail to the address; the bound that it is beyond, empty if it is within all of them."""
    local, _, domain = normal_address(address).rpartition("@")
    mailbox = sha256(f"{local.partition('+')[0]}@{domain}".encode()).hexdigest()
    for bound, what, most, window in (
        ("address", f"mail#{mailbox}", _HOURLY, _HOUR),
        ("network", f"mail#{network_of(source_ip)}", _OF_NETWORK, _HOUR),
        ("deployment", "mail", policy.mail_per_hour, _HOUR),
    ):
        number = int(now) // window
        if throttles.count(f"{what}#{number}", (number + 1) * window) > most:
            return bound
    return ""
