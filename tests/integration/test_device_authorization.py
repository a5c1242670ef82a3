"""A device without a browser asks, polls, and is given tokens once, after a person's yes (RFC 8628)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from valet.protocol.device_code import device_grant_id
from valet.protocol.supported import DEVICE_CODE

from tests.integration.bound_tokens import bound_to
from tests.integration.conftest import Issued
from tests.integration.visiting import at_account, is_refused_at_apis, items_of
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.devices import Television, allowed, decide, television, type_code
from tests.support.key_client import KeyApplication, key_application
from tests.support.key_holder import KeyHolder

COUNTED = ("device_code#",)  # the poll


@pytest.fixture
def tv(deployment: Deployment) -> Television:
    return television(deployment)


@pytest.fixture
def john(deployment: Deployment) -> Browser:
    """A browser in which he is signed in."""
    cookies = deployment.prepared("john at a device page", lambda: dict(at_account(deployment).cookies))
    return Browser(deployment.send, deployment.issuer, cookies)


def say_yes(browser: Browser, tv: Television) -> None:
    assert decide(browser, type_code(browser, tv.user_code)).status == 200


# -- asking ------------------------------------------------------------------------------------------------------------


def test_a_device_is_given_two_codes_and_the_address_to_show(deployment: Deployment, tv: Television) -> None:
    answer = tv.ask()
    members = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[\w-]{22}\.[\w-]{43}", members.pop("device_code"))
    user_code = members.pop("user_code")
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", user_code)
    assert members == {
        "verification_uri": f"{deployment.issuer}/device",
        "verification_uri_complete": f"{deployment.issuer}/device?user_code={user_code}",
        "expires_in": 600,
        "interval": 5,
    }
    (item,) = items_of(deployment, "device_code")
    assert user_code not in str(item)
    assert user_code.replace("-", "") not in str(item)
    assert tv.codes is not None
    assert tv.codes["device_code"].partition(".")[2] not in str(item)
    assert deployment.audit.events == [("device.asked", {"client_id": "tv_demo", "scope": "items openid profile"})]


@pytest.mark.parametrize(
    ("client_id", "form", "error"),
    [
        ("mobile_app", {}, "unauthorized_client"),
        ("nobody", {}, "invalid_client"),
        ("web_app_123", {}, "invalid_client"),  # it has a secret, and sends none
        ("tv_demo", {"client_secret": "x"}, "invalid_client"),
        ("tv_demo", {"scope": "admin"}, "invalid_scope"),
        ("tv_demo", {"scope": 'a"b'}, "invalid_scope"),
        ("tv_demo", {"resource": "https://nowhere.example"}, "invalid_target"),
    ],
)
def test_what_a_device_may_not_ask_for_is_refused_and_nothing_is_kept(
    deployment: Deployment, client_id: str, form: dict[str, str], error: str
) -> None:
    with deployment.nothing_spent():
        answer = television(deployment, client_id).ask(**form)
    assert (answer.status, answer.json()["error"]) == (401 if error == "invalid_client" else 400, error)
    assert not [item for item in items_of(deployment, "throttle") if "devices#" in item["pk"]["S"]]


def test_secrets_in_the_query_are_refused(deployment: Deployment) -> None:
    with deployment.nothing_spent():
        answer = deployment.send("POST", f"{deployment.issuer}/device_authorization?client_id=tv_demo")
    assert answer.json()["error"] == "invalid_request"


def test_sixty_devices_of_one_address_may_ask_and_others_are_not_held_up(
    deployment: Deployment, tv: Television
) -> None:
    assert [tv.ask().status for _ in range(60)] == [200] * 60
    with deployment.nothing_spent():
        answer = tv.ask()
    assert (answer.status, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "600"
    assert television(deployment, source_ip="203.0.113.9").ask().status == 200
    deployment.clock.advance(600)
    assert tv.ask().status == 200


def test_a_client_has_ten_thousand_devices_at_most_from_however_many_addresses(
    deployment: Deployment, tv: Television
) -> None:
    number = int(deployment.clock()) // 600
    of_client = f"devices#tv_demo#{number}"
    end = (number + 1) * 600
    deployment.table("Grants").put(
        {"pk": f"throttle#{of_client}", "sk": "throttle", "attempts": 9_999, "expires_at": end}
    )
    assert tv.ask().status == 200
    with deployment.nothing_spent():
        assert television(deployment, source_ip="203.0.113.9").ask().status == 429
    # An address that is refused itself uses up nothing of the client's.
    assert deployment.server.throttles.count(of_client, end) == 10_002


def drawing(monkeypatch: pytest.MonkeyPatch, deployment: Deployment, *user_codes: str) -> None:
    left = list(user_codes)
    monkeypatch.setattr("valet.front_channel.device_codes.new_user_code", lambda _: left.pop(0))


def test_a_code_that_waits_already_is_not_given_to_a_second_device(
    deployment: Deployment, tv: Television, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing(monkeypatch, deployment, "BBBBBBBB", "BBBBBBBB", "CCCCCCCC", "BBBBBBBB", "CCCCCCCC", "BBBBBBBB")
    assert tv.ask().json()["user_code"] == "BBBB-BBBB"
    assert television(deployment).ask().json()["user_code"] == "CCCC-CCCC"
    before = items_of(deployment, "device_code")
    event = deployment.event(
        "POST",
        f"{deployment.issuer}/device_authorization",
        {"content-type": "application/x-www-form-urlencoded"},
        b"client_id=tv_demo",
    )
    answer = deployment.invoke(event)
    assert (answer.status, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert items_of(deployment, "device_code") == before


# -- polling -----------------------------------------------------------------------------------------------------------


def test_a_poll_tells_a_device_to_wait_to_slow_down_and_gives_it_tokens_once(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.ask()
    with deployment.nothing_spent(COUNTED):
        # A poll that is refused does not count, so that the next one is 5.1 seconds after the first.
        assert [tv.poll(wait).json()["error"] for wait in (0, 4.9, 0.2, 5)] == [
            "authorization_pending",
            "slow_down",
            "authorization_pending",
            "authorization_pending",
        ]
    say_yes(john, tv)
    answer = tv.poll()
    tokens = answer.json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["client_id"], claims["aud"][0]) == (
        "demo-john",
        "tv_demo",
        f"{deployment.issuer}/api",
    )
    with deployment.nothing_spent(COUNTED):
        assert tv.poll().json()["error"] == "invalid_grant"
    assert deployment.audit.names[-2:] == ["token.issued", "code.resubmitted"]
    assert not is_refused_at_apis(deployment, tokens["access_token"])


def test_a_poll_that_comes_too_soon_reads_nothing(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    tv.poll()
    say_yes(john, tv)
    seen: list[str] = []

    def watch(call: Any, forward: Callable[[], Any]) -> Any:
        seen.append(f"{call.action} {call.partition_prefix}")
        return forward()

    with deployment.aws.intercept(watch):
        assert tv.poll(1).json()["error"] == "slow_down"
    assert [call for call in seen if "client#" not in call] == ["UpdateItem device_code#"]


@pytest.mark.parametrize("wait", [11, 700])
def test_a_replay_after_the_retry_window_ends_the_grant(
    deployment: Deployment, tv: Television, john: Browser, wait: int
) -> None:
    tokens = allowed(john, tv)
    assert tv.poll(wait).json()["error"] == "invalid_grant"
    assert deployment.audit.names[-1] == "code.replayed"
    assert is_refused_at_apis(deployment, tokens["access_token"])
    assert tv.app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_no_is_told_and_is_final(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    assert "was not connected" in decide(john, type_code(john, tv.user_code), "deny").body
    for wait in (5, 700):
        with deployment.nothing_spent(COUNTED):
            assert tv.poll(wait).json()["error"] == "access_denied"
    assert "sub#demo-john" not in str(items_of(deployment, "sub"))


def test_a_code_expires_after_ten_minutes(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    deployment.clock.advance(600)
    with deployment.nothing_spent(("session#",)):  # the person's own is prolonged
        assert tv.poll(0).json()["error"] == "expired_token"
        page = type_code(john, tv.user_code)
    assert page.status == 400
    assert "No device is waiting" in page.body


@pytest.mark.parametrize(("wait", "is_given"), [(1, True), (58, True), (61, False)])
def test_a_yes_at_the_last_moment_is_good_for_a_minute(
    deployment: Deployment, tv: Television, john: Browser, wait: int, is_given: bool
) -> None:
    tv.ask()
    deployment.clock.advance(599)
    say_yes(john, tv)
    answer = tv.poll(1 + wait)
    assert (answer.status == 200) == is_given, answer
    assert is_given or answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("is_allowed", [False, True])
def test_only_the_client_that_asked_gets_anything_and_only_for_the_whole_code(
    deployment: Deployment, tv: Television, john: Browser, is_allowed: bool
) -> None:
    deployment.change_client("mobile_app", grant_types=frozenset({DEVICE_CODE}), redirect_uris=())
    tv.ask()
    if is_allowed:
        say_yes(john, tv)
    assert tv.codes is not None
    device_id, _, secret = tv.codes["device_code"].partition(".")
    thief = television(deployment, "mobile_app", codes=tv.codes)
    with deployment.nothing_spent():
        for refused in (
            thief.poll(),
            tv.poll(device_code=f"{device_id}.{'A' * 43}"),
            tv.poll(device_code=f"{'A' * 22}.{secret}"),
            tv.poll(device_code=tv.user_code),
            tv.poll(device_code=f"{device_grant_id(device_id, secret)}.{secret}"),
        ):
            assert (refused.status, refused.json()["error"]) == (400, "invalid_grant")
    assert tv.poll(0).json().get("error") == (None if is_allowed else "authorization_pending")


@pytest.mark.parametrize("pkce", ["required", "optional"])
def test_a_device_code_is_no_authorization_code(
    deployment: Deployment, web_app: Application, john: Browser, pkce: str
) -> None:
    """Also of a confidential client that needs no PKCE, and that derives the grant's id itself."""
    deployment.change_client(
        "web_app_123",
        grant_types=frozenset({DEVICE_CODE, "authorization_code"}),
        pkce=pkce,
        redirect_uris=("https://webapp.example.com/callback",),
    )
    tv = Television(deployment, web_app)
    tv.ask(scope="openid")
    say_yes(john, tv)
    assert tv.codes is not None
    device_id, _, secret = tv.codes["device_code"].partition(".")
    verifier = {} if pkce == "optional" else {"code_verifier": "v" * 43}
    with deployment.nothing_spent():
        for code in (f"{device_id}.{secret}", f"{device_grant_id(device_id, secret)}.{secret}"):
            for redirect_uri in (None, web_app.redirect_uri):
                sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, **verifier}
                assert web_app.token(**sent).json()["error"] == "invalid_grant"
    assert tv.poll().status == 200


