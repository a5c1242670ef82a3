"""A client's own web server, as far as a browser sees it: it answers, and remembers what it was asked."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
}


@dataclass(frozen=True)
class Posted:
    """A form that a browser posted."""

    path: str
    headers: Mapping[str, str]  # names in lower case
    form: Mapping[str, str]


class Landing:
    """Serves `files` by path, redirects as `redirects` say, and answers "arrived" to everything else, on a free port of
    127.0.0.1 until closed.
    """

    def __init__(self, files: Mapping[str, Path | str] | None = None, *, certificate: ssl.SSLContext | None = None):
        self.files = dict(files or {})
        self.redirects: dict[str, str] = {}  # path: location
        self.requests: list[str] = []  # what was asked for by GET
        self.posted: list[Posted] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if certificate is not None:
            self._server.socket = certificate.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self) -> dict[str, str]:
        """The parameters of the last authorization response that arrived here."""
        answers = [dict(parse_qsl(urlsplit(path).query)) for path in self.requests if "favicon" not in path]
        return answers[-1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        landing = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                landing.requests.append(self.path)
                self._answer()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                landing.posted.append(Posted(self.path, headers, dict(parse_qsl(body, keep_blank_values=True))))
                self._answer()

            def _answer(self) -> None:
                path = urlsplit(self.path).path
                if path in landing.redirects:
                    self.send_response(303)
                    self.send_header("Location", landing.redirects[path])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                found = landing.files.get(path, "arrived")
                body = found.read_bytes() if isinstance(found, Path) else found.encode()
                suffix = found.suffix if isinstance(found, Path) else ".html"
                self.send_response(200)
                self.send_header("Content-Type", _TYPES[suffix])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def self_signed(host: str, folder: Path) -> ssl.SSLContext:
    """A certificate for `host` that nobody vouches for; its files lie in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def wait_until_known(issuer: str, origin: str) -> None:
    """Wait until preflights of `origin` pass: the union of origins that answers them is up to ten seconds old."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for _ in range(60):
        if "access-control-allow-origin" in httpx.options(f"{issuer}/token", headers=headers).headers:
            return
        time.sleep(0.25)
    pytest.fail("the registered origin never became known")
