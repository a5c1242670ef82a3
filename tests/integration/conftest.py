"""The system in this process, as every integration test finds it; with people and applications to use it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from valet import log

from tests.integration.bound_tokens import SignedIn, bound_to
from tests.parts.aws.certificates import Authority
from tests.support import nonce_key as nonce_keys
from tests.support.application import Application, Asked, DemoApplications
from tests.support.browser import Browser
from tests.support.deployment import Deployment, afresh
from tests.support.federation import Federation, federated
from tests.support.key_holder import KeyHolder
from tests.support.logouts import Logouts
from tests.support.mailbox import Mailbox
from tests.support.post import Post
from tests.support.strangers import Strangers, strangers

Lines = Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True)
class Issued:
    """John has signed in and allowed the web app everything: the code is on its way to it."""

    asked: Asked
    code: str
    cookies: dict[str, str]

    @property
    def exchange(self) -> dict[str, str]:
        """The form that redeems it."""
        return {
            "grant_type": "authorization_code",
            "code": self.code,
            "redirect_uri": self.asked.parameters["redirect_uri"],
            "code_verifier": self.asked.code_verifier,
        }


@dataclass(frozen=True)
class Redeemed:
    """The web app has redeemed it."""

    issued: Issued
    tokens: dict[str, Any]

    @property
    def access_token(self) -> str:
        return str(self.tokens["access_token"])

    @property
    def refresh_token(self) -> str:
        return str(self.tokens["refresh_token"])

    @property
    def id_token(self) -> str:
        return str(self.tokens["id_token"])


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    """Valet on https, with the demo data and nobody signed in."""
    with afresh() as deployment:
        yield deployment


@pytest.fixture
def browser(deployment: Deployment) -> Browser:
    return Browser(deployment.send, deployment.issuer)


@pytest.fixture
def applications(deployment: Deployment) -> DemoApplications:
    return DemoApplications(deployment.send, deployment.issuer)


@pytest.fixture
def web_app(applications: DemoApplications) -> Application:
    return applications.web_app


@pytest.fixture
def legacy_app(applications: DemoApplications) -> Application:
    return applications.legacy_app


@pytest.fixture
def mobile_app(applications: DemoApplications) -> Application:
    return applications.mobile_app


@pytest.fixture
def spa(applications: DemoApplications) -> Application:
    return applications.spa


@pytest.fixture
def service(applications: DemoApplications) -> Application:
    return applications.service


@pytest.fixture
def issued(deployment: Deployment, browser: Browser, web_app: Application) -> Issued:
    """A code that john allowed the web app; `browser` is his."""

    def prepare() -> Issued:
        asked = web_app.ask()
        answer = browser.decide(browser.sign_in(browser.open(asked.url)))
        return Issued(asked, answer.answered["code"], dict(browser.cookies))

    found = deployment.prepared("issued", prepare)
    browser.cookies = dict(found.cookies)
    return found


@pytest.fixture
def redeemed(deployment: Deployment, browser: Browser, web_app: Application, issued: Issued) -> Redeemed:
    """The web app's tokens for john; `browser` is his."""

    def prepare() -> Redeemed:
        answer = web_app.redeem(issued.code, issued.asked.code_verifier)
        assert answer.status == 200, answer
        return Redeemed(issued, answer.json())

    found = deployment.prepared("redeemed", prepare)
    browser.cookies = dict(found.issued.cookies)
    return found


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of the log since the test began, as Lambda would have them."""
    lines: list[str] = []
    monkeypatch.setattr(log, "write", lines.append)
    return lines


@pytest.fixture
def post(deployment: Deployment) -> Post:
    """The deployment sends mails from now on."""
    return Post(deployment)


@pytest.fixture
def owner(deployment: Deployment) -> KeyHolder:
    return KeyHolder(deployment)


@pytest.fixture
def thief(deployment: Deployment) -> KeyHolder:
    return KeyHolder(deployment)


@pytest.fixture
def john(browser: Browser) -> SignedIn:
    return SignedIn(browser)


@pytest.fixture
def bound(john: SignedIn, mobile_app: Application, owner: KeyHolder) -> dict[str, Any]:
    """What the mobile app, a public client, was given for the owner's key."""
    return bound_to(owner.of(mobile_app).redeem(*john.code(mobile_app)), owner)


@pytest.fixture
def nonce_key() -> str:
    """The ARN of the HMAC key that makes the nonces."""
    return nonce_keys.nonce_key()


@pytest.fixture
def refusals(log_lines: list[str]) -> Lines:
    """The lines that refusals left."""

    def written() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = [json.loads(line) for line in log_lines]
        return [line for line in found if line["event"] in ("request.refused", "request.failed", "signing.failed")]

    return written


@pytest.fixture
def federation(deployment: Deployment) -> Iterator[Federation]:
    """The deployment lets people sign in with other providers."""
    with federated(deployment) as found:
        yield found


@pytest.fixture
def logouts(deployment: Deployment) -> Iterator[Logouts]:
    """The queues of signing out, and the servers of the clients that are told."""
    with Logouts(deployment).reaching_clients() as logouts:
        yield logouts


@pytest.fixture
def mailbox(deployment: Deployment) -> Mailbox:
    """Everybody's mailboxes, of a deployment that sends mails and lets people join."""
    mailbox = Mailbox(deployment)
    mailbox.switch_on()
    return mailbox


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the hosts of unknown clients have their certificates from."""
    return Authority(tmp_path_factory.mktemp("authority"), "everybodys")


@pytest.fixture
def unknown(deployment: Deployment, authority: Authority) -> Iterator[Strangers]:
    """The deployment takes clients that no operator registered."""
    with strangers(deployment, authority) as found:
        yield found
