"""Step-up at APIs (RFC 9470): levels that no sign-in of this deployment reaches, and answers that outlive a max_age."""

from collections.abc import Iterator, Mapping

from valet.protocol.supported import reaches
from valet.resource_server.api_gateway.routes import Rule, parse_routes

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook, Finding, warning
from admin.doctor.gateways import all_authorizers, trusting, without_cache

_OWN = "AuthorizerFunction"
_METADATA = "/.well-known/openid-configuration"


def look_own(evidence: Evidence) -> Iterator[Finding]:
    """Finds levels in the routes of the stack's own authorizer."""
    deploy = "under AuthorizerFunction in template.yaml: `make deploy`"
    yield from _levels(evidence, "the authorizer", evidence.environment(_OWN), deploy)


def look_others(evidence: Evidence) -> Iterator[Finding]:
    """Finds levels in the routes of the account's other authorizers that trust this issuer, and caches of max_age."""
    own = evidence.deployment.outputs.get(_OWN)
    seen: set[str] = set()
    for each, environment in trusting(evidence, all_authorizers(evidence)):
        routes, _ = parse_routes(environment.get("ROUTES", ""))
        rules = (*routes.rules.values(), *routes.fields.values())
        if each.seconds and any(rule.max_age is not None for rule in rules):
            yield warning(
                f"{each.api} keeps the answers of its authorizer {each.authorizer_id}, whose routes have a max_age",
                f"A sign-in counts for up to {each.seconds} s longer than max_age says.",
                without_cache(each),
            )
        if each.function not in seen and each.function.rpartition(":")[2] != own:
            deploy = "in its own stack, and deploy that."
            yield from _levels(evidence, f"the authorizer {each.function} of {each.api}", environment, deploy)
        seen.add(each.function)


def _levels(evidence: Evidence, authorizer: str, environment: Mapping[str, str], deploy: str) -> Iterator[Finding]:
    routes, _ = parse_routes(environment.get("ROUTES", ""))
    by_acr: dict[tuple[str, ...], list[str]] = {}
    for route, rule in sorted({**routes.rules, **routes.fields}.items()):
        if rule.acr:
            by_acr.setdefault(_sorted(rule), []).append(route)
    if not by_acr:
        return
    reachable = _reachable(evidence)
    for acr, named in by_acr.items():
        where = f"{named[0]}{f' and {len(named) - 1} more' if len(named) > 1 else ''} in ROUTES of {authorizer}"
        taken = [level for level in reachable if level in acr]
        if not taken:
            yield Finding(
                f"{where} asks for the level {' or '.join(acr)}, which no sign-in here reaches",
                "The authorizer refuses every token, and an app that asks for the level gets "
                "unmet_authentication_requirements.",
                f"Deploy Valet so that sign-ins reach it (docs/people.md), or name a level that they reach in ROUTES "
                f"({' '.join(reachable)}), {deploy}",
            )
        elif above := [level for level in reachable if level not in acr and reaches(level, taken[0])]:
            yield Finding(
                f"{where} takes the level {taken[0]}, and not {' or '.join(above)}, which stands as high or higher",
                "Levels are compared by name: a person who signs in so is refused, and a new sign-in does not help.",
                f"Add {' and '.join(above)} to acr in ROUTES, {deploy}",
            )


def _reachable(evidence: Evidence) -> list[str]:
    """The levels that sign-ins of this deployment reach, the lowest first, by its metadata. Raises CannotLook."""
    found = evidence.fetch(_METADATA).json().get("acr_values_supported")
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise CannotLook("the metadata names no acr_values_supported")
    return found


def _sorted(rule: Rule) -> tuple[str, ...]:
    return tuple(sorted(rule.acr))


CHECKS = (Check("authorizer.step-up", look_own), Check("gateways.step-up", look_others))
