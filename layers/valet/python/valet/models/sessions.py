"""Signed-in browsers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser (OpenID Connect Session: `sid` is public, the cookie is not)."""

    digest: bytes  # of the cookie
    sid: str
    sub: str
    auth_time_ms: int
    acr: str
    amr: tuple[str, ...]
    idle_expires_at: int
    absolute_expires_at: int
    ended_at: int = 0
    ending: bytes = b""  # the attempt that ended it
    epoch: int = 0  # the account's, as it was read before the password was compared

    @property
    def auth_time(self) -> int:
        return self.auth_time_ms // 1000
