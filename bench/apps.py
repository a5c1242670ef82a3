"""The applications of the whole-server comparison, for a WSGI server: Valet's handlers, and Authlib in Flask.

In front of Valet's handlers is the smallest code that turns requests into API Gateway's events, and answers into
responses.
"""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any

from bench.authlib_flask import new_app
from bench.valet_in_memory import ValetInMemory, event, handler

StartResponse = Callable[[str, list[tuple[str, str]]], Any]

_HANDLED = {"/token": ("token", "token/client_credentials"), "/introspect": ("introspect", "introspect/unknown_token")}


def valet() -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """Valet as one process: stores and key in memory, and the log is thrown away."""
    deployment = ValetInMemory()
    handlers = {path: (handler(name), file) for path, (name, file) in _HANDLED.items()}

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        if path.startswith("/bench/codes/"):
            issued = json.dumps([deployment.issue(number=0) for _ in range(int(path.rpartition("/")[2]))]).encode()
            start_response("200 OK", [("Content-Length", str(len(issued)))])
            return [issued]
        answer_to, file = handlers[path]
        made = event(file, "", "")
        made["headers"]["authorization"] = environ["HTTP_AUTHORIZATION"]
        made["body"] = base64.b64encode(body).decode()
        answer = answer_to(made, None)
        deployment.forget_log()
        encoded = answer["body"].encode()
        headers = [*answer["headers"].items(), ("Content-Length", str(len(encoded)))]
        start_response(f"{answer['statusCode']} -", headers)
        return [encoded]

    return app


def authlib() -> Any:
    """Authlib in Flask."""
    return new_app()[0]
