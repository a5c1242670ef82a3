"""Run by test_python_page: asks the page's three APIs by their frameworks' own test clients, and prints the answers."""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import httpx

Ask = Callable[[str, str, dict[str, str]], tuple[int, Any, str]]


def fastapi_ask(app: Any) -> Ask:
    def ask(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any, str]:
        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="https://api.example.com") as client:
                return await client.request(method, path, headers=headers)

        answer = asyncio.run(sent())
        return answer.status_code, answer.headers, answer.text

    return ask


def flask_ask(app: Any) -> Ask:
    def ask(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any, str]:
        answer = app.test_client().open(path, method=method, headers=headers)
        return answer.status_code, answer.headers, answer.text

    return ask


def lambda_ask(handler: Any) -> Ask:
    def ask(method: str, path: str, headers: dict[str, str]) -> tuple[int, Any, str]:
        event = {"version": "2.0", "rawPath": path, "requestContext": {"http": {"method": method, "path": path}}}
        answer = handler({**event, "headers": {name.lower(): value for name, value in headers.items()}}, None)
        return answer["statusCode"], answer.get("headers", {}), answer.get("body", "")

    return ask


def main() -> None:
    given = json.load(sys.stdin)
    issuer = os.environ["ISSUER"]
    asks: dict[str, Ask] = {
        "fastapi_api": fastapi_ask(import_module("fastapi_api").app),
        "flask_api": flask_ask(import_module("flask_api").app),
        "lambda_api": lambda_ask(import_module("lambda_api").handler),
    }
    requests = {
        "without token": ("GET", "/items", None),
        "bad": ("GET", "/items", given["good"][:-8] + "AAAAAAAA"),
        "too little scope": ("GET", "/items", given["too little scope"]),
        "no admin": ("DELETE", "/items/1", given["good"]),
        "good": ("GET", "/items", given["good"]),
        "admin": ("DELETE", "/items/1", given["admin"]),
    }

    def answer(ask: Ask, name: str) -> dict[str, Any]:
        method, path, token = requests[name]
        status, headers, body = ask(method, path, {"Authorization": f"Bearer {token}"} if token else {})
        return {"status": status, "challenge": headers.get("WWW-Authenticate"), "body": body}

    told: dict[str, Any] = {api: {name: answer(ask, name) for name in requests} for api, ask in asks.items()}

    httpx.post(f"{issuer}/revoke", data={"token": given["good"]}, auth=tuple(given["secret"])).raise_for_status()
    revoked_at = time.monotonic()
    waiting = set(asks)
    while waiting and time.monotonic() - revoked_at < 10:
        for api in sorted(waiting):
            found = answer(asks[api], "good")
            told[api]["revoked"] = {**found, "after": time.monotonic() - revoked_at}
            if found["status"] != 200:
                waiting.remove(api)
        time.sleep(0.05)
    claims = given["good"].split(".")[1]
    told["sub"] = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
    told["audience"] = os.environ["AUDIENCE"]
    told["modules_of_valet"] = [name for name in sys.modules if name.partition(".")[0] == "valet"]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
