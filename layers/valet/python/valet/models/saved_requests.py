"""Authorization requests, and how one waits for a login or a consent."""

from valet.frozen import Frozen


class AuthorizationRequest(Frozen):
    """A validated authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1)."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    code_challenge: str  # empty: the client, for which PKCE is optional, sent none
    state: str | None = None
    nonce: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    hinted_sub: str | None = None  # of a verified id_token_hint
    # From the parameter `claims` (OpenID Connect Core §5.5).
    userinfo_claims: tuple[str, ...] = ()
    id_token_claims: tuple[str, ...] = ()
    subs: tuple[str, ...] = ()  # the end-user must be one of them; empty: any
    acr_values: tuple[str, ...] = ()  # the sign-in must be one of them; empty: any
    preferred_acr_values: tuple[str, ...] = ()  # the parameter acr_values: the first that the account can reach counts
    response_mode: str = "query"
    resource: tuple[str, ...] = ()  # audiences of protected APIs (RFC 8707 §2); empty: the scope says which
    dpop_jkt: str = ""  # thumbprint of the key that has to redeem the code (RFC 9449 §10); empty: any
    ui_locales: str = ""  # the languages that the application prefers, as it sent them
    is_pushed: bool = False  # the client has pushed it (RFC 9126), and so has every copy of it been
    section: str = ""  # of the account page, where it is a visit of that (protocol/account_visit.py)
    is_device: bool = False  # it is a visit of the device page (protocol/device_visit.py)
    user_code: str = ""  # that the visit brought
    links_to: str = ""  # the account whose end-user, from its own page, links an identity at another provider to it

    @property
    def has_client(self) -> bool:
        """Whether a client sent it. A visit of a page of this server has no client, and an id with colons."""
        return not self.client_id.startswith("urn:valet:")


class SavedRequest(Frozen):
    """An authorization request that waits for a login or a consent; it says nothing about a user."""

    digest: bytes  # of its handle
    request: AuthorizationRequest
    browser_digest: bytes  # of the browser cookie that began it; empty for one that came by POST
    created_at_ms: int
    expires_at: int  # DynamoDB's TTL; until then it can be begun anew
    ends_at: int = 0  # when its pages are too old; 0: at `expires_at`, as the release before wrote it
    # Of the request that this one renews, or of the pushed request that it is a copy of; empty: it is a first one.
    grant_id: str = ""
    is_copy: bool = False  # a browser's copy of a pushed request, and the first one that this visit made
