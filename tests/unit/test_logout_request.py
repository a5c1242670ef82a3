"""The logout request: what is checked of it, and what the page carries on."""

from dataclasses import dataclass, replace
from typing import cast

import pytest
from valet.errors import InvalidRequest
from valet.http import Parameters
from valet.models.clients import Client
from valet.models.sessions import Hint, Session
from valet.ports.clients import Registry
from valet.protocol.logout_request import parse_logout_request

CLIENT = Client(client_id="web", client_name="Web", post_logout_redirect_uris=("https://app.example.com/out",))
HINT = Hint(sub="john", sid="sid-1", client_id="web")
ALL = {
    "id_token_hint": "a.b.c",
    "client_id": "web",
    "post_logout_redirect_uri": "https://app.example.com/out",
    "state": "s",
}


@dataclass
class OneClient:
    def find_client(self, client_id: str) -> Client | None:
        return CLIENT if client_id == CLIENT.client_id else None


REGISTRY = cast(Registry, OneClient())


def test_all_that_is_known_is_carried_on_and_the_way_back_has_the_state() -> None:
    asked = parse_logout_request(Parameters(ALL), HINT, REGISTRY)
    assert asked.client == CLIENT
    assert asked.back == "https://app.example.com/out?state=s"
    assert asked.carried == ALL


def test_a_hint_that_does_not_verify_takes_the_way_back_with_it_if_no_client_is_named() -> None:
    parameters = {name: value for name, value in ALL.items() if name != "client_id"}
    asked = parse_logout_request(Parameters(parameters), None, REGISTRY)
    assert (asked.hint, asked.client, asked.back) == (None, None, None)
    assert asked.carried == {"state": "s"}


def test_an_unknown_client_is_not_carried_on() -> None:
    asked = parse_logout_request(Parameters({"client_id": "x" * 5000, "state": "s"}), None, REGISTRY)
    assert asked.carried == {"state": "s"}


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "another"},
        {"post_logout_redirect_uri": "https://evil.example/out"},
        {"state": "s" * 2049},
    ],
)
def test_a_request_that_contradicts_its_hint_or_the_registration_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        parse_logout_request(Parameters({**ALL, **changed}), HINT, REGISTRY)


def test_a_way_back_without_a_client_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        parse_logout_request(Parameters({"post_logout_redirect_uri": ALL["post_logout_redirect_uri"]}), None, REGISTRY)


def test_only_a_hint_of_the_same_session_shows_that_it_should_end() -> None:
    session = Session(
        digest=b"d", sid="sid-1", sub="john", auth_time_ms=0, acr="", amr=(), idle_expires_at=9, absolute_expires_at=9
    )
    asked = parse_logout_request(Parameters(ALL), HINT, REGISTRY)
    assert asked.is_about(session)
    assert not asked.is_about(replace(session, sid="sid-2"))
    assert not parse_logout_request(Parameters({"client_id": "web"}), None, REGISTRY).is_about(session)
