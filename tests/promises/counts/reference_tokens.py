"""The requests of an API that has reference tokens, and their calls: a put in the place of a signature, and a read in
the place of its check.
"""

from dataclasses import replace

from tests.promises.counts.requests import Request
from tests.promises.counts.row import Row
from tests.support.world import Tokens, World


def _has_references(world: World) -> None:
    """The demo API has reference tokens from now on; functions that start anew know it."""
    audience = f"{world.deployment.issuer}/api"
    api = world.deployment.server.registry.scopes().apis[audience]
    world.deployment.registrar.put_api(replace(api, access_token_format="reference"))
    world.restart()


def _redeemed(world: World) -> Tokens:
    """John's tokens, the first of which is a reference."""

    def prepare() -> Tokens:
        tokens = world.issued()
        _has_references(world)
        return replace(tokens, answers=(world.redeem(tokens).json(),))

    found = world.deployment.prepared("redeemed as a reference", prepare)
    world.john = found
    world.browser.cookies = dict(found.cookies)
    assert found.access_tokens[0].startswith("vat_")
    return found


def client_credentials_as_reference(world: World) -> Request:
    world.deployment.begin()
    _has_references(world)
    return lambda: world.service.client_credentials()


def code_as_reference(world: World) -> Request:
    tokens = world.issued()
    _has_references(world)
    return lambda: world.redeem(tokens)


def refresh_as_reference(world: World) -> Request:
    tokens = _redeemed(world)
    world.deployment.clock.advance(60)
    return lambda: world.web_app.refresh(tokens.refresh_token)


def introspect_reference(world: World) -> Request:
    tokens = _redeemed(world)
    return lambda: world.service.introspect(tokens.access_tokens[0])


def introspect_unknown_reference(world: World) -> Request:
    """What a stranger makes up."""
    world.deployment.begin()
    return lambda: world.service.introspect(f"vat_{'A' * 22}.{'A' * 43}")


def userinfo_with_reference(world: World) -> Request:
    tokens = _redeemed(world)
    return lambda: world.web_app.userinfo(tokens.access_tokens[0])


def revoke_reference(world: World) -> Request:
    tokens = _redeemed(world)
    return lambda: world.web_app.revoke(tokens.access_tokens[0])


ROWS = (
    Row(
        client_credentials_as_reference,
        200,
        "PutItem reference",
        "GetItem client, Query scopes, Query apis, Query keys, UpdateItem status, PutItem lease, PutItem reference",
    ),
    Row(
        code_as_reference,
        200,
        "GetItem grant, GetItem account, Sign, PutItem reference, PutItem sub, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, PutItem lease, "
        "Query keys, Sign, PutItem reference, PutItem sub, UpdateItem grant",
    ),
    Row(
        refresh_as_reference,
        200,
        "GetItem grant, GetItem account, PutItem reference, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, PutItem reference, UpdateItem grant",
    ),
    Row(
        introspect_reference,
        200,
        "GetItem reference, GetItem grant, GetItem account, GetItem status, GetItem status",
        "GetItem client, GetItem reference, GetItem client, GetItem grant, GetItem account, GetItem status, "
        "GetItem status",
    ),
    Row(
        introspect_unknown_reference,
        200,
        "GetItem reference",
        "GetItem client, GetItem reference",
    ),
    Row(
        userinfo_with_reference,
        200,
        "GetItem reference, GetItem grant, GetItem account, GetItem status, GetItem status",
        "GetItem reference, GetItem client, GetItem grant, GetItem account, GetItem status, GetItem status",
    ),
    Row(
        revoke_reference,
        200,
        "GetItem reference, UpdateItem status, UpdateItem status",
        "GetItem client, GetItem reference, UpdateItem status, UpdateItem status",
    ),
)
