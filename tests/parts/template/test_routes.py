"""The routes: all of them, no others, and each for every method, as the functions answer OPTIONS, HEAD and 405."""

import json
from typing import Any

import pytest

from tests.endpoints import ENDPOINTS
from tests.parts.template.cloudformation import resources, translated

DEMO = {
    ("get", "/api/profile"),
    ("get", "/api/admin"),
    ("get", "/api/items"),
    ("get", "/api/items/{id}"),
    ("delete", "/api/items/{id}"),
}


def _paths(api: str) -> dict[str, Any]:
    body = resources(translated("Demo=on"), "AWS::ApiGatewayV2::Api")[api]["Properties"]["Body"]
    return {path: _if_so(methods) for path, methods in body["paths"].items()}


def _if_so(value: Any) -> Any:
    """What stands with the demo and passkeys, and without published versions (test_versions.py)."""
    if not isinstance(value, dict) or "Fn::If" not in value:
        return value
    condition, one, other = value["Fn::If"]
    return _if_so(other if condition == "HasVersions" else one)


def _function_behind(operation: Any) -> str:
    uri = _if_so(_if_so(operation)["x-amazon-apigateway-integration"]["uri"])["Fn::Sub"]
    return str(uri.partition("functions/${")[2].partition(".Arn}")[0])


def test_every_path_leads_to_its_function_for_every_method() -> None:
    paths = _paths("Api")
    for methods in paths.values():
        assert set(methods) == {"x-amazon-apigateway-any-method"}
    assert {path: _function_behind(*methods.values()) for path, methods in paths.items()} == {
        each.path: each.logical_id for each in ENDPOINTS
    }


def test_every_route_hands_over_payload_2_0() -> None:
    for methods in _paths("Api").values():
        for operation in map(_if_so, methods.values()):
            assert operation["x-amazon-apigateway-integration"]["payloadFormatVersion"] == "2.0"


@pytest.mark.parametrize("api", ["Api", "DemoApi"])
def test_the_gateway_leaves_cors_to_the_functions(api: str) -> None:
    properties = resources(translated("Demo=on"), "AWS::ApiGatewayV2::Api")[api]["Properties"]
    assert "CorsConfiguration" not in properties
    assert "x-amazon-apigateway-cors" not in properties["Body"]


def test_the_stage_has_no_path_and_a_throttle() -> None:
    stage = translated()["Resources"]["ApiApiGatewayDefaultStage"]["Properties"]
    assert stage["StageName"] == "$default"
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
    }


def test_the_access_log_holds_nothing_that_could_hold_a_secret() -> None:
    stage = translated()["Resources"]["ApiApiGatewayDefaultStage"]["Properties"]
    entry = json.loads(stage["AccessLogSettings"]["Format"])
    assert set(entry.values()) == {
        "$context.requestId",
        "$context.identity.sourceIp",
        "$context.routeKey",
        "$context.status",
        "$context.responseLatency",
        "$context.integrationErrorMessage",
    }


def test_the_demo_api_is_behind_the_authorizer_on_every_route() -> None:
    paths = _paths("DemoApi")
    assert {(method, path) for path, methods in paths.items() for method in methods} == DEMO
    for methods in paths.values():
        for operation in methods.values():
            assert _if_so(operation)["security"] == [{"Valet": []}]


def test_the_authorizer_answers_a_policy_and_no_answer_is_kept() -> None:
    body = resources(translated("Demo=on"), "AWS::ApiGatewayV2::Api")["DemoApi"]["Properties"]["Body"]
    authorizer = body["components"]["securitySchemes"]["Valet"]["x-amazon-apigateway-authorizer"]
    assert authorizer["type"] == "request"
    assert authorizer["authorizerPayloadFormatVersion"] == "2.0"
    assert authorizer.get("enableSimpleResponses", False) is False
    assert authorizer["identitySource"] == ["$request.header.Authorization"]
    assert authorizer["authorizerResultTtlInSeconds"] == 0


def test_each_demo_route_has_a_rule_of_the_authorizer() -> None:
    variables = translated("Demo=on")["Resources"]["AuthorizerFunction"]["Properties"]["Environment"]["Variables"]
    rules = json.loads(variables["ROUTES"])
    assert set(rules) == {f"{method.upper()} {path}" for method, path in DEMO}
    assert rules["GET /api/profile"] == {"scopes": ["profile"]}
    assert rules["GET /api/admin"] == {"scopes": ["admin"]}
    assert rules["DELETE /api/items/{id}"] == {"scopes": ["items"], "roles": ["admin"]}


def test_with_a_custom_domain_the_apis_own_address_is_switched_off() -> None:
    body = resources(translated(), "AWS::ApiGatewayV2::Api")["Api"]["Properties"]["Body"]
    (server,) = body["servers"]
    assert server["x-amazon-apigateway-endpoint-configuration"] == {
        "disableExecuteApiEndpoint": {"Fn::If": ["HasCustomDomain", True, False]}
    }


def test_two_functions_have_no_route_but_a_schedule() -> None:
    schedules = {}
    for rule in resources(translated(), "AWS::Events::Rule").values():
        (target,) = rule["Properties"]["Targets"]
        schedules[target["Arn"]["Fn::GetAtt"][0]] = rule["Properties"]["ScheduleExpression"]
    assert schedules == {"RotateKeysFunction": "rate(1 hour)", "FetchClientKeysFunction": "rate(5 minutes)"}
