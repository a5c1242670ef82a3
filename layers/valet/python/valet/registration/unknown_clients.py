"""Clients that no operator registered: which addresses name one, what one may say of itself, and what becomes of that.

/register, the function that fetches documents and every function that reads one ask the same rules. A record is made
anew by each reader, from what is kept and from what operators say now, so that their word counts at once.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from valet.frozen import Frozen
from valet.jose import compact
from valet.jose.compact import Malformed
from valet.models.clients import Client, Unknown
from valet.models.unknown_clients import DOCUMENT, LISTED, OPEN, REGISTRATION, Document, DynamicClient, Hosts
from valet.pages.strangers import LONGEST_NAME, shown_name
from valet.protocol.redirect_uri import destination, is_loopback, without_port
from valet.protocol.supported import PRIVATE_KEY_JWT
from valet.registration.addresses import origin_of, refusal_of_called_uri, refusal_of_uri

LARGEST_DOCUMENT = 5120  # bytes (draft-ietf-oauth-client-id-metadata-document-01 §6.6)
LARGEST_REQUEST = 8192  # bytes of a registration request
MOST_REDIRECT_URIS = 20
KEYS_GOOD_FOR = 86_400  # seconds after the fetch that brought them

_LONGEST_ID = 255  # as the registry takes it
_LONGEST_URI = 500
_REFRESH_IDLE, _REFRESH_ABSOLUTE = 7 * 86_400, 30 * 86_400
_DYNAMIC_ID = re.compile(r"dyn-[A-Za-z0-9_-]{22}")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?"  # a name with a dot, whose last part is no number
_HERE = r"(localhost|127\.0\.0\.1)(:[1-9][0-9]{0,4})?"  # in the local stack (§6.5)
_PATH = r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+"
_SYMMETRIC = ("client_secret", "client_secret_expires_at")  # a document is public: §4.1
_MAY_USE = frozenset(("authorization_code", "refresh_token"))


class Unusable(Exception):
    """The metadata breaks a rule. `member` is at fault, if it is one; the message repeats nothing of a value."""

    def __init__(self, reason: str, member: str = "") -> None:
        super().__init__(f"{member}: {reason}" if member else reason)
        self.member = member


class OtherClient(Unusable):
    """The document at the address is that of another client."""


class Described(Frozen):
    """What a client says of itself, of the members that are read."""

    client_name: str = ""
    redirect_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code",)  # RFC 7591 §2
    token_endpoint_auth_method: str = "none"
    jwks: str = ""
    jwks_uri: str = ""

    def as_json(self) -> str:
        """What is kept of it."""
        kept = {name: value for name, value in vars(self).items() if value != self.DEFAULTS[name]}
        return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


# -- which addresses name a client -------------------------------------------------------------------------------------


def is_document_url(client_id: str, *, is_local: bool = False) -> bool:
    """Whether the client_id is the address of a document (§3): https, a name in small letters, and a path. Valet takes
    neither a query nor a port. In the local stack, `is_local`, it may be a server on this machine, at any port.
    """
    if not client_id.startswith("https://") or len(client_id) > _LONGEST_ID:
        return False
    host = rf"({_HOST}|{_HERE})" if is_local else _HOST
    found = re.fullmatch(rf"https://{host}(?P<path>{_PATH})", client_id)
    if found is None or found["path"] == "/":
        return False
    segments = found["path"].lower().replace("%2e", ".").split("/")
    return not {".", ".."} & set(segments)


def is_dynamic_id(client_id: str) -> bool:
    """Whether the client_id looks like one that /register answers."""
    return _DYNAMIC_ID.fullmatch(client_id) is not None


def host_of(url: str) -> str:
    """The host of a document's address; in the local stack with its port."""
    return url.removeprefix("https://").partition("/")[0]


def is_allowed(host: str, hosts: Hosts, mode: str) -> bool:
    """Whether documents of this host name clients. `mode`: the parameter ClientIdMetadata."""
    if is_refused(host, hosts):
        return False
    return mode == OPEN or (mode == LISTED and host in hosts.trusted)


def is_refused(host: str, hosts: Hosts) -> bool:
    """Whether an operator has refused the host, or one above it."""
    name = host.partition(":")[0]
    return any(name == refused or name.endswith(f".{refused}") for refused in hosts.refused)