def test_an_authorization_code_is_no_device_code(deployment: Deployment, web_app: Application, issued: Issued) -> None:
    deployment.change_client("web_app_123", grant_types=frozenset({DEVICE_CODE, "authorization_code"}))
    with deployment.nothing_spent():
        refused = web_app.token(grant_type=DEVICE_CODE, device_code=issued.code)
    assert refused.json()["error"] == "invalid_grant"
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_client_that_is_not_registered_for_it_polls_in_vain(
    deployment: Deployment, tv: Television, mobile_app: Application
) -> None:
    tv.ask()
    assert tv.codes is not None
    with deployment.nothing_spent():
        refused = mobile_app.token(grant_type=DEVICE_CODE, device_code=tv.codes["device_code"])
    assert refused.json()["error"] == "unauthorized_client"


# -- what it is given --------------------------------------------------------------------------------------------------


def test_its_tokens_are_like_any_others(
    deployment: Deployment, tv: Television, john: Browser, service: Application
) -> None:
    tokens = allowed(john, tv)
    deployment.change_client("api_service_789", introspects=frozenset({f"{deployment.issuer}/api"}))
    assert service.introspect(tokens["access_token"]).json()["active"]
    assert tv.app.userinfo(tokens["access_token"]).json()["sub"] == "demo-john"
    again = tv.app.refresh(tokens["refresh_token"]).json()
    assert tv.app.revoke(again["refresh_token"]).status == 200
    assert is_refused_at_apis(deployment, again["access_token"])


