"""The contracts of SavedRequests, Sessions and Throttles."""

from dataclasses import replace

import pytest
from valet.models.pushed_requests import PushedRequest
from valet.models.saved_requests import AuthorizationRequest, SavedRequest
from valet.models.sessions import Session

from tests.contract.conftest import Stores
from tests.contract.facts import DAY, NOW, THREADS, at_once, issue, new_grant, random, revocation


def new_session(**changes: object) -> Session:
    session = Session(
        digest=random(32),
        sid="sid-of-john",
        sub="sub-of-john",
        auth_time_ms=int(NOW * 1000),
        acr="urn:valet:acr:password",
        amr=("pwd", "otp"),
        idle_expires_at=int(NOW) + 3600,
        absolute_expires_at=int(NOW) + DAY,
    )
    return replace(session, **changes)  # type: ignore[arg-type]  # each test names members of Session


@pytest.mark.parametrize(
    "request_",
    [
        AuthorizationRequest("web_app_123", "https://webapp.example.com/callback", ("openid",), "challenge"),
        AuthorizationRequest(
            "mobile_app",
            "com.example.mobile:/callback?kept=1",
            ("items", "openid"),
            "challenge",
            state="ü €",
            nonce="n",
            prompt=frozenset({"login", "consent"}),
            max_age=0,
            login_hint="john",
            hinted_sub="sub-of-john",
        ),
    ],
    ids=["bare", "full"],
)
@pytest.mark.parametrize("browser_digest", [b"", b"\x00" * 32], ids=["unbound", "bound"])
def test_a_request_is_found_as_it_was_saved(
    stores: Stores, request_: AuthorizationRequest, browser_digest: bytes
) -> None:
    saved = SavedRequest(random(32), request_, browser_digest, int(NOW * 1000), int(NOW) + 600)
    stores.saved_requests.save(saved)
    assert stores.saved_requests.find_saved(saved.digest) == saved
    assert stores.saved_requests.find_saved(random(32)) is None


def test_a_pushed_request_is_found_as_it_was_pushed_and_pushed_again_it_stays(stores: Stores) -> None:
    """A put whose answer was lost is sent again."""
    asked = AuthorizationRequest("web_app_123", "https://webapp.example.com/callback", ("openid",), "challenge")
    pushed = PushedRequest(random(32), asked, int(NOW * 1000), int(NOW) + 90)
    for _ in range(2):
        stores.pushed_requests.push(pushed)
        assert stores.pushed_requests.find_pushed(pushed.digest) == pushed
    stores.pushed_requests.push(replace(pushed, request=replace(asked, state="another")))
    assert stores.pushed_requests.find_pushed(pushed.digest) == pushed
    assert stores.pushed_requests.find_pushed(random(32)) is None
    assert stores.saved_requests.find_saved(pushed.digest) is None


def test_a_grant_exists_from_its_first_write_on_also_as_a_tombstone(stores: Stores) -> None:
    grant = new_grant()
    assert not stores.grants.exists(grant.grant_id)
    issue(stores.grants, grant)
    assert stores.grants.exists(grant.grant_id)
    stores.grants.bury("A" * 22, "sub", revocation())
    assert stores.grants.exists("A" * 22)


def test_a_session_is_found_as_it_was_opened(stores: Stores) -> None:
    session = new_session()
    stores.sessions.open(session)
    assert stores.sessions.find_session(session.digest) == session
    assert stores.sessions.find_session(random(32)) is None


def test_a_session_is_prolonged_and_never_back_in_time(stores: Stores) -> None:
    session = new_session()
    stores.sessions.open(session)
    stores.sessions.prolong(session.digest, session.idle_expires_at + 100)
    stores.sessions.prolong(session.digest, session.idle_expires_at + 50)
    assert stores.sessions.find_session(session.digest) == replace(
        session, idle_expires_at=session.idle_expires_at + 100
    )


def test_a_session_that_ended_is_not_prolonged_and_none_is_made(stores: Stores) -> None:
    session, unknown = new_session(), random(32)
    stores.sessions.open(session)
    ended = stores.sessions.end(session.digest, random(16), NOW)
    stores.sessions.prolong(session.digest, session.idle_expires_at + 100)
    stores.sessions.prolong(unknown, session.idle_expires_at)
    assert stores.sessions.find_session(session.digest) == ended
    assert stores.sessions.find_session(unknown) is None


def test_ending_a_session_is_final_and_tells_every_time_whose_it_was(stores: Stores) -> None:
    session = new_session()
    stores.sessions.open(session)
    attempt = random(16)
    ended = replace(session, ended_at=int(NOW), ending=attempt)
    assert stores.sessions.end(session.digest, attempt, NOW) == ended
    assert stores.sessions.end(session.digest, random(16), NOW + 60) == ended
    assert stores.sessions.find_session(session.digest) == ended
    assert stores.sessions.end(random(32), attempt, NOW) is None


def test_a_session_opened_again_by_a_write_that_comes_late_stays_ended(stores: Stores) -> None:
    session = new_session()
    stores.sessions.open(session)
    stores.sessions.end(session.digest, random(16), NOW)
    stores.sessions.open(session)
    found = stores.sessions.find_session(session.digest)
    assert found is not None
    assert found.ended_at == int(NOW)


