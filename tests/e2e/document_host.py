"""A server on this machine with the document by which a client names itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.parts.aws.certificates import Authority
from tests.parts.outbound.internet import Server, page


@dataclass
class Host:
    """At https://localhost, by a certificate of an authority that the functions of this process trust."""

    server: Server

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.port}/client.json"

    def publish(self, **members: object) -> None:
        body = json.dumps({"client_id": self.url, **members}).encode()
        self.server._behaviour = page(body, "200 OK", "Content-Type: application/json")


@contextmanager
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    authority = Authority(folder, "everybodys")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    found = Host(Server(authority.server("localhost"), page(b"{}")))
    try:
        yield found
    finally:
        found.server.stop()
