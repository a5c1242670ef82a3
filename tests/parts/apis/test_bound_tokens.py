"""valet_resource_server and bound tokens: accepted with a proof, and never as bearer tokens (RFC 9449).

How a proof itself is judged, tests/parts/authorizer shows for the same modules.
"""

from __future__ import annotations

from typing import Any

import pytest
from valet.fetch import Fetched, FetchFailed

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, FakeClock, FakeIssuer
from tests.support.dpop_client import DpopClient
from valet_resource_server import InsufficientScope, InvalidProof, InvalidToken, NoToken, Refused, Verifier
from valet_resource_server.refusals import IssuerUnavailable

PUBLIC = "https://api.example"
ADDRESS = f"{PUBLIC}/items"
BEARER, DPOP, ALGS = f'Bearer realm="{AUDIENCE}"', f'DPoP realm="{AUDIENCE}"', 'algs="PS256 ES256 EdDSA"'


class Api:
    """An API's verifier, and a client whose token is bound to its key."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock()
        self.issuer = FakeIssuer(self.clock)
        wiring: dict[str, Any] = {"fetch": self.issuer.fetch, "clock": self.clock, "jitter": lambda: 0.0}
        self.verifier = Verifier(ISSUER, AUDIENCE, **{"public_url": PUBLIC, **options, **wiring})
        self.client = DpopClient()
        self.token = self.issuer.token(cnf={"jkt": self.client.jkt})

    def proof(self, htm: str = "GET", htu: str = ADDRESS, **changed: Any) -> str:
        return self.client.proof(htm, htu, **{"token": self.token, "iat": int(self.clock.wall), **changed})

    def request(self, dpop: str | None, **changed: Any) -> dict[str, Any]:
        """The arguments of `verify` for GET /items."""
        return {"authorization": f"DPoP {self.token}", "method": "GET", "path": "/items", "dpop": dpop, **changed}

    def refusal(self, dpop: str | None = None, **changed: Any) -> Refused:
        """How that request is refused. Nothing may be remembered or fetched for it."""
        lists, spent = self.lists_fetched(), len(self.verifier._proofs._seen._newer)
        with pytest.raises(Refused) as raised:
            self.verifier.verify(**self.request(dpop, **changed))
        assert (self.lists_fetched(), len(self.verifier._proofs._seen._newer)) == (lists, spent)
        return raised.value

    def lists_fetched(self) -> int:
        return self.issuer.fetches["/status-lists/1"]


@pytest.fixture
def api() -> Api:
    return Api()


def test_a_bound_token_with_its_proof_is_accepted_and_the_api_is_told_the_key(api: Api) -> None:
    token = api.verifier.verify(**api.request(api.proof(), scope="items"))
    assert (token.sub, token.jkt) == ("john", api.client.jkt)
    assert api.verifier.verify(**api.request(api.proof(), authorization=f"dpop  {api.token}")).jkt


def test_a_bearer_token_needs_no_proof_and_has_no_key(api: Api) -> None:
    bearer = f"Bearer {api.issuer.token()}"
    assert api.verifier.verify(bearer).jkt is None
    assert api.verifier.verify(bearer, method="GET", path="/items", dpop="not.a.proof").jkt is None


def test_a_bound_token_is_no_bearer_token(api: Api) -> None:
    for dpop in (None, api.proof()):
        refusal = api.refusal(dpop, authorization=f"Bearer {api.token}")
        assert type(refusal) is InvalidToken
        assert str(refusal) == "bound to a key, and presented without a DPoP proof"
        assert refusal.headers == {"WWW-Authenticate": f'{DPOP}, error="invalid_token", {ALGS}'}
    with pytest.raises(InvalidToken, match="without a DPoP proof"):
        api.verifier.verify_token(api.token)


def test_without_its_own_address_an_api_accepts_no_bound_token() -> None:
    api = Api(public_url="")
    for changed in ({}, {"authorization": f"Bearer {api.token}"}):
        refusal = api.refusal(api.proof(), **changed)
        assert type(refusal) is InvalidToken
        assert refusal.headers == {"WWW-Authenticate": f'{BEARER}, error="invalid_token"'}
    assert "give the Verifier public_url" in str(api.refusal(api.proof()))
    assert api.verifier.verify(f"Bearer {api.issuer.token()}").jkt is None


def test_a_token_that_is_bound_to_no_key_is_refused_as_DPoP(api: Api) -> None:
    token = api.issuer.token()
    refusal = api.refusal(api.proof(token=token), authorization=f"DPoP {token}")
    assert type(refusal) is InvalidToken
    assert str(refusal) == "presented as DPoP, and bound to no key"


@pytest.mark.parametrize("cnf", [{}, {"jkt": ""}, {"x5t#S256": "x"}, {"jkt": "x", "later": "x"}])
def test_a_cnf_that_cannot_be_proven_whole_is_refused(api: Api, cnf: dict[str, str]) -> None:
    token = api.issuer.token(cnf=cnf)
    for scheme in ("DPoP", "Bearer"):
        refusal = api.refusal(api.proof(token=token), authorization=f"{scheme} {token}")
        assert type(refusal) is InvalidToken
        assert str(refusal).startswith("cnf")


def test_a_proof_that_is_missing_twice_there_or_another_is_refused(api: Api) -> None:
    refusals = {
        "no proof": api.refusal(None),
        "more than one proof": api.refusal(f"{api.proof()},{api.proof()}"),
        "htm is another method": api.refusal(api.proof("POST")),
        "htu is another address": api.refusal(api.proof(htu=f"{ADDRESS}/1")),
        "ath is another token's": api.refusal(api.proof(token="another")),
        "proof: iat is more than 60 s ago": api.refusal(api.proof(iat=int(api.clock.wall) - 61)),
        "the proof is by another key than the token's": api.refusal(
            DpopClient().proof("GET", ADDRESS, token=api.token)
        ),
    }
    for reason, refusal in refusals.items():
        assert (type(refusal), str(refusal), refusal.status) == (InvalidProof, reason, 401)
        assert refusal.headers == {"WWW-Authenticate": f'{DPOP}, error="invalid_dpop_proof", {ALGS}'}
    assert str(api.refusal("")) == "no proof"


def test_a_request_that_the_developer_does_not_describe_is_refused(api: Api) -> None:
    assert str(api.refusal(api.proof(), method="")) == "htm is another method"
    assert str(api.refusal(api.proof(), path="")) == "htu is another address"


def test_a_proof_is_used_once(api: Api) -> None:
    value = api.proof()
    api.verifier.verify(**api.request(value))
    assert str(api.refusal(value)) == "the proof was used before"


def test_an_outage_uses_no_proof_up(api: Api) -> None:
    def down() -> Fetched:
        raise FetchFailed("down")

    value = api.proof()
    api.issuer.faults["/status-lists/1"] = down
    with pytest.raises(IssuerUnavailable):
        api.verifier.verify(**api.request(value))
    api.issuer.faults.clear()
    api.clock.advance(2)
    assert api.verifier.verify(**api.request(value)).jkt


def test_a_path_is_decoded_once_as_frameworks_hand_it_on(api: Api) -> None:
    assert api.verifier.verify(**api.request(api.proof(htu=f"{PUBLIC}/a%20b?c=d"), path="/a b")).jkt
    assert api.verifier.verify(**api.request(api.proof(htu=f"{PUBLIC}/a%252Fb"), path="/a%2Fb")).jkt
    assert str(api.refusal(api.proof(htu=f"{PUBLIC}/a%2Fb"), path="/a%2Fb")) == "htu is another address"


def test_one_of_several_addresses_is_enough() -> None:
    api = Api(public_url="https://first.example/v1 https://second.example")
    for htu in ("https://first.example/v1/items", "https://second.example/items"):
        assert api.verifier.verify(**api.request(api.proof(htu=htu))).jkt
    assert str(api.refusal(api.proof())) == "htu is another address"


def test_the_challenges_name_the_schemes_that_the_api_takes(api: Api) -> None:
    refusal = api.refusal(None, authorization=None, scope="items")
    assert type(refusal) is NoToken
    challenge = f'{BEARER}, scope="items", {DPOP}, scope="items", {ALGS}'
    assert refusal.headers == {"WWW-Authenticate": challenge}
    with pytest.raises(InsufficientScope) as raised:
        api.verifier.verify(**api.request(api.proof(), scope="orders"))
    assert raised.value.headers["WWW-Authenticate"] == f'{DPOP}, error="insufficient_scope", scope="orders", {ALGS}'
    with pytest.raises(InsufficientScope) as raised:
        api.verifier.verify(f"Bearer {api.issuer.token()}", scope="orders")
    assert raised.value.headers["WWW-Authenticate"] == f'{BEARER}, error="insufficient_scope", scope="orders"'


def test_an_api_may_refuse_bearer_tokens() -> None:
    api = Api(is_proof_required=True)
    assert api.verifier.verify(**api.request(api.proof())).jkt
    refusal = api.refusal(None, authorization=f"Bearer {api.issuer.token()}")
    assert (type(refusal), str(refusal)) == (InvalidToken, "bound to no key, and is_proof_required is set")
    assert refusal.headers == {"WWW-Authenticate": f'{DPOP}, error="invalid_token", {ALGS}'}
    assert api.refusal(None, authorization=None).headers == {"WWW-Authenticate": f"{DPOP}, {ALGS}"}
    with pytest.raises(InvalidToken, match="bound to no key"):
        api.verifier.verify_token(api.issuer.token())


def test_a_proofs_age_may_be_set() -> None:
    api = Api(proof_max_age=300)
    assert api.verifier.verify(**api.request(api.proof(iat=int(api.clock.wall) - 300))).jkt


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"public_url": "http://api.example"}, "public_url is 'http://api.example', and must be"),
        ({"public_url": "https://api.example/"}, "public_url is "),
        ({"public_url": " ".join(["https://api.example"] * 5)}, "public_url is "),
        ({"proof_max_age": 9}, "proof_max_age is 9, and must be 10 to 300 seconds"),
        ({"proof_max_age": 301}, "proof_max_age is 301"),
        ({"public_url": "", "is_proof_required": True}, "is_proof_required is set"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Api(**options)
