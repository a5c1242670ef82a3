"""The AWS port's door: no browser, no foreign name, no unsigned call and no service but Valet's own gets through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from valet.aws.calls import OUTSIDE, Attempt
from valet.aws.reply import Reply

from local.aws.door import Door, own_hosts
from local.server import Server, listen
from local.stack import DEFAULT_PORT, LocalStack
from tests.parts.local.guarded import Guarded
from tests.parts.local.wire import Received, Sent, call, send, signed
from tests.support import event_files
from tests.support.calls import calls

pytestmark = pytest.mark.slow

# -- a door with nothing behind it but a list ------------------------------------------------------------------------


@dataclass
class Watched:
    """A door whose services write down what reaches them."""

    port: int = 0
    reached: list[tuple[str, dict[str, Any], bytes]] = field(default_factory=list)

    def service(self, name: str) -> Any:
        def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            self.reached.append((name, environ, environ["wsgi.input"].read()))
            start_response("200 OK", [("Content-Length", "2")])
            return [b"{}"]

        return answer

    def refuses(self, sent: Sent, chunks: int = 0) -> Received:
        """The refusal, after which nothing was reached."""
        answer = send(self.port, sent, chunks)
        assert 400 <= answer.status < 500, answer
        assert "access-control-" not in answer.head.lower()
        assert self.reached == []
        return answer


@pytest.fixture
def door() -> Iterator[Watched]:
    watched, listener = Watched(), listen(0)
    watched.port = listener.getsockname()[1]
    services = {name: watched.service(name) for name in ("dynamodb", "kms", "lambda")}
    server = Server(listener, Door(watched.port, services, {"/answer/": watched.service("unsigned")}), threads=4)
    server.start()
    yield watched
    server.stop()


def good(door: Watched, **more: str) -> Sent:
    return call(door.port, "dynamodb", "Scan", b'{"TableName": "Users"}', **more)


@pytest.mark.parametrize("chunks", [0, 5])
@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "LocalHost", "host.docker.internal", "HOST.docker.Internal"]
)
def test_a_signed_call_by_one_of_the_stacks_names_reaches_the_service_that_it_is_signed_for(
    name: str, chunks: int, door: Watched
) -> None:
    assert send(door.port, good(door, host=f"{name}:{door.port}"), chunks).status == 200
    [(service, environ, body)] = door.reached
    assert (service, body) == ("dynamodb", b'{"TableName": "Users"}')
    assert environ["HTTP_X_AMZ_TARGET"] == "DynamoDB_20120810.Scan"


def test_the_environment_file_of_sam_local_calls_the_stack_by_one_of_its_names() -> None:
    variables = json.loads((event_files.EVENTS / "env.json").read_text(encoding="utf-8"))["Parameters"]
    assert urlsplit(variables["AWS_ENDPOINT_URL"]).netloc in own_hosts(DEFAULT_PORT + 1)


def test_on_port_80_the_port_may_be_left_out_as_clients_do() -> None:
    assert {"localhost", "localhost:80"} <= own_hosts(80)
    assert "localhost" not in own_hosts(81)


@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "https://evil.example"),
        ("Origin", "http://127.0.0.1:3000"),
        ("Origin", "null"),
        ("Origin", ""),
        ("oRIGIN", "http://localhost"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Site", "none"),
        ("sec-fetch-SITE", ""),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ],
    ids=lambda header: "=".join(header),
)
def test_a_browser_is_refused_whatever_else_is_right(header: tuple[str, str], door: Watched) -> None:
    assert b"A browser sent this request" in door.refuses(good(door).adding(header)).body
    door.refuses(Sent("PUT", "/answer/secret", (("Host", f"127.0.0.1:{door.port}"), header)))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}0",
        "127.0.0.1.:{port}",
        "localhost.:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example:{port}",
        "evil.example:{port}@127.0.0.1:{port}",
        "127.0.0.1:{port}@evil.example",
        "127.1:{port}",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "[::ffff:127.0.0.1]:{port}",
        "2130706433:{port}",
        "127.0.0.1:0{port}",
        "dynamodb.us-east-1.amazonaws.com",
        "127.0.0.1:{port}, 127.0.0.1:{port}",
        "127.0.0.1:{port},evil.example",
        "127.0.0.1:{port}/",
        "http://127.0.0.1:{port}",
    ],
)
def test_any_other_host_is_refused_though_it_is_signed(host: str, door: Watched) -> None:
    host = host.format(port=door.port)
    # Signed with this name in it: the credentials are public, and a page can know them.
    assert b"not a name of this stack" in door.refuses(good(door, host=host)).body
    assert b"not a name of this stack" in door.refuses(good(door).setting("Host", host)).body
    door.refuses(Sent("PUT", "/answer/secret", (("Host", host),)))


def test_a_rebound_name_in_the_signature_changes_nothing(door: Watched) -> None:
    rebound = f"rebound.example:{door.port}"
    door.refuses(good(door, host=rebound))
    for claim in ("X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded", "X-HTTP-Host-Override", "Host_"):
        door.refuses(good(door, host=rebound).adding((claim, f"127.0.0.1:{door.port}")))


def test_a_refused_head_has_no_body_that_a_client_could_take_for_its_next_answer(door: Watched) -> None:
    rebound = Sent("HEAD", "/", (("Host", f"rebound.example:{door.port}"),))
    assert door.refuses(rebound).body == b""


def test_two_hosts_or_none_are_refused(door: Watched) -> None:
    own = f"127.0.0.1:{door.port}"
    door.refuses(good(door).adding(("Host", "evil.example")))
    door.refuses(good(door).adding(("hOsT", own)))
    door.refuses(good(door).without("Host"))


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/",
        "http://evil.example/",
        "HTTPS://dynamodb.us-east-1.amazonaws.com/",
        "//evil.example/",
        "//",
        "/?Action=Scan",
        "/?X-Amz-Signature=0",
        "/a//b",
        "/#",
        "*",
        "evil.example:80",
    ],
)
def test_a_target_that_is_more_than_a_path_is_refused(target: str, door: Watched) -> None:
    target = target.format(port=door.port)
    for method in ("POST", "OPTIONS"):
        answer = door.refuses(replace(good(door), target=target, method=method))
        assert b"is not a plain path" in answer.body


# -- signatures --------------------------------------------------------------------------------------------------------


def authorization(sent: Sent) -> str:
    return dict(sent.headers)["Authorization"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda sent: sent.without("Authorization"),
        lambda sent: sent.setting("Authorization", ""),
        lambda sent: sent.setting("Authorization", "Bearer x"),
        lambda sent: sent.setting("Authorization", "AWS local:c2lnbmF0dXJl"),
        lambda sent: sent.adding(("Authorization", authorization(sent))),
        lambda sent: sent.adding(("Authorization", "Bearer x")),
        lambda sent: sent.without("Authorization").adding(("Authori_zation", authorization(sent))),
        lambda sent: sent.setting("Authorization", authorization(sent).lower()),
        lambda sent: sent.setting("Authorization", authorization(sent)[:-64] + "0" * 64),
        lambda sent: sent.setting("Authorization", authorization(sent).replace("host;", "")),
        lambda sent: sent.setting("Authorization", authorization(sent).replace("/dynamodb/", "/kms/")),
        lambda sent: sent.setting("Authorization", authorization(sent).replace("/dynamodb/", "/DynamoDB/")),
        lambda sent: sent.setting("Authorization", authorization(sent) + ", Credential=local/20260101/x/kms/x"),
        lambda sent: sent.setting("Authorization", authorization(sent).replace("=local/", "=other/")),
        lambda sent: sent.setting("X-Amz-Date", "20010101T000000Z"),
        lambda sent: sent.without("X-Amz-Date"),
        lambda sent: sent.without("X-Amz-Date").adding(("X_Amz_Date", dict(sent.headers)["X-Amz-Date"])),
        lambda sent: sent.setting("X-Amz-Target", "DynamoDB_20120810.DeleteTable"),
        lambda sent: sent.adding(("X-Amz-Target", "DynamoDB_20120810.DeleteTable")),
        lambda sent: sent.adding(("X-Amz-Security-Token", "unsigned")),
        lambda sent: sent.adding(("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")),
        lambda sent: replace(sent, body=sent.body.replace(b"Users", b"Other")),
        lambda sent: replace(sent, body=b""),
        lambda sent: replace(sent, target="/2015-03-31/functions/x/invocations"),
        lambda sent: replace(sent, method="PUT"),
        lambda sent: replace(sent, method="OPTIONS"),
    ],
)
def test_a_call_that_the_stacks_credentials_did_not_sign_as_it_is_is_refused(spoil: Any, door: Watched) -> None:
    sent = good(door)
    assert spoil(sent) != sent
    answer = door.refuses(spoil(sent))
    assert b"Sign with AWS_ACCESS_KEY_ID=local" in answer.body
    door.refuses(spoil(sent), chunks=4)


@pytest.mark.parametrize("key", [("local", "other"), ("other", "local"), ("AKIAREAL", "real"), ("local", "")])
def test_no_other_credentials_sign(key: tuple[str, str], door: Watched) -> None:
    door.refuses(signed(door.port, "dynamodb", b"{}", key=key))


def test_a_payload_that_the_signature_leaves_out_is_refused(door: Watched) -> None:
    door.refuses(signed(door.port, "dynamodb", b"{}", headers={"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}))


@pytest.mark.parametrize("service", ["DynamoDB", "DYNAMODB", "dynamodb"])
def test_services_are_compared_without_case(service: str, door: Watched) -> None:
    assert send(door.port, signed(door.port, service, b"{}")).status == 200
    assert [name for name, _, _ in door.reached] == ["dynamodb"]


@pytest.mark.parametrize(
    "service",
    ["s3", "S3", "ec2", "iam", "sns", "sqs", "awslambda", "moto_api", "dynamodbstreams", "dynamodb_v20111205", "d"],
)
def test_a_service_that_valet_does_not_use_is_refused_though_it_is_signed(service: str, door: Watched) -> None:
    assert f"has no service {service}".encode() in door.refuses(signed(door.port, service, b"{}")).body


def test_the_target_of_another_service_does_not_choose_it(door: Watched) -> None:
    headers = {"X-Amz-Target": "TrentService.DisableKey"}
    assert send(door.port, signed(door.port, "dynamodb", b"{}", headers=headers)).status == 200
    assert [name for name, _, _ in door.reached] == ["dynamodb"]


def test_a_refusal_is_in_the_protocol_of_the_call_so_that_an_sdk_shows_it(stack: LocalStack) -> None:
    for service, operation in (("dynamodb", "list_tables"), ("sts", "get_caller_identity")):
        client: Any = boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=stack.aws_url,
            aws_access_key_id="AKIAREAL",
            aws_secret_access_key="real",
        )
        with pytest.raises(client.exceptions.ClientError, match="AWS_SECRET_ACCESS_KEY=local"):
            getattr(client, operation)()


# -- the stack itself --------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(stack: LocalStack) -> Guarded:
    return Guarded(stack)


def test_what_the_door_keeps_from_pages_is_there_to_be_read(guarded: Guarded) -> None:
    """Without this, the refusals below would show nothing."""
    answer = send(guarded.port, guarded.scan())
    assert answer.status == 200
    assert guarded.hash.encode() in answer.body
    assert "access-control-" not in answer.head.lower()


@pytest.mark.parametrize("header", [("Origin", "null"), ("Sec-Fetch-Site", "same-origin"), ("Host", "evil.example")])
def test_no_page_reads_password_hashes(header: tuple[str, str], guarded: Guarded) -> None:
    guarded.refuses(guarded.scan().setting(*header))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", None])
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_a_simple_request_of_a_page_does_not_drop_the_signing_key(
    method: str, content_type: str | None, guarded: Guarded
) -> None:
    """The hole that this door closes: the control plane took it from any page, unsigned."""
    path = "/2015-03-31/functions/valet-local-RotateKeysFunction/invocations"
    headers = (("Host", f"127.0.0.1:{guarded.port}"), *([("Content-Type", content_type)] if content_type else []))
    for event in (b'{"emergency": "current"}', b'{"rotate": "now"}'):
        guarded.refuses(Sent(method, path, headers, event))
        guarded.refuses(Sent(method, path.replace("valet", "%76alet", 1), headers, event))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2015-03-31/functions/valet-local-TokenFunction/configuration"),
        ("GET", "/v2/apis/local-demoapi/authorizers"),
        ("POST", "/"),
    ],
)
def test_the_control_plane_answers_no_unsigned_call(method: str, path: str, guarded: Guarded) -> None:
    host = ("Host", f"127.0.0.1:{guarded.port}")
    form = ("Content-Type", "application/x-www-form-urlencoded")
    answer = guarded.refuses(Sent(method, path, (host, form), b"Action=DescribeStacks&StackName=valet-local"))
    assert b"MissingAuthenticationToken" in answer.body
    forged = ("Authorization", "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/cloudformation/aws4_request")
    guarded.refuses(Sent(method, path, (host, form, forged), b"Action=DescribeStacks&StackName=valet-local"))


@pytest.mark.parametrize("service", ["cloudformation", "lambda", "apigateway", "CloudFormation", "LAMBDA"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/", b"Action=CreateStack&StackName=x&TemplateBody={}&Version=2010-05-15"),
        ("POST", "/2015-03-31/functions", b'{"FunctionName": "x", "Runtime": "python3.13", "Code": {"ZipFile": ""}}'),
        ("POST", "/2015-03-31/functions/x/invocations", b"{}"),
        ("POST", "/2015-03-31/functions/valet-local-TokenFunction/configuration", b"{}"),
        ("GET", "/2015-03-31/functions/valet-local-RotateKeysFunction/invocations", b'{"emergency": "current"}'),
        ("PUT", "/v2/apis/local-demoapi/authorizers", b"{}"),
    ],
)
def test_even_signed_the_control_plane_never_reaches_motos(
    service: str, method: str, path: str, body: bytes, guarded: Guarded
) -> None:
    """moto's CloudFormation and Lambda have Docker run an image."""
    guarded.refuses(signed(guarded.port, service, body, method=method, target=path))


