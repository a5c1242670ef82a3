"""REST APIs answer, ask their authorizers, and remember what these said, as API Gateway does it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.functions import Functions
from local.gateway.http_events import HttpRequest, HttpResponse
from local.gateway.rest_gateway import RestGateway
from local.system import system_from_template
from local.template import Template, TemplateError, load

TEMPLATE = """\
Globals:
  Function: {Handler: app.handler, Timeout: 5}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      Auth:
        DefaultAuthorizer: Guard
        Authorizers:
          Guard:
            FunctionArn: !GetAtt GuardFunction.Arn
            FunctionPayloadType: REQUEST
            Identity: {Headers: [Authorization], ReauthorizeEvery: 0}
      GatewayResponses:
        UNAUTHORIZED:
          StatusCode: 401
          ResponseParameters: {Headers: {WWW-Authenticate: "'Bearer'", X-Was: method.request.header.X-Is}}
        ACCESS_DENIED:
          ResponseParameters: {Headers: {WWW-Authenticate: context.authorizer.challenge}}
          ResponseTemplates: {application/json: '{"error":$context.error.messageString,"id":"$context.requestId"}'}
  GuardFunction:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        events = []
        answer = None

        def handler(event, context):
            events.append(event)
            if isinstance(answer, str):
                raise Exception(answer)
            return answer
  EchoFunction:
    Type: AWS::Serverless::Function
    Properties:
      InlineCode: |
        import json

        answer = None

        def handler(event, context):
            return answer or {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": json.dumps(event)}
      Events:
        One: {Type: Api, Properties: {RestApiId: !Ref Api, Method: GET, Path: '/one/{id}'}}
        Any: {Type: Api, Properties: {RestApiId: !Ref Api, Method: ANY, Path: '/one/{id}/all'}}
        New: {Type: Api, Properties: {RestApiId: !Ref Api, Method: POST, Path: /one/new}}
        More: {Type: Api, Properties: {RestApiId: !Ref Api, Method: GET, Path: '/files/{path+}'}}
        Open: {Type: Api, Properties: {RestApiId: !Ref Api, Method: GET, Path: /, Auth: {Authorizer: NONE}}}
"""
ARN = "arn:aws:execute-api:us-east-1:123456789012:local-api/v1"
TOKEN = {"authorization": "Bearer a"}


@dataclass
class Rest:
    """The gateway, and the authorizer behind it."""

    gateway: RestGateway
    functions: Functions
    now: list[float]

    def send(self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        return self.ask(method, target, headers, body)[0]

    def ask(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[HttpResponse, str | None]:
        found = self.gateway.answer(HttpRequest(method, f"/v1{target}", headers or {}, body, "203.0.113.7"))
        assert found is not None
        return found

    def says(self, answer: Any) -> None:
        self.functions.module("GuardFunction").answer = answer  # type: ignore[attr-defined]

    @property
    def asked(self) -> list[Any]:
        return list(self.functions.module("GuardFunction").events)


def rest(folder: Path, answer: Any = None, **changes: str) -> Rest:
    text = TEMPLATE
    for before, after in {"REQUEST": "REQUEST", **changes}.items():
        assert before in text
        text = text.replace(before, after, 1)
    (folder / "template.yaml").write_text(text, encoding="utf-8")
    document = load(folder / "template.yaml")
    system = system_from_template(Template(document, {}, PSEUDO_PARAMETERS, Resources(document)), folder)
    functions, now = Functions(system.functions), [1000.0]
    found = Rest(RestGateway(system.rest_apis, functions, lambda: now[0]), functions, now)
    found.says(policy() if answer is None else answer)
    return found


def as_token(folder: Path, answer: Any = None, ttl: str = "0", more: str = "") -> Rest:
    return rest(
        folder,
        answer,
        REQUEST="TOKEN",
        **{"Headers: [Authorization], ReauthorizeEvery: 0": f"Header: Authorization, ReauthorizeEvery: {ttl}{more}"},
    )


def policy(effect: str = "Allow", resource: Any = "*", **context: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    return {"principalId": "john", "policyDocument": {"Statement": [statement]}, "context": context}


# -- events ------------------------------------------------------------------------------------------------------------


def test_a_token_authorizer_is_told_the_token_and_the_methods_arn(tmp_path: Path) -> None:
    api = as_token(tmp_path)
    api.send("GET", "/one/1%202?x=y", TOKEN)
    assert api.asked == [
        {"type": "TOKEN", "authorizationToken": "Bearer a", "methodArn": f"{ARN}/GET/one/1%202"},
    ]


def test_a_request_authorizer_is_told_the_resource_and_the_whole_request(tmp_path: Path) -> None:
    api = rest(tmp_path)
    api.send("GET", "/one/1%202?x=y&x=z", TOKEN)
    (event,) = api.asked
    assert event["type"] == "REQUEST"
    assert "version" not in event
    assert event["methodArn"] == f"{ARN}/GET/one/1%202"
    assert (event["httpMethod"], event["resource"], event["path"]) == ("GET", "/one/{id}", "/one/1%202")
    assert event["headers"] == {"Authorization": "Bearer a"}
    assert event["multiValueHeaders"] == {"Authorization": ["Bearer a"]}
    assert event["queryStringParameters"] == {"x": "z"}
    assert event["multiValueQueryStringParameters"] == {"x": ["y", "z"]}
    assert event["pathParameters"] == {"id": "1 2"}
    assert event["requestContext"]["stage"] == "v1"
    assert event["requestContext"]["path"] == "/v1/one/1%202"
    assert "body" not in event


def test_the_function_sees_the_context_as_texts(tmp_path: Path) -> None:
    api = rest(tmp_path, policy(sub="john", age=7, is_new=True))
    event = json.loads(api.send("GET", "/one/1", TOKEN).body)
    told = event["requestContext"]["authorizer"]
    assert told == {"principalId": "john", "integrationLatency": 0, "sub": "john", "age": "7", "is_new": "true"}
    assert event["body"] is None
    assert json.loads(api.send("POST", "/one/new", TOKEN, b"a=b").body)["body"] == "a=b"


def test_an_open_route_asks_nobody(tmp_path: Path) -> None:
    api = rest(tmp_path)
    assert "authorizer" not in json.loads(api.send("GET", "").body)["requestContext"]
    assert api.asked == []


@pytest.mark.parametrize(
    ("method", "path", "resource"),
    [
        ("GET", "/one/1", "/one/{id}"),
        ("GET", "/one/1/", "/one/{id}"),
        ("POST", "/one/new", "/one/new"),
        ("PATCH", "/one/1/all", "/one/{id}/all"),
        ("GET", "/files/a/b", "/files/{path+}"),
        ("GET", "/one/new", None),  # the resource first: the literal one has no GET
        ("POST", "/one/1", None),
        ("GET", "/none", None),
    ],
)
def test_the_resource_is_chosen_before_the_method(method: str, path: str, resource: str | None, tmp_path: Path) -> None:
    response = rest(tmp_path).send(method, path, TOKEN)
    if resource is None:
        assert (response.status, json.loads(response.body)) == (403, {"message": "Missing Authentication Token"})
    else:
        assert json.loads(response.body)["resource"] == resource


def test_other_paths_are_no_business_of_a_stage(tmp_path: Path) -> None:
    gateway = rest(tmp_path).gateway
    for path in ("/", "/v10/one/1", "/api/v1/one/1"):
        assert gateway.answer(HttpRequest("GET", path, {}, b"", "203.0.113.7")) is None


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_without_a_token_a_token_authorizer_is_not_asked(tmp_path: Path) -> None:
    api = as_token(tmp_path)
    response = api.send("GET", "/one/1", {"x-is": "there"})
    assert (response.status, response.body) == (401, b'{"message":"Unauthorized"}')
    assert dict(response.headers)["www-authenticate"] == "Bearer"
    assert dict(response.headers)["x-was"] == "there"
    assert api.asked == []
    assert api.ask("GET", "/one/1")[1] is None


def test_a_token_that_is_not_of_the_expected_form_is_not_asked_about(tmp_path: Path) -> None:
    api = as_token(tmp_path, more=", ValidationExpression: 'Bearer [a-z]+'")
    assert api.send("GET", "/one/1", {"authorization": "Basic a"}).status == 401
    assert api.asked == []
    assert api.send("GET", "/one/1", TOKEN).status == 200


@pytest.mark.parametrize(("ttl", "calls"), [("0", 1), ("60", 0)])
def test_without_its_identity_sources_a_request_authorizer_is_asked_where_nothing_is_kept(
    ttl: str, calls: int, tmp_path: Path
) -> None:
    api = rest(tmp_path, "Unauthorized", **{"ReauthorizeEvery: 0": f"ReauthorizeEvery: {ttl}"})
    assert api.send("GET", "/one/1").status == 401
    assert len(api.asked) == calls


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("Unauthorized", 401),
        ("unauthorized", 500),
        ("the issuer is down", 500),
        (policy("Deny"), 403),
        (policy("Allow", f"{ARN}/GET/one/2"), 403),
        ({"isAuthorized": True}, 500),
        ({**policy(), "context": {"list": []}}, 500),
        ({"principalId": "john"}, 500),
        (policy("Allow", f"{ARN}/GET/one/*"), 200),
    ],
)
def test_what_the_gateway_makes_of_an_authorizers_answer(answer: Any, status: int, tmp_path: Path) -> None:
    """It also says for the log who was asked. Was: after every refusal nobody."""
    response, asked = rest(tmp_path, answer).ask("GET", "/one/1", TOKEN)
    assert response.status == status
    assert asked == ("EchoFunction" if status == 200 else "GuardFunction")


def test_a_denial_has_the_header_that_the_authorizer_gives_and_none_where_it_gives_none(tmp_path: Path) -> None:
    api = rest(tmp_path, policy("Deny", challenge='Bearer error="insufficient_scope"'))
    response = api.send("GET", "/one/1", TOKEN)
    assert response.status == 403
    assert dict(response.headers)["www-authenticate"] == 'Bearer error="insufficient_scope"'
    body = json.loads(response.body)
    assert body["error"] == "User is not authorized to access this resource"
    assert body["id"]
    api.says(policy("Deny"))
    assert "www-authenticate" not in dict(api.send("GET", "/one/1", TOKEN).headers)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"statusCode": 204, "multiValueHeaders": {"X-A": ["1", "2"]}}, 204),
        ({"statusCode": "200"}, 502),
        ("text", 502),
        ({"statusCode": 200, "body": {"a": 1}}, 502),
    ],
)
def test_a_functions_answer_is_taken_or_is_a_502(answer: Any, status: int, tmp_path: Path) -> None:
    api = rest(tmp_path)
    api.functions.module("EchoFunction").answer = answer  # type: ignore[attr-defined]
    response = api.send("GET", "/one/1", TOKEN)
    assert response.status == status
    assert [value for name, value in response.headers if name == "x-a"] == (["1", "2"] if status == 204 else [])


# -- the cache ---------------------------------------------------------------------------------------------------------


def test_answers_are_kept_for_five_minutes_unless_the_template_says_otherwise(tmp_path: Path) -> None:
    api = rest(tmp_path, policy("Allow", f"{ARN}/GET/one/1"), **{", ReauthorizeEvery: 0": ""})
    assert api.send("GET", "/one/1", TOKEN).status == 200
    assert api.send("GET", "/one/2", TOKEN).status == 403  # a policy that names one route, believed for another
    assert len(api.asked) == 1
    assert api.send("GET", "/one/1", {"authorization": "Bearer b"}).status == 200
    assert len(api.asked) == 2
    api.now[0] += 300
    api.send("GET", "/one/1", TOKEN)
    assert len(api.asked) == 3
    api.gateway.forget()
    api.send("GET", "/one/1", TOKEN)
    assert len(api.asked) == 4


def test_a_denial_is_kept_and_an_outage_or_a_401_is_not(tmp_path: Path) -> None:
    api = as_token(tmp_path, "Unauthorized", ttl="300")
    assert api.send("GET", "/one/1", TOKEN).status == 401
    api.says("the issuer is down")
    assert api.send("GET", "/one/1", TOKEN).status == 500
    api.says(policy("Deny"))
    assert api.send("GET", "/one/1", TOKEN).status == 403
    api.says(policy())
    assert api.send("GET", "/one/1", TOKEN).status == 403


# -- what is not known stops the start ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("StageName: v1", "StageName: v1\n      Cors: '*'"),
        ("Identity: {Headers", "Identity: {StageVariables: [a], Headers"),
        ("WWW-Authenticate: \"'Bearer'\"", 'WWW-Authenticate: "Bearer"'),
        ("        UNAUTHORIZED:", "        WAF_FILTERED:"),
        ("Auth: {Authorizer: NONE}", "Auth: {Authorizer: Other}"),
        ("RestApiId: !Ref Api, Method: ANY", "RestApiId: other, Method: ANY"),
    ],
)
def test_what_is_not_known_stops_the_start(before: str, after: str, tmp_path: Path) -> None:
    with pytest.raises((TemplateError, KeyError)):
        rest(tmp_path, None, **{before: after})


# -- answers of functions ----------------------------------------------------------------------------------------------


def test_a_functions_own_challenge_reaches_no_client_under_its_name(tmp_path: Path) -> None:
    """API Gateway renames it, so only a gateway response can challenge."""
    api = rest(tmp_path)
    headers = {"WWW-Authenticate": "Bearer", "X-Own": "kept"}
    api.functions.module("EchoFunction").answer = {"statusCode": 401, "headers": headers, "body": ""}  # type: ignore[attr-defined]
    found = dict(api.send("GET", "/one/1", TOKEN).headers)
    assert found["x-amzn-remapped-www-authenticate"] == "Bearer"
    assert found["x-own"] == "kept"
    assert "www-authenticate" not in found


# -- routes that a definition names ------------------------------------------------------------------------------------

DEFINITION = """\
      StageName: v1
      MergeDefinitions: true
      DefinitionBody:
        openapi: 3.0.1
        info: {title: a, version: '1'}
        paths:
          /defined/{proxy+}:
            get:
              SECURITY
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                uri: !Sub 'arn:aws:apigateway:x:lambda:path/2015-03-31/functions/${EchoFunction.Arn}/invocations'
"""


@pytest.mark.parametrize(
    ("security", "statuses"),
    [
        ("security: [{NONE: []}]", (200, 200)),
        ("security: [{Guard: []}]", (403, 200)),
        ("summary: behind the default authorizer", (403, 200)),
    ],
)
def test_a_definition_adds_routes_with_the_authorizer_that_it_names(
    security: str, statuses: tuple[int, int], tmp_path: Path
) -> None:
    change = {"      StageName: v1\n": DEFINITION.replace("SECURITY", security)}
    api = rest(tmp_path, policy("Deny"), **change)
    assert api.send("GET", "/defined/a/b", TOKEN).status == statuses[0]
    api.says(policy())
    answer = api.send("GET", "/defined/a/b", TOKEN)
    assert answer.status == statuses[1]
    assert json.loads(answer.body)["pathParameters"] == {"proxy": "a/b"}
    assert api.send("GET", "/one/1", TOKEN).status == 200, "the functions' own routes stay"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("MergeDefinitions: true", "MergeDefinitions: false", "only with MergeDefinitions: true"),
        ("info: {title: a, version: '1'}", "security: [{Key: []}]", "does not know security in DefinitionBody"),
        ("type: aws_proxy", "type: mock", "no Lambda proxy integration"),
        ("SECURITY", "x-amazon-apigateway-request-validator: all", "does not know x-amazon-apigateway-request"),
        ("SECURITY", "security: [{A: []}, {B: []}]", "needs one authorizer"),
        ("SECURITY", "security: [{Other: []}]", "names the authorizer Other"),
    ],
)
def test_what_a_definition_may_hold_besides_stops_the_start(old: str, new: str, told: str, tmp_path: Path) -> None:
    definition = DEFINITION.replace(old, new).replace("SECURITY", "security: [{NONE: []}]")
    with pytest.raises(TemplateError, match=told):
        rest(tmp_path, None, **{"      StageName: v1\n": definition})
