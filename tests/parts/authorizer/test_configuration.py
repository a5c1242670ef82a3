"""The environment: parsed as a pure function, and all that is wrong with it in one message."""

import json

import pytest
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.outcomes import ConfigurationError

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, ROUTES, environment


def wrong(**changed: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        parse({**environment(), **changed})
    return str(raised.value)


def test_the_defaults() -> None:
    found = parse({"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "ROUTES": json.dumps(ROUTES)})
    assert (found.issuer, found.audience) == (ISSUER, AUDIENCE)
    assert (found.is_simple, found.status_max_stale, found.is_status_optional) == (False, 300, False)


def test_an_empty_variable_has_its_default() -> None:
    found = parse({**environment(), "RESPONSE": "", "STATUS_MAX_STALE": "", "STATUS_OPTIONAL": ""})
    assert (found.is_simple, found.status_max_stale, found.is_status_optional) == (False, 300, False)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://issuer.example",
        "https://issuer.example:8443",
        "https://abcdef1234.execute-api.eu-west-1.amazonaws.com",
        "http://127.0.0.1:3000",
        "http://127.0.0.1",
        "http://[::1]:3000",
    ],
)
def test_an_issuer_is_https_or_loopback(issuer: str) -> None:
    assert parse({**environment(), "ISSUER": issuer}).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "issuer.example",
        "http://issuer.example",
        "http://localhost.evil.test:3000",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "https://issuer.example/",
        "https://issuer.example/path",
        "https://issuer.example?x",
        "https://issuer.example#x",
        "https://user@issuer.example",
        "https://issuer.example\n",
        "HTTPS://issuer.example",
        "https://Issuer.example",
        "ftp://issuer.example",
        "https://",
        "https://*.example",
    ],
)
def test_any_other_issuer_is_refused(issuer: str) -> None:
    assert "ISSUER" in wrong(ISSUER=issuer)


def test_everything_that_is_wrong_is_in_one_message() -> None:
    message = wrong(
        ISSUER="http://issuer.example",
        AUDIENCE="",
        ROUTES='{"GET /a": {}, "GET /a": {}, "FETCH /b": {}, "GET /c": {"scope": []}}',
        RESPONSE="yes",
        STATUS_MAX_STALE="901",
        STATUS_OPTIONAL="1",
        MATCH="paths",
        BASE_PATH="v1/",
        WEBSOCKET_TOKEN="query",
    )
    for part in (
        "MATCH",
        "BASE_PATH",
        "WEBSOCKET_TOKEN",
        "ISSUER",
        "AUDIENCE",
        "repeats 'GET /a'",
        "FETCH /b",
        "GET /c",
        "RESPONSE",
        "_MAX_STALE",
        "_OPTIONAL",
    ):
        assert part in message


@pytest.mark.parametrize("value", ["901", "-1", "1.5", "soon", "1000000", "٣"])
def test_status_max_stale_is_0_to_900(value: str) -> None:
    assert "STATUS_MAX_STALE" in wrong(STATUS_MAX_STALE=value)


@pytest.mark.parametrize("audience", ["", " ", "a b", "a\n", "x" * 501])
def test_the_audience_is_one_value(audience: str) -> None:
    assert "AUDIENCE" in wrong(AUDIENCE=audience)


@pytest.mark.parametrize("base_path", ["v1", "/", "/v1/", "//v1", "/v 1", "/%76", "/v1?", "/{x}", "/v1\n"])
def test_a_base_path_is_plain_segments(base_path: str) -> None:
    assert "BASE_PATH" in wrong(MATCH="path", BASE_PATH=base_path)


def test_a_base_path_means_nothing_without_paths() -> None:
    assert "MATCH=path" in wrong(BASE_PATH="/v1")
    assert parse({**environment(), "MATCH": "path", "BASE_PATH": "/v1/api"}).base_path == "/v1/api"


INTROSPECTION = {"INTROSPECTION_CLIENT": "authorizer", "INTROSPECTION_SECRET": "secret"}


def test_an_authorizer_introspects_where_it_has_a_client_for_that() -> None:
    assert parse({**environment(), "INTROSPECTION_CACHE": "0"}).introspection is None
    assert parse({**environment(), **INTROSPECTION}).introspection == ("authorizer", "secret", 0)
    assert parse({**environment(), **INTROSPECTION, "INTROSPECTION_CACHE": "30"}).introspection[2:] == (30,)  # type: ignore[index]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"INTROSPECTION_SECRET": ""}, "are set together or not at all"),
        ({"INTROSPECTION_CLIENT": ""}, "are set together or not at all"),
        ({"INTROSPECTION_CLIENT": "a b"}, "must be a client_id"),
        ({"INTROSPECTION_SECRET": "a hidden one"}, "INTROSPECTION_SECRET is malformed"),
        ({"INTROSPECTION_CACHE": "31"}, "0 to 30 seconds"),
        ({"INTROSPECTION_CACHE": "-1"}, "0 to 30 seconds"),
        ({"INTROSPECTION_CACHE": "1.5"}, "0 to 30 seconds"),
    ],
)
def test_what_is_wrong_with_its_client_is_told_without_the_secret(changed: dict[str, str], reason: str) -> None:
    told = wrong(**{**INTROSPECTION, **changed})
    assert reason in told
    assert "hidden" not in told