@pytest.mark.parametrize("service", ["dynamodb", "kms", "logs", "sts"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", path) for path in ("/moto-api/reset", "/moto-api/", "/%6doto-api/reset", "/moto-api/seed?a=1")),
        *(("GET", path) for path in ("/moto-api/", "/moto-api/data.json", "/favicon.ico", "/latest/meta-data/x")),
        *(("PUT", path) for path in ("/bucket", "/s3_us-east-1/bucket", "/v20180820/x")),
        *((method, "/") for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")),
    ],
)
def test_of_motos_services_nothing_but_their_operations_is_reached(
    service: str, method: str, path: str, guarded: Guarded
) -> None:
    headers = {"X-Amz-Target": {"dynamodb": "DynamoDB_20120810.ListTables"}.get(service, "")}
    guarded.refuses(signed(guarded.port, service, b"{}", method=method, target=path, headers=headers))
    guarded.refuses(Sent(method, path, (("Host", f"127.0.0.1:{guarded.port}"),), b"{}"))


@pytest.mark.parametrize("service", ["s3", "iam", "ec2", "sns", "monitoring", "cognito-idp", "moto_api", "mOtO_aPi"])
def test_no_other_service_of_motos_is_reached(service: str, guarded: Guarded) -> None:
    for path in ("/", "/bucket", "/moto-api/reset", f"/{service}_us-east-1/x"):
        guarded.refuses(signed(guarded.port, service, b"Action=CreateTopic&Name=x", target=path))
        guarded.refuses(signed(guarded.port, service, b"", target=path, method="PUT"))


@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("dynamodb", "TrentService.DisableKey"),
        ("dynamodb", "DynamoDBStreams_20120810.ListStreams"),
        ("dynamodb", "DynamoDB_20111205.ListTables"),
        ("kms", "DynamoDB_20120810.Scan"),
        ("kms", ""),
        ("logs", "AWSCognitoIdentityProviderService.ListUserPools"),
    ],
)
def test_a_target_of_another_service_is_no_operation(service: str, target: str, guarded: Guarded) -> None:
    body = json.dumps({"TableName": guarded.stack.tables["Users"]}).encode()
    guarded.refuses(signed(guarded.port, service, body, headers={"X-Amz-Target": target}))


