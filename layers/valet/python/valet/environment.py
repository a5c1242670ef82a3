"""The process's environment; no other module touches it. Apart from settings.py, because the authorizer reads its own
and pays for no more than it needs."""

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    return os.environ
