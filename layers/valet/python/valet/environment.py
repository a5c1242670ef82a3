"""The process's environment; no other module touches it. It is separate from settings.py, because the authorizer reads
its own variables and should import no more than it needs.
"""

import os
from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    return os.environ
