"""The client's address of a request: the one that connected to the gateway, or to the proxy in front of it."""

from typing import Any

import pytest
from valet.aws.apigateway import request_from_event
from valet.settings import Settings

EDGE = "64.252.66.8"
BEHIND_PROXY = Settings(issuer_url="https://id.example.com", is_behind_proxy=True)


def event(forwarded_for: str | None, source_ip: str = EDGE) -> dict[str, Any]:
    headers = {} if forwarded_for is None else {"X-Forwarded-For": forwarded_for}
    return {"headers": headers, "requestContext": {"http": {"method": "GET", "sourceIp": source_ip}}}


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        (f"203.0.113.7, {EDGE}", "203.0.113.7"),
        (f"203.0.113.7,{EDGE}", "203.0.113.7"),
        (f"2001:DB8:0::7, {EDGE}", "2001:db8::7"),
        (f"198.51.100.1, 203.0.113.7, {EDGE}", "203.0.113.7"),
        (f"{EDGE}, 198.51.100.1, unknown, <script>, 203.0.113.7, {EDGE}", "203.0.113.7"),
    ],
)
def test_behind_a_proxy_it_is_the_entry_before_the_proxys_and_what_the_client_wrote_is_passed_over(
    forwarded_for: str, client: str
) -> None:
    assert request_from_event(event(forwarded_for), BEHIND_PROXY).source_ip == client


@pytest.mark.parametrize(
    "forwarded_for",
    [
        None,
        "",
        EDGE,
        "203.0.113.7",
        "198.51.100.1, 203.0.113.7",  # not as the gateway leaves it: its last entry is who connected
        f", {EDGE}",
        f"unknown, {EDGE}",
        f"203.0.113.7:4711, {EDGE}",
        f"[2001:db8::7], {EDGE}",
        f"fe80::1%<script>, {EDGE}",
        f"203.0.113.0/24, {EDGE}",
        f"203.0.113.007, {EDGE}",
        f"3405803783, {EDGE}",
        f"203.0.113.7, {EDGE},",
    ],
)
def test_what_is_no_address_or_not_the_gateways_header_is_not_believed(forwarded_for: str | None) -> None:
    assert request_from_event(event(forwarded_for), BEHIND_PROXY).source_ip == EDGE


def test_without_a_proxy_nobody_states_an_address_but_the_gateway() -> None:
    """A custom domain makes the issuer known, too, and no proxy stands before it."""
    for settings in (Settings(issuer_url="https://id.example.com"), Settings(issuer_url="http://127.0.0.1:3000")):
        assert request_from_event(event(f"203.0.113.7, {EDGE}"), settings).source_ip == EDGE
