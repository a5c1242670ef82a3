"""Repeats a call to AWS for a minute, until it succeeds."""

from collections.abc import Callable
from typing import TypeVar

from valet.aws import observability
from valet.errors import TemporarilyUnavailable
from valet.ports.runtime import Clock

Done = TypeVar("Done")

_PATIENCE = 60  # seconds; a new role may take as long to be known everywhere in IAM
_PAUSE = 5  # seconds


def patiently(run: Callable[[], Done], clock: Clock, sleep: Callable[[float], None]) -> Done:
    """What `run` answers. Each run must go on where the last one ended: after TemporarilyUnavailable it is repeated.

    Raises TemporarilyUnavailable when a minute is over.
    """
    started = clock()
    while True:
        try:
            return run()
        except TemporarilyUnavailable as error:
            observability.log_refusal(error)
            if clock() - started >= _PATIENCE:
                raise
            sleep(_PAUSE)
