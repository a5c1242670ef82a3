"""Two releases side by side: each reads what the other writes, and no step of one takes away what the other added.

While a deployment goes on, and when it is taken back, items come from the release before and from the one after, and a
layer runs the handlers of the release before.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any, get_origin

import boto3
import pytest
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.key_records import item_from_ring
from valet.aws.dynamodb.sessions import DynamoSessions
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.dynamodb.table import Table, item_from_model, model_from_item
from valet.keys.ring import published_keys, signing_algs, signing_key
from valet.models.accounts import Account, Consent, Credential
from valet.models.client_keys import ClientKeys
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.grants import Grant, GrantPointer
from valet.models.keys import KeyRing, SigningKey
from valet.models.proofs import Proof
from valet.models.pushed_requests import PushedRequest
from valet.models.reference_tokens import ReferenceToken
from valet.models.saved_requests import AuthorizationRequest, SavedRequest
from valet.models.sessions import Session
from valet.models.status_lists import Lease
from valet.ports.grants import Done

from local.aws.aws import emulated
from tests.contract import other_release
from tests.contract.facts import NOW, issue, live, new_grant, redemption, renewal_of, revocation, rotation_of
from tests.parts.keys.walks import assert_sound, changed
from tests.support.calls import calls
from tests.support.functions import load
from tests.support.status_bits import content_of
from tests.support.tables import create_table

ROOT = Path(__file__).resolve().parents[2]
KEPT = (
    Account,
    AuthorizationRequest,
    Client,
    ClientKeys,
    Consent,
    Credential,
    Grant,
    GrantPointer,
    Lease,
    Proof,
    ProtectedApi,
    PushedRequest,
    ReferenceToken,
    SavedRequest,
    Scope,
    Session,
    SigningKey,
)
LATER = "an_attribute_of_a_later_release"
_SOME: dict[Any, Any] = {str: "some", int: 7, bytes: b"some", bool: True}


def _some(field: Field[Any]) -> Any:
    """A value that such a field may have, as an item holds it."""
    return _SOME.get(field.type, ["some"] if get_origin(field.type) in (tuple, frozenset) else {"kty": "RSA"})


def _required(model: Any) -> dict[str, Any]:
    return {field.name: _some(field) for field in fields(model) if field.default is MISSING}


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_what_the_release_before_did_not_write_has_its_default(model: Any) -> None:
    """Every attribute that is added has a default, and the item without it reads as if it had that."""
    read = model_from_item(model, _required(model))
    for field in fields(model):
        if field.default is not MISSING:
            assert getattr(read, field.name) == field.default


@pytest.mark.parametrize("model", KEPT, ids=lambda model: model.__name__)
def test_what_the_release_after_adds_is_passed_over(model: Any) -> None:
    item = _required(model)
    assert model_from_item(model, {**item, LATER: "anything"}) == model_from_item(model, item)


def test_a_default_is_not_written_so_that_the_release_before_does_not_see_it() -> None:
    item = item_from_model(Account("sub", "john"), "account#sub", "account")
    assert set(item) == {"pk", "sk", "sub", "username"}


@pytest.fixture
def table() -> Iterator[Table]:
    emulated()
    name, dynamodb = f"releases-{uuid.uuid4()}", boto3.client("dynamodb")
    create_table(dynamodb, name)
    yield Table(calls("dynamodb"), name)
    dynamodb.delete_table(TableName=name)


def _add_later(table: Table, pk: str, sk: str) -> None:
    table.update(pk, sk, f"SET #{LATER} = :value", {":value": "kept"})


def _later(table: Table, pk: str, sk: str) -> Any:
    return (table.get(pk, sk) or {}).get(LATER)


def test_every_step_of_a_grant_leaves_alone_what_the_release_after_added(table: Table) -> None:
    grants, grant = DynamoGrants(table), new_grant()
    key = (f"grant#{grant.grant_id}", "grant")
    assert isinstance(issue(grants, grant), Done)
    _add_later(table, *key)
    redeemed = redemption()
    assert isinstance(grants.redeem(grant, redeemed, NOW), Done)
    assert _later(table, *key) == "kept"
    grant, rotation = replace(grant, generation=1), rotation_of(redeemed.refresh_digest)
    assert isinstance(grants.rotate(grant, rotation, NOW), Done)
    assert _later(table, *key) == "kept"
    assert isinstance(grants.renew(replace(grant, generation=2), renewal_of(rotation.refresh_digest), NOW), Done)
    assert _later(table, *key) == "kept"
    assert grants.revoke(grant.grant_id, revocation()) is not None
    assert _later(table, *key) == "kept"


def test_so_do_sessions_and_consents(table: Table) -> None:
    session = Session(b"digest", "sid", "sub", int(NOW * 1000), "acr", ("pwd",), int(NOW) + 60, int(NOW) + 600)
    sessions, key = DynamoSessions(table), (f"session#{session.digest.hex()}", "session")
    sessions.open(session)
    _add_later(table, *key)
    sessions.prolong(session.digest, int(NOW) + 120)
    assert sessions.end(session.digest, b"a" * 16, NOW) is not None
    assert _later(table, *key) == "kept"
    users, consent = DynamoUsers(table), Consent("sub", "web", frozenset({"openid"}), int(NOW))
    users.remember_consent(consent)
    _add_later(table, "consent#sub", "web")
    users.remember_consent(consent)
    assert _later(table, "consent#sub", "web") == "kept"


def test_what_the_release_before_revokes_is_on_the_list_and_refused_by_exact_reads(table: Table) -> None:
    """Its lists are served until they end, and its functions revoke while the stack is updated."""
    lists, pk = DynamoStatusLists(table), "status#aost"
    table.put({"pk": pk, "sk": "leased", "leased": 1024})
    table.put({"pk": pk, "sk": "set#17"})
    table.put({"pk": pk, "sk": "range#256", "length": 256})
    block = set(range(256, 512))
    found = lists.find_list("aost")
    assert found == content_of(1024, {17} | block)
    lists.put_bits((live(18),))
    table.put({"pk": pk, "sk": "set#0"})
    assert lists.find_list("aost", found) == lists.find_list("aost") == content_of(1024, {0, 17, 18} | block)
    assert [lists.is_set(live(idx)) for idx in (0, 16, 17, 18, 19)] == [True, False, True, True, False]
    assert lists.is_in_range(live(300), 256)


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer and the handlers of the last release; before the first one, what was committed last."""
    git, folder = ["git", "-C", str(ROOT)], tmp_path_factory.mktemp("former")
    tag = subprocess.run([*git, "describe", "--tags", "--abbrev=0", "--match", "v*"], capture_output=True, check=False)
    release = "HEAD" if tag.returncode else tag.stdout.decode().strip()
    wanted = [*git, "archive", release, "functions", "layers/valet/python/valet"]
    with tarfile.open(fileobj=io.BytesIO(subprocess.run(wanted, capture_output=True, check=True).stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_the_layer_runs_the_handlers_of_the_last_release(former: Path) -> None:
    """CloudFormation replaces the functions one after the other: for a minute the new layer has old handlers."""
    found = sorted(former.glob("functions/*/app.py"))
    assert found
    for path in found:
        # These read their configuration when they are imported, and ship their own layer.
        if path.parent.name not in ("authorizer", "resource_metadata"):
            assert callable(load(path.parent.name, former / "functions").handler)


def by_the_former(former: Path, deed: str, asked: object = None) -> Any:
    """What the last release's layer answers, in a process of its own."""
    run = subprocess.run(
        [sys.executable, ROOT / "tests" / "contract" / "other_release.py"],
        input=pickle.dumps((deed, asked)),
        env={"PYTHONPATH": str(former / "layers" / "valet" / "python")},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    return pickle.loads(run.stdout)  # noqa: S301  what our own process wrote


def test_this_release_reads_whatever_the_last_one_wrote(former: Path) -> None:
    written: dict[str, tuple[Any, dict[str, Any]]] = by_the_former(former, "write")
    assert {"Client", "Grant", "SavedRequest", "Session", "SigningKey"} <= written.keys()
    known = other_release.kinds()
    read = other_release.read({name: item for name, (item, _) in written.items()})
    for name, (_, values) in written.items():
        assert same(read[name], values, known[name]) == [], name


def test_the_last_release_reads_whatever_this_one_writes(former: Path) -> None:
    """It goes on for a minute of the update, and an operator may go back to it."""
    written = other_release.write()
    assert {model.__name__ for model in KEPT} <= written.keys() | {"AuthorizationRequest"}
    read: dict[str, dict[str, Any]] = by_the_former(former, "read", {name: item for name, (item, _) in written.items()})
    assert {"Client", "Grant", "SavedRequest", "Session", "SigningKey"} <= read.keys()
    for name, values in read.items():
        assert same(values, written[name][1]) == [], name


def test_what_one_release_accepted_once_the_other_accepts_no_more(former: Path) -> None:
    assert by_the_former(former, "spent") in (None, other_release.spent())  # None: it has no one-time values


def same(read: dict[str, Any], written: dict[str, Any], kind: Any = None) -> list[str]:
    """The fields that were read as another value than was written.

    With `kind`, the later release's own, also those that it lost, and those that it added and that lack their default.
    """
    wrong, its = [], other_release.defaults(kind) if kind else {}
    if kind:
        wrong += sorted(written.keys() - read.keys())
    for name, value in read.items():
        if isinstance(value, dict) and isinstance(written.get(name), dict) and "kty" not in value:
            nested = kind.FIELDS[name] if kind else None
            wrong += [f"{name}.{each}" for each in same(value, written[name], nested)]
        elif (name in written and value != written[name]) or (name not in written and kind and value != its[name]):
            wrong.append(name)
    return wrong


def test_a_lane_that_is_added_is_refused_by_neither_release(former: Path) -> None:
    """Hour by hour, while functions of both releases sign and publish, and of the last one alone if it comes back."""
    walk = changed(("RS256",), ("RS256", "PS256"))
    assert_sound(walk)
    assert signing_algs(walk.ring.keys) == ("RS256", "PS256")
    items = [item_from_ring(KeyRing(keys, 1), b"attempt") for _, keys in walk.seen]
    for (_, keys), (kid, alg, published) in zip(walk.seen, by_the_former(former, "rings", items), strict=True):
        assert (kid, alg) == (signing_key(keys, "RS256").kid, "RS256")
        assert {signing_key(keys, each).kid for each in signing_algs(keys)} <= {*published}
        assert published == [key.kid for key in published_keys(keys)]
