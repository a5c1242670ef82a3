"""The Registry table as operators write it."""

from dataclasses import dataclass

from valet.aws.dynamodb.table import ConditionFailed, Item, Table, item_from_model
from valet.models import Client, ProtectedApi, Scope


@dataclass(frozen=True, slots=True)
class Registrar:
    """Writes clients, protected APIs and scopes."""

    table: Table

    def put_client(self, client: Client) -> None:
        """Write the client, and its origins into the union that preflights are answered for."""
        self._add_origins(client.origins)
        self.table.put(item_from_model(client, f"client#{client.client_id}", "client"))

    def put_api(self, api: ProtectedApi) -> None:
        self.table.put(item_from_model(api, "apis", api.audience))

    def put_scope(self, scope: Scope) -> None:
        self.table.put(item_from_model(scope, "scopes", scope.name))

    def add_scope(self, scope: Scope) -> bool:
        """Write the scope unless it is there: an operator's own sentence stays."""
        try:
            self.table.put(item_from_model(scope, "scopes", scope.name), "attribute_not_exists(#pk)")
        except ConditionFailed:
            return False
        return True

    def _add_origins(self, origins: frozenset[str]) -> None:
        if not origins:
            return
        found: Item | None = self.table.get("cors", "origins")
        while True:
            known = frozenset(found.get("origins", ())) if found else frozenset()
            if origins <= known:
                return
            item = {"pk": "cors", "sk": "origins", "origins": sorted(known | origins)}
            try:
                if found is None:
                    self.table.put(item, "attribute_not_exists(#pk)")
                else:
                    self.table.put(item, "#origins = :known", {":known": sorted(known)})
            except ConditionFailed as failed:
                found = failed.found
            else:
                return
