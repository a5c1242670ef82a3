"""What the device page shows: the field for the code, what a device asks for, and how it ended (RFC 8628 §3.3)."""

from valet.front_channel.consent import scopes_in_words
from valet.front_channel.device import (
    TYPED,
    Answer,
    Network,
    Pending,
    Person,
    Ports,
    check_network,
    find_pending,
    network,
)
from valet.front_channel.forms import csrf_token, is_csrf_token
from valet.http import Parameters, Response, page
from valet.pages import device, messages
from valet.pages.logos import data_uri
from valet.pages.words import Sentence, variants
from valet.people.identifiers import called
from valet.people.throttling import Throttled
from valet.protocol.device_code import shown

OUT_OF_DATE, _WRONG = Sentence("account.out_of_date"), Sentence("device.wrong")


def code_page(person: Person, user_code: str = "", *, status: int = 200, error: Sentence | None = None) -> Response:
    """The page with the field for the code, with that code in it."""
    filled = device.code_page(
        csrf_token=csrf_token(person.secret, _TYPING),
        username=called(person.account),
        user_code=shown(user_code) if user_code else "",
        error=error,
    )
    return page(status, filled)


def is_code_form(form: Parameters, person: Person) -> bool:
    """Whether the form was sent from this session's page with the field."""
    return is_csrf_token(form.get("csrf_token", ""), person.secret, _TYPING)


def looked_up(ports: Ports, person: Person, user_code: str, now: float) -> Pending | Response:
    """The device with the code that was typed, or the page again, which says what is wrong."""
    found = find_pending(ports, person, user_code, now, came_by=TYPED) if user_code else None
    if isinstance(found, Throttled):
        error = Sentence("sign_in.throttled", {"minutes": -(-found.retry_after // 60)})
        return code_page(person, status=429, error=error).with_headers({"Retry-After": str(found.retry_after)})
    return found or code_page(person, status=400, error=_WRONG)


def ask_page(ports: Ports, pending: Pending, person: Person, now: float, *, error: Sentence | None = None) -> Response:
    """The page that asks. Raises DeviceElsewhere."""
    check_network(pending, person)
    client, asked = pending.client, pending.device
    filled = device.ask_page(
        csrf_token=csrf_token(person.secret, _about(pending)),
        user_code=shown(pending.user_code),
        client_name=variants(client, "client_name"),
        client_logo=data_uri(client.logo),
        owner=client.owner,
        username=called(person.account),
        scopes=scopes_in_words(pending.request, ports.registry.scopes()),
        device_ip=asked.source_ip,
        agent=asked.agent,
        own_ip=person.source_ip,
        minutes=max(0, int(now) - asked.created_at_ms // 1000) // 60,
        is_elsewhere=network(pending, person) is Network.OTHER,
        error=error,
    )
    return page(400 if error else 200, filled)


def is_answer_form(form: Parameters, pending: Pending, person: Person) -> bool:
    """Whether the form was sent from the page that showed this session's end-user this very device and scope."""
    return is_csrf_token(form.get("csrf_token", ""), person.secret, _about(pending))


def answered_page(came: Answer) -> Response:
    """The page that says what became of the answer."""
    if came is Answer.ANSWERED:
        return page(400, messages.error("device_answered"))
    return page(200, messages.device(came.name.lower()))


_TYPING = "device"


def _about(pending: Pending) -> str:
    """What the page shows, for which its CSRF token is good. The digest tells two devices apart that had one code."""
    device, request = pending.device, pending.request
    return "\n".join(("device", device.device_id, device.secret_digest.hex(), *request.scope, *request.resource))
