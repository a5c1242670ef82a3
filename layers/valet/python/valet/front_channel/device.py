"""The device page: what a device asks for, and a person's yes or no (RFC 8628 §3.3, §5.4).

No link decides anything here. A code that came by a link is not even filled in for a person in another network than
the device's, because who sends such links hopes that their reader presses a button (device-code phishing).
"""

from enum import Enum
from ipaddress import ip_address, ip_network
from typing import Protocol

from valet.errors import DeviceElsewhere, InvalidScope
from valet.front_channel.assurance import level_for, told_of
from valet.front_channel.code import GrantPorts, issue_grant, new_grant
from valet.front_channel.consent import remaining
from valet.front_channel.interaction import needs_login
from valet.front_channel.saved_requests import save_request
from valet.front_channel.steps import back_to_authorize
from valet.frozen import Frozen
from valet.http import Request, Response, redirect
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.device_codes import DeviceCode
from valet.models.grants import Grant
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.cookies import HasCookies, browser_or_new, session_secret
from valet.people.sessions import current_session
from valet.people.throttling import Throttled, network_of
from valet.ports.accounts import HasAccounts
from valet.ports.device_codes import HasDeviceCodes
from valet.ports.grants import Done, Revocation
from valet.ports.runtime import HasAudit, HasRandom, HasSettings
from valet.ports.saved_requests import HasSavedRequests
from valet.ports.throttles import HasThrottles
from valet.protocol.device_code import REDEEMABLE, device_id_of, grant_id_of_device
from valet.protocol.device_visit import address, device_page, device_visit
from valet.protocol.supported import DEVICE_CODE
from valet.standing import session_stands

# Wrong codes in a window of login_throttle_window. Codes that come by links have a count of their own: a stranger's
# links must not keep a person from typing.
_MOST_OF_ACCOUNT, _MOST_OF_ADDRESS = 5, 30
TYPED, LINK = "typed", "link"
_IPV4_NETWORK, _IPV6_NETWORK = 24, 48


class Ports(
    GrantPorts,
    HasSettings,
    HasRandom,
    HasAudit,
    HasCookies,
    HasAccounts,
    HasSavedRequests,
    HasThrottles,
    HasDeviceCodes,
    Protocol,
):
    """The ports that the device page uses."""


class Person(Frozen):
    """The end-user at the page, and the browser that they are signed in with."""

    session: Session
    account: Account
    secret: str  # the value of the session's cookie
    source_ip: str

    def __repr__(self) -> str:
        return f"Person({self.account.sub!r})"  # the cookie is a secret


class Pending(Frozen):
    """A device that waits for an answer: what it asks for, as far as its client may still have it."""

    device: DeviceCode
    user_code: str
    client: Client
    request: AuthorizationRequest


class Network(Enum):
    """Whether the device and the person are in one network."""

    SAME = "one network"
    OTHER = "different networks"
    UNKNOWN = "addresses that cannot be compared, such as IPv4 and IPv6"


class Answer(Enum):
    """What became of a person's answer."""

    APPROVED = "the device may fetch its tokens"
    DENIED = "the device gets nothing"
    APPROVED_BEFORE = "the same person said yes before, which a no does not change"
    ANSWERED = "it was answered before, by another person or with no, or the grant has ended since"


def find_person(ports: Ports, request: Request, now: float) -> Person | None:
    """The end-user of the browser's session, if their sign-in is good enough for this page."""
    session = current_session(request, ports.cookies, ports.sessions, ports.settings, now)
    secret = session_secret(request, ports.cookies)
    account = ports.accounts.find_account(session.sub) if session else None
    if session is None or account is None or secret is None or not session_stands(session, account):
        return None
    person = Person(session, account, secret, request.source_ip)
    return person if has_signed_in(ports, person, now) else None


def has_signed_in(ports: Ports, person: Person, now: float, client: Client | None = None) -> bool:
    """Whether the sign-in is what the operator requires for this client; without one, for this page."""
    told, visit = told_of(person.session, person.account), device_visit()
    level = level_for(visit, client or device_page(), person.account, ports.registry, ports.settings.features, told)
    return not needs_login(visit, person.session, 0, now, level)


def to_sign_in(ports: Ports, request: Request, visit: AuthorizationRequest, now: float) -> Response:
    """Save the visit for this browser, and redirect to /authorize, which asks for a sign-in and leads back.

    A form of another site carries no cookies of this server (SameSite=Lax): the GET of the page carries them.
    """
    if request.method == "POST" and not visit.has_client:
        return redirect(address(request.issuer, visit.user_code))
    browser, cookies = browser_or_new(request, ports.cookies, ports.random)
    now_ms = int(now * 1000)
    saved = save_request(visit, browser, ports.saved_requests, ports.settings, ports.random, created_at_ms=now_ms)
    return back_to_authorize(saved, request.issuer).with_cookies(*cookies)


