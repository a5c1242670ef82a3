"""Which redirect URIs and origins may be registered, and which are risky (RFC 8252 §7 and §8, RFC 9700 §4.1).

An address that is refused here can never be right. One that is only risky can be registered, and `valet doctor` names
it.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from valet.protocol.redirect_uri import LOOPBACK_ADDRESSES, LOOPBACK_HOSTS

_LONGEST = 2000
_LONGEST_CALLED = 500
_PLAIN = re.compile(r"[A-Za-z0-9._~:/?@!$&'()+,;=%\[\]-]+")  # RFC 3986's characters, save # and *
_BEFORE_COLON = re.compile(r"([^:/?#]+)(:.*)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")  # RFC 3986 §3.1
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")  # a domain, reversed (RFC 8252 §7.1)
# The host of an app's own scheme keeps its case: Safari's extensions have capital letters in theirs.
_APP_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[A-Za-z0-9._~-]+(:[1-9][0-9]{0,4})?")
_WITHOUT_ORIGIN = ("about", "blob", "data", "file", "javascript")
_NO_ORIGIN = "no origin such as https://app.example.com or capacitor://localhost"
_SHARED_HOSTING = (
    ".amazonaws.com", ".azurewebsites.net", ".cloudfront.net", ".github.io", ".herokuapp.com", ".netlify.app",
    ".ngrok.app", ".ngrok.io", ".ngrok-free.app", ".pages.dev", ".trycloudflare.com", ".vercel.app", ".web.app",
    ".workers.dev", ".xip.io", ".nip.io", ".sslip.io",
)  # fmt: skip


def refusal_of_uri(uri: str, application_type: str) -> str | None:
    """Why the URI cannot be registered as a redirect URI of such a client; None if it can."""
    return _refusal_of_form(uri) or _refusal_of_scheme(uri, urlsplit(uri), application_type)


def _refusal_of_form(uri: str) -> str | None:
    if "*" in uri:
        return "a wildcard: redirect URIs are compared to the letter (RFC 9700 section 4.1)"
    if "#" in uri:
        return "a fragment (RFC 6749 section 3.1.2)"
    if len(uri) > _LONGEST or not _PLAIN.fullmatch(uri):
        return "a character that a URI cannot have, or too many"
    found = _BEFORE_COLON.fullmatch(uri)
    if found is None:
        return "no absolute URI"
    if reason := _refusal_of_scheme_name(*found.groups()):
        return reason
    parts = _split(uri)
    if parts is None:
        return "no absolute URI"
    if {".", ".."} & set(parts.path.split("/")):
        return "dot segments in its path"
    return None


def _refusal_of_scheme_name(scheme: str, rest: str) -> str | None:
    small = scheme.lower()
    if _SCHEME.fullmatch(small) is None:
        instead = re.sub(r"[^a-z0-9+.-]", "-", small)
        advice = f": register {instead}{rest}, and let the app claim that" if _SCHEME.fullmatch(instead) else ""
        return f"a scheme has letters, digits, + - . only, and begins with a letter (RFC 3986 section 3.1){advice}"
    if scheme != small:
        # Schemes have no case, but strings do: the app would never get an answer from a browser that writes them small.
        return (
            f"capital letters in its scheme, which browsers write in small ones (RFC 3986 section 3.1): register "
            f"{small}{rest}, and let the client ask for that"
        )
    return None


def _refusal_of_scheme(uri: str, parts: SplitResult, application_type: str) -> str | None:
    if parts.scheme in ("https", "http"):
        if parts.scheme == "http" and parts.hostname == "localhost":
            if application_type == "native":
                return _refusal_of_host(uri, parts)
            return "localhost, which a resolver may send anywhere: write 127.0.0.1 (RFC 8252 section 8.3)"
        if parts.scheme == "http" and parts.hostname not in LOOPBACK_ADDRESSES:
            return "plain http, which is for 127.0.0.1 and [::1] only"
        return _refusal_of_host(uri, parts)
    if application_type != "native":
        return f"the scheme {parts.scheme}, which is for native applications only"
    if not _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return (
            "a private scheme without a dot: it must be a domain of yours, reversed, such as com.example.app:/callback "
            "(RFC 8252 section 7.1)"
        )
    return None


def refusal_of_called_uri(uri: str) -> str | None:
    """Why the address cannot be registered for this server to call; None if it can. Whether its name leads to a public
    address is checked with each call (outbound/guarded.py).
    """
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "no absolute URI"
    if not uri.isascii() or not uri.isprintable() or " " in uri or len(uri) > _LONGEST_CALLED:
        return f"1 to {_LONGEST_CALLED} visible ASCII characters"
    if parts.scheme != "https" or port is not None or not uri.startswith(f"https://{host}/") or "#" in uri:
        return "https://host/path with small letters, without a port, a user's name or a fragment"
    if "." not in host or host.replace(".", "").isdigit() or ":" in host:
        return "its host is not a public name"
    return None


def refusal_of_logout_uri(uri: str, *, is_local: bool) -> str | None:
    """Why the address cannot be registered as a client's `backchannel_logout_uri`; None if it can (OpenID Connect
    Back-Channel Logout §2.2). In the local stack, `is_local`, it may be a server on this machine, too.
    """
    return None if is_local and _is_on_this_machine(uri) else refusal_of_called_uri(uri)


def refusal_of_provider_uri(uri: str, *, is_local: bool) -> str | None:
    """Why the address cannot be registered as one of another provider's; None if it can. In the local stack,
    `is_local`, it may be a server on this machine, too.
    """
    return None if is_local and _is_on_this_machine(uri) else refusal_of_called_uri(uri)


def _is_on_this_machine(uri: str) -> bool:
    if _refusal_of_form(uri) or len(uri) > _LONGEST_CALLED:
        return False
    parts = urlsplit(uri)
    return (parts.scheme, parts.hostname) == ("http", "127.0.0.1") and not _refusal_of_host(uri, parts)


def refusal_of_origin(origin: str) -> str | None:
    """Why the string cannot be an origin as browsers send it; None if it can.

    An app that is no web site has an origin of its own scheme, such as capacitor://localhost.
    """
    if origin == "null":
        return "the origin of every sandboxed page and of every local file, so it names no app"
    parts = _split(origin)
    if "*" in origin or parts is None or not parts.scheme or not parts.hostname:
        return _NO_ORIGIN
    if parts.scheme not in ("https", "http"):
        return _refusal_of_app_origin(origin, parts)
    if origin != origin_of(origin):
        return f"more than an origin: write {origin_of(origin)}"
    host = parts.hostname
    if parts.scheme == "http" and host not in LOOPBACK_HOSTS and not host.endswith(".localhost"):
        return "plain http, which is for this machine only"
    return None


def _refusal_of_app_origin(origin: str, parts: SplitResult) -> str | None:
    if parts.scheme in _WITHOUT_ORIGIN:
        return f"the scheme {parts.scheme}, whose pages have the origin null"
    if _APP_ORIGIN.fullmatch(origin):
        return None
    instead = f"{parts.scheme}://{parts.netloc}"
    return f"more than an origin: write {instead}" if _APP_ORIGIN.fullmatch(instead) else _NO_ORIGIN


def origin_of(uri: str) -> str | None:
    """The origin of a web address (RFC 6454 §4); None for a private scheme."""
    parts = _split(uri)
    if parts is None or parts.scheme not in ("https", "http") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default) else "")


def risk_of_uri(uri: str, application_type: str) -> str | None:
    """Why a registered redirect URI is risky; None if it is not. An address that would be refused today is risky,
    too.
    """
    if reason := refusal_of_uri(uri, application_type):
        return reason
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if reason := risk_of_localhost(uri):
        return reason
    if parts.scheme == "http" and application_type != "native":
        return f"http on {host}: right for development, wrong for an application that people use"
    if parts.scheme == "https":
        if _is_address(host):
            return "a bare IP address: nobody can tell whose it is, and it changes hands"
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".test", ".example", ".invalid")):
            return f"{host}, a name that does not belong to anybody"
        if host.endswith(_SHARED_HOSTING):
            return f"{host}, a name under a shared domain, which somebody else can have tomorrow"
        if "." not in host:
            return f"{host}, a name that only some resolvers know"
    if "?" in uri and re.search(r"[?&](url|uri|next|redirect|return|goto|continue)[^=&]*=", uri, re.IGNORECASE):
        return "a query that looks like a redirect onwards: an open redirector leaks codes (RFC 9700 section 4.11)"
    return None


def risk_of_localhost(uri: str) -> str | None:
    """Why the name of the loopback address is worse than the address, and what to register instead."""
    if not re.match(r"http://localhost(?![^:/?])", uri):
        return None
    return (
        "localhost, a name that the device may resolve to another interface, and that firewalls may block: register "
        f"{uri.replace('localhost', '127.0.0.1', 1)} (RFC 8252 section 8.3)"
    )


def _refusal_of_host(uri: str, parts: SplitResult) -> str | None:
    if "@" in parts.netloc:
        return "a user name in it"
    if not parts.hostname or not uri.startswith(f"{parts.scheme}://"):
        return "no host"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if parts.netloc.partition(host)[0] or not parts.netloc.startswith(host):
        return "capital letters in its host"
    return None


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts if uri.startswith(parts.scheme) else None  # capital letters in a scheme


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
