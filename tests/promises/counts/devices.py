"""The requests of devices and of the people who answer them, and their calls."""

from dataclasses import dataclass

from tests.promises.counts.requests import Request
from tests.promises.counts.row import Row
from tests.support.application import Application
from tests.support.browser import filled_in
from tests.support.devices import PAGE, Television, decide, type_code
from tests.support.wire import Answer
from tests.support.world import World


@dataclass
class Asked:
    """A device that has asked, and a request about it."""

    world: World
    tv: Television
    what: str

    def __call__(self) -> Answer:
        if self.what == "poll":
            return self.tv.poll()
        if self.what == "poll at once":
            return self.tv.poll(0)
        return self.world.browser.get(self.tv.link)


def television_of(world: World) -> Television:
    """John is signed in, and his device has asked."""
    world.signed_in()
    tv = Television(world.deployment, Application(world.send, world.deployment.issuer, "tv_demo"))
    tv.ask()
    return tv


def answered(world: World, decision: str = "allow") -> Television:
    """And he has answered."""
    tv = television_of(world)
    decide(world.browser, type_code(world.browser, tv.user_code), decision)
    return tv


def device_asked(world: World) -> Request:
    tv = television_of(world)
    return tv.ask


def device_stranger(world: World) -> Request:
    tv = television_of(world)
    world.browser.cookies = {}
    return Asked(world, tv, "link")


def device_link(world: World) -> Request:
    return Asked(world, television_of(world), "link")


def device_typed(world: World) -> Request:
    tv = television_of(world)
    form = filled_in(world.browser.get(PAGE), user_code=tv.user_code)
    return lambda: world.browser.post(*form)


def device_guessed(world: World) -> Request:
    television_of(world)
    form = filled_in(world.browser.get(PAGE), user_code="BBBBBBBB")
    return lambda: world.browser.post(*form)


@dataclass
class Answering:
    """The form that answers a device."""

    world: World
    tv: Television
    decision: str

    def __post_init__(self) -> None:
        page = type_code(self.world.browser, self.tv.user_code)
        self.form = filled_in(page, "decision", self.decision)

    def __call__(self) -> Answer:
        return self.world.browser.post(*self.form)


def device_allowed(world: World) -> Request:
    return Answering(world, television_of(world), "allow")


def device_denied(world: World) -> Request:
    return Answering(world, television_of(world), "deny")


def poll_pending(world: World) -> Request:
    return Asked(world, television_of(world), "poll")


def poll_too_fast(world: World) -> Request:
    tv = television_of(world)
    tv.poll()
    return Asked(world, tv, "poll at once")


def poll_denied(world: World) -> Request:
    return Asked(world, answered(world, "deny"), "poll")


def poll_expired(world: World) -> Request:
    tv = television_of(world)
    world.deployment.clock.advance(600)
    return Asked(world, tv, "poll")


def poll(world: World) -> Request:
    return Asked(world, answered(world), "poll")


_PERSON = "GetItem session, GetItem account"
_LOOK_UP = "UpdateItem throttle, UpdateItem throttle, GetItem device_code"
_NO_GUESS = "UpdateItem throttle, UpdateItem throttle"

ROWS = (
    Row(
        device_asked,
        200,
        "UpdateItem throttle, UpdateItem throttle, PutItem device_code",
        "GetItem client, Query scopes, Query apis, UpdateItem throttle, UpdateItem throttle, PutItem device_code",
    ),
    Row(device_stranger, 303, "PutItem request", "PutItem request"),
    Row(
        device_link,
        200,
        f"{_PERSON}, {_LOOK_UP}, {_NO_GUESS}",
        f"{_PERSON}, GetItem people, {_LOOK_UP}, GetItem client, Query scopes, Query apis, {_NO_GUESS}",
    ),
    Row(
        device_typed,
        200,
        f"{_PERSON}, {_LOOK_UP}, {_NO_GUESS}",
        f"{_PERSON}, GetItem people, {_LOOK_UP}, GetItem client, Query scopes, Query apis, {_NO_GUESS}",
    ),
    Row(device_guessed, 400, f"{_PERSON}, {_LOOK_UP}", f"{_PERSON}, GetItem people, {_LOOK_UP}"),
    Row(
        device_allowed,
        200,
        f"{_PERSON}, {_LOOK_UP}, {_NO_GUESS}, PutItem sub, GetItem session, PutItem grant",
        f"{_PERSON}, GetItem people, {_LOOK_UP}, GetItem client, Query scopes, Query apis, {_NO_GUESS}, "
        "PutItem sub, GetItem session, PutItem grant",
    ),
    Row(
        device_denied,
        200,
        f"{_PERSON}, {_LOOK_UP}, {_NO_GUESS}, PutItem grant",
        f"{_PERSON}, GetItem people, {_LOOK_UP}, GetItem client, Query scopes, Query apis, {_NO_GUESS}, PutItem grant",
    ),
    Row(
        poll_pending,
        400,
        "UpdateItem device_code, GetItem grant",
        "GetItem client, UpdateItem device_code, GetItem grant",
    ),
    Row(poll_too_fast, 400, "UpdateItem device_code", "GetItem client, UpdateItem device_code"),
    Row(
        poll_denied,
        400,
        "UpdateItem device_code, GetItem grant",
        "GetItem client, UpdateItem device_code, GetItem grant",
    ),
    Row(
        poll_expired,
        400,
        "UpdateItem device_code, GetItem grant",
        "GetItem client, UpdateItem device_code, GetItem grant",
    ),
    Row(
        poll,
        200,
        "UpdateItem device_code, GetItem grant, GetItem account, Sign, Sign, PutItem sub, UpdateItem grant",
        "GetItem client, UpdateItem device_code, GetItem grant, GetItem account, Query scopes, Query apis, "
        "UpdateItem status, PutItem lease, Query keys, Sign, Sign, PutItem sub, UpdateItem grant",
    ),
)
