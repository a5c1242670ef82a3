"""AWS as the local stack emulates it."""
