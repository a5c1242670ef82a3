"""`valet clients`: the secrets of confidential clients, which are seen once and replaced with an overlap."""

from dataclasses import replace
from typing import Any

import click
from valet.handles import digest, new_handle

from admin.desk import Desk
from admin.options import confirmed
from admin.terminal.endings import Refused
from admin.terminal.spelling import command


@click.command("rotate-secret")
@click.argument("client_id")
@click.option(
    "--now", "at_once", is_flag=True, help="End every older secret at once, for instance because it has leaked."
)
@confirmed
@click.pass_obj
def rotate_secret(desk: Desk, client_id: str, at_once: bool) -> None:
    """Give the client a second secret and show it only once. Both are accepted until `end-old-secret`."""
    before = desk.register.client(client_id)
    if not before.has_secret:
        raise Refused(f"{client_id} authenticates by {before.token_endpoint_auth_method}: it has no secret.")
    if len(before.secret_digests) > 1 and not at_once:
        raise Refused(
            f"{client_id} has two live secrets already. End the older one first, "
            f"with {command('valet clients end-old-secret', client_id)}, or end both with --now."
        )
    if at_once:
        desk.confirm(f"End every older secret of {client_id}? The client is refused until it uses the new one.")
    secret = new_handle(desk.random)
    kept = () if at_once else before.secret_digests
    after = replace(before, secret_digests=(*kept, digest(secret)))
    desk.register.change_client(before, after)
    told = (
        "The older secret is refused within 10 seconds."
        if at_once
        else "The older secret is accepted until you end it."
    )
    tell_secret(desk, {"client_id": client_id}, secret, f"{client_id} has a new secret. {told}")


@click.command("end-old-secret")
@click.argument("client_id")
@confirmed
@click.pass_obj
def end_old_secret(desk: Desk, client_id: str) -> None:
    """End the older secret: only the newest one is accepted."""
    before = desk.register.client(client_id)
    if len(before.secret_digests) < 2:
        raise Refused(f"{client_id} has no older secret to end.")
    desk.confirm(f"End the older secret of {client_id}? A server that still uses it is refused.")
    desk.register.change_client(before, replace(before, secret_digests=before.secret_digests[-1:]))
    desk.done(f"The older secret of {client_id} is refused within 10 seconds.", client_id=client_id, secrets=1)


def tell_secret(desk: Desk, facts: dict[str, Any], secret: str | None, sentence: str) -> None:
    """Show the facts, and the new secret this once."""
    if secret:
        facts = {**facts, "client_secret": secret}
    if desk.is_json:
        desk.show(facts)
        return
    desk.say(sentence)
    desk.show(facts)
    if secret:
        desk.say("The secret cannot be shown again. Store it now where the client keeps its secrets.")


COMMANDS = (rotate_secret, end_old_secret)
