"""The claim `cnf`: which key the sender of a token has to prove that it holds (RFC 7800 §3.1, RFC 9449 §6.1)."""

from valet.jose.signed import Refused


def jkt_of(cnf: object) -> str:
    """The thumbprint of the key that `cnf` names. Raises Refused.

    Every member is a condition that the sender has to meet. A verifier that left out a member it does not know would
    accept the token from a sender who lacks that key.
    """
    if type(cnf) is not dict or not cnf:
        raise Refused("cnf names no key")
    if cnf.keys() != {"jkt"}:
        raise Refused("cnf has a member that this verifier cannot ask a proof of")
    jkt = cnf["jkt"]
    if type(jkt) is not str or not jkt:
        raise Refused("cnf: jkt is not a thumbprint")
    return jkt
