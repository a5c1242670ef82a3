"""What people, clients, thieves and strangers send: each act is one HTTP request, as API Gateway hands it over."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from valet.front_channel.forms import csrf_token
from valet.handles import base64url

from tests.support.dpop_client import DpopClient

ISSUER = "https://issuer.example"
SESSION_COOKIE = "__Host-valet-session"
BROWSER_COOKIE = "__Host-valet-browser"
NO_PASSKEY = "__Host-valet-no-passkey"  # these people were offered one before, and want none
VERIFIER = "the-verifier-that-only-the-rightful-client-knows"
CHALLENGE = base64url(hashlib.sha256(VERIFIER.encode()).digest())
REDIRECT_URI = {
    "web": "https://web.example/callback",
    "strict": "https://strict.example/callback",
    "spa": "https://spa.example/",
    "app": "https://app.example/callback",
    "keeps": "https://keeps.example/callback",
}
CLIENT_SECRET = {
    client_id: f"{client_id}-secret-".ljust(43, "x") for client_id in ("web", "strict", "keeps", "service")
}
# The protected APIs and their own scopes.
FIRST, SECOND = f"{ISSUER}/api", "https://second.example"
APIS = {FIRST: frozenset({"items", "profile", "api_access", "admin"}), SECOND: frozenset({"orders"})}
# Ed25519 signs alike each time: a request that is made again is the same request.
KEYS = {name: DpopClient("Ed25519") for name in ("owner", "other", "thief")}
once = lru_cache(maxsize=4096)  # a walk sends the same request again and again


@dataclass(frozen=True)
class Act:
    """A request, and what its sender means by it."""

    # code | refresh | client_credentials | revoke | introspect | userinfo | logout | authorize | login | push, or what
    # an operator does: set-password | sign-out | revoke-client
    kind: str
    function: str  # or "operator"
    actor: str  # client | thief | stranger | end-user | operator
    event: Mapping[str, Any] = field(repr=False)
    client_id: str = ""
    token: str = ""  # what is presented: a code, a refresh token, an access token
    is_good: bool = True  # code: verifier and redirect_uri are the request's own
    scope: tuple[str, ...] | None = None
    resource: str = ""
    session: str = ""  # the cookie
    password: str = ""  # login: what is typed; set-password: the new one
    username: str = ""  # login, and an operator's command of an end-user
    browser: str = ""  # the browser's own cookie
    by: str = ""  # the way back from signing in: the kind of the proof that was left
    wants_sign_in: bool = False  # it asks for a sign-in that is newer than it
    pushed: str = ""  # authorize: the request_uri that is brought, or that the saved request is a copy of
    revokes: bool = False  # an operator's command that ends what was there before it
    jkt: str = ""  # the thumbprint of the key that signed its DPoP proof; empty: it has none
    proof: str = ""  # the proof itself: a request that has it again is a replay
    mail: str = ""  # the secret in the link of the mail that it comes by

    @property
    def is_command(self) -> bool:
        """Whether its one write on an account or a client ends what was there before it, or replaces a password."""
        return self.function == "operator" or self.kind in ("reset", "undo")

    def __str__(self) -> str:
        if self.by:
            return f"{self.actor} comes back by a {self.by}"
        if self.function in ("operator", "login"):
            return f"{self.actor} sends {self.kind} {self.username or self.client_id} {self.password}"
        return f"{self.actor} sends {self.kind} {self.token[:30]}{'' if self.is_good else ' (not as it was asked for)'}"


def event(
    method: str,
    path: str,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0; a form arrives in base64, as they all do."""
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"ANY {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "issuer.example", **(headers or {})},
        "requestContext": {
            "apiId": "api",
            "domainName": "issuer.example",
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
            "requestId": "request-1",
        },
        "isBase64Encoded": False,
    }
    if cookies:
        made["cookies"] = [f"{name}={value}" for name, value in {**cookies, NO_PASSKEY: "1"}.items()]
    if body is not None:
        made["headers"]["content-type"] = "application/x-www-form-urlencoded"
        made |= {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    return made


def client_post(path: str, client_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    """A form from a client, authenticated as it is registered."""
    headers = {}
    if client_id in CLIENT_SECRET:
        pair = f"{client_id}:{CLIENT_SECRET[client_id]}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form = {**form, "client_id": client_id}
    return event("POST", path, headers=headers, body=urlencode(form))


def cookies_set(answer: Mapping[str, Any]) -> dict[str, str]:
    """The cookies of an answer, an empty value for one that it deletes."""
    pairs = (cookie.partition(";")[0].partition("=") for cookie in answer.get("cookies", ()))
    return {name: value for name, _, value in pairs}


def apis_of(scope: str) -> tuple[str, ...]:
    """The APIs that the scope is for. A request for one leaves `resource` out, a request for two names both."""
    return tuple(api for api, names in APIS.items() if names.intersection(scope.split()))


def first_of_two(scope: str) -> str:
    """The `resource` of a token request: empty for a grant for one API."""
    return FIRST if len(apis_of(scope)) > 1 else ""


def _request(client_id: str, scope: str, dpop_jkt: str = "", also: str = "") -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI[client_id],
        "scope": scope,
        "state": "state",
        "nonce": "nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **({"dpop_jkt": dpop_jkt} if dpop_jkt else {}),
        **dict(parse_qsl(also)),
    }


@once
def authorize(
    client_id: str,
    session: str,
    scope: str,
    browser: str = "",
    *,
    actor: str = "client",
    dpop_jkt: str = "",
    also: str = "",
) -> Act:
    apis = apis_of(scope)
    parameters = _request(client_id, scope, dpop_jkt, also)
    query = urlencode((*parameters.items(), *(("resource", api) for api in apis if len(apis) > 1)))
    cookies = {SESSION_COOKIE: session} | ({BROWSER_COOKIE: browser} if browser else {})
    sent = event("GET", "/authorize", query, cookies=cookies)
    return Act("authorize", "authorize", actor, sent, client_id, session=session, wants_sign_in=bool(also))


def push(client_id: str, scope: str) -> Act:
    """The same request, pushed."""
    return Act(
        "push", "par", "client", client_post("/par", client_id, {**_request(client_id, scope), "client_id": client_id})
    )


@once
def visit(client_id: str, request_uri: str, browser: str, session: str, *, actor: str) -> Act:
    """A browser that brings a pushed request."""
    cookies = {BROWSER_COOKIE: browser} | ({SESSION_COOKIE: session} if session else {})
    query = urlencode({"client_id": client_id, "request_uri": request_uri})
    sent = event("GET", "/authorize", query, cookies=cookies)
    return Act("authorize", "authorize", actor, sent, token=request_uri, session=session, pushed=request_uri)


@once
def login(browser: str, handle: str, username: str, password: str, *, actor: str) -> Act:
    """The form of the sign-in page, filled in."""
    form = {"request": handle, "csrf_token": csrf_token(browser, handle), "username": username, "password": password}
    sent = event("POST", "/login", cookies={BROWSER_COOKIE: browser}, body=urlencode(form))
    return Act("login", "login", actor, sent, token=handle, password=password, username=username, browser=browser)


@once
def second(browser: str, handle: str, session: str, code: str, *, actor: str) -> Act:
    """The form of the page that asks for a second factor, filled in."""
    form = {"request": handle, "csrf_token": csrf_token(session, f"second\n{handle}"), "code": code}
    cookies = {BROWSER_COOKIE: browser, SESSION_COOKIE: session}
    sent = event("POST", "/login/second", cookies=cookies, body=urlencode(form))
    return Act("second", "second", actor, sent, token=handle, session=session, browser=browser)


def replace_second(username: str) -> Act:
    """What the end-user does at the account page, by its one write."""
    return Act("replace-second", "operator", "operator", {}, username=username)


@once
def resume(
    browser: str,
    handle: str,
    session: str,
    *,
    actor: str,
    pushed: str = "",
    by: str = "",
    wants_sign_in: bool = False,
) -> Act:
    """The way back from signing in: a session by the proof that was left, and a code where nobody has to be asked."""
    cookies = {BROWSER_COOKIE: browser} | ({SESSION_COOKIE: session} if session else {})
    query = {"resume": handle} | ({"by": by} if by else {})
    sent = event("GET", "/authorize", urlencode(query), cookies=cookies)
    return Act(
        "authorize",
        "authorize",
        actor,
        sent,
        token=handle,
        session=session,
        pushed=pushed,
        browser=browser,
        by=by,
        wants_sign_in=wants_sign_in,
    )


@once
def allow(browser: str, handle: str, session: str, scope: str, *, actor: str) -> Act:
    """The form of the consent page, sent with "allow"."""
    shown = f"{handle} {' '.join(sorted(scope.split()))}"
    form = {"request": handle, "csrf_token": csrf_token(session, shown), "decision": "allow"}
    cookies = {BROWSER_COOKIE: browser, SESSION_COOKIE: session}
    sent = event("POST", "/consent", cookies=cookies, body=urlencode(form))
    return Act("authorize", "consent", actor, sent, token=handle, session=session)


def set_password(username: str, password: str, *, revokes: bool) -> Act:
    return Act("set-password", "operator", "operator", {}, username=username, password=password, revokes=revokes)


def disable(username: str) -> Act:
    return Act("disable", "operator", "operator", {}, username=username, revokes=True)


def sign_out(username: str) -> Act:
    return Act("sign-out", "operator", "operator", {}, username=username, revokes=True)


def revoke_client(client_id: str) -> Act:
    return Act("revoke-client", "operator", "operator", {}, client_id, revokes=True)


def follow(method: str, url: str, cookies: Mapping[str, str], form: Mapping[str, str] | None = None) -> Act:
    """A browser on its way through the pages."""
    parts = urlsplit(url)
    body = urlencode(form) if form is not None else None
    sent = event(method, parts.path, parts.query, cookies=cookies, body=body)
    query, filled = dict(parse_qsl(parts.query)), form or {}
    return Act(
        "login" if "password" in filled else "authorize",
        parts.path[1:],
        "client",
        sent,
        session=cookies.get(SESSION_COOKIE, ""),
        browser=cookies.get(BROWSER_COOKIE, ""),
        token=filled.get("request", query.get("resume", "")),
        by=query.get("by", ""),
        username=filled.get("username", ""),
        password=filled.get("password", ""),
    )


@once
def redeem(
    client_id: str,
    code: str,
    *,
    actor: str = "client",
    verifier: str = VERIFIER,
    redirect_uri: str = "",
    resource: str = "",
) -> Act:
    good = redirect_uri or REDIRECT_URI[client_id]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": good}
    form |= {"resource": resource} if resource else {}
    is_good = verifier == VERIFIER and good == REDIRECT_URI[client_id]
    sent = client_post("/token", client_id, form)
    return Act("code", "token", actor, sent, client_id, code, is_good, resource=resource)


@once
def refresh(
    client_id: str, token: str, *, actor: str = "client", scope: tuple[str, ...] | None = None, resource: str = ""
) -> Act:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    if scope is not None:
        form["scope"] = " ".join(scope)
    form |= {"resource": resource} if resource else {}
    sent = client_post("/token", client_id, form)
    return Act("refresh", "token", actor, sent, client_id, token, scope=scope, resource=resource)


@once
def _proof(key: str, jti: str, iat: int, nonce: str | None = None, token: str = "") -> str:
    """For /token, or with an access token for /userinfo."""
    method, path = ("GET", "/userinfo") if token else ("POST", "/token")
    return KEYS[key].proof(method, ISSUER + path, token=token or None, jti=jti, iat=iat, nonce=nonce)


def proven(act: Act, key: str, jti: str, iat: float, nonce: str | None = None) -> Act:
    """The request to /token or /userinfo, with a DPoP proof by the key of that name."""
    headers = dict(act.event["headers"])
    if act.kind == "userinfo":
        headers["authorization"] = f"DPoP {act.token}"
    proof = _proof(key, jti, int(iat), nonce, act.token if act.kind == "userinfo" else "")
    sent = {**act.event, "headers": {**headers, "dpop": proof}}
    return replace(act, event=sent, jkt=KEYS[key].jkt, proof=proof)


def client_credentials() -> Act:
    sent = client_post("/token", "service", {"grant_type": "client_credentials", "scope": "admin"})
    return Act("client_credentials", "token", "client", sent, "service")


@once
def revoke(client_id: str, token: str, *, actor: str = "client") -> Act:
    return Act("revoke", "revoke", actor, client_post("/revoke", client_id, {"token": token}), client_id, token)


@once
def introspect(client_id: str, token: str) -> Act:
    sent = client_post("/introspect", client_id, {"token": token})
    return Act("introspect", "introspect", "client", sent, client_id, token)


@once
def userinfo(token: str) -> Act:
    sent = event("GET", "/userinfo", headers={"authorization": f"Bearer {token}"})
    return Act("userinfo", "userinfo", "client", sent, token=token)


@once
def logout(session: str, id_token: str) -> Act:
    """With a hint of this very session, so that nobody is asked."""
    sent = event("GET", "/logout", urlencode({"id_token_hint": id_token}), cookies={SESSION_COOKIE: session})
    return Act("logout", "logout", "client", sent, session=session)


@once
def log_out(browser: str, session: str, *, actor: str) -> Act:
    """The form of the logout page, sent with "Sign out"."""
    form = {"csrf_token": csrf_token(session, "logout"), "decision": "allow"}
    cookies = {BROWSER_COOKIE: browser, SESSION_COOKIE: session}
    sent = event("POST", "/logout", cookies=cookies, body=urlencode(form))
    return Act("logout", "logout", actor, sent, session=session, browser=browser)
