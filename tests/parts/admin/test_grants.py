"""`valet grants`: what people allowed, found and ended without an index: by user, by client, before a time."""

from __future__ import annotations

import pytest

from admin.records import revocation
from local.demo_data import CLIENTS
from local.template import load
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import is_refused_by_list, service, sign_in, unredeemed


def live(valet: Operator, *arguments: str) -> list[str]:
    return [row["state"] for row in valet.json("grants", "list", *arguments)]


def test_grants_are_listed_by_user_and_by_client(valet: Operator) -> None:
    sign_in(valet.stack, "john")
    sign_in(valet.stack, "jane")
    [row] = valet.json("grants", "list", "--user", "john")
    assert (row["client_id"], row["sub"], row["state"], row["access_tokens"]) == ("web_app_123", "demo-john", "live", 1)
    assert "items" in row["scope"]
    assert live(valet, "--client", "web_app_123") == ["live", "live"]
    assert live(valet, "--client", "web_app_123", "--user", "jane") == ["live"]
    assert live(valet, "--client", "mobile_app") == []
    assert "demo-john" in valet("grants", "list", "--user", "john").out
    valet("grants", "list", status=2)
    valet("grants", "list", "--user", "nobody", status=3)


def test_a_dry_run_counts_truly_and_changes_nothing(valet: Operator) -> None:
    johns = [sign_in(valet.stack, "john") for _ in range(2)]
    jane = sign_in(valet.stack, "jane")
    for whose, count in ((("--user", "john"), 2), (("--client", "web_app_123"), 3), (("--all",), 3)):
        assert valet.json("grants", "revoke", *whose, "--dry-run") == {"would_end": count, "dry_run": True}
    assert [each.userinfo() for each in (*johns, jane)] == [200, 200, 200]
    assert johns[0].refresh() == 200
    valet("grants", "revoke", "--user", "john", typed="n\n", status=5)
    assert johns[1].refresh() == 200


def test_a_users_grants_end_each_by_its_own_write(valet: Operator) -> None:
    johns = [sign_in(valet.stack, "john") for _ in range(2)]
    jane = sign_in(valet.stack, "jane")
    ran = valet("grants", "revoke", "--user", "john", typed="y\n")
    assert "End 2 live grants of john?" in ran.err
    assert "Ended 2 live grants. " in ran.out
    for john in johns:
        assert (john.userinfo(), john.refresh()) == (401, 400)
        assert is_refused_by_list(valet.stack, john.access_token)
    assert (jane.userinfo(), jane.refresh()) == (200, 200)
    assert live(valet, "--user", "john") == []
    assert live(valet, "--user", "john", "--all") == ["revoked", "revoked"]


def test_as_many_grants_end_as_were_asked_about(valet: Operator) -> None:
    for _ in range(3):
        unredeemed(valet.stack, "john")
    valet.advance(120)  # the codes are over, but a server whose clock is behind would still take them
    johns = [sign_in(valet.stack, "john") for _ in range(2)]
    assert len(live(valet, "--user", "john")) == 2
    ran = valet("grants", "revoke", "--user", "john", typed="y\n")
    assert "End 2 live grants of john?" in ran.err
    assert "Ended 2 live grants. Marked 3 others as revoked as well: over already, to be sure." in ran.out
    assert [john.refresh() for john in johns] == [400, 400]


def test_grants_that_their_client_ended_before_are_not_counted_again(valet: Operator) -> None:
    sign_in(valet.stack, "john")
    valet("grants", "revoke", "--client", "web_app_123", "--yes")
    done = valet.json("grants", "revoke", "--user", "john", "--yes")
    assert (done["grants"], done["over_already"]) == (0, 1)


def test_old_grants_of_a_client_that_were_over_are_not_counted_as_ended(valet: Operator) -> None:
    unredeemed(valet.stack, "john")
    sign_in(valet.stack, "jane")
    valet.advance(7200)
    assert valet.json("grants", "revoke", "--client", "web_app_123", "--before", "1h", "--dry-run")["would_end"] == 1
    done = valet.json("grants", "revoke", "--client", "web_app_123", "--before", "1h", "--yes")
    assert (done["grants"], done["over_already"]) == (1, 1)


