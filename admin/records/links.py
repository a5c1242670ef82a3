"""End-users' identities at other providers, as operators see and unlink them."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from valet.aws.dynamodb.links import DynamoLinks
from valet.aws.dynamodb.table import ConditionFailed
from valet.models.accounts import Account
from valet.people.identifiers import called
from valet.people.linking import provider_of
from valet.people.notices import notify

from admin.records.deployment import Deployment
from admin.records.people import People
from admin.terminal.endings import Refused

_SHOWN = 12  # digits of a digest: enough to tell twenty identities apart


def shown(people: People, account: Account) -> Iterator[dict[str, Any]]:
    """What operators see of the identities that are linked. An id is the beginning of the digest. Members of an
    identity whose item is missing are empty: nobody signs in with it.
    """
    for name in sorted(account.links):
        found = DynamoLinks(people.table).find_link(name)
        link = found if found is not None and found.sub == account.sub else None
        yield {
            "id": _digest(name)[:_SHOWN],
            "provider": provider_of(name),
            "issuer": link.issuer if link else "",
            "subject": link.upstream_sub if link else "",
            "address": link.address if link else "",
            "roles": sorted(link.roles) if link else [],
            "linked_at": link.linked_at if link else 0,
            "last_used_at": link.last_used_at if link else 0,
        }


def unlink(people: People, deployment: Deployment, account: Account, link_id: str, now: float) -> str:
    """Take a link out of force, and delete it; its provider. Raises Refused if the account has none of that id."""
    named = [name for name in account.links if link_id and _digest(name).startswith(link_id)]
    if len(named) != 1:
        raise Refused(f"{called(account)} has no link {link_id}. `valet users show` lists them.")
    (name,) = named
    notify(deployment, account, "link.removed", deployment.issuer, now, mark=name)
    try:
        change = "DELETE #links :name"
        people.table.update(f"account#{account.sub}", "account", change, {":name": {name}}, "attribute_exists(#pk)")
    except ConditionFailed:
        raise Refused(f"{called(account)} was deleted by another operator at this moment.") from None
    _delete(people, account, name)
    people.audit.record("link.removed", sub=account.sub, provider=provider_of(name))
    return provider_of(name)


def forget(people: People, account: Account) -> None:
    """Delete the links of an account that is about to be deleted."""
    for name in account.links:
        _delete(people, account, name)


def _delete(people: People, account: Account, name: str) -> None:
    with suppress(ConditionFailed):  # another account has the identity by now
        people.table.delete(f"link#{name}", "link", "#sub = :sub", {":sub": account.sub})


def _digest(name: str) -> str:
    return name.rpartition("#")[2]
