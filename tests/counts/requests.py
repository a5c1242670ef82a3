"""Every kind of request that Valet answers: how it comes about, to be counted, and to be made to fail."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from valet.handles import digest, parse_refresh_token
from valet.ports import Rotation
from valet.tokens.status_index import list_id_at

from local.aws import FUNCTION
from local.aws_calls import Call
from tests.integration.application import Application, Asked
from tests.integration.browser import Browser, form_of
from tests.integration.deployment import Deployment, load
from tests.integration.wire import Answer, Pairs, encoded

Request = Callable[[], Answer]
RIVAL = "a rival"  # whose calls are not the request's


def label(call: Call) -> str:
    """`UpdateItem grant`, `Sign`: what was done, to which kind of item."""
    prefix = call.partition_prefix
    return f"{call.action} {prefix.rstrip('#')}" if prefix else call.action


@dataclass(frozen=True)
class Tokens:
    """What the web app has been given for john."""

    asked: Asked
    code: str
    cookies: dict[str, str]
    answers: tuple[dict[str, Any], ...] = ()  # of the token endpoint, the newest last

    @property
    def grant_id(self) -> str:
        return self.code.partition(".")[0]

    @property
    def refresh_token(self) -> str:
        return str(self.answers[-1]["refresh_token"])

    @property
    def access_tokens(self) -> list[str]:
        return [str(answer["access_token"]) for answer in self.answers]

    @property
    def id_token(self) -> str:
        return next(str(answer["id_token"]) for answer in self.answers if "id_token" in answer)


class World:
    """A deployment, and who uses it."""

    john: Tokens  # what the web app has of him

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.browser = Browser(self.send, deployment.issuer)
        self.web_app = Application(
            self.send, deployment.issuer, "web_app_123", "web_secret_456", "https://webapp.example.com/callback"
        )
        self.mobile_app = replace(
            self.web_app, client_id="mobile_app", secret=None, redirect_uri="com.example.mobile:/callback"
        )
        self.service = replace(self.web_app, client_id="api_service_789", secret="api_secret_abc", redirect_uri="")

    def send(self, method: str, url: str, headers: Any = None, body: bytes = b"") -> Answer:
        """The port Send. Unlike the deployment's own it hands on a 503, which is what an outage should become."""
        return self.deployment.invoke(self.deployment.event(method, url, headers, body))

    def restart(self) -> None:
        """The execution environment is gone, the tables are there."""
        self.deployment.restart()

    # -- how far a grant may have come, each made once and returned to -------------------------------------------------

    def signed_in(self) -> dict[str, str]:
        """John's cookies. He has allowed the web app nothing yet."""

        def prepare() -> dict[str, str]:
            self.browser.cookies = {}
            self.browser.sign_in(self.browser.open(self.web_app.ask().url))
            return self.browser.cookies

        self.browser.cookies = dict(self.deployment.prepared("signed in", prepare))
        return self.browser.cookies

    def issued(self, scope: str = "openid profile email items offline_access") -> Tokens:
        """A code is on its way to the web app."""

        def prepare() -> Tokens:
            self.signed_in()
            asked = self.web_app.ask(scope=scope)
            answer = self.browser.decide(self.browser.open(asked.url))
            return Tokens(asked, answer.answered["code"], self.browser.cookies)

        return self._john_has(self.deployment.prepared(f"issued {scope}", prepare))

    def redeemed(self, scope: str = "openid profile email items offline_access") -> Tokens:
        def prepare() -> Tokens:
            tokens = self.issued(scope)
            return replace(tokens, answers=(self.redeem(tokens).json(),))

        return self._john_has(self.deployment.prepared(f"redeemed {scope}", prepare))

    def refreshed(self, times: int) -> Tokens:
        """And refreshed so often, a minute apart but not longer than an access token lives."""

        def prepare() -> Tokens:
            tokens = self.redeemed() if times == 1 else self.refreshed(times - 1)
            self.deployment.clock.advance(min(60, 600 / times))
            answer = self.web_app.refresh(tokens.refresh_token)
            return replace(tokens, answers=(*tokens.answers, answer.json()))

        return self._john_has(self.deployment.prepared(f"refreshed {times}", prepare))

    def redeem(self, tokens: Tokens) -> Answer:
        return self.web_app.redeem(tokens.code, tokens.asked.code_verifier)

    def warm_up(self) -> None:
        """The execution environment has answered every client before."""
        server = self.deployment.server
        server.registry.scopes()
        server.registry.signing_keys()
        for client_id in ("web_app_123", "mobile_app", "api_service_789"):
            client = server.registry.find_client(client_id)
            assert client is not None
            exp = int(server.clock()) + server.settings.access_token_lifetime
            server.status_indices.allot(client_id, exp, client.grants_not_before_ms)

    def rotate_behind_its_back(self, refresh_token: str) -> None:
        """A rival, in another execution environment, is faster."""
        token = parse_refresh_token(refresh_token)
        assert token is not None
        grants, now = self.deployment.server.grants, self.deployment.clock.now
        grant = grants.find(token.grant_id)
        assert grant is not None
        rival = Rotation(
            presented_digest=digest(token.secret),
            refresh_digest=b"r" * 32,
            retry_key=b"k" * 32,
            rotated_at_ms=int(now * 1000),
            live=grant.live,
            idle_expires_at=grant.idle_expires_at,
            expires_at=grant.expires_at,
        )
        grants.rotate(grant, rival, now)

    @cached_property
    def _status_list(self) -> Callable[[Any, Any], dict[str, Any]]:
        handler: Callable[[Any, Any], dict[str, Any]] = load("status_list").handler
        return handler

    def status_lists(self, path: str) -> Answer:
        answer = self._status_list(self.deployment.event("GET", f"{self.deployment.issuer}{path}"), None)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return Answer(answer["statusCode"], headers, answer["body"])

    def _john_has(self, tokens: Tokens) -> Tokens:
        self.john = tokens
        self.browser.cookies = dict(tokens.cookies)
        return tokens