def test_a_clients_grants_end_with_its_blocks_of_access_tokens(valet: Operator) -> None:
    held, own = sign_in(valet.stack), service(valet.stack).client_credentials().json()["access_token"]
    done = valet.json("grants", "revoke", "--client", "web_app_123", "--yes")
    assert done["clients"] == 1
    assert done["blocks"] >= 1  # those of tests before this one, too: status lists go on
    assert is_refused_by_list(valet.stack, held.access_token)
    assert (held.userinfo(), held.refresh()) == (401, 400)
    assert not is_refused_by_list(valet.stack, own)
    assert live(valet, "--client", "web_app_123") == []


def test_a_client_is_as_good_as_new_afterwards_and_its_new_tokens_are_in_other_blocks(valet: Operator) -> None:
    for _ in range(2):
        sign_in(valet.stack)
        valet("grants", "revoke", "--client", "web_app_123", "--yes")
        held = sign_in(valet.stack)
        assert not is_refused_by_list(valet.stack, held.access_token)
        assert (held.userinfo(), held.refresh()) == (200, 200)


def test_what_was_issued_by_the_old_record_between_the_sweeps_is_refused_by_the_second(valet: Operator) -> None:
    service(valet.stack).client_credentials()  # the function knows the client's record for ten seconds now
    late: list[str] = []
    valet.while_asleep = lambda: late.append(service(valet.stack).client_credentials().json()["access_token"])
    ran = valet("grants", "revoke", "--client", "api_service_789", "--yes")
    assert valet.slept == [20]
    assert is_refused_by_list(valet.stack, late[0])
    assert f"({revocation.BOUND} seconds)" in ran.err
    fresh = service(valet.stack).client_credentials().json()["access_token"]
    assert not is_refused_by_list(valet.stack, fresh)


def test_everybodys_grants_end_at_once(valet: Operator) -> None:
    john, own = sign_in(valet.stack), service(valet.stack).client_credentials().json()["access_token"]
    assert valet.json("grants", "revoke", "--all", "--yes")["clients"] == len(CLIENTS)
    assert is_refused_by_list(valet.stack, john.access_token)
    assert is_refused_by_list(valet.stack, own)
    assert john.refresh() == 400


@pytest.mark.parametrize("whose", [("--all",), ("--client", "web_app_123"), ("--user", "john")])
def test_before_a_time_only_what_was_issued_before_it_ends(valet: Operator, whose: tuple[str, ...]) -> None:
    old = sign_in(valet.stack)
    valet.advance(600)
    new = sign_in(valet.stack)
    assert valet.json("grants", "revoke", *whose, "--before", "5m", "--dry-run")["would_end"] == 1
    assert valet.json("grants", "revoke", *whose, "--before", "5m", "--yes")["grants"] == 1
    valet.advance(11)
    assert is_refused_by_list(valet.stack, old.access_token)
    assert old.refresh() == 400
    assert not is_refused_by_list(valet.stack, new.access_token)
    assert (new.userinfo(), new.refresh()) == (200, 200)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 2),
        (("--user", "john", "--all"), 2),
        (("--all", "--before", "yesterday"), 2),
        (("--all", "--before", "2999-01-01"), 2),
        (("--user", "nobody"), 3),
        (("--client", "nobody"), 3),
    ],
)
def test_what_is_not_clear_ends_nothing(refused: Operator, arguments: tuple[str, ...], status: int) -> None:
    refused("grants", "revoke", "--yes", *arguments, status=status)


def test_the_bound_is_what_the_functions_are_deployed_with() -> None:
    from pathlib import Path

    from valet.aws.dynamodb import registry

    template = load(Path(__file__).parents[3] / "template.yaml")
    assert registry._MAXIMUM_AGE == revocation.CLIENT_CACHE
    assert template["Globals"]["Function"]["Timeout"] == revocation.FUNCTION_TIMEOUT
    assert "Timeout" not in template["Resources"]["TokenFunction"]["Properties"]
