"""`valet keys`: moved by rotate_keys, which has no other door."""

from __future__ import annotations

import pytest

from tests.parts.admin.conftest import Operator
from tests.support.wire import over_http

pytestmark = pytest.mark.usefixtures("keys_come_back")


def states(valet: Operator) -> dict[str, str]:
    return {key["kid"]: key["state"] for key in valet.json("keys", "list")}


def test_the_keys_are_listed_with_what_they_do(valet: Operator) -> None:
    assert sorted(states(valet).values()) == ["announced", "signing"]
    assert "RS256" in valet("keys", "list").out


def test_a_rotation_waits_until_verifiers_know_the_standby(valet: Operator) -> None:
    before = states(valet)
    assert "try again from" in valet("keys", "rotate", "--yes", status=3).err
    assert states(valet) == before
    valet.advance(3 * 3600)
    valet("keys", "rotate", typed="n\n", status=5)
    assert states(valet) == before
    told = valet.json("keys", "rotate", "--yes")
    [signing] = [kid for kid, state in states(valet).items() if state == "signing"]
    assert told["signing"] == [signing]
    assert before[signing] == "announced"
    assert "announced" in states(valet).values()


def test_an_emergency_ends_the_key_that_signs_and_does_not_wait(valet: Operator) -> None:
    [signing] = [kid for kid, state in states(valet).items() if state == "signing"]
    valet("keys", "emergency", typed="n\n", status=5)
    valet("keys", "emergency", "nonsense", "--yes", status=3)
    assert states(valet)[signing] == "signing"
    valet("keys", "emergency", "--yes")
    assert states(valet)[signing] == "dropped"
    assert list(states(valet).values()).count("signing") == 1
    valet.advance(11)
    assert signing not in over_http("GET", f"{valet.stack.issuer}/.well-known/jwks.json").body


def test_a_rotation_that_fails_says_why_in_a_line(valet: Operator) -> None:
    valet.advance(3 * 3600)
    environment = valet.stack.functions.module("RotateKeysFunction")
    rotation = environment._rotation

    def failing() -> None:
        raise RuntimeError("KMS is on holiday")

    setattr(environment, "_rotation", failing)  # noqa: B010
    try:
        ran = valet("keys", "rotate", "--yes", status=4)
    finally:
        setattr(environment, "_rotation", rotation)  # noqa: B010
    assert "KMS is on holiday" in ran.err
