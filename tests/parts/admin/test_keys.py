"""`valet keys`: moved by rotate_keys, which has no other door."""

from __future__ import annotations

from collections.abc import Iterator

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


# -- two lanes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_lanes(valet: Operator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    """The stack was updated with SigningAlgorithm=RS256+PS256 a moment ago."""
    monkeypatch.setenv("SIGNING_ALG", "RS256+PS256")
    valet.stack.forget(clock=valet.clock)
    valet.stack.invoke("rotate_keys", {"source": "aws.events"})
    yield valet
    valet.stack.forget()


def signing(valet: Operator) -> dict[str, str]:
    return {key["alg"]: key["kid"] for key in valet.json("keys", "list") if key["state"] == "signing"}


def pass_hours(valet: Operator, hours: float) -> None:
    valet.advance(hours * 3600)
    valet.stack.invoke("rotate_keys", {"source": "aws.events"})


def test_a_new_algorithm_is_registered_for_once_its_key_signs(two_lanes: Operator) -> None:
    client = ("clients", "change", "web_app_123", "--id-token-alg")
    api = ("apis", "change", two_lanes.stack.audience, "--access-token-alg")
    added = ("clients", "add", "New", "--scope", "admin", "--id-token-alg", "PS256")
    before = [two_lanes.json("clients", "list"), two_lanes.json("apis", "list")]
    for refused in (
        two_lanes(*client, "PS256", status=2),
        two_lanes(*api, "PS256", status=2),
        two_lanes(*added, status=2),
    ):
        assert "PS256: no key signs with it yet, only with RS256; its keys are announced" in refused.err
    assert "deploy with a SigningAlgorithm that names it" in two_lanes(*client, "ES256", status=2).err
    assert "is not one of" in two_lanes(*client, "HS256", status=2).err
    assert [two_lanes.json("clients", "list"), two_lanes.json("apis", "list")] == before
    pass_hours(two_lanes, 2.26)
    assert list(signing(two_lanes)) == ["RS256", "PS256"]
    assert two_lanes.json(*client, "PS256")["id_token_alg"] == "PS256"
    assert two_lanes.json(*api, "PS256")["access_token_alg"] == "PS256"
    assert two_lanes.json(*client, "default")["id_token_alg"] == ""
    assert two_lanes.json(*api, "default")["access_token_alg"] == ""
    assert two_lanes.json(*added)["id_token_alg"] == "PS256"


def test_each_algorithms_key_is_rotated_alone(two_lanes: Operator) -> None:
    pass_hours(two_lanes, 2.26)
    before = signing(two_lanes)
    assert "No key signs with ES256" in two_lanes("keys", "rotate", "--alg", "ES256", "--yes", status=3).err
    two_lanes("keys", "rotate", "--alg", "PS256", "--yes")
    after = signing(two_lanes)
    assert after["RS256"] == before["RS256"]
    assert states(two_lanes)[before["PS256"]] == "retired"


@pytest.mark.parametrize("kid", ["-h", "-V-nzIl7hMzSr", "--5hVyAtP"])
def test_a_kid_that_begins_with_a_hyphen_is_no_option(refused: Operator, kid: str) -> None:
    """Was: an emergency of the key "-V-…h…" showed the help, ended well, and dropped nothing."""
    assert f"There is no signing key {kid}" in refused("keys", "emergency", kid, "--yes", status=3).err


def test_an_emergency_concerns_one_key_and_asks_which(two_lanes: Operator) -> None:
    pass_hours(two_lanes, 2.26)
    before = signing(two_lanes)
    refused = two_lanes("keys", "emergency", "--yes", status=3).err
    assert "an emergency concerns one key. Name it." in refused
    assert all(alg in refused and kid in refused for alg, kid in before.items())
    assert signing(two_lanes) == before
    two_lanes("keys", "emergency", before["PS256"], "--yes")
    assert states(two_lanes)[before["PS256"]] == "dropped"
    assert signing(two_lanes)["RS256"] == before["RS256"]