# -- what a client says of itself --------------------------------------------------------------------------------------


def parse_document(body: bytes, url: str) -> Described:
    """What the document at the address says (§4.1). Raises Unusable: a document is taken or refused as a whole."""
    members = _members(body, LARGEST_DOCUMENT)
    if (client_id := members.get("client_id")) != url:
        kind = OtherClient if isinstance(client_id, str) else Unusable
        raise kind("it is not the address of the document", "client_id")
    for name in _SYMMETRIC:
        if name in members:
            raise Unusable("a document holds no secret", name)
    method = members.get("token_endpoint_auth_method", "none")
    if method not in ("none", PRIVATE_KEY_JWT):
        raise Unusable(f"none or {PRIVATE_KEY_JWT}", "token_endpoint_auth_method")
    jwks, jwks_uri = _keys(members, url) if method == PRIVATE_KEY_JWT else ("", "")
    return Described(
        client_name=_name(members),
        redirect_uris=_redirect_uris(members),
        grant_types=_grant_types(members),
        token_endpoint_auth_method=str(method),
        jwks=jwks,
        jwks_uri=jwks_uri,
    )


def parse_request(body: bytes) -> Described:
    """What a registration request says (RFC 7591 §3.1). Raises Unusable."""
    members = _members(body, LARGEST_REQUEST)
    if "software_statement" in members:
        raise Unusable("no statement of another party is taken", "software_statement")
    for name in ("token_endpoint_auth_method", "client_name", "scope"):
        if not isinstance(members.get(name, ""), str):
            raise Unusable("a text", name)
    return Described(
        client_name=_name(members), redirect_uris=_redirect_uris(members), grant_types=_grant_types(members)
    )


def parse_kept(body: str) -> Described:
    """What `Described.as_json` has kept."""
    members: dict[str, Any] = json.loads(body)
    known: dict[str, Any] = {name: value for name, value in members.items() if name in Described.FIELDS}
    for name in ("redirect_uris", "grant_types"):
        if name in known:
            known[name] = tuple(known[name])
    return Described(**known)


def usable_redirect_uris(uris: Iterable[str], hosts: Hosts, url: str = "") -> tuple[str, ...]:
    """The redirect URIs that answers may go to: this computer, the document's own origin, and hosts that operators
    trust. The last is for clients of trusted hosts, and for those that registered themselves. A stranger's document
    could else send codes to an address that passes them on.

    `url`: the document's address; empty for a client that registered itself.
    """
    own = f"https://{host_of(url)}" if url else ""
    takes_trusted = not url or host_of(url) in hosts.trusted
    trusted = frozenset(host for host in hosts.trusted if takes_trusted and not is_refused(host, hosts))
    return tuple(uri for uri in uris if _is_usable(uri, own, trusted))


def _is_usable(uri: str, own: str, trusted: frozenset[str]) -> bool:
    if refusal_of_uri(uri, "native") is not None:
        return False
    if is_loopback(uri):
        return True
    origin = origin_of(uri)
    if origin is None or not origin.startswith("https://"):
        return False
    # To origin_of the default port is no difference. Comparing addresses as texts, it is one.
    if not uri.startswith(f"{origin}/"):
        return False
    # Of another host's addresses, a stranger may name one. A query of their choice could make it pass the answer on.
    return origin == own or (origin.removeprefix("https://") in trusted and "?" not in uri)


def _members(body: bytes, largest: int) -> Mapping[str, object]:
    if len(body) > largest:
        raise Unusable(f"more than {largest} bytes")
    try:
        return compact.members(body)
    except (Malformed, UnicodeDecodeError, RecursionError) as malformed:
        raise Unusable(f"not a JSON object: {malformed}") from None


def _name(members: Mapping[str, object]) -> str:
    name = members.get("client_name", "")
    return name if isinstance(name, str) and len(name) <= LONGEST_NAME and name.isprintable() else ""


def _redirect_uris(members: Mapping[str, object]) -> tuple[str, ...]:
    uris = _texts(members, "redirect_uris")
    if not 0 < len(uris) <= MOST_REDIRECT_URIS:
        raise Unusable(f"1 to {MOST_REDIRECT_URIS}", "redirect_uris")
    # What can be no address is passed over: half a surrogate pair, which JSON can carry, could not even be kept.
    return tuple(dict.fromkeys(uri for uri in uris if uri.isascii() and uri.isprintable() and len(uri) <= _LONGEST_URI))


