"""Status indices in DynamoDB: whose they are (leases), and which are set (Token Status List, §4)."""

from valet.aws.dynamodb.table import Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.grants import LiveToken
from valet.models.status_lists import Lease, StatusListContent


class DynamoStatusLists(Frozen):
    """The port StatusLists."""

    table: Table

    def lease(self, client_id: str, list_id: str, length: int, expires_at: int, client_epoch: int = 0) -> Lease:
        # A try whose answer was lost skips a block. There are many indices, and an unused one is never set.
        counter = self.table.update(
            f"status#{list_id}",
            "leased",
            "ADD #leased :length SET #expires_at = :end",
            {":length": length, ":end": expires_at},
            returned="UPDATED_NEW",
        )
        lease = Lease(client_id, list_id, counter["leased"] - length, length, expires_at, client_epoch)
        self.table.put(item_from_model(lease, f"lease#{client_id}", f"{list_id}#{lease.start}"))
        return lease

    def leases(self, client_id: str) -> tuple[Lease, ...]:
        return tuple(model_from_item(Lease, item) for item in self.table.query(f"lease#{client_id}"))

    def put_ranges(self, leases: tuple[Lease, ...]) -> None:
        for lease in leases:
            item = {"pk": f"status#{lease.list_id}", "sk": f"range#{lease.start}"}
            self.table.put({**item, "length": lease.length, "expires_at": lease.expires_at})

    def put_bits(self, tokens: tuple[LiveToken, ...]) -> None:
        for token in tokens:
            # Kept a day longer than the token can matter, so that no verifier's late clock misses it.
            item = {"pk": f"status#{token.list_id}", "sk": f"set#{token.idx}", "expires_at": token.exp + 86_400}
            self.table.put(item)

    def find_list(self, list_id: str) -> StatusListContent:
        leased, revoked = 0, set[int]()
        # There may be many items, and their other attributes would cost more to parse than all the rest.
        for item in self.table.query(f"status#{list_id}", only=("sk", "leased", "length")):
            kind, _, idx = item["sk"].partition("#")
            if kind == "leased":
                leased = item["leased"]
            elif kind == "set":
                revoked.add(int(idx))
            elif kind == "range":
                revoked.update(range(int(idx), int(idx) + item["length"]))
        return StatusListContent(leased, frozenset(revoked))

    def is_set(self, token: LiveToken) -> bool:
        return self.table.get(f"status#{token.list_id}", f"set#{token.idx}") is not None

    def is_in_range(self, token: LiveToken, block: int) -> bool:
        return self.table.get(f"status#{token.list_id}", f"range#{token.idx - token.idx % block}") is not None
