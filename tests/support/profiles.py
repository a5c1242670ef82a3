"""How long Hypothesis tries: `ci`, the same each time and in seconds, or `deep`, anew each time and in many minutes.

HYPOTHESIS_PROFILE chooses.
"""

import os

from hypothesis import HealthCheck, Phase, settings

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
_SLOW = tuple(HealthCheck)


def load() -> bool:
    """Load the profile; answers whether it is the deep one."""
    settings.register_profile("ci", deadline=None, derandomize=True, phases=_PHASES, suppress_health_check=_SLOW)
    settings.register_profile("deep", deadline=None, phases=_PHASES, suppress_health_check=_SLOW)
    name = os.environ.get("HYPOTHESIS_PROFILE", "ci")
    settings.load_profile(name)
    return name == "deep"
