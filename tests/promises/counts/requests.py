"""Every kind of request that Valet answers, and what has to happen before it. Tests count its calls and make them
fail.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from valet.aws.dynamodb.client_keys import DynamoPublishedKeys
from valet.grant_types.pace import AT_ONCE, STEP
from valet.jose.compact import decode
from valet.models.client_keys import ClientKeys
from valet.models.mails import NOTICE, Letter
from valet.people.totp import STEP as STEP_OF_TOTP
from valet.people.totp import code_at, seed_from_base32
from valet.tokens.status_index import list_id_at

from local.aws.aws import FUNCTION
from local.aws.calls import Call
from tests.support.application import Application
from tests.support.authenticator import UP, SoftPasskey
from tests.support.browser import filled_in, form_of, passkey_form_of
from tests.support.key_client import KeyApplication, key_application
from tests.support.key_holder import KeyHolder
from tests.support.nonce_key import nonce_key
from tests.support.passkeys import answer_of, give_passkey, use
from tests.support.post import Post, code_of, link_of
from tests.support.second_factors import App, give_codes, give_totp, type_code
from tests.support.wire import Answer, Pairs, encoded
from tests.support.world import RIVAL, World, label

Request = Callable[[], Answer]

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
    world.deployment.clock.advance(60)
    return lambda: world.web_app.refresh(tokens.refresh_token)


def client_credentials_with_proof(world: World) -> Request:
    world.deployment.begin()
    holder = KeyHolder(world.deployment)
    return lambda: holder.of(world.service).client_credentials()


def code_with_proof(world: World) -> Request:
    tokens, holder = world.issued(), KeyHolder(world.deployment)
    return lambda: holder.of(world.web_app).redeem(tokens.code, tokens.asked.code_verifier)


def refresh_with_proof(world: World) -> Request:
    """Where every proof needs a nonce, and this one has it."""
    tokens, holder = world.redeemed(), KeyHolder(world.deployment)
    world.deployment.clock.advance(60)
    world.settings = {"dpop_nonces": "all", "nonce_key": nonce_key()}
    world.restart()
    nonces = world.deployment.server.nonces
    assert nonces is not None
    nonce = nonces.current(world.deployment.issuer, world.deployment.clock.now)
    return lambda: holder.of(world.web_app, nonce=nonce).refresh(tokens.refresh_token)


def userinfo_with_proof(world: World) -> Request:
    tokens, holder = world.issued(), KeyHolder(world.deployment)
    answer = holder.of(world.web_app).redeem(tokens.code, tokens.asked.code_verifier)
    access_token = str(answer.json()["access_token"])
    return lambda: holder.userinfo(world.web_app, access_token)


def refresh_soon(world: World) -> Request:
    """So soon after the token before that the two share a place in the status list."""
    tokens = world.redeemed()
    return lambda: world.web_app.refresh(tokens.refresh_token)


def refresh_too_often(world: World) -> Request:
    tokens = world.redeemed()
    ahead = {":ahead": int(world.deployment.clock.now) + AT_ONCE * STEP}
    world.deployment.table("Grants").update(f"grant#{tokens.grant_id}", "grant", "SET #paced_until = :ahead", ahead)
    return lambda: world.web_app.refresh(tokens.refresh_token)


def refresh_without_window(world: World) -> Request:
    """Of a client whose retry window is switched off."""
    tokens = world.redeemed()
    world.deployment.clock.advance(60)
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


def renew(world: World) -> Request:
    """Of a client that keeps its refresh token."""
    tokens = world.redeemed()
    world.deployment.clock.advance(60)
    world.deployment.change_client("web_app_123", refresh_token_rotation=False)
    return lambda: world.web_app.refresh(tokens.refresh_token)


def refresh_race_lost(world: World) -> Request:
    """Between our signature and our write, another request rotates the token."""
    tokens = world.redeemed()
    world.deployment.clock.advance(60)
    return _overtaken(world, tokens.refresh_token, world.rotate_behind_its_back)


def renew_race_lost(world: World) -> Request:
    """Between our signature and our write, another request renews the grant."""
    renew(world)
    return _overtaken(world, world.john.refresh_token, world.renew_behind_its_back)


def _overtaken(world: World, refresh_token: str, rival: Callable[[str], None]) -> Request:
    def request() -> Answer:
        overtaken: list[Call] = []

        def overtake(call: Call, forward: Callable[[], Any]) -> Any:
            if label(call) == "UpdateItem grant" and not overtaken:
                overtaken.append(call)
                me = FUNCTION.set(RIVAL)
                rival(refresh_token)
                FUNCTION.reset(me)
            return forward()

        with world.deployment.aws.intercept(overtake):
            return world.web_app.refresh(refresh_token)

    return request


def _with_key(world: World, application: Application, *, publishes: bool = False) -> KeyApplication:
    """The application with a key instead of its secret; every function knows it."""
    deployment = world.deployment
    found = key_application(application, deployment.clock)
    keys = {"jwks_uri": "https://client.example.com/jwks.json"} if publishes else {"jwks": found.jwks}
    deployment.change_client(found.client_id, token_endpoint_auth_method="private_key_jwt", secret_digests=(), **keys)
    if publishes:
        kept = ClientKeys(found.client_id, keys["jwks_uri"], found.jwks, int(deployment.clock.now))
        assert DynamoPublishedKeys(deployment.table("Registry")).save(kept)
    return found


def client_credentials_with_assertion(world: World) -> Request:
    world.deployment.begin()
    world.service = _with_key(world, world.service)
    return lambda: world.service.client_credentials()


def client_credentials_with_published_keys(world: World) -> Request:
    world.deployment.begin()
    world.service = _with_key(world, world.service, publishes=True)
    return lambda: world.service.client_credentials()


def code_with_assertion(world: World) -> Request:
    tokens = world.issued()
    world.web_app = _with_key(world, world.web_app)
    return lambda: world.redeem(tokens)


def refresh_with_assertion(world: World) -> Request:
    tokens = world.redeemed()
    world.deployment.clock.advance(60)
    world.web_app = _with_key(world, world.web_app)
    return lambda: world.web_app.refresh(tokens.refresh_token)


def revoke_with_assertion(world: World) -> Request:
    tokens = world.redeemed()
    world.web_app = _with_key(world, world.web_app)
    return lambda: world.web_app.revoke(tokens.access_tokens[0])


def introspect_with_assertion(world: World) -> Request:
    tokens = world.redeemed()
    world.web_app = _with_key(world, world.web_app)
    return lambda: world.web_app.introspect(tokens.refresh_token)


def revoke_refresh_token(world: World) -> Request:
    tokens = world.refreshed(2)
    return lambda: world.web_app.revoke(tokens.refresh_token)


def revoke_access_token(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.web_app.revoke(tokens.access_tokens[0])


def introspect_access_token(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.service.introspect(tokens.access_tokens[0])


def introspect_clients_own_token(world: World) -> Request:
    world.deployment.begin()
    token = world.service.client_credentials().json()["access_token"]
    return lambda: world.service.introspect(token)


def introspect_refresh_token(world: World) -> Request:
    tokens = world.redeemed()
    return lambda: world.web_app.introspect(tokens.refresh_token)


def code_with_claims(world: World) -> Request:
    """The client is told claims in the ID token: by its registration, and by the parameter `claims`."""
    tokens = world.issued_with_claims()
    return lambda: world.redeem(tokens)


def userinfo_with_claims(world: World) -> Request:
    tokens = world.issued_with_claims()
    access_token = world.redeem(tokens).json()["access_token"]
    return lambda: world.web_app.userinfo(access_token)


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
    """Back from the login, without a consent page."""
    world.redeemed()
    world.deployment.clock.advance(60)
    page = world.browser.open(world.web_app.ask(prompt="login").url)
    form = form_of(page)
    back = world.browser.post(form.action, {**form.hidden, "username": "john", "password": "password123"})
    return lambda: world.browser.get(back.location)


def push(world: World) -> Request:
    world.deployment.begin()
    return lambda: world.web_app.push()[0]


def push_with_assertion(world: World) -> Request:
    world.deployment.begin()
    world.web_app = _with_key(world, world.web_app)
    return lambda: world.web_app.push()[0]


def push_with_proof(world: World) -> Request:
    world.deployment.begin()
    holder = KeyHolder(world.deployment)
    return lambda: holder.of(world.web_app, "/par").push()[0]


def push_hinted(world: World) -> Request:
    hint = world.redeemed().id_token
    return lambda: world.web_app.push(id_token_hint=hint)[0]


def authorize_pushed(world: World) -> Request:
    """A first visit, of a browser that nobody is signed in at."""
    world.deployment.begin()
    world.browser.cookies = {}
    _, asked = world.web_app.push()
    return lambda: world.browser.get(asked.url)


def authorize_pushed_remembered(world: World) -> Request:
    world.redeemed()
    _, asked = world.web_app.push()
    return lambda: world.browser.get(asked.url)


def authorize_pushed_by_post(world: World) -> Request:
    world.deployment.begin()
    _, asked = world.web_app.push()
    form: Pairs = dict(parse_qsl(urlsplit(asked.url).query))
    return lambda: world.browser.post_from_another_site("/authorize", form)


def authorize_pushed_again(world: World) -> Request:
    """Of a request_uri that is used."""
    world.redeemed()
    _, asked = world.web_app.push()
    world.browser.get(asked.url)
    return lambda: world.browser.get(asked.url)


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


def passkey(world: World) -> Request:
    return _passkey(world)


def passkey_refused(world: World) -> Request:
    """The authenticator did not verify its user."""
    return _passkey(world, flags=UP)


def _passkey(world: World, **changes: Any) -> Request:
    world.deployment.begin()
    world.browser.cookies = {}
    made = give_passkey(world.deployment.table("Users"), "demo-john", "id.example.com")
    page = world.browser.open(world.web_app.ask().url)
    world.deployment.clock.advance(1)
    form = answer_of(page, made.but(**changes), world.deployment.issuer)
    return lambda: world.browser.post("/login/passkey", form)


NEW_PASSWORD = "several words in a row"


def password_page(world: World) -> Request:
    world.redeemed()
    return lambda: world.browser.get("/account/password")


def password_changed(world: World) -> Request:
    world.redeemed()
    return _account_form(world, "password", new_password=NEW_PASSWORD)


def password_refused(world: World) -> Request:
    """It is too short."""
    world.redeemed()
    return _account_form(world, "password", new_password="short")


NEW_ADDRESS = "new.john@example.org"


def email_page(world: World) -> Request:
    world.redeemed()
    Post(world.deployment)
    return lambda: world.browser.get("/account/email")


def email_code_sent(world: World) -> Request:
    world.redeemed()
    Post(world.deployment)
    return _account_form(world, "email", "do", "send", address=NEW_ADDRESS)


def email_changed(world: World) -> Request:
    world.redeemed()
    return _code_typed(world, "email", "send", "enter", address=NEW_ADDRESS)


def email_proven(world: World) -> Request:
    """The address that the account has."""
    world.redeemed()
    users = world.deployment.table("Users")
    users.update("account#demo-john", "account", "SET #email_verified = :no", {":no": False})
    users.update("identifier#john@example.com", "identifier", "SET #released_at = :one", {":one": 1})
    return _code_typed(world, "email", "send", "enter", address="john@example.com")


def first_means_sent(world: World) -> Request:
    world.redeemed()
    Post(world.deployment)
    return _account_form(world, "passkeys", "do", "send_code")


def first_means_proven(world: World) -> Request:
    world.redeemed()
    return _code_typed(world, "passkeys", "send_code", "enter_code")


def _code_typed(world: World, section: str, sends: str, enters: str, **fields: str) -> Request:
    """The code that a section has asked for, which may be sent several times."""
    post = Post(world.deployment)
    asked = _account_form(world, section, "do", sends, **fields)()
    post.deliver()
    sent = filled_in(asked, "do", enters, code=code_of(post.newest))
    return lambda: world.browser.post(*sent)


def first_passkey_added(world: World) -> Request:
    """After the code by mail, and with a notice."""
    page = first_means_proven(world)()
    return _passkey_added(world, page)


def undo_page(world: World) -> Request:
    """The link of a notice, in a browser that was here before."""
    link = _notice(world)
    return lambda: world.browser.get(link)


def undo(world: World) -> Request:
    """Of an account whose address is the same as before."""
    return _undone(world, _notice(world))


def undo_of_address(world: World) -> Request:
    """By the address before the change."""
    email_changed(world)()
    return _undone(world, _link_to(Post(world.deployment), "john@example.com"))


def _undone(world: World, link: str) -> Request:
    sent = filled_in(world.browser.get(link))
    return lambda: world.browser.post(*sent)


def _notice(world: World) -> str:
    """The link of a notice to John."""
    world.redeemed()
    post, now_ms = Post(world.deployment), int(world.deployment.clock.now * 1000)
    post.send(Letter(NOTICE, world.deployment.issuer, now_ms, sub="demo-john", what="recovery.used"))
    return _link_to(post, "john@example.com")


def _link_to(post: Post, address: str) -> str:
    post.deliver()
    return next(link_of(mail) for mail in post.mails if mail.to == (address,))


def passkeys_page(world: World) -> Request:
    """Of an end-user who has one."""
    at_passkeys(world)
    return lambda: world.browser.get("/account/passkeys")


def passkey_added(world: World) -> Request:
    """The first one, where there is no mail."""
    world.signed_in()
    return _passkey_added(world, world.browser.get("/account/passkeys"))


def _passkey_added(world: World, page: Answer) -> Request:
    form = passkey_form_of(page)
    made = SoftPasskey("id.example.com", decode(form.data["user-handle"].encode()))
    filled = {**form.hidden, **made.made(world.deployment.issuer, form.data["challenge"])}
    return lambda: world.browser.post("/account/passkeys", filled)


def passkey_removed(world: World) -> Request:
    sent = filled_in(at_passkeys(world), "do", "remove")
    return lambda: world.browser.post(*sent)


def at_passkeys(world: World) -> Answer:
    """John has signed in by his passkey, and is at the page with his passkeys."""
    world.deployment.begin()
    world.browser.cookies = {}
    made = give_passkey(world.deployment.table("Users"), "demo-john", "id.example.com")
    page = world.browser.open("/account/passkeys")
    world.deployment.clock.advance(1)
    return world.browser.follow(use(world.browser, page, made))


def at_code(world: World) -> tuple[Answer, App]:
    """John, who has a second factor, has typed his password, and is asked for a code."""
    world.deployment.begin()
    world.browser.cookies = {}
    app = give_totp(world.deployment, "demo-john")
    return world.browser.sign_in(world.browser.open(world.web_app.ask().url)), app


def second_page(world: World) -> Request:
    handle = form_of(at_code(world)[0]).hidden["request"]
    return lambda: world.browser.get(f"/login/second?request={handle}")


def second(world: World) -> Request:
    """In a browser that has not passed before."""
    page, app = at_code(world)
    return lambda: type_code(world.browser, page, app.code(world.deployment.clock.now))


def second_wrong(world: World) -> Request:
    page, app = at_code(world)
    return lambda: type_code(world.browser, page, app.wrong(world.deployment.clock.now))


def second_recovery(world: World) -> Request:
    page, _ = at_code(world)
    codes = give_codes(world.deployment, "demo-john")
    return lambda: type_code(world.browser, page, codes[0])


def authorize_half_way(world: World) -> Request:
    """Back from the password, of an account with a second factor."""
    world.deployment.begin()
    world.browser.cookies = {}
    give_totp(world.deployment, "demo-john")
    form = form_of(world.browser.open(world.web_app.ask().url))
    back = world.browser.post(form.action, {**form.hidden, "username": "john", "password": "password123"})
    return lambda: world.browser.get(back.location)


def authorize_stepped_up(world: World) -> Request:
    """Back from the second factor, without a consent page."""
    world.redeemed()
    world.deployment.clock.advance(60)
    app = give_totp(world.deployment, "demo-john")
    page = world.browser.open(world.web_app.ask().url)
    back = type_code(world.browser, page, app.code(world.deployment.clock.now))
    return lambda: world.browser.get(back.location)


def at_second(world: World, section: str = "second") -> Answer:
    """John has signed in with his second factor, and is at a section of the account page."""
    world.deployment.begin()
    world.browser.cookies = {}
    app = give_totp(world.deployment, "demo-john")
    give_codes(world.deployment, "demo-john")
    page = world.browser.sign_in(world.browser.open(f"/account/{section}"))
    return world.browser.follow(type_code(world.browser, page, app.code(world.deployment.clock.now)))


def second_section(world: World) -> Request:
    """Of an end-user who has a second factor."""
    at_second(world)
    return lambda: world.browser.get("/account/second")


def second_added(world: World) -> Request:
    """The first one, and the first recovery codes."""
    world.signed_in()
    action, form = filled_in(world.browser.get("/account/second"))
    code = code_at(seed_from_base32(form["seed"]), int(world.deployment.clock.now) // STEP_OF_TOTP)
    return lambda: world.browser.post(action, {**form, "code": code})


def second_removed(world: World) -> Request:
    sent = filled_in(at_second(world), "do", "remove")
    return lambda: world.browser.post(*sent)


def recovery_section(world: World) -> Request:
    at_second(world, "recovery")
    return lambda: world.browser.get("/account/recovery")


def recovery_made(world: World) -> Request:
    sent = filled_in(at_second(world, "recovery"))
    return lambda: world.browser.post(*sent)


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


def account_stranger(world: World) -> Request:
    """Of a browser that was here before, and in which nobody is signed in."""
    world.signed_in()
    del world.browser.cookies["__Host-valet-session"]
    return lambda: world.browser.get("/account")


def account_overview(world: World) -> Request:
    world.redeemed()
    return lambda: world.browser.get("/account")


def account_sessions(world: World) -> Request:
    world.redeemed()
    return lambda: world.browser.get("/account/sessions")


def account_apps(world: World) -> Request:
    world.redeemed()
    return lambda: world.browser.get("/account/apps")


def account_profile(world: World) -> Request:
    """A form that changes a claim."""
    world.redeemed()
    return _account_form(world, "profile", name="Johnny")


def account_end_session(world: World) -> Request:
    """Of this browser, by which one grant lives, with one access token."""
    world.redeemed("openid items")
    return _account_form(world, "sessions", "end")


def account_sign_out_everywhere(world: World) -> Request:
    """Out of one browser, and of one grant with one access token."""
    world.redeemed()
    return _account_form(world, "sessions", "end", "everywhere")


def account_revoke(world: World) -> Request:
    """One app with one grant."""
    world.redeemed()
    return _account_form(world, "apps", "revoke")


def account_download(world: World) -> Request:
    world.redeemed()
    return _account_form(world, "download")


def account_delete(world: World) -> Request:
    """With one browser, and one grant with one access token."""
    world.redeemed()
    return _account_form(world, "delete", confirm="john")


def account_deleted(world: World) -> Request:
    """The page after it, by which everything is looked at once more."""
    world.redeemed()
    _account_form(world, "delete", confirm="john")()
    return lambda: world.browser.get("/account/delete")


def _account_form(world: World, section: str, button: str = "", value: str = "", **fields: str) -> Request:
    """A form of the account page, which may be sent several times."""
    sent = filled_in(world.browser.get(f"/account/{section}"), button, value, **fields)
    cookies = dict(world.browser.cookies)

    def request() -> Answer:
        world.browser.cookies = dict(cookies)
        return world.browser.post(*sent)

    return request


def jwks(world: World) -> Request:
    world.deployment.begin()
    return lambda: world.send("GET", f"{world.deployment.issuer}/.well-known/jwks.json")


def metadata(world: World) -> Request:
    world.deployment.begin()
    return lambda: world.send("GET", f"{world.deployment.issuer}/.well-known/openid-configuration")


def status_list(world: World) -> Request:
    world.redeemed()
    exp = int(world.deployment.clock.now) + world.deployment.settings.access_token_lifetime
    return lambda: world.send("GET", f"/status-lists/{list_id_at(exp)}")


def status_lists(world: World) -> Request:
    world.redeemed()
    return lambda: world.send("GET", "/status-lists")
