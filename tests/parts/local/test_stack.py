"""The whole local stack: what template.yaml describes is there, with the demo data in it."""

from __future__ import annotations

from collections.abc import Mapping

import boto3
import httpx
import pytest

from local.stack import LocalStack
from tests.conftest import MovableClock
from tests.endpoints import FUNCTIONS
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.wire import Answer, over_http

SERVICE = ("api_service_789", "api_secret_abc")


def token(stack: LocalStack, scope: str = "admin") -> httpx.Response:
    form = {"grant_type": "client_credentials", "scope": scope}
    return httpx.post(f"{stack.url}/token", data=form, auth=SERVICE)


def bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}


def test_tables_are_as_the_template_says(stack: LocalStack) -> None:
    dynamodb = boto3.client("dynamodb")
    assert set(stack.tables) == {"Registry", "Users", "Grants"}
    for logical_id, name in stack.tables.items():
        table = dynamodb.describe_table(TableName=name)["Table"]
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        assert table["DeletionProtectionEnabled"] is (logical_id != "Grants")
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        assert recovery == ("DISABLED" if logical_id == "Grants" else "ENABLED")
    ttl = dynamodb.describe_time_to_live(TableName=stack.tables["Grants"])["TimeToLiveDescription"]
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expires_at", "ENABLED")


def test_every_function_of_the_template_is_loaded_from_its_own_file(stack: LocalStack) -> None:
    modules = {name: stack.functions.module(name) for name in stack.system.functions}
    assert len({module.__name__ for module in modules.values()}) == len(modules) == len(FUNCTIONS)
    assert all(callable(module.handler) for module in modules.values())


def test_the_custom_resource_made_the_first_keys(stack: LocalStack) -> None:
    keys = httpx.get(f"{stack.url}/.well-known/jwks.json").json()["keys"]
    assert len(keys) == 2
    assert {key["kty"] for key in keys} == {"RSA"}


def test_the_issuer_is_the_stacks_own_address(stack: LocalStack) -> None:
    metadata = httpx.get(f"{stack.url}/.well-known/openid-configuration", headers={"Host": "evil.example"}).json()
    assert metadata["issuer"] == stack.issuer == stack.url
    assert "evil" not in str(metadata)


def test_nobody_stands_before_the_stack_so_a_clients_forwarded_address_is_not_believed(fresh_stack: LocalStack) -> None:
    """And its gateway leaves nothing of what a client says, as API Gateway does."""

    def claiming(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        return over_http(method, url, {**(headers or {}), "x-forwarded-for": "198.51.100.7"}, body)

    app = Application(over_http, fresh_stack.issuer, "web_app_123", "", "https://webapp.example.com/callback")
    browser = Browser(claiming, fresh_stack.issuer)
    with fresh_stack.aws.recorded() as calls:
        assert browser.sign_in(browser.open(app.ask().url), "john", "wrong").status == 401
    keys = [call.parameters["Key"]["pk"]["S"] for call in calls if call.action == "UpdateItem"]
    assert fresh_stack.system.environment()["BEHIND_PROXY"] == ""
    assert [key.split("#")[2] for key in keys if key.startswith("throttle#address#")] == ["127.0.0.1"]


def test_a_token_opens_the_route_that_it_is_for_and_no_other(stack: LocalStack) -> None:
    access_token = token(stack).json()["access_token"]
    assert httpx.get(f"{stack.url}/api/admin", headers=bearer(access_token)).status_code == 200
    assert httpx.get(f"{stack.url}/api/profile", headers=bearer(access_token)).status_code == 403
    assert httpx.get(f"{stack.url}/api/admin", headers=bearer(access_token + "x")).status_code == 401
    with stack.aws.recorded() as calls:
        assert httpx.get(f"{stack.url}/api/admin").status_code == 401
    assert calls == []


def test_calls_to_aws_are_known_by_function(stack: LocalStack) -> None:
    token(stack)
    with stack.aws.recorded() as calls:
        assert token(stack).status_code == 200
    assert {call.function for call in calls} == {"token"}
    assert ("kms:Sign", None) in {(call.iam_action, call.table) for call in calls}


def test_a_function_can_be_called_without_the_gateway(stack: LocalStack) -> None:
    event = {
        "version": "2.0",
        "routeKey": "ANY /.well-known/jwks.json",
        "rawPath": "/.well-known/jwks.json",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "sourceIp": "203.0.113.7"}, "requestId": "r"},
        "isBase64Encoded": False,
    }
    assert stack.invoke("jwks", event)["statusCode"] == 200
    with pytest.raises(KeyError):
        stack.invoke("nobody", event)


