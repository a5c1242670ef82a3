"""The rules for the policy for people."""

from collections.abc import Iterator

from valet.models.policy import Policy
from valet.pages import colours
from valet.pages.logos import LARGEST, media_type
from valet.pages.words import LANGUAGES
from valet.people.identifiers import EMAIL, SIGN_IN_WITH, is_address
from valet.protocol.joining import DOMAINS, OFF, REGISTRATION
from valet.protocol.supported import ACR_VALUES
from valet.registration.links import refusal_of_link, refusal_of_name
from valet.registration.rules import ONE_OF_THE_LEVELS, Wrong
from valet.registration.translations import wrong_with_translations

SECOND_FACTOR = ("optional", "required")
LONGEST_REMEMBERED = 30  # days
MOST_MAILS = 1_000_000  # an hour
_SHORTEST = (8, 64)  # the least and the most characters that may be required of a password
_LINKS = ("support_uri", "tos_uri", "policy_uri")


def wrong_with_policy(policy: Policy) -> list[Wrong]:
    """Everything that is wrong with the policy, member by member; an empty list means a good one."""
    checks = {"brand_name": refusal_of_name, **dict.fromkeys(_LINKS, refusal_of_link)}
    return [
        *_languages(policy),
        *_brand(policy),
        *_sign_in_with(policy),
        *_registration(policy),
        *_passwords(policy),
        *_role_required_acr(policy),
        *_second_factor(policy),
        *_mail_per_hour(policy),
        *(Wrong(*each) for each in wrong_with_translations(policy.translations, checks)),
    ]


def _sign_in_with(policy: Policy) -> Iterator[Wrong]:
    if policy.sign_in_with not in SIGN_IN_WITH:
        yield Wrong("sign_in_with", f"one of {', '.join(SIGN_IN_WITH)}", policy.sign_in_with)


def _second_factor(policy: Policy) -> Iterator[Wrong]:
    if policy.second_factor not in SECOND_FACTOR:
        yield Wrong("second_factor", f"one of {', '.join(SECOND_FACTOR)}", policy.second_factor)
    if not 0 <= policy.remember_device <= LONGEST_REMEMBERED:
        yield Wrong("remember_device", f"days from 0 to {LONGEST_REMEMBERED}", str(policy.remember_device))


def _registration(policy: Policy) -> Iterator[Wrong]:
    if policy.registration not in REGISTRATION:
        yield Wrong("registration", f"one of {', '.join(REGISTRATION)}", policy.registration)
    elif policy.registration != OFF and EMAIL not in SIGN_IN_WITH.get(policy.sign_in_with, ()):
        reason = "people who join have an address and no username, so sign_in_with has to be email or either"
        yield Wrong("registration", reason, policy.registration)
    if policy.registration == DOMAINS and not policy.registration_domains:
        yield Wrong("registration_domains", "there is none, so nobody could join")
    for domain in sorted(policy.registration_domains):
        if domain != domain.lower() or not is_address(f"a@{domain}"):
            yield Wrong("registration_domains", "a domain in small letters, such as example.com", domain)


def _passwords(policy: Policy) -> Iterator[Wrong]:
    low, high = _SHORTEST
    if not low <= policy.password_minimum <= high:
        reason = f"{low} to {high} characters; NIST SP 800-63B-4 section 3.1.1.2 asks for 15 of a password alone"
        yield Wrong("password_minimum", reason, str(policy.password_minimum))


def _role_required_acr(policy: Policy) -> Iterator[Wrong]:
    roles = []
    for named in sorted(policy.role_required_acr):
        role, _, acr = named.rpartition("=")
        roles.append(role)
        if not role or acr not in ACR_VALUES:
            yield Wrong("role_required_acr", f"a role, =, and {ONE_OF_THE_LEVELS}: admin=phr, for instance", named)
    for role in sorted({role for role in roles if role and roles.count(role) > 1}):
        yield Wrong("role_required_acr", "this role has two levels", role)


def _mail_per_hour(policy: Policy) -> Iterator[Wrong]:
    if not 0 <= policy.mail_per_hour <= MOST_MAILS:
        yield Wrong("mail_per_hour", f"a number from 0 (none) to {MOST_MAILS}", str(policy.mail_per_hour))


def _languages(policy: Policy) -> Iterator[Wrong]:
    for tag in sorted(policy.languages - LANGUAGES.keys()):
        yield Wrong("languages", f"one of {', '.join(LANGUAGES)}", tag)
    if policy.default_language not in LANGUAGES:
        yield Wrong("default_language", f"one of {', '.join(LANGUAGES)}", policy.default_language)
    elif policy.languages and policy.default_language not in policy.languages:
        yield Wrong("default_language", "not among the languages that are offered", policy.default_language)


def _brand(policy: Policy) -> Iterator[Wrong]:
    if policy.brand_name and (reason := refusal_of_name(policy.brand_name)):
        yield Wrong("brand_name", reason, policy.brand_name)
    if policy.brand_colour and (reason := refusal_of_colour(policy.brand_colour)):
        yield Wrong("brand_colour", reason, policy.brand_colour)
    if policy.brand_logo and media_type(policy.brand_logo) is None:
        yield Wrong("brand_logo", f"a PNG or WebP image of at most {LARGEST} bytes; this has {len(policy.brand_logo)}")
    for member in _LINKS:
        uri: str = getattr(policy, member)
        if uri and (reason := refusal_of_link(uri)):
            yield Wrong(member, reason, uri)


def refusal_of_colour(colour: str) -> str | None:
    """Why it cannot be the colour of the pages; None if it can. The dark theme takes a lighter shade of it."""
    if not colours.is_colour(colour):
        return "#rrggbb in small letters, such as #0d6650"
    found = colours.contrast(colour, colours.LIGHT)
    if found >= colours.LEAST_CONTRAST:
        return None
    instead = colours.nearest(colour, "#000000", colours.LIGHT)
    return (
        f"a contrast of {found:.1f} to 1 with the page, and text needs {colours.LEAST_CONTRAST} to 1 "
        f"(WCAG 2.2 section 1.4.3): {instead} has enough"
    )
