"""The fetch, against a server that misbehaves on purpose: bounded in time, in size and in where it goes."""

import gzip
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from valet.clock import Clock, system_clock, system_jitter
from valet.fetch import Fetched, FetchFailed, Https, inflated
from valet.resource_server.api_gateway.authorizer import Authorizer
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.outcomes import IssuerUnavailable

from tests.parts.authorizer.issuer import AUDIENCE, environment, http_2

Page = Callable[[BaseHTTPRequestHandler], None]
LIMIT = 1000


class Server:
    """An HTTP server on a port of its own; `pages` says how each path behaves."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[tuple[str, dict[str, str], int]] = []
        self.forms: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.seen.append((self.path, headers, self.client_address[1]))
                outer.pages[self.path](self)

            def do_POST(self) -> None:
                outer.forms.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.do_GET()

            def log_message(self, *_args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # the client hangs up on purpose

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.fetches: list[Https] = []
        self.http.stopped = self.stopped = threading.Event()  # type: ignore[attr-defined]  # for a page that hangs

    def fetch(self, clock: Clock = system_clock) -> Https:
        self.fetches.append(Https(self.origin, clock))
        return self.fetches[-1]

    def stop(self) -> None:
        self.stopped.set()
        for fetch in self.fetches:
            fetch.close()
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def page(body: bytes, status: int = 200, **headers: str) -> Page:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def get(fetch: Https, url: str, timeout: float = 1.0, etag: str | None = None) -> Fetched:
    return fetch(url, etag=etag, limit=LIMIT, timeout=timeout)


def test_a_body_its_etag_and_a_304(server: Server) -> None:
    server.pages["/x"] = page(b"hello", ETag='"1"')
    fetch = server.fetch()
    assert get(fetch, f"{server.origin}/x") == Fetched(200, b"hello", '"1"')
    server.pages["/x"] = page(b"", 304, ETag='"1"')
    assert get(fetch, f"{server.origin}/x", etag='"1"').status == 304
    assert "if-none-match" not in server.seen[0][1]
    assert server.seen[1][1]["if-none-match"] == '"1"'
    assert "authorization" not in server.seen[1][1]


def test_404_is_an_answer_and_anything_else_a_failure(server: Server) -> None:
    server.pages["/none"] = page(b"{}", 404)
    assert get(server.fetch(), f"{server.origin}/none").status == 404
    for status in (201, 204, 206, 400, 401, 429, 500, 503):
        server.pages["/x"] = page(b"", status)
        with pytest.raises(FetchFailed, match=f"status {status}"):
            get(server.fetch(), f"{server.origin}/x")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: Server, status: int) -> None:
    server.pages["/x"] = page(b"", status, Location=f"{server.origin}/y")
    server.pages["/y"] = page(b"stolen")
    with pytest.raises(FetchFailed):
        get(server.fetch(), f"{server.origin}/x")
    assert [path for path, _, _ in server.seen] == ["/x"]


def test_nothing_off_the_issuers_origin_is_fetched(server: Server) -> None:
    fetch = server.fetch()
    for url in ("https://evil.example/x", f"{server.origin}.evil.example/x", f"{server.origin}@evil.example/", ""):
        with pytest.raises(FetchFailed, match="origin"):
            get(fetch, url)


def test_gzip_is_asked_for_and_inflated(server: Server) -> None:
    server.pages["/x"] = page(gzip.compress(b"a" * LIMIT), Content_Encoding="gzip")
    assert get(server.fetch(), f"{server.origin}/x").body == b"a" * LIMIT
    assert server.seen[0][1]["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "answer",
    [
        page(b"a" * (LIMIT + 1)),
        page(gzip.compress(b"a" * (LIMIT + 1)), Content_Encoding="gzip"),
        page(gzip.compress(bytes(100_000_000), compresslevel=1), Content_Encoding="gzip"),
        page(gzip.compress(b"a") + b"more", Content_Encoding="gzip"),
        page(gzip.compress(b"a" * 100)[:-4], Content_Encoding="gzip"),
        page(b"not gzip", Content_Encoding="gzip"),
        page(b"x", Content_Encoding="br"),
        page(b"cut", Content_Length="900", Connection="close"),
    ],
    ids=["large", "gzip large", "gzip bomb", "gzip and more", "gzip cut", "no gzip", "brotli", "cut short"],
)
def test_a_body_that_is_too_large_or_not_what_it_says_is_a_failure(server: Server, answer: Page) -> None:
    def closing(handler: BaseHTTPRequestHandler) -> None:
        answer(handler)
        handler.close_connection = True

    server.pages["/x"] = closing
    with pytest.raises(FetchFailed):
        get(server.fetch(), f"{server.origin}/x")


def test_a_chunked_body_is_bounded_too(server: Server) -> None:
    def chunks(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"64\r\n" + b"a" * 100 + b"\r\n")

    server.pages["/x"] = chunks
    with pytest.raises(FetchFailed, match="more than"):
        get(server.fetch(), f"{server.origin}/x")


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Until the server stops: an answer that comes before then is none of the page's."""
    handler.server.stopped.wait(30)  # type: ignore[attr-defined]  # Server's


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    for each in b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\nX: " + b"a" * 100:
        handler.wfile.write(bytes([each]))
        time.sleep(0.2)


