"""Reference tokens at the authorizer: what it asks, what it makes of each answer, and what it never makes of one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from valet.fetch import Fetched, FetchFailed
from valet.resource_server.api_gateway.authorizer import Authorizer
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.outcomes import ConfigurationError, IssuerUnavailable

from tests.parts.authorizer.issuer import ISSUER, Stand, environment, http_2
from tests.parts.authorizer.test_events import FILES, OWN_ROUTES

TOKEN = f"vat_{'i' * 22}.{'s' * 43}"
CLIENT = {"INTROSPECTION_CLIENT": "bank:authorizer", "INTROSPECTION_SECRET": "secret+"}
SHAPES = ("http_2", "http_1", "rest_request", "rest_token", "websocket", "appsync")


class ReferenceStand(Stand):
    """An authorizer whose issuer answers introspection with `said`, a body or an error."""

    def __init__(self, routes: Mapping[str, object] | None = None, **env: str) -> None:
        super().__init__(routes=routes)
        self.asked: list[tuple[str, bytes, str, float]] = []
        self.said: bytes | Exception = self.answered()
        configuration = parse(environment(routes, **{**CLIENT, **env}))
        self.authorizer = Authorizer(
            configuration, self.issuer.fetch, self.clock, lambda: 0.0, self.lines.append, post=self._post
        )

    def answered(self, **changed: object) -> bytes:
        claims = self.issuer.claims(**{"active": True, "token_type": "Bearer", "status": None, **changed})
        return json.dumps(claims).encode()

    def _post(self, url: str, form: bytes, *, authorization: str, limit: int, timeout: float) -> Fetched:
        self.asked.append((url, form, authorization, timeout))
        if isinstance(self.said, Exception):
            raise self.said
        return Fetched(200, self.said, None)


@pytest.fixture
def stand() -> ReferenceStand:
    return ReferenceStand()


def event_of(shape: str, token: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((FILES / f"{shape}-good_token.json").read_text().replace("ACCESS_TOKEN", token))
    return event


def refused(stand: ReferenceStand, token: str = TOKEN) -> str:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        stand.ask(token)
    return str(stand.lines[-1]["reason"])


def test_it_asks_the_issuer_as_its_own_client_and_tells_the_api_what_a_jwt_would(stand: ReferenceStand) -> None:
    answer = stand.ask(TOKEN)
    asked = [(f"{ISSUER}/introspect", f"token={TOKEN}&token_type_hint=access_token".encode())]
    assert [each[:2] for each in stand.asked] == asked
    assert stand.asked[0][2] == "Basic YmFuayUzQWF1dGhvcml6ZXI6c2VjcmV0JTJC", "each form-encoded (RFC 6749 §2.3.1)"
    assert stand.asked[0][3] == 3.0
    assert stand.issuer.fetches.total() == 0, "neither keys nor lists"
    assert answer["context"] == stand.ask(stand.issuer.token())["context"]


@pytest.mark.parametrize("shape", SHAPES)
def test_in_each_shape_one_question_a_call(shape: str) -> None:
    stand = ReferenceStand(OWN_ROUTES)
    for _ in range(2):
        answer = stand.answer(event_of(shape, TOKEN))
        told = answer.get("resolverContext") or answer["context"]
        assert told["sub"] == "john"
    assert len(stand.asked) == 2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "said",
    [
        FetchFailed("no answer within 3.0 s"),
        FetchFailed("status 503"),
        FetchFailed("status 401"),
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"active":"true"}',
        b'{"active":1}',
        b'{"active":null}',
        b'{"active":false,"active":true}',
        b'{"error":"invalid_client"}',
        b"\xff",
    ],
    ids=str,
)
def test_where_no_answer_says_whether_it_is_good_there_is_an_error_and_no_refusal(
    shape: str, said: bytes | Exception
) -> None:
    stand = ReferenceStand(OWN_ROUTES)
    stand.said = said
    with pytest.raises(IssuerUnavailable, match="no introspection"):
        stand.answer(event_of(shape, TOKEN))
    assert stand.lines.events() == ["issuer.unavailable"]
    stand.said = stand.answered()
    stand.answer(event_of(shape, TOKEN))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"active": False}, "not active: expired, revoked, unknown, or not for the introspecting client"),
        ({"iss": "https://other.example"}, "iss is another issuer's"),
        ({"aud": "https://other.example"}, "aud is another API's"),
        ({"aud": None}, "aud is another API's"),
        ({"exp": 1_799_999_999}, "expired"),
        ({"exp": None}, "exp, iat or nbf is not a whole number"),
        ({"iat": 1_800_000_061}, "not yet valid"),
        ({"sub": None}, "sub, client_id or jti is missing"),
        ({"scope": 'a "b"'}, "scope is not a list of names"),
        ({"roles": "admin"}, "roles are not a list of names"),
        ({"roles": ["a b"]}, "roles are not a list of names"),
        ({"cnf": {"jkt": "x", "x5t#S256": "y"}}, ""),
    ],
    ids=str,
)
def test_what_the_issuer_tells_is_checked_as_the_claims_of_a_jwt(
    stand: ReferenceStand, changed: Mapping[str, object], reason: str
) -> None:
    stand.said = stand.answered(**changed)
    assert refused(stand).startswith(reason)


def test_its_scopes_and_roles_decide_as_those_of_a_jwt(stand: ReferenceStand) -> None:
    stand.said = stand.answered(scope="items", roles=["user"])
    route = ("DELETE /api/items/{id}", "/api/items/1")
    assert (
        stand.ask(TOKEN, *route)["policyDocument"]
        == stand.ask(stand.issuer.token(scope="items", roles=["user"]), *route)["policyDocument"]
    )
    assert stand.lines.events() == ["route.denied"] * 2
    stand.said = stand.answered(scope="items", roles=["admin"])
    assert stand.ask(TOKEN, *route)["policyDocument"]["Statement"][0]["Effect"] == "Allow"


@pytest.mark.parametrize(
    "token",
    [
        "vat_",
        TOKEN[:-1],
        f"{TOKEN}s",
        TOKEN.replace(".", ""),
        TOKEN.replace(".", ".."),
        f"{TOKEN}&token=x",
        TOKEN[:-1] + "=",
        f"vat_{'i' * 5000}",
        TOKEN[:-1] + "ä",
    ],
)
def test_what_has_not_the_form_costs_no_question(stand: ReferenceStand, token: str) -> None:
    assert refused(stand, token) == "malformed reference token"
    assert not stand.asked


def test_a_cached_answer_serves_that_token_alone_and_refusals_are_not_kept() -> None:
    stand = ReferenceStand(INTROSPECTION_CACHE="5")
    other = TOKEN[:-1] + "o"
    for token in (TOKEN, TOKEN, other, other):
        stand.ask(token)
    assert len(stand.asked) == 2
    stand.clock.advance(5)
    stand.said = stand.answered(active=False)
    assert [refused(stand) for _ in range(2)] == [refused(stand)] * 2
    assert len(stand.asked) == 5
    stand.said = stand.answered()
    stand.ask(TOKEN)


def test_the_cache_holds_so_many_answers_and_no_more() -> None:
    stand = ReferenceStand(INTROSPECTION_CACHE="30")
    for number in range(1100):
        stand.ask(f"vat_{number:022}.{'s' * 43}")
    stand.ask(f"vat_{1099:022}.{'s' * 43}")
    assert len(stand.asked) == 1100, "the newest are held"
    stand.ask(f"vat_{0:022}.{'s' * 43}")
    assert len(stand.asked) == 1101, "the oldest are not"


def test_an_answer_that_is_larger_than_the_gateway_takes_is_a_deny_for_the_call(stand: ReferenceStand) -> None:
    stand.said = stand.answered(sub="\x01" * 4000)
    assert stand.ask(TOKEN)["principalId"] == "too-large"


def test_an_api_without_reference_tokens_loads_nothing_of_them() -> None:
    script = (
        "import sys; from valet.resource_server.api_gateway.authorizer import Authorizer\n"
        "from valet.resource_server.api_gateway.configuration import parse\n"
        f"from valet.clock import system_clock, system_jitter\nenv = {environment()!r}\n"
        "authorizer = Authorizer(parse(env), print, system_clock, system_jitter)\n"
        "print([name for name in sys.modules if 'introspect' in name])"
    )
    paths = {"PYTHONPATH": "layers/valet/python"}
    run = subprocess.run([sys.executable, "-c", script], env=paths, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_not_configured_it_refuses_them_and_asks_nobody() -> None:
    plain = Stand()
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        plain.answer(http_2(TOKEN))
    assert plain.lines.reasons() == ["a reference token, and INTROSPECTION_CLIENT is not set"]
    assert plain.issuer.fetches.total() == 0


def test_one_that_should_introspect_and_has_no_way_to_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="no way to ask"):
        Stand("RS256", None, **CLIENT)
