"""The requests of signing in with another provider, and their calls. What the provider is asked costs no AWS call."""

from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.promises.counts.requests import Request
from tests.promises.counts.row import Row
from tests.support.browser import Browser, filled_in
from tests.support.federation import Federation, asked_of, brought_back, button_of, callback, people_key
from tests.support.providers import FakeProvider
from tests.support.wire import Answer
from tests.support.world import World

SECTION = "/account/providers"


def federation_of(world: World, **record: Any) -> tuple[Federation, FakeProvider]:
    """A provider, and nobody signed in."""
    world.deployment.begin()
    world.browser.cookies = {}
    world.deployment.own_settings |= {"federation": "on", "people_key": people_key()}
    world.restart()
    federation = Federation(world.deployment)
    return federation, federation.add(**record)


@dataclass
class Return:
    """The browser comes back from the provider to that address. Meanwhile the providers can be asked."""

    world: World
    federation: Federation
    idp: FakeProvider
    url: str

    def __call__(self) -> Answer:
        with patch("valet.outbound.guarded.ask", self.federation.ask):
            return self.world.browser.get(self.url)


def sign_in(world: World, federation: Federation, idp: FakeProvider) -> Return:
    """From the sign-in page to the provider, on the way back."""
    return Return(world, federation, idp, brought_back(idp, _sent(world, idp)))


def _sent(world: World, idp: FakeProvider) -> Answer:
    return world.browser.get(button_of(world.browser.open(world.web_app.ask().url), idp))


def federate_begun(world: World) -> Request:
    _federation, idp = federation_of(world)
    button = button_of(world.browser.open(world.web_app.ask().url), idp)
    return lambda: world.browser.get(button)


def federate_by_post(world: World) -> Request:
    _federation, idp = federation_of(world)
    state = asked_of(_sent(world, idp))["state"]
    path = f"/federate/{idp.provider.provider_id}/callback"
    return lambda: world.browser.post_from_another_site(path, {"state": state, "code": "x"})


def federate_sign_in(world: World) -> Request:
    """By a link."""
    federation, idp = federation_of(world)
    federation.link(idp, "demo-john")
    return sign_in(world, federation, idp)


def federate_new_account(world: World) -> Request:
    federation, idp = federation_of(world, creates=True)
    return sign_in(world, federation, idp)


def federate_linked(world: World) -> Request:
    """By two proven addresses and the operator's word."""
    federation, idp = federation_of(world, links="verified", domains=frozenset({"example.com"}))
    idp.claims["email"] = "john@example.com"
    return sign_in(world, federation, idp)


def federate_has_account(world: World) -> Request:
    federation, idp = federation_of(world)
    idp.claims["email"] = "john@example.com"
    return sign_in(world, federation, idp)


def federate_to_link(world: World) -> Request:
    """From the account page."""
    federation, idp = federation_of(world)
    return to_link(world, federation, idp)


def federate_refused(world: World) -> Request:
    federation, idp = federation_of(world)
    return sign_in(world, federation, idp)


def federate_denied(world: World) -> Request:
    _federation, idp = federation_of(world)
    url = callback(idp, {"error": "access_denied", "state": asked_of(_sent(world, idp))["state"]})
    return lambda: world.browser.get(url)


def authorize_told(world: World) -> Request:
    """Back from the provider, whose word becomes a session."""
    location = federate_sign_in(world)().location
    return lambda: world.browser.get(location)


# The account page -----------------------------------------------------------------------------------------------------


def _begun(world: World, idp: FakeProvider) -> Request:
    browser: Browser = world.browser
    page = browser.open(SECTION)
    page = page if page.status == 200 and "password" not in page.body else browser.sign_in(page)
    form = filled_in(page, "provider", idp.provider.provider_id)
    return lambda: browser.post(*form)


def to_link(world: World, federation: Federation, idp: FakeProvider) -> Return:
    """From the account page to the provider, on the way back."""
    return Return(world, federation, idp, brought_back(idp, world.browser.follow(_begun(world, idp)())))


def providers_page(world: World) -> Request:
    """With one link."""
    federation, idp = federation_of(world)
    federation.link(idp, "demo-john")
    world.browser.sign_in(world.browser.open(SECTION))
    return lambda: world.browser.get(SECTION)


