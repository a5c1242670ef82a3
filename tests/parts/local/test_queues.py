"""SQS as the local stack plays it, and a client on this machine that is told of a logout."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import boto3
import httpx
import jwt
import pytest
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.table import Table
from valet.fetch import FetchFailed
from valet.outbound import guarded

from local.aws.sqs import Message, Queue, Queues
from local.stack import LocalStack
from local.template import TemplateError
from tests.support.application import DemoApplications
from tests.support.browser import Browser
from tests.support.wire import over_http

URL, ARN = "https://sqs.us-east-1.amazonaws.com/123456789012/q", "arn:aws:sqs:us-east-1:123456789012:q"
DEAD = "arn:aws:sqs:us-east-1:123456789012:dead"


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def queues(time: Time) -> Queues:
    found = Queues(time)
    found.add(Queue("dead", DEAD))
    found.add(Queue(URL, ARN, visibility=60, most_receives=2, dead_letters=DEAD))
    return found


def call(queues: Queues, operation: str, url: str = URL, **parameters: Any) -> int:
    return queues.answer(operation, json.dumps({"QueueUrl": url, **parameters}).encode()).status


def test_a_message_is_hidden_while_it_is_read_and_comes_again_unless_it_is_deleted(queues: Queues, time: Time) -> None:
    assert call(queues, "SendMessage", MessageBody="{}") == 200
    found = queues.receive(ARN)
    assert found is not None
    assert (found.body, found.receives, found.sent_at) == ("{}", 1, 1000.0)
    assert queues.receive(ARN) is None
    assert queues.next_due(ARN) == 1060.0
    time.now += 60
    again = queues.receive(ARN)
    assert again is found
    assert again.receives == 2
    queues.delete(ARN, again)
    assert queues.next_due(ARN) is None


def test_a_message_that_came_too_often_is_a_dead_letter(queues: Queues, time: Time) -> None:
    call(queues, "SendMessage", MessageBody="{}")
    for _ in range(2):
        assert queues.receive(ARN) is not None
        time.now += 60
    assert queues.receive(ARN) is None
    (letter,) = queues.named(DEAD).messages
    assert (letter.body, letter.sent_at) == ("{}", 1000.0)


def test_a_delay_and_a_visibility_are_kept(queues: Queues, time: Time) -> None:
    call(queues, "SendMessage", MessageBody="later", DelaySeconds=30)
    assert queues.receive(ARN) is None
    time.now += 30
    found = queues.receive(ARN)
    assert found is not None
    handle = found.receipt_handle
    assert call(queues, "ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=600) == 200
    assert queues.next_due(ARN) == time.now + 600


def test_copies_arrive_on_request(queues: Queues) -> None:
    queues.copies = 2
    call(queues, "SendMessage", MessageBody="{}")
    found = [queues.receive(ARN), queues.receive(ARN), queues.receive(ARN)]
    assert [isinstance(each, Message) for each in found] == [True, True, False]


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("SendMessage", {"MessageBody": ""}),
        ("SendMessage", {"MessageBody": "x" * 262_145}),
        ("SendMessage", {"MessageBody": "x", "DelaySeconds": 901}),
        ("SendMessage", {"MessageBody": "x", "url": "https://sqs.us-east-1.amazonaws.com/123456789012/other"}),
        ("ChangeMessageVisibility", {"ReceiptHandle": "unknown", "VisibilityTimeout": 1}),
        ("PurgeQueue", {}),
    ],
)
def test_what_sqs_refuses_is_refused_here(queues: Queues, operation: str, parameters: dict[str, Any]) -> None:
    assert call(queues, operation, **parameters) == 400
    assert queues.receive(ARN) is None


def test_a_visibility_beyond_twelve_hours_is_refused(queues: Queues) -> None:
    call(queues, "SendMessage", MessageBody="{}")
    found = queues.receive(ARN)
    assert found is not None
    for seconds in (-1, 43_201):
        handle = found.receipt_handle
        assert call(queues, "ChangeMessageVisibility", ReceiptHandle=handle, VisibilityTimeout=seconds) == 400


# -- the stack ---------------------------------------------------------------------------------------------------------


def test_the_template_says_how_the_queues_are(stack: LocalStack) -> None:
    arn = "arn:aws:sqs:us-east-1:123456789012:valet-local-"
    found = stack.aws.queues.named(f"{arn}LogoutTokens")
    assert (found.visibility, found.most_receives, found.dead_letters) == (60, 30, f"{arn}DeadLetters")
    assert stack.aws.queues.named(f"{arn}SignOuts").most_receives == 10


def test_the_command_line_sends_over_http_what_the_functions_read(fresh_stack: LocalStack) -> None:
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    sqs: Any = session.client("sqs", endpoint_url=fresh_stack.aws_url)
    url = "https://sqs.us-east-1.amazonaws.com/123456789012/valet-local-SignOuts"
    sqs.send_message(QueueUrl=url, MessageBody='{"sub":"demo-john","issuer":"x","revoked_for":"logout","look":2}')
    assert fresh_stack.delivery.deliver() == 1
    assert fresh_stack.delivery.next_due() is None


class _Listener(BaseHTTPRequestHandler):
    """A client's server: it keeps what it is told."""

    told: list[str]
    status = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.told.append(parse_qs(body)["logout_token"][0])
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *values: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """The address of a client's server on this machine, and the logout tokens that arrive there."""
    told: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Listener", (_Listener,), {"told": told}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/logged-out?of=app", told
    server.shutdown()
    server.server_close()


