"""The options of `valet providers add` and `valet providers change`: what is registered about a provider."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from valet.protocol.supported import ASSERTION_SIGNING_ALGS, SECRET_METHODS
from valet.registration.providers import LINKS

from admin.options import Several, translating, words

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Day(click.ParamType[int]):
    """A day, as the epoch seconds of its begin."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return int(datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2027-01-31", param, ctx)


def _in_order(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for each in value for word in each.split()))


def _whole(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> frozenset[str] | None:
    """Each value as it is: those of other providers may have blanks and commas."""
    return frozenset(value) if value else None


_OPTIONS = (
    click.option("--client-id", help="Set the client ID that the provider gave Valet."),
    click.option("--auth", "token_endpoint_auth_method", type=click.Choice(SECRET_METHODS),
                 help="Set how Valet sends its secret (default: what the provider's description says)."),
    click.option("--key-id", help="Apple: set the ID of the private key."),
    click.option("--team-id", help="Apple: set the team ID."),
    click.option("--scope", multiple=True, callback=_in_order,
                 help="Ask for these scopes (repeat, or separate by spaces; default: the kind's)."),
    click.option("--alg", "algs", multiple=True, type=Several(ASSERTION_SIGNING_ALGS), callback=_in_order,
                 help="Accept ID tokens that are signed by these algorithms (repeat, or separate by spaces; default: "
                 "RS256, or what the provider's description says)."),
    click.option("--tenant", "tenants", multiple=True, callback=words,
                 help="Let only people of these tenants sign in: numbers of Entra's tenants, or domains of Google's "
                 "organizations (repeat, or separate by spaces)."),
    click.option("--domain", "domains", multiple=True, callback=words,
                 help="Trust the provider with the addresses of these domains, which it alone gives out, and lead "
                 "people who type one to it (repeat, or separate by spaces)."),
    click.option("--creates/--no-creates", default=None,
                 help="Make an account for a person whom no account knows, or refuse them (default)."),
    click.option("--links", type=click.Choice(LINKS),
                 help="verified: link an account that has the same proven address, if the provider alone gives out "
                 "that address; off: let the person sign in to the account first (default)."),
    click.option("--roles-claim", help="Read roles from this claim of its ID tokens."),
    click.option("--role", "roles", multiple=True, callback=_whole,
                 help="Give a role while the claim has a value, as value=role (repeat for more)."),
    click.option("--acr-value", "acr_values", multiple=True, callback=_whole,
                 help="Take a value of its acr or amr for a level, as value=urn:valet:acr:multi-factor (repeat for "
                 "more)."),
    click.option("--client", "clients", multiple=True, callback=words,
                 help="Offer it at the sign-in of these clients only (repeat, or separate by spaces)."),
    click.option("--secret-expires", "secret_expires_at", type=Day(),
                 help="Note the day on which the secret ends, so that `valet doctor` warns of it."),
    translating("name#de=Firmenkonto"),
)  # fmt: skip

_SECRET = (
    click.option("--secret-stdin", "is_stdin", is_flag=True, help="Read the secret from standard input."),
    click.option("--secret-file", "file", type=click.Path(dir_okay=False),
                 help="Read the secret from this file: Apple's .p8 file, for instance."),
)  # fmt: skip


def registration(registered: Decorated) -> Decorated:
    for option in reversed((*_OPTIONS, *_SECRET)):
        registered = option(registered)
    return registered
