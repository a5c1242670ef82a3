"""An identity at another provider becomes an account's: the three writes, in their order (docs/providers.md)."""

from typing import Protocol

from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.providers import Identity, Link
from valet.people import notices
from valet.people.linking import provider_of
from valet.people.notices import notify
from valet.ports.links import HasLinks
from valet.ports.runtime import HasRandom


class Ports(notices.Ports, HasRandom, HasLinks, Protocol):
    """The ports that a link is made through."""


def new_link(ports: HasRandom, sub: str, provider_id: str, identity: Identity) -> Link:
    """A link of this attempt, which no account names yet."""
    return Link(
        sub=sub,
        provider_id=provider_id,
        issuer=identity.issuer,
        upstream_sub=identity.subject,
        address=identity.email,
        name=identity.name,
        roles=identity.roles,
        attempt=ports.random(16),
    )


def connect(
    ports: Ports, account: Account, link: Link, name: str, found: Link | None, issuer: str, now: float
) -> Account | None:
    """Link the identity to the account, which its end-user is told by mail: the account as it is then.

    `found` is what is kept of the identity, and not in force. None: another account has it by now, or this one was
    changed meanwhile, and nothing was linked.
    """
    notify(ports, account, "link.added", issuer, now, name)
    if not ports.links.put_link(name, link, found):
        return None
    if not ports.links.name_link(account, name):
        ports.links.delete_link(name, link)
        return None
    if not ports.links.settle_link(name, link, now):
        ports.links.give_up_link(account, name)
        return None
    ports.audit.record("link.added", sub=account.sub, provider=provider_of(name))
    return replace(account, links=account.links | {name})
