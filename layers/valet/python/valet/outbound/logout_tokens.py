"""Telling one client that a session has ended (OpenID Connect Back-Channel Logout §2.5), and when to try again."""

from collections.abc import Callable
from math import ceil
from typing import Protocol

from valet.fetch import FetchFailed
from valet.models.clients import Client
from valet.models.keys import SigningKey
from valet.models.sign_outs import LogoutNotice
from valet.ports.clients import HasRegistry
from valet.ports.keys import HasSigners
from valet.ports.runtime import HasClock, HasRandom, HasSettings
from valet.tokens import jws, logout_token
from valet.tokens.issuance import Issuance

TIMEOUT = 2.0  # seconds in all, from the look-up of the name to the answer's head
_TOLD = (200, 204)  # §2.8: some frameworks answer 204 by themselves
_MINUTE, _HOUR = 60, 3600
_WAITS = (30, 2 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, 8 * _HOUR)

Post = Callable[..., int]
"""POSTs a form to an address, within `timeout` seconds, and answers the status. Raises FetchFailed."""


class Ports(HasRegistry, HasSigners, HasClock, HasRandom, HasSettings, Protocol):
    """The ports that a client is told through."""


def tell(ports: Ports, client: Client, notice: LogoutNotice, post: Post) -> str:
    """Sign a token for this try, and send it. Answers why the client was not told; empty if it was.

    Raises TemporarilyUnavailable if nothing can be signed now.

    Any other status than 200 and 204 is a failure, 400 too, which says that the client could not log out (§2.8).
    """
    key = jws.current_key(ports.registry, client.id_token_signed_response_alg, is_fapi2=client.is_fapi2)
    if not _may_sign(key, ports.settings.own_role_arn):
        return "no signing key names this function's role yet: rotate_keys lets one sign that does, after two hours"
    issuance = Issuance(notice.issuer, ports.clock(), ports.random, ports.signers.signer(key))
    token = logout_token.sign(issuance, notice)
    try:
        status = post(client.backchannel_logout_uri, {"logout_token": token}, timeout=TIMEOUT)
    except FetchFailed as failed:
        return str(failed)
    return "" if status in _TOLD else f"status {status}"


def next_try(age: float) -> int | None:
    """The seconds until the next try at telling, for a message of this age; None after the last try.

    It follows from the age alone: the queue also counts receives in which no try was made.
    """
    due = 0
    for wait in _WAITS:
        due += wait
        if due > age:
            return ceil(due - max(age, 0))
    return None


def _may_sign(key: SigningKey, role: str) -> bool:
    """Whether the key's policy names the role. The wrapping key's policy always names today's roles."""
    return bool(key.wrapping_key) or role in key.signing_roles
