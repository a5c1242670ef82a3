"""Step-up (RFC 9470): what sign-in a route asks for, and what a token that tells of another one is answered."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from valet.resource_server import step_up, verify
from valet.resource_server.api_gateway.routes import parse_routes
from valet.resource_server.api_gateway.sign_ins import SignIns

from tests.parts.authorizer import gateway
from tests.parts.authorizer.bound import BoundStand
from tests.parts.authorizer.issuer import ARN, NOW, ROUTES, Stand, environment, http_2
from tests.parts.authorizer.test_events import OWN_ROUTES, allows, event_of, files
from tests.parts.authorizer.test_process import APP, LAYER

MULTI_FACTOR, PHR = "urn:valet:acr:multi-factor", "phr"
TRANSFER = "POST /transfers"
# An API that asks for more on each route, and for a sign-in on two.
API: dict[str, Any] = {
    "GET /items": {"scopes": ["items"]},
    "POST /items": {"scopes": ["items"], "max_age": 3600},
    TRANSFER: {"scopes": ["items"], "acr": [MULTI_FACTOR, PHR], "max_age": 300},
}
CHALLENGE = (
    'Bearer error="insufficient_user_authentication", error_description="{}", '
    'acr_values="urn:valet:acr:multi-factor phr", max_age="300"'
)
LEVEL, AGAIN, BOTH = (
    "The end-user has to sign in with another level.",
    "The end-user has to sign in again.",
    "The end-user has to sign in again, with another level.",
)


@pytest.fixture
def stand() -> Stand:
    return Stand(routes=API)


def is_let_in(stand: Stand, route: str, **claims: object) -> bool:
    event = http_2(stand.issuer.token(**claims), route)
    return allows(stand.answer(event), event)


@pytest.mark.parametrize(
    ("claims", "is_enough"),
    [
        ({"acr": PHR}, True),
        ({"acr": MULTI_FACTOR}, True),
        ({"acr": "urn:valet:acr:password"}, False),
        ({"acr": None}, False),
        ({"acr": ""}, False),
        ({"acr": "PHR"}, False),
        ({"acr": "ph"}, False),
        ({"acr": "phr "}, False),
        ({"acr": f"{MULTI_FACTOR} {PHR}"}, False),
        ({"acr": [MULTI_FACTOR, PHR]}, False),
        ({"acr": {"value": PHR}}, False),
        ({"acr": True}, False),
        ({"acr": PHR, "auth_time": NOW - 300}, True),
        ({"acr": PHR, "auth_time": NOW - 301}, False),
        ({"acr": PHR, "auth_time": NOW + 60}, True),  # as far as clocks may differ
        ({"acr": PHR, "auth_time": NOW + 61}, False),
        ({"acr": PHR, "auth_time": None}, False),
        ({"acr": PHR, "auth_time": NOW * 1000}, False),
        ({"acr": PHR, "auth_time": 10**30}, False),
        ({"acr": PHR, "auth_time": float(NOW)}, False),
        ({"acr": PHR, "auth_time": True}, False),
        ({"acr": PHR, "auth_time": -1}, False),
        ({"acr": PHR, "auth_time": "just now"}, False),
        ({"acr": PHR, "auth_time": "1" * 5000}, False),
        ({"acr": PHR, "auth_time": str(NOW).translate({ord(each): ord(each) + 0x630 for each in "0123456789"})}, False),
        ({"acr": PHR, "auth_time": [NOW]}, False),
        ({"sub": "web_app_123", "acr": None, "auth_time": None, "amr": None, "grant_id": None}, False),
    ],
)
def test_a_token_that_does_not_tell_of_such_a_sign_in_is_too_little(
    stand: Stand, claims: dict[str, Any], is_enough: bool
) -> None:
    assert is_let_in(stand, TRANSFER, **claims) is is_enough
    assert is_let_in(stand, "GET /items", **claims), "what asks for no sign-in does not look at it"
    assert stand.lines.events() == ([] if is_enough else ["route.denied"])


def test_the_leeway_is_that_of_the_verifier() -> None:
    assert step_up.AHEAD == verify.CLOCK_SKEW


def test_a_sign_in_grows_too_old_while_its_token_lives(stand: Stand) -> None:
    token = stand.issuer.token(acr=PHR, auth_time=NOW)
    event = http_2(token, TRANSFER)
    for seconds, is_enough in ((0, True), (300, True), (0.5, False), (60, False)):
        stand.clock.advance(seconds)
        assert allows(stand.answer(event), event) is is_enough
    assert stand.lines.reasons() == ["auth_time is not of the last 300 s"] * 2
    newer = http_2(stand.issuer.token(acr=PHR, auth_time=int(stand.clock.wall)), TRANSFER)
    assert allows(stand.answer(newer), newer), "the end-user has signed in again"


# -- the challenge -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"acr": "0"}, LEVEL),
        ({"acr": PHR, "auth_time": NOW - 301}, AGAIN),
        ({"acr": "0", "auth_time": None}, BOTH),
    ],
)
@pytest.mark.parametrize("name", files("too_little_sign_in"))
def test_the_challenge_names_all_that_the_route_asks_for(name: str, claims: dict[str, Any], description: str) -> None:
    """Also what is not lacking: a newer sign-in with a password would be the next refusal."""
    stand = Stand(routes=OWN_ROUTES)
    event = event_of(name, stand.issuer.token(**claims))
    answer = stand.answer(event)
    assert not allows(answer, event)
    assert answer["context"]["challenge"] == CHALLENGE.format(description)


def test_what_a_route_does_not_ask_for_is_not_in_its_challenge() -> None:
    stand = Stand(routes={"GET /a": {"scopes": [], "acr": [PHR]}, "GET /b": {"scopes": [], "max_age": 1}})
    start = 'Bearer error="insufficient_user_authentication", error_description='
    assert stand.ask(stand.issuer.token(), "GET /a")["context"]["challenge"] == f'{start}"{LEVEL}", acr_values="phr"'
    assert stand.ask(stand.issuer.token(), "GET /b")["context"]["challenge"] == f'{start}"{AGAIN}", max_age="1"'


def test_a_scope_that_is_missing_too_is_asked_for_in_the_same_trip() -> None:
    """Which roles the end-user has, a token without the scope may not tell."""
    stand = Stand(routes={"GET /a": {"scopes": ["b", "a"], "roles": ["admin"], "acr": [PHR]}})
    assert stand.ask(stand.issuer.token(), "GET /a")["context"]["challenge"] == (
        f'Bearer error="insufficient_user_authentication", error_description="{LEVEL}", acr_values="phr", scope="a b"'
    )
    good = stand.ask(stand.issuer.token(acr=PHR), "GET /a")["context"]["challenge"]
    assert good == 'Bearer error="insufficient_scope", scope="a b"'


def test_where_a_new_sign_in_would_not_help_none_is_asked_for() -> None:
    """The end-user lacks the role. A client that believed a challenge would send them to sign in for ever."""
    stand = Stand(routes={"GET /a": {"scopes": ["items"], "roles": ["admin"], "acr": [PHR]}})
    answer = stand.ask(stand.issuer.token(), "GET /a")
    assert "challenge" not in answer["context"]
    assert stand.lines.reasons() == ["the end-user lacks the role admin; the sign-in is not of the level phr"]
    assert "challenge" in stand.ask(stand.issuer.token(roles=["admin"]), "GET /a")["context"]


def test_a_bound_token_is_challenged_by_its_scheme() -> None:
    stand = BoundStand("rest_request", RESOURCE_METADATA="https://api.example/metadata")
    event = event_of("rest_request-too_little_sign_in", "")
    proof = stand.proof("POST", stand.htu.replace("profile", "transfers"))
    event["headers"] |= {"Authorization": f"DPoP {stand.token}", "DPoP": proof}
    event["multiValueHeaders"] = None
    assert stand.answer(event)["context"]["challenge"] == (
        CHALLENGE.format(LEVEL).replace("Bearer", "DPoP")
        + ', algs="PS256 ES256 EdDSA", resource_metadata="https://api.example/metadata"'
    )


def test_an_http_apis_simple_answer_is_a_403_and_its_api_is_told_of_the_sign_in() -> None:
    stand = Stand(routes=API, RESPONSE="simple")
    answer = stand.ask(stand.issuer.token(), TRANSFER)
    assert (answer["isAuthorized"], "challenge" in answer["context"]) == (False, False)
    told = stand.ask(stand.issuer.token(), "GET /items")["context"]
    assert (told["acr"], told["auth_time"]) == ("0", str(NOW - 5))


def test_appsync_denies_the_fields_that_ask_for_another_sign_in() -> None:
    fields: dict[str, Any] = {"Query.me": {}, "Mutation.pay": {"scopes": ["items"], "acr": [PHR], "max_age": 60}}
    stand = Stand(routes=fields)
    for claims, denied in (({}, ["Mutation.pay"]), ({"acr": PHR}, []), ({"acr": PHR, "auth_time": NOW - 61}, None)):
        answer = stand.answer(event_of("appsync-good_token", stand.issuer.token(**claims)))
        assert answer["deniedFields"] == (["Mutation.pay"] if denied is None else denied)


def test_a_websocket_may_ask_for_a_sign_in() -> None:
    stand = Stand(routes={"$connect": {"scopes": ["profile"], "acr": [PHR]}})
    for acr in ("0", PHR):
        event = event_of("websocket-good_token", stand.issuer.token(acr=acr))
        assert allows(stand.answer(event), event) is (acr == PHR)


def test_the_log_says_why_and_never_too_much() -> None:
    levels = [f"{number}{'x' * 200}" for number in range(12)]
    stand = Stand(routes={**API, "GET /long": {"scopes": [], "acr": levels}})
    stand.ask(stand.issuer.token(auth_time=None), TRANSFER)
    stand.ask(stand.issuer.token(acr=None), TRANSFER)
    stand.ask(stand.issuer.token(acr="y" * 3000), "GET /long")
    assert "yyy" not in str(stand.lines)
    first, second, long = map(str, stand.lines.reasons())
    assert first == ("the sign-in is not of the level urn:valet:acr:multi-factor or phr; the token tells no auth_time")
    assert second == "the token tells no acr"
    assert len(long) < 700


# -- policies that a gateway keeps -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "allowed"),
    [
        ({"acr": "0"}, {"GET /items", "POST /items"}),
        ({"acr": PHR}, {"GET /items", "POST /items", TRANSFER}),
        ({"acr": PHR, "auth_time": NOW - 301}, {"GET /items", "POST /items"}),
        ({"acr": PHR, "auth_time": NOW - 3601}, {"GET /items"}),
        ({"acr": PHR, "auth_time": None}, {"GET /items"}),
        ({"acr": PHR, "scope": ""}, set()),
    ],
)
def test_a_policy_allows_what_the_sign_in_is_enough_for_whichever_route_was_asked_for_first(
    stand: Stand, claims: dict[str, Any], allowed: set[str]
) -> None:
    for asked in API:
        found = stand.ask(stand.issuer.token(**claims), asked)["policyDocument"]
        each = {route for route in API if gateway.iam_allows(found, f"{ARN}/{route.replace(' ', '', 1)}")}
        assert each == allowed, f"asked for {asked}"


def test_one_tokens_policy_is_not_anothers(stand: Stand) -> None:
    """They have the same scopes and roles, and so the same permissions but for the sign-in."""
    answers = [is_let_in(stand, TRANSFER, acr=acr) for acr in (PHR, "0", PHR, None, "0")]
    assert answers == [True, False, True, False, False]


def test_a_refusal_for_the_sign_in_stays_right_for_as_long_as_a_gateway_may_keep_it(stand: Stand) -> None:
    """No later moment makes the sign-in behind a token newer or better: the end-user gets another token."""
    token = stand.issuer.token(acr="0", exp=NOW + 4000)
    for _ in range(4):
        event = http_2(token, TRANSFER)
        assert not allows(stand.answer(event), event)
        stand.clock.advance(1000)


def test_a_token_is_remembered_and_the_age_of_its_sign_in_is_not(stand: Stand) -> None:
    event = http_2(stand.issuer.token(acr=PHR, auth_time=NOW - 299), TRANSFER)
    assert allows(stand.answer(event), event)
    stand.clock.advance(2)
    assert not allows(stand.answer(event), event)


def test_the_moment_is_that_of_the_answer_however_long_a_fetch_took(stand: Stand) -> None:
    fetch = stand.issuer.faults
    event = http_2(stand.issuer.token(acr=PHR, auth_time=NOW - 300), TRANSFER)

    def slow() -> Any:
        stand.clock.advance(1)
        del fetch["/status-lists/1"]
        return stand.issuer.fetch(
            f"{stand.issuer.issuer_metadata['issuer']}/status-lists/1", etag=None, limit=0, timeout=0
        )

    fetch["/status-lists/1"] = slow
    assert not allows(stand.answer(event), event)


def test_sign_ins_of_any_age_and_any_level_take_little_memory(stand: Stand) -> None:
    for number in range(500):
        is_let_in(stand, TRANSFER, acr=f"level-{number}", auth_time=NOW - 17 * number)
    permissions = stand.authorizer._permissions
    assert len(permissions._known) == 3  # no level that a route names, and within 300 s, 3,600 s or neither
    routes, _ = parse_routes(json.dumps(API))
    read = SignIns(routes).of
    assert read({"acr": PHR, "auth_time": str(NOW - 30)}, NOW) == (PHR, 300)
    assert read({"acr": PHR, "auth_time": str(NOW - 301)}, NOW) == (PHR, 3600)
    assert read({"acr": "other", "auth_time": str(NOW - 3601)}, NOW) == ("", step_up.NEVER)


@pytest.mark.parametrize(("some", "other"), [({"acr": ["a"]}, {"acr": ["b"]}), ({"max_age": 300}, {"max_age": 60})])
def test_the_start_knows_which_routes_only_some_sign_ins_may_call(some: dict[str, Any], other: dict[str, Any]) -> None:
    """A policy can say all three, and none of them, but not the two that one sign-in is enough for."""
    two: dict[str, Any] = {key: {"scopes": [], **some} for key in ("GET /items/{id}", "GET /items/{id}/a")}
    stand = Stand(routes={**two, "GET /items/{all+}": {"scopes": [], **other}})
    assert stand.lines.events() == ["policy.inexact"]
    assert Stand(routes=API).lines == []


# -- behind one catch-all route ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stricter", "is_ambiguous"),
    [
        ({"acr": [PHR]}, True),
        ({"max_age": 60}, True),
        ({"acr": [MULTI_FACTOR, PHR], "max_age": 300}, True),
        ({}, False),
    ],
)
def test_a_path_that_another_reader_takes_for_a_route_with_a_stricter_sign_in_is_refused(
    stricter: dict[str, Any], is_ambiguous: bool
) -> None:
    routes: dict[str, Any] = {"POST /admin": {"scopes": [], **stricter}, "POST /{page}": {"scopes": []}}
    stand = Stand(routes=routes, MATCH="path")
    event = http_2(stand.issuer.token(acr=PHR), "POST /{proxy+}", "/ADMIN")
    event["requestContext"]["http"]["path"] = "/ADMIN"
    assert allows(stand.answer(event), event) is not is_ambiguous
    assert all("ambiguous" in str(reason) for reason in stand.lines.reasons())


# -- who does not ask pays nothing -------------------------------------------------------------------------------------

LOADED = "import sys, app; print([name for name in sys.modules if 'step_up' in name or 'sign_ins' in name])"


@pytest.mark.parametrize(("routes", "loaded"), [(ROUTES, 0), (API, 2)])
def test_only_a_process_whose_routes_ask_for_a_sign_in_loads_what_reads_it(routes: dict[str, Any], loaded: int) -> None:
    path = os.pathsep.join([str(APP.parent), str(LAYER)])
    env = {**environment(routes), "PYTHONPATH": path}
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert len(json.loads(ran.stdout.replace("'", '"'))) == loaded
