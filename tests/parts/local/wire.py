"""Requests byte for byte, signed by botocore's own signer: an attacker may write what no client library would."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TARGETS = {"dynamodb": "DynamoDB_20120810", "kms": "TrentService", "logs": "Logs_20140328"}


@dataclass(frozen=True)
class Sent:
    """One request, as it goes over the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def adding(self, *headers: tuple[str, str]) -> Sent:
        return replace(self, headers=(*self.headers, *headers))

    def without(self, name: str) -> Sent:
        return replace(self, headers=tuple(each for each in self.headers if each[0].lower() != name.lower()))

    def setting(self, name: str, value: str) -> Sent:
        """The header's value in its place, or at the end if it was missing."""
        if name.lower() not in (each.lower() for each, _ in self.headers):
            return self.adding((name, value))
        return replace(
            self,
            headers=tuple((each, value if each.lower() == name.lower() else old) for each, old in self.headers),
        )


@dataclass(frozen=True)
class Received:
    """What came back."""

    status: int
    head: str
    body: bytes = field(repr=False)


def signed(
    port: int,
    service: str,
    body: bytes = b"",
    *,
    method: str = "POST",
    target: str = "/",
    host: str | None = None,
    region: str = "us-east-1",
    key: tuple[str, str] = ("local", "local"),
    headers: Mapping[str, str] | None = None,
) -> Sent:
    """A request that botocore signs."""
    host = host or f"127.0.0.1:{port}"
    request = AWSRequest(method, f"http://127.0.0.1{target}", {"Host": host, **(headers or {})}, body)
    SigV4Auth(Credentials(*key), service, region).add_auth(request)
    return Sent(method, target, tuple(request.headers.items()), body)


def call(port: int, service: str, operation: str, body: bytes = b"{}", **more: str) -> Sent:
    """A call to an operation of a service that speaks JSON."""
    headers = {"X-Amz-Target": f"{TARGETS[service]}.{operation}", "Content-Type": "application/x-amz-json-1.0"}
    return signed(port, service, body, headers=headers, **more)  # type: ignore[arg-type]


def send(port: int, sent: Sent, chunks: int = 0) -> Received:
    """The answer; the body goes in chunks of that size, if one is given."""
    sent = sent.setting("Connection", "close")
    if chunks:
        sent = sent.setting("Transfer-Encoding", "chunked")
        pieces = [sent.body[at : at + chunks] for at in range(0, len(sent.body), chunks)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    else:
        body = sent.body
        if "content-length" not in (name.lower() for name, _ in sent.headers):
            sent = sent.setting("Content-Length", str(len(body)))
    lines = [f"{sent.method} {sent.target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers)]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, content = answer.partition(b"\r\n\r\n")
    return Received(int(head.split(b" ")[1]), head.decode("latin-1"), content)
