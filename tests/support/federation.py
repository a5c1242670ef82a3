"""Other providers of a deployment, and people who sign in with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3
from valet.aws.dynamodb.accounts import item_of_account
from valet.aws.dynamodb.table import Table, item_from_model
from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.providers import Link
from valet.outbound.asking import Answer as ProvidersAnswer
from valet.people.linking import link_name
from valet.ports.sealing import PROVIDER_SECRET, Sealing

from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.providers import FakeProvider
from tests.support.wire import Answer


@cache
def people_key() -> str:
    """The ARN of the key that seals providers' secrets."""
    return str(boto3.client("kms").create_key(Description="PeopleKey")["KeyMetadata"]["Arn"])


def put_provider(registry: Table, sealing: Sealing, idp: FakeProvider, **changes: Any) -> None:
    """Keep its record, as `valet providers` leaves it."""
    sealed = sealing.seal(PROVIDER_SECRET, idp.provider.provider_id, idp.secret)
    idp.provider = replace(idp.provider, **{"secret": sealed, **changes})
    registry.put(item_from_model(idp.provider, "providers", idp.provider.provider_id))


@dataclass
class Federation:
    """A deployment with other providers."""

    deployment: Deployment
    providers: list[FakeProvider] = field(default_factory=list)

    def add(self, kind: str = "oidc", **record: Any) -> FakeProvider:
        """A provider that people may sign in with; every function knows it."""
        made = FakeProvider(kind, self.deployment.clock, **record)
        self.providers.append(made)
        self.register(made)
        return made

    def register(self, idp: FakeProvider, **changes: Any) -> None:
        """Change its record, so long ago that every function goes by it."""
        put_provider(self.deployment.table("Registry"), self.deployment.server.sealing, idp, **changes)
        self.deployment.clock.advance(11)

    def remove(self, idp: FakeProvider) -> None:
        self.deployment.table("Registry").delete("providers", idp.provider.provider_id)
        self.deployment.clock.advance(11)

    def ask(self, url: str, **asked: Any) -> ProvidersAnswer:
        """What Valet asks of any provider."""
        idp = next(each for each in self.providers if url.startswith(f"{each.host}/"))
        return idp.ask(url, **asked)

    # -- trips ---------------------------------------------------------------------------------------------------------

    def brought_back(self, idp: FakeProvider, sent: Answer, **changes: str | None) -> str:
        """The address that the browser brings back from the provider, to which that answer sent it."""
        return brought_back(idp, sent, **changes)

    def trip(self, browser: Browser, idp: FakeProvider, page: Answer, **changes: str | None) -> Answer:
        """From the sign-in page to the provider and back: the answer to the callback."""
        return browser.get(brought_back(idp, browser.get(button_of(page, idp)), **changes))

    # -- people --------------------------------------------------------------------------------------------------------

    def link(self, idp: FakeProvider, sub: str, **changes: Any) -> str:
        """Link the person at the provider to the account, as earlier sign-ins have left it; the link's name."""
        identity = identity_of(idp)
        name = link_name(idp.provider.provider_id, identity)
        link = Link(
            sub,
            idp.provider.provider_id,
            identity.issuer,
            identity.subject,
            attempt=b"first",
            linked_at=1,
            last_used_at=1,
        )
        users = self.deployment.table("Users")
        users.put(item_from_model(replace(link, **changes), f"link#{name}", "link"))
        users.update(f"account#{sub}", "account", "ADD #links :name", {":name": {name}})
        return name

    def account(self, sub: str) -> Account:
        found = self.deployment.server.accounts.find_account(sub)
        assert found is not None
        return found

    def change(self, sub: str, **changes: Any) -> Account:
        """Write the account, as some operation before has left it."""
        account = replace(self.account(sub), **changes)
        self.deployment.table("Users").put(item_of_account(account))
        return account


@contextmanager
def federated(deployment: Deployment, **settings: Any) -> Iterator[Federation]:
    """The deployment with Federation=on, whose functions reach the providers of this process and no other address."""
    deployment.own_settings |= {"federation": "on", "people_key": people_key(), **settings}
    deployment.restart()
    found = Federation(deployment)
    with patch("valet.outbound.guarded.ask", found.ask):
        yield found


def brought_back(idp: FakeProvider, sent: Answer, **changes: str | None) -> str:
    """The address that the browser brings back from the provider, to which that answer sent it."""
    assert sent.status == 303, sent
    brought: dict[str, str | None] = {**idp.authorize(sent.location), **changes}
    return callback(idp, {name: value for name, value in brought.items() if value is not None})


def callback(idp: FakeProvider, answer: Mapping[str, str]) -> str:
    return f"/federate/{idp.provider.provider_id}/callback?{urlencode(answer)}"


def button_of(page: Answer, idp: FakeProvider) -> str:
    """Where the page's button of that provider leads."""
    begin = f'href="/federate/{idp.provider.provider_id}?'
    assert begin in page.body, page.body
    _, _, rest = page.body.partition(begin)
    return f"/federate/{idp.provider.provider_id}?{rest.partition(chr(34))[0].replace('&amp;', '&')}"


def asked_of(sent: Answer) -> dict[str, str]:
    """The parameters of the authorization request that the browser is sent with."""
    return dict(parse_qsl(urlsplit(sent.location).query, strict_parsing=True))


def identity_of(idp: FakeProvider) -> Any:
    from tests.support.trips import redeemed

    return redeemed(idp)
