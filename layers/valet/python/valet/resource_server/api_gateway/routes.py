"""ROUTES: which routes ask for which scopes, roles and sign-ins, and which route a request means.

A route is matched by the name that the event gives it, so that no reading of the path can differ from the gateway's.
Only a REST TOKEN event names none; there the path is matched as API Gateway does it: a literal segment before `{x}`
before `{x+}`, the path before the method, a method before ANY.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")  # ANY stands for these: a preflight carries no token
CONNECT = "$connect"
ONE, REST = "*", "**"  # in a template: {x}, one segment; {x+}, one or more

LONGEST_MAX_AGE = 366 * 86_400  # seconds

Template = tuple[str, ...]
SignIn = tuple[str, float]
"""A token's `acr`, and the seconds since its `auth_time`: none and infinitely many if it lacks them (RFC 9470 §6.1)."""
NO_SIGN_IN: SignIn = ("", float("inf"))

_MEMBERS = {"scopes", "roles", "acr", "max_age", "tools", "direct"}
# A scope, a role or an acr value: a scope-token (RFC 6749 §3.3), so that it can stand in the quotes of a challenge.
_NAME = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
# Neither wildcard nor policy variable: what a literal says in a policy, it says literally.
_LITERAL = re.compile(r"[A-Za-z0-9._~:@!&'()+,;=-]{1,128}")
_PARAMETER = re.compile(r"\{[A-Za-z0-9._:-]{1,128}(\+?)\}")
_FIELD = re.compile(r"[_A-Za-z][_0-9A-Za-z]*\.[_A-Za-z][_0-9A-Za-z]*")


class Rule(NamedTuple):
    """A route's requirement: all of the scopes, one of the roles where it names any, and a sign-in (RFC 9470 §3).

    The sign-in is of one of the levels `acr`, in order of preference, where there are any, and at most `max_age`
    seconds old, or of any age where that is None. `tools` are tools of an MCP server, each with the scopes that a call
    of it needs besides: see tools.py. `is_direct` refuses tokens that came through another client (RFC 8693 §4.1).
    """

    scopes: frozenset[str]
    roles: frozenset[str]
    acr: tuple[str, ...] = ()
    max_age: int | None = None
    tools: tuple[tuple[str, frozenset[str]], ...] = ()
    is_direct: bool = False

    def permits(
        self,
        scopes: frozenset[str],
        roles: frozenset[str],
        sign_in: SignIn = NO_SIGN_IN,
        is_delegated: bool = False,
    ) -> bool:
        """Whether the route is for such a token. `is_delegated`: the token has `act`. A tool's scopes are not asked."""
        if not self.scopes <= scopes or (self.roles and self.roles.isdisjoint(roles)):
            return False
        if self.is_direct and is_delegated:
            return False
        return (not self.acr and self.max_age is None) or not any(self.lacks(sign_in))

    def lacks(self, sign_in: SignIn) -> tuple[bool, bool]:
        """Whether another level is needed, and whether a newer sign-in is."""
        acr, age = sign_in
        return bool(self.acr) and acr not in self.acr, self.max_age is not None and age > self.max_age


class Routes(NamedTuple):
    """ROUTES, with ANY spelled out. `rules` is keyed as the event names a route; `templates` holds the parsed paths.

    `asks_for_sign_in` says that some rule has `acr` or `max_age`: otherwise nothing looks at a token's sign-in.
    `asks_for_tools` says that some rule has `tools`: otherwise nothing looks at a request's tool.
    """

    rules: Mapping[str, Rule]
    templates: Mapping[str, Template]
    fields: Mapping[str, Rule]
    asks_for_sign_in: bool = False
    asks_for_tools: bool = False

    def route_of(self, method: str, path: str, *, is_rest: bool = True) -> str | None:
        """The key of the route that API Gateway chooses for `path`, if ROUTES names it.

        A REST API looks for the resource first and then for its method, an HTTP API for both at once.
        """
        segments = path.removeprefix("/").split("/")
        found = [
            (ranks(template), key)
            for known, template in self.templates.items()
            if ((key := f"{method} {known}") in self.rules or is_rest) and matches(template, segments)
        ]
        key = min(found)[1] if found else ""
        return key if key in self.rules else None


def ranks(template: Template) -> tuple[int, ...]:
    """Orders templates by how specific they are, most specific first."""
    return tuple((ONE, REST).index(segment) + 1 if segment in (ONE, REST) else 0 for segment in template)


def matches(template: Template, segments: list[str]) -> bool:
    """Whether a path with these segments is one of `template`'s. Only what `{x+}` takes may hold empty segments."""
    if not template:
        return segments == [""]
    if template[-1] == REST:
        head, rest = template[:-1], segments[len(template) - 1 :]
        if not any(rest):
            return False
        segments = segments[: len(head)]
    else:
        head = template
    return len(segments) == len(head) and all(
        segment and wanted in (segment, ONE) for segment, wanted in zip(segments, head, strict=True)
    )


def parse_routes(text: str) -> tuple[Routes, list[str]]:
    """ROUTES as the environment holds it, and all that is wrong with it."""
    repeated: list[str] = []

    def unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
        names = [name for name, _ in pairs]
        repeated.extend(f"ROUTES repeats {name!r}" for name in sorted(set(names)) if names.count(name) > 1)
        return dict(pairs)

    try:
        document = json.loads(text, object_pairs_hook=unrepeated)
    except (ValueError, RecursionError):
        return Routes({}, {}, {}), ["ROUTES is not JSON"]
    if not isinstance(document, dict) or not document:
        return Routes({}, {}, {}), [*repeated, "ROUTES is not a JSON object that names a route"]
    return _spelled_out(document, repeated)


