"""Moves the signing keys on: by the hour, for the stack, and by hand in an emergency. It has no route."""

from collections.abc import Callable, Mapping
from time import sleep
from typing import Any, TypeVar

from valet.aws import cloudformation, observability
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import Table
from valet.aws.key_maker import KmsKeyMaker
from valet.aws.kms import KMS_ALGORITHMS
from valet.aws.patience import patiently
from valet.keys.ring import kids_by_state
from valet.keys.rotation import Rotation, record_check
from valet.models.keys import KeyRing
from valet.protocol.standard_scopes import STANDARD_SCOPES
from valet.server import SERVER

Done = TypeVar("Done")

PHYSICAL_RESOURCE_ID = "valet-signing-keys"
_SCHEDULERS = ("aws.events", "aws.scheduler")


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    observability.begin(context.aws_request_id)
    if event.get("source") in _SCHEDULERS:
        ring = _patiently(lambda: _rotation().rotate())
        record_check(ring, SERVER.audit, SERVER.settings, SERVER.clock())
    elif cloudformation.is_request(event):
        cloudformation.fulfil(event, PHYSICAL_RESOURCE_ID, lambda: _patiently(_provide))
        return {}
    else:
        ring = _by_hand(event, context.aws_request_id)
    return dict(kids_by_state(ring.keys))


def _provide() -> None:
    """Make what a stack needs to be complete: a key that signs, its standby, and the standard scopes."""
    record_check(_rotation().rotate(), SERVER.audit, SERVER.settings, SERVER.clock())
    registrar = Registrar(_registry_table())
    for scope in STANDARD_SCOPES:
        registrar.add_scope(scope)


def _by_hand(event: Mapping[str, Any], request_id: str) -> KeyRing:
    """{"emergency": "<kid>"}, {"emergency": "current"}, {"rotate": "now"} or {"rotate": "<algorithm>"}.

    A caller who may invoke this function is as mighty as the signing key: record each call before its outcome is known.
    """
    match dict(event):
        case {"emergency": str(kid), **rest} if not rest:
            SERVER.audit.record("rotate_keys.by_hand", request_id=request_id, deed="emergency", kid=kid[:64])
            return _patiently(lambda: _rotation().drop(kid))
        case {"rotate": str(which), **rest} if not rest and which in ("now", *KMS_ALGORITHMS):
            SERVER.audit.record("rotate_keys.by_hand", request_id=request_id, deed="rotate")
            due = frozenset(KMS_ALGORITHMS if which == "now" else (which,))
            return _patiently(lambda: _rotation().rotate(due))
    SERVER.audit.record("rotate_keys.by_hand", request_id=request_id, deed="unknown")
    raise ValueError(
        'the event may be {"emergency": "<kid>"}, {"emergency": "current"}, {"rotate": "now"} or '
        '{"rotate": "<algorithm>"}, such as RS256'
    )


def _patiently(run: Callable[[], Done]) -> Done:
    return patiently(run, SERVER.clock, sleep)


def _rotation() -> Rotation:
    settings = SERVER.settings
    records = DynamoKeyRecords(_registry_table(), SERVER.random)
    return Rotation(records, KmsKeyMaker(SERVER.kms, settings), SERVER.audit, SERVER.clock, settings)


def _registry_table() -> Table:
    return Table(SERVER.dynamodb, SERVER.settings.registry_table)
