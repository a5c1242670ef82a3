"""A visit of the account page: a saved request of a second kind, of a relying party that is part of this server.

A visit leads to one of the sections that are named here, and nowhere else.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from valet.frozen import Frozen
from valet.models.clients import Client
from valet.models.saved_requests import AuthorizationRequest

# No client can be registered under this id, because it has colons: no request from outside is one of the account page.
ACCOUNT_PAGE = "urn:valet:account"
PASSKEYS, SECOND_FACTOR, RECOVERY, PROVIDERS, MAIL = "passkeys", "second", "recovery", "providers", "mail"
FRESH = 300  # seconds that a sign-in counts as fresh for what is dangerous


class Section(Frozen):
    """One section of the account page."""

    # A sign-in of the last five minutes, of the highest level that the account can reach, for what is dangerous.
    needs_fresh_sign_in: bool = False
    makes_means: bool = False  # of signing in at a higher level; a recovery code opens it if the others are lost
    needs: str = ""  # it is there only where the deployment has this (settings.Settings.features)


# In the order of the page's menu. Each is at /account/<name>.
SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        "overview": Section(),
        "profile": Section(),
        "password": Section(needs_fresh_sign_in=True),
        "email": Section(needs_fresh_sign_in=True, needs=MAIL),
        "passkeys": Section(needs_fresh_sign_in=True, needs=PASSKEYS, makes_means=True),
        "second": Section(needs_fresh_sign_in=True, needs="second_factor", makes_means=True),
        "recovery": Section(needs_fresh_sign_in=True, needs="recovery_codes", makes_means=True),
        "providers": Section(needs_fresh_sign_in=True, needs=PROVIDERS),
        "sessions": Section(),
        "apps": Section(),
        "download": Section(needs_fresh_sign_in=True),
        "delete": Section(needs_fresh_sign_in=True),
    }
)


def sections(features: Collection[str]) -> tuple[str, ...]:
    """The sections that there are in a deployment with these features."""
    return tuple(name for name, section in SECTIONS.items() if not section.needs or section.needs in features)


def account_visit(section: str) -> AuthorizationRequest:
    """A visit of that section. Where it needs a fresh sign-in, it asks for one as clients do, by max_age."""
    max_age = FRESH if SECTIONS[section].needs_fresh_sign_in else None
    return AuthorizationRequest(
        client_id=ACCOUNT_PAGE, redirect_uri="", scope=(), code_challenge="", max_age=max_age, section=section
    )


def account_page() -> Client:
    """The account page as a client: the operator's own, so that no consent is asked for; and without a scope, so that
    no grant can be issued to it.
    """
    return Client(client_id=ACCOUNT_PAGE, client_name="Account page", first_party=True)


def address(issuer: str, section: str) -> str:
    """Where the section is."""
    return f"{issuer}/account/{section}"
