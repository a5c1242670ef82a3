"""What the authorizer refuses a token for, each by a 401 and for its own reason (RFC 9068 §4, RFC 8725)."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from tests.parts.authorizer.issuer import (
    AUDIENCE,
    ISSUER,
    LIST,
    NOW,
    FakeIssuer,
    Stand,
    encoded,
    private_key,
    public_jwk,
)

STAND = Stand()


@pytest.fixture
def stand() -> Stand:
    return Stand()


def refused(stand: Stand, token: str) -> object:
    """The reason for which `token` is refused; it must be refused, by exactly the words that API Gateway knows."""
    with pytest.raises(Exception, match=r"^Unauthorized$") as raised:
        stand.ask(token)
    assert type(raised.value) is Exception
    assert raised.value.__suppress_context__
    assert not token or token not in json.dumps(stand.lines), "no token in the log"
    return stand.lines[-1]["reason"]


def is_allowed(stand: Stand, token: str) -> bool:
    return any(each["Effect"] == "Allow" for each in stand.ask(token)["policyDocument"]["Statement"])


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA"])
def test_each_algorithm_is_verified(alg: str) -> None:
    stand = Stand(alg)
    assert is_allowed(stand, stand.issuer.token())
    token = stand.issuer.token(jti="another")
    spoiled = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]
    assert refused(stand, spoiled) == "signature"


def test_ed25519_is_another_name_of_eddsa() -> None:
    stand = Stand("EdDSA")
    assert is_allowed(stand, stand.issuer.sign(stand.issuer.claims(), {"alg": "Ed25519"}))
    stand.issuer.jwks[0]["alg"] = "Ed25519"
    stand.clock.advance(301)
    assert is_allowed(stand, stand.issuer.sign(stand.issuer.claims(jti="2"), {"alg": "EdDSA"}))


def test_the_context_is_flat_strings(stand: Stand) -> None:
    answer = stand.ask(stand.issuer.token(roles=["user", "admin"]))
    assert answer["principalId"] == "john"
    assert answer["context"] == {
        "sub": "john",
        "client_id": "web_app_123",
        "scope": "profile items",
        "roles": "user admin",
        "jti": "jti-1",
        "grant_id": "grant-1",
        "auth_time": str(NOW - 5),
        "acr": "0",
        "amr": "pwd",
    }
    assert all(type(value) is str for value in answer["context"].values())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"iss": "https://other.example"}, "iss is another issuer's"),
        ({"iss": ISSUER + "/"}, "iss is another issuer's"),
        ({"iss": None}, "iss is another issuer's"),
        ({"iss": [ISSUER]}, "iss is another issuer's"),
        ({"aud": "https://other.example/api"}, "aud is another API's"),
        ({"aud": AUDIENCE + "/v2"}, "aud is another API's"),
        ({"aud": []}, "aud is another API's"),
        ({"aud": None}, "aud is another API's"),
        ({"aud": {AUDIENCE: True}}, "aud is another API's"),
        ({"aud": [AUDIENCE, 7]}, "aud is another API's"),
        ({"exp": NOW}, "expired"),
        ({"exp": NOW - 1}, "expired"),
        ({"exp": None}, "exp, iat or nbf is not a whole number"),
        ({"exp": float(NOW + 900)}, "exp, iat or nbf is not a whole number"),
        ({"exp": str(NOW + 900)}, "exp, iat or nbf is not a whole number"),
        ({"exp": True}, "exp, iat or nbf is not a whole number"),
        ({"exp": 1e300}, "exp, iat or nbf is not a whole number"),
        ({"exp": 10**400}, "exp is more than ten years ahead"),
        ({"exp": NOW + 11 * 366 * 86_400}, "exp is more than ten years ahead"),
        ({"iat": NOW + 61}, "not yet valid"),
        ({"iat": None}, "exp, iat or nbf is not a whole number"),
        ({"iat": NOW + 0.5}, "exp, iat or nbf is not a whole number"),
        ({"nbf": NOW + 61}, "not yet valid"),
        ({"nbf": "soon"}, "exp, iat or nbf is not a whole number"),
        ({"sub": None}, "sub, client_id or jti is missing"),
        ({"sub": ""}, "sub, client_id or jti is missing"),
        ({"sub": 7}, "sub, client_id or jti is missing"),
        ({"client_id": None}, "sub, client_id or jti is missing"),
        ({"jti": None}, "sub, client_id or jti is missing"),
        ({"scope": ["profile"]}, "scope is not a list of names"),
        ({"scope": "profile  items"}, "scope is not a list of names"),
        ({"scope": "profile\nadmin"}, "scope is not a list of names"),
        ({"roles": "admin"}, "roles are not a list of names"),
        ({"roles": ["user admin"]}, "roles are not a list of names"),
        ({"roles": [["admin"]]}, "roles are not a list of names"),
        ({"roles": [""]}, "roles are not a list of names"),
        ({"status": None}, "no status"),
        ({"status": {}}, "status is of no kind that this verifier knows"),
        ({"status": {"other_mechanism": {}}}, "status is of no kind that this verifier knows"),
        ({"status": {"status_list": {"idx": 1}}}, "status_list is malformed"),
        ({"status": {"status_list": {"idx": -1, "uri": LIST}}}, "status_list is malformed"),
        ({"status": {"status_list": {"idx": True, "uri": LIST}}}, "status_list is malformed"),
        ({"status": {"status_list": {"idx": "1", "uri": LIST}}}, "status_list is malformed"),
        ({"cnf": {"jkt": "x"}}, "bound to a key, and presented as Bearer: such a token comes with a DPoP proof"),
        ({"cnf": {}}, "cnf names no key"),
        ({"cnf": "x"}, "cnf names no key"),
        ({"cnf": {"jkt": ""}}, "cnf: jkt is not a thumbprint"),
        ({"cnf": {"x5t#S256": "x"}}, "cnf holds a member that this verifier cannot check"),
        ({"cnf": {"jkt": "x", "x5t#S256": "x"}}, "cnf holds a member that this verifier cannot check"),
    ],
)
def test_a_claim_that_is_wrong_refuses(stand: Stand, changed: dict[str, Any], reason: str) -> None:
    assert refused(stand, stand.issuer.token(**changed)) == reason


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": [AUDIENCE]},
        {"aud": [ISSUER, AUDIENCE]},
        {"exp": NOW + 1},
        {"iat": NOW + 60},
        {"nbf": NOW + 60},
        {"nbf": NOW - 10},
        {"roles": None},
        {"roles": []},
        {"scope": "profile"},
        {"grant_id": None, "auth_time": None, "acr": None, "amr": None},
    ],
)
def test_what_the_specification_allows_is_allowed(stand: Stand, changed: dict[str, Any]) -> None:
    assert is_allowed(stand, stand.issuer.token(**changed))


def test_a_token_without_status_is_allowed_where_the_operator_says_so() -> None:
    stand = Stand(STATUS_OPTIONAL="true")
    assert is_allowed(stand, stand.issuer.token(status=None))
    assert refused(stand, stand.issuer.token(status={"other": 1})) == "status is of no kind that this verifier knows"


@pytest.mark.parametrize(
    "typ", ["JWT", "at+jwt+x", "jwt", "id_token+jwt", "statuslist+jwt", "", None, 7, "application/jwt"]
)
def test_another_typ_refuses(stand: Stand, typ: object) -> None:
    # An ID token, a status list and a logout token are signed by the same keys.
    assert refused(stand, stand.issuer.sign(stand.issuer.claims(), {"typ": typ})) in (
        "typ is not at+jwt",
        "typ, alg or kid is missing",
    )


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "at+JWT"])
def test_both_spellings_of_typ_are_good(stand: Stand, typ: str) -> None:
    assert is_allowed(stand, stand.issuer.sign(stand.issuer.claims(), {"typ": typ}))


@pytest.mark.parametrize("name", ["crit", "jku", "jwk", "x5u", "x5c", "b64"])
def test_a_header_that_names_its_own_key_refuses_even_under_a_right_signature(stand: Stand, name: str) -> None:
    own = {"crit": ["exp"], "jwk": public_jwk(private_key("RS256", 1), "key-1"), "b64": True}
    token = stand.issuer.sign(stand.issuer.claims(), {name: own.get(name, "https://issuer.example/keys")})
    assert refused(stand, token) == "a header parameter that names a key or an extension"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256", "RS384", "RS512", "ES384", "RS1", None])
def test_an_algorithm_off_the_list_refuses(stand: Stand, alg: str | None) -> None:
    token = stand.issuer.sign(stand.issuer.claims(), {"alg": alg})
    assert refused(stand, token) in ("alg is not allowed", "typ, alg or kid is missing")


@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_alg_none_with_no_signature_refuses(stand: Stand, signature: str) -> None:
    header = encoded(json.dumps({"alg": "none", "typ": "at+jwt", "kid": "key-1"}).encode())
    payload = encoded(json.dumps(stand.issuer.claims()).encode())
    refused(stand, f"{header}.{payload}.{signature}")


def test_hs256_keyed_with_the_public_key_refuses(stand: Stand) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = stand.issuer.keys["key-1"].public_key()
    header = encoded(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": "key-1"}).encode())
    signing_input = f"{header}.{encoded(json.dumps(stand.issuer.claims()).encode())}"
    secrets = [public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)]
    secrets += [secrets[0].strip(), public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)]
    secrets += [json.dumps(stand.issuer.jwks[0]).encode(), stand.issuer.jwks[0]["n"].encode()]
    for secret in secrets:
        signature = encoded(hmac.digest(secret, signing_input.encode(), hashlib.sha256))
        assert refused(stand, f"{signing_input}.{signature}") == "alg is not allowed"


@pytest.mark.parametrize(("ours", "theirs"), [("RS256", "ES256"), ("ES256", "RS256"), ("RS256", "PS256")])
def test_an_algorithm_that_is_not_the_keys_refuses(ours: str, theirs: str) -> None:
    stand = Stand(ours)
    assert refused(stand, stand.issuer.sign(stand.issuer.claims(), {"alg": theirs})) == "alg is not the key's"


def test_a_signature_in_der_refuses() -> None:
    from cryptography.hazmat.primitives.asymmetric import utils

    stand = Stand("ES256")
    signing_input, _, signature = stand.issuer.token().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    assert refused(stand, f"{signing_input}.{encoded(der)}") == "signature"
    for zero in (bytes(64), raw[:32] + bytes(32), bytes(32) + raw[32:]):
        assert refused(stand, f"{signing_input}.{encoded(zero)}") == "signature"


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "key-1' OR '1'='1",
        "key-1; DROP TABLE keys",
        "https://evil.example/jwks.json",
        "key-1\x00",
        "KEY-1",
        " key-1",
        "key-2",
        "a" * 4000,
    ],
)
def test_a_kid_is_only_ever_looked_up(stand: Stand, kid: str) -> None:
    assert refused(stand, stand.issuer.sign(stand.issuer.claims(), {"kid": kid})) == "unknown kid"
    assert set(stand.issuer.fetches) == {"/.well-known/openid-configuration", "/.well-known/jwks.json"}


def test_repeated_members_refuse(stand: Stand) -> None:
    payload = json.dumps(stand.issuer.claims())
    twice = payload[:-1] + ',"sub":"jane"}'
    assert refused(stand, stand.issuer.sign_bytes(twice.encode(), {"typ": "at+jwt"})) == "a JSON member is repeated"
    nested = payload.replace('"idx": 7', '"idx": 7, "idx": 8')
    assert refused(stand, stand.issuer.sign_bytes(nested.encode(), {"typ": "at+jwt"})) == "a JSON member is repeated"
    escaped = payload[:-1] + ',"s\\u0075b":"jane"}'
    assert refused(stand, stand.issuer.sign_bytes(escaped.encode(), {"typ": "at+jwt"})) == "a JSON member is repeated"
    header = b'{"alg":"RS256","alg":"none","typ":"at+jwt","kid":"key-1"}'
    assert refused(stand, stand.issuer.sign_bytes(payload.encode(), header)) == "a JSON member is repeated"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"7",
        b"{",
        b"{}}",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"exp": NaN}',
        b'{"exp": 1e999}',
        b'{"exp": Infinity}',
        b'{"sub": "\xc3\x28"}',
        b'{"sub": "a\nb"}',
        b"[" * 5000,
        b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
        b'{"exp": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_payload_that_is_not_one_json_object_refuses(stand: Stand, payload: bytes) -> None:
    refused(stand, stand.issuer.sign_bytes(payload, {"typ": "at+jwt"}))
    assert not stand.issuer.fetches, "what is malformed causes no fetch"


def _spoiled() -> dict[str, str]:
    token = STAND.issuer.token()
    header, payload, signature = token.split(".")
    last = signature[-1]
    return {
        "empty": "",
        "one part": header,
        "two parts": f"{header}.{payload}",
        "three and a half": f"{token}.",
        "three and a half, in front": f".{token}",
        "four parts": f"{token}.{signature}",
        "five parts": ".".join([token, "AA", "AA"]),
        "no header": f".{payload}.{signature}",
        "no payload": f"{header}..{signature}",
        "no signature": f"{header}.{payload}.",
        "padding": f"{header}.{payload}.{signature}==",
        "base64 instead of base64url": f"{header}.{payload}.{'+/' + signature[2:]}",
        "a space inside": f"{header}.{payload}. {signature}",
        "a no-break space behind": f"{token}\u00a0",
        "a tab in front": f"\t{token}",
        "a newline": f"{token}\n",
        "a tab": f"{header}\t.{payload}.{signature}",
        "spare bits": f"{header}.{payload}.{signature[:-1]}{'BRhx'['AQgw'.index(last)]}",
        "one character less": token[:-1],
        "not ASCII": f"{header}.{payload}é.{signature}",
        "two tokens": f"{token}, {token}",
        "two tokens and Bearer": f"{token},Bearer {token}",
        "10 KB": f"{header}.{payload}.{'A' * 10_240}",
        "over 8 KB": f"{header}.{'A' * 8192}.{signature}",
        "a refresh token": "9f2c4b7e.c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0.c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
        "JWE": ".".join([header, "", "AAAA", "AAAA", "AAAA"]),
    }


@pytest.mark.parametrize("spoiled", _spoiled().values(), ids=_spoiled().keys())
def test_a_token_of_another_form_refuses_and_causes_no_fetch(stand: Stand, spoiled: str) -> None:
    refused(stand, spoiled)
    assert not stand.issuer.fetches


def test_an_id_token_is_no_access_token(stand: Stand) -> None:
    claims = {"iss": ISSUER, "sub": "john", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 900, "nonce": "n"}
    for typ in ("JWT", None):
        refused(stand, stand.issuer.sign(claims, {"typ": typ}))
    assert refused(stand, stand.issuer.sign(claims)) == "sub, client_id or jti is missing"


def test_a_token_signed_by_a_key_of_another_issuer_refuses(stand: Stand) -> None:
    other = FakeIssuer(stand.clock)
    other.keys["key-1"] = private_key("RS256", 1)
    assert refused(stand, other.token()) == "signature"


def test_an_expired_or_foreign_token_costs_no_fetch(stand: Stand) -> None:
    refused(stand, stand.issuer.token(exp=NOW - 1))
    refused(stand, stand.issuer.token(aud="https://other.example"))
    assert not stand.issuer.fetches


def test_a_remembered_token_expires_all_the_same(stand: Stand) -> None:
    token = stand.issuer.token(exp=NOW + 100)
    assert is_allowed(stand, token)
    stand.clock.advance(99)
    assert is_allowed(stand, token)
    stand.clock.advance(1)
    assert refused(stand, token) == "expired or not yet valid"


def test_a_remembered_token_waits_for_its_nbf_when_the_clock_is_set_back(stand: Stand) -> None:
    token = stand.issuer.token(nbf=NOW)
    assert is_allowed(stand, token)
    stand.clock.wall -= 3600
    assert refused(stand, token) == "expired or not yet valid"


def test_a_remembered_token_with_one_bit_changed_is_another_token(stand: Stand) -> None:
    token = stand.issuer.token()
    assert is_allowed(stand, token)
    for at in (-20, -300, len(token) // 2, 10):
        spoiled = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        refused(stand, spoiled)


def test_what_is_remembered_is_bounded(stand: Stand) -> None:
    from valet.resource_server import verify

    stand = Stand("EdDSA")
    for number in range(verify._MOST_REMEMBERED + 50):
        assert is_allowed(stand, stand.issuer.token(jti=str(number), scope=f"profile s{number}"))
    verifier = stand.authorizer._verifier
    assert len(verifier._remembered) == verify._MOST_REMEMBERED
    assert len(stand.authorizer._permissions._known) <= 512
    for number in range(100):
        stand.ask(stand.issuer.sign(stand.issuer.claims(jti=str(number)), {"more": number}))
    assert len(verifier._headers) <= verify._MOST_HEADERS