@pytest.mark.parametrize(("scope", "lives_on"), [("openid items", False), ("openid items offline_access", True)])
def test_with_offline_access_it_lives_on_after_the_person_signed_out(
    deployment: Deployment, tv: Television, john: Browser, scope: str, lives_on: bool
) -> None:
    tokens = allowed(john, tv, scope=scope)
    john.submit(john.get("/logout"), decision="allow")
    assert (tv.app.refresh(tokens["refresh_token"]).status == 200) == lives_on


def test_a_device_that_proves_a_key_is_given_tokens_that_are_bound_to_it(
    deployment: Deployment, tv: Television, john: Browser, owner: KeyHolder, thief: KeyHolder
) -> None:
    tv.ask()
    say_yes(john, tv)
    assert tv.codes is not None
    sent = {"grant_type": DEVICE_CODE, "device_code": tv.codes["device_code"]}
    tokens = bound_to(owner.of(tv.app).token(**sent), owner)
    assert thief.of(tv.app).refresh(tokens["refresh_token"]).status == 400
    bound_to(owner.of(tv.app).refresh(tokens["refresh_token"]), owner)


def test_an_assertion_is_good_for_one_request_that_asks_and_one_that_is_given_tokens(
    deployment: Deployment, applications: DemoApplications, john: Browser
) -> None:
    app = key_application(applications.web_app, deployment.clock)
    deployment.change_client(
        "web_app_123",
        token_endpoint_auth_method="private_key_jwt",
        jwks=app.jwks,
        secret_digests=(),
        grant_types=frozenset({DEVICE_CODE}),
        redirect_uris=(),
    )
    assertion = app.credentials
    asked = app.post("/device_authorization", scope="openid", **assertion)
    assert asked.status == 200
    with deployment.nothing_spent():
        assert app.post("/device_authorization", scope="openid", **assertion).json()["error"] == "invalid_client"
    decide(john, type_code(john, asked.json()["user_code"]))
    sent = {"grant_type": DEVICE_CODE, "device_code": asked.json()["device_code"]}
    # The poll of a captured request counts as a poll, and no more.
    with deployment.nothing_spent(COUNTED):
        assert app.token(**sent, **assertion).json()["error"] == "invalid_client"
    deployment.clock.advance(5)
    assert app.token(**sent).status == 200


