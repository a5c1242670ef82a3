"""ES256 as its first use meets it: without what `cryptography` would import for it, and good for that library too."""

import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from valet.jose import p256

from bench.measure import LAYER, ROOT, process

MESSAGE = b"what is signed"
FIRST = """
import sys
from cryptography.exceptions import InvalidSignature
from valet.jose.jwk import key_from_jwk
jwk = {"kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}
try:
    key_from_jwk(jwk).verifiers["ES256"](b"\\1" * 64, b"message")
except InvalidSignature:
    print([name for name in sys.modules if ".backends" in name or ".ciphers" in name])
"""


def test_the_first_verification_of_a_process_imports_no_ciphers() -> None:
    found = process([sys.executable, "-c", FIRST], {"PYTHONPATH": f"{ROOT}:{LAYER}"})
    assert found.output.strip() == "[]"


def test_its_signatures_are_those_of_ecdsa_with_sha_256() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    verify = p256.verifier(numbers.x.to_bytes(32), numbers.y.to_bytes(32))
    key.public_key().verify(key.sign(MESSAGE, p256.ES256), MESSAGE, ec.ECDSA(SHA256()))
    r, s = decode_dss_signature(key.sign(MESSAGE, ec.ECDSA(SHA256())))
    good = r.to_bytes(32) + s.to_bytes(32)
    verify(good, MESSAGE)
    for signature, message in ((good, MESSAGE + b"!"), (good[::-1], MESSAGE), (good[:63], MESSAGE), (b"", MESSAGE)):
        with pytest.raises(InvalidSignature):
            verify(signature, message)