def drip_body(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"a")
        handler.wfile.flush()
        time.sleep(0.2)


@pytest.mark.parametrize("answer", [hang, drip_headers, drip_body])
def test_the_timeout_is_of_the_whole_and_the_thread_ends(server: Server, answer: Page) -> None:
    server.pages["/x"] = answer
    # The socket of a server that says nothing has the same timeout: either may be the first to notice.
    with pytest.raises(FetchFailed, match=r"no answer within|TimeoutError"):
        get(server.fetch(), f"{server.origin}/x", timeout=0.3)
    for thread in threading.enumerate():
        if thread.name == "fetch":
            thread.join(10)
            assert not thread.is_alive(), "woken, so that it ends long before the server does"


def test_a_name_lookup_that_hangs_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    answered, found_out = threading.Event(), threading.Event()

    def slow(*_args: object, **_named: object) -> Any:
        found_out.wait(30)
        answered.set()
        raise OSError("no such host")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(FetchFailed, match="no answer within"):
        get(Https("https://issuer.example", system_clock), "https://issuer.example/x", timeout=0.2)
    assert not answered.is_set(), "the lookup still hangs"
    found_out.set()
    assert answered.wait(10), "its thread ends"


FORM, AUTHORIZATION = b"token=x", "Basic eA=="


def post(fetch: Https, url: str, timeout: float = 1.0) -> Fetched:
    return fetch.post(url, FORM, authorization=AUTHORIZATION, limit=LIMIT, timeout=timeout)


def test_a_form_is_posted_over_the_kept_connection_and_authorizes_itself(server: Server) -> None:
    server.pages["/ask"] = server.pages["/x"] = page(b"hello")
    fetch = server.fetch()
    assert [post(fetch, f"{server.origin}/ask").body for _ in range(2)] == [b"hello"] * 2
    get(fetch, f"{server.origin}/x")
    assert server.forms == [FORM] * 2
    (_, first, port), _, (_, last, other) = server.seen
    assert (first["authorization"], first["content-type"]) == (AUTHORIZATION, "application/x-www-form-urlencoded")
    assert "cookie" not in first
    assert "authorization" not in last, "a GET has none"
    assert port == other


@pytest.mark.parametrize("status", [201, 204, 301, 302, 303, 304, 307, 308, 400, 401, 404, 500, 503])
def test_only_200_answers_a_post_and_no_redirect_takes_the_secret_along(server: Server, status: int) -> None:
    server.pages["/ask"] = page(b"", status, Location=f"{server.origin}/y")
    server.pages["/y"] = page(b"stolen")
    with pytest.raises(FetchFailed, match=f"status {status}"):
        post(server.fetch(), f"{server.origin}/ask")
    assert [path for path, _, _ in server.seen] == ["/ask"]


