"""The files in events/: what each is answered with, and what stands in them for what only a running stack has.

The capitals in an event (ACCESS_TOKEN, CODE, HANDLE, ...) are what a reader fills in by hand; here a walk through a
running stack does it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

EVENTS = Path(__file__).resolve().parents[2] / "events"

# The status, and the error that the answer's JSON or the redirect names. events/authorizer has tests of its own.
ANSWERS: Mapping[str, str] = {
    "account/no_csrf_token": "400",
    "account/overview": "200",
    "account/sessions": "200",
    "account/signed_out": "303",
    "account/unknown_section": "404",
    "ask/begin": "303",
    "ask/form": "200",
    "ask/no_csrf_token": "400",
    "ask/nobody_may_join": "404",
    "authorize/begin": "303",
    "authorize/begin-signed_in": "303",
    "authorize/begin_by_post": "303",
    "authorize/implicit": "303 unsupported_response_type",
    "authorize/no_pkce": "303 invalid_request",
    "authorize/plain_pkce": "303 invalid_request",
    "authorize/prompt_none-signed_out": "303 login_required",
    "authorize/pushed": "303",
    "authorize/pushed-unknown": "400",
    "authorize/unknown_client": "400",
    "authorize/unregistered_redirect_uri": "400",
    "authorize/wrong_method": "405",
    "confirm/no_csrf_token": "400",
    "confirm/unknown_link": "400",
    "confirm/unknown_link-to_join": "400",
    "consent/allow": "303",
    "consent/deny": "303 access_denied",
    "consent/expired_request": "400",
    "consent/form": "200",
    "consent/no_csrf_token": "400",
    "demo_api/admin": "200",
    "demo_api/delete_item": "200",
    "demo_api/item": "200",
    "demo_api/items": "200",
    "demo_api/profile": "200",
    "demo_api/unknown_item": "404 no such item",
    "credentials/recovery-signed_out": "303",
    "credentials/second-signed_out": "303",
    "confirm/undo-old_link": "400",
    "credentials/email-signed_out": "303",
    "credentials/password-signed_out": "303",
    "credentials/providers-signed_out": "303",
    "credentials/without_a_domain": "404",
    "device/form": "200",
    "device/no_csrf_token": "400",
    "device/signed_out": "303",
    "device/unknown_code": "400",
    "device_authorization/ask": "200",
    "device_authorization/client_without_the_grant_type": "400 unauthorized_client",
    "device_authorization/get": "405 invalid_request",
    "device_authorization/scope_not_registered": "400 invalid_scope",
    "federate/callback-unknown_provider": "404",
    "federate/callback_by_post-unknown_provider": "404",
    "federate/unknown_provider": "404",
    "introspect/access_token": "200",
    "introspect/no_credentials": "401 invalid_client",
    "introspect/refresh_token": "200",
    "introspect/unknown_reference_token": "200",
    "introspect/unknown_token": "200",
    "jwks/get": "200",
    "jwks/head": "200",
    "login/expired_request": "400",
    "login/form": "200",
    "login/no_csrf_token": "400",
    "login/right_password": "303",
    "login/wrong_password": "401",
    "logout/allow": "200",
    "logout/id_token_hint": "303",
    "logout/signed_in": "200",
    "logout/signed_out": "200",
    "logout/unregistered_uri": "400",
    "metadata/authorization_server": "200",
    "metadata/openid_configuration": "200",
    "metadata/wrong_method": "405 invalid_request",
    "register/foreign_redirect_uri": "400 invalid_redirect_uri",
    "register/get": "405 invalid_request",
    "register/register": "201",
    "register/software_statement": "400 unapproved_software_statement",
    "par/get": "405 invalid_request",
    "par/no_pkce": "400 invalid_request",
    "par/public_client": "201",
    "par/push": "201",
    "par/request_uri": "400 invalid_request",
    "par/unregistered_redirect_uri": "400 invalid_request",
    "par/wrong_secret": "401 invalid_client",
    "passkey/no_passkey": "401",
    "revoke/access_token": "200",
    "revoke/refresh_token": "200",
    "revoke/unknown_token": "200",
    "revoke/wrong_secret": "401 invalid_client",
    "second/code_of_nobody": "303",
    "second/nobody_is_signed_in": "303",
    "status_list/aggregation": "200",
    "status_list/list": "200",
    "status_list/unknown": "404 not_found",
    "token/authorization_code": "200",
    "token/authorization_code-unknown": "400 invalid_grant",
    "token/authorization_code-wrong_verifier": "400 invalid_grant",
    "token/client_credentials": "200",
    "token/client_credentials-plain_text": "200",
    "token/device_code": "200",
    "token/device_code-pending": "400 authorization_pending",
    "token/device_code-unknown": "400 invalid_grant",
    "token/get": "405 invalid_request",
    "token/json_body": "400 invalid_request",
    "token/password_grant": "400 unsupported_grant_type",
    "token/preflight": "204",
    "token/preflight-foreign_origin": "204",
    "token/refresh_token": "200",
    "token/refresh_token-other_client": "400 invalid_grant",
    "token/repeated_parameter": "400 invalid_request",
    "token/scope_not_registered": "400 invalid_scope",
    "token/secret_twice": "400 invalid_request",
    "token/wrong_secret": "401 invalid_client",
    "userinfo/bad_token": "401 invalid_token",
    "userinfo/good_token": "200",
    "userinfo/no_token": "401",
}

_PLACEHOLDER = re.compile(
    r"\b(ACCESS_TOKEN|REFRESH_TOKEN|ID_TOKEN|CODE|DEVICE_CODE|HANDLE|BROWSER|SESSION|CSRF_TOKEN|LIST|REQUEST_URI)\b"
)
_CSRF_FIELD = re.compile(r'name="csrf_token" value="([^"]+)"')
_WEB_APP = ("web_app_123", "web_secret_456")
_CODE_VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def names(folder: str = "*") -> list[str]:
    """`token/client_credentials` and so on, of every file in `folder`."""
    return sorted(f"{path.parent.name}/{path.stem}" for path in EVENTS.glob(f"{folder}/*.json"))


def filled(name: str, issuer: str) -> dict[str, Any]:
    """The event, with what a browser and a client would have by now in the stack that runs at `issuer`."""
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    if _PLACEHOLDER.search(text):
        with httpx.Client(base_url=issuer) as browser:
            values = _walk(browser, name)
        text = _PLACEHOLDER.sub(lambda placeholder: values[placeholder[1]], text)
    event: dict[str, Any] = json.loads(text)
    return event


def summary(answer: Mapping[str, Any]) -> str:
    """An answer of a function, in the words of ANSWERS."""
    location = answer["headers"].get("Location", "")
    if location:
        error = parse_qs(urlsplit(location).query).get("error", [""])[0]
    elif "json" in _content_type(answer) and not answer.get("isBase64Encoded"):
        error = json.loads(answer["body"] or "{}").get("error", "")
    else:
        error = ""
    return f"{answer['statusCode']} {error}".rstrip()


def _content_type(answer: Mapping[str, Any]) -> str:
    return {name.lower(): str(value) for name, value in answer["headers"].items()}.get("content-type", "")


def _walk(browser: httpx.Client, name: str) -> dict[str, str]:
    """John signs in at web_app_123 and allows everything, as far as the event `name` wants it."""
    folder = name.partition("/")[0]
    if folder == "status_list":
        return {"LIST": browser.get("/status-lists").json()["status_lists"][0].rpartition("/")[2]}
    if name == "token/device_code-pending":
        return {"DEVICE_CODE": _asked(browser)["device_code"]}
    begin = json.loads((EVENTS / "authorize" / "begin.json").read_text(encoding="utf-8"))
    if name == "authorize/pushed":
        media_type = {"content-type": "application/x-www-form-urlencoded"}
        pushed = browser.post("/par", content=begin["rawQueryString"], headers=media_type, auth=_WEB_APP)
        return {"REQUEST_URI": pushed.json()["request_uri"]}
    to_login = browser.get(f"/authorize?{begin['rawQueryString']}").headers["Location"]
    form = browser.get(to_login)
    handle = parse_qs(urlsplit(to_login).query)["request"][0]
    values = {"HANDLE": handle, "BROWSER": browser.cookies["valet-browser"], "CSRF_TOKEN": _csrf_token(form)}
    if folder in ("ask", "confirm", "login", "passkey"):
        return values
    credentials = {"username": "john", "password": "password123"}
    signed_in = browser.post("/login", data={"request": handle, "csrf_token": values["CSRF_TOKEN"], **credentials})
    to_consent = browser.get(signed_in.headers["Location"]).headers["Location"]
    values |= {"SESSION": browser.cookies["valet-session"], "CSRF_TOKEN": _csrf_token(browser.get(to_consent))}
    if folder in ("authorize", "consent"):
        return values
    if folder == "device":
        return values | {"CSRF_TOKEN": _csrf_token(browser.get("/device"))}
    if name == "token/device_code":
        return values | {"DEVICE_CODE": _allowed_device(browser)}
    decision = {"request": handle, "csrf_token": values["CSRF_TOKEN"], "decision": "allow"}
    back = browser.post("/consent", data=decision).headers["Location"]
    values["CODE"] = parse_qs(urlsplit(back).query)["code"][0]
    if name.startswith("token/authorization_code"):
        return values
    exchange = {"grant_type": "authorization_code", "code": values["CODE"], "code_verifier": _CODE_VERIFIER}
    tokens = browser.post("/token", data=exchange, auth=_WEB_APP).json()
    values |= {each.upper(): tokens[each] for each in ("access_token", "refresh_token", "id_token")}
    if folder == "logout":
        values["CSRF_TOKEN"] = _csrf_token(browser.get("/logout"))
    return values


def _asked(device: httpx.Client) -> dict[str, str]:
    """The codes of a device that asks."""
    codes: dict[str, str] = device.post("/device_authorization", data={"client_id": "tv_demo"}).json()
    return codes


def _allowed_device(browser: httpx.Client) -> str:
    """The device code of one that the browser's person has allowed what it asked for."""
    codes, form = _asked(browser), {"csrf_token": _csrf_token(browser.get("/device"))}
    form["user_code"] = codes["user_code"]
    asked = browser.post("/device", data=form)
    browser.post("/device", data={**form, "csrf_token": _csrf_token(asked), "decision": "allow"})
    return codes["device_code"]


def _csrf_token(form: httpx.Response) -> str:
    field = _CSRF_FIELD.search(form.text)
    assert field, form.text
    return field[1]