def test_attempts_are_counted_each_under_its_name(stores: Stores) -> None:
    end = int(NOW) + 900
    assert [stores.throttles.count("account#john#1", end) for _ in range(3)] == [1, 2, 3]
    assert stores.throttles.count("account#jane#1", end) == 1
    stores.throttles.forget("account#john#1")
    stores.throttles.forget("account#nobody#1")
    assert stores.throttles.count("account#john#1", end) == 1


def test_one_attempt_is_taken_back_and_never_more_than_there_are(stores: Stores) -> None:
    end = int(NOW) + 900
    for _ in range(3):
        stores.throttles.count("address#192.0.2.1#1", end)
    stores.throttles.take_back("address#192.0.2.1#1")
    assert stores.throttles.count("address#192.0.2.1#1", end) == 3
    for _ in range(5):
        stores.throttles.take_back("address#192.0.2.1#1")
    assert stores.throttles.count("address#192.0.2.1#1", end) == 1


def test_a_count_that_is_deleted_does_not_begin_again_by_taking_back(stores: Stores) -> None:
    """It would have no end, and a number below nothing."""
    stores.throttles.take_back("address#192.0.2.1#2")
    assert stores.throttles.count("address#192.0.2.1#2", int(NOW) + 900) == 1


def test_attempts_taken_back_at_once_are_all_taken_back(stores: Stores) -> None:
    end = int(NOW) + 900
    at_once(lambda _: stores.throttles.count("address#192.0.2.1#3", end))
    at_once(lambda _: stores.throttles.take_back("address#192.0.2.1#3"))
    assert stores.throttles.count("address#192.0.2.1#3", end) == 1


def test_a_share_is_used_up_without_taking_anything_from_the_others(stores: Stores) -> None:
    def count(share: str) -> bool:
        return stores.throttles.count_share("account#john#4", share, 3, 8, int(NOW) + 900)

    assert [count("one") for _ in range(20)] == [True] * 3 + [False] * 17
    assert [count("two") for _ in range(20)] == [True] * 3 + [False] * 17
    # Refused attempts were not counted: of eight there are two left, for whichever network asks first.
    assert [count("three") for _ in range(20)] == [True] * 2 + [False] * 18
    assert not count("four")


def test_a_share_that_is_forgotten_begins_again_and_only_one_attempt_is_taken_off_all(stores: Stores) -> None:
    def count(share: str) -> bool:
        return stores.throttles.count_share("account#john#5", share, 3, 5, int(NOW) + 900)

    assert [count("one") for _ in range(4)] == [True] * 3 + [False]
    stores.throttles.forget_share("account#john#5", "one")
    assert [count("one") for _ in range(4)] == [True] * 3 + [False]  # two of all were still counted
    assert not count("two")
    for _ in range(9):
        stores.throttles.forget_share("account#john#5", "two")
    assert [count("two") for _ in range(4)] == [True] * 3 + [False]


def test_a_share_of_what_is_deleted_does_not_begin_again_by_being_forgotten(stores: Stores) -> None:
    stores.throttles.forget_share("account#john#6", "one")
    assert stores.throttles.count("account#john#6", int(NOW) + 900) == 1


def test_attempts_of_one_share_made_at_once_stay_within_its_bound(stores: Stores) -> None:
    counted = at_once(lambda _: stores.throttles.count_share("account#john#7", "one", 3, 8, int(NOW) + 900))
    assert sorted(counted) == [False] * (THREADS - 3) + [True] * 3


def test_attempts_made_at_once_are_all_counted(stores: Stores) -> None:
    counts = at_once(lambda _: stores.throttles.count("account#john#2", int(NOW) + 900))
    assert sorted(counts) == list(range(1, THREADS + 1))


def test_a_browser_is_known_to_one_account_until_it_is_forgotten(stores: Stores) -> None:
    browser = random(32)
    stores.throttles.remember_browser(browser, "sub-of-john", int(NOW) + 100)
    assert stores.throttles.knows_browser(browser, "sub-of-john", NOW)
    assert not stores.throttles.knows_browser(browser, "sub-of-jane", NOW)
    assert not stores.throttles.knows_browser(random(32), "sub-of-john", NOW)
    assert not stores.throttles.knows_browser(browser, "sub-of-john", int(NOW) + 100)


def test_an_end_users_sessions_are_listed_until_they_end_the_latest_sign_in_first(stores: Stores) -> None:
    sub, other = random(8).hex(), random(8).hex()
    first = new_session(sub=sub, agent="Firefox, Linux", network="203.0.113.7")
    second = new_session(sub=sub, auth_time_ms=first.auth_time_ms + 1)
    over = new_session(sub=sub, idle_expires_at=int(NOW))
    for session in (first, second, over, new_session(sub=other)):
        stores.sessions.open(session)
    assert stores.sessions.sessions_of(sub, NOW) == (second, first)
    stores.sessions.end(second.digest, b"a" * 16, NOW)
    assert stores.sessions.sessions_of(sub, NOW) == (first,)
    assert stores.sessions.sessions_of(sub, first.idle_expires_at) == ()


def test_a_pointer_that_arrives_after_its_session_has_ended_lists_nothing(stores: Stores) -> None:
    session = new_session(sub=random(8).hex())
    stores.sessions.open(session)
    stores.sessions.end(session.digest, b"a" * 16, NOW)
    stores.sessions.open(session)
    assert stores.sessions.sessions_of(session.sub, NOW) == ()
