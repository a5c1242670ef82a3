"""The seven shapes of event, from the files of events/authorizer, and the answer that each gateway understands."""

import json
from pathlib import Path
from typing import Any

import pytest
from valet.resource_server.api_gateway.events import UnknownEvent

from tests.parts.authorizer import gateway
from tests.parts.authorizer.issuer import ROUTES, Stand

FILES = Path(__file__).parents[3] / "events" / "authorizer"
SHAPES = ("rest_token", "rest_request", "http_1", "http_2", "websocket", "appsync")
OWN_ROUTES: dict[str, Any] = {
    **ROUTES,
    "ANY /open/{proxy+}": {},
    "POST /api/transfers": {"scopes": ["items"], "acr": ["urn:valet:acr:multi-factor", "phr"], "max_age": 300},
    "$connect": {"scopes": ["profile"]},
    "Query.profile": {"scopes": ["profile"]},
    "Query.admin": {"scopes": ["admin"]},
    "Mutation.deleteItem": {"scopes": ["items"], "roles": ["admin"]},
}


def event_of(name: str, token: str) -> dict[str, Any]:
    text = (FILES / f"{name}.json").read_text()
    event: dict[str, Any] = json.loads(text.replace("ACCESS_TOKEN", token))
    return event


def files(*cases: str) -> list[str]:
    return sorted(path.stem for path in FILES.glob("*.json") if path.stem.partition("-")[2] in cases)


@pytest.fixture(params=["policy", "simple"])
def stand(request: pytest.FixtureRequest) -> Stand:
    return Stand(routes=OWN_ROUTES, RESPONSE=request.param)


def allows(answer: dict[str, Any], event: dict[str, Any]) -> bool:
    """As this shape's gateway reads the answer."""
    if "isAuthorized" in answer:
        assert "policyDocument" not in answer
        return bool(answer["isAuthorized"])
    return gateway.iam_allows(answer["policyDocument"], event.get("routeArn") or event["methodArn"])


def test_there_is_a_file_for_each_shape_and_case() -> None:
    for case in ("good_token", "bad_token", "not_bearer"):
        assert files(case) == sorted(f"{shape}-{case}" for shape in SHAPES)
    for case in ("too_little_scope", "too_little_role", "too_little_sign_in", "unnamed_route"):
        assert len(files(case)) == 4


@pytest.mark.parametrize("name", files("good_token", "any_route"))
def test_a_good_token_is_allowed(stand: Stand, name: str) -> None:
    event = event_of(name, stand.issuer.token())
    answer = stand.answer(event)
    assert allows(answer, event)
    context = answer.get("context") or answer["resolverContext"]
    assert (context["sub"], context["client_id"]) == ("john", "web_app_123")
    assert (context["scope"], context["roles"]) == ("profile items", "user")
    json.dumps(answer)


@pytest.mark.parametrize("name", files("too_little_scope", "too_little_role", "too_little_sign_in", "unnamed_route"))
def test_too_little_is_an_answer_that_does_not_allow(stand: Stand, name: str) -> None:
    event = event_of(name, stand.issuer.token())
    assert not allows(stand.answer(event), event)
    assert stand.lines.events() == ["route.denied"]


@pytest.mark.parametrize("name", files("too_little_role", "too_little_scope"))
def test_the_right_scope_and_role_are_enough(stand: Stand, name: str) -> None:
    event = event_of(name, stand.issuer.token(scope="admin items", roles=["admin"]))
    assert allows(stand.answer(event), event)


@pytest.mark.parametrize("name", files("too_little_sign_in"))
@pytest.mark.parametrize("acr", ["phr", "urn:valet:acr:multi-factor"])
def test_the_right_sign_in_is_enough(stand: Stand, name: str, acr: str) -> None:
    event = event_of(name, stand.issuer.token(acr=acr))
    assert allows(stand.answer(event), event)


@pytest.mark.parametrize("name", files("no_token", "bad_token", "not_bearer", "two_tokens"))
def test_a_missing_or_bad_token_is_unauthorized(stand: Stand, name: str) -> None:
    event = event_of(name, stand.issuer.token())
    if name.startswith("appsync"):
        assert stand.answer(event) == {"isAuthorized": False, "ttlOverride": 0}
    else:
        with pytest.raises(Exception, match=r"^Unauthorized$") as raised:
            stand.answer(event)
        assert type(raised.value) is Exception
    assert stand.lines.events() == ["token.refused"]


def test_only_payload_2_gets_a_simple_answer() -> None:
    stand = Stand(routes=OWN_ROUTES, RESPONSE="simple")
    for shape in SHAPES:
        answer = stand.answer(event_of(f"{shape}-good_token", stand.issuer.token()))
        assert ("isAuthorized" in answer) is (shape in ("http_2", "appsync"))
    stand = Stand(routes=OWN_ROUTES)
    assert "policyDocument" in stand.answer(event_of("http_2-good_token", stand.issuer.token()))