@pytest.mark.parametrize("told", ["authorization_pending", "slow_down"])
@pytest.mark.parametrize("signs", ["an assertion", "a proof"])
def test_a_poll_that_was_captured_while_the_person_thought_is_worth_nothing_after_the_yes(
    deployment: Deployment, applications: DemoApplications, john: Browser, owner: KeyHolder, signs: str, told: str
) -> None:
    app: Application = applications.web_app
    if signs == "an assertion":
        app = key_application(app, deployment.clock)
        deployment.change_client(
            "web_app_123", token_endpoint_auth_method="private_key_jwt", jwks=app.jwks, secret_digests=()
        )
    deployment.change_client("web_app_123", grant_types=frozenset({DEVICE_CODE}), redirect_uris=())
    asked = app.post("/device_authorization", scope="openid").json()
    sent = {"grant_type": DEVICE_CODE, "device_code": asked["device_code"]}
    captured, signature = app, {}
    if isinstance(app, KeyApplication):
        signature = app.credentials
    else:
        captured = owner.of(app)
    if told == "slow_down":
        app.token(**sent)
    assert captured.token(**sent, **signature).error == told
    decide(john, type_code(john, asked["user_code"]))
    deployment.clock.advance(5)
    with deployment.nothing_spent(COUNTED):
        assert captured.token(**sent, **signature).error in ("invalid_client", "invalid_dpop_proof")
    deployment.clock.advance(5)
    assert app.token(**sent).status == 200


def test_a_token_is_for_an_api_that_was_asked_for(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask(scope="items", resource=f"{deployment.issuer}/api")
    say_yes(john, tv)
    with deployment.nothing_spent(COUNTED):
        assert tv.poll(resource="https://nowhere.example").json()["error"] == "invalid_target"
    tokens = tv.poll(resource=f"{deployment.issuer}/api").json()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["aud"] == [f"{deployment.issuer}/api"] or claims["aud"] == f"{deployment.issuer}/api"


def _disabled_account(deployment: Deployment) -> None:
    deployment.raise_epoch("demo-john")


def _disabled_client(deployment: Deployment) -> None:
    deployment.change_client("tv_demo", is_disabled=True)


def _raised_client(deployment: Deployment) -> None:
    deployment.change_client("tv_demo", epoch=1)


@pytest.mark.parametrize("end", [_disabled_account, _disabled_client, _raised_client])
def test_what_an_operator_ended_is_not_given(
    deployment: Deployment, tv: Television, john: Browser, end: Callable[[Deployment], None]
) -> None:
    tv.ask()
    say_yes(john, tv)
    end(deployment)
    with deployment.nothing_spent(COUNTED):
        assert tv.poll().json()["error"] in ("invalid_grant", "invalid_client")


# -- a deployment without devices --------------------------------------------------------------------------------------


def test_switched_off_it_is_absent(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    say_yes(john, tv)
    deployment.restart(device_authorization="off")
    with deployment.nothing_spent():
        refused = tv.poll()
    assert refused.json()["error"] == "unsupported_grant_type"
    assert DEVICE_CODE not in refused.json()["error_description"].partition("Supported")[2]
    for name in ("openid-configuration", "oauth-authorization-server"):
        members = deployment.send("GET", f"{deployment.issuer}/.well-known/{name}").json()
        assert "device_authorization_endpoint" not in members
        assert DEVICE_CODE not in members["grant_types_supported"]


def test_switched_on_it_is_announced(deployment: Deployment) -> None:
    members = deployment.send("GET", f"{deployment.issuer}/.well-known/openid-configuration").json()
    assert members["device_authorization_endpoint"] == f"{deployment.issuer}/device_authorization"
    assert DEVICE_CODE in members["grant_types_supported"]
