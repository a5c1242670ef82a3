"""Other providers that people sign in with, and what they tell of a person."""

from valet.frozen import Frozen

LOCAL = "local"  # no provider: among a client's ways to sign in, a password or a passkey of this server
TENANT = "{tenantid}"  # in an issuer of Entra for several tenants: each of them is an issuer of its own


class Provider(Frozen):
    """A provider as an operator registered it. Its addresses are pinned: nothing is discovered while people wait."""

    provider_id: str  # in addresses: letters, digits, hyphens
    name: str  # on its button
    kind: str = "oidc"  # | google | entra | github | apple
    issuer: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    userinfo_endpoint: str = ""  # asked where an ID token lacks the address; of GitHub, where the person is told
    client_id: str = ""
    token_endpoint_auth_method: str = "client_secret_post"  # | client_secret_basic
    sends_iss: bool = False  # every answer to the browser names the issuer (RFC 9207 §2)
    secret: bytes = b""  # of the client, or Apple's private key: sealed
    key_id: str = ""  # of Apple's private key
    team_id: str = ""  # of Apple
    scope: tuple[str, ...] = ("openid", "email", "profile")
    algs: tuple[str, ...] = ("RS256",)  # that its ID tokens may be signed with
    tenants: frozenset[str] = frozenset()  # whose people alone may sign in: Entra's `tid`, or Google's `hd`
    domains: frozenset[str] = frozenset()  # of the addresses that it alone gives out: it is authoritative for them
    creates: bool = False  # a person whom no account knows gets one
    links: str = "off"  # | verified: an account with the same proven address is linked without being asked
    roles_claim: str = ""
    roles: frozenset[str] = frozenset()  # value=role: the roles that a value of the claim gives, while it is told
    acr_values: frozenset[str] = frozenset()  # value=acr: the level that the provider's acr or amr stands for
    clients: frozenset[str] = frozenset()  # that offer it; empty: all
    translations: frozenset[str] = frozenset()  # of its name, such as name#de=…
    is_disabled: bool = False
    secret_expires_at: int = 0  # as the operator told it; 0: not known


class Identity(Frozen):
    """What a provider has told of a person, once its answer was verified. (issuer, subject) is who it is."""

    issuer: str
    subject: str
    email: str = ""  # only one that the provider has proven: another counts as not told
    is_authoritative: bool = False  # the provider alone gives out the address
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    locale: str = ""
    roles: frozenset[str] = frozenset()  # ours, by the provider's rules
    acr: str = ""  # ours
    amr: tuple[str, ...] = ()  # registered words (RFC 8176)
    auth_time: int | None = None  # None: the provider has not told when the person signed in

    def __repr__(self) -> str:
        return f"Identity({self.issuer!r})"


NOBODY = Identity("", "")


class Link(Frozen):
    """That an identity at a provider is an account's. It is worth nothing unless the account names it."""

    sub: str
    provider_id: str
    issuer: str
    upstream_sub: str
    address: str = ""  # as told
    name: str = ""  # as told
    roles: frozenset[str] = frozenset()  # from the provider's rules, as last told: sign-ins by it have them
    attempt: bytes = b""  # to link it: a later one has taken its place
    linked_at: int = 0  # 0: the account does not name it yet, or did not until a moment ago
    last_used_at: int = 0