def test_appsync_is_told_which_fields_this_token_may_not_see() -> None:
    stand = Stand(routes=OWN_ROUTES)
    answer = stand.answer(event_of("appsync-good_token", stand.issuer.token()))
    assert answer["deniedFields"] == ["Query.admin", "Mutation.deleteItem"]
    assert answer["ttlOverride"] == 0
    answer = stand.answer(event_of("appsync-good_token", stand.issuer.token(scope="items admin", roles=["admin"])))
    assert answer["deniedFields"] == ["Query.profile"]


def test_a_websocket_is_refused_where_connect_is_not_named() -> None:
    stand = Stand()
    event = event_of("websocket-good_token", stand.issuer.token())
    assert not allows(stand.answer(event), event)


def test_a_path_that_is_called_like_a_websockets_route_is_none() -> None:
    stand = Stand(routes={"$connect": {"scopes": ["profile"]}, "GET /{proxy+}": {"scopes": ["admin"]}})
    event = event_of("rest_request-good_token", stand.issuer.token(scope="profile"))
    event |= {"httpMethod": "GET", "resource": "/{proxy+}", "path": "/$connect"}
    event["methodArn"] = "/".join([*event["methodArn"].split("/")[:2], "GET", "$connect"])
    assert not allows(stand.answer(event), event)
    websocket = event_of("websocket-good_token", stand.issuer.token(scope="profile"))
    assert allows(stand.answer(websocket), websocket)


@pytest.mark.parametrize(("length", "is_told"), [(19, False), (20, True), (128, True), (129, False)])
def test_the_usage_identifier_key_is_the_client_id_where_it_fits(length: int, is_told: bool) -> None:
    stand = Stand(routes=OWN_ROUTES)
    client_id = "c" * length
    answer = stand.answer(event_of("rest_request-good_token", stand.issuer.token(client_id=client_id)))
    assert answer.get("usageIdentifierKey") == (client_id if is_told else None)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer A", "authorization": "Bearer B"},
        {"AUTHORIZATION": ""},
        {"Authorization": "BearerTOKEN"},
        {"Authorization": "Bearer\tTOKEN"},
        {"Authorization": "Bearer TOKEN,Bearer TOKEN"},
        {"Authorization": "Bearer TOKEN TOKEN"},
        {"Authorization": "TOKEN"},
        {"Authorization": "DPoP TOKEN"},
        {"X-Authorization": "Bearer TOKEN"},
        {"Authorization": None},
        {},
    ],
)
@pytest.mark.parametrize("is_multi", [False, True])
def test_anything_but_one_authorization_header_with_one_bearer_token_is_refused(
    headers: dict[str, Any], is_multi: bool
) -> None:
    stand = Stand(routes=OWN_ROUTES)
    event = event_of("rest_request-good_token", "")
    token = stand.issuer.token()
    headers = {name: value and value.replace("TOKEN", token) for name, value in headers.items()}
    event["headers"] = headers
    event["multiValueHeaders"] = {name: [value] for name, value in headers.items()} if is_multi else None
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        stand.answer(event)


@pytest.mark.parametrize("scheme", ["bearer ", "BEARER ", "Bearer  ", "bEARER    "])
@pytest.mark.parametrize("name", files("good_token"))
def test_requests_that_write_bearer_in_their_own_way_are_not_refused(scheme: str, name: str) -> None:
    stand = Stand(routes=OWN_ROUTES)
    text = (FILES / f"{name}.json").read_text().replace("Bearer ACCESS_TOKEN", f"{scheme}{stand.issuer.token()}")
    event = json.loads(text)
    assert allows(stand.answer(event), event)


def test_two_spellings_of_one_token_have_one_standing() -> None:
    stand = Stand(routes=OWN_ROUTES)
    token = stand.issuer.token()
    spellings = [f"{scheme}{token}" for scheme in ("Bearer ", "bearer ", "BEARER  ")]
    event = event_of("rest_request-good_token", "")
    answers = []
    for spelling in spellings:
        event["headers"], event["multiValueHeaders"] = {"Authorization": spelling}, None
        answers.append(stand.answer(event))
    assert answers[0] == answers[1] == answers[2]
    stand.issuer.revoke(7)
    stand.clock.advance(6)
    for spelling in spellings:
        event["headers"] = {"Authorization": spelling}
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            stand.answer(event)


def test_AppSync_clients_may_leave_the_scheme_out() -> None:
    stand = Stand(routes=OWN_ROUTES)
    event = event_of("appsync-good_token", stand.issuer.token())
    event["authorizationToken"] = event["authorizationToken"].removeprefix("Bearer ")
    assert stand.answer(event)["isAuthorized"] is True
    for odd in ("", "Bearer", "Bearer ", "DPoP x", " ", "x y", None, 1):
        assert stand.answer({**event, "authorizationToken": odd})["isAuthorized"] is False


