"""`valet clients`: the public keys of clients that sign their assertions (private_key_jwt)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from valet.handles import digest, new_handle
from valet.log import printable
from valet.models.clients import Client
from valet.protocol.supported import ASSERTION_SIGNING_ALGS, PRIVATE_KEY_JWT, REGISTERED_AUTH_METHODS
from valet.registration.client_keys import UnusableSet, names_of, refusal_of_method, registered_jwks

from admin.desk import Desk, counted
from admin.terminal.endings import Refused, Unreachable

_ANY = "any"
_MEMBERS = ("jwks", "jwks_uri", "token_endpoint_auth_signing_alg")


class Method(click.Choice[str]):
    """A method of client authentication. The message for client_secret_jwt says what to choose instead."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "client_secret_jwt":
            self.fail(f"{value}: {refusal_of_method(value)}", param, ctx)
        return super().convert(value, param, ctx)


class KeyFile(click.ParamType[str]):
    """A file with a JWK Set or one JWK, as the member `jwks` of a registration."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return registered_jwks(json.loads(Path(value).read_text(encoding="utf-8-sig")))
        except OSError as error:
            self.fail(f"{value} cannot be read: {error.strerror}", param, ctx)
        except ValueError:
            self.fail(f"{value} is not JSON: it must hold a JWK Set, or one public key as a JWK", param, ctx)
        except UnusableSet as unusable:
            self.fail(f"{value}: {unusable}", param, ctx)


def _any_is_none(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    return "" if value == _ANY else value


AUTH = click.option("--auth", "token_endpoint_auth_method", type=Method(REGISTERED_AUTH_METHODS),
                    help="Set how it authenticates: client_secret is either method with a secret; private_key_jwt "
                    "needs --jwks or --jwks-uri (default: client_secret for web, none for others).")  # fmt: skip
OPTIONS = (
    click.option("--jwks", type=KeyFile(),
                 help="Register the public keys in this file, a JWK Set or one JWK, for private_key_jwt."),
    click.option("--jwks-uri",
                 help="Fetch its public keys from this https address every five minutes, instead of --jwks."),
    click.option("--auth-alg", "token_endpoint_auth_signing_alg", callback=_any_is_none,
                 type=click.Choice((*ASSERTION_SIGNING_ALGS, _ANY)),
                 help="Accept only assertions that are signed by this algorithm (default: any)."),
)  # fmt: skip


def with_its_method(client: Client, given: Mapping[str, Any], desk: Desk) -> tuple[Client, str | None]:
    """The client without what belongs to another method, and the secret that it needs and does not have yet.

    What the operator has just given stays: the rules say what is wrong with it.
    """
    jwks, jwks_uri, alg = (given.get(name) or "" for name in _MEMBERS)
    if client.token_endpoint_auth_method != PRIVATE_KEY_JWT:
        client = replace(client, jwks=jwks, jwks_uri=jwks_uri, token_endpoint_auth_signing_alg=alg)
    elif jwks or jwks_uri:
        client = replace(client, jwks=jwks, jwks_uri=jwks_uri)
    if not client.has_secret:
        return replace(client, secret_digests=()), None
    if client.secret_digests:
        return client, None
    secret = new_handle(desk.random)
    return replace(client, secret_digests=(digest(secret),)), secret


def facts_of(client: Client) -> dict[str, Any]:
    """The keys as the commands show them: by their names, without the numbers they are made of."""
    return {
        "auth_alg": client.token_endpoint_auth_signing_alg,
        "jwks": names_of(client.jwks) if client.jwks else [],
        "jwks_uri": client.jwks_uri,
    }


@click.command("fetch-keys", short_help="Fetch the keys that clients publish at once.")
@click.argument("client_id", required=False)
@click.pass_obj
def fetch_keys(desk: Desk, client_id: str | None) -> None:
    """Fetch the keys of CLIENT_ID from its jwks_uri now (default: of every client that has one)."""
    if client_id:
        client = desk.register.client(client_id)
        if not client.jwks_uri:
            raise Refused(f"{client_id} has no jwks_uri: register one with --jwks-uri.")
        desk.register.announce_keys(client)  # the command that registered it may have been interrupted
    outcomes = _invoke(desk, {"client_id": client_id} if client_id else {})
    rows = [
        # A failure may quote what a client's server answered.
        {"client_id": name, "keys": told.get("keys"), "failure": printable(told.get("failure", ""))}
        for name, told in sorted(outcomes.items())
    ]
    failed = [row for row in rows if row["failure"]]
    if client_id and failed:
        raise Unreachable(f"The keys of {client_id} could not be fetched: {failed[0]['failure']}")
    if client_id:
        count = rows[0]["keys"] if rows else 0
        desk.done(f"Fetched {counted(int(count or 0), 'key')} of {client_id}. Within 10 seconds every function uses "
                  "them.", client_id=client_id, keys=count)  # fmt: skip
        return
    desk.list(rows, "client_id", "keys", "failure")
    if failed:
        raise Unreachable(f"The keys of {counted(len(failed), 'client')} could not be fetched.")


def _invoke(desk: Desk, event: dict[str, str]) -> dict[str, Any]:
    function = desk.deployment.output("FetchClientKeysFunction")
    answer = desk.deployment.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    told: dict[str, Any] = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise Unreachable(f"{function} failed: {told.get('errorMessage') or told.get('errorType')}")
    return told


COMMANDS = (fetch_keys,)