def test_make_run_logs_out_of_another_server_on_this_machine(
    fresh_stack: LocalStack, listener: tuple[str, list[str]]
) -> None:
    from valet.server import SERVER

    address, told = listener
    registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
    web_app = DynamoRegistry(registry, SERVER.clock).find_client("web_app_123")
    assert web_app is not None
    from valet.frozen import replace

    Registrar(registry).put_client(replace(web_app, backchannel_logout_uri=address))
    app = DemoApplications(over_http, fresh_stack.issuer).web_app
    browser, asked = Browser(over_http, fresh_stack.issuer), app.ask(scope="openid items")
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    tokens = app.redeem(code, asked.code_verifier).json()
    browser.get(f"/logout?id_token_hint={tokens['id_token']}")
    fresh_stack.delivery.deliver()
    (token,) = told
    keys = httpx.get(f"{fresh_stack.url}/.well-known/jwks.json").json()["keys"]
    key = next(each for each in keys if each["kid"] == jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(token, jwt.PyJWK(key), ["RS256"], audience="web_app_123", issuer=fresh_stack.issuer)
    assert claims["sub"] == "demo-john"
    metadata = httpx.get(f"{fresh_stack.url}/.well-known/openid-configuration").json()
    assert metadata["backchannel_logout_supported"] is metadata["backchannel_logout_session_supported"] is True


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/", "http://localhost:9/x", "http://127.0.0.2:9/x", "https://127.0.0.1/x"]
)
def test_here_too_nothing_but_127_0_0_1_is_reached_by_plain_http(stack: LocalStack, url: str) -> None:
    with pytest.raises(FetchFailed):
        guarded.post(url, {"logout_token": "x"}, timeout=1.0)


@pytest.mark.parametrize("form", [None, {"code": "a b"}])
def test_a_provider_on_this_machine_is_asked_and_its_answer_read(
    stack: LocalStack, form: dict[str, str] | None
) -> None:
    asked: list[str] = []

    class Provider(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked.append(f"{self.command} {self.path} {self.headers['X-Test']} {body}".strip())
            self.send_response(400)
            self.end_headers()
            self.wfile.write(b'{"error": "x"}')

        do_POST = do_GET  # noqa: N815  the server's word

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/token?a=b"
        answer = guarded.ask(url, form=form, headers={"X-Test": "yes"}, limit=1000, timeout=1.0)
        server.shutdown()
    assert (answer.status, answer.body) == (400, b'{"error": "x"}')
    assert asked == ["GET /token?a=b yes" if form is None else "POST /token?a=b yes code=a+b"]


def test_a_server_that_does_not_listen_is_a_failure(stack: LocalStack) -> None:
    with pytest.raises(FetchFailed, match="Refused"):
        guarded.post("http://127.0.0.1:9/x", {"logout_token": "x"}, timeout=1.0)


def test_a_mapping_that_the_local_stack_would_read_in_another_way_is_refused() -> None:
    from local.queues import readers_from_template
    from local.system import System
    from local.template import Template

    properties = {"EventSourceArn": ARN, "FunctionName": "f", "BatchSize": 10}
    document = {"Resources": {"Many": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}}}
    with pytest.raises(TemplateError, match="batches of one message"):
        readers_from_template(Template(document, {}, {}, None), System())  # type: ignore[arg-type]
