"""Proofs in DynamoDB. Each kind has partitions of its own, so that a function may write the proof of its own factor
and no other.
"""

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.proofs import Place, Proof


class DynamoProofs(Frozen):
    """The port Proofs."""

    table: Table

    def put_proof(self, place: Place, proof: Proof) -> int:
        item = item_from_model(proof, _pk(place), "proof")
        try:
            # Compare the times, and not only the ids: DynamoDB's client sends a write again if it got no answer, and
            # the first try may arrive when another end-user's proof was left here since, and spent.
            self.table.put(item, "attribute_not_exists(#pk) OR #at_ms < :at", {":at": proof.at_ms})
        except ConditionFailed as failed:
            found = failed.found or {}
            if found.get("proof_id") != proof.proof_id:  # else our own first try put it
                return int(found.get("at_ms", 0))
        return 0

    def put_first_proof(self, place: Place, proof: Proof) -> bool:
        try:
            self.table.put(item_from_model(proof, _pk(place), "proof"), "attribute_not_exists(#pk)")
        except ConditionFailed as failed:
            return (failed.found or {}).get("proof_id") == proof.proof_id  # by our own first try
        return True

    def put_word(self, place: Place, proof: Proof) -> bool:
        item = item_from_model(proof, _pk(place), "proof")
        try:
            # A code that a provider accepts twice makes no spent proof new.
            self.table.put(item, "attribute_not_exists(#pk) OR #trip_ms < :trip", {":trip": proof.trip_ms})
        except ConditionFailed as failed:
            return (failed.found or {}).get("trip_ms") == proof.trip_ms
        return True

    def find_proof(self, place: Place) -> Proof | None:
        item = self.table.get(_pk(place), "proof")
        return model_from_item(Proof, item) if item else None

    def spend_proof(self, place: Place, proof: Proof, attempt: bytes, now: float) -> bool:
        try:
            self.table.update(
                _pk(place),
                "proof",
                "SET #spent_by = :attempt",
                {":attempt": attempt, ":proof": proof.proof_id, ":now": int(now)},
                "#proof_id = :proof AND attribute_not_exists(#spent_by) AND #expires_at > :now",
            )
        except ConditionFailed as failed:
            found = failed.found or {}
            return found.get("proof_id") == proof.proof_id and found.get("spent_by") == attempt
        return True


def _pk(place: Place) -> str:
    return f"proof-{place.kind}#{place.digest.hex()}"
