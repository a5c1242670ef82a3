"""Ports for servers of other programs, which take no port 0."""

from __future__ import annotations

import socket


def free_port() -> int:
    """A port of 127.0.0.1 that no program has at the moment. Another program may be quicker to take it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
