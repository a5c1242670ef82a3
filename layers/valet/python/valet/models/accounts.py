"""End-users: their account, their credential, and what they allowed clients."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An end-user, without a credential."""

    sub: str
    username: str
    name: str = ""
    email: str = ""
    email_verified: bool = False
    roles: frozenset[str] = frozenset()
    is_disabled: bool = False
    password_id: str = ""  # the credential that is in force; others are worth nothing
    epoch: int = 0  # a session or grant of another one is dead: revoking all that the end-user holds raises it
    epoch_raised_at_ms: int = 0  # for operators to read
    # The release before uses this instead of the epoch. If it differs from `epoch_raised_at_ms`, that release wrote it,
    # and sessions that began before it are dead.
    sessions_not_before_ms: int = 0


@dataclass(frozen=True, slots=True)
class Credential:
    """A password's hash, which the login function alone may read."""

    username: str
    sub: str
    password_hash: str  # Argon2id, PHC string
    password_id: str = ""  # in force only while the account names it; a later one is a greater string


@dataclass(frozen=True, slots=True)
class Consent:
    """The scopes that an end-user allowed a client, remembered."""

    sub: str
    client_id: str
    scope: frozenset[str]
    granted_at: int
