"""The IAM policy for one token: every route that it may call, and never a path more.

API Gateway caches the answer under the token and applies it to whatever is asked next, so a policy names all of the
token's routes, whichever was asked first. IAM's `*` crosses slashes: `GET/items/*` also allows `GET /items/1/private`.
Explicit denies take that back where they can do so without touching another route that is allowed:

    {x}        allow  GET/items/*     deny  GET/items/*/*            one segment only
    {x+}       allow  GET/open/*                                     is what `*` means
    any        deny   *//*, */*/                                     a parameter is never empty
    /items/all, not allowed while /items/{id} is: deny GET/items/all   the gateway would have chosen that route

Where they cannot (`/items/{id}` and `/items/{id}/a` allowed, and nobody knows what else lies below), no policy says it
exactly, and the answer names only the route that was asked for. A route that is refused is denied by its ARN besides.
"""

import json
import re
from typing import NamedTuple

from valet.resource_server.api_gateway.routes import METHODS, ONE, REST, Routes, Template, ranks

LARGEST_RESOURCE = 512
LARGEST_POLICY = 14 * 1024  # of the 16 KB that an answer may have
ANYTHING = "*"  # in a pattern: IAM's wildcard, one or more segments, of which some may be empty

# All but RFC 3986's unreserved characters: a wildcard or variable to IAM, or escaped in some spellings only.
_AMBIGUOUS = re.compile(r"(?:%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~/-])+")

Pattern = tuple[str, ...]


class Document(NamedTuple):
    """A policy document and how long it is as JSON."""

    policy: dict[str, object]
    statements: list[dict[str, object]]
    size: int


class Grant(NamedTuple):
    """Paths below an ARN's stage: allowed are those that an `allow` matches and no `deny`."""

    allow: tuple[str, ...]
    deny: tuple[str, ...]


def grant(routes: Routes, permitted: frozenset[str], *, is_rest: bool, only: str = "") -> Grant | None:
    """The statements for exactly the routes in `permitted`, or None where none can say that.

    With `only`, what says that one route and no path of any that is not permitted. A REST API chooses the resource
    first and the method second, an HTTP API looks at both at once: there a path that ROUTES names for another method
    alone is still the wider route's.
    """
    allow: list[str] = []
    deny: list[str] = []
    wanted = {only} if only else permitted
    methods = {key.partition(" ")[0] for key in wanted}
    for method in (each for each in METHODS if each in methods):
        keys = {f"{method} {path}": template for path, template in routes.templates.items()}
        named = [template for key, template in keys.items() if key in wanted]
        refused = [t for key, t in keys.items() if key not in permitted and (is_rest or key in routes.rules)]
        found = _for_method(named, refused)
        if found is None:
            return None
        allow.extend(f"{method}/{path}" for path in found.allow)
        deny.extend(f"{method}/{path}" for path in found.deny)
    if any(ANYTHING in path for path in allow):
        deny += ["*//*", "*/*/"]
    return Grant(tuple(allow), tuple(deny))


def _for_method(named: list[Template], refused: list[Template]) -> Grant | None:
    widest = [t for t in named if not any(_covers(other, t) for other in named if other != t)]
    denied: dict[Pattern, None] = {}
    for template in widest:
        for pattern in _slashes(template):
            if any(_meet(pattern, other) for other in named):
                return None
            denied[pattern] = None
        for other in refused:
            if ranks(other) < ranks(template) and _overlap(other, template):
                if any(not _keeps_clear(other, kept) for kept in named):
                    return None
                denied[_pattern(other)] = None
    deny = ["/".join(pattern) for pattern in denied]
    if () not in named and any(len(t) == 1 and t[0] in (ONE, REST) for t in widest):
        deny.append("")  # `GET/*` matches the root, `GET/`, too
    return Grant(tuple("/".join(_pattern(t)) for t in widest), tuple(deny))


def _pattern(template: Template) -> Pattern:
    return tuple(ANYTHING if segment in (ONE, REST) else segment for segment in template)


