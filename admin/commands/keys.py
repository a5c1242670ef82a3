"""`valet keys`: the signing keys. Only the function rotate_keys changes them."""

import json
from typing import Any

import click
from valet.keys.plan import ANNOUNCED_FOR
from valet.keys.ring import ANNOUNCED
from valet.keys.rotation import CURRENT
from valet.models.keys import SigningKey

from admin.desk import Desk, Seconds, moment, span
from admin.options import confirmed
from admin.terminal.endings import Refused, Unreachable


@click.group(short_help="List and rotate the signing keys, or drop one.")
def keys() -> None:
    """List the signing keys, rotate them, or drop one in an emergency."""


@keys.command("list", short_help="List every key and its state.")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List every key: the signing key, its announced standby, and the keys that only verify."""
    rows = [_facts_of(key, desk.clock()) for key in desk.deployment.key_records.key_ring().keys]
    desk.list(rows, "kid", "state", "alg", "signer", "created_at", "signing_since", "age",
              spare="signer created_at alg age")  # fmt: skip


@keys.command(short_help="Let the announced standby sign from now on.")
@confirmed
@click.pass_obj
def rotate(desk: Desk) -> None:
    """Let the announced standby sign from now on, ahead of the schedule. Verifiers know it already."""
    now = desk.clock()
    ring = desk.deployment.key_records.key_ring()
    standbys = [key for key in ring.keys if key.state == ANNOUNCED]
    known_since = min((key.created_at for key in standbys), default=now)
    if now - known_since < ANNOUNCED_FOR:
        ready = moment(known_since + ANNOUNCED_FOR) if standbys else "in a few hours"
        raise Refused(
            f"No standby has been announced for {span(ANNOUNCED_FOR)} yet, the longest time that verifiers cache keys: "
            f"try again from {ready} on. If the key has leaked, `valet keys emergency` does not wait."
        )
    desk.confirm("Rotate the signing key now? Tokens of the present key are still accepted.")
    _tell(desk, _invoke(desk, {"rotate": "now"}), "Rotated.")


@keys.command(context_settings={"ignore_unknown_options": True})  # a kid may begin with a hyphen
@click.argument("kid", default=CURRENT)
@confirmed
@click.pass_obj
def emergency(desk: Desk, kid: str) -> None:
    """Drop the key KID at once (default: the signing key). Every token that it signed is refused."""
    ring = desk.deployment.key_records.key_ring()
    if kid != CURRENT and all(key.kid != kid for key in ring.keys):
        raise Refused(f"There is no signing key {kid}: `valet keys list` lists them.")
    desk.confirm(
        f"Drop the key {kid}? Every token that it signed is refused: by Valet at once, by other verifiers when they "
        "fetch the key set again, within two hours. This cannot be undone."
    )
    _tell(desk, _invoke(desk, {"emergency": kid}), "Dropped. The standby signs now, and another key is announced.")


def _invoke(desk: Desk, event: dict[str, str]) -> dict[str, Any]:
    """Invoke rotate_keys and return its answer.

    A principal that may invoke it is as powerful as the signing key, so IAM decides which may.
    """
    function = desk.deployment.output("RotateKeysFunction")
    answer = desk.deployment.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    told: dict[str, Any] = json.loads(answer["Payload"].read() or b"{}")
    if answer.get("FunctionError"):
        raise Unreachable(f"{function} failed: {told.get('errorMessage') or told.get('errorType')}")
    return told


def _tell(desk: Desk, states: dict[str, Any], sentence: str) -> None:
    kids = "; ".join(f"{state}: {' '.join(kids)}" for state, kids in states.items() if kids)
    desk.done(f"{sentence} {kids}", **states)


def _facts_of(key: SigningKey, now: float) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "state": key.state,
        "alg": key.alg,
        "signer": "wrapped" if key.wrapping_key else "kms",
        "key_id": key.wrapping_key or key.key_id,
        "created_at": moment(key.created_at),
        "signing_since": moment(key.signing_since),
        "retired_at": moment(key.retired_at),
        "dropped_at": moment(key.dropped_at),
        "ended_at": moment(key.ended_at),
        "age": Seconds(now - key.created_at),
    }
