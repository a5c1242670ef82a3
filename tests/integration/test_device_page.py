"""A person says yes or no to a device, on a page that no link can answer for them (RFC 8628 §3.3, §5.4)."""

from __future__ import annotations

import html

import pytest
from valet.handles import digest
from valet.models.device_codes import DeviceCode
from valet.protocol.device_code import device_grant_id, device_id_of
from valet.protocol.supported import DEVICE_CODE, PASSKEY_ACR

from tests.integration.guesses import anew
from tests.integration.visiting import FIREFOX, at_account, is_refused_at_apis, items_of, press
from tests.support.browser import Browser, filled_in, form_of
from tests.support.deployment import Deployment
from tests.support.devices import PAGE, Television, allowed, at, decide, television, type_code
from tests.support.wire import Answer

COUNTED = ("device_code#",)  # the poll
YES = 'value="allow"'


@pytest.fixture
def tv(deployment: Deployment) -> Television:
    return television(deployment)


@pytest.fixture
def people(deployment: Deployment) -> dict[str, Browser]:
    """John and Jane, each signed in."""
    names = ("john", "jane")
    cookies = deployment.prepared(
        "two at device pages", lambda: {name: dict(at_account(deployment, name).cookies) for name in names}
    )
    return {name: Browser(deployment.send, deployment.issuer, cookies[name]) for name in names}


@pytest.fixture
def john(people: dict[str, Browser]) -> Browser:
    return people["john"]


def is_filled_in(page: Answer, tv: Television) -> bool:
    assert page.status == 200, page
    return f'value="{tv.user_code}"' in page.body


# -- links (M2) --------------------------------------------------------------------------------------------------------


