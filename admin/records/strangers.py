"""Clients that no operator registered, as operators see and end them: their hosts, their invites and their grants."""

from collections.abc import Iterator
from dataclasses import dataclass

from valet.aws.dynamodb.table import Item, item_from_model, model_from_item
from valet.frozen import replace
from valet.handles import digest, new_handle, new_id
from valet.models.clients import Client, Unknown
from valet.models.grants import Grant
from valet.models.unknown_clients import DOCUMENT, REGISTRATION, Document, DynamicClient, Hosts, Invite
from valet.registration.unknown_clients import is_document_url, is_dynamic_id

from admin.records import changes, revocation
from admin.records.audit import Audit
from admin.records.deployment import Deployment
from admin.terminal.endings import Refused

_PLACE = {"pk": "hosts", "sk": "hosts"}


def unknown_client(client_id: str) -> Client | None:
    """A client that named itself, as far as its grants are concerned: it stands as long as they do."""
    if not is_document_url(client_id, is_local=True) and not is_dynamic_id(client_id):
        return None
    kind = REGISTRATION if is_dynamic_id(client_id) else DOCUMENT
    return Client(client_id, client_id, unknown=Unknown(kind))


@dataclass(frozen=True, slots=True)
class Strangers:
    """The records of a deployment about clients that no operator registered."""

    deployment: Deployment
    audit: Audit

    # -- hosts ---------------------------------------------------------------------------------------------------------

    def hosts(self) -> Hosts:
        item = self.deployment.registry.get(_PLACE["pk"], _PLACE["sk"])
        return model_from_item(Hosts, item) if item else Hosts()

    def change_hosts(self, before: Hosts, after: Hosts) -> None:
        """Raises Refused if another operator changed them since they were read."""
        if before == after:
            return
        table, items = self.deployment.registry, [self._item(each) for each in (before, after)]
        is_first = table.get(_PLACE["pk"], _PLACE["sk"]) is None
        if not (table.add(items[1]) if is_first and before == Hosts() else table.change(*items)):
            raise Refused("The hosts were changed by another operator at this moment: look at them again.")
        self.audit.record("hosts.changed", **changes.of_hosts(before, after))

    def _item(self, hosts: Hosts) -> Item:
        return item_from_model(hosts, **_PLACE)

    # -- invites -------------------------------------------------------------------------------------------------------

    def invite(self, uses: int, owner: str, lifetime: int) -> tuple[Invite, str]:
        """A new invite, and the initial access token that it is shown as this once."""
        random, now = self.deployment.random, int(self.deployment.clock())
        secret = new_handle(random)
        invite = Invite(new_id(random), digest(secret), uses, now + lifetime, owner)
        table = self.deployment.grants_table
        if not table.add(item_from_model(invite, f"invite#{invite.invite_id}", "invite")):
            raise Refused("Two invites drew one id: try again.")
        self.audit.record("invite.made", **changes.of_invite(invite))
        return invite, f"vit_{invite.invite_id}.{secret}"

    # -- clients and their grants --------------------------------------------------------------------------------------

    def documents(self) -> Iterator[Document]:
        """Those that are stored, by reading the whole table."""
        for item in self.deployment.grants_table.scan("document#"):
            if item.get("body"):
                yield model_from_item(Document, item)

    def registered(self) -> Iterator[DynamicClient]:
        """The clients that registered themselves, by reading the whole table."""
        for item in self.deployment.grants_table.scan("dynamic#"):
            yield model_from_item(DynamicClient, item)

    def grants(self, client_id: str | None = None) -> Iterator[Grant]:
        """The grants of all unknown clients, or of one, by reading the whole table."""
        is_registered = {client.client_id for client in self._of_that_shape()}
        for grant in revocation.all_grants(self.deployment):
            is_unknown = unknown_client(grant.client_id) is not None and grant.client_id not in is_registered
            if is_unknown and client_id in (None, grant.client_id):
                yield grant

    def _of_that_shape(self) -> Iterator[Client]:
        """The clients that operators registered by an id that looks like one which /register gives."""
        for item in self.deployment.registry.scan("client#dyn-"):
            if item["sk"] == "client":
                yield model_from_item(Client, item)

    def revoke(self, client_id: str | None, before_ms: int, now: float) -> int:
        """End the grants of one unknown client, or of all, that were issued before that time: grant by grant, because
        such clients have no epoch. How many there were.
        """
        found = [grant for grant in self.grants(client_id) if grant.issued_at_ms <= before_ms]
        return sum(revocation.revoke_grant(self.deployment, grant.grant_id, grant.sub, now) for grant in found)

    def forget(self, client_id: str) -> None:
        """Delete the registration of a client that registered itself."""
        if is_dynamic_id(client_id):
            self.deployment.grants_table.delete(f"dynamic#{client_id}", "client")
            self.audit.record("client.changed", client_id=client_id, deed="deleted", members="", before={}, after={})


def with_host(hosts: Hosts, host: str, *, trusted: bool = False, refused: bool = False) -> Hosts:
    """The hosts, with this one trusted, refused or neither."""
    return replace(
        hosts,
        trusted=hosts.trusted | {host} if trusted else hosts.trusted - {host},
        refused=hosts.refused | {host} if refused else hosts.refused - {host},
    )
