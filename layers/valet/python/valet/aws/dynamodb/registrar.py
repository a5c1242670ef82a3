"""The Registry table as operators write it."""

from valet.aws.dynamodb.client_keys import announce
from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model
from valet.frozen import Frozen
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.policy import ITEM, Policy


class Registrar(Frozen):
    """Writes clients, protected APIs, scopes and the policy for people."""

    table: Table

    def put_client(self, client: Client) -> None:
        """Write the client, and add its origins to the union that answers preflights."""
        self.add_origins(client.origins)
        if client.jwks_uri:
            announce(self.table, client)
        self.table.put(item_from_model(client, f"client#{client.client_id}", "client"))
        self.add_origins(client.origins)

    def add_origins(self, origins: frozenset[str]) -> None:
        """Add the client's origins to the union, once before the client is written and once after. The first write
        makes its preflights succeed. The second changes the union's version: an operator's command that removes origins
        from the union may have read all clients before this one was written, and its write then fails.
        """
        if origins:
            values = {":origins": set(origins), ":one": 1}
            self.table.update("cors", "origins", "ADD #origins :origins, #version :one", values)

    def put_api(self, api: ProtectedApi) -> None:
        self.table.put(item_from_model(api, "apis", api.audience))

    def put_policy(self, policy: Policy) -> None:
        self.table.put(item_from_model(policy, *ITEM))

    def put_scope(self, scope: Scope) -> None:
        self.table.put(item_from_model(scope, "scopes", scope.name))

    def add_scope(self, scope: Scope) -> bool:
        """Write the scope if it does not exist: an operator's own sentence stays."""
        try:
            self.table.put(item_from_model(scope, "scopes", scope.name), "attribute_not_exists(#pk)")
        except ConditionFailed:
            return False
        return True
