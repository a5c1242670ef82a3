"""A test whose program or library is not installed."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def is_missing(words: str) -> NoReturn:
    """Fail in CI, where nothing may be missing; skip elsewhere. `words` name it and the command that installs it."""
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    pytest.skip(words)
