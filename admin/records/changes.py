"""The fields of an audit event about a change: the kind, the members that changed, and their values before and after.

The kind (the field `deed`) is computed from the members that changed. No command states it, so none can state a wrong
one. For secrets the event has only their number; for end-users it has only their roles and the level of their sign-ins.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.policy import Policy
from valet.models.providers import Provider
from valet.models.unknown_clients import Hosts, Invite
from valet.registration.client_keys import names_of

Deed = Literal[
    "added",
    "changed",
    "deleted",
    "disabled",
    "enabled",
    "grants.ended",
    "imported",
    "password.set",
    "roles.changed",
    "secret.ended",
    "secret.rotated",
    "sessions.ended",
]
Facts = Mapping[str, Any]
Model = TypeVar("Model", Account, Client, ProtectedApi, Scope, Policy, Provider, Hosts)

DEEDS: Mapping[Deed, str] = MappingProxyType(
    {
        "added": "registered, with the values that differ from the defaults",
        "changed": "other members changed, or several at once",
        "deleted": "no longer registered; with the last values, for an end-user only the roles",
        "disabled": "a client is refused; an end-user can no longer sign in; nobody signs in by a provider",
        "enabled": "a client is accepted again; an end-user can sign in again; people sign in by a provider again",
        "grants.ended": "a client's grants from before `after.epoch`, or `after.grants_not_before`, are dead",
        "imported": "an end-user was registered from a file",
        "password.set": "an end-user has another password; with the epoch in `members`, their grants are dead as well",
        "roles.changed": "an end-user has other roles: `before.roles`, `after.roles`",
        "secret.ended": "only a client's newest secret is accepted; before, `before.secrets` secrets were",
        "secret.rotated": "a client has another secret; `after.secrets` secrets are accepted, 1 if the others ended; "
        "or Valet has another one at a provider",
        "sessions.ended": "all sessions and grants that an end-user had until then are dead",
    }
)
# Members whose values are logged in another form than they are stored in.
_TOLD_AS = {
    "grants_not_before_ms": "grants_not_before",
    "secret_digests": "secrets",
}
# Written with every epoch, for the release before and for operators to read. The event has the epoch instead.
_TIMES_OF_EPOCH = frozenset({"epoch_raised_at_ms", "grants_not_before_ms", "sessions_not_before_ms"})
# Written with every claim, and with every secret. The event has a time of its own.
_TIMES_OF_CHANGES = frozenset({"updated_at", "secret_made_at_ms"})
_TOLD_OF_PEOPLE = frozenset({"roles", "required_acr"})


def of_client(before: Client | None, after: Client | None) -> Facts:
    nobody = Client("", "")
    changed = _changed(before or nobody, after or nobody, "client_id")
    return {
        "client_id": (after or before or nobody).client_id,
        "deed": _deed_of_client(changed, before, after),
        **_told(changed, before, after),
    }


def of_api(before: ProtectedApi | None, after: ProtectedApi | None) -> Facts:
    nothing = ProtectedApi("", "")
    changed = _changed(before or nothing, after or nothing, "audience")
    return {
        "audience": (after or before or nothing).audience,
        "deed": _deed(before, after),
        **_told(changed, before, after),
    }


def of_scope(before: Scope | None, after: Scope | None) -> Facts:
    nothing = Scope("", "")
    changed = _changed(before or nothing, after or nothing, "name")
    return {"scope": (after or before or nothing).name, "deed": _deed(before, after), **_told(changed, before, after)}


def of_policy(before: Policy, after: Policy) -> Facts:
    return {"deed": "changed", **_told(_changed(before, after, ""), before, after)}


def of_hosts(before: Hosts, after: Hosts) -> Facts:
    return {"deed": "changed", **_told(_changed(before, after, ""), before, after)}


def of_invite(invite: Invite) -> Facts:
    """Of a new invite, and nothing of its secret."""
    after = {"invite_id": invite.invite_id, "uses": invite.uses, "owner": invite.owner}
    return {"deed": "added", "members": " ".join(after), "before": {}, "after": after}


def of_provider(before: Provider | None, after: Provider | None) -> Facts:
    nothing = Provider("", "")
    changed = _changed(before or nothing, after or nothing, "provider_id")
    return {
        "provider": (after or before or nothing).provider_id,
        "deed": _deed_of_provider(changed, before, after),
        **_told(changed, before, after),
    }


def of_account(before: Account | None, after: Account | None, deed: Deed | None = None) -> Facts:
    nobody = Account("", "")
    changed = _changed(before or nobody, after or nobody, "sub")
    told = [name for name in changed if name in _TOLD_OF_PEOPLE]
    return {
        "sub": (after or before or nobody).sub,
        "deed": deed or _deed_of_account(changed, before, after),
        **_told(told, before, after),
        "members": _members(changed),
    }


def _changed(before: Model, after: Model, key: str) -> list[str]:
    names = (field.name for field in fields(before) if field.name not in {key, *_TIMES_OF_CHANGES})
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    return [name for name in changed if name not in _TIMES_OF_EPOCH] if "epoch" in changed else changed


def _told(changed: list[str], before: Model | None, after: Model | None) -> Facts:
    return {"members": _members(changed), "before": _values(changed, before), "after": _values(changed, after)}


def _members(changed: list[str]) -> str:
    return " ".join(_TOLD_AS.get(name, name) for name in changed)


def _values(names: list[str], of: Model | None) -> Facts:
    return {_TOLD_AS.get(name, name): _value(name, getattr(of, name)) for name in names} if of is not None else {}


def _value(name: str, value: Any) -> str | int | bool | None:
    if name == "secret_digests":
        return len(value)
    if name == "jwks":
        return " ".join(names_of(value)) if value else ""
    if name.endswith("_ms"):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds") if value else None
    if name == "secret":
        return "sealed" if value else ""
    if name in ("brand_logo", "logo"):
        return f"{len(value)} bytes"
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    if isinstance(value, tuple):
        return " ".join(value)
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"the member {name} has no form for the log")


def _deed(before: Model | None, after: Model | None) -> Deed:
    return "added" if before is None else "deleted" if after is None else "changed"


def _deed_of_client(changed: list[str], before: Client | None, after: Client | None) -> Deed:
    if before is None or after is None:
        return _deed(before, after)
    match changed:
        case ["is_disabled"]:
            return "disabled" if after.is_disabled else "enabled"
        case ["epoch"] | ["grants_not_before_ms"]:
            return "grants.ended"
        case ["secret_digests"]:
            return "secret.rotated" if set(after.secret_digests) - set(before.secret_digests) else "secret.ended"
    return "changed"


def _deed_of_provider(changed: list[str], before: Provider | None, after: Provider | None) -> Deed:
    if before is None or after is None:
        return _deed(before, after)
    if set(changed) <= {"secret", "secret_expires_at"} and "secret" in changed:
        return "secret.rotated"
    if changed == ["is_disabled"]:
        return "disabled" if after.is_disabled else "enabled"
    return "changed"


def _deed_of_account(changed: list[str], before: Account | None, after: Account | None) -> Deed:
    if before is None or after is None:
        return _deed(before, after)
    match changed:
        case ["is_disabled"] | ["is_disabled", "epoch"]:
            return "disabled" if after.is_disabled else "enabled"
        case ["roles"]:
            return "roles.changed"
        case ["password_id"] | ["password_id", "epoch"]:
            return "password.set"
        case ["epoch"]:
            return "sessions.ended"
    return "changed"
