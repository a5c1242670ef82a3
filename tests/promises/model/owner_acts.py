"""What people send who come by a mail, or who are at their account: the forms of those pages, filled in."""

import json
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from valet.front_channel.forms import csrf_token
from valet.handles import base64url, digest
from valet.people.passkeys import ENROL, challenge

from tests.promises.model.acts import BROWSER_COOKIE, ISSUER, SESSION_COOKIE, Act, event
from tests.promises.model.owning import VOID
from tests.support.authenticator import SoftPasskey

_once = lru_cache(maxsize=4096)  # a walk sends the same request again and again
_PATHS = {"join": "/join/confirm", "recover": "/recover/confirm", "undo": "/undo"}
_RP_ID = "issuer.example"


def _by_mail(purpose: str, secret: str, browser: str, handle: str, **filled: str) -> dict[str, Any]:
    about = "\n".join(("link", purpose, digest(secret).hex(), handle))
    form = {"token": secret, "csrf_token": csrf_token(browser, about), **filled}
    form |= {"request": handle} if handle else {}
    return event("POST", _PATHS[purpose], cookies={BROWSER_COOKIE: browser}, body=urlencode(form))


@_once
def look(purpose: str, secret: str) -> Act:
    """The link, fetched by a program that looks for viruses, or by anybody."""
    return Act("look", "confirm", "stranger", event("GET", _PATHS[purpose], urlencode({"token": secret})), mail=secret)


@_once
def reset(browser: str, secret: str, password: str, *, actor: str) -> Act:
    sent = _by_mail("recover", secret, browser, "", new_password=password)
    return Act(
        "reset", "confirm", actor, sent, username="john", password=password, browser=browser, revokes=True, mail=secret
    )


@_once
def undo(browser: str, secret: str, address: str, *, actor: str) -> Act:
    sent = _by_mail("undo", secret, browser, "")
    return Act(
        "undo",
        "confirm",
        actor,
        sent,
        token=address,
        username="john",
        password=VOID,
        browser=browser,
        revokes=True,
        mail=secret,
    )


@_once
def join(browser: str, handle: str, secret: str, password: str, *, actor: str) -> Act:
    sent = _by_mail("join", secret, browser, handle, name="Ada", new_password=password)
    return Act("join", "confirm", actor, sent, token=handle, password=password, browser=browser, mail=secret)


@_once
def type_code(browser: str, handle: str, code: str, secret: str, *, actor: str) -> Act:
    """The code of a mail to set a new password by; `secret` is of that mail's link."""
    about = "\n".join(("code", "recover", handle))
    form = {"request": handle, "code": code, "csrf_token": csrf_token(browser, about)}
    sent = event("POST", _PATHS["recover"], cookies={BROWSER_COOKIE: browser}, body=urlencode(form))
    return Act("type-code", "confirm", actor, sent, token=handle, browser=browser, mail=secret)


def _at_account(section: str, session: str, about: tuple[str, ...], browser: str = "", **filled: str) -> dict[str, Any]:
    form = {"csrf_token": csrf_token(session, "\n".join(("account", section, *about))), **filled}
    cookies = {SESSION_COOKIE: session} | ({BROWSER_COOKIE: browser} if browser else {})
    return event("POST", f"/account/{section}", cookies=cookies, body=urlencode(form))


@_once
def change_address(session: str, code: str, *, actor: str) -> Act:
    """The code that went to the new address."""
    sent = _at_account("email", session, ("enter",), do="enter", code=code)
    return Act("change-address", "credentials", actor, sent, session=session)


@cache
def _passkey() -> SoftPasskey:
    key = Ed25519PrivateKey.from_private_bytes(sha256(b"a passkey").digest())
    return SoftPasskey(_RP_ID, sha256(b"a user handle").digest(), key, sha256(b"a credential id").digest())


@_once
def add_passkey(session: str, proof: str, issued_ms: int, *, actor: str) -> Act:
    """`proof`: the secret of a mail whose code was typed before."""
    made = _passkey()
    user_handle = base64url(made.user_handle)
    drawn = challenge(session, ENROL, digest(session).hex(), issued_ms)
    filled = {"new_user_handle": user_handle, "issued_ms": str(issued_ms), "first_means": proof}
    filled |= made.made(ISSUER, base64url(drawn))
    sent = _at_account("passkeys", session, ("add", user_handle, "", proof), **filled)
    return Act("add-passkey", "credentials", actor, sent, session=session, mail=proof)


@_once
def link(browser: str, handle: str, session: str, proof_id: str, first_means: str, *, actor: str) -> Act:
    """ "Yes, that is me at the other provider"."""
    about = ("confirm", handle, proof_id, first_means)
    filled = {"do": "confirm", "request": handle, "first_means": first_means}
    sent = _at_account("providers", session, about, browser, **filled)
    return Act("link", "credentials", actor, sent, session=session, mail=first_means)


@_once
def unlink(session: str, name: str, *, actor: str) -> Act:
    sent = _at_account("providers", session, ("remove", name), do="remove", link=name)
    return Act("unlink", "credentials", actor, sent, session=session)


@_once
def finish(body: str) -> Act:
    """A message of the queue SignOuts."""
    record = {"messageId": "1", "receiptHandle": "1", "body": body, "attributes": {"SentTimestamp": "1800000000000"}}
    return Act("finish", "finish", "queue", {"Records": [record]}, token=json.loads(body)["sub"])
