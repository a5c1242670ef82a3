"""People with passkeys, for tests that are about signing in with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from valet.aws.dynamodb.passkeys import DynamoPasskeys
from valet.aws.dynamodb.table import Table
from valet.models.passkeys import Passkey

from tests.support.authenticator import AAGUID, BE, BS, SoftPasskey
from tests.support.browser import Browser, passkey_form_of
from tests.support.deployment import API_ID, Deployment
from tests.support.wire import Answer


def at_own_name(deployment: Deployment) -> Browser:
    """A browser at the API's own domain name, where there are no passkeys: that name is not kept."""
    deployment.restart(issuer_url="", second_factor="off")
    host = f"{API_ID}.execute-api.eu-central-1.amazonaws.com"

    def send(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        event = deployment.event(method, url.removeprefix(f"https://{host}"), headers, body)
        event["requestContext"]["domainName"] = host
        return deployment.invoke(event)

    return Browser(send, f"https://{host}")


def give_passkey(users: Table, sub: str, rp_id: str, **changes: Any) -> SoftPasskey:
    """A passkey that the account names, as its enrolment leaves it."""
    account = users.get(f"account#{sub}", "account") or {}
    made = SoftPasskey(rp_id, account.get("user_handle") or os.urandom(32)).but(**changes)
    passkey = Passkey(
        sub=sub,
        credential_id=made.credential_id,
        public_key=made.public_key,
        sign_count=made.sign_count,
        challenge_ms=0,
        backup_eligible=bool(made.flags & BE),
        backed_up=bool(made.flags & BS),
        aaguid=AAGUID,
        name="Laptop",
    )
    assert DynamoPasskeys(users).add_passkey(made.digest, passkey)
    values = {":digest": {made.digest}, ":handle": made.user_handle}
    users.update(f"account#{sub}", "account", "SET #user_handle = :handle ADD #passkeys :digest", values)
    return made


def answer_of(page: Answer, passkey: SoftPasskey, issuer: str, **client_data: Any) -> dict[str, str]:
    """The form of a sign-in page, as the page's script fills it in."""
    form = passkey_form_of(page)
    return {**form.hidden, **passkey.signed(issuer, form.data["challenge"], **client_data)}


def use(browser: Browser, page: Answer, passkey: SoftPasskey) -> Answer:
    """The answer to the form, no redirect followed."""
    return browser.post("/login/passkey", answer_of(page, passkey, browser.issuer))
