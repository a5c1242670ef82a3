"""What a sign-in rests on: which proofs stand, and which authentication context they reach (OpenID Connect Core §2)."""

from collections.abc import Mapping

from valet.front_channel.proving import PASSWORD
from valet.models.accounts import Account
from valet.models.proofs import Proof
from valet.protocol.supported import PASSWORD_ACR
from valet.standing import account_stands

# By the kind of a sign-in's first proof: the `acr` that it reaches by itself.
ACR: Mapping[str, str] = {PASSWORD: PASSWORD_ACR}


def proof_stands(kind: str, proof: Proof, account: Account | None) -> bool:
    """Whether the account still is as the proof found it: in the same epoch, and naming what the proof rests on."""
    if account is None or not account_stands(account, proof.epoch, proof.at_ms):
        return False
    return kind == PASSWORD and proof.means == account.password_id