def test_a_post_goes_to_the_issuer_alone_is_bounded_and_may_be_sent_again(server: Server) -> None:
    fetch = server.fetch()
    with pytest.raises(FetchFailed, match="origin"):
        post(fetch, f"{server.origin}.evil.example/ask")
    server.pages["/ask"] = page(b"a" * (LIMIT + 1))
    with pytest.raises(FetchFailed, match="more than"):
        post(fetch, f"{server.origin}/ask")
    server.pages["/hang"] = hang
    with pytest.raises(FetchFailed, match=r"no answer within|TimeoutError"):
        post(fetch, f"{server.origin}/hang", timeout=0.2)

    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        page(b"last")(handler)
        handler.close_connection = True

    server.pages["/last"], server.pages["/ask"] = hang_up, page(b"hello")
    post(fetch, f"{server.origin}/last")
    time.sleep(0.05)
    assert post(fetch, f"{server.origin}/ask").body == b"hello", "the kept connection was closed, unanswered"


def test_nobody_there(server: Server) -> None:
    server.stop()
    with pytest.raises(FetchFailed, match="Connection"):
        get(server.fetch(), f"{server.origin}/x")


def test_proxies_of_the_environment_are_ignored(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    server.pages["/x"] = page(b"direct")
    assert get(server.fetch(), f"{server.origin}/x").body == b"direct"


def test_the_connection_is_kept_and_a_lost_one_is_opened_again(server: Server) -> None:
    server.pages["/x"] = page(b"hello")
    fetch = server.fetch()
    for _ in range(3):
        get(fetch, f"{server.origin}/x")
    assert len({port for _, _, port in server.seen}) == 1

    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        page(b"last")(handler)
        handler.close_connection = True

    server.pages["/y"] = hang_up
    get(fetch, f"{server.origin}/y")
    time.sleep(0.05)
    assert get(fetch, f"{server.origin}/x").body == b"hello"
    assert len({port for _, _, port in server.seen}) == 2


def test_a_connection_is_not_kept_over_a_pause(server: Server) -> None:
    from tests.parts.authorizer.issuer import FakeClock

    clock = FakeClock()
    server.pages["/x"] = page(b"hello")
    fetch = server.fetch(clock)
    get(fetch, f"{server.origin}/x")
    clock.wall += 6  # frozen meanwhile: the monotonic clock stood still
    get(fetch, f"{server.origin}/x")
    assert len({port for _, _, port in server.seen}) == 2


def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    thread = threading.Thread(target=serve)
    thread.start()
    origin = f"https://127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
        get(Https(origin, system_clock), f"{origin}/x")
    thread.join()
    listening.close()


def self_signed(folder: Path) -> Path:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(pem))
    return path


@pytest.mark.slow
def test_an_answer_comes_within_9_seconds_even_if_the_issuer_hangs(server: Server) -> None:
    from tests.parts.authorizer.issuer import FakeClock, FakeIssuer

    clock = FakeClock()
    clock.wall = time.time()
    issuer = FakeIssuer(clock)
    token = issuer.sign(issuer.claims(iss=server.origin, aud=AUDIENCE))
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        server.pages[path] = hang
    configuration = parse({**environment(), "ISSUER": server.origin})
    authorizer = Authorizer(configuration, server.fetch(), system_clock, system_jitter, print)
    refused = list[bool]()

    def ask() -> None:
        with pytest.raises(IssuerUnavailable):
            authorizer.answer(http_2(token))
        refused.append(True)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(9)
    assert len(refused) == 5, "each is answered, though the issuer hangs to this moment"
    assert not server.stopped.is_set()
    assert len(server.seen) == 1, "one flight for all of them"


def test_inflating_stops_at_the_limit_exactly() -> None:
    assert inflated(zlib.compress(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(FetchFailed):
        inflated(zlib.compress(bytes(1001)), 1000)
    assert inflated(zlib.compress(b""), 1000) == b""
