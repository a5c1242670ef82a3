"""Wrong passwords are counted, and slow an account and an address down (NIST SP 800-63B §5.2.2)."""

from collections.abc import Mapping

import pytest
from valet.people import passwords, throttling

from tests.integration.conftest import Issued
from tests.integration.guesses import anew, attempt, verifications
from tests.promises.faults.injection import Killed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("username", ["john", "nobody"])
def test_ten_wrong_passwords_slow_that_account_down_known_or_not(
    deployment: Deployment, browser: Browser, web_app: Application, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.open(web_app.ask().url)
    for _ in range(10):
        assert attempt(browser, page, username, "wrong").status == 401
    with deployment.nothing_spent(), verifications(monkeypatch) as seen:
        answer = attempt(browser, page, username, "password123")
    assert answer.status == 429
    assert "Too many attempts" in answer.body
    assert answer.headers["retry-after"] == "900"
    assert not answer.set_cookies
    assert seen == []
    assert deployment.audit.names.count("login.failed") == 10
    assert deployment.audit.names[-1] == "login.throttled"
    # Others are not held up, and after the window nobody is.
    assert attempt(browser, page, "jane", "password456").status == 303
    deployment.clock.advance(900)
    again = browser.open(web_app.ask(prompt="login").url)
    assert attempt(browser, again, "john", "password123").status == 303


def from_address(deployment: Deployment, source_ip: str, username: str, password: str, web_app: Application) -> int:
    """The status of an attempt in a browser that has never been here, from this address."""
    before, deployment.source_ip = deployment.source_ip, source_ip
    try:
        stranger = anew(deployment)
        return attempt(stranger, stranger.open(web_app.ask().url), username, password).status
    finally:
        deployment.source_ip = before


def test_my_first_sign_in_on_a_new_phone_works_while_a_stranger_guesses_at_my_account(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """The stranger keeps at it in every window, and far beyond the share of one network."""
    for window in range(2):
        page = browser.open(web_app.ask().url)
        statuses = [attempt(browser, page, "john", "wrong").status for _ in range(25)]
        assert statuses == [401] * 10 + [429] * 15
        assert from_address(deployment, "198.51.100.7", "john", "password123", web_app) == 303, window
        deployment.clock.advance(900)


def test_i_may_mistype_my_password_nine_times_while_a_stranger_guesses_at_my_account(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    page = browser.open(web_app.ask().url)
    for _ in range(30):
        attempt(browser, page, "john", "wrong")
    mine = [from_address(deployment, "198.51.100.7", "john", "tpyo", web_app) for _ in range(9)]
    assert mine == [401] * 9
    assert from_address(deployment, "198.51.100.7", "john", "password123", web_app) == 303


@pytest.mark.parametrize("username", ["john", "nobody"])
def test_guesses_from_many_networks_at_one_account_are_a_hundred_a_window_together(
    deployment: Deployment, web_app: Application, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a botnet guesses without end."""
    networks = [f"203.0.113.{number}" for number in range(12)]
    statuses = [
        from_address(deployment, network, username, "wrong", web_app) for network in networks for _ in range(10)
    ]
    assert statuses == [401] * 100 + [429] * 20
    with verifications(monkeypatch) as seen:
        assert from_address(deployment, "198.51.100.7", username, "password123", web_app) == 429
    assert seen == []
    assert deployment.audit.names[-1] == "login.throttled"


def test_a_person_who_signs_in_all_day_does_not_give_guessers_a_fresh_budget(
    deployment: Deployment, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ACCOUNT", 6)
    statuses = []
    for number in range(8):
        statuses.append(from_address(deployment, f"203.0.113.{number}", "john", "wrong", web_app))
        from_address(deployment, "198.51.100.7", "john", "password123", web_app)
    assert statuses == [401] * 6 + [429] * 2


def test_a_guesser_with_a_whole_site_of_ipv6_has_the_share_of_one_network(
    deployment: Deployment, web_app: Application
) -> None:
    """A site is given a /48 (RFC 6177): of 65,536 networks, a few would use up the account's whole budget."""
    mine = [f"2001:db8:1:{number:x}::1" for number in range(14)]
    statuses = [from_address(deployment, source_ip, "john", "wrong", web_app) for source_ip in mine]
    assert statuses == [401] * 10 + [429] * 4
    assert from_address(deployment, "2001:db8:2::1", "john", "password123", web_app) == 303


def test_a_stranger_in_the_same_network_is_told_apart_only_by_a_browser_that_is_known(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    """What is left: behind one address nothing else tells a new browser of the owner from a guesser's."""
    page = browser.open(web_app.ask().url)
    for _ in range(10):
        attempt(browser, page, "john", "wrong")
    assert from_address(deployment, deployment.source_ip, "john", "password123", web_app) == 429


def test_a_browser_that_has_signed_in_before_passes_a_throttled_account(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    """A stranger behind the same address could lock the owner out."""
    stranger = anew(deployment)
    page = stranger.open(web_app.ask().url)
    for _ in range(10):
        attempt(stranger, page, "john", "wrong")
    assert attempt(stranger, page, "john", "password123").status == 429
    deployment.clock.advance(1)
    page = browser.open(web_app.ask(prompt="login").url)
    assert attempt(browser, page, "john", "password123").status == 303


def test_a_known_browser_is_throttled_by_its_own_guesses(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued
) -> None:
    deployment.clock.advance(1)
    page = browser.open(web_app.ask(prompt="login").url)
    for _ in range(10):
        assert attempt(browser, page, "john", "wrong").status == 401
    assert attempt(browser, page, "john", "password123").status == 429
    stranger = anew(deployment)
    assert attempt(stranger, stranger.open(web_app.ask().url), "john", "password123").status == 303


def test_a_success_takes_the_count_back_to_nothing(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    for _ in range(2):
        stranger = anew(deployment)
        page = stranger.open(web_app.ask().url)
        for _ in range(9):
            assert attempt(stranger, page, "john", "wrong").status == 401
        assert attempt(stranger, page, "john", "password123").status == 303


def test_an_address_that_guesses_at_many_accounts_is_slowed_down(
    deployment: Deployment, browser: Browser, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.open(web_app.ask().url)
    assert throttling._ATTEMPTS_PER_ADDRESS == 100
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", 5)
    statuses = [attempt(browser, page, f"user{number}", "wrong").status for number in range(6)]
    assert statuses == [401] * 5 + [429]


def test_however_many_sign_in_from_one_address_none_is_held_up(
    deployment: Deployment, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A company or a school behind one address: who knows the password has not guessed."""
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", 5)
    for number in range(12):
        browser = anew(deployment)
        page = browser.open(web_app.ask().url)
        username, password = [("john", "password123"), ("jane", "password456")][number % 2]
        assert attempt(browser, page, username, password).status == 303, number


def test_a_success_takes_no_other_attempt_off_the_count_of_its_address(
    deployment: Deployment, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an attacker with one account could guess at the others without limit."""
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", 5)
    statuses = []
    for number in range(6):
        guesser = anew(deployment)
        page = guesser.open(web_app.ask().url)
        statuses.append(attempt(guesser, page, f"user{number}", "wrong").status)
        owner = anew(deployment)
        attempt(owner, owner.open(web_app.ask().url), "jane", "password456")
    assert statuses == [401] * 5 + [429]


def test_a_known_browser_passes_a_throttled_address_and_is_not_counted_there(
    deployment: Deployment, browser: Browser, web_app: Application, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a stranger behind the same address could lock everybody there out."""
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", 5)
    deployment.clock.advance(1)
    page = browser.open(web_app.ask(prompt="login").url)
    for _ in range(6):
        assert attempt(browser, page, "john", "wrong").status == 401
    stranger = anew(deployment)
    theirs = stranger.open(web_app.ask().url)
    statuses = [attempt(stranger, theirs, f"user{number}", "wrong").status for number in range(6)]
    assert statuses == [401] * 5 + [429]
    # It is known for john's account, and for no other.
    assert attempt(browser, page, "jane", "password456").status == 429
    assert attempt(browser, page, "john", "password123").status == 303


def test_a_right_password_of_a_disabled_account_stays_counted(
    deployment: Deployment, browser: Browser, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered as a wrong one, and must not be told from it by the count."""
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", 5)
    deployment.table("Users").update("account#demo-john", "account", "SET #is_disabled = :yes", {":yes": True})
    page = browser.open(web_app.ask().url)
    assert [attempt(browser, page, "john", "password123").status for _ in range(6)] == [401] * 5 + [429]


@pytest.mark.parametrize(
    ("source_ips", "limit", "statuses"),
    [
        # An attacker who has one address of an IPv6 network has all 2^64.
        ([f"2001:db8:0:1::{number:x}" for number in range(6)] + ["2001:db8:0:2::1"], 5, [401] * 5 + [429, 401]),
        # As a proxy may write IPv4: of one network they all are, and a stranger's guesses would be everybody's.
        ([f"::ffff:203.0.113.{last}" for last in (1, 1, 1, 2)], 2, [401, 401, 429, 401]),
    ],
)
def test_one_household_is_one_address_however_it_is_written(
    deployment: Deployment,
    browser: Browser,
    web_app: Application,
    monkeypatch: pytest.MonkeyPatch,
    source_ips: list[str],
    limit: int,
    statuses: list[int],
) -> None:
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", limit)
    page = browser.open(web_app.ask().url)
    answered = []
    for number, source_ip in enumerate(source_ips):
        monkeypatch.setattr(deployment, "source_ip", source_ip)
        answered.append(attempt(browser, page, f"user{number}", "wrong").status)
    assert answered == statuses


def test_behind_a_proxy_each_client_has_its_own_count(
    deployment: Deployment, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them come from the address of one edge."""
    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", 5)
    deployment.restart(is_behind_proxy=True)

    def by_way_of_the_edge(viewer: str, claimed: str = "") -> Browser:
        def send(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
            event = deployment.event(method, url, headers, body)
            entries = [claimed, viewer, deployment.source_ip]
            event["headers"]["x-forwarded-for"] = ", ".join(filter(None, entries))
            return deployment.invoke(event)

        return Browser(send, deployment.issuer)

    statuses = []
    for number in range(6):
        stranger = by_way_of_the_edge("203.0.113.66", claimed=f"198.51.100.{number}")
        page = stranger.open(web_app.ask().url)
        statuses.append(attempt(stranger, page, f"user{number}", "wrong").status)
    assert statuses == [401] * 5 + [429]
    told = [fields["source_ip"] for event, fields in deployment.audit.events if event.startswith("login.")]
    assert told == ["203.0.113.66"] * 6
    other = by_way_of_the_edge("198.51.100.7")
    assert attempt(other, other.open(web_app.ask().url), "jane", "password456").status == 303


def test_a_guess_is_counted_before_its_password_is_looked_at(
    deployment: Deployment, browser: Browser, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = browser.open(web_app.ask().url)

    def killed(password_hash: str, password: str) -> bool:
        raise Killed

    monkeypatch.setattr(passwords, "_is_password", killed)
    for _ in range(10):
        with pytest.raises(Killed):
            attempt(browser, page, "john", "guess")
    monkeypatch.undo()
    assert attempt(browser, page, "john", "password123").status == 429


def test_a_guess_is_counted_at_its_address_before_its_password_is_looked_at(
    deployment: Deployment, browser: Browser, web_app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one password is tried at any number of accounts at once."""
    page = browser.open(web_app.ask().url)

    def killed(password_hash: str, password: str) -> bool:
        raise Killed

    monkeypatch.setattr(throttling, "_ATTEMPTS_PER_ADDRESS", 5)
    monkeypatch.setattr(passwords, "_is_password", killed)
    for number in range(5):
        with pytest.raises(Killed):
            attempt(browser, page, f"user{number}", "guess")
    assert attempt(browser, page, "john", "password123").status == 429
