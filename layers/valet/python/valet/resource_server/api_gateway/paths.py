"""MATCH=path: which of ROUTES a path means behind a catch-all route, where the API's own framework reads the path.

Frameworks read one path in different ways: with its escapes decoded or not, with or without regard to case and to a
slash at the end. So a path is judged only if no other reading of it asks for more scopes or roles. What a reader may
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
from valet.resource_server.api_gateway.routes import ONE, REST, Routes, Rule, Template, matches, ranks

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
        segments_of(decoded)
        folded = segments_of(_folded(decoded))
        # What fits the path as it is spelled, fits it for every reader; what fits the folded path, for some. So a path
        # may be read in another way segment by segment, and no mixture of readings is left out.
        spelled = path[1:].removesuffix("/").split("/")
        fitting = [known for known, template in self._templates.items() if matches(template, spelled)]
        perhaps = [known for known, template in self._folded.items() if matches(template, folded)]
        chosen = self._most_specific(fitting, fitting)
        rules = {self._rule(method, known) for known in chosen}
        if len(rules) > 1:
            raise Ambiguous("it is two routes, and neither is the more specific one: name this path in ROUTES")
        others = self._most_specific(perhaps, fitting)
        if path.endswith("/"):
            # A framework that minds the last slash passes over every template that does not end in `{x+}`.
            minding = [known for known in fitting if REST in self._templates[known]]
            others += self._most_specific(_with_last_slash(self._folded, folded), minding)
        rule = rules.pop() if rules else None
        if not all(_implies(rule, self._rule(method, known)) for known in others):
            raise Ambiguous("without its escapes, in another case or with its last slash it is another route")
        route = f"{method} {min(chosen, key=self._rank)}" if chosen else ""
        return (route, "") if route in self._rules else (None, "ROUTES names no route for this method and path")

    def _rule(self, method: str, known: str) -> Rule | None:
        return self._rules.get(f"{method} {known}")

    def _rank(self, known: str) -> tuple[int, ...]:
        return ranks(self._templates[known])

    def _most_specific(self, some: list[str], fitting: list[str]) -> list[str]:
        """Those of `some` that no framework passes over for one of `fitting`, all of whose paths they have too."""
        templates = self._templates
        return [
            each
            for each in some
            if not any(each != other and _is_within(templates[other], templates[each]) for other in fitting)
        ]


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
    # The letters \u0130 and \u0131 are an i to readers that compare capitals, and to Python's re.IGNORECASE.
    folded = unicodedata.normalize("NFKC", path).upper().casefold().replace("\u0307", "")
    if folded.count("/") != path.count("/") or "%" in folded:
        raise Ambiguous("a character that resembles a slash or a percent sign")
    folded = "/".join(segment.strip() for segment in folded.split("/"))
    if folded.endswith("/") != path.endswith("/"):
        raise Ambiguous("an empty segment")
    return folded


def _folded_template(template: Template) -> Template:
    return tuple(segment if segment in (ONE, REST) else segment.casefold() for segment in template)


def _is_within(narrow: Template, wide: Template) -> bool:
    """Whether every path of `narrow` is one of `wide` too."""
    if wide and wide[-1] == REST:
        if len(narrow) < len(wide):
            return False
        narrow, wide = narrow[: len(wide) - 1], wide[:-1]
    return len(narrow) == len(wide) and all(
        wanted == has or (wanted == ONE and has != REST) for has, wanted in zip(narrow, wide, strict=True)
    )


def _implies(rule: Rule | None, other: Rule | None) -> bool:
    """Whether `other` permits everybody whom `rule` permits; None permits nobody."""
    if rule is None or other is None:
        return rule == other
    has_role = not other.roles or (bool(rule.roles) and rule.roles <= other.roles)
    has_level = not other.acr or (bool(rule.acr) and set(rule.acr) <= set(other.acr))
    is_recent = other.max_age is None or (rule.max_age is not None and rule.max_age <= other.max_age)
    is_as_direct = rule.is_direct or not other.is_direct
    # A tool's scopes are asked for only where its route is read as this one.
    has_tools = not other.tools or other.tools == rule.tools
    return other.scopes <= rule.scopes and has_role and has_level and is_recent and is_as_direct and has_tools


def _with_last_slash(templates: Mapping[str, Template], segments: list[str]) -> list[str]:
    """The templates whose `{x+}` takes the last slash, or the nothing behind it, as some frameworks let it."""
    return [
        known
        for known, template in templates.items()
        if template and template[-1] == REST and matches(template[:-1] or (ONE,), segments[: len(template) - 1 or 1])
    ]
