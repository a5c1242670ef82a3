"""GET /demo/: the click-through page, on the local stack only: no deployment serves script from the issuer's origin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from local.gateway.http_events import HttpRequest, HttpResponse, message

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}


class DemoPage:
    """Serves the files of one folder, and nothing outside it or in its subfolders; and the page of mails."""

    def __init__(
        self, folder: Path, mails: Callable[[HttpRequest], HttpResponse | None] = lambda request: None
    ) -> None:
        self._folder = folder
        self._mails = mails

    def __call__(self, request: HttpRequest) -> HttpResponse | None:
        """The response; None for a path that is not the demo page's."""
        if request.path in ("/", "/demo"):
            return HttpResponse(302, (("location", "/demo/"),), b"")
        if not request.path.startswith("/demo/"):
            return None
        if request.method not in ("GET", "HEAD"):
            return message(405, "Method Not Allowed")
        if request.path == "/demo/mail":
            return self._mails(request)
        # Choose among the files that exist, so no path in a request can leave the folder.
        files = {path.name: path for path in self._folder.iterdir() if path.suffix in _TYPES}
        path = files.get(request.path.removeprefix("/demo/") or "index.html")
        if path is None:
            return None
        headers = (
            ("content-type", _TYPES[path.suffix]),
            ("cache-control", "no-cache"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),  # its buttons use tokens: no other page may trick the end-user into a click
        )
        return HttpResponse(200, headers, path.read_bytes())