# How each kind of request is made: what has happened before it, and the request itself. -----------------------------


def client_credentials(world: World) -> Request:
    world.deployment.begin()
    return lambda: world.service.client_credentials()


def code(world: World) -> Request:
    tokens = world.issued()
    return lambda: world.redeem(tokens)


def code_without_openid(world: World) -> Request:
    tokens = world.issued("items offline_access")
    return lambda: world.redeem(tokens)


def code_replayed(world: World) -> Request:
    tokens = world.redeemed()
    world.deployment.clock.advance(30)
    return lambda: world.redeem(tokens)


def refresh(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.web_app.refresh(tokens.refresh_token)


def refresh_without_window(world: World) -> Request:
    """Of a client whose retry window is switched off."""
    tokens = world.redeemed()
    client = world.deployment.server.registry.find_client("web_app_123")
    assert client is not None
    world.deployment.registrar.put_client(replace(client, retry_window=0))
    return lambda: world.web_app.refresh(tokens.refresh_token)


def refresh_retried(world: World) -> Request:
    tokens = world.refreshed(1)
    return lambda: world.web_app.refresh(tokens.answers[0]["refresh_token"])


def refresh_stolen(world: World) -> Request:
    tokens = world.refreshed(2)
    return lambda: world.web_app.refresh(tokens.answers[0]["refresh_token"])


def refresh_with_sixteen_live(world: World) -> Request:
    tokens = world.refreshed(15)
    return lambda: world.web_app.refresh(tokens.refresh_token)


def refresh_race_lost(world: World) -> Request:
    """Between our signature and our write somebody else rotates."""
    tokens = world.redeemed()

    def request() -> Answer:
        overtaken: list[Call] = []

        def overtake(call: Call, forward: Callable[[], Any]) -> Any:
            if label(call) == "UpdateItem grant" and not overtaken:
                overtaken.append(call)
                me = FUNCTION.set(RIVAL)
                world.rotate_behind_its_back(tokens.refresh_token)
                FUNCTION.reset(me)
            return forward()

        with world.deployment.aws.intercept(overtake):
            return world.web_app.refresh(tokens.refresh_token)

    return request


def revoke_refresh_token(world: World) -> Request:
    tokens = world.refreshed(2)
    return lambda: world.web_app.revoke(tokens.refresh_token)


def revoke_access_token(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.web_app.revoke(tokens.access_tokens[0])


def introspect_access_token(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.service.introspect(tokens.access_tokens[0])


def introspect_refresh_token(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.web_app.introspect(tokens.refresh_token)


def userinfo(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.web_app.userinfo(tokens.access_tokens[0])


def authorize_stranger(world: World) -> Request:
    world.deployment.begin()
    world.browser.cookies = {}
    url = world.web_app.ask().url
    return lambda: world.browser.get(url)


def authorize_by_post(world: World) -> Request:
    world.deployment.begin()
    world.browser.cookies = {}
    form: Pairs = dict(world.web_app.ask().parameters)
    return lambda: world.browser.post_from_another_site("/authorize", form)


def authorize_to_consent(world: World) -> Request:
    world.signed_in()
    url = world.web_app.ask().url
    return lambda: world.browser.get(url)


def authorize_remembered(world: World) -> Request:
    world.redeemed()
    url = world.web_app.ask(prompt="none").url
    return lambda: world.browser.get(url)


def authorize_resumed(world: World) -> Request:
    """Back from the login, and nobody has to be asked."""
    world.redeemed()
    world.deployment.clock.advance(60)
    page = world.browser.open(world.web_app.ask(prompt="login").url)
    form = form_of(page)
    back = world.browser.post(form.action, {**form.hidden, "username": "john", "password": "password123"})
    return lambda: world.browser.get(back.location)


def login_page(world: World) -> Request:
    world.deployment.begin()
    world.browser.cookies = {}
    page = world.browser.get(world.web_app.ask().url)
    return lambda: world.browser.get(page.location)


def _login(world: World, password: str) -> Request:
    world.deployment.begin()
    world.browser.cookies = {}
    form = form_of(world.browser.open(world.web_app.ask().url))
    return lambda: world.browser.post(form.action, {**form.hidden, "username": "john", "password": password})


def login(world: World) -> Request:
    return _login(world, "password123")


def login_wrong(world: World) -> Request:
    return _login(world, "wrong")


def login_again(world: World) -> Request:
    """In a browser that is known, and signed in."""
    world.redeemed()
    world.deployment.clock.advance(60)
    form = form_of(world.browser.open(world.web_app.ask(prompt="login").url))
    return lambda: world.browser.post(form.action, {**form.hidden, "username": "john", "password": "password123"})


def consent_page(world: World) -> Request:
    world.signed_in()
    page = world.browser.get(world.web_app.ask().url)
    return lambda: world.browser.get(page.location)


def _consent(world: World, application: Application, decision: str = "allow", **asked: str) -> Request:
    world.signed_in()
    form = form_of(world.browser.open(application.ask(**asked).url))
    return lambda: world.browser.post(form.action, {**form.hidden, "decision": decision})


def consent(world: World) -> Request:
    return _consent(world, world.web_app)


def consent_not_remembered(world: World) -> Request:
    return _consent(world, world.mobile_app)


def consent_until_logout(world: World) -> Request:
    """To a grant that lives by the session."""
    return _consent(world, world.web_app, scope="openid items")


def consent_denied(world: World) -> Request:
    return _consent(world, world.web_app, "deny")


def logout(world: World) -> Request:
    """Of a session that one grant lives by, with one access token."""
    tokens = world.redeemed("openid items")
    url = f"/logout?{encoded({'id_token_hint': tokens.id_token})}"
    return lambda: world.browser.get(url)


def jwks(world: World) -> Request:
    world.deployment.begin()
    return lambda: world.send("GET", f"{world.deployment.issuer}/.well-known/jwks.json")


def metadata(world: World) -> Request:
    world.deployment.begin()
    return lambda: world.send("GET", f"{world.deployment.issuer}/.well-known/openid-configuration")


def status_list(world: World) -> Request:
    world.redeemed()
    exp = int(world.deployment.clock.now) + world.deployment.settings.access_token_lifetime
    return lambda: world.status_lists(f"/status-lists/{list_id_at(exp)}")


def status_lists(world: World) -> Request:
    world.redeemed()
    return lambda: world.status_lists("/status-lists")
