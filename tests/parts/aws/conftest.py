"""The door to AWS, held by the test that asks for it."""

from collections.abc import Iterator

import pytest
from valet.aws.calls import OUTSIDE

from tests.parts.aws.door import Door


@pytest.fixture
def door() -> Iterator[Door]:
    kept = OUTSIDE.send, OUTSIDE.wait
    held = Door()
    OUTSIDE.send, OUTSIDE.wait = held.send, held.pauses.append
    try:
        yield held
    finally:
        OUTSIDE.send, OUTSIDE.wait = kept
