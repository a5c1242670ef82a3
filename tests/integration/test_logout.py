"""GET /logout (OpenID Connect RP-Initiated Logout 1.0)."""

import os
from dataclasses import replace

import pytest
from valet.aws.dynamodb.key_records import DynamoKeyRecords

from tests.integration.conftest import Redeemed
from tests.integration.signing_out import BACK, is_signed_in, logout
from tests.support.application import Application
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.logouts import Logouts


def test_a_hint_of_this_browsers_session_ends_it_and_leads_back_with_the_state(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    answer = logout(browser, id_token_hint=redeemed.id_token, post_logout_redirect_uri=BACK, state="a b&c")
    assert answer.status == 303
    assert answer.location == f"{BACK}?state=a+b%26c"
    assert "__Host-valet-session" not in browser.cookies
    assert not is_signed_in(browser, web_app)
    assert "session.ended" in deployment.audit.names


def test_no_state_is_given_back_where_none_was_sent(browser: Browser, redeemed: Redeemed) -> None:
    assert logout(browser, id_token_hint=redeemed.id_token, post_logout_redirect_uri=BACK).location == BACK


def test_the_session_is_over_for_whoever_kept_its_cookie(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    thief = Browser(deployment.send, deployment.issuer, dict(browser.cookies))
    logout(browser, id_token_hint=redeemed.id_token)
    assert not is_signed_in(thief, web_app)


def test_without_an_address_to_go_back_to_a_page_says_that_it_is_done(browser: Browser, redeemed: Redeemed) -> None:
    answer = logout(browser, id_token_hint=redeemed.id_token)
    assert answer.status == 200
    assert "You are signed out" in answer.body


def test_grants_that_live_by_the_session_end_with_it_and_offline_ones_stay(
    deployment: Deployment, browser: Browser, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    asked = web_app.ask(scope="openid items", prompt="none")
    bound = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
    asked = web_app.ask(scope="openid items", prompt="none")
    under_way = browser.get(asked.url).answered["code"]
    logout(browser, id_token_hint=bound["id_token"])
    assert web_app.refresh(bound["refresh_token"]).error == "invalid_grant"
    assert service.introspect(bound["access_token"]).json() == {"active": False}
    assert web_app.redeem(under_way, asked.code_verifier).error == "invalid_grant"
    assert web_app.refresh(redeemed.refresh_token).status == 200  # offline_access


def test_an_expired_hint_is_good(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(3000)
    assert logout(browser, id_token_hint=redeemed.id_token, post_logout_redirect_uri=BACK).location == BACK
    assert not is_signed_in(browser, web_app)


def test_no_session_but_a_good_hint_leads_back_all_the_same(
    deployment: Deployment, browser: Browser, redeemed: Redeemed
) -> None:
    stranger = Browser(deployment.send, deployment.issuer)
    deployment.clock.advance(86_400)
    for who in (stranger, browser):  # without a cookie, and with one whose session is over
        answer = logout(who, id_token_hint=redeemed.id_token, post_logout_redirect_uri=BACK)
        assert answer.location == BACK


def test_without_a_hint_a_page_asks_and_nothing_ends(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    with deployment.nothing_spent():
        for parameters in ({}, {"client_id": "web_app_123"}, {"client_id": "nobody"}):
            page = logout(browser, **parameters)
            assert page.status == 200
            assert form_of(page).names >= {"csrf_token", "decision"}
            assert not page.set_cookies
    assert is_signed_in(browser, web_app)


def test_who_says_yes_is_signed_out_and_led_back_to_the_named_clients_address(
    browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    page = logout(browser, client_id="web_app_123", post_logout_redirect_uri=BACK, state="s")
    assert "Web App" in page.body
    assert "form-action" not in page.headers["content-security-policy"]
    answer = browser.decide(page, "allow")
    assert answer.location == f"{BACK}?state=s"
    assert not is_signed_in(browser, web_app)


def test_who_says_no_stays_signed_in(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    page = logout(browser, client_id="web_app_123", post_logout_redirect_uri=BACK)
    with deployment.nothing_spent():
        answer = browser.decide(page, "deny")
        assert "still signed in" in answer.body
        assert "location" not in answer.headers
    assert is_signed_in(browser, web_app)


def test_a_hint_of_another_session_of_the_same_user_asks(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    elsewhere = Browser(deployment.send, deployment.issuer)
    elsewhere.sign_in(elsewhere.open(web_app.ask().url))
    with deployment.nothing_spent():
        page = logout(elsewhere, id_token_hint=redeemed.id_token, post_logout_redirect_uri=BACK)
        assert "decision" in form_of(page).names
    assert is_signed_in(elsewhere, web_app)
    assert is_signed_in(browser, web_app)


def test_a_hint_of_another_user_asks_and_ends_nobodys_session(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    jane = Browser(deployment.send, deployment.issuer)
    jane.decide(jane.sign_in(jane.open(web_app.ask().url), "jane"))
    with deployment.nothing_spent():
        page = logout(jane, id_token_hint=redeemed.id_token)
        assert "decision" in form_of(page).names
    assert is_signed_in(jane, web_app)
    assert is_signed_in(browser, web_app)


@pytest.mark.parametrize("hint", ["x", "x.y.z", "eyJhbGciOiJub25lIn0.e30."])
def test_a_hint_that_does_not_verify_is_none_and_the_end_user_is_asked(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, hint: str
) -> None:
    """An app may hold its only ID token for months, and keys go: nobody is stranded for it, and nothing ends by it."""
    for token in (hint, redeemed.access_token, redeemed.id_token[:-4] + "AAAA", "A" * 9000):
        with deployment.nothing_spent():
            page = logout(browser, id_token_hint=token, post_logout_redirect_uri=BACK, state="s")
            assert page.status == 200
            assert form_of(page).names == {"csrf_token", "decision", "state"}, (
                "the page carries on no value that matches no client"
            )
            by_post = browser.post_from_another_site("/logout", {"id_token_hint": token})
            assert (by_post.status, len(by_post.location) < 100) == (303, True)
    assert is_signed_in(browser, web_app)


def test_after_such_a_hint_the_way_back_is_the_registered_one_of_the_client_that_is_named(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    nobody = Browser(deployment.send, deployment.issuer)
    assert "location" not in logout(nobody, id_token_hint="x", post_logout_redirect_uri=BACK).headers
    named = {"id_token_hint": "x", "client_id": "web_app_123", "post_logout_redirect_uri": BACK}
    assert logout(nobody, **named).location == BACK
    assert logout(nobody, **{**named, "post_logout_redirect_uri": "https://evil.test/"}).status == 400
    assert browser.decide(logout(browser, **named)).location == BACK
    assert not is_signed_in(browser, web_app)


def test_an_app_can_sign_its_user_out_when_the_key_of_its_id_token_is_long_gone(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    records = DynamoKeyRecords(deployment.table("Registry"), os.urandom)
    ring = records.key_ring()
    other = replace(ring.keys[0], kid="another", public_jwk={**ring.keys[0].public_jwk, "kid": "another"})
    assert records.change_ring(ring, (other,))
    deployment.restart()
    page = logout(browser, id_token_hint=redeemed.id_token, client_id="web_app_123", post_logout_redirect_uri=BACK)
    assert browser.decide(page).location == BACK
    assert not is_signed_in(browser, web_app)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.test/",
        "http://127.0.0.1:9876/signed-out/",
        "http://127.0.0.1:9876/signed-out?x",
        "http://127.0.0.1:9876/signed-out#x",
        "http://127.0.0.1:9877/signed-out",
        "http://127.0.0.1:9876@evil.test/signed-out",
        "http://localhost:9876/signed-out",
        "http://127.0.0.1:9876/callback",  # registered, for another purpose
        "http://127.0.0.1/signed-out",  # registered, for another client
        "//evil.test",
        "javascript:alert(1)",
        "x",
    ],
)
def test_an_address_that_is_not_registered_for_it_is_a_page_and_nothing_ends(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, uri: str
) -> None:
    for who in (browser, Browser(deployment.send, deployment.issuer)):
        for named in ({"id_token_hint": redeemed.id_token}, {"client_id": "web_app_123"}, {}):
            with deployment.nothing_spent():
                answer = logout(who, post_logout_redirect_uri=uri, **named)
                assert answer.status == 400
                assert answer.is_page
                assert "location" not in answer.headers
                assert not answer.set_cookies
    assert is_signed_in(browser, web_app)


def test_a_registered_address_without_a_client_is_a_page(
    deployment: Deployment, browser: Browser, redeemed: Redeemed
) -> None:
    with deployment.nothing_spent():
        assert logout(browser, post_logout_redirect_uri=BACK).status == 400


def test_the_client_id_has_to_be_the_hints(deployment: Deployment, browser: Browser, redeemed: Redeemed) -> None:
    with deployment.nothing_spent():
        for client_id in ("mobile_app", "legacy_app_321", "nobody"):
            answer = logout(browser, id_token_hint=redeemed.id_token, client_id=client_id)
            assert answer.status == 400
    assert logout(browser, id_token_hint=redeemed.id_token, client_id="web_app_123").status == 200


@pytest.mark.parametrize("port", ["", ":1024", ":49152"])
def test_a_native_client_is_led_back_to_any_port_of_its_loopback_address(
    browser: Browser, redeemed: Redeemed, port: str
) -> None:
    uri = f"http://127.0.0.1{port}/signed-out"
    page = logout(browser, client_id="mobile_app", post_logout_redirect_uri=uri)
    assert browser.decide(page).location == uri


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_my_cli_registered_another_port_and_is_led_back_after_signing_out(
    deployment: Deployment, browser: Browser, redeemed: Redeemed, host: str
) -> None:
    deployment.change_client("mobile_app", post_logout_redirect_uris=(f"http://{host}:8085",))
    for uri in (f"http://{host}:51004/other", f"http://{host}:51004.evil.test", f"https://{host}:51004"):
        with deployment.nothing_spent():
            assert logout(browser, client_id="mobile_app", post_logout_redirect_uri=uri).status == 400
    uri = f"http://{host}:51004/"
    page = logout(browser, client_id="mobile_app", post_logout_redirect_uri=uri)
    assert browser.decide(page).location == uri


def test_the_public_sid_of_a_token_is_not_the_cookie(browser: Browser, redeemed: Redeemed) -> None:
    import jwt

    sid = jwt.decode(redeemed.id_token, options={"verify_signature": False})["sid"]
    assert sid
    assert sid not in browser.cookies.values()


def test_signing_out_twice_is_as_good_as_once(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    kept = dict(browser.cookies)
    for _ in range(2):
        browser.cookies = dict(kept)
        answer = logout(browser, id_token_hint=redeemed.id_token, post_logout_redirect_uri=BACK)
        assert answer.location == BACK


def test_a_logout_after_a_second_sign_in_reaches_the_grants_of_both(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    asked = web_app.ask(scope="openid items", prompt="none")
    first = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
    deployment.clock.advance(1)
    browser.sign_in(browser.open(web_app.ask(scope="openid", prompt="login").url))
    logout(browser, id_token_hint=redeemed.id_token)
    assert not is_signed_in(browser, web_app)
    assert web_app.refresh(first["refresh_token"]).error == "invalid_grant"


def test_another_site_cannot_end_the_grants_of_a_session_that_idles(
    browser: Browser, deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    asked = web_app.ask(scope="openid items", prompt="none")
    bound = web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json()
    deployment.clock.advance(3700)  # the session is over, the grant that lives by it is not for eleven hours
    with deployment.nothing_spent():
        page = logout(browser)
        assert "decision" in form_of(page).names
    tokens = web_app.refresh(bound["refresh_token"]).json()
    browser.decide(page, "allow")
    assert web_app.refresh(tokens["refresh_token"]).error == "invalid_grant"


def test_what_does_not_fit_into_a_location_is_refused(
    browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    """A gateway answers 500 where a function's headers are more than ten kilobytes."""
    for form in ({"id_token_hint": redeemed.id_token, "state": "x" * 2049}, {"state": "\u00e9" * 1025}):
        assert browser.post_from_another_site("/logout", form).status == 400
    hinted = {"id_token_hint": redeemed.id_token, "post_logout_redirect_uri": BACK, "state": "\u00e9" * 1024}
    assert len(browser.post_from_another_site("/logout", hinted).location) < 10_000
    assert len(browser.post_from_another_site("/logout", {"client_id": "x" * 50_000}).location) < 100
    assert is_signed_in(browser, web_app)


def test_the_page_cannot_be_framed(browser: Browser, redeemed: Redeemed) -> None:
    headers = logout(browser).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_another_client_cannot_use_the_hint_of_a_client(
    browser: Browser, web_app: Application, redeemed: Redeemed
) -> None:
    uri = "http://127.0.0.1:8000/signed-out"
    assert logout(browser, id_token_hint=redeemed.id_token, post_logout_redirect_uri=uri).status == 400
    assert is_signed_in(browser, web_app)


def test_a_logout_is_finished_by_its_message_and_then_nothing_is_left_of_the_session(
    deployment: Deployment, browser: Browser, web_app: Application, redeemed: Redeemed, logouts: Logouts
) -> None:
    """The request ends the grants and keeps their pointers, by which the clients are found that have to be told."""
    tokens = []
    for _ in range(3):
        asked = web_app.ask(scope="openid items", prompt="none")
        tokens.append(web_app.redeem(browser.get(asked.url).answered["code"], asked.code_verifier).json())
    cookies = dict(browser.cookies)
    pointers = deployment.server.grants.pointers("demo-john")
    bound = [pointer for pointer in pointers if pointer.ends_with_session]
    assert len(bound) == 3
    logout(browser, id_token_hint=redeemed.id_token)
    assert [web_app.refresh(each["refresh_token"]).error for each in tokens] == ["invalid_grant"] * 3
    assert deployment.server.grants.pointers("demo-john") == pointers
    logouts.deliver()
    # Those that outlive the session can still be found, by an operator who ends all of a person's.
    assert deployment.server.grants.pointers("demo-john") == tuple(
        pointer for pointer in pointers if not pointer.ends_with_session
    )
    browser.cookies = cookies
    with deployment.nothing_spent(but=("session#", "sessions#", None)):  # a message has no partition
        logout(browser, id_token_hint=redeemed.id_token)


def test_a_session_that_is_over_by_itself_can_still_be_signed_out_of_while_a_token_of_it_lives(
    deployment: Deployment, browser: Browser, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    """Also after DynamoDB has deleted what has expired: the longest token outlives the shortest session by a day."""
    day = 86_400
    deployment.restart(session_absolute_lifetime=600, session_idle_lifetime=600, access_token_lifetime=day)
    deployment.clock.advance(1)
    asked = web_app.ask(scope="openid items", prompt="login")
    answer = browser.sign_in(browser.open(asked.url))
    tokens = web_app.redeem(answer.answered["code"], asked.code_verifier).json()
    deployment.clock.advance(day - 60)
    sessions = [item for item in deployment.everything() if item["pk"]["S"].startswith("session#")]
    for item in sessions:
        if int(item["expires_at"]["N"]) <= deployment.clock():
            deployment.table("Grants").delete(item["pk"]["S"], item["sk"]["S"])
    assert service.introspect(tokens["access_token"]).json()["active"] is True
    logout(browser, id_token_hint=tokens["id_token"])
    assert service.introspect(tokens["access_token"]).json() == {"active": False}
