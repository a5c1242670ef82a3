"""An AWS that answers at once: a process of its own with the answers that emulated AWS gave to the same calls before.

So the caller's own work alone is measured. This AWS speaks plain HTTP on 127.0.0.1, or HTTPS if it has a certificate.
"""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def name_of(operation: str, parameters: Mapping[str, Any]) -> str:
    """The name of a recorded answer: the operation, and the keys in its parameters."""
    if operation == "Query":
        keys = [value["S"] for value in parameters["ExpressionAttributeValues"].values() if "S" in value]
    elif "KeyId" in parameters:
        keys = [parameters["KeyId"]]
    else:
        key = parameters.get("Key") or parameters["Item"]
        keys = [key["pk"]["S"], key["sk"]["S"]]
    return " ".join((operation, *keys))


@contextmanager
def answering(answers: Mapping[str, str], certificate: Path | None = None) -> Iterator[str]:
    """The address of an AWS that answers each call with the body that `answers` has by the call's name."""
    server = subprocess.Popen(
        [sys.executable, __file__, *([certificate] if certificate else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(answers) + "\n")
        server.stdin.flush()
        yield f"http{'s' if certificate else ''}://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.terminate()
        server.communicate(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: Mapping[str, str]

    def do_POST(self) -> None:
        parameters = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.answers.get(name_of(self.headers["X-Amz-Target"].rpartition(".")[2], parameters))
        status, body = (b"200 OK", answer.encode()) if answer is not None else (b"400 Bad Request", b"{}")
        head = b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.wfile.write(b"HTTP/1.1 %b\r\n%b%b" % (status, head, body))


def _serve(certificate: str | None) -> None:
    _Handler.answers = json.loads(sys.stdin.readline())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve(sys.argv[1] if sys.argv[1:] else None)
