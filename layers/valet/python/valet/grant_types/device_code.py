"""The device code grant (RFC 8628 §3.4, §3.5): a device polls until a person has said yes, or no.

A poll is one conditional update, which tells a device that has to wait from one that polls too fast, and an expired
code from an unknown one, without a read. Only then the grant is read. The person's yes is a grant that waits to be
redeemed, and their no is its tombstone.
"""

from enum import Enum

from valet.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, OAuthError, SlowDown
from valet.grant_types.redemption import Decision, Use, decide_use, redeem_grant
from valet.grant_types.request import Ports, TokenRequest
from valet.handles import Code, digest, is_digest_of, parse_code
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.device_codes import DeviceCode
from valet.models.grants import Grant, Tokens
from valet.ports.device_codes import Poll
from valet.protocol.device_code import INTERVAL, device_grant_id

_REFUSAL = "The device code is unknown, used, or was issued to another client."


class Polled(Enum):
    """What became of a poll."""

    ASKED = "look for the answer"
    UNKNOWN = "this client has no such device code"
    EXPIRED = "it has expired: only an answer of before counts"
    TOO_FAST = "the last poll was less than the interval ago"


def polled(found: DeviceCode | None, client: Client, code: Code, attempt: bytes, now: float) -> Polled:
    """Why the poll's condition did not hold, by the item as it was."""
    if found is None or found.client_id != client.client_id or not is_digest_of(found.secret_digest, code.secret):
        return Polled.UNKNOWN
    if found.poll == attempt:  # our own first try, whose answer was lost
        return Polled.ASKED
    return Polled.EXPIRED if found.code_expires_at <= now else Polled.TOO_FAST


def decide(grant: Grant | None, account: Account | None, client: Client, code: Code, use: Use, now: float) -> Decision:
    """Decide what the device code gets for which there is a grant."""
    is_its = grant is not None and grant.client_id == client.client_id and grant.is_device
    if grant is None or not is_its or not is_digest_of(grant.code_digest, code.secret):
        return Decision.UNKNOWN
    return decide_use(grant, account, client, use, now)


def redeem(request: TokenRequest, ports: Ports) -> Tokens:
    """Tokens for the device code, once a person has said yes.

    Raises AuthorizationPending, SlowDown, AccessDenied and ExpiredToken; InvalidTarget, InvalidScope, and InvalidGrant
    with one wording for every other reason that depends on what is stored.
    """
    code = parse_code(request.form.require("device_code"))
    if code is None:
        raise InvalidGrant("The device_code is not one that this server issues. It may be cut short.")
    client, now = request.client, request.now
    use = Use(ports.random(16), request.form.every("resource"))
    outcome = _poll(request, ports, code, use.attempt)
    if outcome is Polled.UNKNOWN:
        raise InvalidGrant(_REFUSAL)
    grant = None if outcome is Polled.TOO_FAST else ports.grants.find(device_grant_id(code.grant_id, code.secret))
    if grant is None:
        # The answer may come next. This request, captured and sent again, must not be the one that fetches the tokens.
        request.one_use.spend()
        raise _without_answer(outcome)
    if not grant.client_id:  # a tombstone
        raise AccessDenied("The end-user denied the request.")
    account = ports.accounts.find_account(grant.sub)
    return redeem_grant(
        request,
        ports,
        grant,
        account,
        use,
        lambda found: decide(found, account, client, code, use, now),
        refusal=_REFUSAL,
    )


def _poll(request: TokenRequest, ports: Ports, code: Code, attempt: bytes) -> Polled:
    at_ms = int(request.now * 1000)
    poll = Poll(
        device_id=code.grant_id,
        client_id=request.client.client_id,
        secret_digest=digest(code.secret),
        attempt=attempt,
        at_ms=at_ms,
        not_since_ms=at_ms - INTERVAL * 1000,
    )
    refused = ports.device_codes.poll(poll)
    return polled(refused.found, request.client, code, attempt, request.now) if refused else Polled.ASKED


def _without_answer(outcome: Polled) -> OAuthError:
    if outcome is Polled.TOO_FAST:
        return SlowDown(f"The device polls too often: wait {INTERVAL} seconds longer from now on.")
    if outcome is Polled.EXPIRED:
        return ExpiredToken("The device code has expired.")
    return AuthorizationPending("The end-user has not answered yet.")
