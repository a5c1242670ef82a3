"""Sign-outs under way: what is about to end, and which client is to be told (OpenID Connect Back-Channel Logout)."""

from valet.frozen import Frozen


class SignOut(Frozen):
    """A browser session, or all that an account has opened, is about to end. The message is sent before that write."""

    sub: str
    issuer: str  # of the logout tokens: the function that finishes this has no request that would say it
    revoked_for: str
    session: str = ""  # the digest of the session's cookie, in hex; empty: everything that the account has opened
    epoch: int = 0  # where everything ends: the account's before the write, which raises it
    look: int = 1
    told: tuple[str, ...] = ()  # the grants that live on, and whose clients were told at an earlier look


class LogoutNotice(Frozen):
    """One client is to be told that one session has ended."""

    client_id: str
    sub: str
    sid: str
    issuer: str
