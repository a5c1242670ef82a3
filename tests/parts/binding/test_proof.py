"""DPoP proofs: what is accepted, and the one reason for which each other is refused (RFC 9449 §4.3)."""

import base64
import hmac
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from valet.binding import proof
from valet.binding.proof import KnownKeys, Proof
from valet.jose import signed
from valet.jose.signed import Refused

from tests.support.dpop_client import NOW, DpopClient, ath_of

LAYER = Path(__file__).parents[3] / "layers" / "valet" / "python"
ADDRESS = "https://api.example/items"
TOKEN = "the.access.token"
ALGORITHMS = ("ES256", "PS256", "Ed25519")


@pytest.fixture(scope="module")
def client() -> DpopClient:
    return DpopClient()


def read(value: str) -> Proof:
    return proof.read(value, KnownKeys())


def judged(value: str, *, now: float = NOW, keys: KnownKeys | None = None) -> Proof:
    found = proof.read(value, KnownKeys() if keys is None else keys)
    proof.check_request(found, "GET", (ADDRESS,))
    proof.check_time(found, now)
    proof.check_token(found, ath_of(TOKEN))
    proof.verify(found)
    return found


def refusal(value: str, **options: Any) -> str:
    with pytest.raises(Refused) as refused:
        judged(value, **options)
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_proof_by_each_algorithm_is_verified_and_names_its_key(alg: str) -> None:
    client = DpopClient(alg)
    found = judged(client.proof(token=TOKEN))
    assert found.jkt == client.jkt


def test_what_a_proof_says(client: DpopClient) -> None:
    found = read(client.proof("POST", token=TOKEN, jti="one", nonce="n", exp=NOW + 5, nbf=NOW - 5, iat=NOW + 0.5))
    assert (found.jkt, found.jti, found.htm, found.htu) == (client.jkt, "one", "POST", ADDRESS)
    assert (found.iat, found.nonce, found.ath) == (NOW + 0.5, "n", ath_of(TOKEN))
    assert (found.exp, found.nbf) == (NOW + 5, NOW - 5)
    bare = read(client.proof())
    assert (bare.nonce, bare.ath, bare.exp, bare.nbf) == (None, None, None, None)


def test_the_thumbprint_of_the_specification() -> None:
    # RFC 9449 §4.1 shows the proof, and §6.1 the thumbprint of its key.
    x, y = "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "x": x, "y": y, "crv": "P-256"}}
    claims = {"jti": "-BwC3ESc6acc2lTc", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1562262616}
    value = f"{_encoded(header)}.{_encoded(claims)}.AAAA"
    assert read(value).jkt == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_what_browsers_add_to_an_exported_key_changes_nothing(client: DpopClient) -> None:
    exported = {**client.jwk, "ext": True, "key_ops": ["verify"]}
    assert judged(client.proof(token=TOKEN, header={"jwk": exported})).jkt == client.jkt


def test_space_around_the_value_is_no_part_of_it(client: DpopClient) -> None:
    assert judged(f" {client.proof(token=TOKEN)}\t")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": None}, "typ is not an expected one"),
        ({"typ": "at+jwt"}, "typ is not an expected one"),
        ({"typ": "JWT"}, "typ is not an expected one"),
        ({"jwk": None}, "jwk is missing"),
        ({"jwk": {}}, "jwk is missing"),
        ({"crit": ["x"], "x": 1}, "crit or b64: an extension that this server does not have"),
    ],
)
def test_a_header_that_is_not_a_proofs_is_refused(client: DpopClient, header: dict[str, Any], reason: str) -> None:
    assert refusal(_with_header(client, **header)) == f"proof: {reason}"


@pytest.mark.parametrize("alg", ["none", "HS256", "RS256", "ES384", "", "es256"])
def test_an_algorithm_that_is_not_allowed_is_refused(client: DpopClient, alg: str) -> None:
    assert refusal(_with_header(client, alg=alg)) == "proof: alg is not allowed"


def test_a_proof_that_is_signed_by_the_public_key_as_a_secret_is_refused(client: DpopClient) -> None:
    signing_input = _with_header(client, alg="HS256").rpartition(".")[0]
    mac = hmac.digest(json.dumps(client.jwk).encode(), signing_input.encode(), "sha256")
    value = f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    assert refusal(value) == "proof: alg is not allowed"


@pytest.mark.parametrize("name", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_key_in_the_header_is_refused_before_anything_is_verified(client: DpopClient, name: str) -> None:
    with pytest.raises(Refused, match=r"^proof: jwk: a private or symmetric key$"):
        read(_with_header(client, jwk={**client.jwk, name: "AQ"}))


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct"},
        {"kty": "RSA", "n": "AQ", "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AQ"},
        {"kty": ["EC"]},
        {"x": "AQ"},
    ],
)
def test_a_key_that_does_not_fit_the_algorithm_is_refused(client: DpopClient, jwk: dict[str, Any]) -> None:
    with pytest.raises(Refused, match=r"^proof: jwk does not fit alg$"):
        read(_with_header(client, jwk=jwk))