def test_the_header_is_found_in_any_case() -> None:
    stand = Stand(routes=OWN_ROUTES)
    for name in ("authorization", "AUTHORIZATION", "Authorization"):
        event = event_of("rest_request-good_token", "")
        event["headers"], event["multiValueHeaders"] = {name: f"Bearer {stand.issuer.token()}"}, None
        assert allows(stand.answer(event), event)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
def test_a_method_that_any_does_not_stand_for_is_not_named(method: str) -> None:
    stand = Stand(routes=OWN_ROUTES)
    event = event_of("http_2-any_route", stand.issuer.token())
    event["requestContext"]["http"]["method"] = method
    event["routeArn"] = event["routeArn"].replace("PATCH", method)
    assert not allows(stand.answer(event), event)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"version": "2.0"},
        {"version": "2.0", "routeArn": "arn", "routeKey": None, "headers": {}},
        {"type": "TOKEN"},
        {"type": "TOKEN", "authorizationToken": "Bearer x", "methodArn": "not-an-arn"},
        {"type": "REQUEST", "headers": {}},
        {"type": "REQUEST", "headers": {}, "methodArn": "arn:aws:execute-api:r:a:i/s/GET/x"},
        {"type": "OTHER"},
        {"authorizationToken": "Bearer x"},
        {"authorizationToken": "Bearer x", "requestContext": {}},
        {"Records": []},
    ],
)
def test_an_event_of_no_authorizer_is_raised_and_never_allowed(event: dict[str, Any]) -> None:
    with pytest.raises(UnknownEvent):
        Stand(routes=OWN_ROUTES).answer(event)


def test_a_rest_token_event_is_matched_by_its_path() -> None:
    stand = Stand(routes=OWN_ROUTES)
    event = event_of("rest_token-too_little_role", stand.issuer.token(roles=["admin"]))
    assert allows(stand.answer(event), event)
    event["methodArn"] = event["methodArn"].replace("/api/items/1", "/api/items/1/more")
    assert not allows(stand.answer(event), event)


@pytest.mark.parametrize(
    ("path", "is_allowed"),
    [("/api/x%20y", True), ("/api/2%2Fadmin", True), ("/api/%61dmin", False), ("/api/admi%6E", False)],
)
def test_a_rest_token_event_whose_escapes_make_it_another_route_is_refused(path: str, is_allowed: bool) -> None:
    stand = Stand(routes={"GET /api/{id}": {}, "GET /api/admin": {"scopes": ["admin"]}})
    event = event_of("rest_token-good_token", stand.issuer.token())
    event["methodArn"] = "/".join([*event["methodArn"].split("/")[:2], f"GET{path}"])
    assert allows(stand.answer(event), event) is is_allowed
    assert stand.lines.events() == ([] if is_allowed else ["route.denied"])


def test_the_log_holds_no_token_and_says_why() -> None:
    stand = Stand(routes=OWN_ROUTES)
    token = stand.issuer.token()
    for name in files("too_little_scope"):
        stand.answer(event_of(name, token))
    text = json.dumps(stand.lines)
    assert not any(part in text for part in token.split("."))
    assert stand.lines[0] == {
        "level": "INFO",
        "event": "route.denied",
        "route": "GET /api/admin",
        "request_id": "",
        "sub": "john",
        "reason": "the token lacks the scope admin",
        "client_id": "web_app_123",
        "jti": "jti-1",
    }


def test_a_denied_route_names_the_scope_or_role_that_was_missing() -> None:
    routes: dict[str, Any] = {
        "GET /api/profile": {"scopes": ["profile", "b", "a"], "roles": ["editor", "admin"]},
        "GET /api/items": {"scopes": ["profile"], "roles": ["admin"]},
        "GET /api/items/{id}": {"scopes": [f"scope-{number:02}" for number in range(40)] + ["x" * 3000]},
    }
    stand = Stand(routes=routes)
    for route in (*routes, "GET /api/other"):
        stand.ask(stand.issuer.token(), route, "/api/x")
    several, role, many, unnamed = map(str, stand.lines.reasons())
    assert several == "the token lacks the scopes a b; the end-user has none of the roles admin editor"
    assert role == "the end-user lacks the role admin"
    assert many == f"the token lacks the scopes {' '.join(f'scope-{number:02}' for number in range(8))} and 33 more"
    assert unnamed == "ROUTES does not name this route"
    long = Stand(routes={"GET /api/profile": {"scopes": [f"{number}{'x' * 3000}" for number in range(9)]}})
    long.ask(long.issuer.token())
    assert len(str(long.lines.reasons()[0])) < 700