def find_pending(
    ports: Ports, person: Person, user_code: str, now: float, *, came_by: str
) -> Pending | Throttled | None:
    """The device with that user code, if it waits; None if there is none. Counted before it is looked up."""
    window = ports.settings.login_throttle_window
    ends_at = (int(now) // window + 1) * window
    counts = (
        (f"user_code#{came_by}#{person.account.sub}#{ends_at}", _MOST_OF_ACCOUNT),
        (f"user_code#{came_by}#address#{network_of(person.source_ip)}#{ends_at}", _MOST_OF_ADDRESS),
    )
    for count, most in counts:
        if ports.throttles.count(count, ends_at) > most:
            return Throttled(ends_at - int(now))
    device = ports.device_codes.find_device_code(device_id_of(user_code))
    found = _pending(ports, device, user_code) if device and device.code_expires_at > now else None
    if found is None:
        ports.audit.record("device.guessed", sub=person.account.sub, source_ip=person.source_ip)
        return None
    for count, _ in counts:
        ports.throttles.take_back(count)  # a right code is no guess
    return found


def _pending(ports: Ports, device: DeviceCode, user_code: str) -> Pending | None:
    client = ports.registry.find_client(device.client_id)
    if client is None or client.is_disabled or DEVICE_CODE not in client.grant_types:
        return None
    asked = AuthorizationRequest(
        client_id=device.client_id,
        redirect_uri="",
        scope=device.scope,
        code_challenge="",
        resource=device.resource,
        is_device=True,
    )
    try:
        return Pending(device, user_code, client, remaining(asked, client, ports.registry.scopes()))
    except InvalidScope:
        return None


def network(pending: Pending, person: Person) -> Network:
    """Whether both are in one network: a /24 of IPv4, or a /48 of IPv6, which is one site."""
    theirs, ours = _network(pending.device.source_ip), _network(person.source_ip)
    if theirs is None or ours is None or theirs[0] != ours[0]:
        return Network.UNKNOWN
    return Network.SAME if theirs == ours else Network.OTHER


def _network(source_ip: str) -> tuple[int, str] | None:
    try:
        # An IPv4 address as a dual-stack socket writes it comes out as IPv4.
        found = ip_address(network_of(source_ip, 128).partition("/")[0])
    except ValueError:
        return None
    bits = _IPV4_NETWORK if found.version == 4 else _IPV6_NETWORK
    return found.version, str(ip_network((found, bits), strict=False))


def check_network(pending: Pending, person: Person) -> None:
    """Raises DeviceElsewhere if the client's registration refuses a device that is not in the person's network."""
    if pending.client.device_network != "any" and network(pending, person) is not Network.SAME:
        raise DeviceElsewhere(pending.client.client_id)


def answer(ports: Ports, pending: Pending, person: Person, now: float, *, is_yes: bool) -> Answer:
    """Write the person's yes or no, if it is the first answer. Raises DeviceElsewhere, and AlreadyAnswered if the
    session has ended; then nothing is answered.
    """
    check_network(pending, person)
    device, sub = pending.device, person.account.sub
    grant_id, mark = grant_id_of_device(device.device_id, device.secret_digest), ports.random(16)
    if is_yes:
        grant = new_grant(
            ports,
            pending.request,
            pending.client,
            person.session,
            now,
            grant_id=grant_id,
            code_digest=device.secret_digest,
            code_expires_at=device.code_expires_at + REDEEMABLE,
            retry_key=mark,  # nothing is derived from it: it marks the write as this invocation's own
        )
        outcome = issue_grant(ports, grant, person.session)
    else:
        outcome = ports.grants.deny(grant_id, sub, Revocation(mark, int(now), "denied"))
    found = None if isinstance(outcome, Done) else outcome.found
    if found is None or mark in (found.retry_key, found.revocation):
        _record(ports, pending, person, grant_id, is_yes=is_yes)
        return Answer.APPROVED if is_yes else Answer.DENIED
    return answered_before(found, sub, is_yes=is_yes)


def answered_before(found: Grant, sub: str, *, is_yes: bool) -> Answer:
    """What an answer comes to where another one stands in its place."""
    if found.sub != sub:
        return Answer.ANSWERED
    if not found.client_id:  # this person's no
        return Answer.ANSWERED if is_yes else Answer.DENIED
    if found.revoked_at:
        return Answer.ANSWERED
    return Answer.APPROVED if is_yes else Answer.APPROVED_BEFORE


def _record(ports: Ports, pending: Pending, person: Person, grant_id: str, *, is_yes: bool) -> None:
    ports.audit.record(
        "device.approved" if is_yes else "device.denied",
        client_id=pending.client.client_id,
        sub=person.account.sub,
        grant_id=grant_id,
        source_ip=person.source_ip,
        device_ip=pending.device.source_ip,
        same_network=network(pending, person) is Network.SAME,
        **({"scope": " ".join(pending.request.scope)} if is_yes else {}),
    )
