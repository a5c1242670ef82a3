"""The clients that registered themselves, and the invites for that, in the Grants table, which forgets them."""

from valet.aws.dynamodb.registry import Remembered
from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.unknown_clients import DynamicClient, Invite
from valet.ports.runtime import Clock


class DynamoDynamicClients:
    """The port DynamicClients, and what readers see of them, each remembered for ten seconds."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._remember = Remembered(clock)

    def find(self, client_id: str) -> DynamicClient | None:
        found = self._remember(client_id, lambda: self._read(client_id))
        return found if found is not None and found.expires_at > self._clock() else None

    def add(self, client: DynamicClient) -> bool:
        item = item_from_model(client, *_place(client.client_id))
        try:
            self._table.put(item, "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            # A put that gets no answer is sent again. The client_id is random, so only this attempt can have drawn it.
            return failed.found is not None and model_from_item(DynamicClient, failed.found) == client
        return True

    def prolong(self, client_id: str, until: int, now: float) -> None:
        try:
            self._table.update(
                *_place(client_id),
                "SET #expires_at = :until",
                {":until": until, ":now": int(now)},
                "#expires_at > :now AND #expires_at < :until",
            )
        except ConditionFailed:
            return

    def _read(self, client_id: str) -> DynamicClient | None:
        item = self._table.get(*_place(client_id))
        return model_from_item(DynamicClient, item) if item else None


class DynamoInvites(Frozen):
    """The port Invites."""

    table: Table

    def find_invite(self, invite_id: str) -> Invite | None:
        item = self.table.get(f"invite#{invite_id}", "invite")
        return model_from_item(Invite, item) if item else None

    def spend_invite(self, invite: Invite, client_id: str, now: float) -> bool:
        try:
            self.table.update(
                f"invite#{invite.invite_id}",
                "invite",
                "ADD #spent :ids",
                {
                    ":ids": {client_id},
                    ":id": client_id,
                    ":digest": invite.secret_digest,
                    ":now": int(now),
                    ":uses": invite.uses,
                },
                # Sent twice, it adds a member that is there already. A set never has the same member twice.
                "#secret_digest = :digest AND #expires_at > :now AND "
                "(attribute_not_exists(#spent) OR contains(#spent, :id) OR size(#spent) < :uses)",
            )
        except ConditionFailed:
            return False
        return True


def _place(client_id: str) -> tuple[str, str]:
    return f"dynamic#{client_id}", "client"
