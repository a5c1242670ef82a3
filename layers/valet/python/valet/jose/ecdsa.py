"""The form of ECDSA signatures (RFC 7518 §3.4)."""

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def joined(der: bytes) -> bytes:
    """A P-256 signature in JOSE's form, r and s in 32 bytes each, from X.509's form, DER."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
