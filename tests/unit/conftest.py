"""Hypothesis without a stopwatch, and else as it is set up: a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("unhurried", parent=settings(deadline=None))
settings.load_profile("unhurried")
