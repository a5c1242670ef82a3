"""Clients are told of logouts (OpenID Connect Back-Channel Logout 1.0): the queues, finish and notify_clients."""

from __future__ import annotations

import json

import jwt
import pytest
from valet import finishing
from valet.handles import digest
from valet.models.sign_outs import LogoutNotice, SignOut
from valet.tokens import logout_token

from local.aws.calls import Call, refusal
from tests.integration.conftest import Redeemed
from tests.integration.signing_out import is_signed_in, logout
from tests.integration.visiting import SESSION
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.logouts import Logouts, address_of

WEB, LEGACY = address_of("web_app_123"), address_of("legacy_app_321")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def sign_in_to(browser: Browser, app: Application, scope: str = "openid items") -> dict[str, str]:
    """The tokens that the app gets for whoever is signed in, or signs in as john."""
    asked = app.ask(scope=scope)
    answer = browser.open(asked.url)
    if 'name="password"' in answer.body:
        answer = browser.sign_in(answer)
    if 'name="decision"' in answer.body:
        answer = browser.decide(answer)
    redeemed = app.redeem(answer.answered["code"], asked.code_verifier)
    assert redeemed.status == 200
    tokens: dict[str, str] = redeemed.json()
    return tokens


def test_a_logout_tells_each_client_of_the_session_once(
    browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123", "legacy_app_321")
    sign_in_to(browser, legacy_app)
    sign_in_to(browser, web_app)  # a second grant of the same client and session
    logout(browser, id_token_hint=redeemed.id_token)
    assert logouts.clients.told == [], "nothing is told in the request itself"
    logouts.pass_time(10 * _MINUTE)
    assert sorted(logouts.clients.told) == sorted([WEB, LEGACY])
    assert logouts.deployment.audit.names.count("logout.told") == 2
    assert not logouts.waiting("SignOuts")
    assert not logouts.waiting("LogoutTokens")


def test_a_logout_token_says_what_the_specification_asks_for(
    deployment: Deployment, browser: Browser, redeemed: Redeemed, logouts: Logouts
) -> None:
    """Back-Channel Logout §2.4."""
    logouts.register("web_app_123")
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.deliver()
    token, session = logouts.clients.tokens[0][1], jwt.decode(redeemed.id_token, options={"verify_signature": False})
    claims, now = logouts.clients.claims(), int(deployment.clock.now)
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    assert claims.pop("jti")
    assert claims == {
        "iss": deployment.issuer,
        "aud": "web_app_123",
        "sub": session["sub"],
        "sid": session["sid"],
        "iat": now,
        "exp": now + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }


def test_a_client_that_registered_no_address_is_not_told(
    browser: Browser, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123")
    sign_in_to(browser, legacy_app)
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_DAY)
    assert logouts.clients.asked == [WEB]


def test_a_client_of_another_session_of_the_same_person_is_not_told(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed,
    logouts: Logouts,
) -> None:  # fmt: skip
    logouts.register("web_app_123", "legacy_app_321")
    elsewhere = Browser(deployment.send, deployment.issuer)
    sign_in_to(elsewhere, legacy_app)
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(10 * _MINUTE)
    assert logouts.clients.told == [WEB]
    assert is_signed_in(elsewhere, web_app)


def test_a_client_whose_code_was_never_redeemed_knows_no_session_and_is_not_told(
    browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123", "legacy_app_321")
    browser.decide(browser.open(legacy_app.ask(scope="openid items").url))
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_HOUR)
    assert logouts.clients.told == [WEB]


def test_grants_without_offline_access_end_and_with_it_they_live_and_both_clients_are_told(
    browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    """Back-Channel Logout §2.7."""
    logouts.register("web_app_123", "legacy_app_321")
    bound = sign_in_to(browser, legacy_app)
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_HOUR)
    assert sorted(logouts.clients.told) == sorted([WEB, LEGACY])
    assert legacy_app.refresh(bound["refresh_token"]).error == "invalid_grant"
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_a_client_whose_tokens_are_long_over_is_told_as_long_as_the_session_lives(
    deployment: Deployment, browser: Browser, legacy_app: Application, logouts: Logouts
) -> None:
    """Its own session may live: the pointer does not expire with the grant."""
    logouts.register("legacy_app_321")
    deployment.change_client("legacy_app_321", refresh_absolute_lifetime=600, refresh_idle_lifetime=600)
    deployment.restart(session_absolute_lifetime=7 * _DAY)
    tokens = sign_in_to(browser, legacy_app)
    sub, sid = (jwt.decode(tokens["id_token"], options={"verify_signature": False})[each] for each in ("sub", "sid"))
    (pointer,) = deployment.server.grants.pointers(sub, sid)
    assert pointer.expires_at >= deployment.clock.now + 7 * _DAY
    deployment.table("Grants")._call("DeleteItem", Key={"pk": {"S": f"grant#{pointer.grant_id}"}, "sk": {"S": "grant"}})
    logout(browser, id_token_hint=tokens["id_token"])
    logouts.deliver()
    assert logouts.clients.told == [LEGACY]


def test_a_code_that_is_redeemed_after_the_logout_is_found_by_a_later_look(
    browser: Browser, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    """A grant with offline_access outlives the session, and so does its code: its client gets an ID token of a session
    that has ended already.
    """
    logouts.register("legacy_app_321")
    asked = legacy_app.ask()
    code = browser.decide(browser.open(asked.url)).answered["code"]
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(40)
    assert logouts.clients.told == []
    assert legacy_app.redeem(code, asked.code_verifier).status == 200
    logouts.pass_time(_HOUR)
    assert logouts.clients.told == [LEGACY]


def test_a_client_that_is_down_for_a_while_is_told_later(
    browser: Browser, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123")
    logouts.clients.answers[WEB] = "ConnectionRefusedError"
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(5 * _HOUR)
    assert len(logouts.clients.asked) == 7  # at once, and after 30 s, 2, 10 and 30 min, 1 and 2 h
    refused = [fields for name, fields in logouts.deployment.audit.events if name == "logout.refused"]
    assert {fields["detail"] for fields in refused} == {"ConnectionRefusedError"}
    assert [fields["next_in"] for fields in refused][:4] == [30, 120, 600, 1800]
    del logouts.clients.answers[WEB]
    logouts.pass_time(4 * _HOUR)
    assert logouts.clients.told == [WEB]
    assert not logouts.waiting("LogoutTokens")
    claims = logouts.clients.claims()
    assert claims["exp"] == claims["iat"] + 120 > logouts.deployment.clock.now - 4 * _HOUR, "signed anew"


@pytest.mark.parametrize("status", [400, 302, 404, 500, 503])
def test_any_other_answer_than_200_and_204_counts_as_failure(
    browser: Browser, redeemed: Redeemed, logouts: Logouts, status: int
) -> None:
    """Back-Channel Logout §2.8: 400 also says that the logout failed."""
    logouts.register("web_app_123")
    logouts.clients.answers[WEB] = status
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(29)
    assert logouts.clients.asked == [WEB]
    (event,) = [fields for name, fields in logouts.deployment.audit.events if name == "logout.refused"]
    assert event["detail"] == f"status {status}"
    logouts.clients.answers[WEB] = 204
    logouts.pass_time(2)
    assert logouts.clients.told == [WEB]


def test_a_client_that_is_dead_for_a_day_ends_in_the_dead_letter_queue_by_name(
    browser: Browser, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123")
    logouts.clients.answers[WEB] = 500
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_DAY - 1800)
    assert not logouts.dead_letters
    logouts.pass_time(1800)
    assert len(logouts.clients.asked) == 10
    (letter,) = logouts.dead_letters
    assert '"client_id":"web_app_123"' in letter.body
    assert not logouts.waiting("LogoutTokens")
    name, last = logouts.deployment.audit.events[-1]
    assert (name, last["client_id"], last["next_in"]) == ("logout.refused", "web_app_123", None)


def test_a_dead_client_slows_no_other(
    browser: Browser, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123", "legacy_app_321")
    sign_in_to(browser, legacy_app)
    logouts.clients.answers[WEB] = "no answer within 2.0 s"
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.deliver()
    assert logouts.clients.told == [LEGACY]


def test_messages_that_come_twice_tell_the_client_again_and_change_nothing_else(
    browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("legacy_app_321")
    bound = sign_in_to(browser, legacy_app)
    logouts.deployment.aws.queues.copies = 2
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_HOUR)
    assert set(logouts.clients.told) == {LEGACY}
    jtis = [logouts.clients.claims(number)["jti"] for number in range(len(logouts.clients.tokens))]
    assert len(set(jtis)) == len(jtis) >= 2
    assert logouts.deployment.audit.names.count("grant.revoked") == 1
    assert legacy_app.refresh(bound["refresh_token"]).error == "invalid_grant"
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_a_message_whose_write_was_never_done_revokes_nothing_and_tells_nobody(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed,
    logouts: Logouts,
) -> None:  # fmt: skip
    logouts.register("web_app_123", "legacy_app_321")
    bound = sign_in_to(browser, legacy_app)
    sub = jwt.decode(redeemed.id_token, options={"verify_signature": False})["sub"]
    session = digest(browser.cookies["__Host-valet-session"]).hex()
    account = deployment.server.accounts.find_account(sub)
    assert account is not None
    for sign_out in (
        SignOut(sub, deployment.issuer, "logout", session=session),
        SignOut("demo-jane", deployment.issuer, "logout", session=session),
        SignOut(sub, deployment.issuer, "logout", session="00" * 32),
        SignOut(sub, deployment.issuer, "operator", epoch=account.epoch),
    ):
        deployment.server.sign_outs.send(sign_out)
    with deployment.nothing_spent(but=(None,)):  # the queues have no partitions
        logouts.pass_time(10 * _MINUTE)
    assert not logouts.waiting("SignOuts")
    assert logouts.clients.asked == []
    assert is_signed_in(browser, web_app)
    assert legacy_app.refresh(bound["refresh_token"]).status == 200


def test_a_write_that_came_later_than_its_message_is_finished_by_the_second_look(
    deployment: Deployment, browser: Browser, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    """The invocation was killed after the session's end: nobody comes back, and the grants end all the same."""
    logouts.register("web_app_123", "legacy_app_321")
    bound = sign_in_to(browser, legacy_app)
    key = digest(browser.cookies["__Host-valet-session"])
    session = deployment.server.sessions.find_session(key)
    assert session is not None
    deployment.server.sign_outs.send(SignOut(session.sub, deployment.issuer, "logout", session=key.hex()))
    logouts.deliver()
    assert legacy_app.refresh(bound["refresh_token"]).status == 200
    deployment.server.sessions.end(key, b"attempt", deployment.clock())
    logouts.pass_time(31)
    assert sorted(logouts.clients.told) == sorted([WEB, LEGACY])


def test_a_client_is_not_told_again_by_whoever_keeps_the_cookie_of_a_session_that_has_ended(
    deployment: Deployment, browser: Browser, redeemed: Redeemed, logouts: Logouts
) -> None:
    """Its grant lives on, by offline_access: each request would be one to the client, signed, and tried for a day."""
    logouts.register("web_app_123")
    secret = browser.cookies[SESSION]
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_HOUR)
    before = deployment.everything()
    for _ in range(3):
        browser.cookies[SESSION] = secret
        assert logout(browser).status == 200
        assert not logouts.waiting("SignOuts")
    assert deployment.everything() == before
    logouts.pass_time(_HOUR)
    assert logouts.clients.told == [WEB]


def test_a_message_is_never_too_large_for_the_queue_whatever_lives_on(
    browser: Browser, web_app: Application, redeemed: Redeemed, logouts: Logouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would come ten times, tell every client each time, and end as a dead letter."""
    monkeypatch.setattr(finishing, "_MOST_TOLD", 1)
    logouts.register("web_app_123")
    for _ in range(2):
        sign_in_to(browser, web_app, "openid items offline_access")
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.deliver()
    (again,) = logouts.waiting("SignOuts")
    assert len(json.loads(again.body)["told"]) == 1
    logouts.pass_time(_HOUR)
    assert logouts.clients.told == [WEB] * 2  # at each of two looks, and not for each grant


def test_whoever_signs_in_in_the_same_browser_ends_the_session_before_and_its_clients_are_told(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123")
    browser.sign_in(browser.open(web_app.ask(prompt="login").url), "jane")
    logouts.pass_time(_HOUR)
    assert logouts.clients.told == [WEB]
    assert logouts.clients.claims()["sub"] == "demo-john"


def test_who_signs_in_again_in_the_same_browser_ends_no_session(
    browser: Browser, web_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123")
    browser.sign_in(browser.open(web_app.ask(prompt="login").url))
    assert not logouts.waiting("SignOuts")


def test_where_the_queue_is_out_of_reach_the_person_is_signed_out_all_the_same_and_it_is_logged(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed,
    logouts: Logouts,
) -> None:  # fmt: skip
    bound = sign_in_to(browser, legacy_app)

    def broken(call: Call, forward: object) -> object:
        return refusal("AccessDeniedException") if call.service == "sqs" else forward()  # type: ignore[operator]

    with deployment.aws.intercept(broken):  # type: ignore[arg-type]
        assert logout(browser, id_token_hint=redeemed.id_token).status == 200
    assert not is_signed_in(browser, web_app)
    assert legacy_app.refresh(bound["refresh_token"]).error == "invalid_grant"
    (event,) = [fields for name, fields in deployment.audit.events if name == "logout.unannounced"]
    assert event["sub"] == "demo-john"
    assert event["detail"] == "SQS SendMessage: AccessDeniedException"


def test_a_deployment_that_tells_no_client_finishes_sign_outs_all_the_same(
    deployment: Deployment, browser: Browser, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("legacy_app_321")
    sign_in_to(browser, legacy_app)
    deployment.restart(logout_tokens_queue="")
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_DAY)
    assert logouts.clients.asked == []
    assert not logouts.waiting("SignOuts")


def test_a_logout_token_is_no_id_token_hint_and_signs_nobody_out(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    """Back-Channel Logout §4.1: told apart by typ, and it has no nonce."""
    logouts.register("web_app_123")
    claims = jwt.decode(redeemed.id_token, options={"verify_signature": False})
    logouts.notify(LogoutNotice("web_app_123", claims["sub"], claims["sid"], deployment.issuer))
    logouts.deliver()
    token = logouts.clients.tokens[0][1]
    with deployment.nothing_spent():
        assert 'name="decision"' in logout(browser, id_token_hint=token).body
        hinted = browser.get(web_app.ask(prompt="none", id_token_hint=token).url)
        assert hinted.answered["error"] == "login_required"
        assert (
            deployment.send("GET", f"{deployment.issuer}/userinfo", {"authorization": f"Bearer {token}"}).status == 401
        )
    assert is_signed_in(browser, web_app)


def test_until_a_key_names_the_role_logout_tokens_wait(
    deployment: Deployment, browser: Browser, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123")
    deployment.restart(own_role_arn="arn:aws:iam::123456789012:role/another")
    logout(browser, id_token_hint=redeemed.id_token)
    with deployment.aws.recorded() as calls:
        logouts.pass_time(_HOUR)
    assert not [call for call in calls if call.service == "kms"], "KMS is not asked: that would raise an alarm"
    assert logouts.clients.asked == []
    (waiting,) = logouts.waiting("LogoutTokens")
    assert '"client_id":"web_app_123"' in waiting.body
    deployment.restart()
    logouts.pass_time(_DAY)
    assert logouts.clients.told == [WEB]


def test_a_client_that_withdrew_its_address_meanwhile_is_left_alone(
    deployment: Deployment, browser: Browser, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123")
    logouts.clients.answers[WEB] = 500
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.deliver()
    deployment.change_client("web_app_123", backchannel_logout_uri="")
    logouts.pass_time(_DAY)
    assert logouts.clients.asked == [WEB]
    assert not logouts.dead_letters


# -- everything that an account has opened -----------------------------------------------------------------------------


def end_everything(deployment: Deployment, sub: str = "demo-john") -> None:
    """As an operator does, up to the write."""
    account = deployment.server.accounts.find_account(sub)
    assert account is not None
    deployment.server.sign_outs.send(SignOut(sub, deployment.issuer, "operator", epoch=account.epoch))
    deployment.raise_epoch(sub)


def test_when_an_account_is_signed_out_everywhere_the_clients_of_all_its_sessions_are_told(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed,
    logouts: Logouts,
) -> None:  # fmt: skip
    logouts.register("web_app_123", "legacy_app_321")
    elsewhere = Browser(deployment.send, deployment.issuer)
    bound = sign_in_to(elsewhere, legacy_app)
    also = sign_in_to(elsewhere, web_app)
    end_everything(deployment)
    logouts.pass_time(_HOUR)
    sids = [jwt.decode(each["id_token"], options={"verify_signature": False})["sid"] for each in (bound, also)]
    sids.append(jwt.decode(redeemed.id_token, options={"verify_signature": False})["sid"])
    told = [(url, logouts.clients.claims(number)["sid"]) for number, url in enumerate(logouts.clients.told)]
    assert sorted(told) == sorted([(LEGACY, sids[0]), (WEB, sids[1]), (WEB, sids[2])])
    for token in (bound["refresh_token"], also["refresh_token"], redeemed.refresh_token):
        assert (legacy_app if token == bound["refresh_token"] else web_app).refresh(token).error == "invalid_grant"
    assert deployment.server.grants.pointers("demo-john") == ()


def test_a_sign_in_that_comes_after_it_lives_and_its_client_is_not_told(
    deployment: Deployment, browser: Browser, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    """The message may come late: finish looks at each grant, and not at the time."""
    logouts.register("web_app_123", "legacy_app_321")
    end_everything(deployment)
    elsewhere = Browser(deployment.send, deployment.issuer)
    new = sign_in_to(elsewhere, legacy_app)
    logouts.pass_time(10 * _MINUTE)
    assert logouts.clients.told == [WEB]
    assert legacy_app.refresh(new["refresh_token"]).status == 200
    assert is_alive(deployment, new["access_token"])


def is_alive(deployment: Deployment, access_token: str) -> bool:
    headers = {"authorization": f"Bearer {access_token}"}
    return deployment.send("GET", f"{deployment.issuer}/userinfo", headers).status == 200


def test_a_disabled_and_a_deleted_account_are_signed_out_of_their_clients(
    deployment: Deployment, browser: Browser, legacy_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    logouts.register("web_app_123", "legacy_app_321")
    sign_in_to(browser, legacy_app)
    account = deployment.server.accounts.find_account("demo-john")
    assert account is not None
    deployment.server.sign_outs.send(SignOut("demo-john", deployment.issuer, "operator", epoch=account.epoch))
    deployment.table("Users").delete("account#demo-john", "account")
    logouts.pass_time(_HOUR)
    assert sorted(logouts.clients.told) == sorted([WEB, LEGACY])


# -- what the release before has written -------------------------------------------------------------------------------


def test_a_pointer_that_does_not_name_its_client_leads_to_it_by_the_grant(
    deployment: Deployment, browser: Browser, web_app: Application, legacy_app: Application, redeemed: Redeemed,
    logouts: Logouts,
) -> None:  # fmt: skip
    logouts.register("web_app_123", "legacy_app_321")
    bound = sign_in_to(browser, legacy_app)
    for pointer in deployment.server.grants.pointers("demo-john"):
        key = f"sub#{pointer.sub}", f"{pointer.sid}#{pointer.grant_id}"
        deployment.table("Grants").update(*key, "REMOVE #client_id, #redeemed_at", {}, "attribute_exists(#pk)")
    logout(browser, id_token_hint=redeemed.id_token)
    logouts.pass_time(_HOUR)
    assert sorted(logouts.clients.told) == sorted([WEB, LEGACY])
    assert legacy_app.refresh(bound["refresh_token"]).error == "invalid_grant"
    assert web_app.refresh(redeemed.refresh_token).status == 200


def test_a_message_of_a_later_release_is_read_without_what_is_new_in_it(
    deployment: Deployment, redeemed: Redeemed, logouts: Logouts
) -> None:
    from valet.aws.sqs import Message

    body = '{"sub":"a","issuer":"i","revoked_for":"logout","look":2,"told":["g"],"unheard_of":1}'
    found = Message("id", "handle", body, 0.0).read(SignOut)
    assert found == SignOut("a", "i", "logout", look=2, told=("g",))


def test_the_type_of_a_logout_token_is_its_own() -> None:
    from valet.tokens import access_token, id_token, status_list

    types = [each.TYPE for each in (access_token, id_token, status_list, logout_token) if hasattr(each, "TYPE")]
    assert len(set(types)) == len(types) >= 3
