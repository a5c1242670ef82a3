"""Everybody does whatever they like, in any order: the handlers are held to the model at each step."""

from collections.abc import Callable

import pytest
from hypothesis import settings

from tests.promises.model.driver import EXPLORED
from tests.promises.model.machine import REACHED, explore
from tests.support import profiles

IS_DEEP = profiles.load()

# The run is not empty: the interesting answers have been given.
WITNESSES = (
    "redeem -> 200",
    "redeem -> killed",
    "refresh -> 200",
    "refresh -> 503",
    "retry -> 200",
    "thief -> 200",
    "old token -> 400",
    "garbage -> 400",
    "narrow -> 200",
    "widen -> 400",
    "other resource -> 400",
    "code for another resource -> 400",
    "wrong verifier -> 400",
    "revoke -> 200",
    "logout -> 200",
    "set-password -> 200",
    "sign-out -> 200",
    "revoke-client -> 200",
    "introspect -> 200",
    "userinfo -> 200",
    "redeem with a proof -> 200",
    "refresh with a proof -> 200",
    "refresh without rotation -> 200",
    "thief with a proof -> 400",
    "replay -> 400",
    "userinfo with a proof -> 200",
    "at once: code -> 200",
    "at once: refresh -> 200",
    "at once: refresh -> 400",
    "at once: refresh -> killed",
    "at once: refresh with a proof -> 400",
)


_AT_LEAST, _AT_MOST = 4, 30  # rounds


@pytest.mark.xdist_group("state machine")
def test_the_handlers_do_what_the_model_allows(record_property: Callable[[str, object], None]) -> None:
    # Some answers are rare: further, until each has been given.
    for luck in range(1 if IS_DEEP else _AT_MOST):
        explore(luck, settings(max_examples=20_000 if IS_DEEP else 50, stateful_step_count=50))
        if luck + 1 >= _AT_LEAST and all(REACHED[witness] for witness in WITNESSES):
            break
    record_property("explored", "state machine: " + ", ".join(f"{count:,} {what}" for what, count in EXPLORED.items()))
    assert [witness for witness in WITNESSES if not REACHED[witness]] == []
