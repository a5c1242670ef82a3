"""Listens to a whole test run and collects its secrets and its log lines; no word may be in both (P10). Secrets are the
tokens, codes, cookies, passwords and handles in requests to the functions and in their answers. Log lines are all lines
that Valet prints or that any logger of this process gets, with all fields, and every JSON line on standard output.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import pytest

_WORD = re.compile(r"[A-Za-z0-9_-]{8,}")
_HANDLE_IN_PAGE = re.compile(r'value="(?:[A-Za-z0-9_-]+\.)?([A-Za-z0-9_-]{43})"')  # an authorization code's as well
_PARAMETERS = frozenset(
    {
        "access_token",
        "client_secret",
        "code",
        "code_verifier",
        "csrf_token",
        "id_token",
        "id_token_hint",
        "password",
        "refresh_token",
        "request",
        "resume",
        "token",
    }
)
_CLIENTS = ("httpx", "httpcore")  # the tests' own, which tell the address that they ask for
# Tests send any word in any place, a client's name as a password too. What was drawn is long; of what was chosen only
# the demo data's passwords and secrets are known to be secret.
_LEAST = 32
_CHOSEN = frozenset(
    {"password123", "password456", "password789", "web_secret_456", "legacy_secret_654", "api_secret_abc"}
)


class LogWatch:
    """What was secret and what was said, as words."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.said: dict[str, str] = {}  # the word, and the line that it stood in
        self._fresh_secrets: set[str] = set()
        self._fresh_words: set[str] = set()

    def heard(self, line: str) -> None:
        for word in _WORD.findall(line):
            if word not in self.said:
                self.said[word] = line
                self._fresh_words.add(word)

    def keep(self, secrets: Iterable[str]) -> None:
        fresh = {secret for secret in secrets if secret not in self.secrets}
        self.secrets |= fresh
        self._fresh_secrets |= fresh

    def told(self) -> dict[str, str]:
        """The secrets that were logged since the last call, and the lines."""
        words = (self._fresh_words & self.secrets) | (self._fresh_secrets & self.said.keys())
        self._fresh_words, self._fresh_secrets = set(), set()
        return {word: self.said[word] for word in words}


class Listener(logging.Handler):
    """Hears what every logger is given, extra fields included, whatever a formatter would leave out."""

    def __init__(self, watch: LogWatch) -> None:
        super().__init__(level=logging.DEBUG)
        self._watch = watch

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_CLIENTS):
            return
        own = {name: value for name, value in vars(record).items() if name not in ("pathname", "filename", "module")}
        self._watch.heard(f"{record.getMessage()} {own}")


def heard_on_output(text: str, watch: LogWatch) -> None:
    for line in text.splitlines():
        if line.startswith("{"):
            watch.heard(line)


def words_of(value: str) -> Iterator[str]:
    """What is secret in a token, a code or a password: not a grant's id, nor what anybody may read in a JWT."""
    parts = value.split(".")
    if len(parts) > 1:
        parts = parts[2:] if value.startswith("eyJ") else parts[1:]
    for part in parts:
        if (len(part) >= _LEAST or part in _CHOSEN) and _WORD.fullmatch(part):
            yield part


def secrets_of_request(request: Any) -> Iterator[str]:
    """Of a valet.http.Request."""
    for encoded in (request.query_string, request.body.decode(errors="replace")):
        yield from _of_pairs(encoded)
    for value in request.cookies.values():
        yield from words_of(value)
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(credentials, validate=True).decode()
        except (binascii.Error, ValueError):
            return
        yield from words_of(credentials.rstrip("="))
        yield from words_of(unquote_plus(pair.partition(":")[2]))
    else:
        yield from words_of(credentials)


def secrets_of_response(response: Any) -> Iterator[str]:
    """Of a valet.http.Response."""
    yield from _of_pairs(urlsplit(response.headers.get("Location", "")).query)
    for cookie in response.cookies:
        yield from words_of(cookie.partition(";")[0].partition("=")[2])
    body = response.body if isinstance(response.body, str) else ""
    yield from _HANDLE_IN_PAGE.findall(body)
    if body.startswith("{"):
        yield from _of_members(json.loads(body))


def _of_members(members: Mapping[str, Any]) -> Iterator[str]:
    for name in _PARAMETERS & members.keys():
        if isinstance(members[name], str):
            yield from words_of(members[name])


def _of_pairs(encoded: str) -> Iterator[str]:
    for name, value in parse_qsl(encoded, errors="replace"):
        if name in _PARAMETERS:
            yield from words_of(value)


@pytest.fixture(scope="session", autouse=True)
def log_watch() -> Iterator[LogWatch]:
    """Watches the entry that every endpoint shares, from the first test to the last."""
    import valet.endpoint  # noqa: F401  whose doors are watched
    from valet import log
    from valet.aws.apigateway import request_from_event, response_to_event

    watch = LogWatch()
    print_line = log.print_line

    def line_seen(members: Mapping[str, object], now: float) -> None:
        watch.heard(str({name: log.in_bounds(name, value) for name, value in members.items()}))
        print_line(members, now)

    def request_seen(*arguments: Any) -> Any:
        request = request_from_event(*arguments)
        watch.keep(secrets_of_request(request))
        return request

    def response_seen(response: Any) -> Any:
        watch.keep(secrets_of_response(response))
        return response_to_event(response)

    listener = Listener(watch)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("valet.endpoint.request_from_event", request_seen)
        patch.setattr("valet.endpoint.response_to_event", response_seen)
        patch.setattr(log, "print_line", line_seen)
        logging.getLogger().addHandler(listener)
        yield watch
        logging.getLogger().removeHandler(listener)


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(log_watch: LogWatch) -> Iterator[None]:
    """After every test: of all the secrets that this process has seen so far, none is in a line of its log."""
    yield
    told = log_watch.told()
    assert not told, "\n".join(f"{word} is a secret, and is in: {line[:300]}" for word, line in told.items())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """What a test printed, its authorizers' log lines among it, is looked at with the next."""
    report = yield
    watch = getattr(item, "funcargs", {}).get("log_watch")
    if watch is not None:
        for title, text in report.sections:
            if "stdout" in title:
                heard_on_output(text, watch)
    return report
