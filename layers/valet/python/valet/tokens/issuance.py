"""What every token of one request is signed with: the issuer, the time, randomness, the key that signs now, and the
client's key.
"""

from valet.frozen import Frozen
from valet.ports.keys import Signer
from valet.ports.runtime import Random


class Issuance(Frozen):
    issuer: str
    now: float
    random: Random
    signer: Signer
    jkt: str = ""  # the thumbprint of the key that the access token is bound to (RFC 9449 §6.1); empty: to none
