"""The one door of the AWS port: it decides which requests are admitted, and which service answers.

The port listens on a loopback address, and every page in the developer's browser can send requests there: from its own
origin, or from a name that an attacker makes resolve to 127.0.0.1 (DNS rebinding). So the door refuses browsers, every
host name but the stack's own, and every request that the stack's own credentials did not sign. The signature's scope
names the service, and the door hands the request to that service: nothing behind the door looks for a service again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from local.aws.signature import ACCESS_KEY_ID, SECRET_ACCESS_KEY, is_signed, parse_authorization

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]  # WSGI

# The names by which the stack's clients call this machine: the command line, and functions in Docker's containers.
_NAMES = ("127.0.0.1", "localhost", "host.docker.internal")
_HTTP_PORT = 80  # which clients leave out of Host


class Refused(Exception):
    """The request goes no further. `code` is the error's name, as AWS has it."""

    def __init__(self, code: str, message: str, status: int = 403) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def own_hosts(port: int) -> frozenset[str]:
    """The values that Host may have, in lower case."""
    return frozenset(f"{name}:{port}" for name in _NAMES) | frozenset(_NAMES if port == _HTTP_PORT else ())


class Door:
    """A WSGI application in front of `services`, which are keyed by their names in a signature's scope.

    The applications in `unsigned`, keyed by a prefix of their paths, need no signature: each of their addresses is a
    secret.
    """

    def __init__(
        self, port: int, services: Mapping[str, Application], unsigned: Mapping[str, Application] | None = None
    ) -> None:
        self._hosts = own_hosts(port)
        self._services = services
        self._unsigned = unsigned or {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            answer = self._admit(environ)
        except Refused as refused:
            return _refuse(refused, environ, start_response)
        return answer(environ, start_response)

    def _admit(self, environ: dict[str, Any]) -> Application:
        _refuse_browsers(environ)
        _refuse_other_hosts(environ, self._hosts)
        path = _path(environ)
        for prefix, application in self._unsigned.items():
            if path.startswith(prefix):
                return application
        return _of_service(_signed_service(environ, path), self._services)


def _refuse_browsers(environ: Mapping[str, Any]) -> None:
    # A page can neither omit nor change these (Fetch, "forbidden request-header"). No client of the stack sends them.
    if "HTTP_ORIGIN" in environ or any(name.startswith("HTTP_SEC_") for name in environ):
        raise Refused(
            "AccessDeniedException", "A browser sent this request. Call the emulated AWS from a program instead."
        )


def _refuse_other_hosts(environ: Mapping[str, Any], hosts: frozenset[str]) -> None:
    # Host is the name that the client resolved. After DNS rebinding it is the attacker's name.
    if environ.get("HTTP_HOST", "").lower() not in hosts:
        known = ", ".join(sorted(hosts))
        raise Refused(
            "AccessDeniedException",
            f"Host is {environ.get('HTTP_HOST', '')!r}, which is not a name of this stack. Use one of: {known}.",
        )


def _path(environ: Mapping[str, Any]) -> str:
    """The path exactly as sent. The signature covers this spelling, so no other spelling may reach one path."""
    target: str = environ["REQUEST_URI"]
    path, _, query = target.partition("?")
    # An absolute target would name another host than Host does (RFC 9112 §3.2.2). No call of Valet's has a query.
    if not path.startswith("/") or "//" in path or "#" in path or query:
        raise Refused(
            "ValidationException", f"The request target {target!r} is not a plain path. Drop host and query.", 400
        )
    return path


def _signed_service(environ: dict[str, Any], path: str) -> str:
    """The service that the request is signed for. Reads the body, and puts it back."""
    authorization = parse_authorization(environ.get("HTTP_AUTHORIZATION", ""))
    if authorization is None:
        raise Refused("MissingAuthenticationTokenException", f"The request is not signed. {_HOW_TO_SIGN}")
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    if not is_signed(authorization, environ["REQUEST_METHOD"], path, _headers(environ), body):
        raise Refused(
            "InvalidSignatureException", f"The stack's own credentials did not sign this request. {_HOW_TO_SIGN}"
        )
    return authorization.service


def _of_service(service: str, services: Mapping[str, Application]) -> Application:
    application = services.get(service.lower())
    if application is None:
        known = ", ".join(sorted(services))
        raise Refused("AccessDeniedException", f"The emulated AWS has no service {service}. It has: {known}.")
    return application


_HOW_TO_SIGN = f"Sign with AWS_ACCESS_KEY_ID={ACCESS_KEY_ID} and AWS_SECRET_ACCESS_KEY={SECRET_ACCESS_KEY}."


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    named = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
    named |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if name in environ}
    return {name.replace("_", "-").lower(): str(value) for name, value in named.items()}


def _refuse(refused: Refused, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
    """An error in the protocol of the request, so that an SDK shows its message."""
    is_query = environ.get("CONTENT_TYPE", "").lower().startswith("application/x-www-form-urlencoded")
    if is_query:
        error = f"<Type>Sender</Type><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message>"
        body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
    else:
        body = json.dumps({"__type": refused.code, "message": refused.message}).encode()
    headers = [
        ("Content-Type", "text/xml" if is_query else "application/x-amz-json-1.0"),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Amzn-ErrorType", refused.code),
    ]
    start_response(f"{refused.status} Refused", headers)
    # An answer to HEAD ends with its head (RFC 9110 §9.3.2): a client would read the body as its next answer.
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
