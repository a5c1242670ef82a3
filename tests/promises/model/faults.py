"""A design fault that is put into the running code on purpose, and what has to find it."""

from dataclasses import dataclass

from tests.promises.model.patches import Patch
from tests.promises.model.scenarios import BY_NAME

FALSE_REVOCATION = "false revocation: nobody stole, nobody revoked"


@dataclass(frozen=True)
class Fault:
    name: str
    scenario: str  # one that finds it
    invariant: str
    patch: Patch

    def __post_init__(self) -> None:
        assert self.scenario in BY_NAME, self.scenario