def _slashes(template: Template) -> list[Pattern]:
    """The paths that `template`'s pattern matches although a `{x}` would have to hold a slash."""
    pattern = _pattern(template)
    # Before a `{x+}` with no literal between, a surplus segment is simply one that `{x+}` takes.
    last = len(template) if REST not in template else _last_literal(template)
    return [(*pattern[:at], ANYTHING, ANYTHING, *pattern[at + 1 :]) for at in range(last) if template[at] == ONE]


def _last_literal(template: Template) -> int:
    return max((at for at, segment in enumerate(template) if segment not in (ONE, REST)), default=0)


def _covers(wide: Template, narrow: Template) -> bool:
    """Whether the pattern of `wide`, which ends in `{x+}`, allows all of `narrow` with no deny of its own."""
    if not wide or wide[-1] != REST or len(narrow) < len(wide) or _slashes(wide):
        return False
    if narrow[-1] == REST and len(narrow) == len(wide) and narrow[:-1] == wide[:-1]:
        return True
    return all(w in (ONE, n) for w, n in zip(wide[:-1], narrow, strict=False))


def _overlap(one: Template, other: Template) -> bool:
    """Whether some path is both templates'."""
    for first, second in zip(one, other, strict=False):
        if REST in (first, second):
            return True
        if ONE not in (first, second) and first != second:
            return False
    return len(one) == len(other)


def _meet(pattern: Pattern, template: Template) -> bool:
    """Whether some path of `template`, no segment of it empty, matches `pattern`."""
    if not pattern or not template:
        return not pattern and not template
    first, wanted = pattern[0], template[0]
    if first != ANYTHING and wanted not in (ONE, REST, first):
        return False
    rest, left = pattern[1:], template[1:]
    return (
        _meet(rest, left) or (first == ANYTHING and _meet(pattern, left)) or (wanted == REST and _meet(rest, template))
    )


def _keeps_clear(refused: Template, named: Template) -> bool:
    """Whether denying the pattern of `refused` takes nothing from `named` that the gateway would route to it."""
    pattern = _pattern(refused)
    if not _meet(pattern, named):
        return True
    if ranks(named) < ranks(refused):
        return False
    if ONE not in refused:
        return True  # the pattern is exactly the template
    if REST in refused:
        return not _slashes(refused)
    return REST not in named and len(named) == len(refused)


def document(base: str, found: Grant) -> Document | None:
    """The policy document under `base`, an ARN up to its stage, or None where IAM would find it too large."""
    if not found.allow:
        return literal(f"{base}/*", is_allowed=False)
    statements: list[dict[str, object]] = []
    for effect, paths in (("Allow", found.allow), ("Deny", found.deny)):
        if paths:
            resources = [f"{base}/{path}" for path in paths]
            if max(map(len, resources)) > LARGEST_RESOURCE:
                return None
            statements.append({"Action": "execute-api:Invoke", "Effect": effect, "Resource": resources})
    made = _document(statements)
    return made if made.size <= LARGEST_POLICY else None


def literal(arn: str, is_allowed: bool) -> Document:
    """A policy for one ARN, as it stands."""
    effect = "Allow" if is_allowed else "Deny"
    return _document([{"Action": "execute-api:Invoke", "Effect": effect, "Resource": [arn]}])


def refusal(arn: str, others: Document | None = None) -> Document:
    """An explicit Deny of this ARN, which wins over every Allow, and for all other ARNs the statements of `others`.

    What could be spelled in another way is denied in every spelling: a Deny that misses its ARN would leave it allowed.
    """
    base, stage, method, path = (*arn.split("/", 3), "", "", "")[:4]
    # A word that is no method, such as ANY or a route key, may stand for any method.
    verb = f"{method}/" if method in METHODS or method == "OPTIONS" else ANYTHING
    resource = f"{base}/{stage}/{verb}{_AMBIGUOUS.sub(ANYTHING, path)}"
    if len(resource) > LARGEST_RESOURCE:
        resource = resource[: LARGEST_RESOURCE - 1] + ANYTHING
    denied = literal(resource, is_allowed=False)
    return _document([*others.statements, *denied.statements]) if others else denied


def _document(statements: list[dict[str, object]]) -> Document:
    policy: dict[str, object] = {"Version": "2012-10-17", "Statement": statements}
    return Document(policy, statements, len(json.dumps(policy)))
