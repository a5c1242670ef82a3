"""A logout, and the functions that finish it and tell the clients, made to fail at each call to AWS (P19).

Whoever dies half-way: either the session did not end, and nothing else did; or it did, its grants with it, and each
client is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from local.aws.calls import Call
from tests.promises.faults.injection import Fault, Injection, Killed
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.logouts import Logouts, address_of
from tests.support.wire import encoded
from tests.support.world import World

WEB, LEGACY = "web_app_123", "legacy_app_321"
_FAULTS = (Fault.KILLED, Fault.DENIED, Fault.LOST_TWICE, Fault.UNHEARD_TWICE)
_DAY = 86_400


@dataclass(frozen=True)
class SignedIn:
    """John's browser, and what two clients have of him: one that ends with the session, one with offline_access."""

    cookies: dict[str, str]
    id_token: str
    bound: str  # refresh tokens
    offline: str


class Scene:
    """John signs out, while something fails."""

    def __init__(self, deployment: Deployment, logouts: Logouts) -> None:
        self.deployment, self.logouts = deployment, logouts
        applications = DemoApplications(deployment.send, deployment.issuer)
        self.web_app, self.legacy_app = applications.web_app, applications.legacy_app
        self.browser = Browser(deployment.send, deployment.issuer)

    def begin(self) -> SignedIn:
        self.logouts.clients.tokens.clear()

        def prepare() -> SignedIn:
            self.logouts.register(WEB, LEGACY)
            self.browser.cookies = {}
            bound = self._tokens(self.legacy_app, "openid items")
            offline = self._tokens(self.web_app, "openid items offline_access")
            cookies = dict(self.browser.cookies)
            return SignedIn(cookies, bound["id_token"], bound["refresh_token"], offline["refresh_token"])

        john = self.deployment.prepared("signed in to two clients", prepare)
        self.browser.cookies = dict(john.cookies)
        return john

    def _tokens(self, app: Application, scope: str) -> dict[str, str]:
        asked = app.ask(scope=scope)
        page = self.browser.open(asked.url)
        if "password" in form_of(page).names:
            page = self.browser.sign_in(page)
        answer = self.browser.decide(page)
        tokens: dict[str, str] = app.redeem(answer.answered["code"], asked.code_verifier).json()
        return tokens

    def log_out(self, john: SignedIn) -> None:
        self.browser.get(f"/logout?{encoded({'id_token_hint': john.id_token})}")

    def is_signed_in(self) -> bool:
        asked = self.web_app.ask(prompt="none", scope="openid items offline_access")
        return "code" in self.browser.get(asked.url).answered

    def assert_over(self, john: SignedIn) -> None:
        """All that a sign-out ends has ended, and both clients have been told."""
        assert set(self.logouts.clients.told) == {address_of(WEB), address_of(LEGACY)}
        assert self.legacy_app.refresh(john.bound).error == "invalid_grant"
        assert self.web_app.refresh(john.offline).status == 200
        assert not [each for each in self.deployment.server.grants.pointers("demo-john") if each.ends_with_session]


@pytest.fixture
def scene(world: World) -> Iterator[Scene]:
    with Logouts(world.deployment).reaching_clients() as logouts:
        yield Scene(world.deployment, logouts)


def struck(scene: Scene, fault: Fault, position: int, run: Callable[[], None], function: str = "") -> bool:
    """Run with the fault at one call, of `function` if that is given; whether there is such a call."""
    injection = Injection(position, fault)

    def interceptor(call: Call, forward: Callable[[], object]) -> object:
        return forward() if function and call.function != function else injection(call, forward)

    try:
        with scene.deployment.aws.intercept(interceptor):  # type: ignore[arg-type]
            run()
    except (Killed, AssertionError):  # a 503 is an outage that the person sees
        scene.deployment.restart()
    return injection.has_struck


@pytest.mark.parametrize("fault", _FAULTS, ids=str)
def test_a_logout_that_is_killed_at_any_call_has_ended_nothing_or_is_finished(scene: Scene, fault: Fault) -> None:
    finished = 0
    for position in range(1, 40):
        john = scene.begin()
        if not struck(scene, fault, position, lambda john=john: scene.log_out(john)):  # type: ignore[misc]
            break
        key_is_over = _session_is_over(scene, john)
        announced = bool(scene.logouts.waiting("SignOuts"))
        scene.logouts.pass_time(600)
        scene.browser.cookies = dict(john.cookies)
        if not key_is_over:
            assert scene.logouts.clients.told == []
            assert scene.is_signed_in()
            assert scene.legacy_app.refresh(john.bound).status == 200
        elif announced:
            finished += 1
            scene.assert_over(john)
        else:  # the queue was out of reach: the request itself ended the grants
            assert "logout.unannounced" in scene.deployment.audit.names
            assert scene.legacy_app.refresh(john.bound).error == "invalid_grant"
    assert position > 7
    assert finished >= 3


def _session_is_over(scene: Scene, john: SignedIn) -> bool:
    from valet.handles import digest

    session = scene.deployment.server.sessions.find_session(digest(john.cookies["__Host-valet-session"]))
    assert session is not None
    return bool(session.ended_at)


@pytest.mark.parametrize("function", ["finish", "notify_clients"])
@pytest.mark.parametrize("fault", _FAULTS, ids=str)
def test_a_function_of_the_queues_that_is_killed_at_any_call_is_run_again_and_completes(
    scene: Scene, fault: Fault, function: str
) -> None:
    position = 0
    for position in range(1, 60):
        john = scene.begin()
        scene.log_out(john)
        scene.deployment.restart()
        if not struck(scene, fault, position, scene.logouts.deliver, function):  # type: ignore[arg-type]
            break
        scene.logouts.pass_time(_DAY)
        scene.assert_over(john)
        assert not scene.logouts.waiting("SignOuts")
        assert not scene.logouts.waiting("LogoutTokens")
        assert not scene.logouts.dead_letters
    assert position > (12 if function == "finish" else 3)