def test_a_reset_brings_the_demo_data_back(fresh_stack: LocalStack) -> None:
    key = {"pk": {"S": "client#api_service_789"}, "sk": {"S": "client"}}
    boto3.client("dynamodb").delete_item(TableName=fresh_stack.tables["Registry"], Key=key)
    fresh_stack.reset()
    assert token(fresh_stack).status_code == 200


def test_a_moved_clock_is_the_functions_clock(fresh_stack: LocalStack, clock: MovableClock) -> None:
    answer = token(fresh_stack).json()
    data = {"token": answer["access_token"]}
    assert httpx.post(f"{fresh_stack.url}/introspect", data=data, auth=SERVICE).json()["active"] is True
    clock.advance(answer["expires_in"] + 1)
    assert httpx.post(f"{fresh_stack.url}/introspect", data=data, auth=SERVICE).json()["active"] is False


@pytest.mark.parametrize(
    ("path", "status", "content_type"),
    [
        ("/demo/", 200, "text/html"),
        ("/demo/demo.js", 200, "text/javascript"),
        ("/demo/demo.css", 200, "text/css"),
        ("/demo", 302, None),
        ("/", 302, None),
        ("/demo/nothing.js", 404, None),
        ("/demo/../template.yaml", 404, None),
        ("/demo/%2e%2e/__main__.py", 404, None),
        ("/demo/..%2f..%2ftemplate.yaml", 404, None),
    ],
)
def test_the_demo_page_is_a_folder_and_nothing_else(
    path: str, status: int, content_type: str | None, stack: LocalStack
) -> None:
    response = httpx.get(httpx.URL(stack.url, raw_path=path.encode()))
    assert response.status_code == status
    if content_type:
        assert response.headers["content-type"].startswith(content_type)
        assert response.headers["cache-control"] == "no-cache"


def test_no_page_frames_the_demo_page(stack: LocalStack) -> None:
    for path in ("/demo/", "/demo/index.html"):
        assert httpx.get(f"{stack.url}{path}").headers["x-frame-options"] == "DENY"


def test_the_demo_page_takes_no_post(stack: LocalStack) -> None:
    assert httpx.post(f"{stack.url}/demo/").status_code == 405


def test_my_single_page_app_renews_silently_once_it_is_allowed(fresh_stack: LocalStack) -> None:
    app, browser = DemoApplications(over_http, fresh_stack.issuer).spa, Browser(over_http, fresh_stack.issuer)
    page = browser.sign_in(browser.open(app.ask().url))
    assert browser.get(app.ask(prompt="none").url).answered["error"] == "consent_required"
    assert "code" in browser.decide(page).answered
    assert "code" in browser.get(app.ask(prompt="none").url).answered


def test_a_native_app_is_asked_each_time_here_as_in_a_deployment(fresh_stack: LocalStack) -> None:
    app, browser = DemoApplications(over_http, fresh_stack.issuer).mobile_app, Browser(over_http, fresh_stack.issuer)
    assert "code" in browser.decide(browser.sign_in(browser.open(app.ask().url))).answered
    assert browser.get(app.ask(prompt="none").url).answered["error"] == "consent_required"
