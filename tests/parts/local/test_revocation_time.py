"""Revoked means refused, within five seconds by default (P5); `python -m bench.revocation` does it 200 times."""

import pytest

from bench.revocation import BOUND, measured
from local.stack import LocalStack


@pytest.mark.slow
@pytest.mark.xdist_group("revocation")
def test_a_revoked_token_is_refused_at_the_protected_route_within_five_seconds(stack: LocalStack) -> None:
    assert max(measured(stack, times=10, at_once=5)) <= BOUND
