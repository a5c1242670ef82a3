"""Requests that are nearly right, and requests that are nothing: whatever API Gateway lets through.

Each begins as a good one. Then parameters, headers, cookies, method, media type, encoding and body are changed, a few
at a time, by values that once broke somebody's server.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote_plus, urlencode

from hypothesis import strategies as st

from tests.promises.fuzz.good_requests import FORM, Pairs, Sent
from tests.promises.model.acts import BROWSER_COOKIE, ISSUER, REDIRECT_URI, SESSION_COOKIE

_NASTY = (
    "",
    " ",
    "\x00",
    "\x7f",
    "a\r\nSet-Cookie: x=y",
    "%",
    "%0d%0a",
    "%zz",
    "\u00fc\u20ac\U0001f511",
    "\u202e\ufeff",
    "\ufffd",
    "null",
    "[]",
    "{}",
    "-1",
    "0",
    "9" * 30,
    "1e9",
    "NaN",
    "..",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    '"><b>',
    "' OR 1=1 --",
    "javascript:alert(1)",
    "https://evil.example/",
    f"{REDIRECT_URI['web']}@evil.example",
    f"{REDIRECT_URI['web']}#fragment",
    "//evil.example",
    "http://127.0.0.1:99999999/callback",
    "a.b.c",
    "....",
    "eyJhbGciOiJub25lIn0.e30.",
    "x" * 43,
    f"{'x' * 22}.{'x' * 43}",
    f"{'x' * 22}.{'x' * 43}.{'x' * 43}",
    "x" * 3000,
    "openid " * 200,
)
_NAMES = (
    *[
        "response_type",
        "response_mode",
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
    ],
    *[
        "login_hint",
        "id_token_hint",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "registration",
        "resume",
    ],
    *[
        "grant_type",
        "code",
        "code_verifier",
        "refresh_token",
        "token",
        "token_type_hint",
        "access_token",
        "csrf_token",
        "decision",
    ],
    *["username", "password", "post_logout_redirect_uri", "ui_locales", "claims", "resource", "assertion", "ä"],
)
_KNOWN = (
    *[
        "web",
        "spa",
        "strict",
        "service",
        "code",
        "token",
        "none",
        "login",
        "consent",
        "select_account",
        "openid",
        "S256",
        "plain",
    ],
    *[
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "password",
        "implicit",
        "query",
        "fragment",
        "form_post",
    ],
    *("allow", "deny", "john", "admin api_access", "items admin", REDIRECT_URI["spa"], ISSUER),
)
_HEADERS = (
    *["authorization", "content-type", "origin", "accept", "accept-encoding", "if-none-match", "user-agent", "cookie"],
    *["x-forwarded-host", "x-forwarded-for", "dpop", "access-control-request-method", "content-length", "referer"],
)
_HEADER_VALUES = (
    *("", "Basic", "Basic ", "Basic !!!", "Basic d2Vi", "Basic OnNlY3JldA==", "Basic dzp4OnkleiU=", "Basic /////w=="),
    *("Bearer", "Bearer ", "Bearer a b", "Bearer \u00fc", "bearer x.y.z", "DPoP x", "Digest x", "Basic " + "A" * 5000),
    *(FORM, f"{FORM}; charset=latin-1", "application/json", "multipart/form-data; boundary=x", "text/plain", ";"),
    *("\u00fc", "null", "https://evil.example", ISSUER, "*", "gzip", '"', 'W/"x"'),
)
_METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", "", "\u00fc")
_COOKIES = (
    *("", "=", "x", ";", "=;=", f"{SESSION_COOKIE}=", f"{SESSION_COOKIE}=x", f"{SESSION_COOKIE}={'x' * 43}"),
    *(f"{BROWSER_COOKIE}={'y' * 43}", f"{BROWSER_COOKIE}=\u00fc", "\u00fc=\u00fc", f"{SESSION_COOKIE}=a=b=c"),
)

_without_surrogates = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.one_of(st.sampled_from(_NASTY), st.sampled_from(_KNOWN), _without_surrogates)


@st.composite
def _changed_pairs(draw: st.DrawFn, pairs: Pairs) -> Pairs:
    """Some are left out, repeated, renamed, moved, or say something else."""
    changed = list(pairs)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(changed) - 1)))
        how = draw(st.sampled_from(("drop", "repeat", "rename", "revalue", "revalue", "append", "add", "truncate")))
        if how == "add" or not changed:
            changed.insert(at, (draw(st.sampled_from(_NAMES)), draw(values)))
            continue
        name, value = changed[at]
        if how == "drop":
            del changed[at]
        elif how == "repeat":
            changed.append((name, draw(st.sampled_from((value, "other")))))
        elif how == "rename":
            changed[at] = (draw(st.sampled_from(_NAMES)), value)
        elif how == "revalue":
            changed[at] = (name, draw(values))
        elif how == "append":
            changed[at] = (name, value + draw(values))
        else:
            changed[at] = (name, value[: draw(st.integers(0, max(0, len(value))))])
    return tuple(changed)


@st.composite
def nearly_good(draw: st.DrawFn, goods: tuple[Sent, ...]) -> Sent:
    sent = draw(st.sampled_from(goods))
    sent = replace(sent, query=draw(_changed_pairs(sent.query)))
    if sent.form is not None:
        sent = replace(sent, form=draw(_changed_pairs(sent.form)))
    for change in draw(st.lists(st.sampled_from(_CHANGES), max_size=2)):
        sent = change(draw, sent)
    return sent


def _other_method(draw: st.DrawFn, sent: Sent) -> Sent:
    return replace(sent, method=draw(st.sampled_from(_METHODS)))


def _other_header(draw: st.DrawFn, sent: Sent) -> Sent:
    name = draw(st.sampled_from(_HEADERS))
    return replace(sent, headers={**sent.headers, name: draw(st.one_of(st.sampled_from(_HEADER_VALUES), values))})


def _no_headers(draw: st.DrawFn, sent: Sent) -> Sent:
    return replace(sent, headers={})


def _other_cookies(draw: st.DrawFn, sent: Sent) -> Sent:
    return replace(sent, cookies=tuple(draw(st.lists(st.sampled_from((*_COOKIES, *sent.cookies)), max_size=4))))


def _raw_query(draw: st.DrawFn, sent: Sent) -> Sent:
    """The gateway hands the query over as it came."""
    tail = draw(st.sampled_from(("&", "&&", "=", "&=", "%", "%ff", "&a", ";", "\u00fc", "&" * 300, "#", "+", "&a=%00")))
    return replace(sent, raw_query=urlencode(sent.query) + tail)


def _raw_body(draw: st.DrawFn, sent: Sent) -> Sent:
    good = urlencode(sent.form or ()).encode()
    raw = draw(st.sampled_from((b"", b"\x00", b"\xff\xfe", b"&" * 300, b"=", b"%", b"%ff", b"a" * 70_000, b'{"a":1}')))
    return replace(sent, raw_body=draw(st.sampled_from((raw, good + raw, raw + good))), headers=_as_form(sent))


def _as_form(sent: Sent) -> Mapping[str, str]:
    return {"content-type": FORM, **sent.headers}


def _plain_body(draw: st.DrawFn, sent: Sent) -> Sent:
    """Text types are not encoded; a client chooses its media type."""
    return replace(sent, is_base64=False)


def _members_absent(draw: st.DrawFn, sent: Sent) -> Sent:
    """The gateway leaves out what is empty."""
    absent = draw(st.frozensets(st.sampled_from(("cookies", "headers", "body", "rawQueryString", "isBase64Encoded"))))
    return replace(sent, absent=absent)


def _other_path(draw: st.DrawFn, sent: Sent) -> Sent:
    return replace(sent, beyond=draw(st.sampled_from(("/", "/x", "/../x", "//", "/\u00fc", "/" + "1" * 20))))


_CHANGES = (
    _other_method,
    _other_header,
    _other_header,
    _no_headers,
    _other_cookies,
    _raw_query,
    _raw_body,
    _plain_body,
    _members_absent,
    _other_path,
)


@st.composite
def raw_bytes(draw: st.DrawFn, goods: tuple[Sent, ...]) -> Sent:
    """To an endpoint, and nothing good about it."""
    sent = draw(st.sampled_from(goods))
    body = draw(st.binary(max_size=200))
    query = draw(st.one_of(st.just(""), st.binary(max_size=60).map(quote_plus), _without_surrogates))
    headers = draw(st.dictionaries(st.sampled_from(_HEADERS), _without_surrogates, max_size=3))
    return replace(
        sent,
        method=draw(st.sampled_from(("GET", "POST"))),
        raw_body=body,
        raw_query=query,
        headers=draw(st.sampled_from((headers, {"content-type": FORM, **headers}))),
        is_base64=draw(st.booleans()),
    )
