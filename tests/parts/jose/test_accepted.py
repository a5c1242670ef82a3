"""What clients sign is accepted, by every algorithm and in every form that the specifications allow."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from valet.jose import signed
from valet.jose.compact import decode
from valet.jose.jwk import usable_keys
from valet.jose.public import thumbprint

from tests.parts.authorizer.issuer import encoded
from tests.parts.jose.clients import (
    ASSERTION,
    ASSERTION_CLAIMS,
    FAPI,
    PLAIN,
    PROOF_CLAIMS,
    Client,
    read_assertion,
    read_proof,
)

LAYER = Path(__file__).parents[3] / "layers" / "valet" / "python"


@pytest.fixture(scope="module")
def client() -> Client:
    return Client("ES256")


@pytest.mark.parametrize("alg", sorted(PLAIN))
def test_an_assertion_by_a_registered_key(alg: str) -> None:
    client = Client(alg)
    assert read_assertion(client.assertion(), [client.jwk]) == ASSERTION_CLAIMS


@pytest.mark.parametrize("alg", sorted(FAPI))
def test_a_proof_by_the_key_in_its_header(alg: str) -> None:
    assert read_proof(Client(alg).proof()) == PROOF_CLAIMS


def test_the_newer_name_of_an_algorithm_is_the_same_algorithm() -> None:
    client = Client("EdDSA")
    jwk = {**client.jwk, "alg": "Ed25519"}  # RFC 9864 §2.2
    assert read_assertion(client.assertion({"alg": "Ed25519"}), [jwk])
    assert read_assertion(client.assertion(), [jwk])


@pytest.mark.parametrize(
    "typ", [None, "JWT", "jwt", "client-authentication+jwt", "application/client-authentication+JWT"]
)
def test_an_assertion_may_name_its_type_or_not(client: Client, typ: str | None) -> None:
    assert read_assertion(client.assertion({"typ": typ}), [client.jwk])


@pytest.mark.parametrize("typ", ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"])
def test_a_media_type_is_compared_without_case_and_its_usual_prefix(client: Client, typ: str) -> None:
    assert read_proof(client.proof({"typ": typ}))


@pytest.mark.parametrize(
    "more",
    [
        {"x5t": "x", "unknown": 1},
        {"jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert", "x5c": ["MIIB"]},
        {"jwk": Client("ES256").own_jwk},
    ],
)
def test_other_header_parameters_change_nothing(client: Client, more: dict[str, Any]) -> None:
    assert read_assertion(client.assertion(more), [client.jwk])


def test_the_members_that_browsers_add_to_a_public_key_are_accepted(client: Client) -> None:
    exported = {**client.own_jwk, "ext": True, "key_ops": ["verify"]}  # WebCrypto's exportKey
    assert read_proof(client.proof({"jwk": exported}))


def test_text_beyond_ascii_is_read_in_either_spelling(client: Client) -> None:
    claims = {"jti": "é🔑"}
    assert read_proof(client.proof(jti="é🔑"))["jti"] == "é🔑"
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": client.own_jwk}
    raw = json.dumps(claims, ensure_ascii=False).encode()
    assert read_proof(client.sign(json.dumps(header).encode(), raw)) == claims


def test_a_time_may_have_a_fraction_as_a_client_sends_it_that_divides_milliseconds(client: Client) -> None:
    assert read_assertion(client.assertion(iat=1_800_000_000.25), [client.jwk])["iat"] == 1_800_000_000.25


def test_a_jws_of_the_greatest_length_is_read(client: Client) -> None:
    short = client.assertion(padding="")
    jws = next(
        jws
        for more in range((signed.LONGEST - len(short)) * 3 // 4 - 3, signed.LONGEST)
        if len(jws := client.assertion(padding="a" * more)) >= signed.LONGEST - 1
    )
    assert read_assertion(jws, [client.jwk])
    with pytest.raises(signed.Refused, match="longer than 8 KB"):
        signed.read(jws + "AA", ASSERTION, PLAIN)


def test_a_proof_by_the_largest_rsa_key_has_a_fitting_length() -> None:
    client = Client("PS256")
    largest = encoded(b"\xff" * 1024)
    proof = client.proof({"jwk": {"kty": "RSA", "e": "AQAB", "n": largest}})
    unverified = signed.read(proof + "A" * 1024, {"dpop+jwt"}, FAPI)  # the key's signatures are as much longer
    assert signed.key_in_header(unverified).verifiers.keys() == {"PS256", "RS256"}


def test_a_key_set_is_tried_by_kid() -> None:
    clients = [Client("ES256", f"key-{number}") for number in range(6)]
    jwks = [client.jwk for client in clients]
    assert all(read_assertion(client.assertion(), jwks) for client in clients)


def test_up_to_four_keys_are_tried_where_a_kid_is_missing_or_shared() -> None:
    clients = [Client("ES256", "shared") for _ in range(4)]
    jwks = [client.jwk for client in clients]
    assert all(read_assertion(client.assertion(), jwks) for client in clients)
    assert all(read_assertion(client.assertion({"kid": None}), jwks) for client in clients)
    nameless = [{name: value for name, value in jwk.items() if name != "kid"} for jwk in jwks]
    assert all(read_assertion(client.assertion(), nameless) for client in clients)


def test_keys_of_other_algorithms_do_not_count_as_tried() -> None:
    client = Client("ES256")
    others = [Client("EdDSA", "key-1").jwk for _ in range(10)]
    assert read_assertion(client.assertion({"kid": None}), [*others, client.jwk])


def test_unusable_keys_of_a_set_are_left_out(client: Client) -> None:
    unusable = [
        {"kty": "oct", "k": "c2VjcmV0"},
        {**client.jwk, "use": "enc"},
        {**client.jwk, "crv": "P-384"},
        "text",
        None,
    ]
    assert [key.jwk for key in usable_keys([*unusable, client.jwk])] == [client.jwk]


def test_the_example_of_rfc_7515_appendix_a_3() -> None:
    jws = (
        "eyJhbGciOiJFUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    claims = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    assert read_assertion(jws, [jwk]) == claims


def test_the_signature_of_rfc_8037_appendix_a_4() -> None:
    # Its payload is text and no JSON, so that the key alone verifies it.
    signing_input = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    (key,) = usable_keys([jwk])
    key.verifiers["EdDSA"](decode(signature), signing_input)
    with pytest.raises(signed.Refused, match="not JSON"):
        signed.read((signing_input + b"." + signature).decode(), ASSERTION, PLAIN)


def test_the_proof_of_rfc_9449_section_4_1_and_the_thumbprint_of_its_key_in_section_6_1() -> None:
    proof = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0"
        "RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMj"
        "U2In19"
        ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiw"
        "iaWF0IjoxNTYyMjYyNjE2fQ"
        ".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    claims = {"jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1562262616}
    assert read_proof(proof) == claims
    jwk: Any = signed.read(proof, {"dpop+jwt"}, FAPI).header.jwk
    assert thumbprint(jwk) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_reading_and_thumbprints_load_neither_pyjwt_nor_dataclasses_nor_curves() -> None:
    script = "import sys, valet.jose.signed, valet.jose.public; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], env={"PYTHONPATH": str(LAYER)}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    loaded = set(ran.stdout.split())
    assert "valet.jose.signed" in loaded
    assert not loaded & {"jwt", "dataclasses", "inspect", "cryptography.hazmat.primitives.asymmetric.ec", "http.client"}
