"""The kinds of requests by which people join and set forgotten passwords, and what has to happen before each."""

from valet.models.accounts import Identifier

from tests.promises.counts.requests import Request
from tests.support.authenticator import SoftPasskey
from tests.support.browser import form_of, forms_of, passkey_form_of
from tests.support.joining import ADA, PASSWORD, RP_ID, Person, elsewhere
from tests.support.mailbox import Mailbox
from tests.support.passkeys import give_passkey
from tests.support.wire import Answer
from tests.support.world import World

ADDRESS, JOHN = "john@example.com", "demo-john"
NEW = "a new horse, a new staple"


def _person(world: World) -> Person:
    """Somebody in the browser, where people may join. Nobody is signed in."""
    world.deployment.begin()
    mailbox = Mailbox(world.deployment)
    mailbox.switch_on()
    person = Person.at(world.deployment, mailbox, world.web_app, world.send)
    person.browser = world.browser
    person.browser.cookies = {}
    return person


def _sent(person: Person, page: Answer, number: int = 0, **fields: str) -> Request:
    """A form of the page, which may be sent several times by the same browser."""
    form, browser = forms_of(page)[number], person.browser
    return lambda: browser.post(form.action, {**form.hidden, **fields})


def join_begun(world: World) -> Request:
    """Without an application."""
    person = _person(world)
    return lambda: person.browser.get("/join")


def join_page(world: World) -> Request:
    person = _person(world)
    handle = form_of(person.sign_in_page()).hidden["request"]
    return lambda: person.browser.get(f"/join?request={handle}")


def _asked(world: World, purpose: str, address: str) -> Request:
    person = _person(world)
    handle = form_of(person.sign_in_page()).hidden["request"]
    return _sent(person, person.browser.get(f"/{purpose}?request={handle}"), address=address)


def join_asked(world: World) -> Request:
    return _asked(world, "join", ADA)


def recover_asked(world: World) -> Request:
    return _asked(world, "recover", ADDRESS)


def join_throttled(world: World) -> Request:
    request = join_asked(world)
    for _ in range(3):
        request()
    world.deployment.aws.queues.clear()
    return request


def _code(world: World, code: str = "") -> Request:
    person = _person(world)
    page = person.ask()
    return _sent(person, page, code=code or person.mailbox.newest_of("join").code)


def join_code(world: World) -> Request:
    return _code(world)


def join_code_wrong(world: World) -> Request:
    return _code(world, "wrong")


def join_link(world: World) -> Request:
    person = _person(world)
    link = person.mail().link
    return lambda: person.browser.get(link)


def joined(world: World) -> Request:
    """In the browser that asked."""
    person = _person(world)
    page = person.browser.get(person.mail().link)
    return _sent(person, page, name="Ada", new_password=PASSWORD)


def joined_elsewhere(world: World) -> Request:
    person = _person(world)
    phone = elsewhere(person)
    page = phone.browser.get(person.mail().link)
    return _sent(phone, page, name="Ada", new_password=PASSWORD)


def joined_by_passkey(world: World) -> Request:
    from valet.jose.compact import decode

    person = _person(world)
    form = passkey_form_of(person.browser.get(person.mail().link))
    made = SoftPasskey(RP_ID, decode(form.data["user-handle"].encode()))
    filled = {**form.hidden, "name": "Ada", **made.made(world.deployment.issuer, form.data["challenge"])}
    return lambda: person.browser.post(form.action, filled)


def joined_too_late(world: World) -> Request:
    """Somebody has taken the address since the page was shown."""
    request = joined(world)
    world.deployment.users().take_identifier(ADA.lower(), Identifier("somebody", "email", 1), 0)
    return request


def _recovery(world: World) -> tuple[Person, str]:
    person = _person(world)
    return person, person.mail("recover", ADDRESS).link


def recover_link(world: World) -> Request:
    person, link = _recovery(world)
    return lambda: person.browser.get(link)


def recovered(world: World) -> Request:
    person, link = _recovery(world)
    return _sent(person, person.browser.get(link), new_password=NEW)


def recovered_without_password(world: World) -> Request:
    """By passkeys alone, with recovery codes: the mail is one of two proofs."""
    person = _person(world)
    users = world.deployment.table("Users")
    give_passkey(users, JOHN, RP_ID)
    values = {":yes": True, ":codes": "codes"}
    users.update(f"account#{JOHN}", "account", "SET #has_no_password = :yes, #recovery_id = :codes", values)
    world.settings = {"second_factor": "on"}
    world.restart()
    page = person.browser.get(person.mail("recover", ADDRESS).link)
    return _sent(person, page)
