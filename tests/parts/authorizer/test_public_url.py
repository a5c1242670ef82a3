"""The address that a proof has to name: the event's own, or PUBLIC_URL and the path below the stage."""

from typing import Any

import pytest
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.outcomes import ConfigurationError

from tests.parts.authorizer.bound import DOMAIN, BoundStand, bound_event
from tests.parts.authorizer.issuer import environment
from tests.parts.authorizer.test_events import allows

PUBLIC = "https://api.example.com"


def event_at(stand: BoundStand, htu: str, *, path: str, stage: str, own: str = "") -> dict[str, Any]:
    """An event for a request to `path` below `stage`. `own` is the path as the API's own domain has it, if not so."""
    event = bound_event(stand.shape, stand.token, stand.proof(htu=htu))
    context = event["requestContext"]
    context["stage"] = stage
    whole = own or (path if stage == "$default" else f"/{stage}{path}")
    if stand.shape == "http_2":
        event["rawPath"] = context["http"]["path"] = whole
    else:
        event["path"], context["path"] = path, whole
    return event


@pytest.mark.parametrize(
    ("shape", "stage"),
    [("http_2", "$default"), ("http_2", "prod"), ("http_1", "$default"), ("http_1", "prod"), ("rest_request", "prod")],
)
@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/shop"])
def test_each_public_url_and_the_path_below_the_stage_replace_the_events_address(
    shape: str, stage: str, prefix: str
) -> None:
    stand = BoundStand(
        shape, PUBLIC_URL=f"{PUBLIC}{prefix} https://second.example http://127.0.0.1:3000/x http://[::1]"
    )
    for base in (f"{PUBLIC}{prefix}", "https://second.example", "http://127.0.0.1:3000/x", "http://[::1]"):
        event = event_at(stand, f"{base}/api/profile", path="/api/profile", stage=stage)
        assert allows(stand.answer(event), event)
    own = DOMAIN if stage == "$default" else f"{DOMAIN}/{stage}"
    for htu in (f"{own}/api/profile", f"{PUBLIC}/{stage}/api/profile", f"{PUBLIC}{prefix}/api/other", PUBLIC):
        event = event_at(stand, htu, path="/api/profile", stage=stage)
        assert stand.refusal_of(event) == "htu is another address"


@pytest.mark.parametrize("shape", ["http_2", "http_1", "rest_request"])
def test_the_events_own_address_has_its_stage_or_base_path(shape: str) -> None:
    stand = BoundStand(shape)
    event = event_at(stand, f"{DOMAIN}/prod/api/profile", path="/api/profile", stage="prod")
    assert allows(stand.answer(event), event)
    event = event_at(
        stand, f"{DOMAIN}/base/api/profile", path="/base/api/profile", stage="prod", own="/base/api/profile"
    )
    assert allows(stand.answer(event), event)
    event = event_at(stand, f"{DOMAIN}/api/profile", path="/api/profile", stage="prod")
    assert "htu is another address" in stand.refusal_of(event)


def test_a_path_that_only_begins_like_the_stage_keeps_its_beginning() -> None:
    stand = BoundStand(PUBLIC_URL=PUBLIC)
    event = event_at(stand, f"{PUBLIC}/production/x", path="", stage="prod", own="/production/x")
    assert allows(stand.answer(event), event)


@pytest.mark.parametrize(
    ("shape", "in_event", "sent", "another"),
    [
        ("http_2", "/a%2Fb", "/a%252Fb", "/a%2Fb"),
        ("http_1", "/a%2Fb", "/a%252Fb", "/a%2Fb"),
        ("http_2", "/a b", "/a%20b", "/a%2520b"),
        ("http_2", "/a?b", "/a%3Fb", "/a?b"),
        ("rest_request", "/a%252Fb", "/a%252Fb", "/a%2Fb"),
        ("rest_request", "/a%2Fb", "/a%2Fb", "/a/b"),
        ("rest_request", "/a%2Fb", "/a%2fb", "/a%252Fb"),
    ],
)
@pytest.mark.parametrize("public_url", ["", PUBLIC])
def test_a_path_is_decoded_once_on_http_apis_and_never_on_rest(
    shape: str, in_event: str, sent: str, another: str, public_url: str
) -> None:
    stand = BoundStand(shape, PUBLIC_URL=public_url)
    base, own = (public_url, "") if public_url else (DOMAIN, in_event)
    event = event_at(stand, base + sent, path=in_event, stage="$default", own=own)
    assert allows(stand.answer(event), event)
    event = event_at(stand, base + another, path=in_event, stage="$default", own=own)
    assert stand.refusal_of(event).startswith("htu is another address")


def test_public_url_is_the_address_of_a_websocket() -> None:
    stand = BoundStand("websocket", PUBLIC_URL="https://ws.example https://second.example/chat")
    good = ("wss://ws.example", "wss://ws.example/", "https://ws.example", "wss://second.example/chat")
    for htu in good:
        event = bound_event("websocket", stand.token, stand.proof(htu=htu))
        assert allows(stand.answer(event), event)
    for htu in (f"{DOMAIN}/prod", "wss://ws.example/prod", "ws://ws.example"):
        assert stand.refusal(stand.proof(htu=htu)) == "htu is another address"


@pytest.mark.parametrize(
    "value",
    [
        "http://api.example.com",
        "https://api.example.com/",
        "https://api.example.com/v1/",
        "https://api.example.com//v1",
        "https://api.example.com/v1?x",
        "https://API.example.com",
        "https://john@api.example.com",
        "https://api.example.com/%76",
        "wss://ws.example.com",
        "api.example.com",
        "https://a.example,https://b.example",
        "https://a.example https://b.example https://c.example https://d.example https://e.example",
    ],
)
def test_a_public_url_that_is_not_one_does_not_start(value: str) -> None:
    with pytest.raises(ConfigurationError, match="PUBLIC_URL"):
        parse({**environment(), "PUBLIC_URL": value})


@pytest.mark.parametrize("value", ["9", "301", "1.5", "-60", "soon", "٦٠"])
def test_a_proofs_age_is_10_to_300_seconds(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"DPOP_MAX_AGE is .* and must be 10 to 300 seconds"):
        parse({**environment(), "DPOP_MAX_AGE": value})


def test_the_sender_constraint_is_one_of_two() -> None:
    with pytest.raises(ConfigurationError, match="SENDER_CONSTRAINT is 'on', and must be optional or required"):
        parse({**environment(), "SENDER_CONSTRAINT": "on"})


def test_the_defaults() -> None:
    found = parse({**environment(), "PUBLIC_URL": "", "DPOP_MAX_AGE": "", "SENDER_CONSTRAINT": ""})
    assert (found.public_urls, found.proof_max_age, found.takes_bearer) == ((), 60, True)
