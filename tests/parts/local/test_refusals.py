"""The terminal says why a request was refused, also in a redirect, and never shows a code or a token."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from local.console import Console
from local.function_logs import FunctionLogs
from local.gateway.gateway import Served
from local.gateway.http_events import HttpRequest, HttpResponse
from local.refusals import refusal, unasked

WHY = "The scope admin is not registered for this client."
SAID = f"invalid_scope: {WHY}"


def response(status: int, headers: dict[str, str], body: str = "") -> HttpResponse:
    return HttpResponse(status, tuple(headers.items()), body.encode())


REDIRECT = response(
    303,
    {"Location": "https://app.example.com/cb?" + urlencode({"error": "invalid_scope", "error_description": WHY})},
)
JSON = response(400, {"Content-Type": "application/json"}, f'{{"error":"invalid_scope","error_description":"{WHY}"}}')
FORM_POST = response(
    200,
    {"content-type": "text/html; charset=utf-8"},
    f'<input type="hidden" name="error" value="invalid_scope">\n<input type="hidden" name="state" value="opensesame">'
    f'\n<input type="hidden" name="error_description" value="{WHY}">',
)
CHALLENGE = response(403, {"WWW-Authenticate": f'Bearer error="invalid_scope", error_description="{WHY}"'})


@pytest.mark.parametrize("answer", [REDIRECT, JSON, FORM_POST, CHALLENGE])
def test_my_sign_in_fails_and_the_terminal_says_why_however_the_client_was_told(answer: HttpResponse) -> None:
    """Was: a redirect with an error looked like every other redirect."""
    assert refusal(answer) == SAID


@pytest.mark.parametrize(
    "answer",
    [
        response(303, {"location": "https://app.example.com/cb?code=opensesame&state=s"}),
        response(303, {"location": "https://[broken?error=x"}),
        response(200, {"content-type": "application/json"}, '{"access_token":"opensesame","error":"no"}'),
        response(400, {"content-type": "application/json"}, '{"error"'),
        response(400, {"content-type": "application/json"}, '{"error":["x"]}'),
        response(401, {"www-authenticate": 'Basic realm="valet"'}),
        response(400, {"content-type": "text/html"}, "<p>error</p>"),
        response(204, {}),
    ],
)
def test_an_answer_without_a_refusal_says_nothing(answer: HttpResponse) -> None:
    assert refusal(answer) == ""


def test_a_refusal_cannot_end_the_line_or_move_the_cursor_and_is_cut() -> None:
    hostile = urlencode({"error": "x", "error_description": "\x1b[2J\r\n\u202eforged" + "y" * 5000})
    said = refusal(response(303, {"location": f"https://app.example.com/?{hostile}"}))
    assert said.isprintable()
    assert len(said) <= 700


def gateways(status: int, message: str) -> HttpResponse:
    return response(status, {"content-type": "application/json"}, f'{{"message":"{message}"}}')


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (gateways(401, "Unauthorized"), "the request has no token, so the authorizer is not asked"),
        (gateways(404, "Not Found"), "no route has this method and path"),
        (gateways(403, "Missing Authentication Token"), "no route has this method and path"),
        (gateways(403, "Forbidden"), "the path does not begin with the API's stage"),
    ],
)
def test_the_terminal_explains_what_api_gateway_answers_by_itself(
    answer: HttpResponse, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Was: a line with the status alone, and a REST API that asks for a token on a path that it does not have."""
    request = HttpRequest("GET", "/orders", {}, b"", "127.0.0.1")
    Console(FunctionLogs()).served(Served(request, answer, None, 0.001))
    assert f"    API Gateway: {why}" in capsys.readouterr().out
    Console(FunctionLogs()).served(Served(request, answer, "OrdersFunction", 0.001))
    assert "API Gateway" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer", [gateways(503, "Service Unavailable"), response(404, {}, "Not Found"), response(401, {}, "[1]")]
)
def test_an_answer_that_api_gateway_does_not_give_by_itself_is_not_explained(answer: HttpResponse) -> None:
    assert unasked(answer) == ""


def test_the_console_prints_the_refusal_below_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    request = HttpRequest("GET", "/authorize?client_id=opensesame", {}, b"", "127.0.0.1")
    Console(FunctionLogs()).served(Served(request, REDIRECT, "AuthorizeFunction", 0.001))
    first, second = capsys.readouterr().out.splitlines()
    assert "303 GET /authorize" in first
    assert second.strip() == SAID
    assert "opensesame" not in first + second
