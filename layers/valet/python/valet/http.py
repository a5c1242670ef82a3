"""Requests and responses as the endpoints see them, independent of how they arrive.

Parameters are parsed once, by the rules of RFC 6749 §3.1 and §3.2: strict UTF-8, an empty one counts as omitted, none
is repeated but those that a specification lets repeat.
"""

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_to_bytes, urlencode

from valet.errors import InvalidRequest, TooLarge, quoted
from valet.frozen import NO_ENTRIES, Frozen

MAXIMUM_BODY = 64 * 1024  # bytes; the longest honest request, a logout with an ID token, has a tenth of it
MAXIMUM_PARAMETERS = 100
REPEATABLE = frozenset(("resource",))  # RFC 8707 §2

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

_as_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Parameters(Mapping[str, str]):
    """Query or form parameters, each not empty and, but for those of REPEATABLE, present once.

    A malformed one raises InvalidRequest when it is read; `refuse_malformed` raises it for every malformed one. `every`
    reads a parameter that may be repeated.
    """

    def __init__(
        self,
        values: Mapping[str, str],
        malformed: Mapping[str, str] | None = None,
        every: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._values = dict(values)
        self._malformed = dict(malformed or {})  # why, by name
        self._every = dict(every or {})  # all values of those that may be repeated, by name

    def __getitem__(self, name: str) -> str:
        if name in self._malformed:
            raise InvalidRequest(self._malformed[name])
        if len(self._every.get(name, ())) > 1:  # this reader takes one value, and would get any of several
            raise InvalidRequest(_is_repeated(name))
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        # Mapping's own makes an exception for each parameter that is missing. A malformed one raises here, too.
        return name in self._values and self[str(name)] is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Parameters({sorted(self._values)})"  # names only: values may be secrets

    def every(self, name: str) -> tuple[str, ...]:
        """The values of a parameter that may be repeated, in their order; none if it is missing."""
        if name in self._every and name not in self._malformed:
            return self._every[name]
        return (self[name],) if name in self._values else ()

    def require(self, name: str) -> str:
        """The parameter's value; raises InvalidRequest if it is missing."""
        value = self.get(name)
        if value is None:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return value

    def refuse_malformed(self) -> None:
        """Raises InvalidRequest if any parameter is repeated or has a control character."""
        for reason in self._malformed.values():
            raise InvalidRequest(reason)


def parse_parameters(encoded: str | bytes) -> Parameters:
    """Parse an application/x-www-form-urlencoded string.

    Raises InvalidRequest for bad UTF-8, bad percent-encoding and too many parameters.
    """
    values: dict[str, str] = {}
    malformed: dict[str, str] = {}
    every: dict[str, tuple[str, ...]] = {}
    for name, value in _pairs(encoded):
        may_repeat = name in REPEATABLE
        if may_repeat and not value:
            continue
        if name in values and not may_repeat:
            malformed[name] = _is_repeated(name)
        elif not (name + value).isprintable() and any(ord(character) < 0x20 for character in name + value):
            malformed[name] = f"The parameter {quoted(name)} has a control character."
        elif may_repeat:
            every[name] = (*every.get(name, ()), value)
        values[name] = value
    return Parameters({name: value for name, value in values.items() if value or name in malformed}, malformed, every)


def _is_repeated(name: str) -> str:
    return f"The parameter {quoted(name)} is repeated."


def _pairs(encoded: str | bytes) -> list[tuple[str, str]]:
    try:
        text = encoded.decode("ascii") if isinstance(encoded, bytes) else encoded
        text.encode()  # JSON can carry half a surrogate pair into an event, which is no text either
        if _BROKEN_ESCAPE.search(text):
            raise InvalidRequest("The parameters are not percent-encoded.")
        if text.count("&") >= MAXIMUM_PARAMETERS:
            raise InvalidRequest("There are too many parameters.")
        # Not urllib's parse_qsl, which takes twice as long for a form with an escape or an assertion in it.
        fields = [field.partition("=") for field in text.split("&") if field]
        return [(_decoded(name), _decoded(value)) for name, _, value in fields]
    except UnicodeError:
        raise InvalidRequest("The parameters are not UTF-8, percent-encoded.") from None


def _decoded(text: str) -> str:
    text = text.replace("+", " ")
    if "%" in text:
        # Most escapes are those of addresses and URNs. Neither of these characters is a part of another escape.
        text = text.replace("%3A", ":").replace("%2F", "/")
    return unquote_to_bytes(text).decode() if "%" in text else text


class Request(Frozen):
    """An HTTP request."""

    method: str
    path: str
    issuer: str  # this authorization server's own address, without a slash at its end
    query_string: str = ""
    headers: Mapping[str, str] = NO_ENTRIES  # names in lower case
    cookies: Mapping[str, str] = NO_ENTRIES
    body: bytes = b""
    source_ip: str = ""
    request_id: str = ""

    def query(self, *, tolerates_malformed: bool = False) -> Parameters:
        """The query's parameters. Raises InvalidRequest.

        A caller that must first find the client tolerates malformed parameters, until it reads one of them.
        """
        return self._checked(parse_parameters(self.query_string), tolerates_malformed)

    @property
    def has_form(self) -> bool:
        """Whether the body says that it is a form."""
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return media_type == "application/x-www-form-urlencoded"

    def form(self, *, tolerates_malformed: bool = False) -> Parameters:
        """The form's parameters. Raises InvalidRequest for malformed ones or another media type, and TooLarge."""
        if not self.has_form:
            raise InvalidRequest("The request must be application/x-www-form-urlencoded.")
        if len(self.body) > MAXIMUM_BODY:
            raise TooLarge("The request is too large.")
        return self._checked(parse_parameters(self.body), tolerates_malformed)

    @staticmethod
    def _checked(parameters: Parameters, tolerates_malformed: bool) -> Parameters:
        if not tolerates_malformed:
            parameters.refuse_malformed()
        return parameters

    @property
    def origin(self) -> str | None:
        """The Origin header, where a browser sent one."""
        return self.headers.get("origin")


class Page(Frozen):
    """What a page shows. The door that every endpoint shares renders it, in the reader's language."""

    template: str
    values: Mapping[str, object] = NO_ENTRIES
    has_form: bool = False  # beyond the chooser of languages
    images: tuple[str, ...] = ()  # addresses, without a query, that it may load images from
    script: str = ""  # the one that it runs
    ui_locales: str = ""  # of the authorization request that it is a step of; empty: those of its own request
    # The parameters with which GET shows the page again, in another language; None: the handle in its own request.
    again: Mapping[str, str] | None = None
    has_chooser: bool = True


class Response(Frozen):
    """An HTTP response. One with a `page` has no body until the page is rendered."""

    status: int
    headers: Mapping[str, str] = NO_ENTRIES
    body: str | bytes = ""
    cookies: tuple[str, ...] = ()  # Set-Cookie values
    page: Page | None = None

    def with_headers(self, more: Mapping[str, str]) -> "Response":
        return Response(self.status, {**self.headers, **more}, self.body, self.cookies, self.page)

    def with_cookies(self, *cookies: str) -> "Response":
        return Response(self.status, self.headers, self.body, (*self.cookies, *cookies), self.page)


def json_response(status: int, members: object, headers: Mapping[str, str] = NO_STORE) -> Response:
    """A JSON document, which no cache stores unless `headers` allow it."""
    return Response(status, {"Content-Type": "application/json", **headers}, _as_json(members))


def redirect(location: str) -> Response:
    """Always 303, so that a browser never sends a form on to the target (RFC 9700 §4.12)."""
    return Response(303, {"Location": location, "Referrer-Policy": "no-referrer", **NO_STORE})


def page(status: int, shown: Page, headers: Mapping[str, str] | None = None) -> Response:
    """An HTML page that browsers do not frame or store, and whose media type they do not guess.

    It has no Cross-Origin-Opener-Policy: an app that opened it as a popup keeps its way to that popup.
    """
    return Response(
        status,
        {
            "Content-Type": "text/html; charset=utf-8",
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Strict-Transport-Security": "max-age=31536000",  # browsers obey it over https only (RFC 6797 §8.1)
            **NO_STORE,
            **(headers or {}),
        },
        page=shown,
    )


def add_to_query(uri: str, parameters: Mapping[str, str | None]) -> str:
    """`uri`, which has no fragment, with parameters added to its query; those that are None are left out.

    The rest of `uri` stays as it was registered, to the letter (RFC 6749 §4.1.2).
    """
    added = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{uri}{'&' if '?' in uri else '?'}{added}" if added else uri
