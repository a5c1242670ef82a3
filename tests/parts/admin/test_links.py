"""What operators see of people's identities at other providers, and that they can remove one."""

from __future__ import annotations

import pytest
from valet.aws.dynamodb.accounts import item_of_account
from valet.aws.dynamodb.links import DynamoLinks
from valet.aws.dynamodb.table import item_from_model
from valet.models.accounts import Account
from valet.models.providers import Identity, Link
from valet.people.linking import link_name

from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator
from tests.parts.admin.test_passkeys import deployment

ISSUER, OF_ANOTHER = "https://acme.example.com", "demo-jane"


def give_link(valet: Operator, sub: str, subject: str, owner: str = "") -> str:
    """A link that the account names, and that is the owner's (default: the account's); its name."""
    name, users = link_name("acme", Identity(ISSUER, subject)), deployment(valet).users
    link = Link(
        sub=owner or sub,
        provider_id="acme",
        issuer=ISSUER,
        upstream_sub=subject,
        address="j@acme.example.com",
        roles=frozenset({"staff"}),
        attempt=b"first",
        linked_at=1_800_000_000,
    )
    users.put(item_from_model(link, f"link#{name}", "link"))
    users.update(f"account#{sub}", "account", "ADD #links :name", {":name": {name}})
    return name


def link_at(valet: Operator, name: str) -> Link | None:
    return DynamoLinks(deployment(valet).users).find_link(name)


def id_of(name: str) -> str:
    return name.partition("#")[2][:12]


def test_a_users_links_are_shown(valet: Operator) -> None:
    name = give_link(valet, "demo-john", "42")
    (shown,) = valet.json("users", "show", "john")["links"]
    members = ("id", "provider", "issuer", "subject", "address", "roles", "last_used_at")
    expected = (id_of(name), "acme", ISSUER, "42", "j@acme.example.com", ["staff"])
    assert tuple(shown[each] for each in members)[:-1] == expected
    assert not shown["last_used_at"]
    assert "first" not in str(shown)
    assert valet.json("users", "show", "jane")["links"] == []


def test_one_that_is_another_accounts_shows_nothing_of_it(valet: Operator) -> None:
    give_link(valet, "demo-john", "42", OF_ANOTHER)
    (shown,) = valet.json("users", "show", "john")["links"]
    assert (shown["provider"], shown["subject"], shown["address"], shown["roles"]) == ("acme", "", "", [])


def test_an_operator_removes_a_link(valet: Operator, logged: Logged) -> None:
    name, other = give_link(valet, "demo-john", "42"), give_link(valet, "demo-john", "43")
    told = valet.json("users", "unlink", "john", id_of(name), "--yes")
    assert (told["provider"], told["removed"]) == ("acme", id_of(name))
    (shown,) = valet.json("users", "show", "john")["links"]
    assert shown["id"] == id_of(other)
    assert link_at(valet, name) is None
    (line,) = [line for line in logged.lines() if line["event"] == "link.removed"]
    assert (line["sub"], line["provider"], line["operator"]) == ("demo-john", "acme", line["operator"])


@pytest.mark.parametrize("link_id", ["", "nothing", "acme"])
def test_a_link_that_is_not_there_is_not_removed(refused: Operator, link_id: str) -> None:
    name = give_link(refused, "demo-john", "42")
    refused("users", "unlink", "john", link_id, "--yes", status=3)
    assert link_at(refused, name) is not None


def test_what_has_become_another_accounts_stays_theirs(valet: Operator) -> None:
    name = give_link(valet, "demo-john", "42", OF_ANOTHER)
    valet("users", "unlink", "john", id_of(name), "--yes")
    found = link_at(valet, name)
    assert found is not None
    assert found.sub == OF_ANOTHER
    assert valet.json("users", "show", "john")["links"] == []


@pytest.mark.parametrize("command", ["delete john --yes", "recover john --generate --yes"])
def test_who_is_deleted_or_recovered_keeps_no_link(valet: Operator, command: str) -> None:
    name, others = give_link(valet, "demo-john", "42"), give_link(valet, "demo-john", "43", OF_ANOTHER)
    valet("users", *command.split())
    assert link_at(valet, name) is None
    assert link_at(valet, others) is not None


def test_who_has_neither_a_username_nor_an_address_is_found_by_their_sub(valet: Operator, refused: Operator) -> None:
    """As other providers make accounts that tell no proven address."""
    valet_users = deployment(valet).users
    valet_users.put(item_of_account(Account("A1b2", "", name="Ann", has_no_password=True)))
    name = give_link(valet, "A1b2", "42")
    assert valet.json("users", "show", "A1b2")["name"] == "Ann"
    refused("users", "show", "a1b2", status=3)
    refused("users", "show", "demo-john", status=3)  # has a name
    valet("users", "delete", "A1b2", "--yes")
    assert valet_users.get("account#A1b2", "account") is None
    assert link_at(valet, name) is None
