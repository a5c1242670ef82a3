"""The model finds bugs: each design fault that is put into the running code breaks the promise that it should."""

from collections.abc import Callable

import pytest
from hypothesis import Phase, settings

from tests.promises.model import machine
from tests.promises.model.device_seeded import DEVICE_FAULTS
from tests.promises.model.driver import EXPLORED
from tests.promises.model.explorer import explore
from tests.promises.model.faults import Fault
from tests.promises.model.ledger import Violation
from tests.promises.model.operator_seeded import OPERATOR_FAULTS
from tests.promises.model.owner_seeded import OWNER_FAULTS
from tests.promises.model.proof_seeded import PROOF_FAULTS
from tests.promises.model.pushed_seeded import PUSHED_FAULTS
from tests.promises.model.reference_seeded import REFERENCE_FAULTS
from tests.promises.model.renew_seeded import RENEW_FAULTS
from tests.promises.model.repeat_seeded import REPEAT_FAULTS
from tests.promises.model.scenarios import BY_NAME
from tests.promises.model.second_seeded import SECOND_FAULTS
from tests.promises.model.seeded import FAULTS
from tests.promises.model.sign_in_seeded import SIGN_IN_FAULTS

# Races that need more luck than a few thousand random requests have: the walk over all interleavings finds them.
_ONLY_BY_WALKING = {
    "the rotation does not look at revoked_at",
    "the redemption does not look at revoked_at",
    "no condition on the redemption",
    "a code's second use counts before its verifier is checked",
    "rotated_at is the start of the request",
    "redeemed_at is the start of the request",
    "an old refresh token counts as stolen before its resource is looked at",
    "a refresh token works for any client",
    "a place is looked at before the request that shares it",
    "a place is forgotten whose bit no list shows yet",
    "a logout leaves no tombstone for the grant that is being issued",
    "a code is issued without a second look at the session",
}

_MOST_ROUNDS = 20  # of the state machine

# Of clients that keep their refresh token; the others' races are as rare as those above.
_BY_CHANCE_TOO = {"a renewal that lost answers with an index of its own"}


@pytest.mark.parametrize(
    "fault",
    [
        *(*FAULTS, *OPERATOR_FAULTS, *REPEAT_FAULTS, *PROOF_FAULTS, *PUSHED_FAULTS, *RENEW_FAULTS),
        *(*SIGN_IN_FAULTS, *SECOND_FAULTS, *OWNER_FAULTS, *DEVICE_FAULTS, *REFERENCE_FAULTS),
    ],
    ids=lambda fault: fault.name,
)
def test_the_walk_finds_it(
    fault: Fault, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    fault.patch(monkeypatch)
    explored = explore(BY_NAME[fault.scenario])
    assert explored.violation == fault.invariant, "\n    ".join((explored.violation, *explored.trace))
    record_property("seeded", f"{fault.name}: {explored.violation} ({fault.scenario}, {len(explored.trace)} steps)")


@pytest.mark.parametrize(
    "fault",
    [
        *(fault for fault in FAULTS if fault.name not in _ONLY_BY_WALKING),
        *(fault for fault in RENEW_FAULTS if fault.name in _BY_CHANCE_TOO),
    ],
    ids=lambda fault: fault.name,
)
def test_the_state_machine_finds_it(
    fault: Fault, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    fault.patch(monkeypatch)
    requests = EXPLORED["requests"]
    with pytest.raises(Violation) as found:
        _search()
    assert str(found.value) == fault.invariant
    record_property("seeded", f"{fault.name}: by the state machine, in {EXPLORED['requests'] - requests} requests")


def _search() -> None:
    profile = settings(
        max_examples=50,
        stateful_step_count=50,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # what it finds is expected: it need not be small
        report_multiple_bugs=False,
    )
    for luck in range(_MOST_ROUNDS):
        machine.explore(luck, profile)
