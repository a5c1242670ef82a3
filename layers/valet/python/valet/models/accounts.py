"""End-users: their account, their credential, and what they allowed clients."""

from valet.frozen import Frozen


class Address(Frozen):
    """A postal address (OpenID Connect Core §5.1.1)."""

    formatted: str = ""
    street_address: str = ""
    locality: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class Account(Frozen):
    """An end-user, without a credential. The claims have the names of OpenID Connect Core §5.1."""

    sub: str
    username: str  # and the claim preferred_username; empty: its end-user joined, and its address is its only name
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
    given_name: str = ""
    family_name: str = ""
    middle_name: str = ""
    nickname: str = ""
    profile: str = ""
    picture: str = ""
    website: str = ""
    gender: str = ""
    birthdate: str = ""
    zoneinfo: str = ""
    locale: str = ""
    phone_number: str = ""
    phone_number_verified: bool = False
    address: Address = Address()
    updated_at: int = 0  # when one of the claims was last changed; 0: before such a time was kept
    created_at: int = 0  # 0: before such a time was kept
    deleted_at: int = 0  # by the end-user; then the account is disabled too, and most of it is removed
    passkeys: frozenset[str] = frozenset()  # digests of the credential ids of those in force; others are worth nothing
    user_handle: bytes = b""  # what its passkeys call it (WebAuthn Level 3 §14.6.1); empty: it never had one
    required_acr: str = ""  # the least level of its sessions; empty: any
    has_no_password: bool = False  # its end-user joined by other means, and has set none
    # Since when its end-user should look through its passkeys: a mail has given back the password. 0: they have.
    recovered_at: int = 0
    # The address before the last change. Until then notices go there as well, and it can undo the change.
    former_email: str = ""
    former_until: int = 0
    totp_id: str = ""  # of the second factor in force; another one is worth nothing
    recovery_id: str = ""  # of the recovery codes in force; others are worth nothing
    links: frozenset[str] = frozenset()  # digests of the identities at other providers that it is linked to
    # Its password is shorter than the policy wants where the password alone signs in: the second factor has to stay.
    has_short_password: bool = False


class Credential(Frozen):
    """A password's hash, by the username that it belongs to: as the release before reads it."""

    username: str
    sub: str
    password_hash: str  # Argon2id, PHC string
    password_id: str = ""  # in force only while the account names it; a later one is a greater string


class Identifier(Frozen):
    """A name by which an account is found at sign-in. It works only while the account has it."""

    sub: str
    kind: str  # username | email
    verified_at: int = 0  # of an address: when it was proven, or an operator gave their word
    released_at: int = 0  # since when the account has it no more, or not yet; 0: it has it
    expires_at: int = 0  # of one that was released: when others may have it


class Password(Frozen):
    """A password's hash, by the account that it belongs to. The login function alone may read it."""

    sub: str
    password_id: str  # in force only while the account names it
    password_hash: str  # Argon2id, PHC string
    set_at: int = 0


class Consent(Frozen):
    """The scopes that an end-user allowed a client, remembered."""

    sub: str
    client_id: str
    scope: frozenset[str]
    granted_at: int
