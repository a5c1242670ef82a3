"""Proofs in DynamoDB. Each kind has partitions of its own, so that a function may write the proof of its own factor
and no other.
"""

from contextlib import suppress

from valet.aws.dynamodb.table import ConditionFailed, Table, model_from_item
from valet.frozen import Frozen
from valet.models.proofs import Place, Proof


class DynamoProofs(Frozen):
    """The port Proofs."""

    table: Table

    def put_proof(self, place: Place, proof: Proof) -> None:
        values = {f":{name}": value for name, value in vars(proof).items() if name != "spent_by"}
        kept = ", ".join(f"#{name[1:]} = {name}" for name in values)
        with suppress(ConditionFailed):  # it was put before: by our own first try
            self.table.update(
                _pk(place),
                "proof",
                f"SET {kept} REMOVE #spent_by ADD #seen :this",
                {**values, ":amr": list(proof.amr), ":this": {proof.proof_id}},
                "NOT contains(#seen, :proof_id)",
            )

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
