"""Tokens that are bound to a key (RFC 9449 §7): accepted with a proof of it, on each event that can carry one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from valet.resource_server.outcomes import IssuerUnavailable

from tests.parts.authorizer.bound import CALLS, DOMAIN, GRAPH, BoundStand, bound_event
from tests.parts.authorizer.issuer import NOW
from tests.parts.authorizer.test_events import allows
from tests.support.dpop_client import DpopClient

ROOT = Path(__file__).parents[3]
OTHER = DpopClient()
ANOTHER_ADDRESS = "htu is another address: if clients call this API by another address, set PUBLIC_URL"
AS_BEARER = "bound to a key, and presented as Bearer: such a token comes with a DPoP proof"


@pytest.fixture(params=CALLS)
def stand(request: pytest.FixtureRequest) -> BoundStand:
    return BoundStand(request.param)


def test_a_bound_token_with_its_proof_is_allowed_on_every_event_that_carries_one(stand: BoundStand) -> None:
    event = bound_event(stand.shape, stand.token, stand.proof())
    answer = stand.answer(event)
    assert allows(answer, event)
    context = answer.get("context") or answer["resolverContext"]
    assert (context["sub"], context["cnf_jkt"]) == ("john", stand.client.jkt)
    assert stand.lines == []
    json.dumps(answer)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_a_proof_by_each_algorithm_is_enough(alg: str) -> None:
    stand = BoundStand(client=DpopClient(alg))
    assert stand.call(stand.proof())["principalId"] == "john"


@pytest.mark.parametrize("scheme", ["dpop", "DPOP", "DPoP ", "dpOp   "])
def test_the_scheme_has_no_case(stand: BoundStand, scheme: str) -> None:
    event = bound_event(stand.shape, stand.token, stand.proof(), scheme=scheme)
    assert allows(stand.answer(event), event)


def test_the_header_is_found_in_any_case() -> None:
    stand = BoundStand("rest_request")
    for name in ("dpop", "DPOP", "Dpop"):
        event = bound_event("rest_request", stand.token)
        event["multiValueHeaders"][name] = [stand.proof()]
        assert allows(stand.answer(event), event)
        event["multiValueHeaders"] = None
        event["headers"][name] = stand.proof()
        assert allows(stand.answer(event), event)


def test_a_token_without_cnf_is_a_bearer_token_as_before(stand: BoundStand) -> None:
    token = stand.issuer.token()
    event = bound_event(stand.shape, token, scheme="Bearer")
    answer = stand.answer(event)
    assert allows(answer, event)
    assert "cnf_jkt" not in (answer.get("context") or answer["resolverContext"])
    assert stand.authorizer._senders is None


def test_a_process_that_sees_only_bearer_tokens_loads_nothing_for_proofs() -> None:
    script = (
        "import sys\nfrom tests.parts.authorizer.issuer import Stand\nstand = Stand()\n"
        "assert stand.ask(stand.issuer.token())['context']['sub'] == 'john'\nprint(*sys.modules)"
    )
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers" / "valet" / "python")))
    ran = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(ran.stdout.split())
    assert "valet.resource_server.verify" in loaded
    assert not {name for name in loaded if name.startswith("valet.binding")}
    assert not {"valet.jose.signed", "valet.jose.public", "valet.resource_server.proofs"} & loaded


def test_a_proof_that_a_bearer_request_sends_besides_changes_nothing(stand: BoundStand) -> None:
    event = bound_event(stand.shape, stand.issuer.token(), "not.a.proof", scheme="Bearer")
    assert allows(stand.answer(event), event)


# What is refused. `refusal` asserts each time that no list was fetched, and no proof and no key remembered.


def test_a_bound_token_as_bearer_is_refused_with_a_good_proof_too(stand: BoundStand) -> None:
    assert stand.refusal(scheme="Bearer") == stand.refusal(stand.proof(), scheme="Bearer") == AS_BEARER


def test_appsyncs_token_without_a_scheme_is_a_bearer_token() -> None:
    stand = BoundStand("appsync")
    event = bound_event("appsync", stand.token, stand.proof())
    assert stand.refusal_of({**event, "authorizationToken": stand.token}) == AS_BEARER


def test_a_token_that_is_bound_to_no_key_is_refused_as_DPoP(stand: BoundStand) -> None:
    token = stand.issuer.token()
    assert stand.refusal(stand.proof(token=token), token=token) == "presented as DPoP, and bound to no key"


def test_no_proof_and_two_proofs_are_refused(stand: BoundStand) -> None:
    assert stand.refusal() == "no proof"
    assert stand.refusal(stand.proof(), stand.proof()) == "more than one proof"
    assert stand.refusal(f"{stand.proof()}, {stand.proof()}") == "more than one proof"


@pytest.mark.parametrize("value", [None, 1, [], {}])
def test_a_header_that_is_not_text_is_no_proof(stand: BoundStand, value: object) -> None:
    event = bound_event(stand.shape, stand.token, value)
    assert stand.refusal_of(event) == "no proof"


def test_another_method_is_refused(stand: BoundStand) -> None:
    for htm in ("DELETE", stand.htm.lower()):
        assert stand.refusal(stand.proof(htm)) == "htm is another method"


def test_another_path_host_stage_or_scheme_is_refused_and_advised_once(stand: BoundStand) -> None:
    base, _, last = stand.htu.rpartition("/")
    others = [f"{base}/other", f"{stand.htu}/", f"{base}/%2E/{last}", f"{base}//{last}", stand.htu + "%"]
    others += [stand.htu.replace(host, "other") for host in ("abcdef1234", "graph")]
    others += [stand.htu.replace("://", "://john@"), "http" + stand.htu[stand.htu.index(":") :]]
    others += [f"{DOMAIN}/dev/api/profile", f"{DOMAIN}/dev", f"{DOMAIN}/", "https://graph.example/"]
    reasons = [stand.refusal(stand.proof(htu=htu)) for htu in others if htu != stand.htu]
    assert set(reasons[1:]) == {"htu is another address"}
    # The advice is given where it helps: where PUBLIC_URL is not set.
    assert reasons[0] == ("htu is another address" if stand.shape == "appsync" else ANOTHER_ADDRESS)


def test_a_header_that_names_a_host_changes_no_address() -> None:
    for name in ("host", "x-forwarded-host", "forwarded", "x-forwarded-proto"):
        stand = BoundStand()
        event = bound_event("http_2", stand.token, stand.proof(htu="https://evil.example/api/profile"))
        event["headers"][name] = "host=evil.example" if name == "forwarded" else "evil.example"
        assert stand.refusal_of(event) == ANOTHER_ADDRESS


def test_another_tokens_proof_and_one_without_a_token_are_refused(stand: BoundStand) -> None:
    assert stand.refusal(stand.proof(token=stand.bound_token(jti="another"))) == "ath is another token's"
    assert stand.refusal(stand.proof(token=None)) == "ath is missing"


def test_another_keys_proof_is_refused_before_its_key_is_built(
    stand: BoundStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    from valet.binding import proof

    made = OTHER.proof(stand.htm, stand.htu, token=stand.token)
    monkeypatch.setattr(proof, "verify", pytest.fail)
    assert stand.refusal(made) == "the proof is by another key than the token's"


def test_a_proof_that_claims_the_right_key_is_refused_by_its_signature(stand: BoundStand) -> None:
    made = OTHER.proof(stand.htm, stand.htu, token=stand.token, header={"jwk": stand.client.jwk})
    assert stand.refusal(made) == "proof: signature"


@pytest.mark.parametrize(
    ("cnf", "reason"),
    [
        ({}, "cnf names no key"),
        (None, "cnf names no key"),
        ({"jkt": ""}, "cnf: jkt is not a thumbprint"),
        ({"jkt": "JKT", "x5t#S256": "x"}, "cnf holds a member that this verifier cannot check"),
        ({"x5t#S256": "x"}, "cnf holds a member that this verifier cannot check"),
        ({"jkt": "JKT", "later": 1}, "cnf holds a member that this verifier cannot check"),
    ],
)
@pytest.mark.parametrize("scheme", ["DPoP", "Bearer"])
def test_a_cnf_with_an_unknown_or_empty_member_is_refused(
    stand: BoundStand, cnf: dict[str, Any] | None, reason: str, scheme: str
) -> None:
    named = cnf and {name: stand.client.jkt if value == "JKT" else value for name, value in cnf.items()}
    token = stand.issuer.sign({**stand.issuer.claims(), "cnf": named})
    assert stand.refusal(stand.proof(token=token), token=token, scheme=scheme) == reason


def test_a_token_is_no_proof_and_a_proof_is_no_token(stand: BoundStand) -> None:
    assert stand.refusal(stand.token) == "proof: typ is not an expected one"
    made = stand.proof()
    assert stand.refusal(made, token=made) == "a header parameter that names a key or an extension"
    # Even an issuer that signs proofs with the key of its tokens would not make the one of the other.
    as_token = stand.issuer.sign(stand.issuer.claims(cnf={"jkt": stand.client.jkt}), {"typ": "dpop+jwt"})
    assert stand.refusal(stand.proof(token=as_token), token=as_token) == "typ is not at+jwt"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"alg": "none"}, "proof: alg is not allowed"),
        ({"alg": "HS256"}, "proof: alg is not allowed"),
        ({"alg": "RS256"}, "proof: alg is not allowed"),
        ({"jwk": {"kty": "EC", "d": "x"}}, "proof: jwk: a private or symmetric key"),
        ({"jwk": None}, "proof: jwk is missing"),
        ({"typ": "JWT"}, "proof: typ is not an expected one"),
        ({"crit": ["x"]}, "proof: crit or b64: an extension that this server does not have"),
    ],
)
def test_a_proof_with_a_bad_header_is_refused(header: dict[str, Any], reason: str) -> None:
    from tests.parts.authorizer.issuer import encoded

    stand = BoundStand()
    good = {"typ": "dpop+jwt", "alg": "ES256", "jwk": stand.client.jwk}
    _, _, rest = stand.proof().partition(".")
    whole = {name: value for name, value in {**good, **header}.items() if value is not None}
    assert stand.refusal(f"{encoded(json.dumps(whole).encode())}.{rest}") == reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"jti": "\ud800"}, "proof: half a surrogate pair"),
        ({"jti": "x" * 257}, "proof: jti is not 1 to 256 characters"),
        ({"iat": None}, "proof: htm, htu or iat is missing"),
        ({"exp": NOW}, "proof: expired"),
        ({"nbf": NOW + 31}, "proof: nbf is more than 30 s ahead"),
        ({"more": "x" * 3500}, "proof: longer than 4 KB"),
    ],
)
def test_a_proof_with_bad_claims_is_refused(claims: dict[str, Any], reason: str) -> None:
    stand = BoundStand()
    assert stand.refusal(stand.proof(**claims)) == reason


@pytest.mark.parametrize(("max_age", "env"), [(60, {}), (10, {"DPOP_MAX_AGE": "10"}), (300, {"DPOP_MAX_AGE": "300"})])
def test_iat_is_good_up_to_both_borders_and_no_second_further(max_age: int, env: dict[str, Any]) -> None:
    stand = BoundStand(**env)
    for iat in (NOW - max_age, NOW + 30):
        assert stand.call(stand.proof(iat=iat))["principalId"] == "john"
    assert stand.refusal(stand.proof(iat=NOW - max_age - 1)) == f"proof: iat is more than {max_age} s ago"
    assert stand.refusal(stand.proof(iat=NOW + 31)) == "proof: iat is more than 30 s ahead"
    assert stand.refusal(stand.proof(iat=NOW + 30.1)) == "proof: iat is more than 30 s ahead"


def test_a_token_event_carries_no_proof_so_a_bound_token_is_refused() -> None:
    stand = BoundStand("rest_token")
    reason = "bound to a key, and a TOKEN event holds no proof: use a REQUEST authorizer"
    assert stand.refusal() == reason
    assert stand.refusal(scheme="Bearer") == AS_BEARER
    bearer = bound_event("rest_token", stand.issuer.token(), scheme="Bearer")
    assert allows(stand.answer(bearer), bearer)


def test_appsync_without_an_address_refuses_a_bound_token() -> None:
    stand = BoundStand("appsync", PUBLIC_URL="")
    assert stand.refusal(stand.proof()) == "bound to a key, and AppSync's event holds no address: set PUBLIC_URL"


def test_a_websockets_token_in_a_protocol_has_no_proof_so_a_bound_one_is_refused() -> None:
    stand = BoundStand("websocket", WEBSOCKET_TOKEN="protocol")
    event = bound_event("websocket", stand.token, stand.proof())
    assert allows(stand.answer(event), event)
    del event["headers"]["Authorization"], event["multiValueHeaders"]["Authorization"]
    event["multiValueHeaders"]["Sec-WebSocket-Protocol"] = [f"chat.v1, bearer.{stand.token}"]
    event["multiValueHeaders"]["DPoP"] = [stand.proof()]
    assert stand.refusal_of(event) == AS_BEARER


def test_a_websockets_address_may_be_https_or_wss() -> None:
    stand = BoundStand("websocket")
    for scheme in ("wss", "https"):
        event = bound_event("websocket", stand.token, stand.proof(htu=f"{scheme}{DOMAIN[5:]}/prod"))
        assert allows(stand.answer(event), event)
    for htu in (f"ws{DOMAIN[5:]}/prod", f"http{DOMAIN[5:]}/prod", f"{DOMAIN}/prod/", DOMAIN):
        assert "htu is another address" in stand.refusal(stand.proof(htu=htu))


@pytest.mark.parametrize("is_bound", [False, True])
def test_sender_constraint_required_refuses_bearer_tokens(stand: BoundStand, is_bound: bool) -> None:
    strict = BoundStand(stand.shape, SENDER_CONSTRAINT="required")
    if is_bound:
        event = bound_event(strict.shape, strict.token, strict.proof())
        assert allows(strict.answer(event), event)
    else:
        reason = "bound to no key, and SENDER_CONSTRAINT is required"
        assert strict.refusal(token=strict.issuer.token(), scheme="Bearer") == reason


def test_a_revoked_token_is_refused_whatever_its_proof(stand: BoundStand) -> None:
    stand.issuer.revoke(7)
    event = bound_event(stand.shape, stand.token, stand.proof())
    if stand.shape == "appsync":
        assert stand.answer(event)["isAuthorized"] is False
    else:
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            stand.answer(event)
    assert stand.lines.reasons() == ["revoked"]
    assert stand.remembered_proofs() == 0


def test_an_outage_spends_no_proof(stand: BoundStand) -> None:
    event = bound_event(stand.shape, stand.token, stand.proof())

    def down() -> Any:
        from valet.fetch import FetchFailed

        raise FetchFailed("down")

    stand.issuer.faults["/status-lists/1"] = down
    with pytest.raises(IssuerUnavailable):
        stand.answer(event)
    assert stand.remembered_proofs() == 0
    stand.issuer.faults.clear()
    stand.clock.advance(2)
    assert allows(stand.answer(event), event)


def test_a_proof_for_a_route_that_is_denied_is_used_up_and_the_challenge_names_the_scheme() -> None:
    stand = BoundStand("rest_request", RESOURCE_METADATA="https://api.example/metadata")
    token = stand.bound_token(scope="items")
    event = bound_event("rest_request", token, stand.proof(token=token))
    answer = stand.answer(event)
    assert not allows(answer, event)
    assert answer["context"]["challenge"] == (
        'DPoP error="insufficient_scope", scope="profile", algs="PS256 ES256 EdDSA", '
        'resource_metadata="https://api.example/metadata"'
    )
    assert stand.refusal_of(event) == "the proof was used before"


def test_the_log_holds_nothing_of_a_proof_or_a_token(stand: BoundStand) -> None:
    secret = "do-not-log-this"
    stand.refusal(stand.proof(htu=f"https://{secret}.example"))
    stand.refusal(stand.proof(jti=secret * 20))
    stand.refusal(stand.proof(secret))
    made = stand.proof(ath=secret)
    stand.refusal(made)
    text = json.dumps(stand.lines)
    assert not any(part in text for part in (secret, *stand.token.split("."), *made.split(".")))


def test_graph_is_the_whole_address_of_appsync() -> None:
    stand = BoundStand("appsync", PUBLIC_URL=f"{GRAPH} https://second.example/graphql")
    for htu in (GRAPH, "https://second.example/graphql"):
        assert stand.call(stand.proof(htu=htu))["isAuthorized"] is True
    assert stand.refusal(stand.proof("GET")) == "htm is another method"
