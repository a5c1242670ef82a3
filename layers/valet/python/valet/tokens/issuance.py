"""What every token of one request is signed with: the issuer, the time, randomness, and the key that signs now."""

from valet.frozen import Frozen
from valet.ports.keys import Signer
from valet.ports.runtime import Random


class Issuance(Frozen):
    issuer: str
    now: float
    random: Random
    signer: Signer
