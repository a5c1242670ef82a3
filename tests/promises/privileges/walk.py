"""A walk through everything that Valet does, so that each function makes each of its AWS calls.

Nothing is remembered from one request to the next: every function starts cold, as it may at any time, and reads for
itself what another one's process would have remembered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from valet.aws.dynamodb.accounts import DynamoUsers, item_of_account
from valet.aws.dynamodb.factors import DynamoFactors
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.table import Table
from valet.jose.compact import decode
from valet.models.accounts import Identifier
from valet.models.mails import JOIN, NOTICE, Letter
from valet.models.policy import Policy
from valet.models.sign_outs import SignOut
from valet.outbound.asking import Answer as ProvidersAnswer
from valet.people import totp
from valet.protocol.supported import DEVICE_CODE

from local.aws.ses import Mail
from local.stack import LocalStack
from tests.conftest import MovableClock
from tests.endpoints import PATHS
from tests.promises.privileges.strangers import walk_strangers
from tests.support.application import Application, DemoApplications
from tests.support.authenticator import UP, SoftPasskey
from tests.support.browser import Browser, filled_in, form_of, forms_of, passkey_form_of
from tests.support.federation import asked_of, brought_back, button_of, callback, put_provider
from tests.support.key_client import key_application
from tests.support.key_holder import KeyHolder
from tests.support.passkeys import answer_of, use
from tests.support.post import code_of, link_of
from tests.support.providers import FakeProvider
from tests.support.second_factors import codes_on, type_code
from tests.support.wire import Answer, over_http

_NEW = "several words in a row"


@dataclass
class Walk:
    """The people and the clients of the demo data, at work."""

    stack: LocalStack
    clock: MovableClock

    def __post_init__(self) -> None:
        applications = DemoApplications(self.send, self.stack.issuer)
        self.web_app, self.legacy_app = applications.web_app, applications.legacy_app
        self.mobile_app, self.service = applications.mobile_app, applications.service
        self.spa = replace(applications.spa, headers={"origin": self.stack.issuer})

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """The port Send, to functions that start cold."""
        from valet.server import SERVER

        self.stack.forget(clock=self.clock, settings=SERVER.settings)
        return over_http(method, url, headers, body)

    @property
    def issuer(self) -> str:
        return self.stack.issuer

    def everything(self) -> None:
        self.discover()
        self.protected_calls()
        self.front_channel()
        self.pushed_requests()
        self.devices()
        self.tokens()
        self.bound_tokens()
        self.told_about_tokens()
        self.reference_tokens()
        self.revocations()
        self.logouts()
        self.own_sign_in()
        self.account_page()
        self.passkeys()
        self.second_factors()
        self.status_lists()
        self.assertions()
        self.sign_outs()
        self.mails()
        self.joining()
        self.recovering()
        self.undoing()
        self.federation()
        walk_strangers(self)
        self.rotations()

    # -- documents and preflights --------------------------------------------------------------------------------------

    def discover(self) -> None:
        for path in ("openid-configuration", "oauth-authorization-server", "jwks.json"):
            assert self._get(f"/.well-known/{path}").status == 200
        for path in PATHS:
            preflight = {"origin": self.stack.issuer, "access-control-request-method": "POST"}
            assert self.send("OPTIONS", self.stack.issuer + path, preflight).status == 204
            assert self.send("PATCH", self.stack.issuer + path, preflight).status == 405

    def status_lists(self) -> None:
        for url in self._get("/status-lists").json()["status_lists"]:
            assert self.send("GET", url).status == 200
        assert self._get("/status-lists/nothing").status == 404

    # -- people --------------------------------------------------------------------------------------------------------

    def front_channel(self) -> None:
        browser = Browser(self.send, self.stack.issuer)
        asked = self.web_app.ask(prompt="login", max_age="10", login_hint="john")
        sign_in = browser.open(asked.url)
        assert browser.sign_in(sign_in, password="wrong").status == 401
        consent = browser.sign_in(sign_in)
        denied = browser.decide(consent, "deny")
        assert denied.answered["error"] == "access_denied"
        tokens = self.sign_in(self.web_app, browser)
        # Remembered: no page any more; by POST, and with a hint.
        assert "code" in browser.open(self.web_app.ask().url).answered
        hinted = self.web_app.ask(id_token_hint=tokens["id_token"])
        assert "code" in browser.open(hinted.url).answered
        posted = browser.post_from_another_site(f"{self.stack.issuer}/authorize", self.web_app.ask().parameters)
        assert "code" in browser.follow(posted).answered
        assert browser.open(self.mobile_app.ask(prompt="none").url).answered["error"] == "consent_required"
        # A session that is used lives longer: either function may be the one that sees to it.
        self.clock.advance(400)
        consent = browser.open(self.mobile_app.ask().url)
        self.clock.advance(400)
        assert "code" in browser.decide(consent).answered
        # Again in a browser that is known by now, whose own count is forgotten; then somebody else in it.
        browser.sign_in(browser.open(self.web_app.ask(prompt="login").url), "john")
        ending = self.sign_in(self.web_app, browser, scope="openid profile")  # ends with John's session
        self.web_app.revoke(ending["refresh_token"])  # so that its bits are set a second time
        self.clock.advance(1)
        other = browser.open(self.web_app.ask(prompt="login").url)
        browser.sign_in(other, "jane")
        for _ in range(12):
            last = Browser(self.send, self.stack.issuer)
            refused = last.sign_in(last.open(self.web_app.ask().url), password="wrong")
        assert refused.status == 429

    def pushed_requests(self) -> None:
        browser = Browser(self.send, self.stack.issuer)
        hint = self.sign_in(self.web_app, browser)["id_token"]
        pushed, asked = self.web_app.push(id_token_hint=hint)
        assert pushed.status == 201
        assert "code" in browser.open(asked.url).answered
        assert browser.open(asked.url).status == 400  # used

    def devices(self) -> None:
        """One is allowed what it asks, one is not; and a link to a third is opened before anybody has signed in."""
        tv, browser = Application(self.send, self.issuer, "tv_demo"), Browser(self.send, self.issuer)
        asked = [tv.post("/device_authorization", scope="openid items").json() for _ in range(3)]
        browser.sign_in(browser.open(asked[2]["verification_uri_complete"]), "jane")
        self.clock.advance(400)  # the session is prolonged
        for codes, decision in zip(asked, ("allow", "deny"), strict=False):
            page = browser.post(*filled_in(browser.get("/device"), user_code=codes["user_code"]))
            assert browser.post(*filled_in(page, "decision", decision)).status == 200
        assert browser.post(*filled_in(browser.get("/device"), user_code="BBBBBBBB")).status == 400
        polled = [tv.token(grant_type=DEVICE_CODE, device_code=codes["device_code"]) for codes in asked]
        assert [each.status for each in polled] == [200, 400, 400]

    def sign_in(self, application: Application, browser: Browser | None = None, **asked: str) -> dict[str, Any]:
        """A person's tokens."""
        browser = browser or Browser(self.send, self.stack.issuer)
        wanted = application.ask(**asked)
        page = browser.open(wanted.url)
        if page.is_page and "password" in form_of(page).names:
            page = browser.sign_in(page, "jane")
        if page.is_page:
            page = browser.decide(page)
        answer = application.redeem(page.answered["code"], wanted.code_verifier)
        assert answer.status == 200, answer
        tokens: dict[str, Any] = answer.json()
        return {**tokens, "code": page.answered["code"], "code_verifier": wanted.code_verifier}

    # -- tokens --------------------------------------------------------------------------------------------------------

    def tokens(self) -> None:
        assert self.service.client_credentials(scope="admin").status == 200
        assert self.service.client_credentials(scope="nothing").status == 400
        assert replace(self.service, secret="wrong").client_credentials().status == 401
        for application in (self.web_app, self.legacy_app, self.mobile_app, self.spa):
            first = self.sign_in(application)
            second = application.refresh(first["refresh_token"]).json()
            retried = application.refresh(first["refresh_token"]).json()
            assert retried["refresh_token"] == second["refresh_token"]
            third = application.refresh(second["refresh_token"], scope="openid").json()
            assert application.refresh(first["refresh_token"]).error == "invalid_grant"  # theft: all of it ends
            assert application.refresh(third["refresh_token"]).error == "invalid_grant"
        self.renewals()
        first = self.sign_in(self.web_app)
        self.clock.advance(30)
        replayed = self.web_app.redeem(first["code"], first["code_verifier"])
        assert replayed.error == "invalid_grant"
        assert self.web_app.refresh(first["refresh_token"]).error == "invalid_grant"
        assert self.web_app.refresh("vr1.x.y.z").error == "invalid_grant"

    def reference_tokens(self) -> None:
        from valet.server import SERVER

        registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
        api = DynamoRegistry(registry, self.clock).scopes().apis[f"{self.issuer}/api"]
        Registrar(registry).put_api(replace(api, access_token_format="reference"))
        token = self.sign_in(self.web_app)["access_token"]
        assert self.service.introspect(token).json()["active"] is True
        assert self.web_app.userinfo(token).status == 200
        assert self.web_app.revoke(token).status == 200
        assert self.service.introspect(token).json() == {"active": False}
        Registrar(registry).put_api(api)

    def renewals(self) -> None:
        from valet.server import SERVER

        registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
        before = DynamoRegistry(registry, self.clock).find_client(self.web_app.client_id)
        assert before is not None
        Registrar(registry).put_client(replace(before, refresh_token_rotation=False))
        kept = self.sign_in(self.web_app)["refresh_token"]
        for _ in range(2):
            answer = self.web_app.refresh(kept)
            assert answer.status == 200
            assert "refresh_token" not in answer.json()
        Registrar(registry).put_client(before)

    def bound_tokens(self) -> None:
        holder = KeyHolder(self)
        nonce = holder.of(self.service).client_credentials().headers["dpop-nonce"]
        assert holder.of(self.service, nonce=nonce).client_credentials().status == 200
        assert holder.of(self.mobile_app, "/par", nonce=nonce).push()[0].status == 201
        proven = holder.of(self.mobile_app, nonce=nonce)
        tokens = self.sign_in(proven, scope="openid offline_access")
        assert holder.userinfo(self.mobile_app, tokens["access_token"]).status == 200
        assert holder.of(self.mobile_app, nonce=nonce).refresh(tokens["refresh_token"]).status == 200

    def told_about_tokens(self) -> None:
        tokens = self.sign_in(self.web_app)
        for token in (tokens["access_token"], tokens["refresh_token"]):
            assert self.web_app.introspect(token).json()["active"]
        assert not self.service.introspect(tokens["refresh_token"]).json()["active"]
        assert not self.web_app.introspect("no token").json()["active"]
        assert self.web_app.userinfo(tokens["access_token"]).status == 200
        singly = self.sign_in(self.web_app, scope="openid", claims='{"userinfo": {"email": null}}')
        assert "email" in self.web_app.userinfo(singly["access_token"]).json()
        assert self.spa.userinfo("unknown").status == 401
        assert self.spa.send("GET", f"{self.stack.issuer}/userinfo", self.spa.headers).status == 401

    def revocations(self) -> None:
        tokens = self.sign_in(self.web_app)
        assert self.web_app.revoke(tokens["access_token"]).status == 200
        assert self.web_app.revoke(tokens["refresh_token"]).status == 200
        assert self.web_app.revoke("no token").status == 200

    def logouts(self) -> None:
        browser = Browser(self.send, self.stack.issuer)
        tokens = self.sign_in(self.web_app, browser, scope="openid profile")
        asks = browser.open(f"{self.stack.issuer}/logout?client_id=web_app_123")
        assert browser.decide(asks, "stay").status == 200
        self.web_app.revoke(tokens["refresh_token"])  # so that its bits are set a second time
        hint = f"{self.stack.issuer}/logout?id_token_hint={tokens['id_token']}"
        assert browser.open(hint).status == 200
        assert self.web_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
        assert browser.open(hint).status == 200

    def own_sign_in(self) -> None:
        """Of Jim: a new password."""
        browser = Browser(self.send, self.stack.issuer)
        page = browser.sign_in(browser.open("/account/password"), "jim")
        assert browser.post(*filled_in(page, new_password=_NEW)).status == 200

    def passkeys(self) -> None:
        """Made, used, named, removed; each at a page that is a second younger than the one before."""
        browser = Browser(self.send, self.stack.issuer)
        self.clock.advance(400)  # so that the session is prolonged
        page = browser.sign_in(browser.open("/account/passkeys"))
        self.clock.advance(310)
        assert browser.get("/account/passkeys").status == 303
        page = browser.sign_in(browser.open("/account/passkeys"))
        form = passkey_form_of(self._proven(browser, page))
        made = SoftPasskey("localhost", decode(form.data["user-handle"].encode()))
        filled = {**form.hidden, **made.made(self.stack.issuer, form.data["challenge"])}
        assert browser.post("/account/passkeys", filled).status == 200
        self.clock.advance(1)
        asks = browser.open("/account/passkeys")
        self.clock.advance(1)
        refused = Browser(self.send, self.stack.issuer)
        of_an_app = answer_of(refused.open(self.web_app.ask().url), made.but(flags=UP), self.stack.issuer)
        assert refused.post("/login/passkey", of_an_app).status == 401
        page = browser.follow(use(browser, asks, made))
        self._doubt("demo-john")
        doubted = browser.get("/account/passkeys")
        assert browser.post(*filled_in(doubted, "do", "reviewed")).status == 303
        assert browser.post(*filled_in(page, "do", "rename", name="Phone")).status == 303
        assert browser.post(*filled_in(page, "do", "remove", lost="yes")).status == 303
        assert browser.open("/account").status == 200

    def second_factors(self) -> None:
        """Jane adds an app, signs in with it, is remembered, uses a recovery code, and removes it."""
        from valet.server import SERVER

        Registrar(Table(SERVER.dynamodb, SERVER.settings.registry_table)).put_policy(Policy(remember_device=30))
        browser = Browser(self.send, self.stack.issuer)
        page = self._proven(browser, browser.sign_in(browser.open("/account/second"), "jane"))
        seed = totp.seed_from_base32(form_of(page).hidden["seed"])
        page = browser.submit(page, code=self._code(seed))
        codes = codes_on(page)
        page = browser.open("/account/second")
        assert browser.get("/login/second?request=" + form_of(page).hidden["request"]).status == 200
        assert type_code(browser, page, "000000").status == 401
        page = browser.follow(type_code(browser, page, self._code(seed), remember="yes"))
        action, form = filled_in(page)
        answer = browser.post(action, {**form, "code": self._code(totp.seed_from_base32(form["seed"]))})
        assert answer.status == 200
        seed = self._seed_of("demo-jane")
        self.clock.advance(400)
        page = browser.sign_in(browser.open("/account/second"), "jane")  # a browser that is known
        page = browser.follow(type_code(browser, page, self._code(seed), remember="yes"))
        assert browser.post(*filled_in(page, "do", "remove")).status == 303
        page = self._proven(browser, browser.open("/account/second"))
        page = browser.submit(page, code=self._code(totp.seed_from_base32(form_of(page).hidden["seed"])))
        seed = self._seed_of("demo-jane")
        other = Browser(self.send, self.stack.issuer)
        page = other.sign_in(other.open("/account/recovery"), "jane")
        page = other.follow(type_code(other, page, codes[0]))
        assert codes_on(other.submit(page))
        self.clock.advance(30)
        page = other.sign_in(other.open(self.web_app.ask(prompt="login").url), "jane")
        other.follow(type_code(other, page, self._code(seed), remember="yes"))
        self.clock.advance(1)
        other.sign_in(other.open(self.web_app.ask(prompt="login").url), "jane")  # remembered
        # The rest of the walk signs her in by her password: an operator has reset it.
        users = Table(SERVER.dynamodb, SERVER.settings.users_table)
        users.update("account#demo-jane", "account", "REMOVE #totp_id", {}, "attribute_exists(#pk)")

    def _proven(self, browser: Browser, page: Answer) -> Answer:
        """The section's page after the code by mail, which the first means costs."""
        asked = browser.post(*filled_in(page, "do", "send_code"))
        return browser.post(*filled_in(asked, "do", "enter_code", code=code_of(self._mail())))

    def _code(self, seed: bytes) -> str:
        """The code that an app shows, a step later than any before."""
        self.clock.advance(totp.STEP)
        return totp.code_at(seed, int(self.clock()) // totp.STEP)

    def _seed_of(self, sub: str) -> bytes:
        from valet.server import SERVER

        account = SERVER.accounts.find_account(sub)
        assert account is not None
        factor = DynamoFactors(Table(SERVER.dynamodb, SERVER.settings.users_table)).find_totp(sub, account.totp_id)
        assert factor is not None
        return SERVER.sealing.open("second-factor", sub, factor.sealed_seed)

    def _doubt(self, sub: str) -> None:
        """As if a mail had given back the password."""
        from valet.server import SERVER

        users = Table(SERVER.dynamodb, SERVER.settings.users_table)
        values = {":one": 1, ":none": 0}
        users.update(
            f"account#{sub}",
            "account",
            "SET #recovered_at = :one, #epoch = if_not_exists(#epoch, :none)",
            values,
            "attribute_exists(#pk)",
        )

    def account_page(self) -> None:
        browser = Browser(self.send, self.stack.issuer)
        assert browser.sign_in(browser.open("/account"), "jim", _NEW).status == 200
        self.clock.advance(400)  # so that the session is prolonged
        assert browser.get("/account").status == 200
        tokens = self.sign_in(self.web_app, browser)
        for section in ("overview", "sessions", "profile", "apps"):
            assert browser.get(f"/account/{section}").status == 200
        everything = {"name": "Jim", "phone_number": "+14255550100", "locale": "en"}
        assert browser.post(*filled_in(browser.get("/account/profile"), **everything)).status == 303
        revoke = filled_in(browser.get("/account/apps"), "revoke")
        for _ in range(2):  # so that its bits are set a second time
            assert browser.post(*revoke).status == 303
        assert self.web_app.refresh(tokens["refresh_token"]).error == "invalid_grant"
        self.sign_in(self.web_app, browser, scope="openid profile")  # ends with the session
        assert browser.post(*filled_in(browser.get("/account/sessions"), "end")).status == 303
        browser.sign_in(browser.open("/account"), "jim", _NEW)
        assert browser.post(*filled_in(browser.get("/account/download"))).status == 200
        assert browser.post(*filled_in(browser.get("/account/delete"), confirm="jim")).status == 303
        assert browser.get("/account/delete").status == 200

    # -- other providers -----------------------------------------------------------------------------------------------

    def federation(self) -> None:
        """People come with two providers: as newcomers, by a link, by their address; link, and remove what they linked.
        Some find that another request was faster.
        """
        from valet.server import SERVER

        registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
        one, other = (FakeProvider("oidc", self.clock, creates=True, links="verified") for _ in range(2))
        other.claims |= {"email_verified": False}
        for idp in (one, other):
            put_provider(registry, SERVER.sealing, idp, domains=frozenset({"corp.example"}))

        def ask(url: str, **asked: Any) -> ProvidersAnswer:
            return (one if url.startswith(f"{one.host}/") else other).ask(url, **asked)

        with patch("valet.outbound.guarded.ask", ask):
            self.newcomers(one, other)
            self.links(one, other)
        for idp in (one, other):
            registry.delete("providers", idp.provider.provider_id)

    def newcomers(self, one: FakeProvider, other: FakeProvider) -> None:
        names, links = "valet.aws.dynamodb.accounts.DynamoUsers", "valet.aws.dynamodb.links.DynamoLinks"
        page = Browser(self.send, self.stack.issuer).open(self.web_app.ask().url)
        assert "/federate/" in page.body
        one.claims |= {"given_name": "Ada", "family_name": "L", "locale": "en"}
        with patch(f"{links}.put_link", lambda *_: False):
            assert self.trip(one).status == 400
        with patch(f"{names}.take_identifier", lambda *_: False):
            self.trip(one)
        one.claims["sub"] = "somebody else"
        for _ in range(2):
            assert self.trip(one).location.endswith("by=upstream")
        assert self.trip(one, answer={"error": "access_denied"}).status == 303
        # By the address: John's account has neither passkey nor second factor.
        one.claims |= {"sub": "john there", "email": "john@corp.example"}
        users = DynamoUsers(self._users())
        john = users.find_account("demo-john")
        assert john is not None
        assert users.take_identifier("john@corp.example", Identifier("demo-john", "email", 1), 0)
        users.table.put(item_of_account(replace(john, email="john@corp.example")))
        with patch(f"{links}.name_link", lambda *_: False):
            assert self.trip(one).status == 400
        with patch(f"{links}.settle_link", lambda *_: False):
            assert self.trip(one).status == 400
        browser = Browser(self.send, self.stack.issuer)
        assert self.trip(one, browser).location.endswith("by=upstream")
        # The same answer once more, and a level that a provider alone may vouch for.
        self.clock.advance(1)
        url = brought_back(one, browser.get(button_of(browser.open(self.web_app.ask(prompt="login").url), one)))
        assert browser.get(url).location == browser.get(url).location
        essential = '{"id_token": {"acr": {"essential": true, "value": "urn:valet:acr:multi-factor"}}}'
        browser.open(self.web_app.ask(claims=essential).url)

    def links(self, one: FakeProvider, other: FakeProvider) -> None:
        """At the account page of somebody who has no address, so that no code is asked for."""
        browser = Browser(self.send, self.stack.issuer)
        page = browser.follow(self.trip(other, browser, "/account/providers"))
        one.claims |= {"sub": "her other identity", "email_verified": False}
        links = "valet.aws.dynamodb.links.DynamoLinks"
        for name in (f"{links}.name_link", f"{links}.settle_link", ""):
            sent = browser.post(*filled_in(browser.get("/account/providers"), "provider", one.provider.provider_id))
            page = browser.follow(browser.get(brought_back(one, browser.follow(sent))))
            with patch(name, lambda *_: False) if name else nullcontext():
                linked = browser.post(*filled_in(page, "do", "confirm"))
            assert linked.status == (400 if name else 303)
        assert browser.post(*filled_in(browser.get("/account/download"))).status == 200
        for lost in ({}, {"lost": "yes"}):
            page = browser.get("/account/providers")
            form = next(
                form for form in forms_of(page) if form.hidden.get("link", "").startswith(one.provider.provider_id)
            )
            assert browser.post(form.action, {**form.hidden, "do": "remove", **lost}).status == 303
            if not lost:
                sent = browser.post(*filled_in(browser.get("/account/providers"), "provider", one.provider.provider_id))
                page = browser.follow(browser.get(brought_back(one, browser.follow(sent))))
                browser.post(*filled_in(page, "do", "confirm"))

    def trip(
        self, idp: FakeProvider, browser: Browser | None = None, path: str = "", answer: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to what the browser brings back."""
        self.clock.advance(1)
        browser = browser or Browser(self.send, self.stack.issuer)
        sent = browser.get(button_of(browser.open(path or self.web_app.ask().url), idp))
        if answer is not None:
            return browser.get(callback(idp, {"state": asked_of(sent)["state"], **answer}))
        came_back = browser.get(brought_back(idp, sent))
        browser.follow(came_back)
        return came_back

    def _users(self) -> Table:
        from valet.server import SERVER

        return Table(SERVER.dynamodb, SERVER.settings.users_table)

    # -- clients with keys ---------------------------------------------------------------------------------------------

    def assertions(self) -> None:
        """The service has a key instead of its secret, and publishes it."""
        from valet.server import SERVER

        redirect_uri = "https://service.example.com/callback"
        service = key_application(self.service, self.clock, redirect_uri=redirect_uri, scope="admin")
        registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
        before = DynamoRegistry(registry, self.clock).find_client(service.client_id)
        assert before is not None
        after = replace(
            before,
            token_endpoint_auth_method="private_key_jwt",
            secret_digests=(),
            jwks_uri="https://service.example.com/jwks.json",
            grant_types=before.grant_types | {"authorization_code", DEVICE_CODE},
            redirect_uris=(redirect_uri,),
        )
        Registrar(registry).put_client(after)
        with patch("valet.outbound.guarded.get", lambda *_, **__: service.jwks.encode()):
            self.stack.invoke("fetch_client_keys", self._schedule("fetch_client_keys"))
        tokens = service.client_credentials()
        assert tokens.status == 200
        assert service.introspect("no token").status == 200
        assert service.revoke(tokens.json()["access_token"]).status == 200
        assert service.push()[0].status == 201
        assert service.post("/device_authorization").status == 200
        Registrar(registry).put_client(before)

    def protected_calls(self) -> None:
        token = self.service.client_credentials(scope="admin").json()["access_token"]
        bearer = {"authorization": f"Bearer {token}"}
        assert self.send("GET", f"{self.stack.issuer}/api/admin", bearer).status == 200
        assert self.send("GET", f"{self.stack.issuer}/api/profile", bearer).status == 403
        assert self.send("GET", f"{self.stack.issuer}/api/admin", {"authorization": "Bearer x"}).status == 401

    # -- queues --------------------------------------------------------------------------------------------------------

    def sign_outs(self) -> None:
        """Of a session and of an account, with clients that are told, and one that cannot be for a day."""
        from valet.server import SERVER

        registry = Table(SERVER.dynamodb, SERVER.settings.registry_table)
        before = DynamoRegistry(registry, self.clock).find_client(self.web_app.client_id)
        assert before is not None
        Registrar(registry).put_client(replace(before, backchannel_logout_uri="https://webapp.example.com/logged-out"))
        for status in (200, 500):
            with patch("valet.outbound.guarded.post", lambda *_, status=status, **__: status):
                browser = Browser(self.send, self.stack.issuer)
                tokens = self.sign_in(self.web_app, browser, scope="openid items")
                browser.get(f"/logout?id_token_hint={tokens['id_token']}")
                self._deliver(86_400)
        sub = "demo-jane"
        account = SERVER.accounts.find_account(sub)
        assert account is not None
        self.sign_in(self.web_app, Browser(self.send, self.stack.issuer))
        users = Table(SERVER.dynamodb, SERVER.settings.users_table)
        users.update(f"account#{sub}", "account", "ADD #epoch :one", {":one": 1})
        SERVER.sign_outs.send(SignOut(sub, self.stack.issuer, "operator", epoch=account.epoch))
        self._deliver(60)
        Registrar(registry).put_client(before)

    def mails(self) -> None:
        """To an address that nobody has, to one that an account has, and of a change that is never made."""
        from valet.server import SERVER

        self._deliver(60)  # the notices of what was done before
        self.stack.aws.mailbox.clear()
        letters, issuer, now_ms = SERVER.letters, self.stack.issuer, int(self.clock() * 1000)
        assert letters is not None
        for address in ("somebody@example.org", "john@example.com"):
            letters.send(Letter(JOIN, issuer, now_ms, address=address, client_id="web_app_123", key="5e" * 32))
        letters.send(Letter(NOTICE, issuer, now_ms, sub="demo-john", what="password.changed", mark="none"))
        self._deliver(60)
        assert {("john@example.com",), ("somebody@example.org",)} <= {mail.to for mail in self.stack.aws.mailbox.mails}

    def joining(self) -> None:
        """By a code and a password, by a link and a passkey; and too late by each of the two."""
        from valet.server import SERVER

        Registrar(Table(SERVER.dynamodb, SERVER.settings.registry_table)).put_policy(
            Policy(registration="on", sign_in_with="either")
        )
        assert self.web_app.push(prompt="create")[0].status == 201
        browser = Browser(self.send, self.issuer)
        sent = browser.submit(browser.open(self.web_app.ask(prompt="create").url), address="ada@example.org")
        assert browser.submit(sent, code="00000000").status == 400
        page = browser.submit(sent, code=code_of(self._mail()))
        action, hidden = forms_of(page)[0].action, forms_of(page)[0].hidden
        for _ in range(2):  # the second one is too late
            answer = browser.post(action, {**hidden, "name": "Ada", "new_password": _NEW})
            assert answer.location.endswith("&by=joined")
        assert "decision" in form_of(browser.follow(answer)).names
        assert self._by_passkey(browser, page).status == 303
        browser = Browser(self.send, self.issuer)
        browser.submit(browser.open("/join"), address="grace@example.org")
        assert browser.follow(self._by_passkey(browser, browser.open(link_of(self._mail())))).status == 200

    def _by_passkey(self, browser: Browser, page: Answer) -> Answer:
        form = passkey_form_of(page)
        made = SoftPasskey("localhost", decode(form.data["user-handle"].encode()))
        return browser.post(form.action, {**form.hidden, **made.made(self.issuer, form.data["challenge"])})

    def recovering(self) -> None:
        """Of John, who sets a new password; and of Grace, who has passkeys alone, and recovery codes."""
        from valet.server import SERVER

        browser = Browser(self.send, self.issuer)
        browser.submit(browser.open("/recover"), address="john@example.com")
        asked = browser.submit(browser.open(link_of(self._mail())), new_password="john's own new password")
        assert "password" in form_of(asked).names
        users = Table(SERVER.dynamodb, SERVER.settings.users_table)
        identifier = users.get("identifier#grace@example.org", "identifier")
        assert identifier is not None
        users.update(f"account#{identifier['sub']}", "account", "SET #recovery_id = :id", {":id": "codes"})
        browser.submit(browser.open("/recover"), address="grace@example.org")
        page = browser.open(link_of(self._mail()))
        assert "recovery" in browser.follow(browser.post(form_of(page).action, form_of(page).hidden)).body

    def undoing(self) -> None:
        """Of John, whose address somebody has changed; and who looks at what is left of a change that died half-way."""
        from valet.server import SERVER

        browser = Browser(self.send, self.issuer)
        page = browser.sign_in(browser.open("/account/email"), password="john's own new password")
        asked = browser.post(*filled_in(page, "do", "send", address="thief@example.org"))
        self._deliver(5)
        code = next(code_of(mail) for mail in self.stack.aws.mailbox.mails if mail.to == ("thief@example.org",))
        assert browser.post(*filled_in(asked, "do", "enter", code=code)).status == 200
        users = Table(SERVER.dynamodb, SERVER.settings.users_table)
        users.update("identifier#thief@example.org", "identifier", "SET #released_at = :one", {":one": 1})
        assert browser.get("/account/email").status == 200
        self._deliver(5)
        link = next(link_of(mail) for mail in self.stack.aws.mailbox.mails if mail.to == ("john@example.com",))
        elsewhere = Browser(self.send, self.issuer)
        assert elsewhere.post(*filled_in(elsewhere.get(link))).status == 200
        assert browser.open("/account").status == 200

    def _mail(self) -> Mail:
        """The newest mail, once what waits is sent."""
        self._deliver(5)
        return self.stack.aws.mailbox.mails[0]

    def _deliver(self, seconds: float) -> None:
        """Let time pass, and each function start cold for each message."""
        from valet.server import SERVER

        end = self.clock() + seconds
        while (due := self.stack.delivery.next_due()) is not None and due <= end:
            self.clock.advance(max(0.0, due - self.clock()))
            self.stack.forget(clock=self.clock, settings=SERVER.settings)
            self.stack.delivery.deliver()

    # -- keys ----------------------------------------------------------------------------------------------------------

    def rotations(self) -> None:
        """Announced, signing, retired, ended; and in an emergency."""
        schedule = self._schedule("rotate_keys")
        self.stack.invoke("rotate_keys", schedule)
        self.clock.advance(3 * 3600)
        self.stack.invoke("rotate_keys", {"rotate": "now"})
        self.clock.advance(3 * 3600)
        self.stack.invoke("rotate_keys", schedule)
        self.stack.invoke("rotate_keys", {"emergency": "current"})
        assert self.service.client_credentials().status == 200

    def _schedule(self, function: str) -> dict[str, Any]:
        """The event by which EventBridge invokes the function."""
        root = self.stack.system.functions["RotateKeysFunction"].folder.parents[1]
        event: dict[str, Any] = json.loads((root / f"events/{function}/schedule.json").read_text(encoding="utf-8"))
        return event

    def _get(self, path: str) -> Answer:
        return self.send("GET", self.stack.issuer + path)
