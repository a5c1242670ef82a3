"""The authorizer tests' fake issuer, served over HTTP on this machine, for verifiers in other languages."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

from valet.fetch import Fetched, FetchFailed

from tests.parts.authorizer.issuer import FakeClock, FakeIssuer


class IssuerOnLoopback:
    """`double` is the fake issuer, whose fields a test changes; its tokens and lists name this server's address."""

    def __init__(self) -> None:
        clock = FakeClock()
        clock.wall = time.time()
        double = self.double = FakeIssuer(clock)

        def served(path: str) -> Fetched:
            fetched = double.fetch(path, etag=None, limit=0, timeout=0)
            # A list names itself by its whole address.
            is_list = path.startswith("/status-lists/") and fetched.status == 200
            return fetched._replace(body=double.status_list(f"{url}{path}").encode()) if is_list else fetched

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    fetched = served(self.path)
                except FetchFailed:
                    self.send_error(500)
                    return
                self.send_response(fetched.status)
                self.send_header("Content-Length", str(len(fetched.body)))
                self.end_headers()
                self.wfile.write(fetched.body)

            def log_message(self, *_: object) -> None:
                """Stay silent: what was asked for, the double counts."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        url = self.url = f"http://127.0.0.1:{self._server.server_port}"
        double.list_claims["iss"] = url

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, header: Mapping[str, object] | None = None, **changed: object) -> str:
        """An access token of this issuer; a status' `uri` may say {url} for its address."""
        reference = {"status_list": {"idx": 7, "uri": "{url}/status-lists/1"}}
        claims = self.double.claims(**{"iss": self.url, "status": reference, **changed})
        match claims.get("status"):
            case {"status_list": {"uri": str(uri), "idx": place}}:
                claims["status"] = {"status_list": {"idx": place, "uri": uri.replace("{url}", self.url)}}
        return self.double.sign(claims, header)

    def asked_for(self) -> dict[str, int]:
        """How often each path was asked for."""
        return dict(self.double.fetches)
