"""The example of a device outlasts what networks and gateways do while a person thinks (RFC 8628 §3.5)."""

from __future__ import annotations

import json
import runpy
import time
from email.message import Message
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "device_client.py"
_METADATA = {f"{name}_endpoint": f"https://id.example/{name}" for name in ("device_authorization", "token", "userinfo")}
_ASKED = {"verification_uri": "https://id.example/device", "user_code": "WDJB-MJHT", "device_code": "x", "interval": 5}


def refused(status: int, body: str) -> HTTPError:
    return HTTPError("https://id.example/token", status, "", Message(), BytesIO(body.encode()))


@pytest.mark.parametrize(
    "happened",
    [
        URLError("no route to host"),
        TimeoutError("timed out"),
        ConnectionResetError(),
        refused(429, '{"message":"Too Many Requests"}'),
        refused(503, '{"message":"Service Unavailable"}'),
        refused(502, "<html>"),
        refused(503, '{"error":"temporarily_unavailable","error_description":"Later."}'),
        refused(400, '{"error":"slow_down","error_description":"Slower."}'),
    ],
    ids=repr,
)
def test_it_goes_on_more_slowly_where_no_answer_came(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], happened: OSError
) -> None:
    waited: list[float] = []
    answers = [_METADATA, _ASKED, happened, {"access_token": "y"}, {"preferred_username": "john"}]

    def urlopen(*_request: object, **_how: object) -> BytesIO:
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return BytesIO(json.dumps(answer).encode())

    monkeypatch.setattr(time, "sleep", waited.append)
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    runpy.run_path(str(EXAMPLE))["main"]("https://id.example", "tv_demo")
    assert capsys.readouterr().out.endswith("Signed in as john\n")
    assert waited == [5, 10]
