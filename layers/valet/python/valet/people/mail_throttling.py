"""How many mails may be asked for: counted before a letter is sent, also for an address that no account has.

An end-user cannot be flooded with mails, and a stranger cannot use up what the deployment may send. The page is the
same whether or not a mail is sent, so that it tells nothing. Notices are not among these mails: else a thief could
silence them by asking for some. They have bounds of their own, one for each account and kind.
"""

from hashlib import sha256
from typing import Protocol

from valet.models.mails import JOIN, NOTICE
from valet.people.identifiers import normal_address
from valet.people.throttling import SITE, network_of
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasAudit
from valet.ports.throttles import HasThrottles

_HOUR, _DAY = 3600, 86_400
_PER_ADDRESS, _PER_ADDRESS_AND_DAY = 3, 10
# An hour. The network is the most that one party is given, because an attacker with many small ones could use up the
# bound of the whole deployment.
_PER_NETWORK = 20
# A day, of one kind about one account. An owner who has so many has been told: the rest would bury the others, and use
# up what the deployment may send.
_NOTICES = 20


class NoticePorts(HasThrottles, HasAudit, Protocol):
    """The ports that a notice is counted through."""


class Ports(NoticePorts, HasRegistry, Protocol):
    """The ports that a mail is counted through."""


def may_ask(ports: Ports, purpose: str, address: str, source_ip: str, now: float) -> bool:
    """Whether a letter of this purpose may be sent to the address, which is counted. Else `mail.throttled` is logged.

    An attempt that a bound refuses uses up none of the bounds after it, which belong to other people as well. Raises
    TemporarilyUnavailable.
    """
    bound = _reached(ports, "join" if purpose == JOIN else "owner", address, source_ip, int(now))
    if bound:
        ports.audit.record("mail.throttled", purpose=purpose, bound=bound)
    return not bound


def may_tell(ports: NoticePorts, sub: str, what: str, now: float) -> bool:
    """Whether one more notice of this kind may be sent about the account, which is counted. Else `mail.throttled` is
    logged. Raises TemporarilyUnavailable.
    """
    day = int(now) // _DAY
    is_within = ports.throttles.count(f"mail#notice#{sub}#{what}#{day}", (day + 1) * _DAY) <= _NOTICES
    if not is_within:
        ports.audit.record("mail.throttled", sub=sub, purpose=NOTICE, bound="notices")
    return is_within


def _reached(ports: Ports, whose: str, address: str, source_ip: str, now: int) -> str:
    """The bound that is reached; empty if the attempt is within all of them."""
    hour, day = now // _HOUR, now // _DAY
    end = (hour + 1) * _HOUR
    network = network_of(source_ip, SITE)
    if ports.throttles.count(f"mail#network#{network}#{hour}", end) > _PER_NETWORK:
        return "network"
    # A mail to join helps nobody who has an account: such mails must not use up those that let an owner back in.
    counter = f"mail#address#{whose}#{sha256(_mailbox(address).encode()).hexdigest()}#{day}"
    if not ports.throttles.count_share(counter, f"hour_{hour}", _PER_ADDRESS, _PER_ADDRESS_AND_DAY, (day + 1) * _DAY):
        return "address"
    if ports.throttles.count(f"mail#all#{hour}", end) > ports.registry.policy().mail_per_hour:
        return "deployment"
    return ""


def _mailbox(address: str) -> str:
    """The address without its tag: name+tag@example.com is delivered to name@example.com by most providers."""
    local, at, domain = normal_address(address).rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"
