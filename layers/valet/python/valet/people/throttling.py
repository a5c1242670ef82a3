"""Attempts to sign in, counted before the password is checked (NIST SP 800-63B §5.2.2)."""

from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from valet.frozen import Frozen
from valet.ports.throttles import Throttles
from valet.settings import Settings

KNOWN_BROWSER_LIFETIME = 90 * 86_400  # seconds
# The bounds in a window of login_throttle_window. docs/decisions/login-throttle.md says how many guesses a day they
# allow.
_ATTEMPTS_PER_KNOWN_BROWSER = 10
_ATTEMPTS_PER_NETWORK = 10  # at one account: a stranger's guesses use up the share of that network, and no other
_ATTEMPTS_PER_ACCOUNT = 100  # from all networks together
_ATTEMPTS_PER_ADDRESS = 100  # at all accounts together
_HOUSEHOLD, SITE = 64, 48  # the least that one party is given, and the most (RFC 6177 §2)


class Attempt(Frozen):
    """An attempt to sign in."""

    username: str
    password: str
    source_ip: str
    browser_digest: bytes


class Throttled(Frozen):
    """Too many wrong passwords; `retry_after` seconds until the next try counts."""

    retry_after: int


class Counted(Frozen):
    """The names of the counts that an attempt was added to."""

    account: str
    network: str = ""  # empty for a browser that is known for the account: its own count is its only bound
    address: str = ""


def count(
    attempt: Attempt, account_key: str, throttles: Throttles, settings: Settings, now: float
) -> Counted | Throttled:
    """Count the attempt, by the same reads and writes whether or not the account exists."""
    window = settings.login_throttle_window
    number = int(now) // window
    ends_at = (number + 1) * window
    throttled = Throttled(ends_at - int(now))
    account = f"account#{account_key}#{number}"
    if throttles.knows_browser(attempt.browser_digest, account_key, now):
        account += f"#{attempt.browser_digest.hex()}"
        return throttled if throttles.count(account, ends_at) > _ATTEMPTS_PER_KNOWN_BROWSER else Counted(account)
    address = f"address#{network_of(attempt.source_ip)}#{number}"
    if throttles.count(address, ends_at) > _ATTEMPTS_PER_ADDRESS:
        return throttled
    # Use a digest, so that the item of an account stays small whatever address the gateway gives.
    network = sha256(network_of(attempt.source_ip, SITE).encode()).hexdigest()[:16]
    # Count this last, and only within both bounds: a refused attempt must not use up the share of other networks.
    if not throttles.count_share(account, network, _ATTEMPTS_PER_NETWORK, _ATTEMPTS_PER_ACCOUNT, ends_at):
        return throttled
    return Counted(account, network, address)


def network_of(source_ip: str, ipv6_prefix: int = _HOUSEHOLD) -> str:
    """The network that one party is given: an IPv4 address, or the prefix of an IPv6 address (RFC 6177 §2)."""
    try:
        address = ip_address(source_ip)
    except ValueError:
        return source_ip
    if not isinstance(address, IPv6Address):
        return source_ip
    if address.ipv4_mapped:  # as a proxy on a dual-stack socket writes IPv4 clients, all of them in one /64
        return str(address.ipv4_mapped)
    return str(ip_network((address, ipv6_prefix), strict=False))
