"""Moves the signing keys on: by the hour, for the stack, and by hand in an emergency. It has no route."""

from collections.abc import Callable, Mapping
from time import sleep
from typing import Any, TypeVar

from valet.aws import cloudformation, observability
from valet.aws.clients import client
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import Table
from valet.aws.key_maker import KmsKeyMaker
from valet.errors import TemporarilyUnavailable
from valet.keys.plan import overdue_days
from valet.keys.ring import signing_key
from valet.keys.rotation import Rotation
from valet.models.clients import Scope
from valet.models.keys import KeyRing
from valet.server import SERVER

Done = TypeVar("Done")

PHYSICAL_RESOURCE_ID = "valet-signing-keys"
STANDARD_SCOPES = (
    Scope("openid", "Sign you in, and recognise you when you come back"),
    Scope("profile", "See your name and username"),
    Scope("email", "See your email address"),
    Scope("offline_access", "Keep this access while you are away, until you take it back"),
)
_SCHEDULERS = ("aws.events", "aws.scheduler")
_PATIENCE = 60  # seconds; as long as IAM may take to tell everybody of a role that was made a moment ago
_PAUSE = 5


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    observability.begin(context.aws_request_id)
    if event.get("source") in _SCHEDULERS:
        return _report(_checked(_patiently(lambda: _rotation().rotate(), context)))
    if cloudformation.is_request(event):
        cloudformation.fulfil(event, PHYSICAL_RESOURCE_ID, lambda: _patiently(_provide, context))
        return {}
    return _by_hand(event, context)


def _provide() -> None:
    """What a stack needs to be complete: a key that signs, its standby, and the standard scopes."""
    _checked(_rotation().rotate())
    registrar = Registrar(_registry_table())
    for scope in STANDARD_SCOPES:
        registrar.add_scope(scope)


def _by_hand(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """{"emergency": "<kid>"}, {"emergency": "current"} or {"rotate": "now"}: whoever may invoke us is as mighty as the
    signing key, so that it happened is an event of its own, whatever comes of it."""
    match dict(event):
        case {"emergency": str(kid), **rest} if not rest:
            SERVER.audit.record(
                "rotate_keys.by_hand", request_id=context.aws_request_id, deed="emergency", kid=kid[:64]
            )
            return _report(_patiently(lambda: _rotation().drop(kid), context))
        case {"rotate": "now", **rest} if not rest:
            SERVER.audit.record("rotate_keys.by_hand", request_id=context.aws_request_id, deed="rotate")
            return _report(_patiently(lambda: _rotation().rotate(is_due=True), context))
    SERVER.audit.record("rotate_keys.by_hand", request_id=context.aws_request_id, deed="unknown")
    raise ValueError('the event may be {"emergency": "<kid>"}, {"emergency": "current"} or {"rotate": "now"}')


def _patiently(deed: Callable[[], Done], context: Any) -> Done:
    """Each run goes on where the last one ended, so that whatever may pass is simply tried again, for a minute."""
    started = SERVER.clock()
    while True:
        try:
            return deed()
        except TemporarilyUnavailable as error:
            observability.log_refusal(error)
            if SERVER.clock() - started >= _PATIENCE:
                raise
            sleep(_PAUSE)


def _rotation() -> Rotation:
    settings = SERVER.settings
    records = DynamoKeyRecords(_registry_table(), SERVER.random)
    return Rotation(records, KmsKeyMaker(client("kms", settings), settings), SERVER.audit, SERVER.clock, settings)


def _registry_table() -> Table:
    return Table(client("dynamodb", SERVER.settings), SERVER.settings.registry_table)


def _checked(ring: KeyRing) -> KeyRing:
    """Once a run: an alarm waits for this line, and for what it says."""
    now = SERVER.clock()
    overdue = overdue_days(ring, now, SERVER.settings)
    SERVER.audit.record("keys.checked", kid=signing_key(ring.keys).kid, overdue_days=overdue)
    return ring


def _report(ring: KeyRing) -> dict[str, Any]:
    states: dict[str, Any] = {"signing": [], "announced": [], "retired": [], "dropped": []}
    for key in ring.keys:
        states[key.state].append(key.kid)
    return states