@pytest.mark.parametrize("broken", [{"x": None}, {"x": 1}, {"y": ["AQ"]}, {"crv": {}}])
def test_a_key_without_its_members_is_refused(client: DpopClient, broken: dict[str, Any]) -> None:
    jwk = {name: value for name, value in {**client.jwk, **broken}.items() if value is not None}
    with pytest.raises(Refused, match=r"^proof: jwk: malformed$"):
        read(_with_header(client, jwk=jwk))


@pytest.mark.parametrize("changed", [{"x": "A" * 43}, {"crv": "P-384"}, {"x": "AQ"}, {"use": "enc"}])
def test_a_key_that_cannot_verify_is_refused(client: DpopClient, changed: dict[str, Any]) -> None:
    assert refusal(client.proof(token=TOKEN, header={"jwk": {**client.jwk, **changed}})).startswith("proof: jwk: ")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"jti": None}, "jti is not 1 to 256 characters"),
        ({"jti": ""}, "jti is not 1 to 256 characters"),
        ({"jti": "x" * 257}, "jti is not 1 to 256 characters"),
        ({"jti": 1}, "jti is not text"),
        ({"jti": "\ud800"}, "half a surrogate pair"),
        ({"htm": None}, "htm, htu or iat is missing"),
        ({"htu": None}, "htm, htu or iat is missing"),
        ({"iat": None}, "htm, htu or iat is missing"),
        ({"htm": ["GET"]}, "htm is not text"),
        ({"htu": {}}, "htu is not text"),
        ({"nonce": 5}, "nonce is not text"),
        ({"ath": False}, "ath is not text"),
        ({"iat": "1800000000"}, "exp, iat or nbf is not a number"),
        ({"iat": True}, "exp, iat or nbf is not a number"),
        ({"exp": "later"}, "exp, iat or nbf is not a number"),
        ({"nbf": []}, "exp, iat or nbf is not a number"),
    ],
)
def test_a_claim_of_another_kind_is_refused(client: DpopClient, claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read(client.proof(**claims))
    assert str(refused.value) == f"proof: {reason}"


def test_null_is_no_claim_left_out(client: DpopClient) -> None:
    head, _, signature = client.proof().split(".")
    for name in ("nonce", "ath"):
        payload = _encoded({"jti": "1", "htm": "GET", "htu": ADDRESS, "iat": NOW, name: None})
        with pytest.raises(Refused, match=f"{name} is not text"):
            read(f"{head}.{payload}.{signature}")


def test_the_longest_jti_and_a_number_beyond_every_time(client: DpopClient) -> None:
    assert judged(client.proof(token=TOKEN, jti="x" * 256))
    assert refusal(client.proof(token=TOKEN, iat=10**400)) == "proof: iat is more than 30 s ahead"
    assert refusal(client.proof(token=TOKEN, iat=-(10**400))) == "proof: iat is more than 60 s ago"


def test_two_proofs_in_one_value_are_refused(client: DpopClient) -> None:
    value = client.proof(token=TOKEN)
    assert refusal(f"{value},{value}") == refusal(f"{value}, x") == "more than one proof"


def test_a_proof_of_more_than_4_kb_is_refused_unread(client: DpopClient) -> None:
    value = client.proof(token=TOKEN, more="x" * 3000)
    assert len(value) > proof.LONGEST
    assert refusal(value) == "proof: longer than 4 KB"
    fitting = client.proof(token=TOKEN, more="x" * 2000)
    assert len(fitting) < proof.LONGEST
    assert judged(fitting)


@pytest.mark.parametrize("value", ["", "x", "a.b", "a.b.c.d", "é.b.c", "a" * 4096])
def test_what_is_no_jws_is_refused(value: str) -> None:
    assert refusal(value).startswith("proof: ")


def test_another_method_is_refused_and_methods_have_case(client: DpopClient) -> None:
    for htm in ("POST", "get"):
        assert refusal(client.proof(htm, token=TOKEN)) == "htm is another method"


def test_one_of_several_addresses_is_enough_and_none_is_not(client: DpopClient) -> None:
    found = read(client.proof())
    proof.check_request(found, "GET", ("https://other.example/items", ADDRESS))
    for targets in ((), ("https://other.example/items", f"{ADDRESS}/1")):
        with pytest.raises(Refused, match=r"^htu is another address$"):
            proof.check_request(found, "GET", targets)


@pytest.mark.parametrize("now", [NOW - 30, NOW, NOW + 60])
def test_the_window_includes_both_of_its_borders(client: DpopClient, now: int) -> None:
    assert judged(client.proof(token=TOKEN), now=now)


@pytest.mark.parametrize(
    ("now", "reason"), [(NOW - 30.01, "iat is more than 30 s ahead"), (NOW + 60.01, "iat is more than 60 s ago")]
)
def test_a_moment_beyond_the_window_is_refused(client: DpopClient, now: float, reason: str) -> None:
    assert refusal(client.proof(token=TOKEN), now=now) == f"proof: {reason}"


@pytest.mark.parametrize(
    ("claims", "is_accepted"),
    [
        ({"exp": NOW + 0.1}, True),
        ({"exp": NOW}, False),
        ({"nbf": NOW + 30}, True),
        ({"nbf": NOW + 31}, False),
    ],
)
def test_exp_has_no_leeway_and_nbf_has_30_seconds(
    client: DpopClient, claims: dict[str, Any], is_accepted: bool
) -> None:
    value = client.proof(token=TOKEN, **claims)
    if is_accepted:
        assert judged(value)
    else:
        assert refusal(value) in ("proof: expired", "proof: nbf is more than 30 s ahead")


def test_another_tokens_proof_and_one_without_a_token_are_refused(client: DpopClient) -> None:
    assert refusal(client.proof(token="another.access.token")) == "ath is another token's"
    assert refusal(client.proof()) == "ath is missing"
    assert refusal(client.proof(ath=ath_of(TOKEN) + "=")) == "ath is another token's"


def test_a_proof_by_another_key_than_its_header_says_is_refused(client: DpopClient) -> None:
    other = DpopClient()
    assert refusal(other.proof(token=TOKEN, header={"jwk": client.jwk})) == "proof: signature"


def test_a_known_key_saves_its_reading_and_never_the_signature(
    client: DpopClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KnownKeys()
    first, second = judged(client.proof(token=TOKEN), keys=keys), client.proof(token=TOKEN)
    monkeypatch.setattr(proof, "thumbprint", pytest.fail)
    monkeypatch.setattr(signed, "key_in_header", pytest.fail)
    found = judged(second, keys=keys)
    assert found.known is not None
    assert found.jkt == first.jkt == client.jkt
    # Neither another proof's signature nor another key's is good under a known header.
    signing_input = second.rpartition(".")[0]
    stranger = DpopClient().proof(token=TOKEN, header={"jwk": client.jwk})
    assert stranger.partition(".")[0] == second.partition(".")[0]
    for forged in (f"{signing_input}.{client.proof(token=TOKEN).rpartition('.')[2]}", stranger):
        assert refusal(forged, keys=keys) == "proof: signature"


def test_no_proof_that_is_refused_leaves_a_key(client: DpopClient) -> None:
    keys = KnownKeys()
    good = client.proof(token=TOKEN)
    refused = [
        client.proof("POST", token=TOKEN),
        client.proof(token=TOKEN, iat=NOW - 61),
        client.proof(token="another.access.token"),
        DpopClient().proof(token=TOKEN, header={"jwk": client.jwk}),
        good.rpartition(".")[0] + ".AAAA",
        _with_header(client, jwk={**client.jwk, "use": "enc"}),
    ]
    for value in refused:
        assert refusal(value, keys=keys)
        assert len(keys) == 0
    judged(good, keys=keys)
    judged(client.proof(token=TOKEN), keys=keys)
    assert len(keys) == 1


def test_the_oldest_of_512_keys_is_forgotten_and_is_good_again(client: DpopClient) -> None:
    keys, good = KnownKeys(), client.proof(token=TOKEN)
    judged(good, keys=keys)
    segment = good.partition(".")[0]
    known = keys.find(segment)
    assert known is not None
    for number in range(511):
        keys.add(f"header-{number}", known)
    assert keys.find(segment) is known
    keys.add("header-511", known)
    assert keys.find(segment) is None
    assert len(keys) == 512
    assert judged(client.proof(token=TOKEN), keys=keys)


def test_a_refusal_repeats_nothing_of_the_proof(client: DpopClient) -> None:
    secret = "do-not-log-this"
    spoilt: list[dict[str, Any]] = [
        {"jti": secret * 20},
        {"htu": f"https://{secret}.ex"},
        {"htm": secret},
        {"ath": secret},
    ]
    for claims in spoilt:
        assert secret not in refusal(client.proof(token=TOKEN, **claims))


def test_it_loads_neither_pyjwt_nor_dataclasses_nor_x509() -> None:
    script = "import sys, valet.binding.proof, valet.binding.confirmation; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": f"{LAYER}:{Path(pytest.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert not {"jwt", "dataclasses", "cryptography.x509", "cryptography.hazmat.primitives.asymmetric.ec"} & set(
        ran.stdout.split()
    )


def _with_header(client: DpopClient, **changed: object) -> str:
    """A proof with these header parameters, under a signature that no library would make for them."""
    _, payload, signature = client.proof(token=TOKEN).split(".")
    header = {"typ": "dpop+jwt", "alg": client.alg, "jwk": client.jwk, **changed}
    return f"{_encoded({k: v for k, v in header.items() if v is not None})}.{payload}.{signature}"


def _encoded(members: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()