def _spelled_out(document: Mapping[str, object], wrong: list[str]) -> tuple[Routes, list[str]]:
    rules: dict[str, Rule] = {}
    fields: dict[str, Rule] = {}
    templates: dict[str, Template] = {}
    anys: dict[str, Rule] = {}
    asks_for_sign_in = False
    for key, value in document.items():
        rule, problem = _parse_rule(value)
        if problem:
            wrong.append(f"ROUTES[{key!r}] {problem}")
        asks_for_sign_in = asks_for_sign_in or rule.acr != () or rule.max_age is not None
        method, _, path = key.partition(" ")
        if key == CONNECT:
            rules[key] = rule
        elif _FIELD.fullmatch(key):
            fields[key] = rule
        elif method not in METHODS and method != "ANY":
            wrong.append(f"ROUTES has {key!r}: {_wrong_key(method)}")
        elif (template := _parse_template(path)) is None:
            wrong.append(
                f"ROUTES has {key!r}: a path is /, or /segments of which {{x}} takes one and a last {{x+}} more"
            )
        else:
            same = [other for other, known in templates.items() if known == template and other != path]
            if same:
                wrong.append(f"ROUTES has {path!r} and {same[0]!r}, which are one path")
            templates[path] = template
            (anys if method == "ANY" else rules)[path if method == "ANY" else key] = rule
    for path, rule in anys.items():
        for method in METHODS:
            rules.setdefault(f"{method} {path}", rule)
    asks_for_tools = any(rule.tools for rule in rules.values())
    wrong += [
        f"ROUTES[{key!r}] has tools, which only a route of a REST API can have"
        for key, rule in (*fields.items(), *rules.items())
        if rule.tools and " " not in key
    ]
    return Routes(rules, templates, fields, asks_for_sign_in, asks_for_tools), wrong


def _wrong_key(method: str) -> str:
    if method == "OPTIONS":
        return "a preflight carries no token, so OPTIONS cannot be protected"
    return "a key is 'METHOD /path', '$connect' or 'Type.field'; METHOD is " + ", ".join((*METHODS, "ANY"))


def _parse_template(path: str) -> Template | None:
    if path == "/":
        return ()
    template: list[str] = []
    for segment in path.removeprefix("/").split("/"):
        parameter = _PARAMETER.fullmatch(segment)
        if parameter:
            template.append(REST if parameter[1] else ONE)
        elif _LITERAL.fullmatch(segment) and segment not in (".", ".."):
            template.append(segment)
        else:
            return None
    if not path.startswith("/") or len(path) > 300 or REST in template[:-1]:
        return None
    return tuple(template)


def _parse_rule(value: object) -> tuple[Rule, str]:
    nothing = Rule(frozenset(), frozenset())
    if not isinstance(value, dict) or not value.keys() <= _MEMBERS:
        return nothing, 'is not an object of "scopes", "roles", "acr", "max_age", "tools" and "direct" alone'
    names: dict[str, list[str]] = {"scopes": [], "roles": [], "acr": []}
    for member in names.keys() & value.keys():
        if not _are_names(value[member]):
            return nothing, f'has {member} that are not a list of names: write ["one", "another"]'
        names[member] = value[member]
    for member, what in (("roles", "role"), ("acr", "acr value")):
        if member in value and not names[member]:
            return nothing, f"names no {what}: leave {member} out"
    for member in ("roles", "acr", "max_age", "tools", "direct"):
        if member in value and "scopes" not in value:
            return nothing, f'names {member} but no scopes: write "scopes": [] if that is meant'
    max_age, tools = value.get("max_age"), _parse_tools(value.get("tools"))
    if problem := _problem(value, tools):
        return nothing, problem
    acr = tuple(dict.fromkeys(names["acr"]))
    return Rule(frozenset(names["scopes"]), frozenset(names["roles"]), acr, max_age, tools or (), "direct" in value), ""


def _problem(value: Mapping[str, object], tools: tuple[tuple[str, frozenset[str]], ...] | None) -> str:
    """What is wrong with the members of a rule that are no lists of names."""
    max_age = value.get("max_age")
    if "max_age" in value and not (type(max_age) is int and 1 <= max_age <= LONGEST_MAX_AGE):
        return f"has a max_age that is not a whole number of seconds, 1 to {LONGEST_MAX_AGE}"
    if value.get("direct", True) is not True:
        return 'has a direct that is not true: leave it out, or write "direct": true'
    if "tools" in value and tools is None:
        return 'has tools that are not {"name": {"scopes": ["one"]}}: a tool has scopes alone'
    return ""


def _are_names(listed: object) -> bool:
    return isinstance(listed, list) and all(isinstance(name, str) and _NAME.fullmatch(name) for name in listed)


def _parse_tools(tools: object) -> tuple[tuple[str, frozenset[str]], ...] | None:
    """Each tool with its scopes; None if that is not what `tools` holds."""
    if not isinstance(tools, dict) or not tools:
        return None
    for name, tool in tools.items():
        if not (name and isinstance(tool, dict) and tool.keys() == {"scopes"} and tool["scopes"]):
            return None
        if not _are_names(tool["scopes"]):
            return None
    return tuple((name, frozenset(tool["scopes"])) for name, tool in tools.items())
