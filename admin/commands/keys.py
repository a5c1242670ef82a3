"""`valet keys`: the signing keys, in one lane for each algorithm. Only the function rotate_keys changes them."""

import json
from typing import Any

import click
from valet.keys.plan import ANNOUNCED_FOR
from valet.keys.ring import ANNOUNCED, SIGNING, signing_algs
from valet.keys.rotation import CURRENT
from valet.models.keys import SigningKey

from admin.desk import Desk, Seconds, moment, span
from admin.options import confirmed
from admin.terminal.endings import Refused, Unreachable
from admin.terminal.spelling import command


@click.group(short_help="List and rotate the signing keys, or drop one.")
def keys() -> None:
    """List the signing keys, rotate them, or drop one in an emergency."""


@keys.command("list", short_help="List every key and its state.")
@click.pass_obj
def list_(desk: Desk) -> None:
    """List every key: of each algorithm the signing key, its announced standby, and the keys that only verify.

    The first one signs for every client and API that is registered for no algorithm.
    """
    ring = desk.deployment.key_records.key_ring()
    lanes = list(dict.fromkeys((*signing_algs(ring.keys), *(key.alg for key in ring.keys))))
    ordered = sorted(ring.keys, key=lambda key: (lanes.index(key.alg), key.state != SIGNING))
    rows = [_facts_of(key, desk.clock()) for key in ordered]
    desk.list(rows, "kid", "alg", "state", "signer", "created_at", "signing_since", "age",
              spare="signer created_at age")  # fmt: skip


@keys.command(short_help="Let the announced standby sign from now on.")
@click.option("--alg", help="Rotate the key of this algorithm only (default: the key of each).")
@confirmed
@click.pass_obj
def rotate(desk: Desk, alg: str | None) -> None:
    """Let the announced standby sign from now on, ahead of the schedule. Verifiers know it already."""
    now = desk.clock()
    ring = desk.deployment.key_records.key_ring()
    signing = signing_algs(ring.keys)
    if alg is not None and alg not in signing:
        raise Refused(f"No key signs with {alg}, only with {' and '.join(signing)}.")
    lanes = signing if alg is None else (alg,)
    standbys = [key for key in ring.keys if key.state == ANNOUNCED and key.alg in lanes]
    known_since = min((key.created_at for key in standbys), default=now)
    if now - known_since < ANNOUNCED_FOR:
        ready = moment(known_since + ANNOUNCED_FOR) if standbys else "in a few hours"
        raise Refused(
            f"No standby has been announced for {span(ANNOUNCED_FOR)} yet, the longest time that verifiers cache keys: "
            f"try again from {ready} on. If the key has leaked, `valet keys emergency` does not wait."
        )
    which = f"signing key of {alg}" if alg else "signing key" if len(lanes) == 1 else "signing keys"
    desk.confirm(f"Rotate the {which} now? Tokens of the present key are still accepted.")
    _tell(desk, _invoke(desk, {"rotate": alg or "now"}), "Rotated.")


@keys.command(
    short_help="Drop a key at once, because it has leaked.",
    # A kid may begin with a hyphen, and no letter of it may then ask for help.
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
)
@click.argument("kid", default=CURRENT)
@confirmed
@click.pass_obj
def emergency(desk: Desk, kid: str) -> None:
    """Drop the key KID at once (default: the signing key, if keys of one algorithm sign). Every token that it signed is
    refused."""
    ring = desk.deployment.key_records.key_ring()
    if kid != CURRENT and all(key.kid != kid for key in ring.keys):
        raise Refused(f"There is no signing key {kid}: `valet keys list` lists them.")
    signing = [key for key in ring.keys if key.state == SIGNING]
    if kid == CURRENT and len(signing) > 1:
        told = "; ".join(f"{key.alg}: {command('valet keys emergency', key.kid)}" for key in signing)
        raise Refused(f"Keys of {len(signing)} algorithms sign, and an emergency concerns one key. Name it. {told}")
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
