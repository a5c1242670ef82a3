"""The rules for the policy for people."""

from collections.abc import Iterator

from valet.models.policy import Policy
from valet.pages.words import LANGUAGES
from valet.people.identifiers import SIGN_IN_WITH
from valet.registration.rules import Wrong


def wrong_with_policy(policy: Policy) -> list[Wrong]:
    """Everything that is wrong with the policy, member by member; an empty list means a good one."""
    wrong = list(_languages(policy))
    if policy.sign_in_with not in SIGN_IN_WITH:
        wrong.append(Wrong("sign_in_with", f"one of {', '.join(SIGN_IN_WITH)}", policy.sign_in_with))
    return wrong


def _languages(policy: Policy) -> Iterator[Wrong]:
    for tag in sorted(policy.languages - LANGUAGES.keys()):
        yield Wrong("languages", f"one of {', '.join(LANGUAGES)}", tag)
    if policy.default_language not in LANGUAGES:
        yield Wrong("default_language", f"one of {', '.join(LANGUAGES)}", policy.default_language)
    elif policy.languages and policy.default_language not in policy.languages:
        yield Wrong("default_language", "not among the languages that are offered", policy.default_language)
