"""`make run API=`: a developer's own stack behind the real authorizer, on the developer's own machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.table import Table
from valet.models.clients import ProtectedApi

from local.console import Console
from local.function_logs import FunctionLogs
from local.own.choices import Choices
from local.own_console import OwnConsole
from local.stack import ROOT, LocalStack
from tests.parts.local.own_stacks import ORIGIN, SHOP, Shop, person_token, service_token, shop

BOTH = pytest.mark.parametrize(("number", "stage", "scope"), [(0, "", "orders"), (1, "/prod", "rest-orders")])


@pytest.fixture(scope="module")
def running(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    variables = tmp_path_factory.mktemp("own") / "env.json"
    variables.write_text(json.dumps({"Parameters": {"GIVEN": "all"}, "OrdersFunction": {"GIVEN": "orders"}}))
    found = shop(stack, SHOP / "http.yaml", SHOP / "rest.yaml", variables=variables)
    yield found
    found.stacks.stop()


def is_running(process: int) -> bool:
    """A process that ended and that its parent did not ask about is still listed, as Z."""
    answer = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()[:1] not in ("", "Z")


@pytest.fixture
def registered(running: Shop, fresh_stack: LocalStack) -> Shop:
    running.register()
    return running


# -- routes, scopes and roles ------------------------------------------------------------------------------------------


@BOTH
def test_my_public_route_needs_no_token(registered: Shop, number: int, stage: str, scope: str) -> None:
    answer = registered.call("GET", f"{stage}/", number=number)
    assert answer.status_code == 200
    assert answer.json()["authorizer"] is None
    assert answer.json()["route"] == "GET /"


@BOTH
def test_my_handler_sees_who_calls_once_the_real_authorizer_let_the_token_through(
    registered: Shop, number: int, stage: str, scope: str
) -> None:
    answer = registered.call("GET", f"{stage}/orders", service_token(registered.issuer, scope), number)
    assert answer.status_code == 200
    authorizer = answer.json()["authorizer"]
    seen = authorizer if number else authorizer["lambda"]
    assert (seen["sub"], seen["scope"], seen["roles"]) == ("api_service_789", scope, "")


def test_my_authorizer_knows_where_my_apis_are_called_so_that_it_can_judge_proofs(registered: Shop) -> None:
    for number, addresses in (
        (0, {registered.url()}),
        (1, {f"{registered.url(1)}/prod", f"{registered.url(1, 'ServerlessRestApi')}/Prod"}),
    ):
        for name, valet in registered.plan(number).valets.items():
            assert set(valet.functions.module(name).AUTHORIZER._configuration.public_urls) == addresses


@BOTH
@pytest.mark.parametrize("token", [None, "x.y.z"])
def test_my_guarded_route_is_never_open_without_a_good_token(
    registered: Shop, number: int, stage: str, scope: str, token: str | None
) -> None:
    calls = registered.settled()
    assert registered.call("GET", f"{stage}/orders", token, number).status_code == 401
    assert registered.lines[calls:] == []


@BOTH
def test_a_token_of_another_api_is_not_for_mine(registered: Shop, number: int, stage: str, scope: str) -> None:
    calls = registered.settled()
    token = service_token(registered.issuer, "admin")
    assert registered.call("GET", f"{stage}/orders", token, number).status_code == 401
    assert registered.lines[calls:] == []


@BOTH
def test_a_role_is_asked_for_as_well_as_the_scope(registered: Shop, number: int, stage: str, scope: str) -> None:
    admin, other = (person_token(registered.issuer, name, scope) for name in ("jane", "john"))
    calls = registered.settled()
    assert registered.call("DELETE", f"{stage}/orders/1", other, number).status_code == 403
    assert registered.lines[calls:] == []
    assert registered.call("DELETE", f"{stage}/orders/1", admin, number).status_code == 200
    assert registered.call("GET", f"{stage}/orders", other, number).status_code == 200


@pytest.mark.slow
@BOTH
def test_a_revoked_token_is_refused_within_five_seconds(registered: Shop, number: int, stage: str, scope: str) -> None:
    token = service_token(registered.issuer, scope)
    assert registered.call("GET", f"{stage}/orders", token, number).status_code == 200
    form, secret = {"token": token}, ("api_service_789", "api_secret_abc")
    httpx.post(f"{registered.issuer.url}/revoke", data=form, auth=secret, timeout=10)
    deadline = time.monotonic() + 5
    while registered.call("GET", f"{stage}/orders", token, number).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_payload_format_1_0_has_the_context_where_rest_apis_have_it(registered: Shop) -> None:
    answer = registered.call("GET", "/old-orders", service_token(registered.issuer, "orders"))
    assert answer.json()["version"] == "1.0"
    assert answer.json()["route"] == "GET /old-orders"
    assert answer.json()["authorizer"]["sub"] == "api_service_789"


def test_my_own_lambda_authorizer_is_asked_too(registered: Shop) -> None:
    assert registered.call("GET", "/own", x_key="open").json()["authorizer"]["lambda"] == {"key": "open"}
    assert registered.call("GET", "/own", x_key="shut").status_code == 401
    assert registered.call("GET", "/own").status_code == 401


# -- what cannot be played ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "number", "reason"),
    [
        ("/elsewhere", 0, "the authorizer Elsewhere is not played: it cannot be resolved here"),
        ("/native", 0, "the authorizer Native is not played: it is API Gateway's own JWT authorizer"),
        ("/iam", 0, "the authorizer AWS_IAM is not played"),
        ("/misspelt", 0, "no authorizer is named Vallet"),
        ("/node", 0, "NodeFunction cannot run here: its Runtime is nodejs22.x, and only Python is played"),
        ("/prod/pool", 1, "the authorizer Pool is not played: it asks Cognito"),
        ("/prod/key", 1, "ApiKeyRequired is not played"),
    ],
)
def test_a_route_whose_guard_cannot_be_played_is_refused_and_never_open(
    registered: Shop, path: str, number: int, reason: str
) -> None:
    calls = registered.settled()
    answer = registered.call("GET", path, service_token(registered.issuer, "orders"), number)
    assert answer.status_code == 503
    assert answer.json() == {"message": f"The local stack does not serve this route: {reason}."}
    assert registered.lines[calls:] == []
    shown = [route for routes in registered.plan(number).routes.values() for route in routes]
    assert (f"GET {path.removeprefix('/prod')}", f"answers 503: {reason}") in shown


def test_everything_that_is_not_played_is_named_with_what_happens_instead(running: Shop) -> None:
    named = [line for line in running.notices().splitlines() if ": Runtime " not in line]
    assert named[0].startswith("no .venv next to http.yaml: Valet's Python runs your functions")
    assert named[1:] == [
        "OrdersFunction, variable QUEUE: the local stack does not know QueueUrl of OrdersQueue: "
        "left out; API_ENV can give it",
        "OrdersFunction: layer arn:aws:lambda:us-east-1:123456789012:layer:other:1: "
        "your environment has to have what it holds",
        "NodeFunction: its Runtime is nodejs22.x, and only Python is played: its routes answer 503",
        "Api, authorizer Elsewhere.FunctionArn: Fn::ImportValue is not known to the local stack: "
        "the routes behind it answer 503",
        "Api, authorizer Native: it is API Gateway's own JWT authorizer: the routes behind it answer 503",
        "OrdersFunction, event Queue (SQS): not played: nothing invokes the function by it",
        "OrdersFunction, GET /elsewhere: answers 503: the authorizer Elsewhere is not played: "
        "it cannot be resolved here",
        "OrdersFunction, GET /native: answers 503: the authorizer Native is not played: "
        "it is API Gateway's own JWT authorizer",
        "OrdersFunction, GET /iam: answers 503: the authorizer AWS_IAM is not played",
        "OrdersFunction, GET /misspelt: answers 503: no authorizer is named Vallet",
        "OrdersTable (AWS::DynamoDB::Table): not made here",
        "OrdersQueue (AWS::SQS::Queue): not made here",
        "Socket (AWS::ApiGatewayV2::Api): not made here",
    ]
    assert "Issuer https://auth.example.com: the local stack is the issuer here" in running.notices(1)


# -- the handlers' own world -------------------------------------------------------------------------------------------


def test_my_handler_gets_its_variables_its_layer_and_what_api_env_gives(registered: Shop) -> None:
    seen = registered.call("GET", "/").json()
    assert seen["variables"] == {"GREETING": "hello", "TABLE": "shop-orders", "QUEUE": None, "GIVEN": "orders"}
    assert seen["layer"] == "of the layer"
    assert seen["function"] == "shop-OrdersFunction"


def test_my_handler_runs_outside_valets_process_and_without_valets_variables_or_credentials(running: Shop) -> None:
    modules, path, pid = running.odd("modules").json()
    assert pid != os.getpid()
    assert not {"valet", "moto", "local"} & set(modules)
    assert path[0] == str(SHOP / "odd")
    assert not [each for each in path if "layers/valet" in each or each.endswith("local/own")]
    environment = running.odd("environment").json()
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "REGISTRY_TABLE"} & set(environment)
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == environment["AWS_CONFIG_FILE"] == os.devnull
    assert environment["GIVEN"] == "all"


def test_what_my_function_prints_is_shown_with_its_name(registered: Shop) -> None:
    before = len(registered.lines)
    registered.call("GET", "/")
    registered.settled()
    assert ("OrdersFunction", '{"message": "order.read", "path": "/"}') in registered.lines[before:]


# -- answers as API Gateway gives them ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "http", "rest"),
    [
        ("crash", (500, "Internal Server Error"), (502, "Internal server error")),
        ("exit", (500, "Internal Server Error"), (502, "Internal server error")),
        ("sleep", (500, "Internal Server Error"), (502, "Internal server error")),
        ("set", (500, "Internal Server Error"), (502, "Internal server error")),
        ("bad header", (500, "Internal Server Error"), (502, "Internal server error")),
    ],
)
def test_my_functions_failures_look_as_they_do_on_aws(
    running: Shop, what: str, http: tuple[int, str], rest: tuple[int, str]
) -> None:
    for number, (status, text) in enumerate((http, rest)):
        answer = running.odd(what, number)
        assert (answer.status_code, answer.json()) == (status, {"message": text})
    assert running.odd("environment").status_code == 200  # and the function goes on


def test_my_handlers_traceback_is_shown(running: Shop) -> None:
    before = len(running.lines)
    running.odd("crash")
    assert ("OddFunction", "RuntimeError: out of orders") in running.lines[before:]


def test_a_function_over_its_timeout_is_ended_with_all_that_it_started(running: Shop) -> None:
    before = len(running.lines)
    assert running.odd("sleep").status_code == 500
    said = [line for function, line in running.lines[before:] if function == "OddFunction"]
    assert "Sandbox.Timedout: Task timed out after 1.00 seconds" in said
    (child,) = (int(line.split()[1]) for line in said if line.startswith("child "))
    deadline = time.monotonic() + 2
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_answer_without_a_status_is_the_body_of_a_200_in_format_2_0_alone(running: Shop) -> None:
    for what, text in (("no status", '{"free": 1.5}'), ("text", "hello")):
        answer = running.odd(what)
        assert (answer.status_code, answer.text) == (200, text)
        assert answer.headers["content-type"] == "application/json"
        assert running.odd(what, 1).status_code == 502


def test_a_form_reaches_my_http_api_in_base64_and_my_rest_api_as_text(running: Shop) -> None:
    form = {"a": "1"}
    http = httpx.post(f"{running.url()}/odd", params={"do": "body"}, data=form, timeout=10)
    rest = httpx.post(f"{running.url(1, 'ServerlessRestApi')}/Prod/odd", params={"do": "body"}, data=form, timeout=10)
    assert (http.json(), rest.json()) == (["YT0x", True], ["a=1", False])


# -- browsers ----------------------------------------------------------------------------------------------------------


def test_my_http_apis_cors_configuration_answers_preflights_of_guarded_routes(registered: Shop) -> None:
    answer = registered.call("OPTIONS", "/orders", origin=ORIGIN, access_control_request_method="GET")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET,DELETE"
    assert answer.headers["access-control-max-age"] == "60"
    evil = "https://evil.example"
    other = registered.call("OPTIONS", "/orders", origin=evil, access_control_request_method="GET")
    assert not [name for name in other.headers if name.startswith("access-control-")]


def test_my_http_apis_cors_configuration_replaces_my_functions_own_headers(registered: Shop) -> None:
    ours = registered.call("GET", "/", origin=ORIGIN)
    assert ours.headers["access-control-allow-origin"] == ORIGIN
    assert ours.headers["access-control-expose-headers"] == "x-order"
    assert "access-control-allow-origin" not in registered.call("GET", "/", origin="https://evil.example").headers
    assert registered.call("GET", "/orders", origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN


def test_my_rest_apis_cors_answers_preflights_and_leaves_answers_to_my_function(registered: Shop) -> None:
    answer = registered.call("OPTIONS", "/prod/orders", number=1, origin=ORIGIN, access_control_request_method="GET")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET,OPTIONS"
    assert registered.call("GET", "/prod/", number=1, origin=ORIGIN).headers["access-control-allow-origin"] == "*"
    refused = registered.call("GET", "/prod/orders", number=1, origin=ORIGIN)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", ""])
def test_a_name_that_was_rebound_to_this_machine_reaches_no_api(running: Shop, host: str) -> None:
    calls = running.settled()
    answer = running.call("GET", "/", host=host)
    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})
    assert running.lines[calls:] == []


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "10.0.2.2:3002", "[::1]:3002", "shop.localhost:3002"])
def test_the_names_and_addresses_of_this_machine_reach_it(registered: Shop, host: str) -> None:
    assert registered.call("GET", "/", host=host).status_code == 200


# -- registration ------------------------------------------------------------------------------------------------------


def test_demo_clients_may_ask_for_my_scopes_without_a_command(running: Shop, fresh_stack: LocalStack) -> None:
    clients = "web_app_123, legacy_app_321, api_service_789, mobile_app, tv_demo, spa_demo, mcp_demo"
    assert running.register() == [
        f"registered: https://api.shop.example (scope orders, role admin), for the clients {clients}",
        f"registered: https://rest.shop.example (scope rest-orders, role admin), for the clients {clients}",
    ]
    assert running.register() == []  # what is registered stays as it is


def test_an_api_that_i_registered_myself_stays_as_it_is(running: Shop, fresh_stack: LocalStack) -> None:
    table = Table(AwsCalls("dynamodb", os.environ), fresh_stack.tables["Registry"])
    own = ProtectedApi("https://api.shop.example", "Mine", frozenset({"openid"}), frozenset({"clerk"}))
    Registrar(table).put_api(own)
    assert "not registered: https://api.shop.example is, but without the scope orders" in running.register()
    assert DynamoRegistry(table, time.time).scopes().apis[own.audience] == own


# -- the page that a developer begins with -----------------------------------------------------------------------------


def test_a_role_that_no_person_has_comes_with_the_command_that_gives_it(
    fresh_stack: LocalStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Was: 403 for everybody, and no word of how a person gets the role."""
    template, _ = blocks_of_the_page("yaml")
    (tmp_path / "template.yaml").write_text(template.replace('"roles": ["admin"]', '"roles": ["admin", "editor"]'))
    console = OwnConsole(Console(FunctionLogs()), fresh_stack, Choices((tmp_path / "template.yaml",)))
    try:
        console.start()
        console.ready()
    finally:
        console.stop()
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("Get a person's token for it")
    aws_port = fresh_stack.aws_url.rpartition(":")[2]
    assert lines[start + 1 : start + 4] == [
        f"  {fresh_stack.url}/demo/#scope=orders",
        f"  to give a person the role editor: admin/valet users roles john --add editor --local --aws-port {aws_port}",
        "",
    ]


