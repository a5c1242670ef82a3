"""A deployment and its users, with grants at several stages. Each stage is made once and restored afterwards."""

from dataclasses import dataclass, replace
from typing import Any

from valet.handles import parse_refresh_token
from valet.models.grants import Grant
from valet.ports.grants import Done, Renewal, Rotation

from local.aws.calls import Call
from tests.support.application import Asked, DemoApplications
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer

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
    asked: str  # the path of the last request

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.settings: dict[str, Any] = {}  # of every execution environment
        self.browser = Browser(self.send, deployment.issuer)
        applications = DemoApplications(self.send, deployment.issuer)
        self.web_app, self.mobile_app, self.service = (
            applications.web_app,
            applications.mobile_app,
            applications.service,
        )

    def send(self, method: str, url: str, headers: Any = None, body: bytes = b"") -> Answer:
        """The port Send. Unlike the deployment's own it hands on a 503, which is what an outage should become."""
        event = self.deployment.event(method, url, headers, body)
        self.asked = str(event["rawPath"])
        return self.deployment.invoke(event)

    def restart(self) -> None:
        """The execution environment is gone, the tables are there."""
        self.deployment.restart(**self.settings)

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

    def issued_with_claims(self) -> Tokens:
        """A code for claims of every kind: by scope, singly, in the ID token, and roles."""

        def prepare() -> Tokens:
            self.signed_in()
            web_app = self.deployment.client(self.web_app.client_id)
            self.deployment.change_client(
                web_app.client_id,
                scope=web_app.scope | {"roles"},
                id_token_claims=frozenset({"profile", "roles"}),
                roles=frozenset({"user"}),
                roles_claim="groups",
            )
            claims = '{"userinfo": {"email": null, "groups": null}, "id_token": {"email": {"essential": true}}}'
            asked = self.web_app.ask(scope="openid profile roles offline_access", claims=claims)
            answer = self.browser.decide(self.browser.open(asked.url))
            return Tokens(asked, answer.answered["code"], self.browser.cookies)

        return self._john_has(self.deployment.prepared("issued with claims", prepare))

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
        server.registry.policy()
        server.providers.providers()
        if server.settings.has_unknown_clients:
            server.registry.hosts()
        if server.nonces is not None:
            server.nonces.current(self.deployment.issuer, server.clock())
        for client_id in ("web_app_123", "mobile_app", "api_service_789", "tv_demo"):
            client = server.registry.find_client(client_id)
            assert client is not None
            exp = int(server.clock()) + server.settings.access_token_lifetime
            server.status_indices.allot(client_id, exp, client.epoch)

    def rotate_behind_its_back(self, refresh_token: str) -> None:
        """Another request, in another execution environment, is faster."""
        grant, now = self._grant_of(refresh_token), self.deployment.clock.now
        rival = Rotation(
            presented_digest=grant.refresh_digest,
            refresh_digest=b"r" * 32,
            retry_key=b"k" * 32,
            rotated_at_ms=int(now * 1000),
            live=grant.live,
            idle_expires_at=grant.idle_expires_at,
            expires_at=grant.expires_at,
        )
        assert self.deployment.server.grants.rotate(grant, rival, now) == Done()

    def renew_behind_its_back(self, refresh_token: str) -> None:
        """Another request, in another execution environment, is faster."""
        grant = self._grant_of(refresh_token)
        rival = Renewal(grant.refresh_digest, grant.live, grant.idle_expires_at, grant.expires_at)
        assert self.deployment.server.grants.renew(grant, rival, self.deployment.clock.now) == Done()

    def _grant_of(self, refresh_token: str) -> Grant:
        token = parse_refresh_token(refresh_token)
        assert token is not None
        grant = self.deployment.server.grants.find(token.grant_id)
        assert grant is not None
        return grant

    def _john_has(self, tokens: Tokens) -> Tokens:
        self.john = tokens
        self.browser.cookies = dict(tokens.cookies)
        return tokens
