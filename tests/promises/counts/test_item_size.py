"""The Grant item under one kilobyte, which one write unit pays for (DynamoDB Developer Guide, item sizes)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import boto3
from valet.models.clients import ProtectedApi, Scope
from valet.models.grants import LiveToken
from valet.ports.grants import Done, Redemption, Revocation, Rotation

from tests.contract.facts import DAY, NOW, new_grant
from tests.support.deployment import TABLES
from tests.support.world import World

UUID = "2f1b7c1e-6a0e-4b7e-9c43-0d5a4f7e1b2c"
DEFAULT_ENDPOINT = "https://a1b2c3d4e5.execute-api.ap-southeast-1.amazonaws.com"
REALISTIC = {
    "client_id": UUID,
    "sub": UUID,
    "sid": "s" * 22,
    "scope": ("email", "items", "items.write", "offline_access", "openid", "profile"),
    "aud": (f"{DEFAULT_ENDPOINT}/api",),
    "nonce": "n" * 64,
    "redirect_uri": "https://www.webapp.example.com/auth/openid-connect/callback",
    "auth_time": 1_799_999_987,
    "issued_at_ms": 1_799_999_999_987,
    "code_expires_at": 1_800_000_059,
    "absolute_expires_at": 1_807_776_001,
    "expires_at": 1_807_862_401,
}


def size_of(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item: names in UTF-8, and values by their kind."""
    return sum(len(name.encode()) + _value(value) for name, value in item.items())


def _value(value: Mapping[str, Any]) -> int:
    kind: str
    content: Any
    ((kind, content),) = value.items()
    if kind == "S":
        return len(str(content).encode())
    if kind == "B":
        return len(bytes(content))
    if kind == "N":  # a byte for every two significant digits, and one
        digits = str(content).strip("-").rstrip("0") or "0"
        return (len(digits) + 1) // 2 + 1
    if kind == "NS":  # the documentation names no overhead of a set: a byte for each member, as in a list
        return 3 + sum(1 + _value({"N": member}) for member in content)
    if kind == "BOOL":
        return 1
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value(member) for name, member in content.items())
    if kind == "L":
        return 3 + sum(1 + _value(member) for member in content)
    raise AssertionError(f"no item here has a {kind}")


def test_a_grant_at_its_largest_is_under_one_kilobyte(world: World) -> None:
    world.deployment.begin()
    grants = world.deployment.server.grants
    grant = new_grant(**REALISTIC)
    later = int(NOW) + 77
    live = tuple(LiveToken(int(NOW) + 901 + idx, "aost" if idx < 9 else "aosu", 2**20 - 1 - idx) for idx in range(15))
    issued = grants.issue(grant)
    sizes = [_stored(world, grant.grant_id)]
    redeemed = grants.redeem(
        grant,
        Redemption(b"a" * 16, later * 1000 + 123, live[:1], b"f" * 32, b"r" * 32, later + 30 * DAY, later + 91 * DAY),
        NOW,
    )
    sizes.append(_stored(world, grant.grant_id))
    rotated = grants.rotate(
        replace(grant, generation=1),
        Rotation(
            b"r" * 32, b"s" * 32, b"k" * 32, later * 1000 + 456, live, later + 30 * DAY, later + 91 * DAY, later + 601
        ),
        NOW,
    )
    sizes.append(_stored(world, grant.grant_id))
    grants.revoke(grant.grant_id, Revocation(b"a" * 16, int(NOW) + 7, "refresh.reused"))
    sizes.append(_stored(world, grant.grant_id))
    assert (issued, redeemed, rotated) == (Done(), Done(), Done())
    assert max(sizes) < 1024, dict(zip(("issued", "redeemed", "rotated", "revoked"), sizes, strict=True))


def test_of_a_nonce_or_a_code_nothing_is_kept_that_nobody_asks_for(world: World) -> None:
    tokens = world.redeemed()
    item = _item(world, tokens.grant_id)
    assert "grant_id" not in item, "the key says it"
    assert {"nonce", "code_expires_at"} & set(item) == set()


def test_a_pushed_request_at_its_largest_is_under_sixteen_kilobytes(world: World) -> None:
    """All that is kept of it was sent, and each parameter has its bound; the scope is made of registered names."""
    world.deployment.begin()
    names = [f"s{number:02}".ljust(100, "x") for number in range(70)]
    for name in names:
        world.deployment.registrar.put_scope(Scope(name, "words"))
    api = ProtectedApi("urn:large", "Large", frozenset(names))
    world.deployment.registrar.put_api(api)
    world.deployment.change_client("web_app_123", scope=frozenset(("openid", *names)))
    subs = ",".join(f'"{number}"' for number in range(280))
    claims = f'{{"id_token":{{"sub":{{"values":[{subs}]}}}}}}'
    room = {"state": "s" * 2048, "nonce": "n" * 2048, "login_hint": "h" * 256, "claims": claims}
    answer, _ = world.web_app.push(scope=" ".join(("openid", *names)), **room)
    assert answer.status == 201, answer
    (item,) = (each for each in world.deployment.everything() if each["pk"]["S"].startswith("pushed#"))
    assert 12_000 < size_of(item) < 16 * 1024


def _item(world: World, grant_id: str) -> Mapping[str, Mapping[str, Any]]:
    dynamodb = boto3.client("dynamodb")
    key = {"pk": {"S": f"grant#{grant_id}"}, "sk": {"S": "grant"}}
    item: Mapping[str, Any] = dynamodb.get_item(TableName=TABLES["Grants"], Key=key)["Item"]
    return item


def _stored(world: World, grant_id: str) -> int:
    return size_of(_item(world, grant_id))
