"""The front door's own address: a browser that was sent to another name of this machine goes on where the issuer is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

_QUIET = 60  # seconds between two lines that say the same


class FrontDoor:
    """A WSGI application before `application`. It answers GET and HEAD at its own port with a redirect if they are for
    localhost and the issuer is at 127.0.0.1, or the other way round.

    The redirect always leads to this stack's own address: the request decides on the path and the query alone. No other
    host is redirected, so a foreign name that resolves to 127.0.0.1 learns nothing from it.
    """

    def __init__(self, application: Any, url: str, say: Callable[[str], None] = lambda sentence: None) -> None:
        self._application = application
        self._url = url
        parts = urlsplit(url)
        self._name = str(parts.hostname)
        self._host = f"{'127.0.0.1' if self._name == 'localhost' else 'localhost'}:{parts.port or 80}"
        self._say = say

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
        target = environ["REQUEST_URI"]
        if not self._is_for_other_name(environ) or not _is_path(target):
            answer: Iterable[bytes] = self._application(environ, start_response)
            return answer
        why = f"{self._host} is another origin than the issuer"
        sentence = f"{why}: going on at {self._url}. Use {self._name} everywhere."
        self._say(sentence)
        body = f"{sentence}\n".encode()
        # Without no-store, a browser could keep the redirect for another program that listens here tomorrow.
        start_response(
            "307 Temporary Redirect",
            [
                ("location", self._url + target),
                ("cache-control", "no-store"),
                ("content-type", "text/plain; charset=utf-8"),
                ("content-length", str(len(body))),
            ],
        )
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _is_for_other_name(self, environ: Mapping[str, Any]) -> bool:
        host = str(environ.get("HTTP_HOST", "")).lower()
        return environ["REQUEST_METHOD"] in ("GET", "HEAD") and (host if ":" in host else f"{host}:80") == self._host


def _is_path(target: str) -> bool:
    """Whether the target is a path of this origin, in characters that a header may have."""
    return target.startswith("/") and target.isascii() and target.isprintable() and " " not in target


class Seldom:
    """Passes a sentence on, unless it passed the same one on within the last minute."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._said: dict[str, float] = {}

    def __call__(self, sentence: str) -> None:
        now = self._clock()
        if now - self._said.get(sentence, now - _QUIET) >= _QUIET:
            self._said[sentence] = now
            self._say(sentence)