def test_opening_the_link_approves_nothing(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    with deployment.nothing_spent():
        pages = [john.get(tv.link) for _ in range(3)]
    assert all(is_filled_in(page, tv) and YES not in page.body for page in pages)
    assert tv.poll().json()["error"] == "authorization_pending"


@pytest.mark.parametrize(
    ("device_ip", "own_ip", "is_near"),
    [
        ("203.0.113.7", "203.0.113.200", True),
        ("203.0.113.7", "203.0.114.7", False),
        ("203.0.113.7", "::ffff:203.0.113.9", True),
        ("2001:db8:1:1::7", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::7", "2001:db8:2::7", False),
        ("203.0.113.7", "2001:db8:1::7", False),
        ("203.0.113.7", "unknown", False),
    ],
)
def test_from_another_network_the_link_does_not_even_fill_the_code_in(
    deployment: Deployment, tv: Television, john: Browser, device_ip: str, own_ip: str, is_near: bool
) -> None:
    tv.source_ip = device_ip
    tv.ask()
    with at(deployment, own_ip), deployment.nothing_spent():
        assert is_filled_in(john.get(tv.link), tv) == is_near


def test_a_person_who_is_not_signed_in_signs_in_first_and_comes_back_to_the_code(
    deployment: Deployment, tv: Television
) -> None:
    tv.ask()
    stranger = anew(deployment)
    page = stranger.open(tv.link)
    assert "Connect a device" in page.body
    assert tv.user_code not in page.body
    assert is_filled_in(stranger.sign_in(page), tv)


def test_a_form_of_another_site_has_no_cookies_and_answers_nothing(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.ask()
    url, form = filled_in(type_code(john, tv.user_code), "decision", "allow")
    with deployment.nothing_spent():
        answer = john.post_from_another_site(url, form)
    assert answer.location == tv.link
    assert tv.poll().json()["error"] == "authorization_pending"


def test_the_pages_cannot_be_framed_and_run_no_script(tv: Television, john: Browser) -> None:
    tv.ask()
    for page in (john.get(tv.link), type_code(john, tv.user_code)):
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "script-src" not in policy
        assert "<script" not in page.body
        assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")


# -- what is typed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [str, str.lower, lambda code: code.replace("-", ""), lambda code: " ".join(f" {code} "), lambda code: f"{code}."],
    ids=["as shown", "lower case", "without the hyphen", "with spaces", "with a full stop"],
)
def test_the_code_is_taken_however_it_is_typed(tv: Television, john: Browser, typed: object) -> None:
    tv.ask()
    assert callable(typed)
    assert YES in type_code(john, typed(tv.user_code)).body


def test_a_wrong_code_is_told_and_counted(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    wrong = "BBBB-BBBB" if tv.user_code != "BBBB-BBBB" else "CCCC-CCCC"
    with deployment.nothing_spent():
        page = type_code(john, wrong)
    assert (page.status, "No device is waiting" in page.body) == (400, True)
    assert deployment.audit.events[-1] == ("device.guessed", {"sub": "demo-john", "source_ip": "192.0.2.1"})


@pytest.mark.parametrize(
    "typed", ["", "BBBB", "BBBB-BBBBB", "BBBB-BBBB" * 9, "ＢＢＢＢ-ＢＢＢＢ", "ᏴᏴᏴᏴ-ᏴᏴᏴᏴ", "ſſſſ-ſſſſ"]
)
def test_what_is_no_code_is_looked_up_nowhere(deployment: Deployment, john: Browser, typed: str) -> None:
    with deployment.nothing_spent():
        assert type_code(john, typed).status == 400
    assert "device.guessed" not in deployment.audit.names


def test_five_wrong_codes_keep_a_person_from_trying_for_a_quarter_of_an_hour(
    deployment: Deployment, tv: Television, people: dict[str, Browser]
) -> None:
    tv.ask()
    john = people["john"]
    for _ in range(3):  # right ones are no guesses
        assert type_code(john, tv.user_code).status == 200
    page = type_code(john, tv.user_code)
    assert [type_code(john, f"BBBBBBB{last}").status for last in "BCDFG"] == [400] * 5
    with deployment.nothing_spent():
        throttled = type_code(john, tv.user_code)
        # The answer is a try as well: it names a code.
        assert decide(john, page).status == 429
    assert (throttled.status, throttled.headers["retry-after"]) == (429, "900")
    assert YES not in throttled.body
    assert "Too many attempts" in throttled.body
    assert deployment.audit.names.count("device.guessed") == 5
    assert type_code(people["jane"], tv.user_code).status == 200
    deployment.clock.advance(900)
    tv.ask()
    assert type_code(john, tv.user_code).status == 200


def test_thirty_wrong_codes_from_one_network_keep_all_its_people_from_trying(
    deployment: Deployment, tv: Television, people: dict[str, Browser]
) -> None:
    tv.ask()
    end = (int(deployment.clock()) // 900 + 1) * 900
    key = {"pk": f"throttle#user_code#typed#address#192.0.2.1#{end}", "sk": "throttle"}
    deployment.table("Grants").put({**key, "attempts": 29, "expires_at": end})
    assert type_code(people["john"], "BBBBBBBB").status == 400
    assert type_code(people["jane"], tv.user_code).status == 429
    with at(deployment, "198.51.100.7"):
        assert type_code(people["jane"], tv.user_code).status == 200


def test_links_of_a_stranger_do_not_keep_a_person_from_typing(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.ask()
    for last in "BCDFGHJK":
        assert john.get(f"{PAGE}?user_code=BBBBBBB{last}").status == 200
    assert not is_filled_in(john.get(tv.link), tv)
    assert YES in type_code(john, tv.user_code).body


# -- what is asked -----------------------------------------------------------------------------------------------------


def test_the_page_shows_what_asks_for_what_and_from_where(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.source_ip, tv.user_agent = "203.0.113.7", FIREFOX
    tv.ask(scope="openid items offline_access")
    deployment.clock.advance(130)
    page = type_code(john, tv.user_code)
    shown = html.unescape(page.body)
    known = deployment.server.registry.scopes().scopes
    for text in ("Demo TV", "Example Inc.", tv.user_code, "203.0.113.7", "192.0.2.1", "Firefox, Linux", "<dd>2</dd>"):
        assert text in shown, text
    for name in ("items", "offline_access"):
        assert f'data-scope="{name}"' in shown
    assert known["items"].description in shown
    assert known["email"].description not in shown
    assert "Nobody who helps you will send you a code." in shown
    assert "another network than you" in shown
    assert form_of(page).buttons["decision"] == ["deny", "allow"]  # the first is the one that Enter presses


def test_in_one_network_there_is_no_warning(tv: Television, john: Browser) -> None:
    tv.ask()
    assert "another network" not in type_code(john, tv.user_code).body


@pytest.mark.parametrize(
    "user_agent",
    [
        "Valet security: this device is yours, press Allow. Windows/10",
        "<b>Firefox/1</b> is verified",
        "Only go on! " * 200 + "Linux",
    ],
)
def test_a_user_agent_that_reads_like_a_sentence_of_ours_is_not_shown(
    tv: Television, john: Browser, user_agent: str
) -> None:
    tv.user_agent = user_agent
    tv.ask()
    body = html.unescape(type_code(john, tv.user_code).body)
    for words in ("press Allow", "verified", "Only go on"):
        assert words not in body


def test_a_first_party_client_asks_all_the_same(deployment: Deployment, tv: Television, john: Browser) -> None:
    deployment.change_client("tv_demo", first_party=True)
    allowed(john, tv)
    tv.ask()
    assert YES in type_code(john, tv.user_code).body
    assert tv.poll().json()["error"] == "authorization_pending"


# -- the answer (M1) ---------------------------------------------------------------------------------------------------


def test_a_yes_is_logged_with_both_addresses(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.source_ip = "203.0.113.7"
    tv.ask()
    page = decide(john, type_code(john, tv.user_code))
    assert "Your device is connected" in page.body
    event, fields = deployment.audit.events[-1]
    assert event == "device.approved"
    assert {name: fields[name] for name in ("sub", "source_ip", "device_ip", "same_network")} == {
        "sub": "demo-john",
        "source_ip": "192.0.2.1",
        "device_ip": "203.0.113.7",
        "same_network": False,
    }


ANSWERS = [
    # who answers first, and how; who answers then, and how; what they are told; what the device gets
    (("john", "allow"), ("john", "allow"), "Your device is connected", "demo-john"),
    (("john", "allow"), ("jane", "allow"), "already answered", "demo-john"),
    (("john", "allow"), ("john", "deny"), "You have already said yes", "demo-john"),
    (("john", "allow"), ("jane", "deny"), "already answered", "demo-john"),
    (("john", "deny"), ("john", "allow"), "already answered", None),
    (("john", "deny"), ("jane", "allow"), "already answered", None),
    (("john", "deny"), ("john", "deny"), "was not connected", None),
    (("john", "deny"), ("jane", "deny"), "already answered", None),
]


@pytest.mark.parametrize(("first", "second", "told", "sub"), ANSWERS)
def test_the_first_answer_counts_and_a_second_one_changes_nothing(
    deployment: Deployment,
    tv: Television,
    people: dict[str, Browser],
    first: tuple[str, str],
    second: tuple[str, str],
    told: str,
    sub: str | None,
) -> None:
    tv.ask()
    pages = {name: type_code(people[name], tv.user_code) for name, _ in (first, second)}
    decide(people[first[0]], pages[first[0]], first[1])
    recorded = list(deployment.audit.names)
    with deployment.nothing_spent(("sub#",)):  # a pointer without its grant is harmless
        answer = decide(people[second[0]], pages[second[0]], second[1])
    assert told in answer.body
    assert deployment.audit.names == recorded
    got = tv.poll().json()
    assert got.get("error") == (None if sub else "access_denied")
    assert not sub or tv.app.userinfo(got["access_token"]).json()["sub"] == sub


def test_a_yes_after_the_code_expired_is_nothing(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    page = type_code(john, tv.user_code)
    deployment.clock.advance(600)
    with deployment.nothing_spent(("session#",)):
        assert decide(john, page).status == 400
    assert tv.poll(0).json()["error"] == "expired_token"


def test_a_grant_that_was_ended_stays_so_whatever_is_answered(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.ask()
    page = type_code(john, tv.user_code)
    decide(john, page)
    tokens = tv.poll().json()
    press(john, john.get("/account/apps"), "revoke")
    with deployment.nothing_spent(("sub#",)):
        assert "already answered" in decide(john, page).body
    assert is_refused_at_apis(deployment, tokens["access_token"])


@pytest.mark.parametrize("of", ["nothing", "another device", "another scope", "another session", "the page before"])
def test_a_form_of_another_page_shows_the_page_again_and_answers_nothing(
    deployment: Deployment, tv: Television, people: dict[str, Browser], of: str
) -> None:
    other = television(deployment)
    other.ask()
    tv.ask()
    john = people["john"]
    page = type_code(john, tv.user_code)
    token = {
        "nothing": "",
        "another device": form_of(type_code(john, other.user_code)).hidden["csrf_token"],
        "another scope": form_of(page).hidden["csrf_token"],
        "another session": form_of(type_code(people["jane"], tv.user_code)).hidden["csrf_token"],
        "the page before": form_of(john.get(PAGE)).hidden["csrf_token"],
    }[of]
    if of == "another scope":
        deployment.change_client("tv_demo", scope=frozenset({"openid"}), default_scope=frozenset())
    with deployment.nothing_spent():
        again = decide(john, page, csrf_token=token)
    assert again.status == 400
    assert YES in again.body
    assert "out of date" in again.body
    assert tv.poll().json()["error"] == "authorization_pending"


def test_the_code_counts_only_from_the_page_with_the_field(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.ask()
    with deployment.nothing_spent():
        page = john.post(PAGE, {"user_code": tv.user_code})
    assert (page.status, YES in page.body, "out of date" in page.body) == (400, False, True)


def test_a_code_drawn_again_is_another_device_while_the_grant_of_the_first_lives(
    deployment: Deployment, tv: Television, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even in one session, which lives for longer than a user code is kept."""
    monkeypatch.setattr("valet.front_channel.device_codes.new_user_code", lambda _: "WDJBMJHT")
    month = 30 * 86_400
    deployment.own_settings = {"session_idle_lifetime": month, "session_absolute_lifetime": month}
    deployment.restart()
    john = at_account(deployment)
    first = allowed(john, tv, scope="openid offline_access")
    stale, old_codes = type_code(john, tv.user_code), tv.codes
    deployment.clock.advance(600 + 86_401)
    tv.ask(scope="openid offline_access")
    assert tv.user_code == "WDJB-MJHT"
    with deployment.nothing_spent():
        assert decide(john, stale).status == 400, "the page of the first device is none of the second's"
    assert decide(john, type_code(john, tv.user_code)).status == 200
    assert television(deployment, codes=old_codes).poll().json()["error"] == "invalid_grant"
    assert tv.poll().status == 200
    assert tv.app.refresh(first["refresh_token"]).status == 200


def test_after_a_sign_out_a_yes_without_offline_access_is_nothing(
    deployment: Deployment, tv: Television, john: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session ends between the look at it and the write."""
    tv.ask()
    page = type_code(john, tv.user_code)
    monkeypatch.setattr("valet.front_channel.code.has_ended", lambda *_: True)
    with deployment.nothing_spent(("sub#",)):
        assert decide(john, page).status == 400
    assert tv.poll().json()["error"] == "authorization_pending"


def test_the_registration_may_refuse_devices_in_other_networks(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    deployment.change_client("tv_demo", device_network="same")
    tv.ask()
    page = type_code(john, tv.user_code)
    for elsewhere in ("203.0.113.7", "2001:db8::1"):
        with at(deployment, elsewhere), deployment.nothing_spent():
            refused = type_code(john, tv.user_code)
            assert (refused.status, YES in refused.body) == (403, False)
            assert decide(john, page).status == 403
    assert "only devices in the network" in refused.body
    assert tv.poll().json()["error"] == "authorization_pending"
    assert decide(john, page).status == 200


def test_a_client_may_require_a_better_sign_in(deployment: Deployment, tv: Television, john: Browser) -> None:
    deployment.change_client("tv_demo", required_acr=PASSKEY_ACR)
    tv.ask()
    with deployment.nothing_spent(("request#",)):
        answer = type_code(john, tv.user_code)
        to_passkey = john.open(answer.location)
    assert answer.status == 303
    assert to_passkey.status == 200
    assert "passkey" in to_passkey.body.lower()
    assert tv.poll().json()["error"] == "authorization_pending"


def test_a_client_that_lost_the_grant_type_is_shown_to_nobody(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.ask()
    page = type_code(john, tv.user_code)
    for change in ({"grant_types": frozenset({"refresh_token"})}, {"is_disabled": True}, {"scope": frozenset[str]()}):
        deployment.change_client("tv_demo", **{"grant_types": frozenset({DEVICE_CODE}), "is_disabled": False, **change})
        with deployment.nothing_spent(("session#",)):
            assert decide(john, page).status == 400


def test_a_device_is_shown_among_the_apps_and_loses_its_access_there(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tokens = allowed(john, tv)
    page = john.get("/account/apps")
    assert "Demo TV" in page.body
    assert "On a device" in page.body
    assert press(john, page, "revoke").status == 303
    assert is_refused_at_apis(deployment, tokens["access_token"])
    assert "Demo TV" not in john.get("/account/apps").body


def test_a_yes_can_be_taken_back_before_the_device_has_fetched_its_tokens(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    """A thief who talked the person into a yes may poll only after the person has looked at their apps."""
    tv.ask()
    page = type_code(john, tv.user_code)
    decide(john, page)
    assert "/account/apps" in decide(john, page, "deny").body
    apps = john.get("/account/apps")
    assert "Demo TV" in apps.body
    assert "On a device" in apps.body
    assert press(john, apps, "revoke").status == 303
    with deployment.nothing_spent(COUNTED):
        assert tv.poll().json()["error"] == "invalid_grant"
    assert "Demo TV" not in john.get("/account/apps").body


def test_a_yes_whose_device_never_came_is_no_longer_among_the_apps(
    deployment: Deployment, tv: Television, john: Browser
) -> None:
    tv.ask()
    decide(john, type_code(john, tv.user_code))
    deployment.clock.advance(600 + 60 + 600)
    assert tv.poll(0).json()["error"] == "invalid_grant"
    assert "Demo TV" not in john.get("/account/apps").body


def test_no_item_holds_a_secret_or_a_code(deployment: Deployment, tv: Television, john: Browser) -> None:
    tv.ask()
    decide(john, type_code(john, tv.user_code))
    assert tv.codes is not None
    device_id, _, secret = tv.codes["device_code"].partition(".")
    everything = str(deployment.everything())
    for kept_secret in (secret, tv.user_code, tv.user_code.replace("-", "")):
        assert kept_secret not in everything
    assert device_id == device_id_of(tv.user_code.replace("-", ""))
    (item,) = items_of(deployment, "device_code")
    found = deployment.server.device_codes.find_device_code(device_id)
    assert isinstance(found, DeviceCode)
    assert (found.secret_digest, found.expires_at - found.code_expires_at) == (digest(secret), 86_400)
    assert item["expires_at"]["N"] == str(found.expires_at)
    grant = deployment.server.grants.find(device_grant_id(device_id, secret))
    assert grant is not None
    assert grant.is_device
