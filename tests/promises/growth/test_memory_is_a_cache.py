"""Nothing in memory is the truth (promise P8): frozen, thawed, cloned and killed between any two requests."""

import copy
from dataclasses import replace

import pytest
import valet.server
from valet.models.grants import LiveToken
from valet.server import Server

from tests.endpoints import ENDPOINTS
from tests.promises.growth.conftest import VERIFIER, Memory
from tests.support.functions import load
from tests.support.wire import Answer
from tests.support.world import World


class Restarted(World):
    """A world in which no two requests meet the same execution environment."""

    def send(self, method: str, url: str, headers: object = None, body: bytes = b"") -> Answer:
        answer = super().send(method, url, headers, body)
        self.restart()
        return answer


def journey(world: World) -> list[object]:
    """All that a person and a client do with each other, and what they are told."""
    asked = world.web_app.ask()
    answer = world.browser.decide(world.browser.sign_in(world.browser.open(asked.url)))
    first = world.web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    world.deployment.clock.advance(1)
    second = world.web_app.refresh(first["refresh_token"]).json()
    retried = world.web_app.refresh(first["refresh_token"]).json()
    told: list[object] = [
        retried["refresh_token"] == second["refresh_token"],
        world.service.introspect(second["access_token"]).json()["active"],
        world.web_app.userinfo(second["access_token"]).json(),
        world.browser.get(world.web_app.ask(prompt="none").url).answered.keys(),
    ]
    world.deployment.clock.advance(61)
    told += [
        world.web_app.refresh(first["refresh_token"]).error,
        world.web_app.refresh(second["refresh_token"]).error,
        world.service.introspect(second["access_token"]).json(),
        world.browser.open(f"/logout?id_token_hint={first['id_token']}").status,
        world.browser.get(world.web_app.ask(prompt="none").url).answered["error"],
    ]
    return told


def test_a_journey_is_the_same_where_no_two_requests_meet_the_same_environment(world: World) -> None:
    world.deployment.begin()
    world.browser.cookies = {}
    together = journey(world)
    world.deployment.begin()
    apart = journey(Restarted(world.deployment))
    assert apart == together
    assert together[:2] == [True, True]
    assert together[4:7] == ["invalid_grant", "invalid_grant", {"active": False}]


def test_environments_that_take_turns_are_one_server(memory: Memory) -> None:
    grant, code = memory.issue()
    servers = [memory.server, memory.new_server(), memory.new_server()]
    token = memory.web_app.redeem(code, VERIFIER).json()["refresh_token"]
    for step in range(60):
        memory.clock.advance(7)
        memory.server = servers[step * step % 3]
        first = memory.web_app.refresh(token)
        memory.server = servers[(step + 1) % 3]
        retried = memory.web_app.refresh(token)
        assert (first.status, retried.status) == (200, 200)
        assert first.json()["refresh_token"] == retried.json()["refresh_token"]
        token = first.json()["refresh_token"]
    assert memory.grant(grant.grant_id).generation == 61
    assert not memory.grant(grant.grant_id).revoked_at
    leases = memory.stores.status_lists.leases("web_app_123")
    taken = [(lease.list_id, idx) for lease in leases for idx in range(lease.start, lease.start + lease.length)]
    assert len(taken) == len(set(taken)), "no two environments hold the same index"


def test_of_clones_that_hold_one_block_a_revocation_misses_neither(memory: Memory) -> None:
    """A block is never leased at init, so no snapshot has one. Were a running environment cloned all the same, one
    index would belong to two tokens: then both are refused, never neither."""
    grants = [memory.issue() for _ in range(2)]
    memory.server.status_indices.allot("web_app_123", int(memory.clock.now) + 900)
    original = memory.server
    clone = memory.new_server()
    clone.status_indices = copy.copy(original.status_indices)
    vars(clone.status_indices)["_blocks"] = dict(vars(original.status_indices)["_blocks"])
    answers = []
    for server, (_, code) in zip((original, clone), grants, strict=True):
        memory.server = server
        answers.append(memory.web_app.redeem(code, VERIFIER).json())
    live = [memory.grant(grant.grant_id).live[-1] for grant, _ in grants]
    assert live[0] == live[1]
    memory.clock.advance(61)
    memory.web_app.refresh(answers[0]["refresh_token"])
    memory.clock.advance(61)
    memory.web_app.refresh(answers[0]["refresh_token"])
    assert memory.grant(grants[0][0].grant_id).revoked_for == "refresh.reused"
    assert not memory.grant(grants[1][0].grant_id).revoked_at
    assert memory.stores.status_lists.is_set(LiveToken(*live[1]))


@pytest.mark.parametrize("frozen_for", [10, 3600, -5], ids=["ten seconds", "an hour", "a clock that went back"])
def test_what_an_operator_changed_is_in_force_after_ten_seconds_frozen_or_not(world: World, frozen_for: int) -> None:
    tokens = world.redeemed()
    server = world.deployment.server
    client = server.registry.find_client("web_app_123")
    assert client is not None
    world.deployment.registrar.put_client(replace(client, is_disabled=True))
    world.deployment.clock.advance(9.9)
    assert world.web_app.introspect(tokens.refresh_token).status == 200, "what is remembered may be so old"
    world.deployment.clock.advance(frozen_for - 9.9)
    assert world.web_app.introspect(tokens.refresh_token).error == "invalid_client"


def test_nothing_is_drawn_read_or_leased_before_the_first_request(world: World) -> None:
    """What is drawn at init is drawn for every clone of a snapshot."""

    def refuse(length: int, /) -> bytes:
        raise AssertionError("randomness at init")

    with world.deployment.aws.recorded() as calls:
        server = Server()
        server.settings = world.deployment.settings
        server.random = refuse
        valet.server.SERVER = server
        for name in {*(each.function for each in ENDPOINTS), "rotate_keys"}:
            load(name)
        for port in ("registry", "accounts", "grants", "status_lists", "status_indices", "sessions", "signers"):
            getattr(server, port)
    assert calls == []
