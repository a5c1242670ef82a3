"""Design faults of a refresh that keeps its refresh token: the model has to say what each breaks."""

from dataclasses import replace
from typing import Any

import pytest
from valet.grant_types import refresh_token

from tests.promises.model.faults import Fault
from tests.promises.model.patches import without

_GENERATION = "#generation = :read AND "
_REVOKED = " AND attribute_not_exists(#revoked_at)"
_LOST_BIT = "revocation answered, yet an access token is on no status list"


def _loser_takes_its_own_index(monkeypatch: pytest.MonkeyPatch) -> None:
    original = refresh_token._signed_again

    def signed_again(request: Any, ports: Any, grant: Any, account: Any, presented: Any) -> Any:
        own = ports.status_indices.allot(grant.client_id, grant.live[-1].exp)
        return original(request, ports, replace(grant, live=(*grant.live, own)), account, presented)

    monkeypatch.setattr(refresh_token, "_signed_again", signed_again)


RENEW_FAULTS = (
    Fault(
        "the renewal does not look at the generation",
        "renew-revoke",
        _LOST_BIT,
        without(_GENERATION, step="renew"),
    ),
    Fault(
        "the renewal does not look at revoked_at",
        "renew-revoke",
        "resurrected: renewed after revocation",
        without(_REVOKED, step="renew"),
    ),
    Fault(
        "a renewal that lost answers with an index of its own",
        "renew-race",
        "an answer's access token has an index of its own",
        _loser_takes_its_own_index,
    ),
    Fault(
        "the rotation does not look at the generation",
        "renew-changed",
        _LOST_BIT,
        without(_GENERATION, step="rotate"),
    ),
)
