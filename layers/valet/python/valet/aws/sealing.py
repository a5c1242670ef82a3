"""Sealing by a symmetric KMS key: the encryption context says what the secret is for, and whose it is.

A role may be limited by that context, so that one function opens second factors and another one providers' secrets.
"""

from valet.aws.calls import Calls, binary
from valet.aws.kms import asked
from valet.frozen import Frozen


class KmsSealing(Frozen):
    """The port Sealing."""

    kms: Calls
    key_id: str

    def seal(self, use: str, about: str, secret: bytes) -> bytes:
        asking = {"KeyId": self.key_id, "Plaintext": secret, "EncryptionContext": _context(use, about)}
        return binary(asked(self.kms, "Encrypt", asking)["CiphertextBlob"])

    def open(self, use: str, about: str, sealed: bytes) -> bytes:
        asking = {"KeyId": self.key_id, "CiphertextBlob": sealed, "EncryptionContext": _context(use, about)}
        return binary(asked(self.kms, "Decrypt", asking)["Plaintext"])


def _context(use: str, about: str) -> dict[str, str]:
    return {"valet:use": use, "valet:about": about}
