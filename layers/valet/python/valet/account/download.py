"""The section of the account page with all that is kept about the person, as one file."""

import json
from collections.abc import Mapping
from typing import Any

from valet.account.apps import outlines
from valet.account.visit import OUT_OF_DATE, Visit, at, out_of_date
from valet.frozen import Frozen
from valet.http import NO_STORE, Parameters, Response
from valet.models.providers import Link

_FILE = {
    **NO_STORE,
    "Content-Type": "application/json",
    "Content-Disposition": 'attachment; filename="account.json"',
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
}
# What says nothing about a person: secrets, digests of secrets, and marks of this server's own.
NOT_TOLD = frozenset(
    {"digest", "ending", "password_id", "epoch", "epoch_raised_at_ms", "sessions_not_before_ms", "expires_at", "sid"}
    | {"passkeys", "user_handle", "totp_id", "recovery_id", "remembered", "instead_of", "links", "link", "attempt"}
)


def show(visit: Visit) -> Response:
    return visit.page(csrf_token=visit.token())


def act(visit: Visit, form: Parameters) -> Response:
    """The file. Nothing is changed or kept."""
    if not visit.is_form(form):
        raise out_of_date(visit.page(status=400, error=OUT_OF_DATE, csrf_token=visit.token()))
    visit.ports.audit.record("account.downloaded", sub=visit.visitor.account.sub)
    return Response(200, _FILE, json.dumps(everything(visit), indent=2, ensure_ascii=False))


def everything(visit: Visit) -> dict[str, Any]:
    """What is kept about the person."""
    account = visit.visitor.account
    return {
        "made_at": at(int(visit.now)),
        "account": _told(account),
        "sessions": [_told(each) for each in visit.ports.sessions.sessions_of(account.sub, visit.now)],
        "consents": [_told(each) for each in visit.ports.consents.consents_of(account.sub)],
        "grants": [_told(outline) for _, outline in outlines(visit)],
        "providers": [_told(link) for link in _links(visit)],
    }


def _links(visit: Visit) -> list[Link]:
    """The person's identities at other providers, the oldest link first."""
    account = visit.visitor.account
    found = [visit.ports.links.find_link(name) for name in sorted(account.links)]
    own = [link for link in found if link is not None and link.sub == account.sub]
    return sorted(own, key=lambda link: link.linked_at)


def _told(fact: Frozen) -> dict[str, Any]:
    """The fact's members that say something, with times as people read them."""
    return dict(_members(vars(fact)))


def _members(members: Mapping[str, Any]) -> list[tuple[str, Any]]:
    told: list[tuple[str, Any]] = []
    for name, value in members.items():
        if name in NOT_TOLD or value in (None, "", 0, (), frozenset(), False):
            continue
        if isinstance(value, Frozen):
            inner = _told(value)
            told += [(name, inner)] if inner else []
        elif name.endswith("_at_ms") or name == "auth_time_ms":
            told.append((name.removesuffix("_ms"), at(value // 1000)))
        elif name.endswith("_at"):
            told.append((name, at(value)))
        else:
            told.append((name, sorted(value) if isinstance(value, frozenset) else value))
    return told
