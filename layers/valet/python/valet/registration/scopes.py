"""The rules for registrations of scopes (RFC 6749 §3.3)."""

import re
from collections.abc import Iterator

from valet.models.clients import Client, Scope, Scopes
from valet.registration.links import refusal_of_sentence
from valet.registration.rules import NOT_REGISTERED, Wrong
from valet.registration.translations import wrong_with_translations

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")  # RFC 6749 §3.3


def wrong_with_scope(scope: Scope, known: Scopes) -> list[Wrong]:
    """Everything that is wrong with the scope, among the scopes that are registered.

    Includes that lead back to the scope are refused: a scope that includes one of them would mean all of them.
    """
    wrong = []
    if not _SCOPE.fullmatch(scope.name):
        wrong.append(Wrong("name", "1 to 100 visible ASCII characters, save quote and backslash", scope.name))
    if reason := refusal_of_sentence(scope.description):
        wrong.append(Wrong("description", reason))
    checks = {"description": refusal_of_sentence}
    wrong += [Wrong(*each) for each in wrong_with_translations(scope.translations, checks)]
    wrong += [Wrong("includes", NOT_REGISTERED, name) for name in sorted(scope.includes - known.scopes.keys())]
    if cycle := _cycle(scope, known):
        wrong.append(Wrong("includes", "in a circle, " + " → ".join(cycle)))
    return wrong


def _cycle(scope: Scope, known: Scopes) -> tuple[str, ...]:
    """A way along the includes from the scope to itself."""
    scopes = {**known.scopes, scope.name: scope}
    ways: list[tuple[str, ...]] = [(scope.name,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in sorted(scopes[way[-1]].includes):
            if name == scope.name:
                return (*way, name)
            if name not in seen and name in scopes:
                seen.add(name)
                ways.append((*way, name))
    return ()


def needs_scope(name: str, known: Scopes, clients: Iterator[Client]) -> list[str]:
    """The registrations that still name the scope."""
    return [
        *(f"the scope {scope.name} includes it" for scope in known.scopes.values() if name in scope.includes),
        *(f"the protected API {api.audience} names it" for api in known.apis.values() if name in api.scopes),
        *(f"the client {client.client_id} may ask for it" for client in clients if name in client.scope),
    ]
