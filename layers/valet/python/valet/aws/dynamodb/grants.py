"""Grants in DynamoDB: one item each, every step of the protocol one conditional write on it."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from struct import Struct
from typing import Any

from valet.aws.dynamodb.table import ConditionFailed, Item, Table, item_from_model, model_from_item
from valet.frozen import Frozen, replace
from valet.models.grants import Grant, GrantOutline, GrantPointer, LiveToken
from valet.ports.grants import Done, Redemption, Refused, Renewal, Revocation, Revoked, Rotation

_KEPT_AFTER_END = 86_400  # seconds that a tombstone outlives what it forbids
# The refresh token and the generation are those that were read. A refresh writes `live` as a whole, so no other refresh
# may have written it since; and one that keeps its refresh token shows by the generation alone.
_IS_CURRENT = (
    "#refresh_digest = :presented AND #generation = :read AND attribute_not_exists(#revoked_at)"
    " AND #idle_expires_at > :now AND #absolute_expires_at > :now"
)
_LIVE = Struct(">II")  # exp and idx; good until 2106


class DynamoGrants(Frozen):
    """The port Grants."""

    table: Table

    def find(self, grant_id: str) -> Grant | None:
        return grant_from_item(self.table.get(_pk(grant_id), "grant"))

    def exists(self, grant_id: str) -> bool:
        # Only the keys: the role of a function that asks this may not read more of a grant.
        return self.table.get(_pk(grant_id), "grant", only=("pk", "sk")) is not None

    def outline(self, grant_id: str) -> GrantOutline | None:
        item = self.table.get(_pk(grant_id), "grant", only=tuple(GrantOutline.FIELDS))
        return model_from_item(GrantOutline, item) if item and "client_id" in item else None

    def point_to(self, pointer: GrantPointer) -> None:
        item = item_from_model(pointer, f"sub#{pointer.sub}", f"{pointer.sid}#{pointer.grant_id}")
        # The first write may arrive late, after the code was redeemed: it must not shorten the pointer's life again.
        condition = "" if pointer.redeemed_at else "attribute_not_exists(#redeemed_at)"
        with suppress(ConditionFailed):
            self.table.put(item, condition)

    def issue(self, grant: Grant) -> Done | Refused:
        try:
            self.table.put(item_from_grant(grant), "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            return Refused(grant_from_item(failed.found))
        return Done()

    def deny(self, grant_id: str, sub: str, revocation: Revocation) -> Done | Refused:
        item = {"pk": _pk(grant_id), "sk": "grant", "sub": sub, **_marks(revocation)}
        try:
            self.table.put(item, "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            return Refused(grant_from_item(failed.found))
        return Done()

    def redeem(self, grant: Grant, redemption: Redemption, now: float) -> Done | Refused:
        values = {
            "redemption": redemption.attempt,
            "redeemed_at_ms": redemption.redeemed_at_ms,
            "generation": 1,
            "live": packed(redemption.live),
            "expires_at": redemption.expires_at,
        }
        if redemption.family_digest:
            values |= {
                "family_digest": redemption.family_digest,
                "refresh_digest": redemption.refresh_digest,
                "idle_expires_at": redemption.idle_expires_at,
            }
        if redemption.jkt:
            values["jkt"] = redemption.jkt
        return self._step(
            grant.grant_id,
            # Nothing reads the first two after the redemption: removing them makes room for the new attributes. Without
            # the third the code cannot be derived any more, so that no browser gets it again.
            _set(values) + " REMOVE #nonce, #code_expires_at, #retry_key",
            "#code_digest = :c AND attribute_not_exists(#redeemed_at_ms) AND attribute_not_exists(#revoked_at)"
            " AND #code_expires_at > :now",
            {**_named(values), ":c": grant.code_digest, ":now": int(now)},
        )

    def rotate(self, grant: Grant, rotation: Rotation, now: float) -> Done | Refused:
        values = {
            "refresh_digest": rotation.refresh_digest,
            "previous_digest": rotation.presented_digest,
            "retry_key": rotation.retry_key,
            "rotated_at_ms": rotation.rotated_at_ms,
            "paced_until": rotation.paced_until,
            "live": packed(rotation.live),
            "idle_expires_at": rotation.idle_expires_at,
            "expires_at": rotation.expires_at,
        }
        return self._step(
            grant.grant_id,
            _set(values) + " ADD #generation :one",
            _IS_CURRENT,
            {
                **_named(values),
                ":presented": rotation.presented_digest,
                ":read": grant.generation,
                ":one": 1,
                ":now": int(now),
            },
        )

    def renew(self, grant: Grant, renewal: Renewal, now: float) -> Done | Refused:
        values = {
            "paced_until": renewal.paced_until,
            "live": packed(renewal.live),
            "idle_expires_at": renewal.idle_expires_at,
            "expires_at": renewal.expires_at,
        }
        return self._step(
            grant.grant_id,
            _set(values) + " ADD #generation :one",
            _IS_CURRENT,
            {
                **_named(values),
                ":presented": renewal.presented_digest,
                ":read": grant.generation,
                ":one": 1,
                ":now": int(now),
            },
        )

    def revoke(self, grant_id: str, revocation: Revocation) -> Revoked | None:
        try:
            item = self._end(grant_id, revocation, "attribute_exists(#pk)")
        except ConditionFailed:
            return None
        grant = grant_from_item(item)
        if grant is None or not grant.client_id:  # a tombstone
            return None
        return Revoked(grant, is_ours=not grant.revoked_at or grant.revocation == revocation.attempt)

    def bury(self, grant_id: str, sub: str, revocation: Revocation) -> Revoked | None:
        # This is not one update on the condition `#sub = :sub`: to IAM, an attribute of the condition looks like one
        # that is written, and no function that ends grants may be able to write their `sub`.
        try:
            self._end(grant_id, revocation, "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            found = grant_from_item(failed.found)
            is_anothers = found is not None and found.sub not in (None, sub)
            return None if is_anothers else self.revoke(grant_id, revocation)
        return None

    def pointers(self, sub: str, sid: str | None = None) -> tuple[GrantPointer, ...]:
        prefix = f"{sid}#" if sid is not None else ""
        return tuple(model_from_item(GrantPointer, item) for item in self.table.query(f"sub#{sub}", prefix))

    def redeemed_pointers(self, sub: str) -> tuple[GrantPointer, ...]:
        """The pointers to all of an end-user's grants whose codes are known to be redeemed, the latest first. Strongly
        consistent.
        """
        items = self.table.query(f"sub#{sub}", where="attribute_exists(#redeemed_at)")
        found = (model_from_item(GrantPointer, item) for item in items)
        return tuple(sorted(found, key=lambda pointer: pointer.redeemed_at, reverse=True))

    def forget(self, pointer: GrantPointer) -> None:
        self.table.delete(f"sub#{pointer.sub}", f"{pointer.sid}#{pointer.grant_id}")

    def _step(self, grant_id: str, expression: str, condition: str, values: Item) -> Done | Refused:
        try:
            self.table.update(_pk(grant_id), "grant", expression, values, condition)
        except ConditionFailed as failed:
            return Refused(grant_from_item(failed.found))
        return Done()

    def _end(self, grant_id: str, revocation: Revocation, condition: str) -> Item:
        """Write the revocation, and return the item as it was before. Raises ConditionFailed."""
        marks = _marks(revocation)
        first = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in marks)
        # Return the old item: it shows whether this write revoked the grant, and `live` is the same before and after.
        return self.table.update(
            _pk(grant_id),
            "grant",
            f"SET {first} REMOVE #retry_key, #previous_digest",  # nothing is retried any more
            _named(marks),
            condition,
            "ALL_OLD",
        )


def _pk(grant_id: str) -> str:
    return f"grant#{grant_id}"


def _set(values: Item) -> str:
    return "SET " + ", ".join(f"#{name} = :{name}" for name in values)


def _named(values: Item) -> dict[str, Any]:
    return {f":{name}": value for name, value in values.items()}


def _marks(revocation: Revocation) -> dict[str, Any]:
    return {
        "revoked_at": revocation.revoked_at,
        "revoked_for": revocation.revoked_for,
        "revocation": revocation.attempt,
        # A tombstone outlives the grant that it keeps from being issued; a grant keeps its own `expires_at`.
        "expires_at": revocation.revoked_at + _KEPT_AFTER_END,
    }


def packed(live: Sequence[LiveToken]) -> list[str | bytes]:
    """Live tokens by their lists, each list followed by eight bytes a token: fifteen tokens in 142 bytes.

    Unpacked they took 370 bytes, and the item had more than the one kilobyte that one write unit pays for.
    """
    return [
        part
        for list_id, tokens in groupby(live, lambda token: token.list_id)
        for part in (list_id, b"".join(_LIVE.pack(token.exp, token.idx) for token in tokens))
    ]


def unpacked(parts: Sequence[Any]) -> tuple[LiveToken, ...]:
    """Live tokens from what `packed` made, in the same order: the last is the current generation's."""
    return tuple(
        LiveToken(exp, list_id, idx)
        for list_id, tokens in zip(parts[::2], parts[1::2], strict=True)
        for exp, idx in _LIVE.iter_unpack(tokens)
    )


def item_from_grant(grant: Grant) -> Item:
    """The grant as an item. The key already has the id."""
    item = item_from_model(grant, _pk(grant.grant_id), "grant")
    del item["grant_id"]
    return {**item, "live": packed(grant.live)} if grant.live else item


def grant_from_item(item: Item | None) -> Grant | None:
    """The item as a grant; a tombstone has the id and the revocation, and None for the rest."""
    if not item:
        return None
    grant = model_from_item(Grant, {**item, "grant_id": item["pk"].partition("#")[2]})
    return replace(grant, live=unpacked(item.get("live", ())))