def _grant_types(members: Mapping[str, object]) -> tuple[str, ...]:
    asked = _texts(members, "grant_types") if "grant_types" in members else ["authorization_code"]
    if "authorization_code" not in asked:
        raise Unusable("authorization_code is not among them", "grant_types")
    if "response_types" in members and "code" not in _texts(members, "response_types"):
        raise Unusable("code is not among them", "response_types")
    return tuple(sorted(_MAY_USE & set(asked)))


def _texts(members: Mapping[str, object], name: str) -> list[str]:
    found = members.get(name)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Unusable("a list of texts", name)
    return found


def _keys(members: Mapping[str, object], url: str) -> tuple[str, str]:
    """The keys that the document holds, or the address of its own origin where they are."""
    if ("jwks" in members) == ("jwks_uri" in members):
        raise Unusable(f"{PRIVATE_KEY_JWT} needs either jwks or jwks_uri", "jwks")
    if "jwks_uri" in members:
        uri = members["jwks_uri"]
        is_own = isinstance(uri, str) and uri.startswith(f"https://{host_of(url)}/")
        if not isinstance(uri, str) or not is_own or (":" not in host_of(url) and refusal_of_called_uri(uri)):
            raise Unusable("not of the document's own origin", "jwks_uri")
        return "", uri
    return read_keys(json.dumps(members["jwks"]).encode()), ""


def read_keys(body: bytes) -> str:
    """What is kept of a JWK Set that a document holds or names. Raises Unusable, also for a key that is no longer the
    client's alone.
    """
    # Few of these clients have keys: what reads them takes as long to load as all the rest.
    from valet.jose.jwk import PRIVATE
    from valet.registration.client_keys import UnusableSet, keys_of, published_keys

    try:
        if any(not PRIVATE.isdisjoint(jwk) for jwk in keys_of(body.decode(errors="replace"))):
            raise Unusable("it holds a private or symmetric key", "jwks")
        return published_keys(body)[0]
    except UnusableSet as unusable:
        raise Unusable(str(unusable), "jwks") from None


# -- what becomes of it ------------------------------------------------------------------------------------------------


def client_of_document(document: Document, hosts: Hosts, issuer: str, now: float) -> Client:
    """The client that names itself by the document."""
    told = parse_kept(document.body)
    keys = (told.jwks or document.jwks) if now - document.fetched_at <= KEYS_GOOD_FOR else ""
    is_trusted = host_of(document.url) in hosts.trusted
    unknown = Unknown(DOCUMENT, shown_name(told.client_name, issuer), is_trusted=is_trusted)
    uris = usable_redirect_uris(told.redirect_uris, hosts, document.url)
    return _client(document.url, host_of(document.url), told, uris, unknown, keys)


def client_of_registration(registered: DynamicClient, hosts: Hosts, issuer: str) -> Client:
    """The client that registered itself. It has no host of its own: it is called by where its answers go."""
    told = parse_kept(registered.body)
    name = shown_name(told.client_name, issuer)
    unknown = Unknown(REGISTRATION, name, registered.registered_at, registered.expires_at)
    uris = usable_redirect_uris(told.redirect_uris, hosts)
    # A program on this computer is not called by the host of another address that it named as well.
    called = next(filter(is_loopback, uris), uris[0] if uris else "")
    title = destination(called) if called else registered.client_id
    return _client(registered.client_id, title, told, uris, unknown)


def _client(
    client_id: str, name: str, told: Described, uris: tuple[str, ...], unknown: Unknown, jwks: str = ""
) -> Client:
    return Client(
        client_id=client_id,
        client_name=name,
        application_type="native",  # the ports of its loopback addresses do not count
        token_endpoint_auth_method=told.token_endpoint_auth_method,
        jwks=jwks,
        grant_types=frozenset(told.grant_types),
        redirect_uris=uris,
        origins=frozenset(filter(None, map(_origin, uris))),
        refresh_idle_lifetime=_REFRESH_IDLE,
        refresh_absolute_lifetime=_REFRESH_ABSOLUTE,
        unknown=unknown,
    )


def _origin(uri: str) -> str | None:
    """The origin whose scripts may read answers; of a loopback address without the port."""
    return origin_of(without_port(uri) or uri)
