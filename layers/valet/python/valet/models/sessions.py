"""Signed-in browsers, and what an ID token says of one."""

from valet.frozen import Frozen


class Session(Frozen):
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
    # For the end-user, who looks at where they are signed in; empty: not known.
    agent: str = ""  # the browser and its system, such as "Firefox, Windows"
    network: str = ""  # an IPv4 address, or the prefix of an IPv6 address
    # The browser gave this second factor some days ago and is not asked again: the session counts for what the account
    # itself wants, and for nothing that a client or an operator requires.
    remembered: str = ""  # the `totp_id`
    is_recovered: bool = False  # a recovery code is among what it rests on
    is_by_mail: bool = False  # it stands nowhere, and leads with a recovery code to a new passkey alone
    # The session of another end-user that was in this browser before. It ends once this one stands at its account's
    # level: a password alone, where the account wants more, signs no other end-user out.
    instead_of: bytes = b""  # its digest
    # Of a sign-in by another provider.
    link: str = ""  # what the account calls the identity
    roles: frozenset[str] = (
        frozenset()
    )  # that the provider's word gives; they count only while the account names `link`
    has_joined: bool = False  # its end-user has just made the account, by a code or a link in a mail
    is_time_unknown: bool = False  # the provider did not say when the end-user signed in: never fresh

    @property
    def auth_time(self) -> int:
        return self.auth_time_ms // 1000


class Hint(Frozen):
    """What a verified id_token_hint says. The ID token may have expired long ago (RP-Initiated Logout §2)."""

    sub: str
    sid: str | None
    client_id: str