def provider_begun(world: World) -> Request:
    _federation, idp = federation_of(world)
    return _begun(world, idp)


def provider_linked(world: World) -> Request:
    federation, idp = federation_of(world)
    page = world.browser.follow(to_link(world, federation, idp)())
    form = filled_in(page, "do", "confirm")
    return lambda: world.browser.post(*form)


def provider_removed(world: World) -> Request:
    federation, idp = federation_of(world)
    federation.link(idp, "demo-john")
    form = filled_in(world.browser.sign_in(world.browser.open(SECTION)), "do", "remove")
    return lambda: world.browser.post(*form)


ROWS = (
    Row(
        federate_begun,
        303,
        "GetItem request",
        "Query providers, GetItem request, GetItem client",
    ),
    Row(
        federate_by_post,
        303,
        "",
        "Query providers",
    ),
    Row(
        federate_sign_in,
        303,
        "GetItem request, Decrypt, GetItem link, GetItem account, UpdateItem link, PutItem proof-upstream",
        "Query providers, GetItem request, GetItem client, Decrypt, GetItem link, GetItem account, "
        "UpdateItem link, PutItem proof-upstream",
    ),
    Row(
        federate_new_account,
        303,
        "GetItem request, Decrypt, GetItem link, GetItem identifier, PutItem account, PutItem link, "
        "PutItem identifier, PutItem proof-upstream",
        "Query providers, GetItem request, GetItem client, Decrypt, GetItem link, GetItem identifier, "
        "PutItem account, PutItem link, PutItem identifier, PutItem proof-upstream",
    ),
    Row(
        federate_linked,
        303,
        "GetItem request, Decrypt, GetItem link, GetItem identifier, GetItem account, PutItem link, "
        "UpdateItem account, UpdateItem link, PutItem proof-upstream",
        "Query providers, GetItem request, GetItem client, Decrypt, GetItem link, GetItem identifier, "
        "GetItem account, PutItem link, UpdateItem account, UpdateItem link, PutItem proof-upstream",
    ),
    Row(
        federate_has_account,
        303,
        "GetItem request, Decrypt, GetItem link, GetItem identifier, GetItem account, PutItem proof-upstream",
        "Query providers, GetItem request, GetItem client, Decrypt, GetItem link, GetItem identifier, "
        "GetItem account, PutItem proof-upstream",
    ),
    Row(
        federate_to_link,
        303,
        "GetItem request, Decrypt, GetItem link, GetItem account, PutItem proof-upstream",
        "Query providers, GetItem request, Decrypt, GetItem link, GetItem account, PutItem proof-upstream",
    ),
    Row(
        federate_refused,
        400,
        "GetItem request, Decrypt, GetItem link, GetItem identifier",
        "Query providers, GetItem request, GetItem client, Decrypt, GetItem link, GetItem identifier, GetItem people",
    ),
    Row(
        federate_denied,
        303,
        "GetItem request",
        "Query providers, GetItem request",
    ),
    Row(
        authorize_told,
        303,
        "GetItem request, GetItem proof-upstream, GetItem account, PutItem sessions, PutItem session, "
        "UpdateItem proof-upstream, GetItem consent",
        "GetItem request, GetItem proof-upstream, GetItem account, PutItem sessions, PutItem session, "
        "UpdateItem proof-upstream, GetItem client, GetItem people, GetItem consent",
    ),
    Row(
        providers_page,
        200,
        "GetItem session, GetItem account, GetItem link",
        "GetItem session, GetItem account, GetItem people, Query providers, GetItem link",
    ),
    Row(
        provider_begun,
        303,
        "GetItem session, GetItem account, PutItem request",
        "GetItem session, GetItem account, GetItem people, Query providers, PutItem request",
    ),
    Row(
        provider_linked,
        303,
        "GetItem session, GetItem account, GetItem proof-upstream, GetItem link, PutItem link, UpdateItem "
        "account, UpdateItem link",
        "GetItem session, GetItem account, GetItem people, GetItem proof-upstream, Query providers, GetItem "
        "link, PutItem link, UpdateItem account, UpdateItem link",
    ),
    Row(
        provider_removed,
        303,
        "GetItem session, GetItem account, GetItem link, UpdateItem account, DeleteItem link",
        "GetItem session, GetItem account, GetItem people, GetItem link, UpdateItem account, DeleteItem link",
    ),
)
