"""The rules for the policy for people."""

from collections.abc import Iterator

from valet.models.policy import Policy
from valet.pages.words import LANGUAGES
from valet.people.identifiers import SIGN_IN_WITH
from valet.protocol.supported import ACR_VALUES
from valet.registration.rules import ONE_OF_THE_LEVELS, Wrong


def wrong_with_policy(policy: Policy) -> list[Wrong]:
    """Everything that is wrong with the policy, member by member; an empty list means a good one."""
    return [*_languages(policy), *_sign_in_with(policy), *_role_required_acr(policy)]


def _sign_in_with(policy: Policy) -> Iterator[Wrong]:
    if policy.sign_in_with not in SIGN_IN_WITH:
        yield Wrong("sign_in_with", f"one of {', '.join(SIGN_IN_WITH)}", policy.sign_in_with)


def _role_required_acr(policy: Policy) -> Iterator[Wrong]:
    roles = []
    for named in sorted(policy.role_required_acr):
        role, _, acr = named.rpartition("=")
        roles.append(role)
        if not role or acr not in ACR_VALUES:
            yield Wrong("role_required_acr", f"a role, =, and {ONE_OF_THE_LEVELS}: admin=phr, for instance", named)
    for role in sorted({role for role in roles if role and roles.count(role) > 1}):
        yield Wrong("role_required_acr", "this role has two levels", role)


def _languages(policy: Policy) -> Iterator[Wrong]:
    for tag in sorted(policy.languages - LANGUAGES.keys()):
        yield Wrong("languages", f"one of {', '.join(LANGUAGES)}", tag)
    if policy.default_language not in LANGUAGES:
        yield Wrong("default_language", f"one of {', '.join(LANGUAGES)}", policy.default_language)
    elif policy.languages and policy.default_language not in policy.languages:
        yield Wrong("default_language", "not among the languages that are offered", policy.default_language)
