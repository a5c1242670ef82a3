"""What the world knows of one grant, and what a token says."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from valet.handles import RefreshToken, digest
from valet.models.grants import LiveToken

from tests.promises.model.acts import APIS, apis_of
from tests.promises.model.alike import alike


@dataclass
class Facts:
    """One grant, as the world knows it."""

    grant_id: str
    client_id: str
    sub: str
    sid: str
    scope: frozenset[str]
    code_digest: bytes
    code_expires_at: int
    absolute_expires_at: int
    issued_at_ms: int
    ends_with_session: bool
    session: str  # the digest of the cookie that it was issued to
    after_commit: frozenset[int] = frozenset()  # operators' commands that had taken effect when it was asked for
    is_of_stale_client: bool = False  # issued by a sandbox with an old record of its client
    redeemed_at: float | None = None  # when the write that took effect was made
    redeemed_by: int = 0
    redeemed_from: float = 0.0  # when its request came
    rotated_at: float = 0.0
    rotated_by: int = 0
    idle_expires_at: int = 0
    family: bytes = b""
    chain: list[bytes] = field(default_factory=list)  # digests of the refresh tokens, the last is current
    live: list[LiveToken] = field(default_factory=list)  # the place of each generation; several may share one
    current: list[int] = field(default_factory=list)  # which token of the chain was current in each generation
    code_jkt: str = ""  # the key that the code was issued for
    jkt: str = ""  # the key that its refresh tokens are bound to
    is_revoked: bool = False
    is_revocation_answered: bool = False
    # What was answered, whether or not it arrived.
    is_code_answered: bool = False
    code_answers: set[int] = field(default_factory=set)
    successors: dict[str, str] = field(default_factory=dict)
    answered: dict[LiveToken, None] = field(default_factory=dict)

    def again(self) -> "Facts":
        return alike(
            self,
            chain=list(self.chain),
            live=list(self.live),
            current=list(self.current),
            code_answers=set(self.code_answers),
            successors=dict(self.successors),
            answered=dict(self.answered),
        )

    def is_genuine(self, token: RefreshToken | None, client_id: str) -> bool:
        return token is not None and client_id == self.client_id and digest(token.family) == self.family != b""

    def position(self, token: RefreshToken) -> int | None:
        """How old it is: 0 is current, 1 the one before; None was never a token of this grant."""
        found = digest(token.secret)
        return len(self.chain) - 1 - self.chain.index(found) if found in self.chain else None

    def went_on(self, place: LiveToken) -> None:
        """A write gave the grant its next generation."""
        self.live.append(place)
        self.current.append(len(self.chain) - 1)

    def places_of(self, secret: str, *, of_renewals: bool) -> list[LiveToken]:
        """The places that were recorded while the token was current; `of_renewals`: but for the first, which came with
        the token itself.
        """
        found = digest(secret)
        nth = self.chain.index(found) if found in self.chain else None
        return [place for place, current in zip(self.live, self.current, strict=True) if current == nth][of_renewals:]

    def is_live(self, bit: tuple[str, int], now: float) -> bool:
        return any((token.list_id, token.idx) == bit and token.exp > now for token in self.live)


def picks_an_api(scope: Iterable[str], resource: str) -> bool:
    """Whether a token request with that `resource` can be answered for a grant with that scope."""
    apis = apis_of(" ".join(scope))
    return resource in apis if resource else len(apis) < 2


def part_of(scope: Iterable[str], resource: str) -> frozenset[str]:
    """The part of the scope that a token for that `resource` has."""
    others = [names for api, names in APIS.items() if resource and api != resource]
    return frozenset(scope).difference(*others)


@dataclass(frozen=True)
class Rules:
    """What the deployment says."""

    windows: Mapping[str, int]  # of each client
    idle_lifetime: int
    access_token_lifetime: int


@cache
def claims_of(token: str) -> Mapping[str, Any]:
    """An access token's claims; nothing of what is no JWS."""
    parts = token.split(".")
    if len(parts) != 3 or len(parts[0]) < 44:  # a refresh token has three parts as well
        return {}
    try:
        claims: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except ValueError:
        return {}
    return claims


def live_token(claims: Mapping[str, Any]) -> LiveToken:
    status = claims["status"]["status_list"]
    return LiveToken(claims["exp"], status["uri"].rpartition("/")[2], status["idx"])
