"""MATCH=path: which of ROUTES a path means behind a catch-all route, where the API's own framework reads the path.

Frameworks read one path in different ways: with its escapes decoded or not, with or without regard to case and to a
slash at the end. So a path is judged only if all of these readings ask for the same scopes and roles. What a reader may
take for the end of a segment or of the path, or may decode a second time, is refused wherever it stands.

| event                     | its path                                         |
| ------------------------- | ------------------------------------------------ |
| HTTP API 2.0              | rawPath: decoded, behind the stage's name        |
| HTTP API 1.0              | path: decoded, behind an API mapping             |
| REST REQUEST              | path: as it was sent, behind a base path mapping |
| REST TOKEN                | none: the ARN's spelling is not documented       |
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from valet.resource_server.api_gateway.events import HTTP_2, REST_TOKEN, Asked, UnknownEvent
from valet.resource_server.api_gateway.routes import ONE, REST, Routes, Template, matches, ranks

LONGEST_PATH = 2048
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_ESCAPED_SLASH = re.compile(r"%(?:2[Ff]|5[Cc])")
# Ends a segment or the path for some readers (`;` parameters, `?` and `#` once decoded), or is a wildcard to IAM.
_DIVISIVE = re.compile(r"[\\;?#*{}]")


class Ambiguous(Exception):
    """Two readers may take the path for two different ones. The message is for the log and holds none of the path."""


class Paths:
    """Reads paths for one table of routes. `base_path` is what the API's framework strips from the event's path."""

    def __init__(self, routes: Routes, base_path: str) -> None:
        self._rules, self._templates, self._base_path = routes.rules, routes.templates, base_path
        self._folded = {known: _folded_template(template) for known, template in routes.templates.items()}

    def route_of(self, event: Mapping[str, Any], asked: Asked) -> tuple[str | None, str]:
        """The key of ROUTES that the event's path means, or None and the reason, which holds none of the path."""
        if asked.shape == REST_TOKEN:
            return None, "a TOKEN event has no path: MATCH=path needs an authorizer of type REQUEST"
        try:
            context = event["requestContext"]
            if asked.shape == HTTP_2:
                method, path, again = context["http"]["method"], event["rawPath"], context["http"]["path"]
            else:
                method, path, again = event["httpMethod"], event["path"], context["path"]
            return self._judged(method, path, again)
        except (KeyError, TypeError, AttributeError) as error:
            raise UnknownEvent(f"an authorizer event that lacks {error}") from None

    def _judged(self, method: str, path: str, again: str) -> tuple[str | None, str]:
        if path != self._base_path and not path.startswith(f"{self._base_path}/"):
            return None, "the path does not begin with BASE_PATH"
        path = path[len(self._base_path) :] or "/"
        if not again.endswith((path, path.removesuffix("/"))):
            return None, "the event holds two paths"
        try:
            return self._route(method, path)
        except Ambiguous as ambiguous:
            return None, f"the path is ambiguous: {ambiguous}"

    def _route(self, method: str, path: str) -> tuple[str | None, str]:
        decoded = decode(path)
        found = _best(self._templates, segments_of(decoded))
        folded = segments_of(_folded(decoded))
        read_otherwise = [
            *_best(self._folded, folded),
            *_best(self._templates, path[1:].removesuffix("/").split("/")),
            *(_with_empty_rest(self._folded, folded) if decoded.endswith("/") else ()),
        ]
        rules = {self._rules.get(f"{method} {known}") for known in (*found, *read_otherwise)}
        if len(rules) > 1:
            raise Ambiguous("without its escapes, in another case or with its last slash it is another route")
        route = f"{method} {found[0]}"
        return (route, "") if route in self._rules else (None, "ROUTES names no route for this method and path")


def decode(path: str) -> str:
    """The path with its escapes decoded once, where a second time would change nothing. Raises Ambiguous."""
    if len(path) > LONGEST_PATH:
        raise Ambiguous(f"more than {LONGEST_PATH} characters")
    if _ESCAPED_SLASH.search(path):
        raise Ambiguous("an escaped slash or backslash")
    try:
        decoded = _ESCAPE.sub(lambda found: bytes((int(found[1], 16),)), path.encode()).decode()
    except UnicodeError:
        raise Ambiguous("escapes that are not UTF-8") from None
    if "%" in decoded:
        raise Ambiguous("a percent sign that is no escape, or is escaped itself")
    return decoded


def segments_of(path: str) -> list[str]:
    """The segments of a decoded path, without the empty one after a slash at the end. Raises Ambiguous."""
    if not path.isprintable() or "\ufffd" in path:
        raise Ambiguous("a character that is not printable")
    if _DIVISIVE.search(path):
        raise Ambiguous("one of \\ ; ? # * { }")
    segments = path[1:].removesuffix("/").split("/")
    if path != "/" and "" in segments:
        raise Ambiguous("an empty segment")
    if "." in segments or ".." in segments:
        raise Ambiguous("a dot segment")
    return segments


def _folded(path: str) -> str:
    """The path as the most lenient reader has it: compatible characters are one, case and outer spaces do not count."""
    folded = unicodedata.normalize("NFKC", path).casefold()
    if folded.count("/") != path.count("/") or "%" in folded:
        raise Ambiguous("a character that resembles a slash or a percent sign")
    return "/".join(segment.strip() for segment in folded.split("/"))


def _folded_template(template: Template) -> Template:
    return tuple(segment if segment in (ONE, REST) else segment.casefold() for segment in template)


def _best(templates: Mapping[str, Template], segments: list[str]) -> list[str]:
    """The most specific template that fits; several only if they differ in case alone, and none is an empty name."""
    found = [(ranks(template), known) for known, template in templates.items() if matches(template, segments)]
    best = min(found)[0] if found else ()
    return [known for rank, known in found if rank == best] or [""]


def _with_empty_rest(templates: Mapping[str, Template], segments: list[str]) -> list[str]:
    """The templates whose `{x+}` would take the nothing after the last slash, as some frameworks let it."""
    return [
        known
        for known, template in templates.items()
        if template and template[-1] == REST and len(template) > 1 and matches(template[:-1], segments)
    ]