def blocks_of_the_page(language: str) -> list[str]:
    page = (ROOT / "docs" / "local-api.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("kind", ["HttpApi", "Api"])
def test_the_three_routes_of_the_documentation_are_public_scoped_and_for_a_role(
    kind: str, fresh_stack: LocalStack, tmp_path: Path
) -> None:
    """docs/local-api.md, copied, with nothing else in the folder."""
    template, rest = blocks_of_the_page("yaml")
    (handler,) = blocks_of_the_page("python")
    if kind == "Api":
        api = re.compile(r"  Api:\n(?:    .*\n)*")
        template = api.sub(lambda _: rest, template).replace("        Response: simple\n", "")
        template = template.replace("Type: HttpApi, Properties: {ApiId", "Type: Api, Properties: {RestApiId")
    (tmp_path / "shop" / "orders").mkdir(parents=True)
    (tmp_path / "shop" / "orders" / "app.py").write_text(handler)
    (tmp_path / "shop" / "template.yaml").write_text(template)
    mine = shop(fresh_stack, tmp_path / "shop" / "template.yaml")
    try:
        mine.register()
        service, jane, john = (
            service_token(fresh_stack, "orders"),
            person_token(fresh_stack, "jane", "orders"),
            person_token(fresh_stack, "john", "orders"),
        )
        stage = "/v1" if kind == "Api" else ""
        asked = [("GET", "/", None), ("GET", "/orders", None), ("GET", "/orders", service)]
        asked += [("DELETE", "/orders/1", each) for each in (service, john, jane)]
        answers = [mine.call(method, f"{stage}{path}", token).status_code for method, path, token in asked]
        assert answers == [200, 401, 200, 403, 403, 200]
    finally:
        mine.stacks.stop()
