"""What every token of one request is signed with: the issuer, the time, randomness, and the key that signs now."""

from dataclasses import dataclass

from valet.ports.keys import Signer
from valet.ports.runtime import Random


@dataclass(frozen=True, slots=True)
class Issuance:
    issuer: str
    now: float
    random: Random
    signer: Signer
