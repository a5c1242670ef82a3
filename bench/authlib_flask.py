"""Authlib's authorization server in Flask, a framework that Authlib documents; stores in memory."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from flask import Flask, Response

from bench.authlib_in_memory import Stores, new_stores, register


def new_app() -> tuple[Flask, Stores]:
    """The application, and its tables."""
    stores = new_stores()
    app = Flask("bench")
    server = AuthorizationServer(app, query_client=stores.query_client, save_token=stores.save_token)
    register(server, stores)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/introspect")
    def introspect() -> Any:
        return server.create_endpoint_response("introspection")

    @app.post("/bench/codes/<int:many>")
    def codes(many: int) -> Response:
        return Response(json.dumps([stores.issue() for _ in range(many)]))

    return app, stores


def wsgi_request(path: str, authorization: str, form: str) -> dict[str, Any]:
    """The environment that a WSGI server passes to the application."""
    body = form.encode()
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "id.example.com",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "id.example.com",
        "HTTP_AUTHORIZATION": authorization,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def answer_of(app: Flask, request: dict[str, Any]) -> bytes:
    """The body of the answer, which has to be a success."""
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Any:
        statuses.append(status)

    body = b"".join(app(request, start_response))
    assert statuses[0].startswith("200"), (statuses, body)
    return body
