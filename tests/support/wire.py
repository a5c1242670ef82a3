"""HTTP in the tests: responses, and the ways to send a request."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"

# A form or query in the tests: pairs where a name comes twice.
Pairs = Mapping[str, str] | tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    body: str = ""
    set_cookies: tuple[str, ...] = ()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The error code of a JSON refusal (RFC 6749 §5.2)."""
        return str(self.json()["error"])

    @property
    def location(self) -> str:
        return self.headers["location"]

    @property
    def answered(self) -> dict[str, str]:
        """The parameters that a redirect carries to the client, each once."""
        pairs = parse_qsl(urlsplit(self.location).query, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), self.location
        return dict(pairs)

    @property
    def is_page(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/html")


class Send(Protocol):
    """Carries a request to the authorization server; follows nothing, keeps nothing."""

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer: ...


def post_form(send: Send, url: str, form: Pairs, headers: Mapping[str, str] | None = None) -> Answer:
    return send("POST", url, {"content-type": FORM, **(headers or {})}, encoded(form).encode())


def encoded(pairs: Pairs) -> str:
    return urlencode(tuple(pairs.items()) if isinstance(pairs, Mapping) else pairs)


def over_http(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    """Send, by a socket: the target leaves as it was written, and nothing is mended on its way."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        target = url[len(f"{parts.scheme}://{parts.netloc}") :] or "/"
        connection.request(method, target, body or None, dict(headers or {}))
        response = connection.getresponse()
        pairs = [(name.lower(), value) for name, value in response.getheaders()]
        return Answer(
            response.status,
            {name: value for name, value in pairs if name != "set-cookie"},
            response.read().decode(),
            tuple(value for name, value in pairs if name == "set-cookie"),
        )
    finally:
        connection.close()


def refused(answer: Answer, status: int, error: str) -> None:
    """JSON in the specification's form, which no cache stores (RFC 6749 §5.2)."""
    assert (answer.status, answer.error) == (status, error), answer
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
