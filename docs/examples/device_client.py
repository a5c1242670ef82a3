"""A command line signs a person in with a browser on any other device (RFC 8628). It needs the standard library alone.

python docs/examples/device_client.py http://127.0.0.1:3000 tv_demo
"""

import json
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


def ask(url: str, headers: dict[str, str] | None = None, **form: str) -> dict[str, Any]:
    """The JSON that is answered, an error as well; a form makes it a POST."""
    body = urlencode(form).encode() if form else None
    request = Request(url, body, headers or {})  # noqa: S310 - your own issuer, and what its metadata names
    members: dict[str, Any] = {}
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310
            return dict(json.load(answer))
    except HTTPError as refusal:
        with suppress(ValueError):
            members = json.load(refusal)
    except OSError:
        pass  # nothing came, or not in time: ask less often from now on (RFC 8628 §3.5)
    # A gateway in front of the server refuses in words of its own.
    return members if "error" in members else {"error": "temporarily_unavailable", "error_description": "No answer."}


def main(issuer: str, client_id: str) -> None:
    metadata = ask(f"{issuer}/.well-known/oauth-authorization-server")
    endpoint = metadata["device_authorization_endpoint"]
    asked = ask(endpoint, client_id=client_id, scope="openid profile offline_access")
    if "error" in asked:
        sys.exit(f"Not signed in: {asked['error_description']}")
    print(f"Open {asked['verification_uri']} and type {asked['user_code']}", flush=True)
    poll = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": asked["device_code"]}
    interval, waiting = asked.get("interval", 5), {"authorization_pending", "slow_down", "temporarily_unavailable"}
    answer = {"error": "authorization_pending"}
    while answer.get("error") in waiting:
        time.sleep(interval)
        answer = ask(metadata["token_endpoint"], client_id=client_id, **poll)
        interval += 0 if answer.get("error") in (None, "authorization_pending") else 5  # for good (RFC 8628 §3.5)
    if "error" in answer:  # access_denied if the person pressed Deny, expired_token after ten minutes
        sys.exit(f"Not signed in: {answer['error_description']}")
    person = ask(metadata["userinfo_endpoint"], {"Authorization": f"Bearer {answer['access_token']}"})
    print(f"Signed in as {person['preferred_username']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
