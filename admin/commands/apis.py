"""`valet apis`: the protected APIs, which are the audiences of access tokens."""

from collections.abc import Sequence
from typing import Any

import click
from valet.models.clients import ProtectedApi
from valet.protocol.scope import ISSUERS_OWN
from valet.protocol.supported import JWT, TOKEN_FORMATS
from valet.registration import rules
from valet.registration.apis import needs_api, refusal_of_audience, wrong_with_api
from valet.registration.signing_algs import refusals_of_alg

from admin.desk import Desk, Seconds
from admin.options import ALG, SPAN, adjusted, changed, confirmed, words
from admin.terminal import registrations
from admin.terminal.endings import Refused, refuse_if
from admin.terminal.spelling import command


@click.group()
def apis() -> None:
    """Register protected APIs: audience, scopes, roles."""


@apis.command(short_help="Register a protected API.")
@click.argument("audience")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, callback=words, help="Give it these scopes (repeat, or separate by spaces)."
)
@click.option(
    "--role",
    "roles",
    multiple=True,
    callback=words,
    help="Include these end-user roles in its tokens (repeat, or separate by spaces).",
)
@click.option(
    "--access-token", "lifetime", type=SPAN, help="Set the lifetime of its access tokens (default: the deployment's)."
)
@click.option(
    "--access-token-alg",
    "alg",
    type=ALG,
    help="Sign its access tokens with this algorithm, with which a key must sign already (default: the first one of "
    "the deployment).",
)
@click.option(
    "--tokens",
    type=click.Choice(TOKEN_FORMATS),
    default=JWT,
    help="Issue JWTs, or references that the API introspects at each call (default: jwt).",
)
@click.pass_obj
def add(
    desk: Desk,
    audience: str,
    name: str,
    scopes: frozenset[str] | None,
    roles: frozenset[str] | None,
    lifetime: int | None,
    alg: str | None,
    tokens: str,
) -> None:
    """Register the protected API NAME. AUDIENCE is the `aud` of its tokens: an absolute URI without a fragment."""
    api = ProtectedApi(audience, name, scopes or frozenset(), roles or frozenset(), lifetime, alg or "", tokens)
    reason = refusal_of_audience(audience, (*desk.register.scopes().apis, desk.deployment.issuer))
    _refuse_wrong(desk, api, wrong=[rules.Wrong("audience", reason, audience)] if reason else [])
    desk.register.add_api(api)
    desk.done(f"Registered {name}. Within 10 seconds Valet issues tokens for it.", **_facts_of(api))


@apis.command("list")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List every protected API."""
    rows = [_facts_of(api) for _, api in sorted(desk.register.scopes().apis.items())]
    desk.list(rows, "audience", "name", "scopes", "roles", "access_token_lifetime", spare="access_token_lifetime roles")


@apis.command()
@click.argument("audience")
@click.pass_obj
def show(desk: Desk, audience: str) -> None:
    """Show everything that is registered about a protected API."""
    desk.show(_facts_of(desk.register.api(audience)))


@apis.command()
@click.argument("audience")
@click.option("--name", help="Set the display name.")
@click.option("--scope", "scopes", multiple=True, callback=words, help="Replace its scopes with these.")
@click.option("--add-scope", "added", multiple=True, callback=words, help="Add these scopes.")
@click.option("--remove-scope", "removed", multiple=True, callback=words, help="Remove these scopes.")
@click.option(
    "--open-scope", "open_scopes", multiple=True, callback=words,
    help="Open these of its scopes, and no others, to clients that nobody registered; \"\" opens none.",
)  # fmt: skip
@click.option("--role", "roles", multiple=True, callback=words, help="Replace the roles in its tokens with these.")
@click.option("--access-token", "access_token_lifetime", type=SPAN, help="Set the lifetime of its access tokens.")
@click.option(
    "--access-token-alg", "access_token_signing_alg", type=ALG, help="Sign its access tokens with this algorithm."
)
@click.option(
    "--tokens",
    "access_token_format",
    type=click.Choice(TOKEN_FORMATS),
    help="Issue JWTs, or references that the API introspects at each call.",
)
@click.pass_obj
def change(
    desk: Desk,
    /,
    audience: str,
    scopes: frozenset[str] | None,
    added: frozenset[str] | None,
    removed: frozenset[str] | None,
    **given: Any,
) -> None:
    """Change a protected API."""
    before = desk.register.api(audience)
    kept = adjusted(before.scopes, scopes, added, removed, "--scope --add-scope --remove-scope")
    after = changed(before, {**given, "scopes": kept})
    _refuse_wrong(desk, after, before)
    desk.register.change_api(before, after)
    desk.done(f"Changed {audience}.", **_facts_of(after))


@apis.command(short_help="Delete a protected API that nothing needs.")
@click.argument("audience")
@click.option("--with-scopes", is_flag=True, help="Delete its scopes as well, because no API would own them.")
@confirmed
@click.pass_obj
def delete(desk: Desk, audience: str, with_scopes: bool) -> None:
    """Delete a protected API that nothing needs any more. Valet then issues no token for it."""
    api, known = desk.register.api(audience), desk.register.scopes()
    if needed := needs_api(api, known, desk.register.clients()):
        raise Refused(f"{audience} is still needed: " + "; ".join(needed) + ".")
    own = [scope for name, scope in sorted(known.scopes.items()) if name in api.scopes - ISSUERS_OWN]
    names = [scope.name for scope in own]
    if own and not with_scopes:
        raise Refused(
            f"No API would own the scopes {' '.join(names)} of {audience}, and a token with them alone would "
            "be for the issuer. To delete them as well, pass --with-scopes. "
            "To keep them, remove them from the API first: "
            + command("valet apis change", audience, "--remove-scope", " ".join(names))
        )
    with_them = f" with its scopes {' '.join(names)}" if own else ""
    desk.confirm(f"Delete {audience} ({api.name}){with_them}? Clients get no more tokens for it.")
    # The API goes last: if the command dies before, the operator can repeat it.
    for scope in own:
        desk.register.delete_scope(scope)
    desk.register.delete_api(api)
    desk.done(
        f"Deleted {audience}{with_them}. Tokens that were issued for it are accepted until they expire.",
        audience=audience,
        scopes=names,
        deleted=True,
    )


def _refuse_wrong(
    desk: Desk, api: ProtectedApi, before: ProtectedApi | None = None, wrong: Sequence[rules.Wrong] = ()
) -> None:
    wrong = [*wrong, *wrong_with_api(api, desk.register.scopes(), desk.deployment.issuer)]
    if api.access_token_signing_alg:
        wrong += refusals_of_alg(api, before, desk.deployment.key_records.key_ring().keys)
    refuse_if(registrations.told(wrong, registrations.API))


def _facts_of(api: ProtectedApi) -> dict[str, Any]:
    return {
        "audience": api.audience,
        "name": api.name,
        "scopes": sorted(api.scopes),
        "open_scopes": sorted(api.open_scopes),
        "roles": sorted(api.roles),
        "access_token_lifetime": None if api.access_token_lifetime is None else Seconds(api.access_token_lifetime),
        "access_token_alg": api.access_token_signing_alg,
        "tokens": api.access_token_format,
    }
