"""A thief who overhears the requests of a program before they arrive, and tries what they are worth."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from local.stack import LocalStack
from tests.support.dpop_client import DpopClient
from tests.support.wire import over_http


class Overheard(NamedTuple):
    """A request that a program is about to send."""

    method: str
    url: str
    headers: Mapping[str, str]  # names in lower case

    @property
    def stolen(self) -> dict[str, str]:
        """What of it makes a request of one's own."""
        return {name: self.headers[name] for name in ("authorization", "dpop")}

    @property
    def token(self) -> str:
        return self.headers["authorization"].removeprefix("DPoP ")


class Thief:
    """Listens at `url` for the requests that programs tell it of, and answers when it has tried them.

    `statuses`: what each try was answered, by the path of the overheard request and by what was tried.
    """

    def __init__(self, stack: LocalStack) -> None:
        thief, self.overheard = self, list[Overheard]()
        self.statuses: dict[str, dict[str, int]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = Overheard(**json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                thief.overheard.append(request)
                path = request.url.removeprefix(stack.issuer)
                thief.statuses[path] = tried(request, stack)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def replays(self) -> list[int]:
        """What each request that was overheard is answered when it is sent again."""
        return [over_http(each.method, each.url, each.stolen).status for each in self.overheard]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def tried(request: Overheard, stack: LocalStack) -> dict[str, int]:
    """Try a request of which neither half has arrived yet, so that no refusal is one of a replay."""
    own = DpopClient().proof(request.method, request.url, token=request.token, iat=int(time.time()))
    other_method = "DELETE" if request.url.startswith(stack.audience) else "POST"
    other_path = f"{stack.audience}/profile"
    return {
        name: over_http(method, url, headers).status
        for name, method, url, headers in (
            ("as Bearer", request.method, request.url, {"authorization": f"Bearer {request.token}"}),
            (
                "as Bearer with its proof",
                request.method,
                request.url,
                {**request.stolen, "authorization": f"Bearer {request.token}"},
            ),
            ("without a proof", request.method, request.url, {"authorization": request.headers["authorization"]}),
            ("with another key", request.method, request.url, {**request.stolen, "dpop": own}),
            ("with another method", other_method, request.url, request.stolen),
            ("at another path", "GET", other_path, request.stolen),
        )
    }
