"""AWS calls of every kind of request, counted: one more is money, time and another thing that can fail."""

from collections import Counter
from collections.abc import Iterable

import pytest

from tests.endpoints import ENDPOINTS, endpoint_at
from tests.promises.counts.row import Row
from tests.promises.counts.table import TABLE
from tests.support.wire import Answer
from tests.support.world import RIVAL, World, label

# What a warm request may cost: reads, writes and puts of DynamoDB, signatures of KMS. A row for each kind of request
# that a client or a person sends; where the budget depends on how many tokens live, the request has exactly so many.
# is_set reads two items, until the lists of the release before have ended: a bit of this release, and one of that.
BUDGETS = {
    "client_credentials": Counter(sign=1),
    "code": Counter(read=2, put=1, write=1, sign=2),  # the put: until now the pointer was to end with the code
    "code_with_claims": Counter(read=2, put=1, write=1, sign=2),  # as without: the account is read in any case
    "code_without_openid": Counter(read=2, put=1, write=1, sign=1),
    "refresh": Counter(read=2, write=1, sign=1),
    "refresh_soon": Counter(
        read=4, write=1, sign=1
    ),  # whether the place that is shared still stands: two reads, see is_set
    "refresh_too_often": Counter(read=2),
    # With a proof: one put more. An environment asks for the MAC of a nonce once in five minutes.
    "client_credentials_with_proof": Counter(sign=1, put=1),
    "code_with_proof": Counter(read=2, put=2, write=1, sign=2),
    "refresh_with_proof": Counter(read=2, put=1, write=1, sign=1),
    "userinfo_with_proof": Counter(read=4, put=1),
    "refresh_retried": Counter(read=2, sign=1),
    "refresh_race_lost": Counter(read=2, write=1, sign=2),
    "renew": Counter(read=2, write=1, sign=1),
    "renew_race_lost": Counter(read=2, write=1, sign=2),
    # An assertion costs one put more; keys that the client publishes cost one read more in ten seconds.
    "client_credentials_with_assertion": Counter(sign=1, put=1),
    "client_credentials_with_published_keys": Counter(sign=1, put=1, read=1),
    "code_with_assertion": Counter(read=2, put=2, write=1, sign=2),
    "refresh_with_assertion": Counter(read=2, put=1, write=1, sign=1),
    "revoke_with_assertion": Counter(put=1, write=2),
    "introspect_with_assertion": Counter(read=2, put=1),
    "revoke_refresh_token": Counter(read=1, write=5),  # three live tokens, of three blocks; the journal
    "revoke_access_token": Counter(write=2),
    "introspect_access_token": Counter(read=4),  # the account's epoch, too; is_set
    "introspect_clients_own_token": Counter(read=3),  # is_set, and the range of its block
    "introspect_refresh_token": Counter(read=2),
    "userinfo": Counter(read=4),
    "userinfo_with_claims": Counter(read=4),
    # A reference token: a put and not a signature, and a read to check it. What a stranger makes up costs that read.
    "client_credentials_as_reference": Counter(put=1),
    "code_as_reference": Counter(read=2, put=2, write=1, sign=1),
    "refresh_as_reference": Counter(read=2, put=1, write=1),
    "introspect_reference": Counter(read=5),
    "introspect_unknown_reference": Counter(read=1),
    "userinfo_with_reference": Counter(read=5),
    "revoke_reference": Counter(read=1, write=2),
    "push": Counter(put=1),
    "push_with_assertion": Counter(put=2),
    "authorize_pushed": Counter(read=2, put=1),
    "authorize_pushed_remembered": Counter(read=5, put=3, write=1),  # two reads and a put more than without PAR
    "authorize_pushed_again": Counter(read=2),
    # The budget of asking for a mail is the same for every address (P12).
    "join_asked": Counter(read=1, write=3, message=1),
    "recover_asked": Counter(read=1, write=3, message=1),
    "joined": Counter(read=2, put=4),
    "recovered": Counter(read=3, message=2, put=1, write=2),
    "consent_not_remembered": Counter(read=3, put=2, write=1),
    "consent": Counter(read=3, put=2, write=2),  # whether the account still stands; the count; what is remembered
    "consent_until_logout": Counter(read=4, put=2, write=2),  # and whether the session has ended meanwhile
    # RFC 8628. A look-up counts a try for the person and for the network, before and, if the code is right, after it.
    "device_asked": Counter(write=2, put=1),
    "device_allowed": Counter(read=4, write=4, put=2),
    "poll_pending": Counter(write=1, read=1),
    "poll_too_fast": Counter(write=1),
    "poll": Counter(write=2, read=2, put=1, sign=2),
    # Of the two functions together: the fetch counts three times, claims, and keeps what it brings.
    "authorize_document": Counter(read=3, call=1, write=4, put=2),
    "authorize_known_document": Counter(read=1, put=1),
    "register": Counter(write=2, put=1),
    "register_invited": Counter(read=1, write=3, put=1),
    "register_refused": Counter(write=1),
    "jwks": Counter[str](),
    "metadata": Counter[str](),
    "status_list": Counter(read=1, sign=1),  # not in memory, and changed
}
_POLL = "UpdateItem device_code"
_KINDS = {
    "GetItem": "read",
    "Query": "read",
    "UpdateItem": "write",
    "DeleteItem": "write",
    "PutItem": "put",
    "GenerateMac": "mac",
    "Encrypt": "encrypt",
    "Decrypt": "decrypt",
    "SendMessage": "message",
    "Invoke": "call",
}