@pytest.mark.parametrize("action", ["AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "Scan", "CreateStack"])
def test_what_moto_takes_unsigned_is_refused_unsigned(action: str, guarded: Guarded) -> None:
    headers = (("Host", f"127.0.0.1:{guarded.port}"), ("Content-Type", "application/x-www-form-urlencoded"))
    guarded.refuses(Sent("POST", "/", headers, f"Action={action}&Version=2009-04-15".encode()))
    target = ("X-Amz-Target", "AWSCognitoIdentityProviderService.SignUp")
    guarded.refuses(Sent("POST", "/", (*headers, target), b"{}"))


def test_no_preflight_is_answered(guarded: Guarded) -> None:
    asked = (("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "authorization"))
    for headers in (asked, (*asked, ("Origin", "https://evil.example"))):
        guarded.refuses(Sent("OPTIONS", "/", (("Host", f"127.0.0.1:{guarded.port}"), *headers)))
        guarded.refuses(guarded.scan().adding(*asked).without("Content-Type"))


def test_a_websocket_is_not_opened(guarded: Guarded) -> None:
    upgrade = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"))
    guarded.refuses(Sent("GET", "/", (("Host", f"127.0.0.1:{guarded.port}"), *upgrade)))


def test_no_answer_to_a_custom_resource_is_taken_from_a_page_or_without_its_secret(guarded: Guarded) -> None:
    headers = (("Host", f"127.0.0.1:{guarded.port}"),)
    guarded.refuses(Sent("PUT", "/cloudformation-response/x", headers, b"{}"))
    guarded.refuses(Sent("PUT", "/cloudformation-response/", headers, b"{}"))
    guarded.refuses(Sent("PUT", "/cloudformation-response/../moto-api/reset", headers, b"{}"))


@pytest.mark.parametrize("account", ["X-Moto-Account-Id", "x-moto-account-id"])
def test_no_header_of_motos_own_leads_to_another_account(account: str, guarded: Guarded) -> None:
    body = json.dumps({"TableName": guarded.stack.tables["Users"]}).encode()
    target = {"X-Amz-Target": "DynamoDB_20120810.Scan", account: "111111111111", "User-Agent": "region/eu-west-1"}
    answer = send(guarded.port, signed(guarded.port, "dynamodb", body, headers=target))
    assert guarded.hash.encode() in answer.body


def test_the_main_port_has_no_control_plane_and_no_aws(guarded: Guarded) -> None:
    main = int(guarded.stack.url.rpartition(":")[2])
    before = guarded.state()
    for path in ("/2015-03-31/functions/valet-local-RotateKeysFunction/invocations", "/moto-api/reset", "/v2/apis/x"):
        assert send(main, signed(main, "lambda", b'{"emergency": "current"}', target=path)).status == 404
    answer = send(main, call(main, "dynamodb", "Scan", b"{}"))
    assert (answer.status, answer.body) == (302, b"")
    assert guarded.state() == before


def test_the_functions_sign_with_the_stacks_credentials_where_an_endpoint_is_named(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under sam local, which gives a container the developer's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real-token")
    seen: list[Attempt] = []
    send = OUTSIDE.send

    def watch(attempt: Attempt) -> Reply:
        seen.append(attempt)
        return send(attempt)

    monkeypatch.setattr(OUTSIDE, "send", watch)
    with guarded.stack.aws.recorded() as made:
        scanned = calls("dynamodb", guarded.stack.aws_url)("Scan", {"TableName": guarded.stack.tables["Users"]})
    assert scanned["Items"]
    assert made == []
    assert len(seen) == 1
    assert "AKIAREAL" not in str(seen)
    assert "real-token" not in str(seen)


def test_the_usual_client_libraries_get_no_further_than_a_refusal(guarded: Guarded) -> None:
    answer = httpx.post(guarded.stack.aws_url, json={"TableName": "x"})
    assert answer.json()["__type"] == "MissingAuthenticationTokenException"
