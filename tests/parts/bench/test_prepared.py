"""What a function loads at its start because its deployment signs in another way."""

import sys

import pytest

from bench.measure import LAYER, ROOT, process

READ_KEYS = "cryptography.hazmat.primitives.serialization"


@pytest.mark.parametrize(
    ("signing", "loaded", "not_loaded"),
    [
        ({"SIGNER": "kms", "SIGNING_ALG": "RS256"}, "valet.aws.kms", "cryptography"),
        ({"SIGNER": "kms", "SIGNING_ALG": "ES256"}, "valet.jose.ecdsa", READ_KEYS),
        ({"SIGNER": "kms", "SIGNING_ALG": "RS256+PS256"}, "valet.aws.kms", "cryptography"),
        ({"SIGNER": "kms", "SIGNING_ALG": "RS256+ES256"}, "valet.jose.ecdsa", READ_KEYS),
        ({"SIGNER": "wrapped", "SIGNING_ALG": "RS256"}, READ_KEYS, "jwt"),
    ],
)
@pytest.mark.parametrize("name", ["token", "status_list"])
def test_a_function_that_signs_loads_what_its_signer_needs(
    name: str, signing: dict[str, str], loaded: str, not_loaded: str
) -> None:
    path = [str(ROOT / "functions" / name), str(LAYER)]
    script = f"import sys; sys.path[:0] = {path!r}; import app; print(*sys.modules)"
    found = process([sys.executable, "-s", "-c", script], {"AWS_DEFAULT_REGION": "us-east-1", **signing}).output.split()
    assert loaded in found
    assert not_loaded not in found