def counted(calls: Iterable[str]) -> Counter[str]:
    return Counter("sign" if call == "Sign" else _KINDS[call.split()[0]] for call in calls)


def run(world: World, row: Row, *, is_warm: bool) -> tuple[Answer, list[str]]:
    request = row.prepare(world)
    world.restart()
    if is_warm:
        world.warm_up()
    with world.deployment.aws.recorded() as calls:
        answer = request()
    return answer, [label(call) for call in calls if call.function != RIVAL]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_warm_request_makes_these_calls(world: World, row: Row) -> None:
    answer, calls = run(world, row, is_warm=True)
    assert answer.status == row.status
    assert calls == row.warm_calls
    assert row.name in endpoint_at(world.asked).counts


def test_every_endpoint_has_its_rows_and_every_row_its_endpoint() -> None:
    assert {name for each in ENDPOINTS for name in each.counts} == {row.name for row in TABLE}
    assert all(each.counts for each in ENDPOINTS)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_a_cold_request_reads_what_it_will_remember_and_leases_what_it_will_need(world: World, row: Row) -> None:
    answer, calls = run(world, row, is_warm=False)
    assert answer.status == row.status
    assert calls == row.cold_calls
    more = Counter(calls) - Counter(row.warm_calls)
    assert more <= Counter(
        {
            "GetItem client": 2,  # the caller, and the client that the token was issued to
            "GetItem hosts": 1,  # where unknown clients may come
            "GetItem people": 1,  # the policy, by which pages are shown
            "Query scopes": 1,
            "Query apis": 1,
            "Query keys": 1,
            "Query providers": 1,
            "UpdateItem status": 1,
            "PutItem lease": 1,
            "GenerateMac": 1,  # once a slot
        }
    )


@pytest.mark.parametrize("name", BUDGETS)
def test_the_budget_holds(name: str) -> None:
    row = next(row for row in TABLE if row.name == name)
    assert counted(row.warm_calls) == BUDGETS[name]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_what_is_signed_is_signed_before_anything_is_spent(row: Row) -> None:
    """Promise P2: reads, signatures, writes, in that order. Leases may come before, and the count of a device's polls.
    The loser of a race signs again what the winner wrote.
    """
    if row.name in ("refresh_race_lost", "renew_race_lost"):
        return
    spent = [call for call in row.cold_calls if call not in ("UpdateItem status", "PutItem lease", _POLL)]
    is_write = [counted([call]).keys() & {"write", "put"} != set() for call in spent]
    if "Sign" in spent:
        assert not any(is_write[: len(spent) - spent[::-1].index("Sign")])


def test_a_block_of_indices_is_leased_once_for_many_tokens(world: World) -> None:
    world.deployment.begin()
    with world.deployment.aws.recorded() as calls:
        for _ in range(300):
            assert world.service.client_credentials().status == 200
    leases = [label(call) for call in calls if call.partition_prefix in ("status#", "lease#")]
    assert leases == ["UpdateItem status", "PutItem lease"] * 2, "256 tokens to a block"


def test_protected_calls_of_the_keys_metadata_and_lists_read_once_while_cached(world: World) -> None:
    world.redeemed()
    world.restart()
    exp = int(world.deployment.clock.now) + 900
    from valet.tokens.status_index import list_id_at

    for path in ("/.well-known/jwks.json", "/.well-known/openid-configuration"):
        world.send("GET", f"{world.deployment.issuer}{path}")
    world.send("GET", f"/status-lists/{list_id_at(exp)}")
    with world.deployment.aws.recorded() as calls:
        for _ in range(10):
            world.send("GET", f"{world.deployment.issuer}/.well-known/jwks.json")
            world.send("GET", f"{world.deployment.issuer}/.well-known/openid-configuration")
            world.send("GET", f"/status-lists/{list_id_at(exp)}")
        world.deployment.clock.advance(1)
        world.send("GET", f"/status-lists/{list_id_at(exp)}")
    assert [label(call) for call in calls] == ["Query status"], "unchanged after a second: read again, not signed again"
