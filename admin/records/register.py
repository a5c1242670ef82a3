"""The Registry table (DynamoDB) as operators read and change it: clients, protected APIs, scopes and the policy."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Self

from valet.aws.dynamodb import client_keys
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import ConditionFailed, item_from_model, model_from_item
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.models.policy import ITEM, Policy
from valet.ports.runtime import Clock

from admin.records import changes
from admin.records.audit import Audit
from admin.records.deployment import Deployment
from admin.records.scans import ScannedTable, raise_epoch
from admin.terminal.endings import Refused


@dataclass(frozen=True, slots=True)
class Register:
    """Registered clients, APIs and scopes. A change is refused if another operator made one since the read, and logged
    after it is made."""

    table: ScannedTable
    audit: Audit
    clock: Clock

    @classmethod
    def of(cls, deployment: Deployment) -> Self:
        return cls(deployment.registry, deployment.audit, deployment.clock)

    # -- clients -------------------------------------------------------------------------------------------------------

    def find_client(self, client_id: str) -> Client | None:
        item = self.table.get(f"client#{client_id}", "client")
        return model_from_item(Client, item) if item else None

    def client(self, client_id: str) -> Client:
        found = self.find_client(client_id)
        if found is None:
            raise Refused(f"There is no client {client_id}.")
        return found

    def clients(self) -> Iterator[Client]:
        return (model_from_item(Client, item) for item in self.table.scan("client#") if item["sk"] == "client")

    def is_spent(self, client_id: str) -> bool:
        """Whether the client_id was a deleted client's."""
        return self.table.get(f"client#{client_id}", "deleted") is not None

    def add_client(self, client: Client) -> Client:
        """The client as it is registered."""
        if self.is_spent(client.client_id):
            raise Refused(
                f"{client.client_id} was the client_id of a client that was deleted. Grants that end-users gave "
                "to the deleted client would count for this one: choose another client_id."
            )
        registrar = Registrar(self.table)
        registrar.add_origins(client.origins)
        if client.jwks_uri:
            self.announce_keys(client)
        client = self._dated(None, client)
        if not self.table.add(item_from_model(client, f"client#{client.client_id}", "client")):
            raise Refused(f"There is a client {client.client_id} already.")
        self.audit.record("client.changed", **changes.of_client(None, client))
        registrar.add_origins(client.origins)
        return client

    def change_client(self, before: Client, after: Client) -> Client:
        """The client as it is registered."""
        if after == before:
            return after
        Registrar(self.table).add_origins(after.origins)
        if after.jwks_uri:
            self.announce_keys(after)
        pk, after = f"client#{before.client_id}", self._dated(before, after)
        if not self.table.change(item_from_model(before, pk, "client"), item_from_model(after, pk, "client")):
            raise _raced(f"The client {before.client_id}")
        self.audit.record("client.changed", **changes.of_client(before, after))
        Registrar(self.table).add_origins(after.origins)
        if before.jwks_uri and not after.jwks_uri:
            client_keys.forget(self.table, before.client_id)
        if before.origins - after.origins:
            self.narrow_origins()
        return after

    def _dated(self, before: Client | None, after: Client) -> Client:
        """`after` with the time at which its newest secret was made."""
        if not after.secret_digests:
            return replace(after, secret_made_at_ms=0)
        is_new = not set(after.secret_digests) <= set(before.secret_digests if before else ())
        return replace(after, secret_made_at_ms=int(self.clock() * 1000)) if is_new else after

    def announce_keys(self, client: Client) -> None:
        """Let the function fetch_client_keys know the client's `jwks_uri`."""
        client_keys.announce(self.table, client)

    def revoke(self, client: Client, now: float) -> Client:
        """End every grant and access token that the client has until now, by one write; the client as it then is."""
        pk = f"client#{client.client_id}"
        before, after = raise_epoch(self.table, client, pk, "client", lambda found: revoked(found, now))
        if after != before:
            self.audit.record("client.changed", **changes.of_client(before, after))
        return after

    def end_grants(self, client: Client, before_ms: int) -> None:
        """End the client's grants that were issued before a past time. The mark never moves back in time."""
        if client.grants_not_before_ms >= before_ms:
            return
        if self.table.mark(f"client#{client.client_id}", "client", "grants_not_before_ms", before_ms):
            ended = replace(client, grants_not_before_ms=before_ms)
            self.audit.record("client.changed", **changes.of_client(client, ended))

    def delete_client(self, client: Client, now: float) -> None:
        # The mark that the client_id is spent comes first: if the command dies then, the operator can repeat it.
        pk = f"client#{client.client_id}"
        self.table.put({"pk": pk, "sk": "deleted", "deleted_at": int(now)})
        self.table.delete(pk, "client")
        self.audit.record("client.changed", **changes.of_client(client, None))
        if client.jwks_uri:
            client_keys.forget(self.table, client.client_id)
        if client.origins:
            self.narrow_origins()

    def origins(self) -> frozenset[str]:
        """The stored union of origins, which preflights are answered for."""
        item = self.table.get("cors", "origins")
        return frozenset(item.get("origins", ())) if item else frozenset()

    def narrow_origins(self) -> None:
        """Remove the origins that no client has any more from the union.

        A command that adds a client writes the union again afterwards, which changes its version. So if this command
        misses that client, its write fails, or the other command adds the origins again.
        """
        while True:
            item = self.table.get("cors", "origins") or {}
            version, kept = item.get("version", 0), frozenset(item.get("origins", ()))
            needed = frozenset().union(*(client.origins for client in self.clients()))
            if kept <= needed:
                return
            change = "SET #origins = :origins ADD #version :one" if needed else "REMOVE #origins ADD #version :one"
            values = {":one": 1, ":version": version, **({":origins": set(needed)} if needed else {})}
            try:
                self.table.update("cors", "origins", change, values, "#version = :version")
            except ConditionFailed:
                continue
            return

    # -- scopes and protected APIs -------------------------------------------------------------------------------------

    def scopes(self) -> Scopes:
        scopes = (model_from_item(Scope, item) for item in self.table.query("scopes"))
        apis = (model_from_item(ProtectedApi, item) for item in self.table.query("apis"))
        return Scopes({scope.name: scope for scope in scopes}, {api.audience: api for api in apis})

    def scope(self, name: str) -> Scope:
        found = self.scopes().scopes.get(name)
        if found is None:
            raise Refused(f"There is no scope {name}.")
        return found

    def api(self, audience: str) -> ProtectedApi:
        found = self.scopes().apis.get(audience)
        if found is None:
            raise Refused(f"There is no protected API {audience}.")
        return found

    def add_scope(self, scope: Scope) -> None:
        if not self.table.add(item_from_model(scope, "scopes", scope.name)):
            raise Refused(f"There is a scope {scope.name} already.")
        self.audit.record("scope.changed", **changes.of_scope(None, scope))

    def change_scope(self, before: Scope, after: Scope) -> None:
        if after == before:
            return
        items = [item_from_model(each, "scopes", before.name) for each in (before, after)]
        if not self.table.change(*items):
            raise _raced(f"The scope {before.name}")
        self.audit.record("scope.changed", **changes.of_scope(before, after))

    def delete_scope(self, scope: Scope) -> None:
        """Raises Refused if another operator changed it since it was read: it may be needed again."""
        if not self.table.remove(item_from_model(scope, "scopes", scope.name), _members(scope)):
            raise _raced(f"The scope {scope.name}")
        self.audit.record("scope.changed", **changes.of_scope(scope, None))

    def add_api(self, api: ProtectedApi) -> None:
        if not self.table.add(item_from_model(api, "apis", api.audience)):
            raise Refused(f"There is a protected API {api.audience} already.")
        self.audit.record("api.changed", **changes.of_api(None, api))

    def change_api(self, before: ProtectedApi, after: ProtectedApi) -> None:
        if after == before:
            return
        items = [item_from_model(each, "apis", before.audience) for each in (before, after)]
        if not self.table.change(*items):
            raise _raced(f"The protected API {before.audience}")
        self.audit.record("api.changed", **changes.of_api(before, after))

    def delete_api(self, api: ProtectedApi) -> None:
        """Raises Refused if another operator changed it since it was read: it may be needed again."""
        if not self.table.remove(item_from_model(api, "apis", api.audience), _members(api)):
            raise _raced(f"The protected API {api.audience}")
        self.audit.record("api.changed", **changes.of_api(api, None))

    # -- the policy for people -----------------------------------------------------------------------------------------

    def policy(self) -> Policy:
        item = self.table.get(*ITEM)
        return model_from_item(Policy, item) if item else Policy()

    def change_policy(self, before: Policy, after: Policy) -> None:
        if after == before:
            return
        items = [item_from_model(each, *ITEM) for each in (before, after)]
        is_first = self.table.get(*ITEM) is None
        if not (self.table.add(items[1]) if is_first and before == Policy() else self.table.change(*items)):
            raise _raced("The policy")
        self.audit.record("policy.changed", **changes.of_policy(before, after))


def revoked(client: Client, now: float) -> Client:
    """The client, with every grant until now dead. The times are for operators and the release before."""
    at_ms = int(now * 1000)
    return replace(client, epoch=client.epoch + 1, epoch_raised_at_ms=at_ms, grants_not_before_ms=at_ms)


def _members(record: Scope | ProtectedApi) -> list[str]:
    return [field.name for field in fields(record)]


def _raced(what: str) -> Refused:
    return Refused(f"{what} was changed or deleted by another operator at this moment: look at it again.")
