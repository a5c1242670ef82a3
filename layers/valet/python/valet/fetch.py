"""GET and POST over HTTPS, bounded in time and size: the only way an authorizer reaches out.

http.client and ssl are imported by the first fetch, because they cost a cold start more than everything else here.
No redirect is followed and no proxy of the environment is asked: http.client does neither, and that is why it is used.
"""

import threading
import zlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from valet.clock import Clock, Moment

if TYPE_CHECKING:
    import socket
    import ssl
    from http.client import HTTPConnection, HTTPResponse

_REUSED_WITHIN = 5.0  # seconds; after a longer pause, perhaps frozen, the peer will have closed the connection
_GZIP = 31  # zlib's name for a gzip wrapper


class FetchFailed(Exception):
    """No answer that can be used, and why."""


class Fetched(NamedTuple):
    """One answer: 200 with its body, 304 or 404 without."""

    status: int
    body: bytes
    etag: str | None


class Fetch(Protocol):
    """GETs a URL. Raises FetchFailed after at most `timeout` seconds."""

    def __call__(self, url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched: ...


class Post(Protocol):
    """POSTs a form to a URL. Raises FetchFailed after at most `timeout` seconds, and for every status but 200.

    It may send the form twice, where no answer came to the first one: what it asks for must change nothing.
    """

    def __call__(self, url: str, form: bytes, *, authorization: str, limit: int, timeout: float) -> Fetched: ...


class Connect(Protocol):
    """A connection that is not open yet; `timeout`, in seconds, bounds each step of it."""

    def __call__(self, timeout: float, /) -> "HTTPConnection": ...


class Https:
    """A Fetch over one kept connection to one origin. `connect` replaces the way to get there."""

    def __init__(
        self, origin: str, clock: Clock, connect: Connect | None = None, agent: str = "valet-authorizer"
    ) -> None:
        self._origin, self._clock, self.agent = origin, clock, agent
        self._connect = connect or self._new_connection
        self._kept: tuple[HTTPConnection, Moment] | None = None
        self._tls: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def __call__(self, url: str, *, etag: str | None, limit: int, timeout: float) -> Fetched:
        return self._fetched(url, {} if etag is None else {"If-None-Match": etag}, None, limit, timeout)

    def post(self, url: str, form: bytes, *, authorization: str, limit: int, timeout: float) -> Fetched:
        """The port Post."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": authorization}
        fetched = self._fetched(url, headers, form, limit, timeout)
        if fetched.status != 200:
            raise FetchFailed(f"status {fetched.status}")
        return fetched

    def _fetched(self, url: str, headers: dict[str, str], form: bytes | None, limit: int, timeout: float) -> Fetched:
        if not url.startswith(self._origin + "/"):
            raise FetchFailed("not on the issuer's origin")
        attempt = _Attempt(self, url.removeprefix(self._origin), headers, form, limit, timeout)
        # Fetch in a thread, because no socket timeout bounds a name lookup or an answer that arrives byte by byte.
        thread = threading.Thread(target=attempt.run, name="fetch", daemon=True)
        thread.start()
        thread.join(timeout)
        if thread.is_alive():
            attempt.abandon()
            raise FetchFailed(f"no answer within {timeout:.1f} s")
        if attempt.fetched is None:
            raise FetchFailed(attempt.failure)
        return attempt.fetched

    def connection(self, timeout: float) -> tuple["HTTPConnection", bool]:
        """A connection, and whether it has been used before."""
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            if self._clock().since(kept[1]) <= _REUSED_WITHIN:
                return kept[0], True
            kept[0].close()
        return self._connect(timeout), False

    def _new_connection(self, timeout: float) -> "HTTPConnection":
        from http.client import HTTPConnection, HTTPSConnection

        scheme, _, host = self._origin.partition("://")
        if scheme == "http":
            return HTTPConnection(host, timeout=timeout)
        if self._tls is None:
            import ssl

            self._tls = ssl.create_default_context()  # reads the machine's whole list of authorities: once
        return HTTPSConnection(host, timeout=timeout, context=self._tls)

    def keep(self, connection: "HTTPConnection") -> None:
        with self._lock:
            spare, self._kept = self._kept, (connection, self._clock())
        if spare is not None:
            spare[0].close()

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, None
        if kept is not None:
            kept[0].close()

    def __del__(self) -> None:
        self.close()  # if a process loads this function more than once, as the local stack does


class _Attempt:
    """One request, in a thread that its caller may give up on: a POST of `form`, or a GET where that is None."""

    def __init__(
        self, https: Https, path: str, headers: dict[str, str], form: bytes | None, limit: int, timeout: float
    ) -> None:
        self._https, self._path, self._form, self._limit, self._timeout = https, path, form, limit, timeout
        self._headers = {"Accept-Encoding": "gzip", "User-Agent": https.agent, **headers}
        self._connection: HTTPConnection | None = None
        self._sock: socket.socket | None = None
        self._is_abandoned = self._has_answer = False
        self.fetched: Fetched | None = None
        self.failure = ""

    def run(self) -> None:
        try:
            self.fetched = self._answer()
        except FetchFailed as error:
            self.failure = str(error)
        except Exception as error:  # every error of the network is one outcome
            self.failure = f"{type(error).__name__}: {error}"

    def abandon(self) -> None:
        """Interrupt whatever the thread waits for, so that it ends soon."""
        self._is_abandoned = True
        sock = self._sock
        if sock is None and self._connection is not None:
            sock = self._connection.sock  # not connected, or not secured yet
        if sock is not None:
            import socket

            try:  # noqa: SIM105 - contextlib would be imported by every cold start, for this
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it had ended by itself

    def _answer(self) -> Fetched:
        connection, is_reused = self._https.connection(self._timeout)
        try:
            return self._fetched_over(connection)
        except OSError:
            if not is_reused or self._has_answer or self._is_abandoned:
                raise
        # The peer may close an idle connection; a request that it never answered may be sent again.
        connection, _ = self._https.connection(self._timeout)
        return self._fetched_over(connection)

    def _fetched_over(self, connection: "HTTPConnection") -> Fetched:
        is_kept = False
        try:
            response = self._answered(connection)
            self._has_answer = True
            fetched = self._read(response)
            is_kept = response.isclosed() and not response.will_close and not self._is_abandoned
            return fetched
        finally:
            if is_kept:
                self._https.keep(connection)
            else:
                connection.close()

    def _answered(self, connection: "HTTPConnection") -> "HTTPResponse":
        self._connection = connection
        if connection.sock is None:
            connection.connect()
        if self._is_abandoned:  # before there was a socket that could be shut
            raise FetchFailed("too late")
        connection.sock.settimeout(self._timeout)
        self._sock = connection.sock  # http.client forgets it before the body is read
        connection.request("GET" if self._form is None else "POST", self._path, self._form, self._headers)
        return connection.getresponse()

    def _read(self, response: "HTTPResponse") -> Fetched:
        if response.status not in (200, 304, 404):
            raise FetchFailed(f"status {response.status}")
        body = response.read(self._limit + 1)
        if len(body) > self._limit:
            raise FetchFailed(f"more than {self._limit} bytes")
        if response.length:  # bytes that Content-Length promised and the peer did not send
            raise FetchFailed("the answer is cut short")
        if response.status == 200:
            body = _decoded(body, response.headers.get("Content-Encoding", "identity").lower(), self._limit)
        return Fetched(response.status, body, response.headers.get("ETag"))


def _decoded(body: bytes, encoding: str, limit: int) -> bytes:
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise FetchFailed("a content encoding that was not asked for")
    return inflated(body, limit, _GZIP)


def inflated(data: bytes, limit: int, wrapper: int = 15) -> bytes:
    """The inflated `data`, never more than `limit` bytes of it. Raises FetchFailed."""
    stream = zlib.decompressobj(wrapper)
    try:
        found = stream.decompress(data, limit)
    except zlib.error:
        raise FetchFailed("not compressed as it says") from None
    if not stream.eof and not stream.unconsumed_tail:
        # `limit` bytes may have come out with the stream's own end still unread.
        raise FetchFailed("compressed data is cut short")
    if not stream.eof or stream.unused_data:
        raise FetchFailed(f"inflates to more than {limit} bytes, or has something after its end")
    return found
