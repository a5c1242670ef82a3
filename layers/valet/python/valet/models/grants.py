"""Grants, the tokens that come of them, and where a person's grants are."""

from typing import NamedTuple

from valet.frozen import Frozen


class LiveToken(NamedTuple):
    """An access token that may be alive: when it expires, and its place in a status list."""

    exp: int
    list_id: str
    idx: int


class Grant(Frozen):
    """An end-user's permission for a client: one item, on which each step is one conditional write."""

    grant_id: str
    client_id: str
    sub: str
    sid: str
    scope: tuple[str, ...]  # the closure, frozen at consent
    aud: tuple[str, ...]  # its one protected API, or none; the issuer is in a token's by the scope openid
    auth_time: int
    acr: str
    amr: tuple[str, ...]
    nonce: str | None
    redirect_uri: str
    code_challenge: str  # empty: the client, for which PKCE is optional, sent none
    issued_at_ms: int
    code_digest: bytes
    absolute_expires_at: int
    expires_at: int  # DynamoDB's TTL
    code_expires_at: int = 0  # and the nonce: forgotten when the code is redeemed
    redemption: bytes = b""  # the attempt that redeemed the code
    redeemed_at_ms: int = 0
    family_digest: bytes = b""
    refresh_digest: bytes = b""
    generation: int = 0
    previous_digest: bytes = b""
    retry_key: bytes = b""  # what the code is derived with until it is redeemed, and then the latest refresh token
    rotated_at_ms: int = 0
    paced_until: int = 0  # when its refreshes would be over at the steady pace (grant_types/pace.py)
    idle_expires_at: int = 0
    live: tuple[LiveToken, ...] = ()
    revoked_at: int = 0
    revoked_for: str = ""
    revocation: bytes = b""  # the attempt that revoked it
    epoch: int = 0  # the session's
    client_epoch: int = 0  # the client's, as it was known when the code was issued
    # What the client asked for by the parameter `claims`, and may be told, next to the claims of the scope.
    userinfo_claims: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    # Protected APIs, where the request named several (RFC 8707): `aud` is empty, and each access token is for one.
    resources: tuple[str, ...] = ()
    # Thumbprints of keys (RFC 9449 §6.1); empty: none is named. The code's, by the authorization request (§10), and the
    # refresh token's, by the proof that redeemed the code of a public client (§5).
    dpop_jkt: str = ""
    jkt: str = ""
    # The session's: roles by another provider's word, which count only while the account names `link`.
    link: str = ""
    roles: frozenset[str] = frozenset()
    is_device: bool = False  # a person has allowed it to a device (RFC 8628): it has no redirect_uri


class GrantOutline(Frozen):
    """Whose a grant is and what it allows: what its end-user is told of it, and nothing of its tokens."""

    client_id: str
    sub: str
    scope: tuple[str, ...]
    issued_at_ms: int
    expires_at: int  # when nothing of it can be used any more, or later
    redeemed_at_ms: int = 0
    revoked_at: int = 0
    epoch: int = 0
    is_device: bool = False


class GrantPointer(Frozen):
    """Leads from an end-user to a grant; a pointer without its grant is harmless. Until the code is redeemed, the
    pointer expires with the code.
    """

    sub: str
    sid: str
    grant_id: str
    ends_with_session: bool
    expires_at: int
    redeemed_at: int = 0  # 0: not yet, or written by the release before
    client_id: str = ""  # empty: written by the release before


class Tokens(Frozen):
    """The content of a token response (RFC 6749 §5.1)."""

    access_token: str
    expires_in: int
    scope: tuple[str, ...]
    refresh_token: str | None = None
    id_token: str | None = None
