"""Valet's authorizers in a developer's stack: nested, or as a function with this code. They run in this process.

Wherever the template takes the authorizer from, this checkout's is played. It trusts the local issuer alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.functions import Crash, Functions
from local.own.reading import MISSING, Reading
from local.system import Function, system_from_template
from local.template import Template, TemplateError, as_text, load

_TEMPLATE = Path("functions/authorizer/template.yaml")
_PARAMETERS = {"Issuer", "Audience", "Routes", "Response"}
_REFUSED = "the routes behind it answer 503"


@dataclass(frozen=True)
class Rule:
    """What a route asks for: all of the scopes, one of the roles if it names any, and the scopes of its tools."""

    scopes: frozenset[str]
    roles: frozenset[str]
    tools: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True)
class Valet:
    """One authorizer of Valet's: its function, loaded, and what it asks for. `metadata` is the function with the API's
    own metadata, which only a nested stack has.
    """

    function: Function
    functions: Functions
    audience: str
    rules: Mapping[str, Rule]  # by the route as an event names it, so never ANY
    is_by_path: bool
    metadata: Function | None = None
    introspector: tuple[str, str] | None = None  # the client as which it introspects reference tokens, and its secret

    @property
    def played(self) -> tuple[Function, ...]:
        """Its functions."""
        return (self.function,) if self.metadata is None else (self.function, self.metadata)

    def learn(self, addresses: tuple[str, ...]) -> None:
        """Tell the authorizer where its APIs are called here. At AWS it knows this by their domain names."""
        module = self.functions.module(self.function.logical_id)
        given = module.CONFIGURATION._replace(public_urls=addresses)
        fetch = module.Https(given.issuer, module.system_clock)
        clock, jitter = module.system_clock, module.system_jitter
        vars(module)["AUTHORIZER"] = module.Authorizer(given, fetch, clock, jitter, post=fetch.post)

    @property
    def scopes(self) -> frozenset[str]:
        """All scopes that the rules ask for."""
        by_tool = (each for rule in self.rules.values() for _, scopes in rule.tools for each in scopes)
        return frozenset(each for rule in self.rules.values() for each in rule.scopes).union(by_tool)

    @property
    def roles(self) -> frozenset[str]:
        """All roles that the rules ask for."""
        return frozenset(each for rule in self.rules.values() for each in rule.roles)


def valets_of(
    reading: Reading, root: Path, issuer: str, on_crash: Callable[[Crash], None] | None = None
) -> dict[str, Valet]:
    """By logical id; `reading` learns the outputs of those that are nested."""
    found: dict[str, Valet] = {}
    for resource, properties in reading.resources("AWS::Serverless::Application"):
        where = resource.logical_id
        location = reading.value(properties.get("Location"), where, f"not played; {_REFUSED}")
        if location is MISSING:
            continue
        if not _is_valets(location, reading.folder):
            reading.notices.add(f"{where} (nested stack)", f"only Valet's authorizer is played nested; {_REFUSED}")
            continue
        given = _given(reading, where, properties.get("Parameters") or {}, issuer)
        document = load(root / _TEMPLATE)
        known = Resources(document, f"{reading.stack}-{where}")
        try:
            inner = Template(document, given, PSEUDO_PARAMETERS, known)
            system = system_from_template(inner, (root / _TEMPLATE).parent)
            metadata = system.functions["ResourceMetadataFunction"]
            valet = _loaded(where, system.functions["AuthorizerFunction"], reading.stack, on_crash, metadata)
        except TemplateError as error:
            reading.notices.add(f"{where}: {error}", _REFUSED)
            continue
        outputs = document["Outputs"].items()
        reading.known.learn(where, {f"Outputs.{name}": inner.resolve(each["Value"]) for name, each in outputs})
        found[where] = valet
    return found


def valet_from_function(
    function: Function, root: Path, stack: str, issuer: str, on_crash: Callable[[Crash], None] | None = None
) -> Valet | None:
    """Where a template has the authorizer's folder as a function of its own; None for every other function."""
    if function.folder.parts[-2:] != ("functions", "authorizer") or "ROUTES" not in function.environment:
        return None
    ours = replace(
        function,
        folder=(root / _TEMPLATE).parent,
        handler="app.handler",
        environment={**function.environment, "ISSUER": issuer},
    )
    return _loaded(function.logical_id, ours, stack, on_crash)


def _given(reading: Reading, where: str, parameters: Mapping[str, Any], issuer: str) -> dict[str, str]:
    named = parameters.get("Issuer")
    if isinstance(named, str) and named != issuer:
        reading.notices.add(f"{where}: Issuer {named}", f"the local stack is the issuer here: {issuer}")
    given = {}
    for name, value in parameters.items():
        resolved = reading.value(value, f"{where}.{name}", "the authorizer's default is used, if there is one")
        if name != "Issuer" and resolved is not MISSING:
            given[name] = as_text(resolved)
    return {**given, "Issuer": issuer}


def _is_valets(location: Any, folder: Path) -> bool:
    """By what is there. `sam build` copies the template to other places; a submodule may not be checked out yet."""
    if not isinstance(location, str) or "://" in location:
        return False
    path = folder / location
    if not path.is_file():
        return path.parts[-3:] == _TEMPLATE.parts
    try:
        document = load(path)
    except TemplateError:
        return False
    return set(document.get("Parameters", {})) >= _PARAMETERS and "AuthorizerFunction" in document.get("Resources", {})


def _loaded(
    name: str,
    function: Function,
    stack: str,
    on_crash: Callable[[Crash], None] | None,
    metadata: Function | None = None,
) -> Valet:
    function = replace(function, logical_id=name, title=name)
    played = {name: function}
    if metadata is not None:
        beside = f"{name}, metadata"  # no logical id: those have letters and digits only
        metadata = played[beside] = replace(metadata, logical_id=beside, title=beside)
    try:
        functions = Functions(played, on_crash, package=f"own.{stack}.{name}")
    except Exception as error:  # its configuration is wrong: it says so, and deployed it would not start either
        raise TemplateError(f"the authorizer does not start: {error}") from None
    configuration = functions.module(name).CONFIGURATION
    rules = {**configuration.routes.fields, **configuration.routes.rules}
    return Valet(
        function,
        functions,
        audience=configuration.audience,
        rules={route: Rule(rule.scopes, rule.roles, rule.tools) for route, rule in rules.items()},
        is_by_path=configuration.is_by_path,
        introspector=configuration.introspection and configuration.introspection[:2],
        metadata=metadata,
    )
