"""Links between accounts and identities at other providers, in the Users table.

The account says which links are in force, and the link says whose it is: both have to. A link is put first, named by
its account second, which is the write that counts, and settled third. A link that is settled and named stays: one that
is not named may be replaced, by a condition on what was read of it, and a process that named it meanwhile learns that
when it settles.
"""

from contextlib import suppress

from valet.aws.dynamodb.means import Means
from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.providers import Link
from valet.ports.links import MOST


class DynamoLinks(Frozen):
    """The port Links."""

    table: Table

    def find_link(self, name: str) -> Link | None:
        item = self.table.get(_pk(name), "link")
        return model_from_item(Link, item) if item else None

    def put_link(self, name: str, link: Link, found: Link | None) -> bool:
        condition, values = _as_read(found) if found else ("attribute_not_exists(#pk)", {})
        try:
            self.table.put(item_from_model(link, _pk(name), "link"), condition, values)
        except ConditionFailed as failed:  # perhaps by our own first try, whose answer was lost
            return (failed.found or {}).get("attempt") == link.attempt
        return True

    def name_link(self, account: Account, name: str) -> bool:
        return Means(self.table).name(account, "links", name, MOST)

    def settle_link(self, name: str, link: Link, now: float) -> bool:
        values = {":sub": link.sub, ":attempt": link.attempt, ":now": int(now)}
        try:
            self.table.update(_pk(name), "link", "SET #linked_at = :now", values, "#sub = :sub AND #attempt = :attempt")
        except ConditionFailed as failed:
            return (failed.found or {}).get("sub") == link.sub  # another request of the same account settles it
        return True

    def refresh_link(self, name: str, link: Link) -> None:
        told = {"address": link.address, "name": link.name, "roles": sorted(link.roles)}
        values = {
            **{f":{member}": value for member, value in told.items()},
            ":now": link.last_used_at,
            ":sub": link.sub,
        }
        change = "SET " + ", ".join(f"#{member} = :{member}" for member in told)
        change += ", #last_used_at = :now, #linked_at = if_not_exists(#linked_at, :now)"
        with suppress(ConditionFailed):  # it was removed meanwhile
            self.table.update(_pk(name), "link", change, values, "#sub = :sub")

    def drop_link(self, account: Account, name: str, now: float, *, is_lost: bool) -> bool:
        return Means(self.table).drop(account, "links", name, now, is_lost=is_lost)

    def give_up_link(self, account: Account, name: str) -> None:
        with suppress(ConditionFailed):
            self.table.update(
                f"account#{account.sub}", "account", "DELETE #links :name", {":name": {name}}, "attribute_exists(#pk)"
            )

    def delete_link(self, name: str, link: Link) -> None:
        condition, values = _as_read(link)
        with suppress(ConditionFailed):  # it is another account's by now, or linked anew
            self.table.delete(_pk(name), "link", condition, values)


def _as_read(link: Link) -> tuple[str, dict[str, object]]:
    values: dict[str, object] = {":found": link.sub, ":read": link.attempt}
    if link.linked_at:
        return "#sub = :found AND #attempt = :read AND #linked_at = :linked", {**values, ":linked": link.linked_at}
    return "#sub = :found AND #attempt = :read AND attribute_not_exists(#linked_at)", values


def _pk(name: str) -> str:
    return f"link#{name}"
