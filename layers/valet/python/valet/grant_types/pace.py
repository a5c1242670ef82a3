"""How often one grant may be refreshed: many times at once, and then at a steady pace.

The grant keeps one moment: when its refreshes would be over at the steady pace. Each refresh moves the moment on by
one step, and a refresh is refused while the moment is too far ahead of the clock (the generic cell rate algorithm). The
clock catches up with a grant that is left alone. The refresh writes the moment, on the condition that no other refresh
came first, so that refreshes sent in parallel count as well. The numbers: docs/decisions/pace-of-a-grant.md.
"""

STEP = 10  # seconds
AT_ONCE = 60  # refreshes


def seconds_to_wait(paced_until: int, now: float) -> int:
    """Seconds until the next refresh is allowed; 0 if it is allowed now."""
    return max(0, paced_until - (AT_ONCE - 1) * STEP - int(now))


def paced_until(before: int, now: float) -> int:
    """The grant's moment after one more refresh."""
    return max(before, int(now)) + STEP
